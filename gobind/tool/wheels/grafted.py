"""Wheels and sdists that another build backend makes, with the libraries put into them."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from email.message import Message
from email.parser import BytesParser
from pathlib import Path
from typing import Any

from gobind.errors import BuildError
from gobind.tool.builder.cache import TEMPORARY
from gobind.tool.builder.report import say
from gobind.tool.wheels import sdist
from gobind.tool.wheels.archive import Member, write_sdist, write_wheel
from gobind.tool.wheels.contents import built_from
from gobind.tool.wheels.develop import build_in_place, hook_name, hook_text
from gobind.tool.wheels.project import Project, normalised
from gobind.tool.wheels.wheel import build_libraries, warn_of_dependencies, wheel_text, widest

Settings = Mapping[str, Any]

_CALL = """\
import json, sys
said = json.loads(sys.argv[1])
sys.path[:] = said["path"]
from gobind.tool.wheels.grafted import backend_of
made = getattr(backend_of(said["backend"]), said["hook"])(*said["arguments"])
with open(said["answer"], "w", encoding="utf-8") as file:
    file.write(made)
"""


def backend_of(name: str) -> Any:
    """Returns the backend that ``inner-backend`` names: a module, or an object in one behind a colon.

    Raises:
        BuildError: it is not installed.
    """
    module, _, path = name.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in filter(None, path.split(".")):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise BuildError(
            f"tool.gobind.inner-backend: {name} cannot be imported ({error});"
            " install its package here, or for pip add it to build-system.requires"
        ) from None
    if not hasattr(found, "build_wheel"):
        raise BuildError(f"tool.gobind.inner-backend: {name} is no build backend, it has no build_wheel")
    return found


def _call(project: Project, hook: str, *arguments: Any) -> str:
    """Calls a hook of the inner backend, in a process of its own: some leave what the next call trips over.

    Raises:
        BuildError: it fails; what it has printed stands on stderr.
    """
    backend_of(project.inner_backend)
    with tempfile.TemporaryDirectory(prefix="gobind-") as folder:
        answer = os.path.join(folder, "answer")
        said = {
            "path": sys.path,
            "backend": project.inner_backend,
            "hook": hook,
            "arguments": arguments,
            "answer": answer,
        }
        command = [sys.executable, "-c", _CALL, json.dumps(said)]
        done = subprocess.run(
            command,
            cwd=project.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode:
            print(done.stdout.decode(errors="replace"), end="", file=sys.stderr, flush=True)
            raise BuildError(f"{project.inner_backend} has failed in {hook}; what it says stands above")
        return Path(answer).read_text(encoding="utf-8")


def build_wheel(
    project: Project, directory: Path, target: str | None = None, settings: Settings | None = None
) -> str:
    """Lets the inner backend build a wheel and puts the libraries into it; returns its file name.

    Raises:
        BuildError: go fails, or the wheel has one of the files already.
    """
    with tempfile.TemporaryDirectory(prefix="gobind-") as folder:  # the wheel without libraries is nobody's
        made = _call(project, "build_wheel", folder, dict(settings or {}), None)
        return _graft(project, Path(folder, made), directory, target)


def build_sdist(project: Project, directory: Path, settings: Settings | None = None) -> str:
    """Lets the inner backend build the sdist and adds the Go that it lacks; returns its file name.

    Raises:
        BuildError: go.mod names a folder outside of the project.
    """
    sdist.check(project)
    with tempfile.TemporaryDirectory(prefix="gobind-") as folder:
        made = _call(project, "build_sdist", folder, dict(settings or {}))
        members: dict[str, Member] = {}
        with tarfile.open(Path(folder, made)) as archive:
            for info in archive.getmembers():
                file = archive.extractfile(info)
                if file is not None:
                    members[info.name.partition("/")[2]] = Member(file.read(), bool(info.mode & 0o100))
    source = project.python_source.relative_to(project.root)
    for library in project.libraries:  # built for this machine
        for name in library.outputs():
            members.pop((source / name).as_posix(), None)
    members = {**built_from(project), **members}
    if project.vendor:
        members.update(sdist.vendored(project))
    write_sdist(directory / made, members, made[: -len(".tar.gz")])
    return made


def build_editable(project: Project, directory: Path, settings: Settings | None = None) -> str:
    """Lets the inner backend build the wheel of an editable install and adds what rebuilds; returns its file name."""
    with tempfile.TemporaryDirectory(prefix="gobind-") as folder:
        made = _call(project, "build_editable", folder, dict(settings or {}), None)
        members, info = _members(Path(folder, made), project.inner_backend)
    # Behind the other backend, which may find out the version, or write it into a file of the project.
    build_in_place(project, BytesParser().parsebytes(members[f"{info}/METADATA"].content)["Version"])
    hook = hook_name(normalised(made.split("-")[0]))
    members[f"{hook}.py"] = Member(hook_text(project).encode())
    members[f"{hook}.pth"] = Member(f"import {hook}\n".encode())
    write_wheel(directory / made, members, info)
    return made


def _members(wheel: Path, backend: str) -> tuple[dict[str, Member], str]:
    """Returns the files of a wheel but for its RECORD, and the name of the folder of its metadata."""
    with zipfile.ZipFile(wheel) as archive:
        infos = [each for each in archive.infolist() if not each.is_dir()]
        members = {
            each.filename: Member(archive.read(each), bool(each.external_attr >> 16 & 0o100))
            for each in infos
        }
    info = next((name.split("/")[0] for name in members if name.endswith(".dist-info/METADATA")), "")
    if not info:
        raise BuildError(f"{wheel.name}: the wheel of {backend} has no metadata")
    members.pop(f"{info}/RECORD", None)
    return members, info


def _graft(project: Project, wheel: Path, directory: Path, target: str | None = None) -> str:
    """Puts the libraries into a wheel, which is written into `directory`; returns its file name."""
    members, info = _members(wheel, project.inner_backend)
    for library in project.libraries:  # what was built in the source tree, perhaps for another system
        for name in library.outputs():
            members.pop(name, None)
    members = {name: each for name, each in members.items() if f"/{TEMPORARY}" not in name}
    metadata = BytesParser().parsebytes(members[f"{info}/METADATA"].content)
    warn_of_dependencies(metadata.get_all("Requires-Dist", []))
    built = build_libraries(project, info, metadata["Name"], metadata["Version"], target)
    for each in built:
        taken = members.keys() & each.members.keys()
        if taken:
            raise BuildError(f"{wheel.name}: {min(taken)} is there already")
        members.update(each.members)
    prefix = f"{info}/licenses/"
    files = sorted(name[len(prefix) :] for each in built for name in each.members if name.startswith(prefix))
    members[f"{info}/METADATA"] = Member(_with_licenses(members[f"{info}/METADATA"].content, metadata, files))
    python, abi, _ = wheel.stem.split("-")[-3:]
    if abi == "none" and python.startswith(("py2.py3", "py3")):
        python = "py3"
    tag = f"{python}-{abi}-{widest(built)}"
    members[f"{info}/WHEEL"] = Member(wheel_text(tag))
    name = "-".join([*wheel.stem.split("-")[:-3], tag]) + ".whl"
    write_wheel(directory / name, members, info)
    say(f"put {', '.join(each.name for each in built)} into the wheel of {project.inner_backend}")
    return name


def _with_licenses(content: bytes, metadata: Message, files: Sequence[str]) -> bytes:
    """Returns METADATA with a line for each licence file; the rest stays as the other backend has written it."""
    head, blank, body = content.partition(b"\n\n")
    known = set(metadata.get_all("License-File", []))
    lines = [b"License-File: " + name.encode() for name in dict.fromkeys(files) if name not in known]
    version = str(metadata["Metadata-Version"])
    if lines and tuple(map(int, version.split("."))) < (2, 4):  # the first that has License-File
        head = head.replace(f"Metadata-Version: {version}".encode(), b"Metadata-Version: 2.4", 1)
    return b"\n".join([head.rstrip(b"\n"), *lines]) + (blank + body if blank else b"\n")
