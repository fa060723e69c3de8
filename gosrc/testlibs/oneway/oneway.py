"""One way only: Go writes down what it sees, and makes values out of what is written down.

Both sides of a codec can be wrong alike, and an echo does not show it. Here Go's half is written by hand.
"""

from __future__ import annotations

import enum
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Callable, Literal, Protocol
from uuid import UUID

from gobind import (
    GoError,
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

Order = Literal["asc", "desc"]


class Color(enum.Enum):
    RED = 1
    DARK_GREEN = -2
    FAR = -9223372036854775808


class Access(enum.IntFlag):
    READ = 1
    WRITE = 2
    RUN = 4


class Mood(str, enum.Enum):
    GOOD = "good"
    NONE = ""
    ODD = "\u00f6dd\x00\U0001f600"


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


@gostruct
class Circle:
    radius: float


@gostruct
class Square:
    side: float
    names: list[str]


@gostruct
class Tree:
    value: i16
    children: list[Tree]


@gostruct
class Nested:
    words: list[list[str]]
    blobs: list[list[bytes]]
    bools: list[bool]
    table: dict[str, list[u16]]
    by_number: dict[i8, str]
    by_color: dict[Color, bool | None]
    names: set[str]
    maybe: str | None
    maybes: list[i32 | None]
    pair: tuple[u8, tuple[str, bool]]
    pairs: list[tuple[i64, f32]]
    shape: Circle | Square
    shapes: list[Circle | Square]
    maybe_shape: Circle | Square | None
    maybe_words: list[str] | None
    maybe_blobs: list[bytes | None]
    maybe_table: dict[str, set[i8] | None] | None
    tree: Tree
    forest: list[Tree]
    moments: list[datetime]
    spans: list[timedelta]
    uniques: list[UUID]
    moods: list[Mood]


@gostruct
class Others:
    day: date
    clock: time
    wall: naive
    price: Decimal
    count: bigint
    place: Path
    order: Order
    level: Literal[1, -2]


@goerror
class Unsold(GoError):
    day: date
    price: Decimal
    count: bigint
    order: Order


@gointerface
class OneWay(Protocol):
    def show_leaves(self, value: Leaves) -> str: ...
    def show_rows(self, values: list[Leaves]) -> str: ...
    def show_parameters(
        self,
        truth: bool,
        whole: int,
        real: float,
        a: i8,
        b: i16,
        c: i32,
        d: i64,
        e: u8,
        f: u16,
        g: u32,
        h: u64,
        i: f32,
        j: f64,
        text: str,
        data: bytes,
        moment: datetime,
        span: timedelta,
        unique: UUID,
        color: Color,
        access: Access,
        mood: Mood,
    ) -> str: ...
    def show_nested(self, value: Nested) -> str: ...
    def show_nesteds(self, values: list[Nested]) -> str: ...
    async def show_later(self, value: Leaves, values: list[Nested]) -> str: ...
    @gomethod(by_value=True)
    def show_by_value(self, value: Leaves) -> str: ...
    def make_leaves(self, text: str) -> Leaves: ...
    def make_rows(self, text: str) -> list[Leaves]: ...
    async def make_later(self, text: str) -> list[Leaves]: ...
    def make_nested(self, full: bool) -> Nested: ...
    def make_nesteds(self) -> list[Nested]: ...
    def make_bool(self, text: str) -> bool: ...
    def make_int(self, text: str) -> int: ...
    def make_float(self, bits: str) -> float: ...
    def make_f32(self, bits: str) -> f32: ...
    def make_i8(self, text: str) -> i8: ...
    def make_i16(self, text: str) -> i16: ...
    def make_i32(self, text: str) -> i32: ...
    def make_u8(self, text: str) -> u8: ...
    def make_u16(self, text: str) -> u16: ...
    def make_u32(self, text: str) -> u32: ...
    def make_u64(self, text: str) -> u64: ...
    def make_color(self, text: str) -> Color: ...
    def make_mood(self, text: str) -> Mood: ...
    def make_moment(self, text: str) -> datetime: ...
    def make_span(self, text: str) -> timedelta: ...
    def make_unique(self, text: str) -> UUID: ...
    def make_wave(self, real: str, imag: str) -> complex: ...
    def show_waves(self, wave: complex, waves: list[complex]) -> str: ...
    def show_others(self, value: Others, values: list[Others]) -> str: ...
    def make_others(self, value: str, count: u8) -> list[Others]: ...
    def make_day(self, moment: str) -> date: ...
    def make_clock(self, text: str) -> time: ...
    def make_wall(self, moment: str) -> naive: ...
    def make_price(self, text: str) -> Decimal: ...
    def make_prices(self, texts: list[str]) -> list[Decimal]: ...
    def make_count(self, text: str) -> bigint: ...
    def make_place(self, text: str) -> Path: ...
    def make_order(self, text: str) -> Order: ...
    def make_orders(self, texts: list[str]) -> list[Order]: ...
    def ask(self, answer: Callable[[date, bigint], tuple[Decimal, Order]], day: date, count: str) -> str: ...
    def fail(self, day: date, price: Decimal, count: str) -> None: ...
