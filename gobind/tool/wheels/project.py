"""A project that carries Go libraries: what its pyproject.toml says, read and checked once.

The metadata of ``[project]`` is read by `pyproject-metadata`, which the build backend asks for; a project with an
inner backend leaves it to that.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gobind.errors import BuildError
from gobind.runtime.process.platforms import SUFFIXES
from gobind.tool.builder.cache import cache_folder, remember

if sys.version_info >= (3, 11):
    import tomllib
else:
    try:
        import tomli as tomllib
    except ImportError:
        try:  # a rebuild in an editable install finds no tomli, but nearly always pip
            from pip._vendor import tomli as tomllib
        except ImportError:
            tomllib = None


@dataclass(frozen=True)
class Library:
    """One ``[[tool.gobind.library]]``.

    Attributes:
        contract: a ``.py`` path or a dotted module.
        go: the folder of the Go package.
        output: where the library stands among the Python files, such as ``mark/libmark.so``.
        version: a Go variable, ``main.version``, that gets the project's version; empty: none.
        tags: Go build tags.
    """

    contract: str
    go: Path
    output: Path
    version: str = ""
    tags: tuple[str, ...] = ()

    def outputs(self) -> list[str]:
        """Returns `output` with the suffix of each system."""
        return [self.output.with_suffix(suffix).as_posix() for suffix in SUFFIXES.values()]


@dataclass(frozen=True)
class Project:
    """What a pyproject.toml says.

    Attributes:
        root: the folder of pyproject.toml.
        name: the project's name.
        version: the project's version; empty where an inner backend finds it out.
        metadata: pyproject-metadata's StandardMetadata; None with an inner backend.
        python_source: the folder of the Python packages.
        packages: the names of packages, or modules, that belong into the wheel.
        include: patterns of more files for the sdist, as `Path.glob` takes them.
        vendor: True if the sdist carries its Go modules.
        license_files: the files of the project's licences, relative to `root`.
        inner_backend: the name of a build backend's module, with ``:object`` or without; empty: gobind writes the wheel.
        libraries: at least one.
    """

    root: Path
    name: str
    version: str
    metadata: Any
    python_source: Path
    packages: tuple[str, ...]
    include: tuple[str, ...] = ()
    vendor: bool = False
    inner_backend: str = ""
    license_files: tuple[Path, ...] = ()
    libraries: tuple[Library, ...] = ()

    @property
    def distribution(self) -> str:
        """The project's name as file names have it: ``my_mark``."""
        return normalised(self.name)


def normalised(name: str) -> str:
    """Returns a project's name as file names of wheels and sdists have it.

    >>> normalised("My.Mark--2")
    'my_mark_2'
    """
    return re.sub(r"[-_.]+", "_", name).lower()


def names_gobind(requirements: Iterable[str]) -> bool:
    """Returns True if one of the requirements is gobind, without which a library of its cannot be loaded.

    >>> names_gobind(["requests", "Gobind >= 0.1; python_version > '3'"]), names_gobind(["gobind-extras"])
    (True, False)
    """
    return any(
        normalised(re.split(r"[^\w.-]", each.strip(), maxsplit=1)[0]) == "gobind" for each in requirements
    )


def read_toml(root: Path) -> dict[str, Any]:
    """Returns the content of the pyproject.toml in `root`.

    Raises:
        BuildError: there is none, or it is no TOML.
    """
    path = root / "pyproject.toml"
    try:
        text = path.read_text(encoding="utf-8")
        return tomllib.loads(text) if sys.version_info >= (3, 11) else _read_by_tomli(text)
    except FileNotFoundError:
        raise BuildError(
            f"{path} is missing; expected the folder of a project (gobind new NAME makes one)"
        ) from None
    except ValueError as error:  # of TOML, of UTF-8
        raise BuildError(f"{path}: {error}") from None


