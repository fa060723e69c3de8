"""Mirrors: layouts against numbers worked out by hand, values there and back."""

# ruff: noqa: E501  (tables of messages: a row is a line)

from __future__ import annotations

import copy
import ctypes
import datetime
import enum
import gc
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any, Callable, Dict, FrozenSet, List, Literal, Optional, Set, Tuple, Union

import pytest
import random_contracts

import gobind
from gobind import bigint, f32, from_mirror, gostruct, i16, mirror, naive, to_mirror, u8, u16, u32, u64
from gobind.codec.layout import layout_of
from gobind.codec.mirrors import node_of
from gobind.contract.types import DynamicType, walk


class Color(enum.Enum):
    RED = 1


class Mood(str, enum.Enum):
    GOOD = "good"


@gostruct
class Small:
    a: u8
    b: u16


@gostruct
class Empty:
    pass


@gostruct
class WithFunction:
    function: Callable[[int], int]


@gostruct
class Numbers:
    a: u8
    b: u16
    c: bool
    d: f32
    e: u8
    f: u64
    g: bool


@gostruct
class Texts:
    a: u8
    name: str
    data: bytes
    mood: Mood
    color: Color


@gostruct
class Nested:
    a: u8
    small: Small
    pair: Tuple[u8, Small, float]
    empty: Empty
    end: i16


@gostruct
class Times:
    a: bool
    id: uuid.UUID
    at: datetime.datetime
    took: datetime.timedelta


@gostruct
class Others:
    a: bool
    day: datetime.date
    clock: datetime.time
    wall: naive
    price: Decimal
    count: bigint
    place: Path
    order: Literal["asc", "desc"]
    level: Literal[1, 2]
    days: List[datetime.date]


@gostruct
class Waves:
    a: u8
    one: complex
    many: List[complex]
    pair: Tuple[u8, complex]
    maybe: Optional[complex]
    named: Dict[str, complex]


@gostruct
class Tree:
    names: List[str]
    scores: Dict[str, List[float]]
    kinds: Set[Color]
    marks: FrozenSet[u8]
    parent: Optional[Tree]
    either: Union[Small, Tree, None]
    one: Union[Small, Empty]
    row: Tuple[Small, ...]


# Offsets of the fields, then the size.
LAYOUTS = [
    (Small, [0, 2], 4),
    (Empty, [], 0),
    (Numbers, [0, 2, 4, 8, 12, 16, 24], 32),
    (Texts, [0, 8, 24, 40, 56], 64),
    (Nested, [0, 2, 8, 24, 24], 32),
    (Times, [0, 1, 24, 40], 48),
    (Others, [0, 4, 8, 16, 24, 40, 56, 72, 88, 96], 112),
    (Waves, [0, 8, 24, 40, 64, 72], 88),
    (Tree, [0, 16, 32, 48, 64, 72, 80, 96], 112),
]


@pytest.mark.parametrize(("cls", "offsets", "size"), LAYOUTS)
def test_layouts_by_hand(cls: Any, offsets: List[int], size: int) -> None:
    made, layout = mirror(cls), layout_of(node_of(cls))
    assert [getattr(made, name).offset for name, *_ in made._fields_] == offsets
    assert [name for name, *_ in made._fields_] == [field.name for field in node_of(cls).fields]
    assert ctypes.sizeof(made) == size
    assert (list(layout.offsets), layout.size) == (offsets, size)
    assert layout.align == ctypes.alignment(made)
    assert mirror(cls) is made


