"""Dynamic values: Any, object, JSON and unions of builtins, there and back through Go."""

from __future__ import annotations

import array
import asyncio
import collections
import enum
import fractions
import json
import re
import threading
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import libraries
import pytest
from crossing import collect_until
from same import same

import gobind
from gobind.codec import pickling
from gobind.codec.frames import CorruptFrame
from gobind.contract.validate import ANY_TAKES

contract = libraries.contract_of("dynamic")
User, Box, Hidden = contract.User, contract.Box, contract.Hidden


class Size(enum.IntEnum):
    SMALL = 3


class Mood(enum.Enum):
    GOOD = "good"


class Odd(enum.Enum):
    NOTHING = None
    PAIR = (1, 2)
    DELAY = timedelta(1)
    INNER = Mood.GOOD
    SET = frozenset({1})


class Text(str):
    pass


class Raw(bytes):
    def __bytes__(self) -> bytes:
        return b"other"


class Self:
    """Says that it is an integer, which is no integer."""

    def __index__(self) -> Any:
        return self


class Hostile:
    called = 0

    def __reduce_ex__(self, protocol: Any) -> Any:
        Hostile.called += 1
        return int, (5,)


Point = collections.namedtuple("Point", "x y")


@pytest.fixture(scope="module")
def go() -> Any:
    return libraries.load("dynamic", contract.Dynamic)


@pytest.fixture(autouse=True)
def nothing_is_left(go: Any) -> Iterator[None]:
    yield
    collect_until(lambda: not gobind._debug.live() and not gobind._debug.exported())
    assert (gobind._debug.live(), gobind._debug.exported()) == (0, 0)


WHOLE = [
    *(None, True, False, 0, 255, 256, 65535, 65536, -1, 2**31 - 1, 2**31, -(2**31) - 1, 2**63 - 1, -(2**63)),
    *(2**63, -(2**63) - 1, 2**64, 255**9, 10**500, -(10**700), 0.0, -0.0, 1.5, float("inf"), 5e-324),
    *("", "a\0b", "é", "x" * 255, "x" * 256, "é" * 70000, b"", b"\xff", b"x" * 256, b"x" * 70000),
    *([], [[]], [None] * 3000, {}, {"": {}}, {"a": [{"b": None}]}, {str(i): i for i in range(3000)}),
    *({1: 2, "x": None, None: [], 1.5: 1, uuid.UUID(int=1): 2}, {False: 0}, [{1: 2}, {"a": 1}]),
    *(
        datetime(2026, 2, 28, 1, 2, 3, 4, timezone(timedelta(hours=-5))),
        timedelta(-1, 3),
        uuid.UUID(int=7),
        1 + 2j,
    ),
    *(
        [timedelta(1), uuid.UUID(int=1), timedelta(2), {"a": 1 - 1j}],
        User(1, "a"),
        [Hidden(1), User(2, "b"), Hidden(3)],
    ),
    Box(User(1, "a"), [Box(None, [], None), 3], {"x": [1.5, None, True]}),
]


@pytest.mark.parametrize("value", WHOLE, ids=lambda value: f"{type(value).__name__} {repr(value)[:30]}")
def test_a_value_comes_back_as_it_was(go: Any, value: Any) -> None:
    for echo in (go.echo, go.echo_object):
        assert same(echo(value), value)
    assert same(go.echo([value, value]), [value, value])
    assert same(go.echo_table({"k": value}), {"k": value})
    assert same(go.call(lambda got: [got], value), [value])
    if not isinstance(value, (User, Box)) and "User" not in repr(value):
        assert same(gobind.unflatten(gobind.flatten(value, Any), Any), value)


