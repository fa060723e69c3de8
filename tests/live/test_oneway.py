"""What Go sees is what Python sent, and the other way round: each side writes values down in its own words.

The text of a value is described in gosrc/testlibs/oneway/server.go; here is Python's way to it.
"""

from __future__ import annotations

import asyncio
import dataclasses
import math
import random
import struct
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import libraries
import pytest
from same import same

oneway_py = libraries.contract_of("oneway")
Leaves, Nested, Circle, Square, Tree = (
    getattr(oneway_py, name) for name in ("Leaves", "Nested", "Circle", "Square", "Tree")
)
Color, Access, Mood = oneway_py.Color, oneway_py.Access, oneway_py.Mood


@pytest.fixture(scope="module")
def oneway() -> Any:
    return libraries.load("oneway", oneway_py.OneWay)


def text(value: str) -> str:
    return f"{len(value.encode())}'{' '.join(format(ord(char), 'x') for char in value)}'"


def real(value: float) -> str:
    return struct.pack(">d", value).hex()


def real32(value: float) -> str:
    return struct.pack(">f", value).hex()


def truth(value: bool) -> str:
    return "yes" if value else "no"


def blob(value: bytes) -> str:
    return "x" + bytes(value).hex()


def moment(value: datetime) -> str:
    return value.isoformat(timespec="microseconds")


def span(value: timedelta) -> str:
    return f"{((value.days * 86400 + value.seconds) * 10**6 + value.microseconds) * 1000}ns"


def some(value: Any, show: Any) -> str:
    return "-" if value is None else "+" + show(value)


def many(values: Any, show: Any) -> str:
    return "[" + ",".join(map(show, values)) + "]"


def table(values: Any, show: Any) -> str:
    return "{" + ",".join(sorted((show(*item) for item in values), key=str.encode)) + "}"


def leaves(v: Any) -> str:
    numbers = [str(int(n)) for n in (v.a, v.b, v.c, v.d, v.e, v.f, v.g, v.h)]
    first = [truth(v.truth), str(v.whole), real(v.real), *numbers, real32(v.i), real(v.j), text(v.text)]
    last = [moment(v.moment), span(v.span), v.unique.hex, v.color.name, str(v.access.value)]
    return ";".join([*first, blob(v.data), *last, text(v.mood.value)])


def shape(v: Any) -> str:
    if isinstance(v, Circle):
        return f"circle({real(v.radius)})"
    return f"square({real(v.side)},{many(v.names, text)})"


def tree(v: Any) -> str:
    return f"{v.value}{many(v.children, tree)}"


def optional_sets(v: Any) -> str:
    def numbers(value: Any) -> str:
        return some(value, lambda items: table([(item,) for item in items], str))

    return table(v.items(), lambda key, items: f"{text(key)}:{numbers(items)}")


def nested(v: Any) -> str:
    return ";".join(
        [
            many(v.words, lambda words: many(words, text)),
            many(v.blobs, lambda blobs: many(blobs, blob)),
            many(v.bools, truth),
            table(v.table.items(), lambda key, numbers: f"{text(key)}:{many(numbers, str)}"),
            table(v.by_number.items(), lambda key, word: f"{key}:{text(word)}"),
            table(v.by_color.items(), lambda key, flag: f"{key.name}:{some(flag, truth)}"),
            table([(name,) for name in v.names], text),
            some(v.maybe, text),
            many(v.maybes, lambda number: some(number, str)),
            f"({v.pair[0]},({text(v.pair[1][0])},{truth(v.pair[1][1])}))",
            many(v.pairs, lambda pair: f"({pair[0]},{real32(pair[1])})"),
            shape(v.shape),
            many(v.shapes, shape),
            some(v.maybe_shape, shape),
            some(v.maybe_words, lambda words: many(words, text)),
            many(v.maybe_blobs, lambda each: some(each, blob)),
            some(v.maybe_table, optional_sets),
            tree(v.tree),
            many(v.forest, tree),
            many(v.moments, moment),
            many(v.spans, span),
            many(v.uniques, lambda unique: unique.hex),
            many(v.moods, lambda mood: text(mood.value)),
        ]
    )


def zone(minutes: int) -> timezone:
    return timezone(timedelta(minutes=minutes))


