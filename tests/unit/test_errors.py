"""What is refused about values: the message and the path, word for word, whichever way a value travels."""

# ruff: noqa: E501  (tables of messages: a row is a line)

from __future__ import annotations

import array
import ctypes
import datetime
import enum
import sys
import uuid
from collections import OrderedDict, UserDict, UserList, UserString, deque, namedtuple
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, Dict, FrozenSet, List, Literal, Optional, Sequence, Set, Tuple, Union

import pytest

import gobind
from gobind import flatten, gostruct, to_mirror, u8, u16, u32, unflatten
from gobind.codec.frames import CorruptFrame
from gobind.contract.resolve import Schema
from gobind.contract.scalars import SCALARS
from gobind.contract.validate import check

AWARE = datetime.datetime(2024, 1, 2, 3, tzinfo=datetime.timezone.utc)


class Color(enum.Enum):
    RED = 1
    BLUE = 2


class Level(enum.IntEnum):
    LOW = 0


class Mood(str, enum.Enum):
    GOOD = "good"


@gostruct
class User:
    id: u32
    name: str


def namesake(cls: type, module: str) -> Any:
    """Another class of the same name: of another module, or defined again."""
    made: Any = gostruct(type(cls.__name__, (), {"__annotations__": dict(cls.__annotations__)}))
    made.__module__ = module
    made.__qualname__ = cls.__qualname__
    return made


class OtherColor(enum.Enum):
    RED = 1


OtherColor.__name__ = OtherColor.__qualname__ = "Color"
AGAIN = "was defined again; use one of them, or load again"


@gostruct
class Request:
    user: User
    password: str


@gostruct
class Admin(User):
    level: int = 0


@gostruct
class Node:
    n: u8
    children: List[Node]
    next: Optional[Node] = None


class Index:
    """Python's way to be an integer."""

    def __init__(self, value: int) -> None:
        self.value = value

    def __index__(self) -> int:
        return self.value


class Parts:
    """What has the attributes of a complex number, whatever they are."""

    def __init__(self, real: Any, imag: Any) -> None:
        self.real = real
        self.imag = imag


@gostruct
class Wave:
    z: complex


class Text(str):
    pass


class Number(int):
    pass


class Zone(datetime.tzinfo):
    def utcoffset(self, _: Any) -> datetime.timedelta:
        return datetime.timedelta(seconds=1, microseconds=5)


Pair = namedtuple("Pair", "a b")


def unset() -> User:
    user = object.__new__(User)
    user.name = "no id"
    return user


INTEGERS = [name for name, scalar in SCALARS.items() if scalar.high]
HUGE = 10**5000

