"""Which files of a project go into its wheel and its sdist."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from gobind.errors import BuildError
from gobind.runtime.process.platforms import SUFFIXES
from gobind.tool.builder.cache import TEMPORARY
from gobind.tool.generator.writer import is_ours
from gobind.tool.wheels.archive import Member, member_of
from gobind.tool.wheels.project import Library, Project

_CACHES = frozenset(
    ".git .hg .svn .venv venv __pycache__ .mypy_cache .pytest_cache .ruff_cache .tox .nox node_modules"
    " build dist .eggs".split()
)


def package_files(project: Project) -> dict[str, Member]:
    """Returns the files of the project's packages by their names in the wheel, without libraries and Go.

    Raises:
        BuildError: a package is empty.
    """
    members: dict[str, Member] = {}
    outputs = {name for library in project.libraries for name in _names(library)}
    for package in project.packages:
        place = project.python_source.joinpath(*package.split("."))
        files = [*_files(place)] if place.is_dir() else [place.with_suffix(".py")]
        go = [library.go for library in project.libraries if library.go != project.root]
        for path in files:
            name = path.relative_to(project.python_source).as_posix()
            if name not in outputs and not any(folder in path.parents for folder in go):
                members[name] = member_of(path)
        if not any(name.startswith(package.replace(".", "/")) for name in members):
            raise BuildError(f"tool.gobind.packages: {package} has no files")
    return members


def source_files(project: Project) -> dict[str, Member]:
    """Returns the files of an sdist by their names, but for PKG-INFO: packages, Go, what pyproject.toml names."""
    found = {project.root / "pyproject.toml"}
    metadata = project.metadata
    for name in ("README.md", "README.rst", "README.txt", "README", "CHANGELOG.md"):
        found.add(project.root / name)
    if metadata is not None:
        found.update(project.root / each for each in metadata.license_files or ())
        if metadata.readme is not None and metadata.readme.file is not None:
            found.add(project.root / metadata.readme.file)
    for package in project.packages:
        place = project.python_source.joinpath(*package.split("."))
        found.update(_files(place) if place.is_dir() else [place.with_suffix(".py")])
    for library in project.libraries:
        found.update(_files(library.go))
        found.update(_module_files(library.go, project.root))
        if library.contract.endswith(".py"):
            found.add(Path(library.contract))
    for pattern in project.include:
        chosen = {path for path in project.root.glob(pattern) if path.is_file()}
        if not chosen:
            raise BuildError(f"tool.gobind.include: {pattern} matches no file")
        found.update(chosen)
    outputs = {project.python_source / name for library in project.libraries for name in _names(library)}
    return {
        path.relative_to(project.root).as_posix(): member_of(path)
        for path in sorted(found)
        if path.is_file() and path not in outputs and not _is_generated(path)
    }


def _module_files(go: Path, root: Path) -> Iterator[Path]:
    """Yields the files of the Go module around the package `go`, if its folder is above that and inside `root`."""
    for folder in (go, *go.parents):
        if (folder / "go.mod").is_file():
            if folder != root:
                yield from _files(folder)
            else:
                yield from (folder / "go.mod", folder / "go.sum", *folder.rglob("*.go"))
            return
        if folder == root:
            return


def _names(library: Library) -> Iterator[str]:
    """Yields the names that a library has on the systems there are."""
    for suffix in SUFFIXES.values():
        yield library.output.with_suffix(suffix).as_posix()


def _files(folder: Path) -> Iterator[Path]:
    """Yields the files below a folder that people write, not those that tools leave there."""
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(
            name
            for name in folders
            if name not in _CACHES
            and not name.startswith(TEMPORARY)
            and not name.endswith(".egg-info")
            and not os.path.exists(os.path.join(place, name, "pyvenv.cfg"))
        )
        for name in sorted(names):
            if not name.endswith((".pyc", ".pyo")) and not name.startswith(TEMPORARY):
                yield Path(place, name)


def _is_generated(path: Path) -> bool:
    """Returns True for the glue and the copy of gobind's runtime, which each build writes."""
    return path.suffix == ".go" and is_ours(path.read_bytes())
