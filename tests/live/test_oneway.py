"""What Go sees is what Python sent, and the other way round: each side writes values down in its own words.

The text of a value is described in gosrc/testlibs/oneway/server.go; here is Python's way to it.
"""

from __future__ import annotations

import asyncio
import dataclasses
import math
import random
import re
import struct
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import libraries
import pytest
from same import same

from gobind import GoError

oneway_py = libraries.contract_of("oneway")
Leaves, Nested, Circle, Square, Tree = (
    getattr(oneway_py, name) for name in ("Leaves", "Nested", "Circle", "Square", "Tree")
)
Others = oneway_py.Others
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
    for at in MOMENTS:
        assert same(oneway.make_moment(moment(at)), at)
    for took in SPANS:
        assert same(oneway.make_span(span(took)), took)
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


DAYS = [date.min, date.max, date(1969, 12, 31), date(1970, 1, 1), date(2024, 2, 29)]
CLOCKS = {
    time(): "0s",
    time.max: "23h59m59.999999s",
    time(12, 34): "12h34m0s",
    time(1, 0, 0, 1): "1h0m0.000001s",
}
WALLS = [datetime.min, datetime.max, datetime(1969, 12, 31, 23, 59, 59, 999999), datetime(2024, 2, 29, 12)]
PRICES = ["0", "-0", "1.50", "-1E+3", "1E-7", "0.10", "12345678901234567890.0123456789", "1E+999999"]
COUNTS = [
    0,
    1,
    -1,
    127,
    128,
    -128,
    -129,
    255,
    256,
    -256,
    2**63,
    -(2**63),
    2**64,
    10**50,
    -(10**50),
    1 << 5000,
]
PLACES = ["a/b", ".", "/", "../x y", "\u6f22\0"]
ORDERS = [("asc", "up"), ("desc", "down")]


def others(value: Any) -> str:
    wall = value.wall.replace(tzinfo=timezone.utc)
    day = datetime.combine(value.day, time(), timezone.utc)
    levels = {1: "1", -2: "-2"}
    words = [moment(day), CLOCKS[value.clock], moment(wall), str(value.price), format(value.count, "x")]
    return "|".join([*words, text(str(value.place)), dict(ORDERS)[value.order], levels[value.level]])


def all_others() -> list[Any]:
    size = max(map(len, (DAYS, CLOCKS, WALLS, PRICES, COUNTS, PLACES)))
    columns: list[list[Any]] = [DAYS, [*CLOCKS], WALLS, [*map(Decimal, PRICES)], COUNTS, [*map(Path, PLACES)]]
    columns += [[order for order, _ in ORDERS], [1, -2]]
    return [Others(*[column[row % len(column)] for column in columns]) for row in range(size)]


def test_go_sees_dates_exact_numbers_paths_and_literals(oneway: Any) -> None:
    values = all_others()
    assert oneway.show_others(values[0], []) == f"{others(values[0])};[]"
    for value in values:
        assert oneway.show_others(value, values) == f"{others(value)};{many(values, others)}"


def test_python_sees_dates_exact_numbers_paths_and_literals(oneway: Any) -> None:
    for day in DAYS:
        assert same(oneway.make_day(f"{day.isoformat()}T00:00:00.000000+05:00"), day), "midnight where it is"
    for clock, words in CLOCKS.items():
        assert same(oneway.make_clock(words), clock)
    for naive in WALLS:
        assert same(oneway.make_wall(moment(naive.replace(tzinfo=timezone.utc))), naive)
    for price in [*PRICES, "1e5", "0E10"]:
        assert same(oneway.make_price(price), Decimal(price))
    assert same(oneway.make_prices(PRICES), [*map(Decimal, PRICES)])
    for count in COUNTS:
        assert same(oneway.make_count(format(count, "x")), count)
    for place in PLACES:
        assert same(oneway.make_place(place), Path(place))
    assert same(oneway.make_orders(["asc", "desc", "asc"]), ["asc", "desc", "asc"])
    wall = "2024-02-29T12:00:00.000000+00:00"
    made = Others(
        date(2024, 2, 29), time(1), datetime(2024, 2, 29, 12), Decimal("1.50"), -255, Path("a"), "desc", -2
    )
    assert same(oneway.make_others(f"{wall}|1h|1.50|-ff|a", 3), [made] * 3)


def test_what_python_has_no_value_for_is_cut_or_means_the_same(oneway: Any) -> None:
    assert oneway.make_clock("1h0m0.000001999s") == time(1, 0, 0, 1)
    assert oneway.make_wall("2024-02-29T12:00:00.000001999+00:00") == datetime(2024, 2, 29, 12, 0, 0, 1)
    assert oneway.make_place("") == Path(".")
    assert oneway.make_place("a//b/./c/") == Path("a/b/c")


