"""What is written anew in a library for macOS, so that its bytes are those of its contents: on a small one made here."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

import pytest

from gobind.tool.builder import macho

STUBS, POINTERS, LAZY = 0x8, 0x6, 0x7
NAMES = struct.pack("<3I", 10, 11, 12)  # of the stubs, and of the lazy pointers


def section(kind: int, start: int, size: int, each: int = 0) -> bytes:
    return struct.pack("<16s16sQQ8I", b"", b"__TEXT", start, size, start, 0, 0, 0, kind, 0, each, 0)


def library(garbage: bytes, uuid: bytes, *, gap: bytes = b"", more: bytes = b"") -> bytes:
    """A library whose table of indirect symbols has 3 stubs, 1 of 4 pointers, 3 lazy pointers, and `garbage` for 3.

    Args:
        gap: 16 bytes between the sections and the tables.
        more: load commands.
    """
    sections = section(STUBS, 2048, 36, 12) + section(POINTERS, 2088, 32) + section(LAZY, 2120, 24)
    sections += section(0x1, 0, 1 << 20)  # __bss, which is not in the file
    segment = struct.pack("<II16sQQQQ4I", 0x19, 72 + len(sections), b"__TEXT", 0, 4096, 0, 2144, 5, 5, 4, 0)
    table = NAMES + struct.pack("<I", 20) + NAMES + garbage
    tables, strings = 2160, 2160 + len(table)
    signature = strings + 8
    commands = [
        segment + sections,
        struct.pack("<6I", 0x2, 24, tables, 0, strings, 8),
        struct.pack("<20I", 0xB, 80, *[0] * 12, tables, len(table) // 4, *[0] * 4),
        struct.pack("<II", 0x1B, 24) + uuid,
        struct.pack("<4I", 0x1D, 16, signature, 20 + 44 + 32 * 3 + 2),
        more,
    ]
    text = b"".join(commands)
    count = len(commands) - (not more)
    content = struct.pack("<8I", 0xFEEDFACF, 0x0100000C, 0, 6, count, len(text), 0, 0) + text
    content = content.ljust(2048, b"\0") + b"S" * 36
    content = content.ljust(2088, b"\0") + b"P" * 32 + b"L" * 24 + (gap or bytes(16)) + table + b"strings\0"
    assert len(content) == signature
    pages = (signature + 1023) // 1024
    head = struct.pack(
        ">9I4BI", 0xFADE0C02, 44 + 2 + 32 * pages, 0x20400, 2, 46, 44, 0, pages, signature, 32, 2, 0, 10, 0
    )
    directory = head.ljust(44, b"\0") + b"a\0" + b"?" * 32 * pages
    return content + struct.pack(">5I", 0xFADE0CC0, 20 + len(directory), 1, 0, 20) + directory


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lib.dylib"


def settled(path: Path, content: bytes) -> bytes:
    path.write_bytes(content)
    macho.settle(path)
    return path.read_bytes()


def test_what_was_in_memory_does_not_count(path: Path) -> None:
    first = settled(path, library(b"\1\2\3\4" * 3, b"u" * 16))
    assert settled(path, library(bytes(12), b"v" * 16, gap=b"0123456789abcdef")) == first
    assert settled(path, first) == first
    assert first[2144:2160] == bytes(16)
    assert struct.unpack_from("<10I", first, 2160) == (10, 11, 12, 20, 10, 11, 12, *[0x80000000] * 3)


def test_what_is_in_it_stays_and_counts(path: Path) -> None:
    before = library(bytes(12), b"u" * 16)
    first = settled(path, before)
    assert len(first) == len(before)
    assert first[2048:2144] == before[2048:2144] and first[2200:2208] == b"strings\0"
    assert settled(path, before.replace(b"strings", b"strinGs")) != first
    at = first.index(struct.pack("<II", 0x1B, 24)) + 8
    assert first[at : at + 16] not in (b"u" * 16, bytes(16))
    assert (first[at + 6] >> 4, first[at + 8] >> 6) == (3, 2)


def test_each_page_is_signed(path: Path) -> None:
    content = settled(path, library(bytes(12), b"u" * 16))
    end = content.index(struct.pack(">I", 0xFADE0CC0))
    hashes = content[end + 20 + 46 :]
    assert [hashes[at : at + 32] for at in range(0, 96, 32)] == [
        hashlib.sha256(content[at : min(at + 1024, end)]).digest() for at in range(0, end, 1024)
    ]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x7fELF" + bytes(100),
        library(b"\1\2\3\4" * 3, b"u" * 16, more=struct.pack("<4I", 0x77, 16, 1, 1)),
    ],
    ids=["empty", "ELF", "an unknown load command"],
)
def test_what_is_not_known_stays_as_it_is(path: Path, content: bytes) -> None:
    assert settled(path, content) == content


def test_a_table_that_is_complete_stays(path: Path) -> None:
    content = library(struct.pack("<3I", 21, 22, 23), b"u" * 16)
    table = struct.pack("<I", 20) + NAMES + struct.pack("<3I", 21, 22, 23)
    whole = content.replace(table, struct.pack("<4I", 20, 21, 22, 23) + NAMES)
    assert whole != content
    assert struct.unpack_from("<10I", settled(path, whole), 2160) == (10, 11, 12, 20, 21, 22, 23, 10, 11, 12)
