"""Puts the generated Go and the Go half of the runtime where they belong, and nothing anywhere else.

First it is planned what every file should hold, then a plan is either written or compared: ``gen`` and ``gen
--check`` cannot disagree. A file is replaced or removed only if its head says that gobind made it.
"""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from gobind.tool.builder import gomod
from gobind.tool.builder.toolchain import ToolError, go_version
from gobind.tool.contract_file import read_contract
from gobind.tool.generator import glue
from gobind.tool.generator.gosource import HEADER

# What the import paths of Go's own packages begin with: a module of such a name would be ambiguous to go.
_GO_PACKAGES = frozenset(
    "archive arena bufio builtin bytes cmd cmp compress container context crypto database debug embed"
    " encoding errors expvar flag fmt go hash html image index internal io iter log maps math mime net"
    " os path plugin reflect regexp runtime simd slices sort strconv strings structs sync syscall"
    " testing text time unicode unique unsafe uuid vendor weak".split()
)


@dataclass
class Plan:
    """What ``gen`` would do: the files that differ from what they should hold, and those that should go."""

    directory: Path
    module_root: Path
    write: dict[Path, bytes] = field(default_factory=dict)
    remove: list[Path] = field(default_factory=list)

    def complaints(self, command: str) -> list[str]:
        """One line for each file that is not as it should be; `command` is what would fix it."""
        lines = [
            f"{display(path)}: {'stale' if path.exists() else 'missing'}; run: {command}"
            for path in sorted(self.write)
        ]
        lines += [f"{display(path)}: no longer generated; run: {command}" for path in sorted(self.remove)]
        return lines

    def apply(self) -> None:
        """Writes and removes.

        Each file changes at once, so that a build beside this one never sees half of it.
        """
        for path, content in self.write.items():
            write_atomically(path, content)
        for path in self.remove:
            path.unlink()


def plan(contract: str, directory: Path, package: str | None = None, main: bool = True) -> Plan:
    """What generating `contract` (a ``.py`` path or dotted module) into `directory` would change.

    `package` is the Go package name (None: ``main``, or the folder's name when `main` is false); `main` says
    whether the glue brings ``func main``. Raises ContractError for a contract that cannot be read and
    `ToolError` for a file of the user's that is in the way.
    """
    if directory.exists() and not directory.is_dir():
        raise ToolError(f"{display(directory)} is a file; expected the folder of the Go package")
    name = check_package(package) if package else "main" if main else sanitise(directory)
    if main and name != "main":
        raise ToolError(
            f"--package {name} needs --no-main: a Go shared library is built from package main,"
            " and only its glue holds func main"
        )
    parsed = read_contract(contract)
    root = gomod.module_root(directory)
    plan = Plan(directory, root or directory)
    if root is None:
        module = sanitise(directory)
        if module in _GO_PACKAGES:
            module = f"{module}_module"
        version = ".".join(map(str, go_version(directory)))
        plan.write[directory / "go.mod"] = f"module {module}\n\ngo {version}\n".encode()
    else:
        module = gomod.read(root).module
    runtime = plan.module_root / "gobind"
    if directory.resolve() in (runtime.resolve(), (runtime / "entry").resolve()):
        raise ToolError(f"{display(directory)} holds gobind's own Go files; generate into another folder")
    runtime_import = f"{module}/gobind"
    texts = glue.generate(parsed, package=name, runtime_import=runtime_import, main=main)
    _plan_folder(plan, directory, {name: text.encode() for name, text in texts.items()}, "gobind_*.go")
    for folder, files in _runtime_folders(runtime, runtime_import).items():
        _plan_folder(plan, folder, files, "*.go")
    return plan


def _plan_folder(plan: Plan, folder: Path, files: dict[str, bytes], ours: str) -> None:
    """Adds to `plan` what makes `folder` hold `files`, and no others of gobind's that match `ours`."""
    for name, content in files.items():
        path = folder / name
        found = _content(path)
        if found == content:
            continue
        if found is not None and not is_ours(found):
            raise ToolError(
                f"{display(path)} is not gobind's (it lacks the line {HEADER!r}) and is in the way;"
                " move or rename it"
            )
        plan.write[path] = content
    for path in sorted(folder.glob(ours)):
        if path.name not in files and is_ours(path.read_bytes()):
            plan.remove.append(path)


def _runtime_folders(runtime: Path, runtime_import: str) -> dict[Path, dict[str, bytes]]:
    """The runtime's Go files as `runtime` and its subfolders should hold them: by folder and name.

    A copy gets the header, so that a later gobind may replace it. The source itself (in gobind's own
    repository, where `runtime` is where the files come from) is a copy of nothing and stays as it is.
    """
    folders: dict[Path, dict[str, bytes]] = {}
    for name, content in glue.runtime_files(runtime_import).items():
        path = runtime / name
        if _content(path) != content and not is_ours(content):
            content = f"{HEADER}\n\n".encode() + content
        folders.setdefault(path.parent, {})[path.name] = content
    return folders


def is_ours(content: bytes) -> bool:
    """Whether gobind made this file: the header stands on a line before the package clause."""
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
    """Writes `path` as a whole or not at all; its folder is created."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=".gobind-", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(temporary, 0o666 & ~_umask())  # mkstemp's 0600 is for secrets
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _umask() -> int:
    """The process's umask, which can only be read by setting it."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def sanitise(directory: Path) -> str:
    """The folder's name as a Go package name: ``my-lib`` → ``my_lib``, ``3d`` → ``go_3d``."""
    name = re.sub(r"[^a-z0-9_]", "_", directory.resolve().name.lower())
    return name if name[:1].isalpha() else f"go_{name}"


def check_package(name: str) -> str:
    """`name`, if Go takes it for a package. Raises `ToolError`."""
    if not re.match(r"[A-Za-z][A-Za-z0-9_]*\Z", name):
        raise ToolError(f"--package must be a Go package name such as accounts, got {name!r}")
    return name


def display(path: Path) -> str:
    """`path` as a person in the current folder would type it."""
    try:
        relative = os.path.relpath(path)
    except ValueError:  # another drive, on Windows
        return str(path)
    return str(path) if relative.startswith(os.path.join("..", "..")) else relative