WRONG: List[Tuple[Any, Any, str]] = [
    (u32, "1", "TypeError: value: expected u32, got str"),
    (u32, 1.0, "TypeError: value: expected u32, got float"),
    (u32, Fraction(1), "TypeError: value: expected u32, got Fraction"),
    (u32, None, "TypeError: value: expected u32, got NoneType"),
    (u32, -1, "OverflowError: value: -1 does not fit u32"),
    (u32, 2**32, "OverflowError: value: 4294967296 does not fit u32"),
    (u32, Index(2**32), "OverflowError: value: 4294967296 does not fit u32"),
    (u8, Number(256), "OverflowError: value: 256 does not fit u8"),
    (int, HUGE, "OverflowError: value: an integer of 16610 bits does not fit int"),
    (int, -HUGE, "OverflowError: value: an integer of 16610 bits does not fit int"),
    (float, HUGE, "OverflowError: value: an integer of 16610 bits does not fit float"),
    (float, "1", "TypeError: value: expected float, got str"),
    (float, 1j, "TypeError: value: expected float, got complex"),
    (complex, "1j", "TypeError: value: expected complex, got str"),
    (complex, None, "TypeError: value: expected complex, got NoneType"),
    (complex, Index(1), "TypeError: value: expected complex, got Index"),
    (complex, Parts("1", 0.0), "TypeError: value: expected complex, got Parts"),
    (complex, HUGE, "OverflowError: value: an integer of 16610 bits does not fit complex"),
    (List[complex], [1j, "2"], "TypeError: value[1]: expected complex, got str"),
    (Dict[str, complex], {"a": 1j, "b": b"1"}, "TypeError: value['b']: expected complex, got bytes"),
    (Tuple[complex, complex], (1j, [1]), "TypeError: value[1]: expected complex, got list"),
    (Optional[complex], "x", "TypeError: value: expected complex, got str"),
    (Wave, Wave("x"), "TypeError: Wave.z: expected complex, got str"),  # type: ignore[arg-type]
    (Wave, Wave(HUGE), "OverflowError: Wave.z: an integer of 16610 bits does not fit complex"),
    (gobind.f32, 1e39, "OverflowError: value: 1e+39 does not fit f32"),
    (bool, 1, "TypeError: value: expected bool, got int"),
    (bool, None, "TypeError: value: expected bool, got NoneType"),
    (bool, Index(1), "TypeError: value: expected bool, got Index"),
    (str, b"x", "TypeError: value: expected str, got bytes"),
    (str, UserString("x"), "TypeError: value: expected str, got UserString"),
    (str, "a\ud800b", "UnicodeEncodeError: 'utf-8' codec can't encode character '\\ud800' in position 1: value: surrogates not allowed"),
    (bytes, "x", "TypeError: value: expected bytes, got str"),
    (bytes, [1], "TypeError: value: expected bytes, got list"),
    (datetime.datetime, datetime.datetime(2024, 1, 2), "TypeError: value: expected an aware datetime, got a naive one: 2024-01-02 00:00:00"),
    (datetime.datetime, datetime.date(2024, 1, 2), "TypeError: value: expected datetime, got date"),
    (datetime.datetime, datetime.datetime(2024, 1, 2, tzinfo=Zone()), "ValueError: value: the UTC offset of 2024-01-02 00:00:00+00:00:01.000005 has a fraction of a second"),  # type: ignore[abstract]
    (datetime.timedelta, 5, "TypeError: value: expected timedelta, got int"),
    (datetime.timedelta, datetime.timedelta.max, "OverflowError: value: 999999999 days, 23:59:59.999999 does not fit timedelta: Go counts nanoseconds in 64 bits"),
    (uuid.UUID, "1234", "TypeError: value: expected UUID, got str"),
    (datetime.date, "2024-01-02", "TypeError: value: expected date, got str"),
    (datetime.date, datetime.datetime(2024, 1, 2), "TypeError: value: expected date, got datetime, whose clock would be lost; pass its .date()"),
    (datetime.time, datetime.datetime(2024, 1, 2), "TypeError: value: expected time, got datetime"),
    (datetime.time, datetime.time(1, tzinfo=datetime.timezone.utc), "TypeError: value: expected a naive time, got an aware one: 01:00:00+00:00"),
    (datetime.time, datetime.time(1, fold=1), "ValueError: value: 01:00:00 has fold=1, which a time.Duration cannot hold"),
    (gobind.naive, datetime.date(2024, 1, 2), "TypeError: value: expected naive datetime, got date"),
    (gobind.naive, AWARE, "TypeError: value: expected a naive datetime, got an aware one: 2024-01-02 03:00:00+00:00"),
    (gobind.naive, datetime.datetime(2024, 1, 2, fold=1), "ValueError: value: 2024-01-02 00:00:00 has fold=1, which a time.Time in UTC cannot hold"),
    (Decimal, 1, "TypeError: value: expected Decimal, got int"),
    (Decimal, 1.5, "TypeError: value: expected Decimal, got float"),
    (Decimal, Decimal("NaN"), "ValueError: value: expected a finite Decimal, got NaN: Go's json.Number has numbers only"),
    (Decimal, Decimal("sNaN"), "ValueError: value: expected a finite Decimal, got sNaN: Go's json.Number has numbers only"),
    (Decimal, Decimal("-Infinity"), "ValueError: value: expected a finite Decimal, got -Infinity: Go's json.Number has numbers only"),
    (gobind.bigint, 1.0, "TypeError: value: expected bigint, got float"),
    (gobind.bigint, "1", "TypeError: value: expected bigint, got str"),
    (Path, "a", "TypeError: value: expected Path, got str"),
    (Path, Path("a\udc80"), "UnicodeEncodeError: 'utf-8' codec can't encode character '\\udc80' in position 1: value: surrogates not allowed"),
    (Literal["a", "b", "c"], "d", "ValueError: value: expected 'a', 'b' or 'c', got 'd'"),
    (Literal["a"], "d" * 200, f"ValueError: value: expected 'a', got {'d' * 100!r} ..."),
    (Literal["a"], Text("a"), "TypeError: value: expected 'a', got Text"),
    (Literal["a"], ["a"], "TypeError: value: expected 'a', got list"),
    (Literal[1, 2], True, "TypeError: value: expected 1 or 2, got bool"),
    (Literal[1, 2], 1.0, "TypeError: value: expected 1 or 2, got float"),
    (Literal[1, 2], HUGE, "ValueError: value: expected 1 or 2, got an integer of 16610 bits"),
    (Literal[1, None], 2, "ValueError: value: expected 1, got 2"),
    (List[datetime.date], [AWARE.date(), AWARE], "TypeError: value[1]: expected date, got datetime, whose clock would be lost; pass its .date()"),
    (List[Decimal], [Decimal(1), Decimal("NaN")], "ValueError: value[1]: expected a finite Decimal, got NaN: Go's json.Number has numbers only"),
    (List[Decimal], [Decimal(1), "1"], "TypeError: value[1]: expected Decimal, got str"),
    (List[gobind.bigint], [1, "2"], "TypeError: value[1]: expected bigint, got str"),
    (List[Path], [Path("a"), "b"], "TypeError: value[1]: expected Path, got str"),
    (List[Literal["a", "b"]], ["a", "c"], "ValueError: value[1]: expected 'a' or 'b', got 'c'"),
    (Dict[Literal["a", "b"], int], {"a": 1, "c": 2}, "ValueError: value key 'c': expected 'a' or 'b', got 'c'"),
    (Color, 1, "TypeError: value: expected Color, got int"),
    (Color, Level.LOW, "TypeError: value: expected Color, got Level"),
    (Level, 0, "TypeError: value: expected Level, got int"),
    (Mood, "good", "TypeError: value: expected Mood, got str"),
    (List[int], "12", "TypeError: value: expected list[int], got str"),
    (List[str], "ab", "TypeError: value: expected list[str], got str"),
    (List[str], Text("ab"), "TypeError: value: expected list[str], got Text"),
    (List[int], {1}, "TypeError: value: expected list[int], got set"),
    (List[int], {1: 2}, "TypeError: value: expected list[int], got dict"),
    (List[int], (n for n in [1]), "TypeError: value: expected list[int], got generator"),
    (List[int], None, "TypeError: value: expected list[int], got NoneType"),
    (List[List[str]], [["a"], "b"], "TypeError: value[1]: expected list[str], got str"),
    (List[List[str]], [["a"], ["b", 3]], "TypeError: value[1][1]: expected str, got int"),
    (List[str], ["a", "\udfff"], "UnicodeEncodeError: 'utf-8' codec can't encode character '\\udfff' in position 0: value[1]: surrogates not allowed"),
    (List[u32], [1, 2, 3, 4294967296], "OverflowError: value[3]: 4294967296 does not fit u32"),
    (List[bool], [True, 1], "TypeError: value[1]: expected bool, got int"),
    (List[bytes], [b"", None], "TypeError: value[1]: expected bytes, got NoneType"),
    (List[Color], [Color.RED, 2], "TypeError: value[1]: expected Color, got int"),
    (List[uuid.UUID], [uuid.UUID(int=1), b"1"], "TypeError: value[1]: expected UUID, got bytes"),
    (List[datetime.datetime], [AWARE, AWARE.replace(tzinfo=None)], "TypeError: value[1]: expected an aware datetime, got a naive one: 2024-01-02 03:00:00"),
    (List[datetime.datetime], [AWARE, 3], "TypeError: value[1]: expected datetime, got int"),
    (List[datetime.timedelta], [3], "TypeError: value[0]: expected timedelta, got int"),
    (List[datetime.timedelta], [datetime.timedelta.min], "OverflowError: value[0]: -999999999 days, 0:00:00 does not fit timedelta: Go counts nanoseconds in 64 bits"),
    (Sequence[int], [None], "TypeError: value[0]: expected int, got NoneType"),
    (Tuple[int, ...], (1, "2"), "TypeError: value[1]: expected int, got str"),
    (Tuple[int, str], (1,), "TypeError: value: expected tuple[int, str], got a tuple of 1"),
    (Tuple[int, str], [1, "a"], "TypeError: value: expected tuple[int, str], got list"),
    (Tuple[int, str], (1, 2), "TypeError: value[1]: expected str, got int"),
    (List[Tuple[int, str]], [(1, "a"), (2, "b", 3)], "TypeError: value[1]: expected tuple[int, str], got a tuple of 3"),
    (Dict[str, int], [("a", 1)], "TypeError: value: expected dict[str, int], got list"),
    (Dict[str, int], {"a": 1, 2: 2}, "TypeError: value key 2: expected str, got int"),
    (Dict[str, int], {"a": 1, "b": "2"}, "TypeError: value['b']: expected int, got str"),
    (List[Dict[str, int]], [{}, {"b": None}], "TypeError: value[1]['b']: expected int, got NoneType"),
    (List[Dict[str, int]], [{}, None], "TypeError: value[1]: expected dict[str, int], got NoneType"),
    (Set[str], ["a"], "TypeError: value: expected set[str], got list"),
    (Set[u8], {256}, "OverflowError: value item 256: 256 does not fit u8"),
    (List[FrozenSet[str]], [{"a"}, {1}], "TypeError: value[1] item 1: expected str, got int"),
    (List[Set[str]], [[]], "TypeError: value[0]: expected set[str], got list"),
    (Optional[u8], 256, "OverflowError: value: 256 does not fit u8"),
    (List[Optional[u8]], [None, "x"], "TypeError: value[1]: expected u8, got str"),
    (User, None, "TypeError: value: expected User, got NoneType"),
    (User, Request(User(1, ""), ""), "TypeError: value: expected User, got Request"),
    (User, User("1", "a"), "TypeError: User.id: expected u32, got str"),  # type: ignore[arg-type]
    (User, unset(), "TypeError: User.id: the field was never set"),
    (User, Admin(2**32, "a"), "OverflowError: User.id: 4294967296 does not fit u32"),
    (Request, Request(User("1", "a"), "p"), "TypeError: Request.user.id: expected u32, got str"),  # type: ignore[arg-type]
    (Request, Request(User(1, "a"), None), "TypeError: Request.password: expected str, got NoneType"),  # type: ignore[arg-type]
    (Request, Request(None, ""), "TypeError: Request.user: expected User, got NoneType"),  # type: ignore[arg-type]
    (List[User], [User(1, "a"), User(-1, "b")], "OverflowError: value[1].id: -1 does not fit u32"),
    (List[User], [User(1, "a"), unset()], "TypeError: value[1].id: the field was never set"),
    (List[User], [User(1, "a"), (2, "b")], "TypeError: value[1]: expected User, got tuple"),
    (List[Optional[User]], [None, User(1, 2)], "TypeError: value[1].name: expected str, got int"),  # type: ignore[arg-type]
    (Dict[str, List[User]], {"k": [User(1, "\ud800")]}, "UnicodeEncodeError: 'utf-8' codec can't encode character '\\ud800' in position 0: value['k'][0].name: surrogates not allowed"),
    (Union[User, Request], Color.RED, "TypeError: value: expected Request or User, got Color"),
    (List[Union[User, Request]], [User(1, ""), None], "TypeError: value[1]: expected Request or User, got NoneType"),
    (List[Union[User, Request]], [User(1, ""), Request(User(1, 1), "")], "TypeError: value[1].user.name: expected str, got int"),  # type: ignore[arg-type]
    (Node, Node(1, [Node(2, []), Node(300, [])]), "OverflowError: Node.children[1].n: 300 does not fit u8"),
    (Node, Node(1, [], Node(2, [], Node(-1, []))), "OverflowError: Node.next.next.n: -1 does not fit u8"),
]  # fmt: skip
WRONG += [
    (List[eval(name, vars(gobind)) if hasattr(gobind, name) else int], [0, value], f"OverflowError: value[1]: {value} does not fit {name}")  # type: ignore[misc]
    for name in INTEGERS
    for value in (SCALARS[name].low - 1, SCALARS[name].high + 1)
]  # fmt: skip


