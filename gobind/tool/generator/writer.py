"""Writes the generated Go and the Go half of the runtime into the user's module.

A plan has the content of every file; it is either written or compared, so ``gen`` and ``gen --check`` cannot
disagree. A file is replaced or removed only if its header says that gobind made it.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from gobind.contract.types import Contract
from gobind.errors import BuildError
from gobind.tool.builder import gomod
from gobind.tool.builder.toolchain import go_version
from gobind.tool.contract_file import read_contract
from gobind.tool.generator import glue
from gobind.tool.generator.gosource import HEADER

# First elements of the import paths of Go's own packages, and words that go takes for patterns of packages: a module
# with such a name would be ambiguous to go.
_GO_PACKAGES = frozenset(
    "all archive arena bufio builtin bytes cmd cmp compress container context crypto database debug embed"
    " encoding errors expvar flag fmt go hash html image index internal io iter log maps math mime net"
    " os path plugin reflect regexp runtime simd slices sort std strconv strings structs sync syscall"
    " testing text time tool unicode unique unsafe uuid vendor weak work".split()
)


@dataclass
class Plan:
    """What ``gen`` would do: the files to write, with their content, and those to remove."""

    directory: Path
    module_root: Path
    write: dict[Path, bytes] = field(default_factory=dict)
    remove: list[Path] = field(default_factory=list)

    def complaints(self, command: str) -> list[str]:
        """Returns one line for each file that differs; `command` is the command that updates it."""
        lines = [
            f"{display(path)}: {'stale' if path.exists() else 'missing'}; run: {command}"
            for path in sorted(self.write)
        ]
        lines += [f"{display(path)}: no longer generated; run: {command}" for path in sorted(self.remove)]
        return lines

    def apply(self) -> None:
        """Writes and removes the files.

        Each file is replaced in one step, so that a build at the same time never reads half of it.
        """
        for path, content in self.write.items():
            write_atomically(path, content)
        for path in self.remove:
            path.unlink(missing_ok=True)  # another build may have done it


def plan(contract: str | Contract, directory: Path, package: str | None = None, main: bool = True) -> Plan:
    """Plans what generating `contract` into `directory` changes.

    Args:
        contract: a ``.py`` path, a dotted module name, or a contract that is read already.
        directory: the folder of the Go package; it need not exist.
        package: the name of the Go package; None for ``main``, or without `main` for the folder's name.
        main: True if the glue has ``func main``.

    Raises:
        ContractError: the contract cannot be read.
        BuildError: an argument is wrong, or a file of the user's is in the way.
    """
    if directory.exists() and not directory.is_dir():
        raise BuildError(f"{display(directory)} is a file; expected the folder of the Go package")
    name = check_package(package) if package else "main" if main else sanitise(directory)
    if main and name != "main":
        raise BuildError(
            f"--package {name} needs --no-main: a Go shared library is built from package main,"
            " and only its glue holds func main"
        )
    parsed = contract if isinstance(contract, Contract) else read_contract(contract)
    root = gomod.module_root(directory)
    plan = Plan(directory, root or directory)
    if root is None:
        module = module_name(sanitise(directory))
        plan.write[directory / "go.mod"] = new_module(module, directory)
    else:
        module = gomod.read(root).module
    runtime = plan.module_root / "gobind"
    if directory.resolve() in (runtime.resolve(), (runtime / "entry").resolve()):
        raise BuildError(f"{display(directory)} holds gobind's own Go files; generate into another folder")
    runtime_import = f"{module}/gobind"
    texts = glue.generate(parsed, package=name, runtime_import=runtime_import, main=main)
    _plan_folder(plan, directory, {name: text.encode() for name, text in texts.items()}, "gobind_*.go")
    for folder, files in _runtime_folders(runtime, runtime_import).items():
        _plan_folder(plan, folder, files, "*.go")
    return plan


def new_module(module: str, directory: Path) -> bytes:
    """Returns the go.mod of a new module of that path in `directory`."""
    version = ".".join(map(str, go_version(directory)))
    return f"module {module}\n\ngo {version}\n".encode()


def _plan_folder(plan: Plan, folder: Path, files: dict[str, bytes], ours: str) -> None:
    """Adds to `plan` the steps after which `folder` has `files`, and no others of gobind's that match `ours`."""
    for name, content in files.items():
        path = folder / name
        found = _content(path)
        if found == content:
            continue
        if found is not None and not is_ours(found):
            raise BuildError(
                f"{display(path)} is not gobind's (it lacks the line {HEADER!r}) and is in the way;"
                " move or rename it"
            )
        plan.write[path] = content
    for path in sorted(folder.glob(ours)):
        if path.name not in files and is_ours(path.read_bytes()):
            plan.remove.append(path)


def _runtime_folders(runtime: Path, runtime_import: str) -> dict[Path, dict[str, bytes]]:
    """Returns the content of the runtime's Go files, by folder (`runtime` or inside it) and name.

    A copy gets the header, so that a later gobind may replace it. In gobind's own repository `runtime` has the
    files that are copied: these stay as they are.
    """
    folders: dict[Path, dict[str, bytes]] = {}
    for name, content in glue.runtime_files(runtime_import).items():
        path = runtime / name
        if _content(path) != content and not is_ours(content):
            content = f"{HEADER}\n\n".encode() + content
        folders.setdefault(path.parent, {})[path.name] = content
    return folders


def is_ours(content: bytes) -> bool:
    """Returns True if gobind made this file: it has the header on a line before the package clause."""
    for line in content.splitlines():
        if line.decode(errors="replace").rstrip() == HEADER:
            return True
        if line.startswith(b"package "):
            return False
    return False


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def write_atomically(path: Path, content: bytes) -> None:
    """Writes `path` completely or not at all; creates its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not tempfile: its 0600 is for secrets, and the process's umask, which is better, can only be read by setting it.
    temporary = path.parent / f".gobind-{os.urandom(6).hex()}.tmp"
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def sanitise(directory: Path) -> str:
    """Returns the folder's name as a Go package name: ``my-lib`` → ``my_lib``, ``3d`` → ``go_3d``."""
    name = re.sub(r"[^a-z0-9_]", "_", directory.resolve().name.lower())
    return name if name[:1].isalpha() else f"go_{name}"


def module_name(name: str) -> str:
    """Returns the path of a new Go module called `name`: not that of one of Go's own packages."""
    return f"{name}_module" if name in _GO_PACKAGES else name


def check_package(name: str) -> str:
    """Returns `name`.

    Raises:
        BuildError: Go does not take it for the name of a package.
    """
    if not re.match(r"[A-Za-z][A-Za-z0-9_]*\Z", name):
        raise BuildError(f"--package must be a Go package name such as accounts, got {name!r}")
    return name


def display(path: Path) -> str:
    """Returns `path` as one types it in the current folder."""
    try:
        relative = os.path.relpath(path)
    except ValueError:  # another drive, on Windows
        return str(path)
    return str(path) if relative.startswith(os.path.join("..", "..")) else relative