def _read_by_tomli(text: str) -> dict[str, Any]:
    """Returns what TOML says, on Python 3.10.

    What has been read is kept: tomli is there while pip or uv builds, but often not when an editable install builds again.
    """
    digest = hashlib.sha256(text.encode()).hexdigest()[:32]
    kept = cache_folder() / "pyproject" / f"{digest}.json"
    if tomllib is None:
        try:
            return dict(json.loads(kept.read_bytes()))
        except (OSError, ValueError, TypeError):
            raise BuildError("Python 3.10 has no TOML reader of its own; run: pip install tomli") from None
    data: dict[str, Any] = tomllib.loads(text)
    remember(kept, data)  # or the next build asks for tomli
    return data


def read_project(root: Path, metadata: bool = True) -> Project:
    """Reads and checks a project.

    Args:
        root: the folder of pyproject.toml.
        metadata: False: ``[project]`` is not needed.

    Raises:
        BuildError: something is missing, of the wrong type, or not known: ``tool.gobind.library[0].go: ...``.
    """
    root = root.resolve()
    data = read_toml(root)
    tool = data.get("tool", {})
    table = _Table(tool.get("gobind", {}) if isinstance(tool, dict) else tool, "tool.gobind")
    inner = table.text("inner-backend")
    if inner.partition(":")[0] == "gobind.backend":
        raise BuildError("tool.gobind.inner-backend: expected another backend than gobind's, or nothing")
    source = table.folder(root, "python-source", "src" if (root / "src").is_dir() else ".")
    packages = table.texts("packages")
    libraries = tuple(
        _library(each, root, source, f"tool.gobind.library[{position}]")
        for position, each in enumerate(table.tables("library"))
    )
    include, vendor = table.texts("include"), table.flag("vendor")
    for position, pattern in enumerate(include):
        if Path(pattern).is_absolute() or ".." in Path(pattern).parts:
            raise BuildError(
                f"tool.gobind.include[{position}]: expected a pattern of files inside the project, got {pattern!r}"
            )
    table.finish()
    if not libraries:
        raise BuildError("tool.gobind.library: expected [[tool.gobind.library]] with contract, go and output")
    _check_outputs(libraries)
    read = _metadata(data, root) if metadata and not inner else None
    own = _Table(data.get("project", {}), "project")
    name, version = own.text("name", root.name), own.text("version")
    if inner and not packages:  # what an editable install looks at
        packages = tuple(
            dict.fromkeys(each.output.parts[0] for each in libraries if len(each.output.parts) > 1)
        )
    if not inner:
        packages = packages or (normalised(name),)
        _check_packages(packages, source, root)
        _check_places(libraries, packages, source)
    if read is not None:
        version = str(read.version)  # as PEP 440 writes it
    licenses = _license_files(read, root) if read is not None else ()
    return Project(root, name, version, read, source, packages, include, vendor, inner, licenses, libraries)


def _library(data: Any, root: Path, source: Path, where: str) -> Library:
    table = _Table(data, where)
    contract = table.text(
        "contract", needed="a dotted module such as mark.contract, or the path of a .py file"
    )
    go = table.folder(root, "go", needed="the folder of the Go package")
    output = Path(table.text("output", needed="a path such as mark/libmark.so"))
    if (
        output.is_absolute()
        or ".." in output.parts
        or "\\" in str(output)
        or output.suffix not in SUFFIXES.values()
    ):
        raise BuildError(
            f"{where}.output: expected a path below the Python packages, such as mark/libmark.so, got {str(output)!r}"
        )
    version = table.text("version")
    if version and not re.fullmatch(r"[\w./-]+\.[A-Za-z_]\w*", version):
        raise BuildError(f"{where}.version: expected a Go variable such as main.version, got {version!r}")
    library = Library(_found(contract, root, source, where), go, output, version, table.texts("tags"))
    table.finish()
    return library


def _found(contract: str, root: Path, source: Path, where: str) -> str:
    """Returns the path of the contract's file, or the dotted name if that is not among the project's files."""
    if contract.endswith(".py"):
        if Path(contract).is_absolute() or ".." in Path(contract).parts:
            raise BuildError(f"{where}.contract: expected a file inside the project, got {contract!r}")
        return str(
            next((each / contract for each in (root, source) if (each / contract).is_file()), contract)
        )
    place = source.joinpath(*contract.split("."))
    for path in (place.with_suffix(".py"), place / "__init__.py"):
        if path.is_file():
            return str(path)
    return contract