@pytest.mark.parametrize(("annotation", "value", "message"), WRONG, ids=[row[2][:60] for row in WRONG])
def test_wrong_values_word_for_word(annotation: Any, value: Any, message: str) -> None:
    with pytest.raises(Exception) as caught:
        flatten(value, annotation)
    assert f"{type(caught.value).__name__}: {caught.value}" == message


@pytest.mark.parametrize(("annotation", "value", "message"), WRONG, ids=[row[2][:60] for row in WRONG])
def test_wrong_values_in_columns_are_refused_too(annotation: Any, value: Any, message: str) -> None:
    with pytest.raises(Exception) as caught:
        flatten([[value]], List[List[annotation]])  # type: ignore[valid-type]
    path, _, rest = message.partition(": ")[2].partition("value")
    assert type(caught.value).__name__ == message.partition(":")[0]
    if rest:
        assert str(caught.value) == f"{path}value[0][0]{rest}"
    else:
        assert "value[0][0]." in str(caught.value)


MIRRORED = [row for row in WRONG if row[0] is type(row[1]) and row[0] in (User, Request, Node, Wave)]


@pytest.mark.parametrize(("annotation", "value", "message"), MIRRORED, ids=[row[2][:60] for row in MIRRORED])
def test_a_mirror_refuses_the_same_with_the_same_words(annotation: Any, value: Any, message: str) -> None:
    with pytest.raises(Exception) as caught:
        to_mirror(value)
    assert f"{type(caught.value).__name__}: {caught.value}" == message