OTHERS = [
    ((1, (2, ())), [1, [2, []]]),
    (bytearray(b"ab"), b"ab"),
    (memoryview(b"abcd")[::2], b"ac"),
    (Size.SMALL, 3),
    ([Mood.GOOD], ["good"]),
    ({"k": Size.SMALL}, {"k": 3}),
    ([*Odd][:4], [None, [1, 2], timedelta(1), "good"]),
    ({Odd.NOTHING: 1, Mood.GOOD: 2}, {None: 1, "good": 2}),
    (Raw(b"x"), b"x"),
    (Text("x"), "x"),
    ([Text("x"), timedelta(1)], ["x", timedelta(1)]),
    (collections.OrderedDict(a=1), {"a": 1}),
    (collections.defaultdict(list, {"a": [1]}), {"a": [1]}),
    (collections.ChainMap({"a": 1}, {"b": 2}), {"a": 1, "b": 2}),
    (collections.deque([1, 2]), [1, 2]),
    (collections.UserList([1]), [1]),
    (array.array("h", [1, 2]), [1, 2]),
]


@pytest.mark.parametrize("value, comes_back", OTHERS, ids=lambda value: repr(value)[:30])
def test_values_that_go_knows_as_something_simpler(go: Any, value: Any, comes_back: Any) -> None:
    assert same(go.echo(value), comes_back)


@pytest.mark.parametrize(
    "value, types",
    [
        (
            [None, True, 1, 2**63, 1.5, "x", b"x"],
            "[]any{<nil>, bool, int64, *big.Int, float64, string, []uint8}",
        ),
        ({"a": [], "b": {}}, "map[string]any{a []any, b map[string]any}"),
        ({1: {}, "a": 2}, "map[any]any{int64 map[string]any, string int64}"),
        ([timedelta(1), uuid.UUID(int=1), 1j], "[]any{time.Duration, [16]uint8, complex128}"),
        (datetime.now(timezone.utc), "time.Time"),
        ([User(1, "a"), Hidden(1)], "[]any{*main.User, *main.Hidden}"),
    ],
)
def test_go_has_the_types_that_were_promised(go: Any, value: Any, types: str) -> None:
    assert go.go_type(value) == types


def test_values_that_only_go_has(go: Any) -> None:
    numbers = [-1, -2, -3, 4, 5, 6, 7, 2**64 - 1, 8, 9, 1.5, 2.5, 3, 1 + 2j, 12, -1500.0]
    assert same(go.make("numbers"), [*numbers, 123456789012345678901234567890, -(1 << 100), 5])
    assert same(
        go.make("typed"),
        {
            **{"ints": [1, 2], "strings": ["a"], "array": [True, False], "color": "red", "bytes": b"x"},
            **{"id": uuid.UUID(bytes=b"\1" + bytes(15)), "map": {"red": 1}, "numbers": {-1: "x"}},
            **{
                "nested": {"a": [{"b": 1}]},
                "user": User(1, "a"),
                "pointer": User(2, "b"),
                "users": [User(3, "c")],
            },
            **{
                "ids": {uuid.UUID(bytes=b"\1" + bytes(15)): 1},
                "time": datetime(1970, 1, 1, tzinfo=timezone.utc),
            },
            **{"duration": timedelta(seconds=1), "month": 5},
        },
    )
    assert same(go.make("nil"), [None, None, None, [], {}, [], {}, b""])
    many = go.make("keys")
    assert many == {f"key {n}": {f"key {n}": n, "shared": None} for n in range(10000)}


@pytest.mark.parametrize(
    "what, message",
    [
        ("channel", "Dynamic.make: [1]['k'][0]: Python has no value for a chan int"),
        ("function", "Dynamic.make: Python has no value for a func()"),
        ("struct", "Dynamic.make: ['s']: Python has no value for a struct { X int }"),
        ("pointer", "Dynamic.make: Python has no value for a *int"),
        ("loop", "Dynamic.make: the value contains itself, so it has no end"),
        ("slice loop", "Dynamic.make: the value contains itself, so it has no end"),
        ("struct loop", "Box.value: the value contains itself, so it has no end"),
        ("equal keys", "Dynamic.make: two keys of the map are equal in Python, one is (1|true)"),
        ("odd key", "Dynamic.make: expected Any, got a key of type main.User"),
        ("number", """Dynamic.make: [0]: json.Number("1e999") does not fit a float"""),
        ("year", "Dynamic.make: the year of a time must be 1 to 9999, got 10000"),
    ],
)
def test_values_of_go_that_python_does_not_have(go: Any, what: str, message: str) -> None:
    with pytest.raises(gobind.GoError) as caught:
        go.make(what)
    pattern = re.escape(message).replace(re.escape("(1|true)"), "(1|true)")
    assert re.fullmatch(pattern, str(caught.value))