VALUES = [
    Small(255, 65535),
    Empty(),
    Numbers(1, 2, True, 0.5, 3, 2**64 - 1, False),
    Texts(1, "nul \0 漢", b"\0\xff", Mood.GOOD, Color.RED),
    Texts(1, "", b"", Mood.GOOD, Color.RED),
    Nested(1, Small(2, 3), (4, Small(5, 6), -0.5), Empty(), -7),
    Times(
        True,
        uuid.UUID(int=2**127 + 1),
        datetime.datetime(1, 1, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=5))),
        datetime.timedelta(microseconds=-1),
    ),
    Others(
        True,
        datetime.date(1, 1, 1),
        datetime.time(23, 59, 59, 999999),
        datetime.datetime(9999, 12, 31),
        Decimal("-0.00"),
        -(2**70),
        Path("a/b"),
        "asc",
        2,
        [datetime.date(2024, 2, 29)],
    ),
    Waves(1, 1 - 2j, [3j, complex(-0.0, 5)], (2, 4 + 0j), 1j, {"x": -1j}),
    Waves(1, 0j, [], (2, 0j), None, {}),
]
LEAF = Tree([], {}, set(), frozenset(), None, None, Empty(), ())
VALUES += [
    LEAF,
    Tree(["a", "", "漢"], {"k": [1.5], "": []}, {Color.RED}, frozenset({1, 2}), LEAF, LEAF, Small(1, 2), (Small(3, 4),) * 3),
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_from_mirror_is_the_inverse_of_to_mirror(value: Any) -> None:
    made = to_mirror(value)
    assert type(made) is mirror(type(value))
    assert from_mirror(made) == value


def test_fields_are_what_c_sees() -> None:
    made = to_mirror(Texts(9, "héé", b"xy", Mood.GOOD, Color.RED))
    assert (made.a, made.color) == (9, 1)
    assert ctypes.string_at(made.name.ptr, made.name.len) == "héé".encode()
    assert ctypes.string_at(made.mood.ptr, made.mood.len) == b"good"
    assert (to_mirror(Texts(9, "", b"", Mood.GOOD, Color.RED)).name.ptr or 0) == 0


@pytest.mark.parametrize("seed", range(5))
def test_random_structs_there_and_back(seed: int) -> None:
    module = random_contracts.load_module(random_contracts.module_text(seed), f"random_mirror_{seed}")
    values = random_contracts.Values(seed)
    for cls in [value for name, value in vars(module).items() if name.startswith("Struct")]:
        value = values.value(cls)
        if holds_dynamic(node_of(cls)):
            with pytest.raises(gobind.ContractError, match="a dynamic value is no C data: it has no mirror$"):
                to_mirror(value, cls)
        else:
            assert from_mirror(to_mirror(value, cls)) == value


def holds_dynamic(node: Any) -> bool:
    return any(isinstance(inner, DynamicType) for inner in walk(node))


def test_a_mirror_keeps_alive_what_it_points_to() -> None:
    made = to_mirror(
        Tree([f"name {n}" for n in range(1000)], {}, set(), frozenset(), LEAF, None, Empty(), ())
    )
    gc.collect()
    junk = [bytes([n % 256]) * 20 for n in range(20_000)]
    assert from_mirror(made).names == [f"name {n}" for n in range(1000)]
    assert junk


def test_what_is_read_is_of_its_own() -> None:
    value = Texts(1, "name", b"data", Mood.GOOD, Color.RED)
    made = to_mirror(value)
    back = from_mirror(made)
    ctypes.memset(made.name.ptr, 0, made.name.len)
    assert back == value == copy.copy(back)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: mirror(int), gobind.ContractError, "int: not a gostruct; decorate the class with @gostruct"),
        (lambda: mirror(5), gobind.ContractError, "int: not a gostruct; decorate the class with @gostruct"),  # type: ignore[arg-type]
        (lambda: to_mirror("x"), gobind.ContractError, "str: not a gostruct; decorate the class with @gostruct"),
        (lambda: from_mirror(5), TypeError, "expected a mirror made by gobind, got int"),
        (lambda: to_mirror(Small(256, 1)), OverflowError, "Small.a: 256 does not fit u8"),
        (lambda: mirror(WithFunction), gobind.ContractError, "Callable[[int], int]: an object means nothing outside a library: it has no mirror"),
    ],
)  # fmt: skip
def test_wrong_classes_and_values_are_refused(call: Any, error: Any, message: str) -> None:
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message


def test_the_width_of_u32_is_c_s() -> None:
    @gostruct
    class One:
        n: u32

    assert dict(mirror(One)._fields_) == {"n": ctypes.c_uint32}  # type: ignore[arg-type]


def test_a_mirror_may_show_no_value_of_a_literal() -> None:
    made = to_mirror(
        Others(
            True,
            datetime.date(1, 1, 1),
            datetime.time(),
            datetime.datetime(1, 1, 1),
            Decimal(),
            0,
            Path(),
            "asc",
            2,
            [],
        )
    )
    made.level = 3
    with pytest.raises(ValueError, match="^expected 1 or 2, got 3$"):
        from_mirror(made)