REALS = [
    0.0,
    -0.0,
    1.5,
    math.inf,
    -math.inf,
    math.nan,
    5e-324,
    -5e-324,
    2.2250738585072014e-308,
    1.7976931348623157e308,
]
REALS32 = [
    0.0,
    -0.0,
    math.inf,
    -math.inf,
    math.nan,
    2.0**-149,
    -(2.0**-149),
    2.0**-126,
    3.4028234663852886e38,
    -1.25,
]
TEXTS = [
    "",
    "\0",
    "a\0b\0",
    "plain",
    "\u00e4\u00df\u6f22",
    "\U0001f600\U0010ffff",
    "\ufeff\ufffd\u2028",
    "long " * 99,
]
BLOBS = [b"", b"\0", bytes(range(256)), b"\xff\xfe"]
MOMENTS = [
    datetime(1970, 1, 1, tzinfo=timezone.utc),
    datetime(1, 1, 1, tzinfo=timezone.utc),
    datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=timezone.utc),
    datetime(1, 1, 1, 0, 0, 0, 1, tzinfo=zone(23 * 60 + 59)),
    datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=zone(-23 * 60 - 59)),
    datetime(2024, 2, 29, 12, 30, 15, 123456, tzinfo=zone(-90)),
    datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=timezone.utc),
    datetime(1900, 1, 1, 5, tzinfo=zone(330)),
]
END = (2**63 - 1) // 1000
SPANS = [timedelta(microseconds=n) for n in (0, 1, -1, END, -END, 10**6, -86_400_000_001)]
UNIQUES = [UUID(int=0), UUID(int=2**128 - 1), UUID("00112233-4455-6677-8899-aabbccddeeff")]
WIDTHS = {"whole": 64, "a": 8, "b": 16, "c": 32, "d": 64, "e": -8, "f": -16, "g": -32, "h": -64}


def integers(bits: int) -> list[int]:
    if bits < 0:
        return [0, 1, 2**-bits - 1, 2 ** (-bits - 1), 2 ** (-bits - 1) - 1]
    return [0, 1, -1, 2 ** (bits - 1) - 1, -(2 ** (bits - 1))]


def rows() -> list[Any]:
    """Each awkward value of each field at least once, the fields shifted against each other."""
    made = []
    for number in range(40):
        pick = random.Random(number).choice
        made.append(
            Leaves(
                truth=number % 2 == 0,
                real=REALS[number % len(REALS)],
                i=REALS32[number % len(REALS32)],
                j=REALS[(number + 3) % len(REALS)],
                text=TEXTS[number % len(TEXTS)],
                data=BLOBS[number % len(BLOBS)],
                moment=MOMENTS[number % len(MOMENTS)],
                span=SPANS[number % len(SPANS)],
                unique=UNIQUES[number % len(UNIQUES)],
                color=[*Color][number % 3],
                access=Access(number % 8),
                mood=[*Mood][number % 3],
                **{name: integers(bits)[number % 5] for name, bits in WIDTHS.items()},
            )
        )
        if number >= 20:
            for name, bits in WIDTHS.items():
                setattr(made[-1], name, pick(integers(bits)))
    return made


ROWS = rows()

FULL = Nested(
    words=[["a", ""], [], ["\0", "\u00e4\u00df\u6f22", "\U0001f600"], []],
    blobs=[[b"\0\xff", b""], [], [b"abc"]],
    bools=[True, False, False, True],
    table={"": [], "k\0": [1, 65535], "\u00e9": [0]},
    by_number={-128: "low", 127: "high", 0: ""},
    by_color={Color.RED: True, Color.DARK_GREEN: False, Color.FAR: None},
    names={"one", "", "\U0001d11e"},
    maybe="",
    maybes=[None, -(2**31), 2**31 - 1, None],
    pair=(255, ("in", True)),
    pairs=[(-(2**63), 0.5), (2**63 - 1, -math.inf)],
    shape=Square(1.5, ["s", ""]),
    shapes=[Circle(1.0), Square(2.0, []), Circle(3.0), Square(math.inf, ["n"])],
    maybe_shape=Circle(-1.0),
    maybe_words=[],
    maybe_blobs=[None, b"", b"\0"],
    maybe_table={"": None, "none": set(), "one": {-1}},
    tree=Tree(1, [Tree(2, []), Tree(3, [Tree(4, [])])]),
    forest=[Tree(-32768, []), Tree(5, [Tree(6, [])])],
    moments=[
        datetime(1969, 12, 31, 23, 59, 59, 5, tzinfo=timezone.utc),
        datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=zone(1439)),
        datetime(1, 1, 1, tzinfo=zone(-1439)),
        datetime(1, 1, 1, tzinfo=timezone.utc),
    ],
    spans=[timedelta(microseconds=n) for n in (1, -1, 3_600_000_000, 0, END, -END - 1, 0, -1)],
    uniques=[UUID(int=0), UUID(int=1), UUID(int=1 << 120)],
    moods=[Mood.ODD, Mood.NONE, Mood.GOOD],
)
# The longest way back in time ends between two microseconds: it comes from Go, but is no value for Go.
SENT = dataclasses.replace(FULL, spans=SPANS)
BARE = Nested(
    *[
        [],
        [],
        [],
        {},
        {},
        {},
        set(),
        None,
        [],
        (0, ("", False)),
        [],
        Circle(0.0),
        [],
        None,
        *[None, [], None],
    ],
    Tree(0, []),
    *[[], [], [], [], []],
)


