"""The bytes of a file that is read by offsets: whatever lies outside of it, or cannot be, is a BuildError."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, NoReturn

from gobind.errors import BuildError

LONGEST_NAME = 4096
"""Bytes of the longest name in a library that is believed."""

MOST_ENTRIES = 1 << 20
"""Entries of the longest table that is believed."""


class FileBytes:
    """The bytes of a file, or of the part of it that one machine uses.

    Attributes:
        name: of the file, for messages.
        data: its bytes.
        order: ``<`` or ``>``: the byte order of its numbers.
    """

    def __init__(self, name: str, data: bytes, order: str = "<") -> None:
        self.name = name
        self.data = data
        self.order = order

    def damaged(self, what: str) -> NoReturn:
        """Refuses the file.

        Raises:
            BuildError: always.
        """
        raise BuildError(f"{self.name} is damaged: {what}")

    def refuse(self, what: str) -> NoReturn:
        """Refuses a file that is in order, but nothing that Python can load.

        Raises:
            BuildError: always.
        """
        raise BuildError(f"{self.name} {what}")

    def take(self, at: int, size: int, what: str) -> bytes:
        """Returns `size` bytes at offset `at`.

        Raises:
            BuildError: they are not all in the file.
        """
        if not 0 <= at <= at + size <= len(self.data):
            self.damaged(f"{what} would end at byte {at + size} of {len(self.data)}")
        return self.data[at : at + size]

    def unpack(self, form: str, at: int, what: str) -> tuple[Any, ...]:
        """Returns the numbers of a `struct` format without byte order at offset `at`.

        Raises:
            BuildError: they are not all in the file.
        """
        parser = struct.Struct(self.order + form)
        return parser.unpack(self.take(at, parser.size, what))

    def table(self, form: str, at: int, count: int, what: str) -> Iterator[tuple[Any, ...]]:
        """Yields `count` entries of a `struct` format, one after another from offset `at`.

        Raises:
            BuildError: they are not all in the file.
        """
        parser = struct.Struct(self.order + form)
        if count > MOST_ENTRIES:
            self.damaged(f"{what} has {count} entries")
        return parser.iter_unpack(self.take(at, parser.size * count, what))

    def text(self, at: int, what: str) -> str:
        """Returns the text at offset `at`, which a NUL ends.

        Raises:
            BuildError: it is not in the file, or no name.
        """
        end = self.data.find(b"\0", at, at + LONGEST_NAME) if 0 <= at < len(self.data) else -1
        if end < 0:
            self.damaged(f"{what} has no end")
        name = self.data[at:end].decode("utf-8", "replace")
        if not name.isprintable():
            self.damaged(f"{what} is {name[:40]!r}")
        return name
