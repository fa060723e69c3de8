"""Reads PE files, those of Windows. Names and values are those of Microsoft's "PE Format"."""

from __future__ import annotations

from collections.abc import Iterator

from gobind.tool.wheels.facts import Facts
from gobind.tool.wheels.filebytes import MOST_ENTRIES, FileBytes

_MZ, _SIGNATURE = b"MZ", b"PE\0\0"
_SIGNATURE_AT = 60
_MACHINES = {0x14C: "386", 0x8664: "amd64", 0xAA64: "arm64", 0x1C4: "arm"}
_PE32, _PE32_PLUS = 0x10B, 0x20B
_IMPORT, _DEBUG, _DELAY_IMPORT = 1, 6, 13  # data directories
_EXECUTABLE_IMAGE = 2
_CODEVIEW = 2
_LONG_NAMES = b"/"


def matches(head: bytes) -> bool:
    """Says whether a file begins as PE files do."""
    if not head.startswith(_MZ) or len(head) < _SIGNATURE_AT + 4:
        return False
    at = int.from_bytes(head[_SIGNATURE_AT : _SIGNATURE_AT + 4], "little")
    return head[at : at + 4] == _SIGNATURE


def read(content: FileBytes) -> Facts:
    """Reads the headers of a PE file.

    Raises:
        BuildError: it is damaged, or neither a DLL nor a program.
    """
    return _Reader(content).read()


class _Reader:
    def __init__(self, content: FileBytes) -> None:
        self._content = content
        self._sections: list[tuple[int, int, int]] = []  # address, bytes in the file, offset

    def read(self) -> Facts:
        content = self._content
        (at,) = content.unpack("I", _SIGNATURE_AT, "the PE header")
        header = content.unpack("HHIIIHH", at + 4, "the PE header")
        machine, section_count, _, symbols, symbol_count, size, flags = header
        if not flags & _EXECUTABLE_IMAGE:
            content.refuse("is a PE file that cannot be loaded")
        optional = at + 24
        (magic,) = content.unpack("H", optional, "the optional header")
        if magic not in (_PE32, _PE32_PLUS):
            content.damaged(f"its optional header begins with {magic:#x}")
        directories = optional + (96 if magic == _PE32 else 112)
        (count,) = content.unpack("I", directories - 4, "the data directories")
        table = list(content.table("II", directories, min(count, 16), "the data directories"))
        names = symbols + 18 * symbol_count  # the table of strings is behind the symbols
        has_sections = self._read_sections(optional + size, section_count, names)
        facts = Facts(f"windows/{_MACHINES.get(machine, f'machine {machine:#x}')}")
        facts.has_debug = has_sections or bool(symbols and symbol_count) or self._names_pdb(table)
        facts.needed = [*self._imports(table, _IMPORT, 20, 12), *self._imports(table, _DELAY_IMPORT, 32, 4)]
        return facts

    def _read_sections(self, at: int, count: int, names: int) -> bool:
        """Reads the table of sections; says whether one of them holds debug data."""
        content = self._content
        has_debug = False
        for name, _, address, size, offset, *_ in content.table(
            "8sIIIIIIHHI", at, count, "the table of sections"
        ):
            if size and offset + size > len(content.data):
                content.damaged(f"it was cut short: {len(content.data)} bytes of {offset + size}")
            self._sections.append((address, size, offset))
            text = name.rstrip(b"\0")
            if text.startswith(_LONG_NAMES) and text[1:].isdigit():  # an offset into the table of strings
                text = content.text(names + int(text[1:]), "the name of a section").encode()
            has_debug |= text.startswith((b".debug_", b".zdebug_"))
        return has_debug

    def _offset(self, address: int, what: str) -> int:
        for start, length, offset in self._sections:
            if start <= address < start + length:
                return offset + address - start
        self._content.damaged(f"{what} is at address {address:#x}, which no section has")

    def _imports(self, table: list[tuple[int, int]], index: int, size: int, name_at: int) -> Iterator[str]:
        """Yields the names of the DLLs in a directory of imports, whose entries have `size` bytes."""
        content = self._content
        if index >= len(table) or not table[index][0]:
            return
        start = at = self._offset(table[index][0], "the table of imports")
        while (at - start) // size < MOST_ENTRIES:
            (name,) = content.unpack("I", at + name_at, "the table of imports")
            if not name:
                return
            yield content.text(self._offset(name, "the name of a DLL"), "the name of a DLL")
            at += size

    def _names_pdb(self, table: list[tuple[int, int]]) -> bool:
        """Says whether the library names a file of debug data, with its path on the machine that built it."""
        if _DEBUG >= len(table) or not table[_DEBUG][0]:
            return False
        content = self._content
        address, size = table[_DEBUG]
        start = self._offset(address, "the debug directory")
        for entry in content.table("IIHHIIII", start, size // 28, "the debug directory"):
            kind, length, offset = entry[4], entry[5], entry[7]
            if kind == _CODEVIEW and b"\0" != content.take(offset, length, "the debug data")[24:25]:
                return True
        return False
