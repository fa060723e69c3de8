"""Which files of a project go into its wheel and its sdist.

They are those that people have written for others: not what tools leave behind, nor files that hold secrets or belong to an
editor (`_PRIVATE`), nor anything outside of the project that a link leads to.
"""

from __future__ import annotations

import fnmatch
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from gobind.errors import BuildError
from gobind.tool.builder import gomod
from gobind.tool.builder.cache import TEMPORARY
from gobind.tool.generator.writer import display, is_ours
from gobind.tool.wheels.archive import Member, member_of
from gobind.tool.wheels.project import Project

_CACHES = frozenset(
    ".git .hg .svn .bzr .venv __pycache__ .mypy_cache .pytest_cache .ruff_cache .hypothesis .tox .nox .eggs"
    " .idea .vscode .vs .ipynb_checkpoints .ssh .aws .gnupg".split()
)
_OUTPUTS = frozenset("build dist".split())
"""What tools write into a project's own folder; deeper they are names like others, of packages for example."""

_PRIVATE = (
    ".git .gitignore .gitattributes .hg* .DS_Store Thumbs.db desktop.ini *~ .#* #*# .*.sw? *.pyc *.pyo"
    " .env .env.local .env.*.local .env.production .env.development .env.staging .envrc .netrc .pypirc .npmrc .git-credentials .htpasswd .coverage id_rsa id_dsa id_ecdsa id_ed25519"
).split()
_GO = tuple(".go .c .cc .cpp .cxx .m .h .hh .hpp .hxx .f .F .for .f90 .s .S .sx .swig .swigcxx .syso".split())
"""How the names of files end that go build reads (go help packages, "File types")."""

_GO_OWN = ("go.mod", "go.sum", "go.work", "go.work.sum")
_EMBED = re.compile(r"^//go:embed[ \t]+(.+)$", re.MULTILINE)
_PATTERN = re.compile(r'"([^"]*)"|`([^`]*)`|(\S+)')


def package_files(project: Project) -> dict[str, Member]:
    """Returns the files of the project's packages by their names in the wheel, without libraries and Go.

    Raises:
        BuildError: a package is empty, or has what cannot be put into a wheel.
    """
    members: dict[str, Member] = {}
    outputs = {name for library in project.libraries for name in library.outputs()}
    for package in project.packages:
        place = project.python_source.joinpath(*package.split("."))
        own = False
        for path in _package_paths(project, package):
            name = path.relative_to(project.python_source).as_posix()
            if name not in outputs and not _is_go(path, place, project):
                members[name] = _member(path, project.root)
                own = True
        if not own:
            raise BuildError(f"tool.gobind.packages: {package} has no files")
    return members


def source_files(project: Project) -> dict[str, Member]:
    """Returns the files of an sdist by their names, but for PKG-INFO: packages, Go, what pyproject.toml names.

    Raises:
        BuildError: there is what cannot be put into an sdist.
    """
    found = {project.root / "pyproject.toml", *(project.root / each for each in project.license_files)}
    for name in ("README.md", "README.rst", "README.txt", "README", "CHANGELOG.md", *_GO_OWN):
        found.add(project.root / name)
    metadata = project.metadata
    if metadata is not None and metadata.readme is not None and metadata.readme.file is not None:
        found.add(project.root / metadata.readme.file)
    return _sources(project, found)


def built_from(project: Project) -> dict[str, Member]:
    """Returns the files that may count for the libraries, by their names, whether ``[project]`` has been read or not.

    Raises:
        BuildError: there is what cannot be put into an sdist.
    """
    return _sources(project, {project.root / name for name in ("pyproject.toml", *_GO_OWN)})


def _sources(project: Project, found: set[Path]) -> dict[str, Member]:
    """Returns the files of packages and Go, those that the table includes, and of `found` those that exist."""
    for package in project.packages:
        found.update(_package_paths(project, package))
    for library in project.libraries:
        found.update(_go_files(library.go, project.root))
        if library.contract.endswith(".py"):
            found.add(Path(library.contract))
    for pattern in project.include:
        chosen = {path for path in project.root.glob(pattern) if path.is_file()}
        if not chosen:
            raise BuildError(f"tool.gobind.include: {pattern} matches no file")
        found.update(chosen)
    outputs = {project.python_source / name for library in project.libraries for name in library.outputs()}
    members = {}
    for path in sorted(found - outputs):
        if os.path.lexists(path):
            member = _member(path, project.root)
            if not (path.suffix == ".go" and is_ours(member.content)):  # each build writes these
                members[path.relative_to(project.root).as_posix()] = member
    return members


def _package_paths(project: Project, package: str) -> Iterator[Path]:
    """Yields the files of a package, or of a module and its types."""
    place = project.python_source.joinpath(*package.split("."))
    if place.is_dir():
        yield from _files(place, project.root)
    else:
        yield from (each for each in map(place.with_suffix, (".py", ".pyi")) if each.is_file())


