"""What ``%load_ext gobind`` gives to IPython: the magic ``%%go``, and Go's output in the cell."""

from __future__ import annotations

import atexit
import sys
from typing import Any

from gobind.errors import GobindError
from gobind.forklock import lazy_import
from gobind.tool.notebook.cell import CellText
from gobind.tool.notebook.magic import GoCells
from gobind.tool.notebook.output import Forwarding

_MAGIC = "go"
_extensions: dict[int, Extension] = {}  # by the shell's id: loading again must not forward twice


class Extension:
    """gobind in one IPython shell."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._is_kernel = getattr(shell, "kernel", None) is not None
        self._is_shown = False
        self._raw = ""
        self._cells = GoCells(self._show, self._note)
        self._forwarding: Forwarding | None = None

    def install(self) -> None:
        """Registers the magic and begins to forward output."""
        # Elsewhere the descriptors are the terminal. On Windows Go does not write to descriptors.
        if self._is_kernel and sys.platform != "win32":
            self._forwarding = Forwarding(sys.stdout, sys.stderr)
            self._shell.events.register("pre_run_cell", self._forwarding.begin)
            self._shell.events.register("post_run_cell", self._forwarding.end)
            atexit.register(self._forwarding.close)  # before ipykernel's own, which waits for its pipes
        self._shell.events.register("pre_run_cell", self._before_cell)
        self._shell.register_magic_function(self.go, "cell", _MAGIC)

    def uninstall(self) -> None:
        """Takes all that back; what is loaded stays loaded."""
        self._shell.magics_manager.magics["cell"].pop(_MAGIC, None)
        self._shell.events.unregister("pre_run_cell", self._before_cell)
        if self._forwarding is not None:
            self._shell.events.unregister("pre_run_cell", self._forwarding.begin)
            self._shell.events.unregister("post_run_cell", self._forwarding.end)
            atexit.unregister(self._forwarding.close)
            self._forwarding.close()
            self._forwarding = None

    def go(self, line: str, cell: str) -> None:
        """Implements interfaces in Go.

        ``%%go [INTERFACE [as NAME]], ... [--folder DIR]``: the cell is a file of the Go package main, which registers an
        implementation of each interface, as in ``func init() { RegisterAdder(adder{}) }``. Without names they are those that
        it registers. Each is bound to a variable: NAME, or that of the interface in snake_case. ``package main`` and the
        imports of usual packages of the standard library may be left out. Other modules are fetched.

        --folder DIR keeps the Go package in a folder of DIR, with its go.mod; else it lies in the user's cache folder.
        """
        text = CellText(cell, f"Cell In[{self._number()}]", self._above())
        try:
            self._shell.push(self._cells.run(line, text, self._shell.user_ns))
        except GobindError as error:
            _shorten(error, f"{type(error).__name__}: {error}")
            raise
        except KeyboardInterrupt as error:
            _shorten(error, "KeyboardInterrupt: all variables are as they were")
            raise
        finally:
            self._show("")

    def _before_cell(self, info: Any = None) -> None:
        self._raw = getattr(info, "raw_cell", None) or ""

    def _number(self) -> int:
        """Returns the running cell's number: the one of its code, as IPython has counted on by now or not."""
        numbers = getattr(self._shell.compile, "_filename_map", {})
        frame = sys._getframe()
        while frame.f_back is not None and frame.f_code.co_filename not in numbers:
            frame = frame.f_back
        number: int = numbers.get(frame.f_code.co_filename, self._shell.execution_count)
        return number

    def _above(self) -> int:
        """Returns how many lines stand above the body of the cell: empty ones too, which IPython removes."""
        return self._raw.partition(f"%%{_MAGIC}")[0].count("\n") + 1 if self._is_own_cell() else 1

    def _is_own_cell(self) -> bool:
        """Returns True if the running cell is one of Go, not Python that runs the magic by a call."""
        return self._raw.lstrip().startswith(f"%%{_MAGIC}")

    def _show(self, text: str) -> None:
        if self._is_kernel:
            if not self._is_own_cell():
                return  # it may have shown something itself, which would be removed
            if text or self._is_shown:
                lazy_import("IPython.display").clear_output(wait=bool(text))
            if text:
                print(text, flush=True)
        elif sys.stderr.isatty():
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
        self._is_shown = bool(text)

    def _note(self, text: str) -> None:
        self._show("")
        print(text, file=sys.stderr)


def _shorten(error: BaseException, text: str) -> None:
    """Makes IPython show only `text` for an exception: what stands in gobind's frames is not what is wrong."""
    error._render_traceback_ = lambda: [text]  # type: ignore[attr-defined]


def load(shell: Any) -> None:
    """Gives a shell ``%%go``."""
    unload(shell)
    extension = _extensions[id(shell)] = Extension(shell)
    extension.install()


def unload(shell: Any) -> None:
    """Takes it away again."""
    extension = _extensions.pop(id(shell), None)
    if extension is not None:
        extension.uninstall()
