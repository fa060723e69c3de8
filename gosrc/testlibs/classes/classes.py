"""Classes that a program has already, as structs: what Go sees of them, and gives back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, NamedTuple, Optional, Protocol, TypeVar

from typing_extensions import NotRequired, TypedDict

from gobind import Buffer, GoError, goerror, gointerface, gostruct, u8

T = TypeVar("T")


class Point(NamedTuple):
    """A point of the plane."""

    x: float
    y: float = 0.5


class Options(TypedDict):
    """What is known of a place."""

    day: str
    hours: NotRequired[u8]
    nick: NotRequired[Optional[str]]


@dataclass
class Place:
    name: str
    at: Point
    options: Options
    tags: tuple[str, ...] = ()


@gostruct
class Page(Generic[T]):
    """A part of a long list."""

    items: list[T]
    next: Optional[Page[T]] = None


@goerror
class Unknown(GoError):
    at: Point
    options: Options


@gointerface
class Places(Protocol):
    def describe(self, options: Options) -> str:
        """Returns the options as Go prints them."""

    def made(self, n: int) -> Options:
        """Returns options with n of the keys that may be missing; -1: one is there, but None."""

    def move(self, points: list[Point], by: Point) -> list[Point]: ...
    def points(self, pages: list[Page[Place]]) -> Page[Point]: ...
    def names(self, page: Page[Place]) -> Page[str]: ...
    def broken(self, n: int) -> Page[Place]:
        """Returns what Python refuses: its last day is no UTF-8."""

    def fail(self, at: Point, options: Options) -> None: ...
    def ask(self, answer: Callable[[Options, Point], Page[Point]]) -> float: ...
    async def later(self, place: Place) -> Place: ...
    def each(self, points: Iterable[Point]) -> Iterator[Options]: ...
    def total(self, points: Buffer[Point]) -> float: ...
