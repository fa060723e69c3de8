"""A second contract of its own in the library several."""

from __future__ import annotations

from typing import Protocol

from gobind import GoError, goerror, gointerface


@goerror
class Negative(GoError):
    at: int


@gointerface
class Sums(Protocol):
    def add_up(self, numbers: list[int]) -> int: ...