GOOD = [
    (u8, True, 1),
    (u8, Index(7), 7),
    (int, Number(5), 5),
    (int, Level.LOW, 0),
    (float, 3, 3.0),
    (float, True, 1.0),
    (float, Fraction(1, 2), 0.5),
    (complex, 3, 3 + 0j),
    (complex, True, 1 + 0j),
    (complex, -0.5, -0.5 + 0j),
    (complex, Fraction(1, 2), 0.5 + 0j),
    (complex, Number(7), 7 + 0j),
    (gobind.f32, 0.1, 0.10000000149011612),
    (str, Text("sub"), "sub"),
    (str, Mood.GOOD, "good"),
    (bytes, bytearray(b"ab"), b"ab"),
    (bytes, memoryview(b"abcd")[::2], b"ac"),
    (bytes, array.array("H", [1]), b"\1\0"),
    (List[int], (1, 2), [1, 2]),
    (List[int], range(3), [0, 1, 2]),
    (List[int], UserList([1]), [1]),
    (List[int], b"ab", [97, 98]),
    (List[int], deque([4]), [4]),
    (Tuple[int, ...], [1], (1,)),
    (Tuple[int, int], Pair(1, 2), (1, 2)),
    (Dict[str, int], OrderedDict(a=1), {"a": 1}),
    (Dict[str, int], UserDict(a=1), {"a": 1}),
    (Set[str], frozenset("a"), {"a"}),
    (Set[str], {"a": 1}.keys(), {"a"}),
    (FrozenSet[str], {"b"}, frozenset("b")),
    (User, Admin(1, "a", 5), User(1, "a")),
    (List[User], [Admin(1, "a", 5), User(2, "b")], [User(1, "a"), User(2, "b")]),
    (Union[Admin, User], Admin(1, "a", 5), Admin(1, "a", 5)),
    (Union[User, Admin, Node], Admin(1, "a", 5), Admin(1, "a", 5)),
    (u16, Index(65535), 65535),
    (gobind.bigint, True, 1),
    (gobind.bigint, Index(1 << 80), 1 << 80),
    (gobind.bigint, Number(-5), -5),
    (Path, PurePosixPath("a/b"), Path("a/b")),
    (Path, PureWindowsPath("a/b"), Path("a\\b")),
    (Literal[1, 2], 2, 2),
]


