"""Values of every type go to Go and come back the same: chosen ones, random ones, small and huge ones."""

from __future__ import annotations

import asyncio
import gc
import random
import sys
import typing
from typing import Any

import libraries
import pytest
import random_contracts
from same import same

from gobind.protocol import EXTERNAL_SIZE, REPLY_CAPACITY

echo_py = libraries.contract_of("echo")
HINTS = {
    name: typing.get_type_hints(method, include_extras=True)["value"]
    for name, method in vars(echo_py.Echo).items()
    if name.startswith(("echo_", "later_"))
}
SYNC = [name for name in HINTS if name.startswith("echo_")]
LATER = [name for name in HINTS if name.startswith("later_")]
LISTS = [name for name in SYNC if typing.get_origin(HINTS[name]) is list]
MANY = 100_000
Tree, User, Ping, Pong, Mixed, Term, Circle, Square = (
    getattr(echo_py, name) for name in ("Tree", "User", "Ping", "Pong", "Mixed", "Term", "Circle", "Square")
)


class Values(random_contracts.Values):
    """Also of the types that the plain oracle knows nothing of."""

    def _any(self, annotation: Any, depth: int = 0) -> Any:
        if annotation is echo_py.Key:
            return self._str(None)
        if annotation is echo_py.Frozen:
            return echo_py.Frozen(key=self._str(None), small=self.random.randrange(256))
        return super()._any(annotation, depth)


@pytest.fixture(scope="module")
def echo() -> Any:
    return libraries.load("echo", echo_py.Echo)


@pytest.mark.parametrize("name", SYNC)
def test_random_values_come_back(echo: Any, name: str) -> None:
    method, values = getattr(echo, name), Values(name)
    for _ in range(60):
        value = values.value(HINTS[name])
        assert same(method(value), value)


@pytest.mark.parametrize("name", LATER)
def test_random_values_of_awaited_calls_come_back(echo: Any, name: str) -> None:
    async def main() -> None:
        method, values = getattr(echo, name), Values(name)
        sent = [values.value(HINTS[name]) for _ in range(60)]
        for value, back in zip(sent, await asyncio.gather(*map(method, sent))):
            assert same(back, value)

    asyncio.run(main())


