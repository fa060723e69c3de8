"""Dataclasses, NamedTuples, TypedDicts and generic classes through a real library, gosrc/testlibs/classes."""

from __future__ import annotations

import asyncio
import sys
import types
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import libraries
import pytest
from same import same
from typing_extensions import TypedDict

import gobind
from gobind import MismatchError, f32, gointerface, gostruct
from gobind.tool import cli

contract = libraries.contract_of("classes")
Page, Place, Point = contract.Page, contract.Place, contract.Point


@pytest.fixture
def places() -> Any:
    return libraries.load("classes", contract.Places)


@pytest.mark.parametrize(
    ("options", "seen"),
    [
        ({"day": "mon"}, "day mon, hours missing, nick missing"),
        ({"day": "mon", "hours": 0}, "day mon, hours 0, nick missing"),
        ({"nick": None, "day": "mon"}, "day mon, hours missing, nick None"),
        ({"day": "", "hours": 255, "nick": ""}, "day , hours 255, nick "),
        (types.MappingProxyType({"day": "x"}), "day x, hours missing, nick missing"),
    ],
)
def test_go_sees_which_keys_are_missing(places: Any, options: Any, seen: str) -> None:
    assert places.describe(options) == seen


@pytest.mark.parametrize(
    ("n", "made"),
    [
        (0, {"day": "mon"}),
        (1, {"day": "mon", "hours": 1}),
        (2, {"day": "mon", "hours": 2, "nick": "n"}),
        (-1, {"day": "mon", "nick": None}),
    ],
)
def test_a_nil_of_go_is_a_missing_key(places: Any, n: int, made: Any) -> None:
    assert same(places.made(n), made)


def test_named_tuples_and_dataclasses_there_and_back(places: Any) -> None:
    assert same(
        places.move([Point(1.0), Point(2.0, 3.0)], Point(0.5, 0.5)), [Point(1.5, 1.0), Point(2.5, 3.5)]
    )
    place = Place("ada", Point(1.0), {"day": "x", "nick": None}, ("a", "b"))
    assert same(asyncio.run(places.later(place)), Place("ADA", place.at, place.options, place.tags))


def test_each_use_of_a_generic_class(places: Any) -> None:
    here, there = Place("a", Point(1.0), {"day": ""}), Place("b", Point(2.0), {"day": ""}, ("t",))
    pages = [Page([here], Page[Place]([there])), Page([])]
    assert same(places.points(pages), Page([Point(1.0), Point(2.0)]))
    assert same(places.names(pages[0]), Page(["a"], Page(["b t"])))


def test_callbacks_and_streams(places: Any) -> None:
    seen: list[Any] = []

    def answer(options: Any, at: Any) -> Any:
        seen.append((options, at))
        return Page([Point(1.0, 2.0), Point(3.0)])

    assert places.ask(answer) == 6.5
    assert same(seen, [({"day": "tue", "hours": 7}, Point(1.0, 2.0))])
    assert [*places.each(iter([Point(1.0), Point(2.0)]))] == [{"day": "1 0.5"}, {"day": "2 0.5"}]


@pytest.mark.skipif(
    sys.implementation.name != "cpython", reason="PyPy keeps what a refused answer of a callback refers to"
)
def test_refused_answers_and_items(places: Any) -> None:
    with pytest.raises(TypeError, match=r"result\.items\[0\]: expected Point, got int"):
        places.ask(lambda options, at: Page([5]))
    with pytest.raises(TypeError, match=r"expected Point, got tuple"):
        list(places.each(iter([(1.0, 2.0)])))