def _is_go(path: Path, package: Path, project: Project) -> bool:
    """Returns True for a file of Go in a package's folder: all of a Go folder inside it, else what go reads."""
    folders = {library.go for library in project.libraries}
    if any(package in folder.parents and folder in path.parents for folder in folders):
        return True
    if not any(folder == package or folder in package.parents for folder in folders):
        return False
    return path.name in _GO_OWN or path.suffix in _GO and any(path.parent.glob("*.go"))


def _go_files(go: Path, root: Path) -> Iterator[Path]:
    """Yields the files of the Go package in `go`, of the module around it and of those it names, if they are in `root`."""
    module = gomod.module_root(go) or go
    if go != root:
        yield from _files(go, root, follow=False)
    for folder in named_folders(module):  # local modules; those outside are not for an archive
        if root in folder.parents:
            yield from _files(folder, root, follow=False)
    if module != root:
        if module != go and root in module.parents:
            yield from _files(module, root, follow=False)
        return
    if (root / "vendor" / "modules.txt").is_file():
        yield from _files(root / "vendor", root, follow=False)
    yield from go_sources(root)  # the project's own folder has much that is not Go


def named_folders(module: Path) -> list[Path]:
    """Returns the folders that a module's go.mod names, and the go.work that it belongs to, which may not exist."""
    work = gomod.work_file(module)
    files = [module / "go.mod"] if work is None else [module / "go.mod", work]
    named = [folder for file in files if file.is_file() for folder in gomod.parse(file).folders]
    return sorted({Path(os.path.abspath(folder)) for folder in named})


def go_sources(folder: Path) -> Iterator[Path]:
    """Yields the files below a folder that go may read, and what they embed."""
    for path in _files(folder, folder, follow=False):
        if (path.suffix in _GO or path.name in _GO_OWN) and path.is_file():
            yield path
            if path.suffix == ".go":
                yield from (each for each in _embedded(path, folder) if each.is_file())


def _embedded(source: Path, root: Path) -> Iterator[Path]:
    """Yields the files that the ``//go:embed`` lines of a Go file name."""
    for line in _EMBED.findall(source.read_text(encoding="utf-8", errors="replace")):
        for words in _PATTERN.findall(line):
            pattern = "".join(words).removeprefix("all:")
            for path in source.parent.glob(pattern) if pattern and pattern[0] not in "/." else ():
                yield from _files(path, root, follow=False) if path.is_dir() else [path]


def _files(folder: Path, root: Path, follow: bool = True) -> Iterator[Path]:
    """Yields the files below a folder that people write, not those that tools leave there.

    Args:
        follow: False: folders behind links do not count, as for go.
    """
    for place, folders, names in os.walk(folder, followlinks=follow):
        if not follow:
            folders[:] = [name for name in folders if not os.path.islink(os.path.join(place, name))]
        folders[:] = sorted(name for name in folders if _counts(Path(place), name, root))
        for name in sorted(names):
            private = any(fnmatch.fnmatchcase(name, pattern) for pattern in _PRIVATE)
            if not private and not name.startswith(TEMPORARY):
                yield Path(place, name)


def _counts(place: Path, name: str, root: Path) -> bool:
    """Returns True for a folder whose files count.

    Raises:
        BuildError: it is a link that leads out of the project, or in a circle.
    """
    if name in _CACHES or name.startswith(TEMPORARY) or name.endswith(".egg-info"):
        return False
    path = place / name
    if place == root and (name in _OUTPUTS or name == "node_modules") or (path / "pyvenv.cfg").exists():
        return False
    if path.is_symlink():
        _check_link(path, root)
        real = path.resolve()
        if real == place.resolve() or real in place.resolve().parents:
            raise BuildError(f"{_shown(path)} is a link that leads back to a folder around it; take it away")
    return True


def _check_link(path: Path, root: Path) -> None:
    """Refuses a link to something outside of the project: what it leads to belongs to this machine only."""
    if root not in path.resolve().parents:
        raise BuildError(
            f"{_shown(path)} is a link to {os.readlink(path)!r}, outside of the project;"
            " put a copy in its place, or take it away"
        )


def _member(path: Path, root: Path) -> Member:
    """Reads a file of the project.

    Raises:
        BuildError: it cannot be put into an archive.
    """
    if path.is_symlink():
        _check_link(path, root)
    name = path.relative_to(root).as_posix()
    if "\\" in name or not name.isprintable():  # a name that is not UTF-8 has surrogates
        raise BuildError(
            f"{name!r} has a name that archives cannot hold; expected UTF-8 without \\; rename it"
        )
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # reading a FIFO would wait for its writer
            raise BuildError(f"{_shown(path)} is no file with a content; take it away")
        return member_of(path)
    except OSError as error:
        raise BuildError(f"{_shown(path)}: {error.strerror}") from None


def _shown(path: Path) -> str:
    return display(path).encode(errors="backslashreplace").decode()
