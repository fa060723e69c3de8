"""Each part of the protocol once: what tests/live/kept keeps a library of, which must load for ever."""

from __future__ import annotations

import enum
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Generic, Literal, NamedTuple, Optional, Protocol, TypeAlias, TypeVar
from uuid import UUID

from typing_extensions import NotRequired, TypedDict

from gobind import (
    JSON,
    Buffer,
    GoError,
    MutableBuffer,
    OneWay,
    bigint,
    f32,
    f64,
    goerror,
    gointerface,
    gomethod,
    gostruct,
    i8,
    i16,
    i32,
    i64,
    naive,
    u8,
    u16,
    u32,
    u64,
)

T = TypeVar("T")
Order = Literal["asc", "desc"]


class Color(enum.Enum):
    RED = 1
    BLUE = -2


class Access(enum.IntFlag):
    READ = 1
    WRITE = 2


class Mood(str, enum.Enum):
    GOOD = "good"
    ODD = "\u00f6dd"


@gostruct
class Leaves:
    truth: bool
    whole: int
    real: float
    a: i8
    b: i16
    c: i32
    d: i64
    e: u8
    f: u16
    g: u32
    h: u64
    i: f32
    j: f64
    text: str
    data: bytes
    moment: datetime
    span: timedelta
    unique: UUID
    color: Color
    access: Access
    mood: Mood
    day: date
    clock: time
    wall: naive
    price: Decimal
    count: bigint
    place: Path
    order: Order
    level: Literal[1, -2]


@gostruct
class Circle:
    radius: float


@gostruct
class Square:
    side: float
    names: list[str]


Shape: TypeAlias = Circle | Square


@gostruct
class Tree:
    value: i16
    children: list[Tree]


class Point(NamedTuple):
    x: float
    y: float = 0.5


class Options(TypedDict):
    deep: bool
    limit: NotRequired[u8]


@dataclass
class Row:
    key: str
    at: Point
    options: Options


@gostruct
class Page(Generic[T]):
    items: list[T]
    next: str | None = None


@gostruct
class Containers:
    words: list[list[str]]
    blobs: list[bytes]
    table: dict[str, list[u16]]
    by_color: dict[Color, bool | None]
    names: set[str]
    maybe: str | None
    maybes: list[i32 | None]
    maybe_words: list[str] | None
    pair: tuple[u8, tuple[str, bool]]
    shape: Shape
    shapes: list[Shape]
    maybe_shape: Shape | None
    tree: Tree
    page: Page[Row]
    moments: list[datetime]
    prices: list[Decimal]
    anything: Any
    more: dict[str, Any]


@goerror
class NotFound(GoError):
    key: str
    tries: list[int]


@gostruct
class Event:
    number: int
    text: str


@gointerface
class Store(Protocol):
    """Lives in Go or in Python."""

    def set(self, key: str, value: str) -> None: ...
    def get(self, key: str) -> str: ...
    def keys(self, prefix: str) -> Iterator[str]: ...
    def close(self) -> None: ...


@gointerface
class Fetcher(Protocol):
    """Lives in Python, on an event loop."""

    async def fetch(self, key: str) -> bytes: ...
    async def count(self, key: str) -> int: ...


@gostruct
class Response:
    status: int
    store: Store | None
    body: Iterator[bytes]


@gostruct
class Upload:
    name: str
    body: Iterable[bytes]
    done: Optional[Callable[[int], None]] = None


@gointerface
class Values(Protocol):
    """Values there and back; `show` returns JSON, as Go sees them."""

    def echo_leaves(self, value: Leaves, values: list[Leaves]) -> list[Leaves]: ...
    def show_leaves(self, value: Leaves) -> str: ...
    def echo_containers(self, value: Containers, values: list[Containers]) -> list[Containers]: ...
    @gomethod(by_value=True)
    def show_containers(self, value: Containers) -> str: ...
    def echo_any(self, value: Any) -> Any: ...
    def echo_json(self, value: JSON) -> JSON: ...
    def echo_scalar(self, value: int | str | None) -> int | str | None: ...
    def go_type(self, value: Any) -> str: ...
    def waves(self, wave: complex, waves: list[complex]) -> list[complex]: ...
    def text(self, size: int) -> str: ...
    @gomethod(release_gil=False)
    def add(self, a: i32, b: i32) -> int: ...
    @gomethod(name="IsLess")
    def less(self, a: u64, b: u64) -> bool: ...
    def root(self, a: float) -> float: ...


@gointerface
class Calls(Protocol):
    """Each way to call, and to fail."""

    async def later(self, text: str, milliseconds: int) -> str: ...
    @gomethod(ring=True)
    async def by_ring(self, number: int) -> int: ...
    @gomethod(ring=True)
    def push(self, number: int) -> None: ...
    def pushed(self) -> int: ...
    @gomethod(blocking=True)
    def wait(self, milliseconds: int) -> int: ...
    def hang(self) -> None:
        """Returns when its context ends."""

    def fail(self, kind: str) -> None:
        """Fails: "found", wrapped, or in another way."""

    async def fail_later(self, kind: str) -> int: ...


@gointerface
class Memory(Protocol):
    def fill(self, buffer: MutableBuffer[u16], value: u16) -> u64: ...
    def sum(self, buffer: Buffer[f64]) -> float: ...
    def squares(self, n: int) -> Buffer[i64]: ...


@gointerface
class Objects(Protocol):
    """Objects, functions and streams, both ways."""

    def open(self, name: str) -> Store: ...
    async def open_later(self, name: str) -> Store: ...
    def stores(self, names: list[str]) -> dict[str, Store]: ...
    def same(self, a: Store, b: Store) -> bool: ...
    def copy(self, source: Store, to: Store, prefix: str) -> int:
        """Copies what stands under a prefix; NotFound if that is nothing."""

    def keep(self, store: Store | None) -> None: ...
    def kept(self) -> Store: ...
    async def fetch(self, fetcher: Fetcher, keys: list[str]) -> list[bytes]: ...
    async def count(self, fetcher: Fetcher, key: str) -> int: ...
    def apply(self, f: Callable[[int], int], n: int) -> int: ...
    def describe(self, f: Callable[[Tree], str], tree: Tree) -> str: ...
    async def apply_later(self, f: Callable[[int], Awaitable[int]], n: int) -> int: ...
    def spread(self, f: Callable[[int], int], goroutines: int, each: int) -> int: ...
    def adder(self, n: int) -> Callable[[int], int]: ...
    def post(self, f: OneWay[[Event], None], count: int) -> None: ...
    def numbers(self, n: int) -> Iterator[int]: ...
    def rows(self, rows: Iterable[Row]) -> Iterator[Row]: ...
    def slow(self, n: int) -> AsyncIterator[int]: ...
    async def sum(self, numbers: AsyncIterable[int]) -> int: ...
    def get(self, url: str, chunks: int) -> Response: ...
    def put(self, upload: Upload) -> bytes: ...