@pytest.mark.parametrize(("annotation", "value", "seen"), GOOD, ids=range(len(GOOD)))
def test_accepted_values_of_other_classes(annotation: Any, value: Any, seen: Any) -> None:
    assert unflatten(flatten(value, annotation), annotation) == seen
    assert type(unflatten(flatten(value, annotation), annotation)) is type(seen)
    assert unflatten(flatten([[value]], List[List[annotation]]), List[List[annotation]]) == [[seen]]  # type: ignore[valid-type]


def loops() -> List[Any]:
    straight, crossed, far = Node(1, []), Node(1, []), Node(1, [])
    straight.next = straight
    crossed.children = [Node(2, [crossed])]
    wide = Node(1, [])
    wide.children = [wide] * 300
    end = far
    for _ in range(1000):
        end.next = Node(1, [])
        end = end.next
    end.next = far.next
    return [straight, crossed, wide, far]


@pytest.mark.parametrize("position", range(4))
def test_circular_values_are_refused(position: int) -> None:
    value = loops()[position]
    paths = [
        "Node.next",
        "Node.children[0].children[0]",
        "Node.children[0]",
        f"Node{'.next' * 19} ... {'.next' * 20}",
    ]
    for call in (lambda: flatten(value, Node), lambda: to_mirror(value)):
        with pytest.raises(ValueError) as caught:
            call()
        assert str(caught.value) == f"{paths[position]}: the value contains itself"