@pytest.mark.parametrize(
    "what, place", [("broken", "result[1]['k']"), ("surrogate", "result['\ufffd\ufffd\ufffd']")]
)
def test_text_of_go_that_is_no_utf8(go: Any, what: str, place: str) -> None:
    for make in (go.make, go.make_json):
        with pytest.raises(UnicodeDecodeError) as caught:
            make(what)
        assert caught.value.reason.startswith(f"{place}: inv")


LOOP: list[Any] = [1]
LOOP.append({"a": LOOP})
BOX = Box(None, [], None)
BOX.more = [BOX]
USER_LIST: Any = collections.UserList()
USER_LIST.append({"a": USER_LIST})
USER_DICT: Any = collections.UserDict()
USER_DICT["a"] = [USER_DICT]


@pytest.mark.parametrize(
    "value, error, message",
    [
        ({1, 2}, TypeError, "value: expected Any, got set; Go has no dynamic sets, pass a list"),
        (
            [{"a": frozenset()}],
            TypeError,
            "value[0]['a']: expected Any, got frozenset; Go has no dynamic sets, pass a list",
        ),
        ([1, object()], TypeError, f"value[1]: expected Any, got object; Any takes {ANY_TAKES}"),
        (range(3), TypeError, f"value: expected Any, got range; Any takes {ANY_TAKES}"),
        ([int], TypeError, f"value[0]: expected Any, got type; Any takes {ANY_TAKES}"),
        (fractions.Fraction(1), TypeError, f"value: expected Any, got Fraction; Any takes {ANY_TAKES}"),
        ({"a": {(1, 2): 3}}, TypeError, "value['a']: a key must be str, a number, None or UUID, got tuple"),
        ({b"x": 3}, TypeError, "value: a key must be str, a number, None or UUID, got bytes"),
        (["\ud800"], UnicodeEncodeError, "value[0]: surrogates not allowed"),
        ({"\ud800": 1}, UnicodeEncodeError, "value key '\\ud800': surrogates not allowed"),
        (
            [datetime(2026, 1, 1)],
            TypeError,
            "value[0]: expected an aware datetime, got a naive one: 2026-01-01 00:00:00",
        ),
        (
            timedelta.max,
            OverflowError,
            f"value: {timedelta.max} does not fit timedelta: Go counts nanoseconds in 64 bits",
        ),
        ([User("x", "y")], TypeError, "value[0].id: expected int, got str"),
        (LOOP, ValueError, "value[1]['a']: the value contains itself"),
        (BOX, ValueError, "value.more[0]: the value contains itself"),
        (USER_LIST, ValueError, "value[0]['a']: the value contains itself"),
        (USER_DICT, ValueError, "value['a'][0]: the value contains itself"),
        (
            [Odd.SET],
            TypeError,
            "value[0]: expected Any, got frozenset; Go has no dynamic sets, pass a list",
        ),
        (
            [Point(1, 2)],
            TypeError,
            "value[0]: expected Any, got Point; Go has no dynamic named tuples, pass a tuple",
        ),
        ([Self()], TypeError, f"value[0]: expected Any, got Self; Any takes {ANY_TAKES}"),
        ({"a": {2**70: 1}}, OverflowError, f"value['a'] key: {2**70} does not fit i64"),
    ],
    ids=repr,
)
def test_what_go_has_no_value_for_is_refused(
    go: Any, value: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as caught:
        go.echo(value)
    text = caught.value.reason if isinstance(caught.value, UnicodeEncodeError) else str(caught.value)
    assert text == message


@pytest.mark.parametrize(
    "echo, values",
    [
        ("echo_json", [None, True, 1, 2**70, 1.5, "x", [], {}, {"a": [1, {"b": None}]}]),
        ("echo_scalar", [None, 1, "x", 2**70]),
        ("echo_unnamed", [[], [1, "a"], [2**70]]),
        ("echo_numbers", ["x", {}, {1: 1.5}]),
        ("echo_mixed", ["x", User(1, "a")]),
        ("echo_blocking", [{"a": 1}]),
    ],
)
def test_values_of_unions(go: Any, echo: str, values: list[Any]) -> None:
    for value in values:
        assert same(getattr(go, echo)(value), value)


def test_an_int_is_taken_for_a_float_where_only_that_is_expected(go: Any) -> None:
    assert same(go.echo_numbers({1: 2, 2: True, 3: 2**70, 4: 1.5}), {1: 2.0, 2: 1.0, 3: 2.0**70, 4: 1.5})
    assert same(go.echo_numbers({True: 1, False: True}), {1: 1.0, 0: 1.0})
    assert same(go.echo_scalar(True), 1)
    assert same(go.echo_unnamed([False, "a", Size.SMALL]), [0, "a", 3])


TREE = "Tree (bool | int | float | str | list[Tree] | dict[str, Tree] | None)"


@pytest.mark.parametrize(
    "echo, value, message",
    [
        ("echo_json", b"x", "value: expected JSON, got bytes"),
        ("echo_json", {"a": [1, timedelta(1)]}, "value['a'][1]: expected JSON, got timedelta"),
        ("echo_json", [2**70, Mood.GOOD, range(3)], "value[2]: expected JSON, got range"),
        ("echo_json", {1: 2}, "value key 1: expected str, got int"),
        ("echo_json", {"a": {"b"}}, "value['a']: expected JSON, got set"),
        ("echo_scalar", 1.5, "value: expected Scalar (int | str | None), got float"),
        ("echo_scalar", 1j, "value: expected Scalar (int | str | None), got complex"),
        ("echo_scalar", [1], "value: expected Scalar (int | str | None), got list"),
        ("echo_unnamed", [1, None], "value[1]: expected int | str, got NoneType"),
        ("echo_numbers", {1: "x"}, "value[1]: expected float, got str"),
        ("echo_numbers", {1: 10**400}, "value[1]: an integer of 1329 bits does not fit float"),
        ("echo_mixed", Hidden(1), "value: expected User | str, got Hidden"),
        ("echo_box", Box(1, [2], ["a", b"x"]), f"Box.tree[1]: expected {TREE}, got bytes"),
        ("echo_blocking", [b"x"], "value[0]: expected JSON, got bytes"),
        ("keep", [b"x"], "value[0]: expected JSON, got bytes"),
    ],
)
def test_what_a_union_does_not_have_is_refused(go: Any, echo: str, value: Any, message: str) -> None:
    with pytest.raises((TypeError, OverflowError)) as caught:
        getattr(go, echo)(value)
    assert str(caught.value) == message


def test_go_may_not_return_what_a_union_does_not_have(go: Any) -> None:
    with pytest.raises(gobind.GoError, match=r"^Dynamic.make_json: \[13\]: expected JSON, got complex64$"):
        go.make_json("numbers")
    with pytest.raises(
        gobind.GoError, match=r"^Dynamic.make_json: expected JSON, got a key of type int8$|: expected JSON"
    ):
        go.make_json("typed")


def test_functions_take_and_return_dynamic_values(go: Any) -> None:
    assert go.call(lambda value: {"got": value, "user": User(1, "x")}, [1]) == {
        "got": [1],
        "user": User(1, "x"),
    }
    assert go.call_json(lambda value: [value], {"a": 1}) == [{"a": 1}]
    with pytest.raises(TypeError, match=r"result\[0\]: expected JSON, got bytes$"):
        go.call_json(lambda value: [b"x"], 1)
    for odd, where in (
        ({1, 2}, ""),
        ([{"k": frozenset()}], r"\[0\]\['k'\]"),
        ([User(1, "x"), set()], r"\[1\]"),
    ):
        with pytest.raises(
            TypeError, match=rf"result{where}: expected Any, got (frozen)?set; Go has no dynamic sets"
        ):
            go.call(lambda value: odd, 1)  # noqa: B023
    assert go.call(lambda value: [value, "\u044f\u0451", b"\x8f\x91"], 1) == [1, "\u044f\u0451", b"\x8f\x91"]


def test_one_way_and_async_calls(go: Any) -> None:
    go.keep({"a": [1]})
    assert go.kept() == {"a": [1]}

    async def main() -> None:
        values = [{"n": n, "more": [n] * n} for n in range(50)]
        assert await asyncio.gather(*map(go.echo_later, values)) == values
        with pytest.raises(TypeError, match=r"^value\['a'\]: expected JSON, got bytes$"):
            await go.echo_later({"a": b"x"})

    asyncio.run(main())


def test_depth_costs_no_stack(go: Any) -> None:
    deep: Any = go.make("deep")
    again = go.echo(deep)
    mixed: Any = None
    for n in range(20000):
        mixed = {"a": mixed, "t": timedelta(n)}
    mixed = go.echo(mixed)
    for _ in range(100000):
        (deep,), (again,) = deep, again
    for n in reversed(range(20000)):
        assert mixed["t"] == timedelta(n)
        mixed = mixed["a"]
    assert deep is again is mixed is None
    boxes: Any = None
    for _ in range(20000):
        boxes = Box(boxes, [], None)
    boxes = go.echo(boxes)
    for _ in range(20000):
        boxes = boxes.value
    assert boxes is None


def test_a_deep_value_that_contains_itself(go: Any) -> None:
    deep: Any = []
    inner = deep
    for _ in range(5000):
        inner.append([])
        inner = inner[0]
    inner.append(deep)
    with pytest.raises(ValueError, match="the value contains itself$"):
        go.echo(deep)


def test_pickling_of_an_object_is_never_called(go: Any) -> None:
    class Holds(enum.Enum):
        IT = Hostile()

    value: Any
    for value in (Hostile(), Holds.IT):
        for depth in (1, 5000):
            for _ in range(depth):
                value = [value]
            with pytest.raises(TypeError, match="expected Any, got Hostile; Any takes"):
                go.echo(value)
    assert not Hostile.called


def test_an_exception_of_a_signal_handler_is_raised_as_it_is() -> None:
    class Interrupts(list[Any]):
        def __getitem__(self, index: Any) -> Any:
            raise InterruptedError("by a handler")  # as a handler would that runs now

    stream, attached = pickling.dump([User(1, "a")], {User: 1, list: None})
    assert attached == [User(1, "a")]
    with pytest.raises(InterruptedError, match="by a handler"):
        pickling.load(stream, Interrupts(attached))
    with pytest.raises(CorruptFrame, match="not a stream of values"):
        pickling.load(stream[:-1], attached)


def test_a_library_without_classes_at_hand(go: Any) -> None:
    plain: Any = gobind.load(libraries.path_of("dynamic")).Dynamic
    made = plain.make("typed")
    assert type(made["user"]).__module__ == "gobind.contracts.dynamic" and made["user"].name == "a"
    assert plain.echo([made["user"]]) == [made["user"]]
    with pytest.raises(TypeError, match="expected Scalar"):
        plain.echo_scalar(1.5)


def test_a_struct_that_go_does_not_know(go: Any) -> None:
    @gobind.gostruct
    class Stranger:
        x: int

    with pytest.raises(TypeError, match="Stranger is not among the structs of the contract that Go knows"):
        go.echo([Stranger(1)])


def test_values_that_other_threads_change(go: Any) -> None:
    value: dict[str, Any] = {"rows": [[n, str(n)] for n in range(100)]}
    is_over = threading.Event()

    def change() -> None:
        while not is_over.is_set():
            value["rows"].append([0, "0"])
            value["rows"].pop()

    thread = threading.Thread(target=change)
    thread.start()
    try:
        for _ in range(200):
            try:
                got = go.echo(value)
            except RuntimeError as error:
                assert "changed" in str(error)
            else:
                assert 100 <= len(got["rows"]) <= 101 and got["rows"][:100] == value["rows"][:100]
    finally:
        is_over.set()
        thread.join()


def test_a_document_is_what_json_makes_of_it(go: Any) -> None:
    document = {"items": [{"id": n, "name": f"n{n}", "tags": ["a", "b"], "ratio": n / 7} for n in range(500)]}
    through_text = json.loads(go.text_of(json.dumps(document)))
    assert go.echo(document) == go.echo_json(document) == through_text == document