def test_go_sees_a_record(oneway: Any) -> None:
    for row in ROWS:
        assert oneway.show_leaves(row) == oneway.show_by_value(row) == leaves(row)


def test_go_sees_parameters(oneway: Any) -> None:
    for row in ROWS:
        values = {field.name: getattr(row, field.name) for field in dataclasses.fields(row)}
        assert oneway.show_parameters(**values) == leaves(row)
        assert oneway.show_parameters(*values.values()) == leaves(row)


def test_go_sees_columns(oneway: Any) -> None:
    assert oneway.show_rows([]) == "[]"
    for row in ROWS:
        assert oneway.show_rows([row]) == f"[{leaves(row)}]"
    assert oneway.show_rows(ROWS) == many(ROWS, leaves)
    assert oneway.show_rows(ROWS * 30) == many(ROWS * 30, leaves)


def test_large_values_look_the_same_on_both_sides(oneway: Any) -> None:
    large = dataclasses.replace(ROWS[1], text="\u00e4\0" * 50_000, data=bytes(range(256)) * 300)
    small = dataclasses.replace(ROWS[2], text="\0", data=b"")
    rows = [small, large, small, large]
    assert oneway.show_leaves(large) == leaves(large)
    assert oneway.show_rows(rows) == many(rows, leaves)
    assert same(oneway.make_leaves(leaves(large)), large)
    assert same(oneway.make_rows("\n".join(map(leaves, rows))), rows)


def test_go_sees_what_is_nested(oneway: Any) -> None:
    assert oneway.show_nested(SENT) == nested(SENT)
    assert oneway.show_nested(BARE) == nested(BARE)
    assert oneway.show_nesteds([BARE, SENT, SENT, BARE]) == many([BARE, SENT, SENT, BARE], nested)


def test_go_sees_what_is_sent_awaited(oneway: Any) -> None:
    async def main() -> list[str]:
        return await asyncio.gather(*[oneway.show_later(row, [SENT, BARE]) for row in ROWS])

    for row, shown in zip(ROWS, asyncio.run(main())):
        assert shown == f"{leaves(row)}|{many([SENT, BARE], nested)}"


def test_python_sees_a_record(oneway: Any) -> None:
    for row in ROWS:
        assert same(oneway.make_leaves(leaves(row)), row)


def test_python_sees_columns(oneway: Any) -> None:
    lines = "\n".join(map(leaves, ROWS))
    assert same(oneway.make_rows(lines), ROWS)
    assert same(oneway.make_rows("\n".join([lines] * 30)), ROWS * 30)
    assert same(asyncio.run(oneway.make_later(lines)), ROWS)


def test_python_sees_what_is_nested(oneway: Any) -> None:
    assert same(oneway.make_nested(True), FULL)
    assert same(oneway.make_nested(False), BARE)
    assert same(oneway.make_nesteds(), [FULL, BARE, FULL])


def test_python_sees_numbers(oneway: Any) -> None:
    for name, bits in {
        "int": 64,
        "i8": 8,
        "i16": 16,
        "i32": 32,
        "u8": -8,
        "u16": -16,
        "u32": -32,
        "u64": -64,
    }.items():
        for number in integers(bits):
            made = getattr(oneway, f"make_{name}")(str(number))
            assert made == number and type(made) is int
    for number in REALS:  # type: ignore[assignment]
        assert same(oneway.make_float(real(number)), number)
    for number in REALS32:  # type: ignore[assignment]
        assert same(oneway.make_f32(real32(number)), number)
    assert oneway.make_bool("yes") is True and oneway.make_bool("no") is False


def test_python_sees_other_leaves(oneway: Any) -> None:
    for color in Color:
        assert oneway.make_color(color.name) is color
    for mood in Mood:
        assert oneway.make_mood(text(mood.value)) is mood
    for time in MOMENTS:
        assert same(oneway.make_moment(moment(time)), time)
    for time in SPANS:  # type: ignore[assignment]
        assert same(oneway.make_span(span(time)), time)  # type: ignore[arg-type]
    for unique in UNIQUES:
        assert same(oneway.make_unique(unique.hex), unique)


def wave(value: complex) -> str:
    return f"{real(value.real)}+{real(value.imag)}"


def test_both_see_the_parts_of_complex_numbers_alike(oneway: Any) -> None:
    waves = [complex(a, b) for a in REALS for b in REALS]
    for each in waves:
        assert same(oneway.make_wave(real(each.real), real(each.imag)), each)
        assert oneway.show_waves(each, []) == f"{wave(each)};[]"
    assert oneway.show_waves(1, waves) == f"{wave(1 + 0j)};{many(waves, wave)}"


def test_nanoseconds_are_cut_off(oneway: Any) -> None:
    for nanos, micros in ((999, 0), (1999, 1), (-1, -1), (-1000, -1), (-1001, -2), (2**63 - 1, END)):
        assert oneway.make_span(f"{nanos}ns") == timedelta(microseconds=micros)