def test_the_same_value_twice_is_no_circle() -> None:
    shared = Node(1, [])
    value = Node(2, [shared, shared, Node(3, [], shared)], shared)
    assert unflatten(flatten(value, Node), Node) == value


def test_a_deep_mistake_has_a_path_of_readable_length() -> None:
    value = Node(999, [])
    for _ in range(20_000):
        value = Node(1, [], value)
    with pytest.raises(OverflowError) as caught:
        flatten(value, Node)
    assert str(caught.value) == f"Node{'.next' * 19} ... {'.next' * 19}.n: 999 does not fit u8"


BACK = [
    (str, "ab", b"ab", b"\xffb", "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff in position 0: value: invalid start byte"),
    (List[str], ["ab", "cd"], b"cd", b"c\xff", "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff in position 1: value[1]: invalid start byte"),
    (Request, Request(User(1, "ab"), ""), b"ab", b"a\xe4", "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xe4 in position 1: Request.user.name: unexpected end of data"),
    (Color, Color.BLUE, b"\2\0\0\0\0\0\0\0", b"\7\0\0\0\0\0\0\0", "ValueError: value: 7 is not a Color"),
    (List[Color], [Color.RED, Color.BLUE], b"\2\0\0\0\0\0\0\0" b"\1", b"\2\0\0\0\0\0\0\0" b"\7", "ValueError: value[0]: 7 is not a Color"),
    (Mood, Mood.GOOD, b"good", b"evil", "ValueError: value: 'evil' is not a Mood"),
    (Dict[Mood, int], {Mood.GOOD: 1}, b"good", b"evil", "ValueError: value[0] key: 'evil' is not a Mood"),
    (Level, Level.LOW, b"\0", b"\5", "ValueError: value: 360287970189639685 is not a Level"),
    (datetime.date, datetime.date(1970, 1, 1), b"\0" * 4, b"\xff" * 3 + b"\x7f", "OverflowError: value: the time from Go does not fit date: 2147483647 days"),
    (List[datetime.time], [datetime.time(), datetime.time(microsecond=5)], b"\5" + b"\0" * 7, b"\xff" * 8, "OverflowError: value[1]: the duration from Go does not fit time: -1 microseconds"),
    (gobind.naive, datetime.datetime(1970, 1, 1), b"\0" * 8, b"\xff" * 7 + b"\x7f", "OverflowError: value: the time from Go does not fit datetime: 9223372036854775807 microseconds"),
    (Decimal, Decimal("12"), b"12", b"1x", "ValueError: value: the number from Go does not fit Decimal: '1x'"),
    (List[Decimal], [Decimal("1"), Decimal("123")], b"123", b"NaN", "ValueError: value[1]: the number from Go does not fit Decimal: 'NaN'"),
    (List[Decimal], [Decimal("1"), Decimal("123")], b"123", b"\xff23", "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff in position 0: value[1]: invalid start byte"),
    (Path, Path("ab"), b"ab", b"\xffb", "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff in position 0: value: invalid start byte"),
    (Literal["ab", "cd"], "cd", b"cd", b"ef", "ValueError: value: expected 'ab' or 'cd', got 'ef'"),
    (List[Literal[1, 5]], [5], b"\5", b"\7", "ValueError: value[0]: expected 1 or 5, got 7"),
    (datetime.datetime, datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc), b"\0" * 8, b"\xff" * 7 + b"\x7f", "OverflowError: value: the time from Go does not fit datetime: 9223372036854775807 microseconds"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("annotation", "value", "old", "new", "message"), BACK, ids=[row[4][:50] for row in BACK]
)
def test_corrupt_response_error_names_the_path(
    annotation: Any, value: Any, old: bytes, new: bytes, message: str
) -> None:
    block = flatten(value, annotation)
    assert old in block
    with pytest.raises(Exception) as caught:
        unflatten(block.replace(old, new, -1 if len(old) == 1 else 1), annotation)
    found = f"{type(caught.value).__name__}: {caught.value}"
    assert found.replace(str(0x0505050505050505), str(360287970189639685)) == message


