"""Reads what a shared library needs and holds, whatever platform it is for. Nothing of it is loaded or run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gobind.errors import BuildError
from gobind.tool.wheels import elf, macho, pe
from gobind.tool.wheels.buildinfo import BuildInfo, find_build_info
from gobind.tool.wheels.facts import Facts
from gobind.tool.wheels.filebytes import FileBytes

HEAD = 4096
"""Bytes by which `is_binary` knows a library."""

_DESCRIBE = b"gobind_describe\0"  # as each of the three formats writes the name of what is exported


@dataclass(frozen=True)
class Binary:
    """A shared library, as its headers tell of it.

    Attributes:
        name: of the file.
        target: Go's OS/ARCH: ``linux/amd64``; ``darwin/universal2`` for Intel and Apple silicon in one file.
        needed: the libraries that it names, each once, in its order.
        versions: the newest version that it needs of each family of symbols: ``{"GLIBC": (2, 17)}``; of one without
            numbers the whole name, and no version: ``{"GLIBC_PRIVATE": ()}``. Linux only.
        macos: the oldest macOS that it runs on; None: not for macOS, or it does not say.
        has_debug: it holds debug data, or symbols that only debuggers use.
        size: bytes of the file.
        build_id: GNU's, in hexadecimal; empty: there is none.
        is_signed: it has a code signature; False but on macOS.
        go: what Go has written into it; None: it is not Go's.
        has_glue: it has gobind's entry points.
    """

    name: str
    target: str
    needed: tuple[str, ...]
    versions: Mapping[str, tuple[int, ...]]
    macos: tuple[int, int] | None
    has_debug: bool
    size: int
    build_id: str
    is_signed: bool
    go: BuildInfo | None
    has_glue: bool

    @property
    def glibc(self) -> tuple[int, int] | None:
        """The newest GLIBC_x.y among the versions it needs; None: it needs none."""
        found = self.versions.get("GLIBC")
        return (found[0], found[1]) if found else None


def read_binary(path: Path) -> Binary:
    """Reads a shared library: ELF, Mach-O (also universal) or PE.

    Raises:
        BuildError: it cannot be read, is damaged, or is nothing of the kind.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BuildError(f"{path} cannot be read: {error.strerror or error}") from None
    return parse_binary(str(path), content)


def parse_binary(name: str, content: bytes) -> Binary:
    """Reads a shared library of which `content` is all bytes; `name` is for messages.

    Raises:
        BuildError: it is damaged, or no shared library.
    """
    facts = _facts(name, content)
    return Binary(
        name=name,
        target=facts.target,
        needed=tuple(dict.fromkeys(facts.needed)),
        versions=facts.versions,
        macos=facts.macos,
        has_debug=facts.has_debug,
        size=len(content),
        build_id=facts.build_id,
        is_signed=facts.is_signed,
        go=find_build_info(content),
        has_glue=_DESCRIBE in content,
    )


def is_binary(head: bytes) -> bool:
    """Says whether a file that begins with `head` (at most `HEAD` bytes are looked at) claims to be a shared library or a program."""
    return elf.matches(head) or macho.matches(head) or pe.matches(head[:HEAD])


def _facts(name: str, content: bytes) -> Facts:
    for matches, read in ((elf.matches, elf.read), (macho.matches, macho.read), (pe.matches, pe.read)):
        if matches(content[:HEAD]):
            return read(FileBytes(name, content))
    what = "is empty" if not content else "is not a shared library: expected an ELF, Mach-O or PE file"
    raise BuildError(f"{name} {what}")
