"""One version of a contract; tests/live/test_load.py asks for others."""

from __future__ import annotations

import enum
from typing import Protocol

from gobind import GoError, goerror, gointerface, gostruct, u8, u16, u32


class Color(enum.Enum):
    RED = 1
    GREEN = 2


@gostruct
class User:
    id: u32
    name: str
    age: u8


@gostruct
class Size:
    width: u16
    height: u16


@goerror
class NotFound(GoError):
    key: str


@gointerface
class Versions(Protocol):
    """A few methods."""

    def first(self, n: int) -> int: ...
    def user(self, user: User) -> User: ...
    def color(self, color: Color) -> Color: ...
    def two(self, a: int, b: str) -> str: ...
    async def later(self, n: int) -> int: ...
    def area(self, size: Size, sizes: list[Size]) -> int: ...
    def find(self, key: str) -> None: ...