def _check_outputs(libraries: tuple[Library, ...]) -> None:
    outputs = [library.output.with_suffix("") for library in libraries]
    for position, output in enumerate(outputs):
        if output in outputs[:position]:
            raise BuildError(
                f"tool.gobind.library[{position}].output: {libraries[position].output} is there twice"
            )


def _check_packages(packages: tuple[str, ...], source: Path, root: Path) -> None:
    for name in packages:
        if not re.fullmatch(r"[^\W\d][\w-]*(\.[^\W\d]\w*)*", name):
            raise BuildError(
                f"tool.gobind.packages: expected the name of a package or module, such as mark.text, got {name!r}"
            )
        place = source.joinpath(*name.split("."))
        if not place.is_dir() and not place.with_suffix(".py").is_file():
            raise BuildError(
                f"tool.gobind.packages: there is no package {name} in {source.relative_to(root)}/;"
                " name the packages, or their folder by python-source"
            )


def _check_places(libraries: tuple[Library, ...], packages: tuple[str, ...], source: Path) -> None:
    """Refuses libraries that would not be where their packages are."""
    folders = {Path(*name.split(".")) for name in packages if source.joinpath(*name.split(".")).is_dir()}
    has_module = len(folders) < len(packages)
    for position, library in enumerate(libraries):
        is_inside = any(folder in library.output.parents for folder in folders)
        is_beside = has_module and library.output.parent == Path()
        if not is_inside and not is_beside:
            example = library.output.name if has_module else (min(folders) / library.output.name).as_posix()
            raise BuildError(
                f"tool.gobind.library[{position}].output: expected a path inside one of the packages, such as"
                f" {example}, got {library.output.as_posix()!r}"
            )


def _metadata(data: Mapping[str, Any], root: Path) -> Any:
    """Returns ``[project]`` as pyproject-metadata reads it."""
    try:
        import pyproject_metadata
    except ImportError:
        raise BuildError(
            "the packages that read [project] are missing; run: pip install packaging pyproject-metadata"
        ) from None
    project = data.get("project")
    if not isinstance(project, dict):
        raise BuildError("pyproject.toml has no [project] with name and version")
    _check_found_out(project)
    try:
        metadata = pyproject_metadata.StandardMetadata.from_pyproject(data, root, metadata_version="2.4")
        metadata.as_rfc822()
    except pyproject_metadata.ConfigurationError as error:
        raise BuildError(f"pyproject.toml: {error}") from None
    except UnicodeDecodeError as error:  # the readme, or a licence
        raise BuildError(f"pyproject.toml names a file that is not UTF-8: {error}") from None
    if isinstance(metadata.license, str):
        _check_license(metadata.license)
    if metadata.readme is not None and metadata.readme.file is not None:
        readme = metadata.readme.file
        if root not in (root / readme).resolve().parents:
            raise BuildError(f"project.readme: expected a file inside the project, got {str(readme)!r}")
    return metadata


def _check_license(expression: str) -> None:
    """Refuses what is no SPDX expression, as PyPI does."""
    try:
        from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
    except ImportError:  # before packaging 24.2
        return
    try:
        canonicalize_license_expression(expression)
    except InvalidLicenseExpression as error:
        raise BuildError(f"project.license: {error}; expected an SPDX expression such as MIT") from None


def _check_found_out(project: Mapping[str, Any]) -> None:
    """Refuses a ``[project]`` that leaves something for gobind to find out, or says the same twice."""
    dynamic = project.get("dynamic", [])
    if isinstance(dynamic, list) and dynamic:
        raise BuildError(
            f"project.dynamic: gobind does not find out {dynamic[0]!r}: write project.{dynamic[0]},"
            " or name a backend that does in tool.gobind.inner-backend"
        )
    groups = project.get("entry-points", {})
    for group, key in (("console_scripts", "scripts"), ("gui_scripts", "gui-scripts")):
        if isinstance(groups, dict) and group in groups:
            raise BuildError(f"project.entry-points.{group}: write that as project.{key}")


