"""Reads Mach-O files, those of macOS: their load commands. Names are those of Apple's mach-o/loader.h and mach-o/fat.h."""

from __future__ import annotations

from collections.abc import Iterator

from gobind.tool.wheels.facts import Facts
from gobind.tool.wheels.filebytes import FileBytes

_MAGIC_64, _MAGIC_32 = b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe"
_FAT, _FAT_64 = b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf"
_MOST_SLICES = (
    30  # a Java class begins with the same four bytes and a larger number: file(1) tells them so, too
)
_HEADER = 32
_MH_EXECUTE, _MH_DYLIB, _MH_BUNDLE = 2, 6, 8
_LC_SEGMENT_64, _LC_SYMTAB, _LC_CODE_SIGNATURE = 0x19, 2, 0x1D
_LC_VERSION_MIN_MACOSX, _LC_BUILD_VERSION = 0x24, 0x32
# LC_LOAD_DYLIB, LC_LOAD_WEAK_DYLIB, LC_REEXPORT_DYLIB, LC_LOAD_UPWARD_DYLIB
_DYLIBS = (0xC, 0x80000018, 0x8000001F, 0x80000023)
_PLATFORM_MACOS = 1
_NLIST = 16
_STAB = 0x20  # n_type from here on has a bit of N_STAB: a symbol for debuggers
_MACHINES = {0x01000007: "amd64", 0x0100000C: "arm64"}


def matches(head: bytes) -> bool:
    """Says whether a file begins as Mach-O files do."""
    if head.startswith((_FAT, _FAT_64)):
        return len(head) < 8 or int.from_bytes(head[4:8], "big") < _MOST_SLICES
    return head.startswith((_MAGIC_64, _MAGIC_32))


def read(content: FileBytes) -> Facts:
    """Reads the load commands of a Mach-O file: of all its slices, if it is universal.

    Raises:
        BuildError: it is damaged, or nothing that a 64-bit Python can load.
    """
    if not content.data.startswith((_FAT, _FAT_64)):
        return _read_slice(content)
    slices = [_read_slice(part) for part in _slices(content)]
    found = sorted(facts.target for facts in slices)
    if len(slices) == 1:
        return slices[0]
    if found != ["darwin/amd64", "darwin/arm64"]:
        content.refuse(
            f"is a universal library of {', '.join(found) or 'nothing'}: Python has no name for that"
        )
    intel, apple = sorted(slices, key=lambda facts: facts.target)
    return Facts(
        "darwin/universal2",
        [*intel.needed, *apple.needed],
        macos=_oldest_of_both(intel.macos, apple.macos),
        has_debug=intel.has_debug or apple.has_debug,
        is_signed=apple.is_signed,  # Intel's Macs load what is not
    )


def _oldest_of_both(intel: tuple[int, int] | None, apple: tuple[int, int] | None) -> tuple[int, int] | None:
    """Returns the oldest macOS that both slices of a universal library run on; Apple silicon begins at 11.0."""
    if intel is None or apple is None:
        return None
    return intel if apple <= (11, 0) else max(intel, apple)


def _slices(content: FileBytes) -> Iterator[FileBytes]:
    wide = content.data.startswith(_FAT_64)
    head = FileBytes(content.name, content.data, ">")
    (count,) = head.unpack("I", 4, "the universal header")
    for entry in head.table("IIQQII" if wide else "IIIII", 8, count, "the universal header"):
        offset, size = entry[2:4]
        yield FileBytes(content.name, head.take(offset, size, "a slice"))


def _read_slice(content: FileBytes) -> Facts:
    if content.data.startswith(_MAGIC_32):
        content.refuse("is a 32-bit Mach-O file: macOS loads none since 10.15")
    if not content.data.startswith(_MAGIC_64):
        content.damaged("a slice of it is no Mach-O file")
    machine, _, kind, count, size, _, _ = content.unpack("IIIIIII", 4, "the Mach-O header")
    if kind not in (_MH_EXECUTE, _MH_DYLIB, _MH_BUNDLE):
        content.refuse("is a Mach-O file, but no shared library")
    facts = Facts(f"darwin/{_MACHINES.get(machine, f'machine {machine}')}")
    at, end = _HEADER, _HEADER + size
    for _ in range(count):
        command, length = content.unpack("II", at, "a load command")
        if length < 8 or at + length > end:
            content.damaged(f"a load command has {length} bytes")
        _read_command(content, facts, command, at)
        at += length
    return facts


def _read_command(content: FileBytes, facts: Facts, command: int, at: int) -> None:
    if command in _DYLIBS:
        (name,) = content.unpack("I", at + 8, "the name of a needed library")
        facts.needed.append(content.text(at + name, "the name of a needed library"))
    elif command == _LC_VERSION_MIN_MACOSX:
        facts.macos = _version(content, at + 8)
    elif command == _LC_BUILD_VERSION:
        if content.unpack("I", at + 8, "the platform")[0] == _PLATFORM_MACOS:
            facts.macos = _version(content, at + 12)
    elif command == _LC_CODE_SIGNATURE:
        facts.is_signed = True
    elif command == _LC_SEGMENT_64:
        name, _, _, offset, size = content.unpack("16sQQQQ", at + 8, "a segment")
        if offset + size > len(content.data):
            content.damaged(f"it was cut short: {len(content.data)} bytes of {offset + size}")
        facts.has_debug |= name.rstrip(b"\0") == b"__DWARF"
    elif command == _LC_SYMTAB:
        start, count = content.unpack("II", at + 8, "the symbols")
        kinds = content.take(start, count * _NLIST, "the symbols")[4::_NLIST]
        facts.has_debug |= max(kinds, default=0) >= _STAB


def _version(content: FileBytes, at: int) -> tuple[int, int]:
    (packed,) = content.unpack("I", at, "the oldest macOS")
    return packed >> 16, packed >> 8 & 0xFF
