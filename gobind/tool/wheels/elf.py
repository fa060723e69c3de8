"""Reads ELF files, those of Linux: the dynamic segment as the loader does, sections for debug data.

Names and values are those of elf.h; versions of symbols are described in the Linux Standard Base, "Symbol Versioning".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gobind.tool.wheels.facts import Facts
from gobind.tool.wheels.filebytes import MOST_ENTRIES, FileBytes

_MAGIC = b"\x7fELF"
_CLASS_64 = 2
_BIG_ENDIAN = 2
_ET_EXEC, _ET_DYN = 2, 3
_PT_LOAD, _PT_DYNAMIC, _PT_NOTE = 1, 2, 4
_DT_NULL, _DT_NEEDED, _DT_STRTAB, _DT_VERNEED, _DT_VERNEEDNUM = 0, 1, 5, 0x6FFFFFFE, 0x6FFFFFFF
_SHT_SYMTAB = 2
_NT_GNU_BUILD_ID = 3
_DEBUG_SECTIONS = (".debug_", ".zdebug_")

_RELR, _HAS_RELR = "GLIBC_ABI_DT_RELR", (2, 36)  # the linker asks for the glibc that knows packed relocations

# EM_* and whether the numbers are big-endian: Go's name.
_MACHINES = {
    (3, False): "386",
    (40, False): "arm",
    (62, False): "amd64",
    (183, False): "arm64",
    (243, False): "riscv64",
    (258, False): "loong64",
    (21, False): "ppc64le",
    (21, True): "ppc64",
    (22, True): "s390x",
}
_SYSTEMS = {0: "linux", 3: "linux", 2: "netbsd", 6: "solaris", 9: "freebsd", 12: "openbsd"}


def matches(head: bytes) -> bool:
    """Says whether a file begins as ELF files do."""
    return head.startswith(_MAGIC)


def read(content: FileBytes) -> Facts:
    """Reads the headers of an ELF file.

    Raises:
        BuildError: it is damaged, or neither a shared library nor a program.
    """
    kind, data = content.take(4, 2, "the ELF header")
    if kind not in (1, 2) or data not in (1, 2):
        content.damaged("its ELF header says neither 32 nor 64 bit, or no byte order")
    content.order = ">" if data == _BIG_ENDIAN else "<"
    return _Reader(content, kind == _CLASS_64).read()


class _Reader:
    def __init__(self, content: FileBytes, wide: bool) -> None:
        self._content = content
        self._wide = wide
        self._segments: list[tuple[int, int, int, int]] = []  # of PT_LOAD: address, bytes in the file, offset
        self._dynamic: list[tuple[int, int]] = []
        self._notes: list[tuple[int, int]] = []

    def read(self) -> Facts:
        content = self._content
        form = "HHIQQQIHHHHHH" if self._wide else "HHIIIIIHHHHHH"
        header = content.unpack(form, 16, "the ELF header")
        kind, machine, _, _, segments, sections, _, _, segment_size, segment_count, size, count, names = (
            header
        )
        if kind not in (_ET_EXEC, _ET_DYN):
            content.refuse("is an ELF file, but no shared library: an object file or a core dump")
        facts = Facts(self._target(machine))
        self._read_segments(segments, segment_size, segment_count)
        self._read_needs(facts)
        facts.build_id = self._build_id()
        facts.has_debug = self._has_debug(sections, size, count, names)
        return facts

    def _target(self, machine: int) -> str:
        content = self._content
        arch = _MACHINES.get((machine, content.order == ">"), f"machine {machine}")
        system = content.take(7, 1, "the ELF header")[0]
        return f"{_SYSTEMS.get(system, f'system {system}')}/{arch}"

    def _read_segments(self, at: int, size: int, count: int) -> None:
        content = self._content
        form = "IIQQQQQQ" if self._wide else "IIIIIIII"
        if count and size != (56 if self._wide else 32):
            content.damaged(f"its program headers have {size} bytes each")
        dynamic = None
        for entry in content.table(form, at, count, "the table of segments"):
            if self._wide:
                kind, _, offset, address, _, length = entry[:6]
            else:
                kind, offset, address, _, length = entry[:5]
            if kind == _PT_LOAD:
                if offset + length > len(content.data):
                    content.damaged(f"it was cut short: {len(content.data)} bytes of {offset + length}")
                self._segments.append((address, length, offset, 0))
            elif kind == _PT_DYNAMIC:
                dynamic = offset, length
            elif kind == _PT_NOTE:
                self._notes.append((offset, length))
        if dynamic is not None:
            self._read_dynamic(*dynamic)

    def _read_dynamic(self, at: int, length: int) -> None:
        form, size = ("qQ", 16) if self._wide else ("iI", 8)
        for tag, value in self._content.table(form, at, length // size, "the dynamic segment"):
            if tag == _DT_NULL:
                break
            self._dynamic.append((tag, value))

    def _offset(self, address: int, what: str) -> int:
        """Returns where in the file lies what the loader finds at `address`."""
        for start, length, offset, _ in self._segments:
            if start <= address < start + length:
                return offset + address - start
        self._content.damaged(f"{what} is at address {address:#x}, which no segment has")

    def _value(self, wanted: int) -> int | None:
        return next((value for tag, value in self._dynamic if tag == wanted), None)

    def _read_needs(self, facts: Facts) -> None:
        strings = self._value(_DT_STRTAB)
        names = [value for tag, value in self._dynamic if tag == _DT_NEEDED]
        table, count = self._value(_DT_VERNEED), self._value(_DT_VERNEEDNUM)
        if strings is None:
            if names or table is not None:
                self._content.damaged("it names libraries, but has no table of strings")
            return
        start = self._offset(strings, "the table of strings")
        facts.needed = [self._content.text(start + at, "the name of a needed library") for at in names]
        if table is None:
            return
        for name in self._versions(self._offset(table, "the table of versions"), count or 0, start):
            family, _, version = name.rpartition("_")
            if re.fullmatch(r"\d{1,9}(\.\d{1,9}){0,3}", version, re.ASCII):
                numbers = tuple(map(int, version.split(".")))
                facts.versions[family] = max(facts.versions.get(family, ()), numbers)
            elif name == _RELR:
                facts.versions["GLIBC"] = max(facts.versions.get("GLIBC", ()), _HAS_RELR)
            else:
                facts.versions.setdefault(name, ())
        if "GLIBC" in facts.versions and len(facts.versions["GLIBC"]) < 2:
            self._content.damaged("the version of glibc that it needs has one number")

    def _versions(self, at: int, count: int, strings: int) -> Iterator[str]:
        """Yields the name of each version that is needed: GLIBC_2.17."""
        content, steps = self._content, 0
        for _ in range(count):
            _, entries, _, first, following = content.unpack("HHIII", at, "the table of versions")
            entry = at + first
            for _ in range(entries):
                _, _, _, name, step = content.unpack("IHHII", entry, "a version")
                yield content.text(strings + name, "the name of a version")
                entry, steps = entry + step, steps + 1
                if steps > MOST_ENTRIES:
                    content.damaged("the table of versions has no end")
                if not step:
                    break
            if not following:
                break
            at, steps = at + following, steps + 1

    def _build_id(self) -> str:
        for start, length in self._notes:
            at, end = start, start + length
            while at + 12 <= end:
                owner, size, kind = self._content.unpack("III", at, "a note")
                text = at + 12
                described = text + (owner + 3) // 4 * 4
                if kind == _NT_GNU_BUILD_ID and self._content.take(text, owner, "a note") == b"GNU\0":
                    return self._content.take(described, size, "the build id").hex()
                at = described + (size + 3) // 4 * 4
        return ""

    def _has_debug(self, at: int, size: int, count: int, names: int) -> bool:
        if not at or not count:
            return False
        content = self._content
        form = "IIQQQQIIQQ" if self._wide else "IIIIIIIIII"
        if size != (64 if self._wide else 40):
            content.damaged(f"its section headers have {size} bytes each")
        sections = list(content.table(form, at, count, "the table of sections"))
        if names >= len(sections):
            content.damaged("its sections have no names")
        strings = sections[names][4]
        return any(
            section[1] == _SHT_SYMTAB
            or content.text(strings + section[0], "the name of a section").startswith(_DEBUG_SECTIONS)
            for section in sections
        )
