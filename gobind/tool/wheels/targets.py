"""``gobind wheel``: the wheels of a project for several targets, made one after another on one machine."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gobind.errors import BuildError
from gobind.runtime.process.platforms import own_target
from gobind.tool.builder.report import say
from gobind.tool.builder.toolchain import TARGETS
from gobind.tool.generator.writer import display
from gobind.tool.wheels import grafted, sdist, wheel
from gobind.tool.wheels.project import Project, read_project


def targets_of(text: str | None) -> list[str | None]:
    """Returns the targets that ``--target`` names; None stands for this machine.

    Raises:
        BuildError: one is not known.
    """
    if text is None:
        return [None]
    if text == "all":
        return [*TARGETS]
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in TARGETS:
            raise BuildError(f"--target must be all, or some of {', '.join(TARGETS)}; got {name!r}")
    return [*dict.fromkeys(names)]


def make(folder: Path, target: str | None, with_sdist: bool, output: Path) -> list[Path]:
    """Writes the wheels of a project, and its sdist if asked for, into `output`; returns their paths.

    Raises:
        BuildError: something is wrong with the project, or go fails.
        ContractError: a contract cannot be read.
    """
    output = Path(os.path.abspath(output))
    targets = targets_of(target)
    project = read_project(folder)
    for package in project.packages:
        place = project.python_source.joinpath(*package.split("."))
        if place == output.resolve() or place in output.resolve().parents:
            raise BuildError(
                f"-o {display(output)} is inside the package {package}, whose wheel would hold older ones"
            )
    _warn_of_two(project, targets)
    output.mkdir(parents=True, exist_ok=True)
    before = os.getcwd()
    os.chdir(project.root)  # where build backends expect to run
    try:
        names = [sdist_of(project, output)] if with_sdist else []
        for position, each in enumerate(targets, 1):
            started = time.monotonic()
            if each is not None:
                slow = (
                    " (minutes the first time: zig then compiles its C library)" if "windows" in each else ""
                )
                say(f"wheel {position} of {len(targets)}, for {each}{slow}")
            name = wheel_of(project, output, each)
            size = (output / name).stat().st_size / 1e6
            say(f"made {name}, {size:.1f} MB, in {time.monotonic() - started:.1f} s")
            names.append(name)
    finally:
        os.chdir(before)
    for name in names:
        print(display(output / name))
    return [output / name for name in names]


def _warn_of_two(project: Project, targets: Sequence[str | None]) -> None:
    """Warns of more than one library where a process holds one Go runtime only."""
    systems = {(each or own_target()).partition("/")[0] for each in targets} & {"windows", "darwin"}
    if len(project.libraries) > 1 and systems:
        say(
            f"warning: on {' and '.join(sorted(systems))} one process cannot use two Go libraries; this project has"
            f" {len(project.libraries)}: put them into one, with several interfaces"
        )


def wheel_of(
    project: Project, directory: Path, target: str | None = None, settings: Mapping[str, Any] | None = None
) -> str:
    """Writes the wheel of a project into `directory`, by its inner backend if it has one; returns its file name.

    Args:
        target: ``OS/ARCH``; None is this machine.
        settings: for the inner backend.
    """
    if project.inner_backend:
        return grafted.build_wheel(project, directory, target, settings)
    return wheel.build_wheel(project, directory, target)


def sdist_of(project: Project, directory: Path, settings: Mapping[str, Any] | None = None) -> str:
    """Writes the sdist of a project into `directory`, by its inner backend if it has one; returns its file name."""
    if project.inner_backend:
        return grafted.build_sdist(project, directory, settings)
    return sdist.build_sdist(project, directory)