@pytest.mark.parametrize(
    ("annotation", "block", "message"),
    [
        (int, b"1234567", "corrupted frame: 8 bytes expected at 0 of 7"),
        (int, b"123456789", "corrupted frame: it should end at 8 bytes, not at 9"),
        (str, b"\0" * 8 + b"\4" + b"\0" * 7 + b"abc", "corrupted frame: 4 bytes expected at 16 of 19"),
        (List[str], flatten(["a", "b"], List[str])[:-1], "corrupted frame: 3 bytes expected at 24 of 26"),
        (List[str], flatten(["a", "b"], List[str]).replace(b"a\0b", b"a.b"), "corrupted frame: value[0]: 2 strings expected, got 1"),
        (List[int], b"\0" * 8 + b"\xff" * 8, "corrupted frame: value: 18446744073709551615 items in 16 bytes"),
        (List[Optional[u8]], flatten([None], List[Optional[u8]])[:-1] + b"\2\5\5", "corrupted frame: value[0]: expected 0 or 1 for a flag, got 2"),
        (List[Union[User, Node]], flatten([User(1, "")], List[Union[User, Node]])[:16] + b"\2" + b"\0" * 12, "corrupted frame: value[0]: tag 2 of 2"),
    ],
)  # fmt: skip
def test_corrupted_frames_say_what_is_wrong(annotation: Any, block: bytes, message: str) -> None:
    with pytest.raises(CorruptFrame) as caught:
        unflatten(block, annotation)
    assert str(caught.value) == message


def released() -> memoryview:
    view = memoryview(b"abc")
    view.release()
    return view


