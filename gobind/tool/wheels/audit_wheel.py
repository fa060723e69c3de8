"""What `gobind audit` says about a wheel."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from gobind.errors import BuildError
from gobind.tool.wheels.audit_library import Audit, audit_library
from gobind.tool.wheels.binary import HEAD, Binary, is_binary, parse_binary
from gobind.tool.wheels.project import names_gobind
from gobind.tool.wheels.tags import claimed_glibc, needed_glibc
from gobind.tool.wheels.wheelfile import WheelFile

_SUFFIXES = (".so", ".dylib", ".dll", ".pyd")
_EXTENSION = re.compile(r".*\.(?:(?:cpython|pypy|cp|abi3|graalpy)[\w.-]*\.(?:so|pyd)|abi3\.so|pyd)")
_LISTED = 5
"""Problems of one kind that are told one by one."""


def audit_wheel(wheel: WheelFile, load: bool) -> list[Audit]:
    """Returns what there is to say about a wheel, then about each library in it.

    Raises:
        BuildError: the wheel is damaged.
    """
    whole = Audit("")
    names = [name for name in dict.fromkeys(wheel.files) if is_binary(wheel.read(name, HEAD))]
    whole.problems += [
        f"{name} has the name of a library, but is none: {len(wheel.read(name))} bytes of something else"
        for name in dict.fromkeys(wheel.files)
        if name.endswith(_SUFFIXES) and name not in names
    ]
    libraries = _audit_libraries(wheel, names, load, whole)
    if not wheel.has_its_name():
        whole.problems.append(
            f"the folder {wheel.info} belongs to another project or version than the file name: pip refuses that"
        )
    whole.problems += _tag_problems(wheel, names, libraries)
    whole.problems += _shortened(wheel.record_problems())
    whole.problems += _licence_problems(wheel, libraries)
    sboms = wheel.under("sboms")
    if not sboms and any(library.go for library in _binaries(libraries)):
        whole.problems.append(
            f"there is no list of what the libraries are made of: a CycloneDX or SPDX file in {wheel.info}/sboms (PEP 770)"
        )
    if any(each.has_glue for each in _binaries(libraries)) and not _asks_for_gobind(wheel):
        whole.problems.append(
            "METADATA has no Requires-Dist: gobind, without which nobody can load the library"
        )
    licences = wheel.under("licenses")
    whole.facts = [
        ("tags", f"{', '.join(sorted(wheel.tags.expanded()))}"),
        ("licences", f"{len(licences)} file{'s' * (len(licences) != 1)}" if licences else "none"),
        ("SBOM", ", ".join(PurePosixPath(name).name for name in sboms) or "none"),
    ]
    if not names:
        whole.facts.append(("libraries", "none"))
    return [whole, *libraries]


def _asks_for_gobind(wheel: WheelFile) -> bool:
    """Says whether who installs the wheel gets gobind too."""
    return names_gobind(wheel.headers("METADATA").get_all("Requires-Dist", []))


def _binaries(libraries: Iterable[Audit]) -> list[Binary]:
    return [each.binary for each in libraries if each.binary is not None]


def _audit_libraries(wheel: WheelFile, names: Sequence[str], load: bool, whole: Audit) -> list[Audit]:
    found = []
    beside = {PurePosixPath(name).name for name in names}
    with tempfile.TemporaryDirectory(prefix="gobind-") as folder:
        contents = {name: wheel.read(name) for name in names}
        paths = _unpack(Path(folder), contents) if load else {}
        for name, content in contents.items():
            try:
                binary = parse_binary(name, content)
            except BuildError as error:
                whole.problems.append(str(error))
                continue
            found.append(audit_library(binary, paths.get(name), beside))
    return found


def _unpack(folder: Path, contents: dict[str, bytes]) -> dict[str, Path]:
    """Writes the libraries as they lie in the wheel, for one may need another; returns their paths."""
    paths = {}
    for name, content in contents.items():
        path = folder.joinpath(*(part for part in PurePosixPath(name).parts if part not in ("/", "..")))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        paths[name] = path
    return paths


def _shortened(problems: Iterable[str]) -> list[str]:
    found = [*problems]
    if len(found) <= _LISTED:
        return found
    return [*found[:_LISTED], f"and {len(found) - _LISTED} more like these"]


# Tags


def _tag_problems(wheel: WheelFile, names: Sequence[str], libraries: Sequence[Audit]) -> Iterator[str]:
    headers = wheel.headers("WHEEL")
    inside, outside = set(headers.get_all("Tag", [])), wheel.tags.expanded()
    if inside != outside:
        yield (
            f"the file WHEEL has the tags {_tags(inside)}, the file name {_tags(outside)}: pip believes the name,"
            " other tools the file"
        )
    if not names:
        if wheel.tags.platforms != ("any",):
            yield f"the file name is for {'.'.join(wheel.tags.platforms)}, but there is no library in the wheel"
        return
    if headers.get("Root-Is-Purelib", "").strip().lower() == "true":
        yield "the file WHEEL says Root-Is-Purelib: true, but the wheel holds libraries: it must be false"
    if not any(_EXTENSION.fullmatch(name) for name in names):
        if wheel.tags.abis != ("none",) or "py3" not in wheel.tags.pythons:
            yield (
                f"the file name says {'.'.join(wheel.tags.pythons)}-{'.'.join(wheel.tags.abis)}, but no library in it belongs to"
                " one version of Python: py3-none is right, and serves all"
            )
    yield from _platform_problems(wheel.tags.platforms, libraries)


def _tags(tags: Iterable[str]) -> str:
    return ", ".join(sorted(tags)) or "none"


def _platform_problems(platforms: Sequence[str], libraries: Sequence[Audit]) -> Iterator[str]:
    right = sorted({each.tag for each in libraries if each.tag})
    if "any" in platforms:
        targets = sorted({binary.target for binary in _binaries(libraries)})
        if len(targets) > 1:
            advice = "make a wheel for each of them, with its library only"
        else:
            advice = f"{' or '.join(right)} is right" if right else "the platform belongs there"
        if targets:
            yield f"the file name says any, as if it were for each machine, but holds libraries for {', '.join(targets)}: {advice}"
        return
    for platform in platforms:
        for each in libraries:
            if each.binary is not None and (problem := _misfit(platform, each)):
                yield f"the file name says {platform}, but {each.binary.name} {problem}"


def _misfit(platform: str, library: Audit) -> str | None:
    """Returns what is wrong with a platform tag for a library; None: the library loads wherever the tag says."""
    binary, tag = library.binary, library.tag
    assert binary is not None
    if platform.startswith("musllinux_"):
        return "cannot be loaded by musl, as no Go library can (golang/go #54805)" if binary.go else None
    if tag is None or platform == tag:
        return None  # why there is none is a problem of the library's own
    if platform.startswith("linux_"):
        return f"needs a glibc, of which that says nothing, so PyPI refuses it: {tag} is right"
    claimed, needed = claimed_glibc(platform), claimed_glibc(tag)
    if claimed and needed:
        if claimed[1] != needed[1]:
            return f"is for {binary.target}: {tag} is right"
        real = needed_glibc(
            binary
        )  # older than the oldest in a tag of gobind, manylinux1 promises no more than 2.5
        return f"needs glibc {real[0]}.{real[1]}: {tag} is right" if claimed[0] < real else None
    if platform.startswith("macosx_") and tag.startswith("macosx_"):
        return _macos_misfit(platform, tag)
    return f"is for {binary.target}: {tag} is right"


def _macos_misfit(platform: str, tag: str) -> str | None:
    claimed, needed = (re.fullmatch(r"macosx_(\d+)_(\d+)_(\w+)", each, re.ASCII) for each in (platform, tag))
    if claimed is None or needed is None:
        return f"needs {tag}"
    machines = {needed[3]} | ({"x86_64", "arm64"} if needed[3] == "universal2" else set())
    if claimed[3] not in machines:
        return f"is for another machine: {tag} is right"
    if (int(claimed[1]), int(claimed[2])) < (int(needed[1]), int(needed[2])):
        return f"needs macOS {needed[1]}.{needed[2]}: {tag} is right"
    return None


# Licences


def _licence_problems(wheel: WheelFile, libraries: Sequence[Audit]) -> Iterator[str]:
    found = {name[len(wheel.info) + 1 :] for name in wheel.files if name.startswith(f"{wheel.info}/")}
    for name in wheel.headers("METADATA").get_all("License-File", []):
        if f"licenses/{name}" not in found and name not in found:
            yield f"METADATA names the licence file {name}, which is not there"
    folder = f"{wheel.info}/licenses"
    infos = [binary.go for binary in _binaries(libraries) if binary.go is not None]
    if not infos:
        return
    texts = {name: wheel.text(name) for name in sorted(found) if _may_be_licence(name)}
    if not any("The Go Authors" in text for text in texts.values()):
        yield f"Go's own licence is not in {folder}: parts of Go are in each library that it builds"
    modules = {}
    for info in infos:
        for module in info.modules:
            names = [module.path] + ([module.replaced[0]] if module.replaced and module.replaced[1] else [])
            modules[module.path] = names
    missing = [
        path for path, names in modules.items() if not any(_is_licensed(each, texts) for each in names)
    ]
    if missing:
        more = f" and {len(missing) - _LISTED} more" if len(missing) > _LISTED else ""
        yield (
            f"there is no licence file in {folder} of {len(missing)} of {len(modules)} Go modules, whose licences ask for it:"
            f" {', '.join(missing[:_LISTED])}{more}"
        )


def _may_be_licence(name: str) -> bool:
    """Says whether a file of the metadata may hold licences: those in its folder, and where they were before that existed."""
    return name.startswith("licenses/") or re.match(r"(?i)licen[cs]e|copying|notice|third", name) is not None


def _is_licensed(module: str, texts: dict[str, str]) -> bool:
    """Says whether there is a licence of a Go module: a file in a folder of its name, or a text that names it."""
    pattern = re.compile(rf"(?:^|/){re.escape(module)}(?:@[^/]+/.+|/[^/]+)$", re.IGNORECASE)
    return any(pattern.search(name) for name in texts) or any(module in text for text in texts.values())
