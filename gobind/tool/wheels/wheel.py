"""Writes the wheel of a project: its Python files, its libraries, what is to be known about them."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import gobind
from gobind.errors import BuildError
from gobind.runtime.process.platforms import SUFFIXES
from gobind.tool.builder.report import say
from gobind.tool.builder.toolchain import find_toolchain
from gobind.tool.wheels import licenses, sbom, tags
from gobind.tool.wheels.archive import Member, write_wheel
from gobind.tool.wheels.binary import Binary, parse_binary, read_binary
from gobind.tool.wheels.contents import package_files
from gobind.tool.wheels.project import Library, Project, names_gobind
from gobind.tool.wheels.release import build_release


@dataclass(frozen=True)
class Built:
    """A library built for a wheel.

    Attributes:
        name: its name in the wheel.
        members: what its wheel carries because of it: itself, licences, a list of what is in it.
        tag: the platform that it needs.
        target: the ``OS/ARCH`` that it is for.
    """

    name: str
    members: Mapping[str, Member]
    tag: str
    target: str


def build_wheel(project: Project, directory: Path, target: str | None = None) -> str:
    """Builds the libraries and writes the wheel into `directory`; returns its file name.

    Args:
        target: ``OS/ARCH``; None is this machine.

    Raises:
        BuildError: go fails, or no tag is right for the library.
        ContractError: a contract cannot be read.
    """
    members = package_files(project)
    info = f"{project.distribution}-{project.version}.dist-info"
    warn_of_dependencies([str(each) for each in project.metadata.dependencies])
    built = build_libraries(project, info, project.name, project.version, target)
    _leave_out_foreign(members, built[0].target)
    for each in built:
        members.update(each.members)
    tag = f"py3-none-{widest(built)}"
    add_metadata(members, project, info)
    members[f"{info}/WHEEL"] = Member(wheel_text(tag))
    name = f"{project.distribution}-{project.version}-{tag}.whl"
    write_wheel(directory / name, members, info)
    return name


def warn_of_dependencies(requirements: Sequence[str]) -> None:
    """Warns if users of a project would not get gobind with it, which its libraries need."""
    if not names_gobind(requirements):
        say(
            'warning: the project does not depend on gobind, without which its users cannot load it: add "gobind"'
        )


def _leave_out_foreign(members: dict[str, Member], target: str) -> None:
    """Removes libraries that are for another machine, and warns of those that are not built here."""
    for name in [name for name in members if name.endswith(tuple(SUFFIXES.values()))]:
        try:
            found = parse_binary(name, members[name].content).target
        except BuildError:  # no library
            continue
        if found == target:
            say(f"warning: {name} goes into the wheel, but is not built here: it may be left from before")
        else:
            say(f"warning: {name} is for {found} and does not go into the wheel")
            del members[name]


def add_metadata(members: dict[str, Member], project: Project, info: str) -> None:
    """Adds to the files of a wheel what is known about the project; METADATA names the licences among them all."""
    for path in project.license_files:
        members[f"{info}/licenses/{path.as_posix()}"] = Member((project.root / path).read_bytes())
    prefix = f"{info}/licenses/"
    files = sorted(name[len(prefix) :] for name in members if name.startswith(prefix))
    members[f"{info}/METADATA"] = Member(metadata_text(project, files))
    entry_points = _entry_points(project)
    if entry_points:
        members[f"{info}/entry_points.txt"] = Member(entry_points)


def metadata_text(project: Project, licenses: Sequence[str], dynamic: Sequence[str] = ()) -> bytes:
    """Returns the content of METADATA or PKG-INFO.

    Args:
        licenses: names of files in the folder of licences.
        dynamic: fields that a wheel made from the sdist may have more of.
    """
    message = project.metadata.as_rfc822()
    del message["License-File"]  # of a license = {file = ...} it has the whole path
    for name in licenses:
        message["License-File"] = name
    for field in dynamic:
        message["Dynamic"] = field
    return bytes(message)


def build_libraries(
    project: Project, info: str, name: str, version: str, target: str | None = None
) -> list[Built]:
    """Builds each library of a project for a wheel.

    Args:
        info: the folder of the metadata, ``NAME-VERSION.dist-info``.
        name: the project's name.
        version: the project's version.
    """
    built = []
    stems = [library.output.stem for library in project.libraries]
    with tempfile.TemporaryDirectory(prefix="gobind-") as folder:
        for library in project.libraries:
            variables = {library.version: version} if library.version else {}
            path = build_release(
                library.contract,
                library.go,
                Path(folder) / library.output,
                target,
                variables=variables,
                tags=library.tags,
            )
            binary = read_binary(path)
            placed = library.output.with_suffix(path.suffix).as_posix()
            members = {placed: Member(path.read_bytes(), executable=True)}
            about, made_of = _about(binary, library, info, name, version, placed, target)
            is_twice = stems.count(path.stem) > 1  # in two packages
            stem = ".".join(library.output.with_suffix("").parts) if is_twice else path.stem
            members.update(about)
            members[f"{info}/sboms/{stem}.cdx.json"] = made_of
            built.append(Built(placed, members, tags.platform_tag(binary), binary.target))
    return built


def _about(
    binary: Binary, library: Library, info: str, name: str, version: str, placed: str, target: str | None
) -> tuple[dict[str, Member], Member]:
    """Returns the licences of what is in a library, as members, and the list of it."""
    if binary.go is None:
        raise BuildError(f"{placed} does not say what Go has built it from")
    files = licenses.collect(find_toolchain(target), library.go, binary.go.modules, library.tags)
    members = {f"{info}/licenses/{file.name}": Member(file.content) for file in files}
    return members, Member(sbom.cyclonedx(name, version, placed, binary.go, files))


def widest(built: Sequence[Built]) -> str:
    """Returns the one platform tag for a wheel with these libraries: that of the library that needs most.

    Raises:
        BuildError: they are for different systems.
    """
    systems = {_split(each.tag)[0] for each in built}
    if len(systems) > 1:
        raise BuildError(
            f"libraries for different systems do not go into one wheel: {', '.join(sorted(systems))}"
        )
    return max((each.tag for each in built), key=lambda tag: _split(tag)[1])


def _split(tag: str) -> tuple[str, tuple[int, ...]]:
    """Returns a tag without the numbers of its system's version, and those.

    >>> _split("manylinux_2_17_x86_64")
    ('manylinux x86_64', (2, 17))
    >>> _split("win_amd64")
    ('win_amd64', ())
    """
    words = tag.split("_")
    if words[0] in ("manylinux", "macosx"):
        return f"{words[0]} {'_'.join(words[3:])}", (int(words[1]), int(words[2]))
    return tag, ()


def wheel_text(tag: str, is_pure: bool = False) -> bytes:
    """Returns the content of the file WHEEL."""
    lines = [
        "Wheel-Version: 1.0",
        f"Generator: gobind {gobind.__version__}",
        f"Root-Is-Purelib: {str(is_pure).lower()}",
        f"Tag: {tag}",
    ]
    return "".join(f"{line}\n" for line in lines).encode()


def _entry_points(project: Project) -> bytes:
    metadata = project.metadata
    groups = {
        "console_scripts": metadata.scripts,
        "gui_scripts": metadata.gui_scripts,
        **metadata.entrypoints,
    }
    parts = [
        "\n".join([f"[{group}]", *(f"{name} = {target}" for name, target in sorted(entries.items()))]) + "\n"
        for group, entries in sorted(groups.items())
        if entries
    ]
    return "\n".join(parts).encode()