def test_a_goerror_with_fields_of_these_classes(places: Any) -> None:
    with pytest.raises(contract.Unknown) as caught:
        places.fail(Point(1.0), {"day": "x", "hours": 3})
    assert same((caught.value.at, caught.value.options), (Point(1.0), {"day": "x", "hours": 3}))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda p: p.describe({}), "Options.day: the key is missing"),
        (lambda p: p.describe({"day": "x", "hours": None}), "Options.hours: expected u8, got NoneType"),
        (
            lambda p: p.describe({"day": "x", "hour": 1}),
            "Options.hour: no such key; Options has day, hours, nick",
        ),
        (lambda p: p.describe(None), "options: expected Options, got NoneType"),
        (lambda p: p.move([Point(1.0), (1.0, 2.0)], Point(1.0)), "points[1]: expected Point, got tuple"),
        (lambda p: p.move([], Point("x")), "Point.x: expected float, got str"),
        (
            lambda p: p.points([Page([Place("a", Point(1.0), {"day": 1})])]),
            "pages[0].items[0].options.day: expected str, got int",
        ),
        (lambda p: p.names(Page([5])), "PagePlace.items[0]: expected Place, got int"),
        (lambda p: p.names([]), "page: expected PagePlace, got list"),
    ],
)
def test_refused_arguments(places: Any, call: Any, message: str) -> None:
    with pytest.raises(TypeError) as caught:
        call(places)
    assert str(caught.value) == message


def test_what_go_returns_is_refused_with_its_path(places: Any) -> None:
    with pytest.raises(UnicodeDecodeError) as caught:
        places.broken(3)
    assert caught.value.reason.startswith("PagePlace.items[2].options.day: ")


def test_a_library_without_classes_has_its_own_of_the_same_kinds() -> None:
    library = libraries.load("classes")
    assert library.Places.made(1) == {"day": "mon", "hours": 1}
    own = sys.modules["gobind.contracts.classes"]
    assert same(library.Places.move([own.Point(1.0)], own.Point(2.0)), [own.Point(3.0, 1.0)])
    assert own.Point.__orig_bases__ == (NamedTuple,)
    assert same(library.Places.names(own.PagePlace([])), own.PageStr([]))


def point_of_another_kind(kind: str) -> Any:
    """An interface of the library's, and its class Point as one of another kind."""
    if kind == "gostruct":

        @gostruct
        class Point:
            x: float
            y: float

    elif kind == "dataclass":

        @dataclass(frozen=True)
        class Point:  # type: ignore[no-redef]
            x: float
            y: float = 0.0

    elif kind == "TypedDict":

        class Point(TypedDict):  # type: ignore[no-redef]
            x: float
            y: float

    else:

        class Point(NamedTuple):  # type: ignore[no-redef]
            x: f32
            z: float

    @gointerface
    class Places(Protocol):
        def move(self, points: list[Point], by: Point) -> list[Point]: ...

    return Places, Point


@pytest.mark.parametrize("kind", ["gostruct", "dataclass", "TypedDict"])
def test_a_class_of_another_kind_than_the_library_s(kind: str) -> None:
    interface, cls = point_of_another_kind(kind)
    places = libraries.load("classes", interface)
    assert same(places.move([cls(x=1.0, y=2.0)], cls(x=3.0, y=4.0)), [cls(x=4.0, y=6.0)])


def test_a_class_with_other_fields_is_refused_line_by_line() -> None:
    with pytest.raises(MismatchError) as caught:
        libraries.load("classes", point_of_another_kind("other")[0])
    assert str(caught.value).splitlines()[1:4] == [
        "Point.x: library has float, class has f32",
        "Point.y: library has float, class has no such field",
        "Point.z: library has no such field, class has float",
    ]


def test_a_buffer_of_named_tuples(places: Any) -> None:
    memory = (gobind.mirror(Point) * 2)()
    memory[0] = gobind.to_mirror(Point(1.0, 2.0))
    memory[1] = gobind.to_mirror(Point(3.0))
    assert places.total(memory) == 6.5


def test_a_dump_names_fields_and_missing_keys(tmp_path: Path, capsys: Any) -> None:
    frame = tmp_path / "frame"
    frame.write_bytes(gobind.flatten({"day": "mon", "hours": 7}, contract.Options))
    library = str(libraries.path_of("classes"))
    assert cli.main(["dump", library, "Places.made", "--response", str(frame)]) == 0
    assert capsys.readouterr().out == SHOWN


SHOWN = """\
Places.made response, 36 bytes
offset  size  field          type    value
     8     8  Options.day    length  3
    32     3  Options.day    str     'mon'
    16     8  Options.hours  flag    1
    35     1  Options.hours  u8      7
    24     8  Options.nick   flag    0
"""
