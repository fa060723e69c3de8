"""Writes the sdist of a project: what pip builds the wheel from where there is none for its machine."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from gobind.errors import BuildError
from gobind.tool.builder import gomod
from gobind.tool.builder.report import say
from gobind.tool.builder.toolchain import find_toolchain
from gobind.tool.generator import writer
from gobind.tool.wheels.archive import Member, member_of, write_sdist
from gobind.tool.wheels.contents import source_files
from gobind.tool.wheels.project import Project
from gobind.tool.wheels.wheel import metadata_text


def build_sdist(project: Project, directory: Path) -> str:
    """Writes the sdist into `directory`; returns its file name.

    Raises:
        BuildError: go.mod names a folder outside of the project, or ``go mod vendor`` fails.
    """
    check(project)
    members = source_files(project)
    if project.vendor:
        members.update(vendored(project))
    licenses = [path.as_posix() for path in project.license_files]
    # Wheels have the licences of what is linked, too.
    members["PKG-INFO"] = Member(metadata_text(project, licenses, dynamic=["License-File"]))
    folder = f"{project.distribution}-{project.version}"
    name = f"{folder}.tar.gz"
    write_sdist(directory / name, members, folder)
    return name


def check(project: Project) -> None:
    """Checks that all Go of a project can go into an sdist.

    Raises:
        BuildError: a go.mod is outside of it, or names a folder that is.
    """
    for library in project.libraries:
        _check_replaced(library.go, project.root)


def _check_replaced(go: Path, root: Path) -> None:
    """Refuses ``replace ... => ../folder`` in go.mod, and ``use ../folder`` in go.work: that is not there where the sdist is unpacked."""
    module = gomod.module_root(go)
    if module is None:
        return
    if module != root and root not in module.parents:
        raise BuildError(f"{module / 'go.mod'} is outside of the project, so its Go cannot go into an sdist")
    files = [module / "go.mod"]
    work = gomod.work_file(module)
    if work is not None and root in work.parents:  # one around the project stays behind
        files.append(work)
    for file in files:
        for folder in gomod.parse(file).folders:
            place = Path(os.path.abspath(folder))
            if place != root and root not in place.parents:
                raise BuildError(
                    f"{writer.display(file)} {'uses' if file is work else 'replaces a module by'} the folder"
                    f" {writer.display(place)}, which an sdist cannot hold: publish that module, or move it into the project"
                )


def vendored(project: Project) -> dict[str, Member]:
    """Returns the Go modules that a project needs, as members of its sdist.

    Raises:
        BuildError: ``go mod vendor`` fails.
    """
    members: dict[str, Member] = {}
    for library in project.libraries:
        members.update(_vendored(project, library.contract, library.go))
    return members


def _vendored(project: Project, contract: str, go: Path) -> dict[str, Member]:
    """Returns the files that ``go mod vendor`` writes, by their names in the sdist.

    The glue is written before, as go looks at what is imported.
    """
    module = gomod.module_root(go)
    if module is None:
        return {}
    writer.plan(contract, go).apply()
    toolchain = find_toolchain()
    say("collecting Go modules ...")
    with tempfile.TemporaryDirectory(prefix="gobind-") as folder:
        place = Path(folder) / "vendor"
        command = [toolchain.go, "mod", "vendor", "-o", str(place)]
        done = subprocess.run(command, cwd=module, env=dict(toolchain.env), capture_output=True, text=True)
        if done.returncode:
            raise BuildError(f"go mod vendor failed: {' '.join(done.stderr.split())}")
        inside = module.relative_to(project.root).as_posix()
        prefix = "vendor" if inside == "." else f"{inside}/vendor"
        return {
            f"{prefix}/{path.relative_to(place).as_posix()}": member_of(path)
            for path in sorted(place.rglob("*"))
            if path.is_file()
        }