@pytest.mark.parametrize(
    ("annotation", "value", "message"),
    [
        (bytes, released(), "value: expected bytes, got memoryview: operation forbidden on released memoryview object"),
        (List[bytes], [b"", released()], "value[1]: expected bytes, got memoryview: operation forbidden on released memoryview object"),
        (List[u8], released(), "value: expected list[u8], got memoryview: operation forbidden on released memoryview object"),
        (List[int], memoryview((ctypes.c_int * 2)()), "value: expected list[int], got memoryview: memoryview: unsupported format <i"),
        (List[u8], memoryview(bytes(4)).cast("B", (2, 2)), "value: expected list[u8], got memoryview: multi-dimensional sub-views are not implemented"),
        (List[List[u8]], [b"ab", released()], "value[1]: expected list[u8], got memoryview: operation forbidden on released memoryview object"),
    ],
)  # fmt: skip
@pytest.mark.skipif(sys.implementation.name != "cpython", reason="the words are CPython's")
def test_memoryviews_that_cannot_be_read(annotation: Any, value: Any, message: str) -> None:
    with pytest.raises(TypeError) as caught:
        flatten(value, annotation)
    assert str(caught.value) == message


class Changing:
    """A number once, and then another thing: what another thread may do to an attribute."""

    def __init__(self) -> None:
        self.looks = 0

    def __index__(self) -> int:
        self.looks += 1
        if self.looks == 1:
            raise TypeError
        return 5


def test_a_value_that_changes_while_it_is_read() -> None:
    with pytest.raises(RuntimeError) as caught:
        flatten([Changing()], List[int])
    assert str(caught.value) == "a value changed while it was read"


def test_a_buffer_is_not_flattened() -> None:
    with pytest.raises(TypeError) as caught:
        flatten(b"", gobind.Buffer[u8])
    assert str(caught.value) == "Buffer is memory by reference: it cannot be flattened"


def test_an_annotation_that_is_not_supported_is_refused() -> None:
    with pytest.raises(gobind.ContractError, match=r"^flatten: type is not supported; expected bool, int, "):
        flatten(1, type)


@pytest.mark.parametrize(
    ("value", "annotation", "message"),
    [
        ([namesake(User, __name__)(1, "a")], List[User], f"[0]: expected User, got another class of that name: {__name__}.User {AGAIN}"),
        (namesake(User, "elsewhere")(1, "a"), User, f": expected User, got another class of that name: elsewhere.User instead of {__name__}.User"),
        (Request(namesake(User, __name__)(1, "a"), ""), Request, f".user: expected User, got another class of that name: {__name__}.User {AGAIN}"),
        ([OtherColor.RED], List[Color], f"[0]: expected Color, got another class of that name: {__name__}.Color {AGAIN}"),
        (namesake(User, "x")(1, "a"), Union[User, Node], f": expected Node or User, got another class of that name: x.User instead of {__name__}.User"),
    ],
)  # fmt: skip
def test_struct_of_another_class_with_the_same_name_is_refused(
    value: Any, annotation: Any, message: str
) -> None:
    with pytest.raises(TypeError) as caught:
        flatten(value, annotation)
    assert str(caught.value).endswith(message)


class Lazy(Sequence[Any]):
    """A sequence that makes its items when they are asked for; each is gone when the next is made."""

    def __init__(self, make: Any, count: int) -> None:
        self.make, self.count = make, count  # type: ignore[method-assign, assignment]

    def __len__(self) -> int:
        return self.count  # type: ignore[return-value]

    def __getitem__(self, index: Any) -> Any:
        if index >= self.count:
            raise IndexError
        return self.make()


def test_parts_made_when_they_are_asked_for_are_not_the_value_itself() -> None:
    """Their ids come again while the value is walked over; a mistake behind them is found and named."""

    def tree(depth: int, bad: int) -> Node:
        if not depth:
            return Node(bad, [])
        return Node(1, Lazy(lambda: tree(depth - 1, bad), 3))  # type: ignore[arg-type]

    check(SCHEMA.struct(Node), tree(6, 2), "Node")
    with pytest.raises(OverflowError, match=r"^Node(\.children\[0\]){6}\.n: 300 does not fit u8$"):
        check(SCHEMA.struct(Node), tree(6, 300), "Node")
    circle = Node(1, [])
    circle.children.append(circle)
    with pytest.raises(ValueError, match=r"^Node.children\[0\]: the value contains itself$"):
        check(SCHEMA.struct(Node), circle, "Node")


SCHEMA = Schema()
