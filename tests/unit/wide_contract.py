"""A contract with each type in each place, for the generator's tests."""

from __future__ import annotations

import enum
import uuid
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Literal, Optional, Protocol, Union

from gobind import (
    Buffer,
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
    """Colours.

    - red
    - green

    # heading
    [x]: http://x
    1. one
        indented
    """

    RED = 1
    DARK_GREEN = -2


class Perm(enum.IntFlag):
    R = 1
    W = 2


class Mode(str, enum.Enum):
    FAST = 'fa"st\n'
    SLOW = "ß\x00`"


@gostruct
class Empty:
    pass


@gostruct
class HasEmpty:
    a: u8
    e: Empty
    t: tuple[()]


@gostruct
class Circle:
    """A round thing."""

    r: float


@gostruct
class Square:
    a: float
    names: list[str]


@gostruct
class Tree:
    value: int
    children: list[Tree]
    by_name: dict[str, Tree]
    parent: Optional[Tree]


@gostruct
class A:
    b: B
    n: u8


@gostruct
class B:
    a: Optional[A]
    t: tuple[int, Optional[A]]


@gostruct
class Expr:
    e: Union[Neg, Num]


@gostruct
class Neg:
    inner: Optional[Expr]


@gostruct
class Num:
    v: int


@gostruct
class Flat:
    x: f32
    y: u8
    p: Flat2


@gostruct
class Flat2:
    ok: bool
    z: f64


@gostruct
class All:
    b: bool
    i: int
    f: float
    s: str
    by: bytes
    i8_: i8
    i16_: i16
    i32_: i32
    i64_: i64
    u8_: u8
    u16_: u16
    u32_: u32
    u64_: u64
    f32_: f32
    f64_: f64
    c: Color
    p: Perm
    m: Mode
    dt: datetime
    td: timedelta
    uu: uuid.UUID
    day: date
    clock: time
    wall: naive
    price: Decimal
    count: bigint
    place: Path
    order: Order
    level: Literal[1, 2]
    rows: list[tuple[date, time, naive, Decimal, bigint, Path, Order, Literal[1, 2]]]
    maybes: tuple[
        Optional[date], Optional[naive], Optional[Decimal], Optional[bigint], Optional[Path], Optional[Order]
    ]
    orders: dict[Order, set[Literal[1, 2]]]
    o: Optional[int]
    os: Optional[str]
    oc: Optional[Circle]
    li: list[int]
    ll: list[list[str]]
    lb: list[bytes]
    tup: tuple[int, str, list[float]]
    vt: tuple[u8, ...]
    d: dict[str, int]
    dd: dict[int, dict[str, list[Circle]]]
    se: set[str]
    fs: frozenset[Color]
    sm: set[Mode]
    u: Union[Circle, Square]
    ou: Optional[Union[Circle, Square]]
    lu: list[Union[Circle, Square]]
    tree: Tree
    he: HasEmpty
    lhe: list[HasEmpty]
    a: A
    ldt: list[datetime]
    ltd: list[timedelta]
    luu: list[uuid.UUID]
    lbool: list[bool]
    lo: list[Optional[float]]
    ltt: list[tuple[float, tuple[str, bool]]]
    ltf: list[tuple[f64, f64]]
    dm: dict[Mode, Perm]
    lset: list[set[int]]
    lm: list[Mode]
    lol: list[Optional[list[int]]]


Hundred = gostruct(  # type: ignore[var-annotated]
    type("Hundred", (), {"__annotations__": {f"f{i}": u8 for i in range(100)}, "__module__": __name__})
)


@goerror
class NotFound(GoError):
    key: str
    tree: Tree


@goerror
class StoreError(GoError):
    """What stores do."""


@gointerface
class Wide(Protocol):
    """Wide."""

    def all(self, a: All) -> All: ...
    def alls(self, a: list[All]) -> list[All]: ...
    def tree(self, t: Tree) -> Tree:
        """Trees.

        More.
        """

    def expr(self, e: Expr) -> Expr: ...
    @gomethod(by_value=True)
    def by_value(self, c: Circle, type: int, len_: str, ctx: int, time: timedelta) -> datetime: ...
    @gomethod(name="Renamed")
    def other(self) -> None: ...
    def nothing(self, e: Empty) -> Empty: ...
    def buf(self, b: Buffer[f64], c: Buffer[Flat], d: Buffer[u8]) -> Buffer[Flat]: ...
    def bufn(self, n: int) -> Buffer[u8]: ...
    def hundred(self, h: list[Hundred]) -> Hundred: ...  # type: ignore[valid-type]
    def flag(self, x: bool) -> bool: ...
    def u64_(self, x: u64) -> u64: ...
    def f(self, x: float) -> float: ...
    def color(self, x: Color) -> Color: ...
    def mode(self, x: Mode) -> Mode: ...
    def union(self, x: Union[Circle, Square]) -> Union[Circle, Square]: ...
    def opt(self, x: Optional[Circle]) -> Optional[Circle]: ...
    def tup(self, x: tuple[int, str]) -> tuple[int, str]: ...
    def s(self, x: str) -> str: ...
    def by(self, x: bytes) -> bytes: ...
    def uid(self, x: uuid.UUID) -> uuid.UUID: ...
    def day(self, x: date) -> date: ...
    def price(self, x: Decimal) -> Decimal: ...
    def count(self, x: bigint) -> bigint: ...
    def level(self, x: Literal[1, 2], order: Order) -> Literal[1, 2]: ...
    def step(self, x: Literal[1, 2]) -> int: ...
    def fail(self, how: int) -> list[Union[Circle, Square]]: ...
    async def asy(self, x: dict[str, Tree]) -> dict[str, Tree]: ...


@gointerface
class Nothing(Protocol):
    pass


@gointerface
class Second(Protocol):
    def g(self) -> int: ...