@pytest.mark.parametrize("count", [0, 1, 2, 1000, MANY])
@pytest.mark.parametrize("name", LISTS)
def test_lists_of_any_length_come_back(echo: Any, name: str, count: int) -> None:
    if name in ("echo_forest", "echo_rows"):
        count //= 20  # each is worth as many others
    values, (item,) = Values(name, budget=20), typing.get_args(HINTS[name])
    made = [values.value(item) for _ in range(min(count, 97))]
    value = (made * (count // 97 + 1))[:count]
    assert same(getattr(echo, name)(value), value)


def test_dicts_and_sets_with_many_keys_come_back(echo: Any) -> None:
    table = {f"key {number}": number for number in range(MANY)}
    assert same(echo.echo_dict(table), table)
    assert same(echo.echo_set(set(table)), set(table))
    assert same(
        echo.echo_frozenset(frozenset(range(2**64 - MANY, 2**64))), frozenset(range(2**64 - MANY, 2**64))
    )


def test_a_long_sequence_of_another_kind(echo: Any) -> None:
    assert echo.echo_ints(range(MANY)) == [*range(MANY)]
    assert echo.echo_sequence(("a", "b")) == ["a", "b"]
    assert echo.echo_tuple_of([1, 2]) == (1, 2)


def test_nan_survives_the_round_trip(echo: Any) -> None:
    nan = float("nan")
    assert same(echo.echo_float(nan), nan)
    assert same(echo.echo_f32(nan), nan)
    assert same(echo.echo_floats([nan, 1.0, -0.0]), [nan, 1.0, -0.0])
    assert same(echo.echo_maybe_floats([None, nan]), [None, nan])


def test_nothing_and_an_empty_container_are_two_values(echo: Any) -> None:
    forest = [Tree(1, [], {}, None)]
    cases: list[tuple[str, list[Any]]] = [
        ("echo_maybe_bytes", [None, b"", b"\0"]),
        ("echo_maybe_list", [None, [], [1]]),
        ("echo_maybe_dict", [None, {}, {"a": 1}]),
        ("echo_maybe_lists", [[None], [[]], [[1], [2]], [None, [], [1, 2], None, [3]], [None] * MANY]),
        ("echo_maybe_sets", [{"": (None, None), "a": (set(), b""), "b": ({"x"}, b"x")}]),
        ("echo_maybe_forest", [None, [], forest, [Tree(2, forest, {"a": forest[0]}, forest[0])]]),
        ("echo_maybe_shape", [None, Circle(1.0)]),
        ("echo_maybe_shapes", [[None], [None, Square(1.0, []), None, Circle(2.0)], [Circle(3.0)]]),
    ]
    for name, values in cases:
        for value in values:
            assert same(getattr(echo, name)(value), value), name


# Sizes of pieces of a frame and of whole frames where something changes, by far more than headers and records.
BORDERS = sorted(
    {border + offset for border in (EXTERNAL_SIZE, REPLY_CAPACITY) for offset in range(-160, 17)}
    | {2 * EXTERNAL_SIZE + offset for offset in range(-1, 2)}
)


@pytest.mark.parametrize(
    "name", ["echo_str", "echo_bytes", "echo_strs", "echo_blobs", "echo_u8s", "echo_user"]
)
def test_sizes_where_a_frame_changes_its_form(echo: Any, name: str) -> None:
    method = getattr(echo, name)
    text = "".join(random.Random(name).choices("abcdefgh\u0000\u00e4\U0001f600", k=2 * EXTERNAL_SIZE))
    data = text.encode()
    for size in BORDERS:
        piece = data[:size]
        words = piece.decode("ascii", "replace").replace("\ufffd", "?")
        value = {
            "echo_str": words,
            "echo_bytes": piece,
            "echo_strs": [words[: size // 2], words[size // 2 :]],
            "echo_blobs": [piece[:5], piece[5:]],
            "echo_u8s": list(piece),
            "echo_user": User(size, words, 7),
        }[name]
        assert method(value) == value


@pytest.mark.parametrize("size", [size for size in BORDERS if abs(size - EXTERNAL_SIZE) < 2 or size > 70000])
def test_sizes_where_numbers_change_their_form(echo: Any, size: int) -> None:
    for name, width in (("echo_u16s", 2), ("echo_u32s", 4), ("echo_ints", 8), ("echo_floats", 8)):
        for count in (size // width - 1, size // width, size // width + 1):
            value = [number % 65536 for number in range(count)]
            assert getattr(echo, name)(value) == value


def test_awaited_strings_and_bytes_of_any_size_come_back(echo: Any) -> None:
    async def main() -> None:
        sizes = [
            *range(2**14 - 64, 2**14 + 8),
            *range(EXTERNAL_SIZE - 100, EXTERNAL_SIZE + 8),
            2**17,
            3 << 20,
        ]
        sent = ["\u00e4" * (size // 2) + "x" * (size % 2) for size in sizes]
        for value, back in zip(sent, await asyncio.gather(*map(echo.later_str, sent))):
            assert value == back
        for value, back in zip(sent, await asyncio.gather(*[echo.later_bytes(t.encode()) for t in sent])):
            assert value.encode() == back

    asyncio.run(main())


@pytest.mark.parametrize("length", [EXTERNAL_SIZE - 1, EXTERNAL_SIZE, EXTERNAL_SIZE + 1])
def test_strings_as_long_as_a_segment(echo: Any, length: int) -> None:
    for char in ("x", "\u00e4", "\U0001f600", "\0"):
        text = char * length
        assert echo.echo_str(text) == text
        assert echo.echo_strs([text, "", text]) == [text, "", text]
        assert echo.echo_words([[text], [], ["a", text]]) == [[text], [], ["a", text]]
        assert echo.echo_dict({text: length}) == {text: length}
        assert echo.echo_users([User(1, text, 2), User(3, "", 4)]) == [User(1, text, 2), User(3, "", 4)]


def test_strings_and_bytes_of_many_megabytes_come_back(echo: Any) -> None:
    data = random.Random(1).getrandbits(8 << 20).to_bytes(1 << 20, "little")
    huge = data * 24
    assert echo.echo_bytes(huge) == huge
    assert echo.echo_bytes(bytearray(huge)) == huge
    assert echo.echo_bytes(memoryview(huge)[1::2]) == huge[1::2]
    assert echo.echo_blobs([huge, b"", data]) == [huge, b"", data]
    text = huge.decode("latin-1")
    assert echo.echo_str(text) == text
    assert echo.echo_by_number({-1: huge, 1: data}) == {-1: huge, 1: data}
    assert echo.echo_pages([[huge], [data, data]]) == [[huge], [data, data]]


def test_long_lists_of_large_structs_come_back(echo: Any) -> None:
    values = Values("rows", budget=30)
    made = [values.value(echo_py.Leaves) for _ in range(300)]
    rows = made * 40
    assert same(echo.echo_rows(rows), rows)
    users = [
        User(number, "name\0%d" % number if number % 3 else "", number % 256) for number in range(50_000)
    ]
    assert echo.echo_users(users) == users


def test_deeply_nested_values_come_back(echo: Any) -> None:
    leaf = Tree(0, [], {}, None)
    for number in range(3000):
        leaf = Tree(number, [leaf], {}, None) if number % 2 else Tree(number, [], {"k": leaf}, None)
    assert same(echo.echo_tree(leaf), leaf)
    wide = Tree(
        -1, [Tree(number, [], {str(number): Tree(0, [], {}, None)}, None) for number in range(5000)], {}, leaf
    )
    assert same(echo.echo_tree(wide), wide)
    chain = Ping(0, None)
    for number in range(3000):
        chain = Ping(number % 256, Pong([chain]))
    assert same(echo.echo_ping(chain), chain)


def test_by_value_and_holding_the_gil(echo: Any) -> None:
    user = User(2**32 - 1, "\U0001f600", 255)
    assert echo.echo_by_value(user) == echo.echo_holding(user) == user


def test_what_is_given_back_is_no_part_of_what_was_given(echo: Any) -> None:
    users = [User(1, "a")]
    back = echo.echo_users(users)
    back[0].name = "b"
    assert users == [User(1, "a")]


def test_responses_do_not_wait_for_the_collector(echo: Any) -> None:
    """A list of lists is freed with its last reference, and what decoding needed with it."""
    if sys.implementation.name != "cpython":
        pytest.skip("counts references as CPython does")
    sent = {
        "echo_cube": [[[1, 2, 3]] * 300] * 300,
        "echo_words": [["a", "b"]] * 40_000,
        "echo_users": [User(n, "a") for n in range(1000)],
        "echo_dict": {str(n): n for n in range(1000)},
        "echo_tree": Tree(0, [Tree(n, [], {}, None) for n in range(100)], {}, None),
        "echo_term": Term(echo_py.Number(1)),
    }
    methods = [(getattr(echo, name), value) for name, value in sent.items() if hasattr(echo, name)]

    assert len(methods) > 4
    for method, value in methods:
        method(value)
    gc.collect()
    gc.disable()
    try:
        for method, value in methods:
            for _ in range(3):
                assert same(method(value), value)
        assert gc.collect() == 0
    finally:
        gc.enable()
