"""Runs a ``%%go`` cell: builds its library, loads it and binds its interfaces."""

from __future__ import annotations

import hashlib
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gobind import __version__
from gobind.contract.canonical import contract_text
from gobind.contract.types import Contract
from gobind.errors import BuildError
from gobind.runtime.library import Library, load
from gobind.runtime.process.platforms import own_suffix
from gobind.tool.builder import build as builder
from gobind.tool.builder.exclusive import exclusive
from gobind.tool.builder.report import Report
from gobind.tool.builder.toolchain import find_toolchain
from gobind.tool.generator.writer import write_atomically
from gobind.tool.library import build_contract, told_as_build_errors
from gobind.tool.notebook import cell as cells
from gobind.tool.notebook import declared, places
from gobind.tool.notebook.cell import CellText
from gobind.tool.notebook.probe import check_loads
from gobind.tool.notebook.reloads import Loaded, held

# What go says when go.mod does not have the modules of a cell's imports.
_UNKNOWN_MODULES = ("no required module provides package", "missing go.sum entry", "updates to go.mod needed")


class CellReport(Report):
    """Shows progress in the cell, which it removes in the end, and keeps go's messages.

    Attributes:
        said: what go said in a build that failed; None if none did.

    Args:
        task: what is shown to go on.
    """

    def __init__(self, show: Callable[[str], None], task: str) -> None:
        self._show = show
        self._task = task
        self.said: str | None = None

    def interval(self) -> float | None:
        """Returns the seconds between calls of `working`."""
        return 1.0

    def say(self, text: str) -> None:
        """Shows that the build waits for another: all else that it tells is over in a moment."""
        if text.startswith("waiting"):
            self._show(f"gobind: {text} ...")

    def working(self, task: str, seconds: float) -> None:
        """Shows the task."""
        self._show(f"gobind: {self._task} ... {seconds:.0f} s" if seconds else f"gobind: {self._task} ...")

    def finished(self) -> None:
        """Removes what was shown."""
        self._show("")

    def failure(self, summary: str, messages: str) -> BuildError:
        """Keeps the messages."""
        self.said = messages
        return BuildError(summary)


class GoCells:
    """The ``%%go`` cells of one process.

    Args:
        show: shows a line in the place of the last one; "" removes it.
        note: tells a line that stays.
    """

    def __init__(self, show: Callable[[str], None], note: Callable[[str], None]) -> None:
        self._show = show
        self._note = note
        self._files: set[tuple[int, int, int]] = set()  # identity and time of each file that has been loaded
        self._loaded: dict[str, Loaded] = {}  # by the names of the cell's interfaces
        self._imports: dict[str, list[str]] = {}  # of a cell's text, once a build has shown which are right

    def run(self, line: str, cell: CellText, namespace: dict[str, Any]) -> dict[str, Any]:
        """Builds and loads a cell; returns the implementations by the names of their variables.

        Args:
            line: what stands behind ``%%go``.
            namespace: the notebook's; it is not changed.

        Raises:
            ContractError: the classes cannot be represented.
            BuildError: go build fails, or something for it is missing.
            LoadError: the library cannot be loaded.
        """
        head = cells.read_head(line)
        interfaces = declared.interfaces_of(head, cell.body, namespace)
        if head.folder is None:
            declared.check_registered(interfaces, cell.body)
        contract, name = declared.contract_of(interfaces, namespace)
        names = ", ".join(cls.__name__ for cls in interfaces.values())
        report = CellReport(self._show, f"building {names}")
        with told_as_build_errors():
            directory = places.folder_for(name, head.folder)
            with exclusive(directory, report):
                path = self._build(contract, name, directory, cell, report)
                library = self._load(path, file_of(name), cell, names)
                places.remove_old(path, f"lib{name}-*{own_suffix()}")
        return {variable: library.bind(cls) for variable, cls in interfaces.items()}

    def _build(
        self, contract: Contract, name: str, directory: Path, cell: CellText, report: CellReport
    ) -> Path:
        """Writes the cell's Go file and builds it, with the imports and modules that it turns out to need."""
        cell.imports = self._imports.get(cell.body, cells.missing_imports(cell.body))
        is_tidy = False
        while True:
            text = cell.text()
            digest = hashlib.sha256(
                "\0".join([text, contract_text(contract), __version__]).encode()
            ).hexdigest()
            write_atomically(directory / file_of(name), text.encode())
            report.said = None
            try:
                output = directory / f"lib{name}-{digest[:12]}{own_suffix()}"
                path = build_contract(contract, directory, output, report)
            except BuildError:
                if report.said is None:
                    raise
                found, others = cells.mistakes(report.said, file_of(name))
                unused = cell.unused_imports(found)
                if unused:  # the name was that of a variable
                    cell.imports = [path for path in cell.imports if path not in unused]
                    continue
                if not is_tidy and any(words in report.said for words in _UNKNOWN_MODULES):
                    self._add_modules(directory, cell, file_of(name))
                    is_tidy = True
                    continue
                raise BuildError(cells.told(found, others, cell)) from None
            self._imports[cell.body] = cell.imports
            return path

    def _add_modules(self, directory: Path, cell: CellText, file: str) -> None:
        """Runs ``go mod tidy``: writes the modules of the cell's imports into go.mod, in their newest versions if new.

        Raises:
            BuildError: it fails.
        """
        toolchain = find_toolchain()
        with tempfile.TemporaryFile() as messages:
            line, task = [toolchain.go, "mod", "tidy"], "fetching Go modules"
            report = CellReport(self._show, task)
            status = builder.run(line, directory, toolchain, messages, task, report)
            messages.seek(0)
            text = messages.read().decode(errors="replace")
        if status:
            found, others = cells.mistakes(text, file)
            raise BuildError(
                f"go mod tidy failed, which adds the modules of imports\n{cells.told(found, others, cell)}"
            )

    def _load(self, path: Path, file: str, cell: CellText, interfaces: str) -> Library:
        found = path.stat()
        key = (found.st_dev, found.st_ino, found.st_mtime_ns)
        if key in self._files:
            return load(path)
        if self._files and sys.platform in ("darwin", "win32"):
            raise BuildError(
                "a process can hold one Go library on this system: restart the kernel and run the cells again"
            )
        self._show(f"gobind: loading {interfaces} ...")
        check_loads(path, file, cell)
        before = held()
        library = load(path)
        self._files.add(key)
        note = self._loaded.setdefault(interfaces, Loaded()).add(before, held())
        if note:
            self._note(f"gobind: {note}")
        return library


def file_of(name: str) -> str:
    """Returns the name of a cell's Go file; what is last in it must not be the name of a system to go."""
    return f"{name}_cell.go"
