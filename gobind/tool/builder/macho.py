"""Makes the bytes of a library for macOS those of its contents alone.

zig's linker leaves what was in memory where it writes nothing: between the parts of the file, and at the end of the table of
indirect symbols, which it makes too long (a place for each pointer in ``__got``, an entry for those to other libraries only). It
differs between a first build and the next. Gaps are filled with zeros and the table with entries for local symbols, which dyld
does not look at; the UUID, a digest of the contents, and the hashes of the signature are made anew.

The format is that of <mach-o/loader.h>, the signature's that of xnu's <kern/cs_blobs.h>. This module imports nothing of gobind.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from pathlib import Path

_MAGIC = 0xFEEDFACF
_HEADER = 32
_SEGMENT, _SYMTAB, _DYSYMTAB, _UUID, _SIGNATURE, _DYLD_INFO = 0x19, 0x2, 0xB, 0x1B, 0x1D, 0x22
# Commands that name one part of the file; commands that name none.
_ONE_PART = frozenset([0x1D, 0x1E, 0x26, 0x29, 0x2B, 0x2E, 0x33, 0x34])
_NO_PART = frozenset([0xC, 0xD, 0xE, 0x18, 0x1B, 0x1C, 0x1F, 0x20, 0x24, 0x2A, 0x32])
_ZERO_FILLED = frozenset([0x1, 0xC, 0x12])  # types of sections that are not in the file
_STUBS, _POINTERS, _LAZY_POINTERS = 0x8, 0x6, 0x7  # types of sections with indirect symbols
_LOCAL_SYMBOL = 0x80000000
_SHA256 = 2


def settle(path: Path) -> None:
    """Makes the bytes of the library `path` independent of how zig came to them; one of another kind stays as it is."""
    content = bytearray(path.read_bytes())
    parts = _parts(content)
    if parts is None:
        return
    end = 0
    for start, size in sorted(parts):
        if start > end:
            content[end:start] = bytes(start - end)
        end = max(end, start + size)
    content[end:] = bytes(len(content) - end)
    _fill_indirect_symbols(content)
    _identify(content)
    path.write_bytes(content)


def _commands(content: bytearray) -> Iterator[tuple[int, int]]:
    """Yields number and place of each load command."""
    count = struct.unpack_from("<I", content, 16)[0]
    at = _HEADER
    for _ in range(count):
        number, size = struct.unpack_from("<II", content, at)
        yield number & 0x7FFFFFFF, at
        at += size


def _parts(content: bytearray) -> list[tuple[int, int]] | None:
    """Returns start and size of each part of a library; None: it is none of 64 bits, or has commands not known here."""
    if len(content) < _HEADER or struct.unpack_from("<I", content)[0] != _MAGIC:
        return None
    parts = [(0, _HEADER + struct.unpack_from("<I", content, 20)[0])]
    for number, at in _commands(content):
        if number == _SEGMENT:
            parts += _sections(content, at)
        elif number == _SYMTAB:
            symbols, count, strings, size = struct.unpack_from("<4I", content, at + 8)
            parts += [(symbols, count * 16), (strings, size)]
        elif number == _DYSYMTAB:
            fields = struct.unpack_from("<18I", content, at + 8)
            if any(fields[6:12]) or any(fields[14:]):
                return None  # tables that no linker of today makes
            parts.append((fields[12], fields[13] * 4))
        elif number == _DYLD_INFO:
            fields = struct.unpack_from("<10I", content, at + 8)
            parts += zip(fields[::2], fields[1::2])
        elif number in _ONE_PART:
            parts.append(struct.unpack_from("<II", content, at + 8))
        elif number not in _NO_PART:
            return None
    return [(start, size) for start, size in parts if size]


def _sections(content: bytearray, segment: int) -> Iterator[tuple[int, int]]:
    """Yields start and size of each section of a segment that is in the file."""
    for at in _headers(content, segment):
        size, start = struct.unpack_from("<QI", content, at + 40)
        if content[at + 64] not in _ZERO_FILLED:
            yield start, size


def _headers(content: bytearray, segment: int) -> range:
    """Returns the places of the headers of a segment's sections; the type of a section is byte 64 of its own."""
    count = struct.unpack_from("<I", content, segment + 64)[0]
    return range(segment + 72, segment + 72 + 80 * count, 80)


def _fill_indirect_symbols(content: bytearray) -> None:
    """Fills the end of the table of indirect symbols that zig left.

    The table has those of ``__stubs``, of ``__got`` and of ``__la_symbol_ptr``, which are those of the stubs once more.
    """
    sizes = {}
    start = count = 0
    for number, place in _commands(content):
        if number == _DYSYMTAB:
            start, count = struct.unpack_from("<II", content, place + 56)
        for at in _headers(content, place) if number == _SEGMENT else ():
            if content[at + 64] in (_STUBS, _POINTERS, _LAZY_POINTERS):
                size, each = (
                    struct.unpack_from("<Q", content, at + 40)[0],
                    struct.unpack_from("<I", content, at + 72)[0],
                )
                sizes[content[at + 64]] = size // (each or 8)
    stubs, pointers = sizes.get(_STUBS, 0), sizes.get(_POINTERS, 0)
    if not stubs or stubs != sizes.get(_LAZY_POINTERS) or count != 2 * stubs + pointers:
        return  # another linker's
    table = list(struct.unpack_from(f"<{count}I", content, start))
    for end in range(2 * stubs, count):
        if table[end - stubs : end] == table[:stubs]:
            table[end:] = [_LOCAL_SYMBOL] * (count - end)
            struct.pack_into(f"<{count}I", content, start, *table)
            return


def _identify(content: bytearray) -> None:
    """Writes UUID and signature anew: of what lies before the signature, without the UUID."""
    places = dict(_commands(content))
    signature, _ = (
        struct.unpack_from("<II", content, places[_SIGNATURE] + 8) if _SIGNATURE in places else (0, 0)
    )
    if _UUID in places:
        at = places[_UUID] + 8
        content[at : at + 16] = bytes(16)
        digest = bytearray(hashlib.sha256(content[: signature or None]).digest()[:16])
        digest[6] = digest[6] & 0x0F | 0x30  # version 3, a digest of a name; variant 1
        digest[8] = digest[8] & 0x3F | 0x80
        content[at : at + 16] = digest
    if signature:
        _sign(content, signature)


def _sign(content: bytearray, signature: int) -> None:
    """Writes the hash of each page into each directory of an ad-hoc signature."""
    count = struct.unpack_from(">I", content, signature + 8)[0]
    for number in range(count):
        kind, offset = struct.unpack_from(">II", content, signature + 12 + 8 * number)
        if kind:
            continue
        directory = signature + offset
        hashes, _, _, slots, limit = struct.unpack_from(">5I", content, directory + 16)
        size, algorithm, _, page = struct.unpack_from(">4B", content, directory + 36)
        assert (algorithm, size) == (_SHA256, 32), "zig signs with SHA-256"
        for slot in range(slots):
            part = content[slot << page : min(slot + 1 << page, limit)]
            at = directory + hashes + slot * size
            content[at : at + size] = hashlib.sha256(part).digest()