def _license_files(metadata: Any, root: Path) -> tuple[Path, ...]:
    """Returns the files of the project's licences: those it names, else those that backends usually take."""
    if metadata.license_files is not None:
        return tuple(Path(each) for each in metadata.license_files)
    named = getattr(metadata.license, "file", None)  # license = {file = "..."}
    if named is not None:
        place = Path(os.path.abspath(root / named))
        if root not in place.parents or root not in place.resolve().parents:
            raise BuildError(f"project.license.file: expected a file inside the project, got {str(named)!r}")
        return (place.relative_to(root),)
    patterns = ("LICEN[CS]E*", "COPYING*", "NOTICE*", "AUTHORS*")
    found = {path.relative_to(root) for pattern in patterns for path in root.glob(pattern) if path.is_file()}
    return tuple(sorted(found))


class _Table:
    """A TOML table whose values are taken one after another, checked; what is left at the end is unknown."""

    def __init__(self, data: Any, where: str) -> None:
        if not isinstance(data, dict):
            raise BuildError(f"{where}: expected a table, got {_kind(data)}")
        self._data = dict(data)
        self._where = where
        self._known: list[str] = []

    def text(self, key: str, default: str = "", needed: str = "") -> str:
        """Returns a str."""
        value = self._take(key, default, str, "a string", needed)
        if needed and not value:
            raise BuildError(f"{self._where}.{key}: expected {needed}, got ''")
        if "\0" in value:
            raise BuildError(f"{self._where}.{key}: expected a string without NUL, got {value!r}")
        return str(value)

    def flag(self, key: str) -> bool:
        """Returns a bool; False if it is missing."""
        return bool(self._take(key, False, bool, "true or false"))

    def texts(self, key: str) -> tuple[str, ...]:
        """Returns a list of str."""
        values = self._take(key, [], list, "a list of strings")
        for position, value in enumerate(values):
            if not isinstance(value, str) or not value:
                raise BuildError(f"{self._where}.{key}[{position}]: expected a string, got {_kind(value)}")
        return tuple(values)

    def tables(self, key: str) -> list[Any]:
        """Returns a list of tables, not checked."""
        return list(self._take(key, [], list, f"tables: [[{self._where}.{key}]]"))

    def folder(self, root: Path, key: str, default: str = "", needed: str = "") -> Path:
        """Returns the path of a folder inside `root`, which has to be there."""
        name = self.text(key, default, needed)
        path = (root / name).resolve()
        if path != root and root not in path.parents:
            raise BuildError(f"{self._where}.{key}: expected a folder inside the project, got {name!r}")
        if not path.is_dir():
            raise BuildError(f"{self._where}.{key}: there is no folder {name}")
        return path

    def finish(self) -> None:
        """Refuses the keys that nothing has asked for."""
        for key in self._data:
            raise BuildError(f"{self._where}.{key}: unknown key; expected one of {', '.join(self._known)}")

    def _take(self, key: str, default: Any, kind: type, expected: str, needed: str = "") -> Any:
        self._known.append(key)
        if needed and key not in self._data:
            others = f" (there is {', '.join(self._data)})" if self._data else ""
            raise BuildError(f"{self._where}.{key} is missing: {needed}{others}")
        value = self._data.pop(key, default)
        if not isinstance(value, kind):
            raise BuildError(f"{self._where}.{key}: expected {expected}, got {_kind(value)}")
        return value


def _kind(value: Any) -> str:
    """Returns what TOML calls a value, and the value where it is short."""
    names = {bool: "boolean", int: "integer", float: "float", str: "string", list: "list", dict: "table"}
    text = repr(value)
    return (
        f"the {names.get(type(value), 'value')} {text}"
        if len(text) < 40
        else names.get(type(value), "a value")
    )