REFUSED = [
    ("day", "2024-02-29T10:00:00.000000+00:00", "Go's time 2024-02-29 10:00:00 +0000 UTC is not a date: its clock is not 0"),
    ("day", "2024-02-29T00:00:00.000000001+00:00", "Go's time 2024-02-29 00:00:00.000000001 +0000 UTC is not a date: its clock is not 0"),
    ("day", "0000-02-29T00:00:00.000000+00:00", "the year of a date must be 1 to 9999, got 0"),
    ("clock", "24h", "Go's duration 24h0m0s is not a time of day: it must be at least 0 and less than 24h"),
    ("clock", "-1ns", "Go's duration -1ns is not a time of day: it must be at least 0 and less than 24h"),
    ("wall", "2024-02-29T12:00:00.000000+05:00", "Go's time 2024-02-29 12:00:00 +0500 +0500 has a UTC offset, which a naive datetime cannot hold: return its UTC(), or annotate datetime"),
    ("wall", "0000-02-29T12:00:00.000000+00:00", "the year of a time must be 1 to 9999, got 0"),
    *[("price", text, f'json.Number("{text}") is not a number in JSON\'s notation') for text in ("", "NaN", "+1", "01", "1.", ".5", "1e", " 1")],
    ("price", "x" * 200, f'json.Number("{"x" * 100} ...") is not a number in JSON\'s notation'),
    ("prices", ["1", "one"], 'json.Number("one") is not a number in JSON\'s notation'),
    ("count", "nil", "expected a *big.Int, got nil"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "given", "problem"), REFUSED)
def test_values_of_go_that_python_does_not_have_are_refused(
    oneway: Any, what: str, given: Any, problem: str
) -> None:
    with pytest.raises(GoError) as caught:
        getattr(oneway, f"make_{what}")(given)
    assert str(caught.value) == f"OneWay.make_{what}: {problem}"


def test_the_field_is_named_whose_value_is_refused(oneway: Any) -> None:
    for value, problem in [
        (
            "2024-02-29T12:00:00.000000+00:00|24h|1|1|",
            "Others.clock: Go's duration 24h0m0s is not a time of day",
        ),
        ("2024-02-29T12:00:00.000000+00:00|1h|1_0|1|", 'Others.price: json.Number("1_0") is not a number'),
        ("2024-02-29T12:00:00.000000+00:00|1h|1|nil|", "Others.count: expected a *big.Int, got nil"),
    ]:
        with pytest.raises(GoError, match=f"^{re.escape(problem)}"):
            oneway.make_others(value, 2)


def test_what_is_no_value_of_a_literal_is_refused_both_ways(oneway: Any) -> None:
    with pytest.raises(ValueError, match=r"^result: expected 'asc' or 'desc', got 'up'$"):
        oneway.make_order("up")
    with pytest.raises(ValueError, match=r"^result\[1\]: expected 'asc' or 'desc', got ''$"):
        oneway.make_orders(["asc", ""])
    value = all_others()[0]
    for name, wrong, message in [
        ("order", "up", "Others.order: expected 'asc' or 'desc', got 'up'"),
        ("level", 0, "Others.level: expected -2 or 1, got 0"),
        ("level", True, "Others.level: expected -2 or 1, got bool"),
        ("day", datetime(2024, 2, 29), "Others.day: expected date, got datetime, whose clock would be lost; pass its .date()"),
    ]:  # fmt: skip
        with pytest.raises((TypeError, ValueError)) as caught:
            oneway.show_others(dataclasses.replace(value, **{name: wrong}), [])
        assert str(caught.value) == message


def test_functions_of_python_take_and_return_them(oneway: Any) -> None:
    def answer(day: date, count: int) -> Any:
        return Decimal(f"{count}E-2"), "desc" if day.year > 2000 else "asc"

    assert oneway.ask(answer, date(2024, 2, 29), "-150") == "-1.50 desc"
    assert oneway.ask(answer, date(1, 1, 1), str(10**40)) == f"{10**38}.00 asc"
    for wrong, error, message in [
        ((Decimal("NaN"), "asc"), ValueError, "expected a finite Decimal, got NaN"),
        ((Decimal(1), "up"), ValueError, "expected 'asc' or 'desc', got 'up'"),
        ((1, "asc"), TypeError, "expected Decimal, got int"),
    ]:
        with pytest.raises(error, match=message):
            oneway.ask(lambda day, count: wrong, date(2024, 2, 29), "1")  # noqa: B023
    with pytest.raises(GoError, match=r"expected a \*big.Int, got nil"):
        oneway.ask(answer, date(2024, 2, 29), "nil")


def test_errors_have_fields_of_them(oneway: Any) -> None:
    with pytest.raises(oneway_py.Unsold) as caught:
        oneway.fail(date(2024, 2, 29), Decimal("1.50"), str(10**30))
    found = caught.value
    assert same(
        (found.day, found.price, found.count, found.order),
        (date(2024, 2, 29), Decimal("1.50"), 10**30, "desc"),
    )
    shown = f"day=2024-02-29 00:00:00 +0000 UTC, price=1.50, count={10**30}, order=desc"
    assert str(found) == f"Unsold: {shown}"
    with pytest.raises(GoError, match=r"count=<nil>.*expected a \*big.Int, got nil"):
        oneway.fail(date(2024, 2, 29), Decimal("1.50"), "nil")
