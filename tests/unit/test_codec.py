"""`flatten` and `unflatten` against the plain codec of `oracle`, over annotations and values by chance.

A failure names the seed and the method: ``random_contracts.module_text(seed)`` is the contract.
"""

# ruff: noqa: E501  (tables of messages: a row is a line)

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import gc
import linecache
import math
import random
import re
import struct
import sys
import threading
import traceback
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import Any, Dict, FrozenSet, List, Literal, Optional, Set, Tuple, Union
from uuid import UUID

import oracle
import pytest
import random_contracts

from gobind import (
    CorruptFrame,
    bigint,
    f32,
    flatten,
    gostruct,
    i8,
    naive,
    protocol,
    u8,
    u16,
    u32,
    u64,
    unflatten,
)
from gobind.codec import columns, frames
from gobind.codec.leaves import codec_of
from gobind.contract.leaves import LEAVES as LEAF_ROWS
from gobind.contract.leaves import Leaf

needs_cpython = pytest.mark.skipif(
    sys.implementation.name != "cpython", reason="counts objects as CPython's collector does"
)
REFUSALS = (CorruptFrame, UnicodeDecodeError, ValueError, OverflowError)


@gostruct
class User:
    id: u32
    name: str
    age: u8


@gostruct
class Chain:
    name: str
    next: Optional[Chain] = None


@gostruct
class Tree:
    n: u16
    children: List[Tree] = dataclasses.field(default_factory=list)
    named: Dict[str, Tree] = dataclasses.field(default_factory=dict)


@gostruct
class Left:
    value: Optional[Union[Left, Right]]


@gostruct
class Right:
    pairs: List[Tuple[u8, Left]]
    empty: Empty


@gostruct
class Empty:
    pass


@gostruct(frozen=True, kw_only=True)
class Frozen:
    n: i8
    made: int = dataclasses.field(init=False, default=0)


def agree(value: Any, annotation: Any, about: object = "") -> bytes:
    """Check that both codecs make the same bytes of `value`, and `value` of the bytes; return them."""
    block = flatten(value, annotation)
    assert block == oracle.encode(value, annotation), about
    assert unflatten(block, annotation) == value, about
    assert oracle.decode(block, annotation) == value, about
    return block


def module_of(seed: int) -> Any:
    name = f"random_contract_{seed}"
    return sys.modules.get(name) or random_contracts.load_module(random_contracts.module_text(seed), name)


@pytest.mark.parametrize("seed", range(40))
def test_random_contracts_and_values(seed: int) -> None:
    for name, annotation in random_contracts.echo_types(module_of(seed)):
        values = random_contracts.Values(f"{seed} {name}")
        for number in range(4):
            agree(values.value(annotation), annotation, (seed, name, number))


@pytest.mark.parametrize("seed", range(4))
def test_random_values_of_many_items(seed: int) -> None:
    for name, annotation in random_contracts.echo_types(module_of(seed))[-12:]:
        values = random_contracts.Values(f"many {seed} {name}", budget=1000)
        agree([values.value(annotation) for _ in range(5)], List[annotation], (seed, name))  # type: ignore[valid-type]


LEAVES: List[Any] = [bool, int, float, f32, i8, u64, str, bytes, datetime, timedelta, UUID, complex]
LEAVES += [date, time, naive, Decimal, bigint, Path, Literal["a", "b"], Literal[1, 2]]


@pytest.mark.parametrize("annotation", LEAVES, ids=str)
@pytest.mark.parametrize("count", [0, 1, 2, 255, 100_000])
def test_columns_of_any_length(annotation: Any, count: int) -> None:
    values = random_contracts.Values(f"{annotation} {count}")
    some = [values.value(annotation) for _ in range(min(count, 500))]
    agree((some * 200)[:count], List[annotation])  # type: ignore[valid-type]


def test_100_000_structs() -> None:
    agree([User(n, f"user {n}", n % 256) for n in range(100_000)], List[User])


@pytest.mark.parametrize(
    "text", ["", "\0", "\0\0", "a\0", "\0a", "é\0漢", "\U0010ffff", "\x7f\x80\u07ff\u0800\uffff"]
)
def test_awkward_strings_alone_and_in_columns(text: str) -> None:
    for value in ([text], [text] * 3, ["", text], [text, ""], ["x", text, "y"], ["", "", text]):
        agree(value, List[str])
        agree({text: value}, Dict[str, List[str]])
    agree(text, str)


@pytest.mark.parametrize("number", [math.nan, -math.nan, math.inf, -math.inf, -0.0, 5e-324, 2.0**-126])
def test_nan_and_infinity_keep_their_bits(number: float) -> None:
    for annotation in (float, List[float], Optional[float], Tuple[float, ...]):
        value = {List[float]: [number], Tuple[float, ...]: (number,)}.get(annotation, number)
        block = flatten(value, annotation)
        assert block == oracle.encode(value, annotation)
        back = unflatten(block, annotation)
        back = back if isinstance(back, float) else back[0]
        assert struct.pack("<d", back) == struct.pack("<d", number)


@pytest.mark.parametrize("real", [math.nan, -math.nan, math.inf, -math.inf, -0.0, 5e-324])
@pytest.mark.parametrize("imag", [math.nan, -math.inf, 0.0, -0.0, 2.0**-126])
def test_special_complex_numbers_keep_their_bits(real: float, imag: float) -> None:
    value, bits = complex(real, imag), struct.pack("<2d", real, imag)
    one, many = flatten(value, complex), flatten([value, value], List[complex])
    assert one == bits and many[16:] == bits * 2
    for back in (unflatten(one, complex), *unflatten(many, List[complex])):
        assert type(back) is complex
        assert struct.pack("<2d", back.real, back.imag) == bits


@pytest.mark.parametrize(
    ("value", "annotation", "text"),
    [
        (258, u16, "0201"),
        (User(1, "ab", 3), User, "01000000 00000000 0000000000000000 0200000000000000 0300000000000000 6162"),
        (["a", "b"], List[str], "0000000000000000 0200000000000000 0600000000000000 610062"),
        (["\0", "b"], List[str], "0000000000000000 0200000000000000 0500000000000000 0100000000000000 0100000000000000 0062"),
        (None, Optional[u8], "0000000000000000"),
        (7, Optional[u8], "0100000000000000 07"),
        ([None, 7], List[Optional[u8]], "0000000000000000 0200000000000000 0001 07"),
        (Empty(), Empty, ""),
        ([Empty()], List[Empty], "0000000000000000 0100000000000000 00"),
        (User(1, "", 3), Union[User, Empty], "0100000000000000 0000000000000000 01000000 0000000000000000 03"),
        ({1: 2}, Dict[u8, u16], "0000000000000000 0100000000000000 01 0200"),
        (timedelta(microseconds=1), timedelta, "e803000000000000"),
        (datetime(1970, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))), datetime, "0000000000000000 100e0000 00000000"),
        (date(1969, 12, 31), date, "ffffffff"),
        ([date(1970, 1, 2), date(1, 1, 1)], List[date], "0000000000000000 0200000000000000 01000000 c606f5ff"),
        (time(0, 0, 1, 5), time, "45420f0000000000"),
        (datetime(1970, 1, 1, 0, 0, 1), naive, "40420f0000000000"),
        (Decimal("-1.50"), Decimal, "0000000000000000 0500000000000000 2d312e3530"),
        ([Decimal("1E+2"), Decimal("0")], List[Decimal], "0000000000000000 0200000000000000 0c00000000000000 31452b32 00 30"),
        (-256, bigint, "0000000000000000 0200000000000000 ff00"),
        ([0, 128, -128], List[bigint], "0000000000000000 0300000000000000 0100000000000000 0200000000000000 0100000000000000 00 0080 80"),
        (Path("a"), Path, "0000000000000000 0100000000000000 61"),
        ("b", Literal["a", "b"], "0000000000000000 0100000000000000 62"),
        ([-1, 2], List[Literal[2, -1]], "0000000000000000 0200000000000000 ffffffffffffffff 0200000000000000"),
        (UUID(int=1), UUID, "00000000000000000000000000000001"),
        (1 - 2j, complex, "000000000000f03f 00000000000000c0"),
        ([1 - 2j, 2], List[complex], "0000000000000000 0200000000000000 000000000000f03f 00000000000000c0 0000000000000040 0000000000000000"),
        ({1: 1j}, Dict[u8, Optional[complex]], "0000000000000000 0100000000000000 01 01 0000000000000000 000000000000f03f"),
        ((True, 1j), Tuple[bool, complex], "0100000000000000 0000000000000000 000000000000f03f"),
        (Chain("a", Chain("b")), Chain, "0000000000000000 0100000000000000 0100000000000000 61 0200000000000000 62 00"),
    ],
)  # fmt: skip
def test_the_bytes_by_hand(value: Any, annotation: Any, text: str) -> None:
    assert flatten(value, annotation) == bytes.fromhex(text)
    agree(value, annotation)


def test_fields_that_are_not_the_constructors_and_keywords() -> None:
    one = Frozen(n=5)
    object.__setattr__(one, "made", 9)
    for annotation, value in ((Frozen, one), (List[Frozen], [one, one]), (Optional[Frozen], one)):
        agree(value, annotation)


class Watched:
    """What the classes below do when an instance is made."""

    made: List[str] = []


@gostruct
class WithInit(Watched):
    n: u8

    def __init__(self, n: int) -> None:
        self.n = n
        self.made.append("init")


@gostruct
class WithPostInit(Watched):
    n: u8

    def __post_init__(self) -> None:
        self.made.append("post_init")


@gostruct
class WithNew(Watched):
    n: u8

    def __new__(cls, n: int) -> WithNew:
        cls.made.append("new")
        return super().__new__(cls)


@gostruct
class WithSetattr(Watched):
    n: u8

    def __setattr__(self, name: str, value: Any) -> None:
        self.made.append("setattr")
        object.__setattr__(self, name, value)


@gostruct
class Inheriting(WithPostInit):
    m: u8 = 0


@pytest.mark.parametrize("cls", [WithInit, WithPostInit, WithNew, WithSetattr, Inheriting])
def test_custom_init_and_post_init_are_called(cls: Any) -> None:
    block = flatten([cls(n=1), cls(n=2)], List[cls])
    Watched.made.clear()
    assert unflatten(block, List[cls]) == [cls(n=1), cls(n=2)]
    assert len(Watched.made) == 4


def test_bytes_like_objects_as_blocks() -> None:
    block = flatten(["a"], List[str])
    assert unflatten(bytearray(block), List[str]) == unflatten(memoryview(block), List[str]) == ["a"]


def test_what_is_read_is_of_its_own() -> None:
    first, second = unflatten(flatten([[1], [1]], List[List[int]]), List[List[int]])
    assert first is not second
    empty_one, empty_two = unflatten(flatten([[], []], List[List[int]]), List[List[int]])
    assert empty_one is not empty_two


def test_the_annotation_object_decides_not_its_equal() -> None:
    flatten(User(1, "", 0), Union[User, Empty])
    assert flatten(Empty(), Union[Empty, User]) == flatten(Empty(), Union[User, Empty])


# Depth and width


def test_a_chain_of_100_000() -> None:
    chain = None
    for number in range(100_000):
        chain = Chain(str(number), chain)
    block = flatten(chain, Chain)
    assert block == oracle.encode(chain, Chain)
    back, length = unflatten(block, Chain), 0
    while back and chain:
        assert back.name == chain.name
        back, chain, length = back.next, chain.next, length + 1
    assert length == 100_000


def test_wide_and_bushy_trees() -> None:
    wide = Tree(0, [Tree(n) for n in range(30_000)])
    agree(wide, Tree)
    source = random.Random("trees")
    nodes = [Tree(0)]
    for number in range(5_000):
        parent, child = source.choice(nodes), Tree(number)
        if source.random() < 0.5:
            parent.children.append(child)
        else:
            parent.named[str(number)] = child
        nodes.append(child)
    agree(nodes[0], Tree)
    agree([nodes[0], None, nodes[-1]], List[Optional[Tree]])


def test_mutual_recursion() -> None:
    value = Left(Right([(1, Left(None)), (2, Left(Left(Right([], Empty()))))], Empty()))
    for annotation, wrapped in ((Left, value), (List[Left], [value, value]), (Dict[str, Left], {"": value})):
        agree(wrapped, annotation)


def test_long_values_of_recursive_types_are_told_from_circles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "CIRCLE_CHECK_VALUES", 10)
    monkeypatch.setattr(frames, "CIRCLE_CHECK_LEVELS", 3)
    agree(Tree(0, [Tree(n, [Tree(m) for m in range(4)]) for n in range(20)]), Tree)
    agree(Chain("a", Chain("b", Chain("c", Chain("d", Chain("e", Chain("f")))))), Chain)


# Damage


def refused(block: bytes, annotation: Any) -> bool:
    """True if the block is refused as it should be; anything but a value and a refusal fails."""
    try:
        unflatten(block, annotation)
    except REFUSALS:
        return True
    return False


DAMAGED: List[Tuple[Any, Any]] = [
    (List[User], [User(1, "ada", 1), User(2, "bob", 2)]),
    (Dict[str, List[Optional[int]]], {"a": [1, None], "b\0": []}),
    (Union[User, Tree], Tree(1, [Tree(2), Tree(3, [Tree(4)])], {"x": Tree(5)})),
    (List[Union[User, Empty]], [User(1, "x", 2), Empty(), Empty()]),
    (Tuple[str, bytes, bool, UUID], ("text", b"data", True, UUID(int=5))),
    (List[Tuple[()]], [(), ()]),
    (List[List[List[Tuple[()]]]], [[[(), ()], []], []]),
    (List[Tuple[datetime, timedelta]], [(datetime(2000, 1, 1, tzinfo=timezone.utc), timedelta(1))]),
    (Optional[Chain], Chain("a", Chain("b", Chain("c")))),
    (FrozenSet[str], frozenset(["a", "b"])),
    (List[Set[u8]], [{1, 2}, set()]),
    (Left, Left(Right([(1, Left(None))], Empty()))),
    (List[bytes], [b"", b"abc"]),
    (List[bool], [True, False]),
]
IDS = [str(annotation).replace("typing.", "") for annotation, _ in DAMAGED]


@pytest.mark.parametrize(("annotation", "value"), DAMAGED, ids=IDS)
def test_truncated_and_extended_blocks_are_refused_at_every_length(annotation: Any, value: Any) -> None:
    block = agree(value, annotation)
    for length in range(len(block)):
        with pytest.raises(REFUSALS):
            unflatten(block[:length], annotation)
    with pytest.raises(REFUSALS):
        unflatten(block + b"\0", annotation)


@pytest.mark.parametrize(("annotation", "value"), DAMAGED, ids=IDS)
def test_impossible_numbers_are_refused_without_memory(annotation: Any, value: Any) -> None:
    block = agree(value, annotation)
    for number in (2**64 - 1, 2**63, 2**40, 10**7 + 1):
        for position in range(0, len(block) - 7):
            refused(block[:position] + struct.pack("<Q", number) + block[position + 8 :], annotation)


def test_impossible_lengths_take_no_memory() -> None:
    tracemalloc = pytest.importorskip("tracemalloc", reason="this Python does not count its memory")
    for annotation, value in DAMAGED:
        block = flatten(value, annotation)
        tracemalloc.start()
        for position in range(0, len(block) - 7):
            refused(block[:position] + struct.pack("<Q", 10**8) + block[position + 8 :], annotation)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 2_000_000, annotation


@pytest.mark.parametrize("seed", range(60))
def test_random_damage(seed: int) -> None:
    source = random.Random(f"damage {seed}")
    kinds = [(a, v) for a, v in DAMAGED]
    module = module_of(seed % 40)
    values = random_contracts.Values(f"damage {seed}", budget=30)
    kinds += [(a, values.value(a)) for _, a in random_contracts.echo_types(module)[-12:]]
    for annotation, value in kinds:
        block = flatten(value, annotation)
        for _ in range(30):
            damaged = bytearray(block)
            for _ in range(source.randint(1, 4)):
                how = source.random()
                position = source.randrange(len(damaged) + 1)
                if how < 0.6 and position < len(damaged):
                    damaged[position] = source.choice([0, 1, 2, 127, 128, 255, source.randrange(256)])
                elif how < 0.8:
                    del damaged[position : position + source.choice([1, 8])]
                else:
                    damaged[position:position] = source.choice([b"\0", b"\xff", bytes(8), b"\1" * 8])
            try:
                refused(bytes(damaged), annotation)
            except Exception:
                print(f"seed {seed}: {annotation}: {bytes(damaged).hex()}")
                raise


@pytest.mark.parametrize("seed", range(20))
def test_what_the_oracle_refuses_is_refused(seed: int) -> None:
    """But for flags and numbers of members, where the fast reader is lenient: they take no memory."""
    source = random.Random(f"refuse {seed}")
    for annotation, value in DAMAGED:
        block = bytearray(flatten(value, annotation))
        for _ in range(20):
            damaged = bytearray(block)
            if damaged:
                damaged[source.randrange(len(damaged))] ^= 1 << source.randrange(8)
            try:
                oracle.decode(bytes(damaged), annotation)
            except (oracle.Damaged, UnicodeDecodeError, ValueError, OverflowError) as error:
                if "a flag is 0 or 1" not in str(error):
                    assert refused(bytes(damaged), annotation), (seed, annotation, damaged.hex(), error)


def test_a_damaged_chain_is_refused_without_gigabytes() -> None:
    chain = None
    for number in range(20_000):
        chain = Chain(str(number), chain)
    block = flatten(chain, Chain)
    with pytest.raises(CorruptFrame):
        unflatten(block[:-1], Chain)
    at = block.rindex(b"0\x01") if b"0\x01" in block else len(block) - 10
    with pytest.raises(REFUSALS):
        unflatten(block[:at] + b"\xff" + block[at + 1 :], Chain)


# The generated functions


def test_generated_code_shows_in_tracebacks() -> None:
    with pytest.raises(TypeError) as caught:
        flatten([User("x", "y", 1)], List[User])  # type: ignore[arg-type]
    cause: BaseException = caught.value
    while cause.__context__:
        cause = cause.__context__
    lines = traceback.extract_tb(cause.__traceback__)
    assert any(re.fullmatch(r"<gobind codec put User(-\d+)?>", line.filename) for line in lines)
    assert any("put_u32(out, [value.id for value in values])" in (line.line or "") for line in lines)


def test_two_classes_of_one_name_show_each_its_own_source() -> None:
    def traceback_of(field: str) -> list[traceback.FrameSummary]:
        cls: Any = gostruct(type("Twin", (), {"__annotations__": {field: u8}}))
        with pytest.raises(TypeError) as caught:
            flatten([cls("x")], List[cls])  # type: ignore[call-arg, valid-type]
        cause: BaseException = caught.value
        while cause.__context__:
            cause = cause.__context__
        return [*traceback.extract_tb(cause.__traceback__)]

    first, second, again = map(traceback_of, ("left", "right", "left"))
    names = [lines[-2].filename for lines in (first, second, again)]
    assert names == ["<gobind codec put Twin>", "<gobind codec put Twin-2>", "<gobind codec put Twin>"]
    for lines, field in ((first, "left"), (second, "right"), (again, "left")):
        assert lines[-2].line == f"_put_u8(out, [value.{field} for value in values])"
    shown = linecache.getline(names[0], first[-2].lineno or 0)
    assert shown.strip() == first[-2].line, "the second has not replaced the first"


@pytest.mark.parametrize(
    "name", "value values out source n len list type dict zip self cls build f_x _out".split()
)
def test_no_field_name_hides_what_generated_code_needs(name: str) -> None:
    cls: Any = gostruct(type("Odd", (), {"__annotations__": {name: List[int], "other": str}}))
    value = cls([1], "x")
    for annotation, wrapped in ((cls, value), (List[cls], [value]), (Tuple[cls, cls], (value, value))):  # type: ignore[valid-type]
        assert unflatten(flatten(wrapped, annotation), annotation) == wrapped


def test_structs_of_one_name_do_not_mix() -> None:
    def make(kind: Any) -> Any:
        return gostruct(type("Twin", (), {"__annotations__": {"x": kind}}))

    one, two = make(int), make(str)
    assert unflatten(flatten([one(1)], List[one]), List[one]) == [one(1)]  # type: ignore[valid-type]
    assert unflatten(flatten([two("a")], List[two]), List[two]) == [two("a")]  # type: ignore[valid-type]


Disturb = Callable[[Any], None]


def move_between_lists(rows: Any) -> None:
    rows[1].append(rows[0].pop())
    rows[0].append(rows[1].pop())


def shift(numbers: Any) -> None:
    numbers.append(numbers.pop(0))


def move_between_dicts(rows: Any) -> None:
    key, value = rows[0].popitem()
    rows[1][key] = value
    del rows[1][key]
    rows[0][key] = value


def move_between_sets(rows: Any) -> None:
    item = rows[0].pop()
    rows[1].add(item)
    rows[1].remove(item)
    rows[0].add(item)


def count_of(rows: Any) -> List[Any]:
    """All items, sorted: each is there once, whichever row it is in."""
    return sorted(chain.from_iterable(row.items() if isinstance(row, dict) else row for row in rows))


CHANGING: List[Tuple[str, Any, Any, Disturb, Callable[[Any], Any]]] = [
    ("lists", [[*range(n, n + 9)] for n in range(0, 900, 9)], List[List[int]], move_between_lists, count_of),
    ("sets", [{*range(n, n + 9)} for n in range(0, 900, 9)], List[Set[int]], move_between_sets, count_of),
    (
        "dicts",
        [{k: -k for k in range(n, n + 9)} for n in range(0, 900, 9)],
        List[Dict[int, int]],
        move_between_dicts,
        count_of,
    ),
    ("numbers", [*range(50)], List[int], shift, sorted),
    ("many numbers", [*range(40_000)], List[int], shift, sorted),
    ("strings", [str(n) for n in range(50)], List[str], shift, sorted),
    ("flags", [True] * 50, List[bool], shift, sorted),
]


@pytest.mark.parametrize(
    ("value", "annotation", "disturb", "same"), [c[1:] for c in CHANGING], ids=[c[0] for c in CHANGING]
)
def test_what_other_threads_change_is_of_one_moment_or_refused(
    value: Any, annotation: Any, disturb: Disturb, same: Callable[[Any], Any]
) -> None:
    expected, stop, failed = same(value), threading.Event(), []

    def disturb_always() -> None:
        try:
            while not stop.is_set():
                disturb(value)
        except BaseException as error:
            failed.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    thread = threading.Thread(target=disturb_always)
    thread.start()
    try:
        for _ in range(20 if len(expected) > 10_000 else 300):
            try:
                block = flatten(value, annotation)
            except RuntimeError as error:
                assert "changed" in str(error)
                continue
            found = same(unflatten(block, annotation))
            assert not Counter(found) - Counter(expected), "an item is there twice"
            assert len(found) >= len(expected) - 1, "more is missing than the one item that is on its way"
    finally:
        sys.setswitchinterval(interval)
        stop.set()
        thread.join()
    assert not failed


class Interrupted:
    """Does work between two instructions of gobind's Python code, where another thread may come between.

    Args:
        work: by the number of the instruction it is done before.
    """

    def __init__(self, work: Dict[int, Callable[[], None]]) -> None:
        self.work = work
        self.count = 0

    def __enter__(self) -> Interrupted:
        self.before = sys.gettrace()
        sys.settrace(self._trace)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(self.before)

    def _trace(self, frame: Any, event: str, _: Any) -> Any:
        if "gobind" not in frame.f_code.co_filename or "tests" in frame.f_code.co_filename:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            self.count += 1
            if self.count in self.work:
                self.work[self.count]()
        return self._trace


def two_lists() -> Tuple[Any, Callable[[], None], Callable[[], None]]:
    rows = [[1, 2], [3], [4, 5]]
    return rows, lambda: rows[1].append(rows[0].pop()), lambda: rows[0].append(rows[1].pop())


def two_sets() -> Tuple[Any, Callable[[], None], Callable[[], None]]:
    rows: Any = [{1, 2}, {3}, {4, 5}]
    return rows, lambda: (rows[0].remove(2), rows[1].add(2)), lambda: (rows[1].remove(2), rows[0].add(2))  # type: ignore[return-value]


def two_dicts() -> Tuple[Any, Callable[[], None], Callable[[], None]]:
    rows: Any = [{1: 2, 2: 3}, {3: 4}]
    return rows, lambda: rows[1].update([rows[0].popitem()]), lambda: rows[0].update([rows[1].popitem()])


def one_list(item: Any, other: Any) -> Any:
    def make() -> Tuple[Any, Callable[[], None], Callable[[], None]]:
        items = [item, other, item]
        return items, lambda: items.append(item), lambda: items.pop()

    return make


@needs_cpython
@pytest.mark.parametrize(
    ("make", "annotation"),
    [
        (two_lists, List[List[u16]]),
        (two_sets, List[Set[u8]]),
        (two_dicts, List[Dict[u8, u16]]),
        (two_dicts, Tuple[Dict[u8, u16], ...]),
        (one_list(1, 2), List[u8]),
        (one_list(1, 2), List[int]),
        (one_list("a", "\0"), List[str]),
        (one_list(True, False), List[bool]),
        (one_list(b"a", b"bc"), List[bytes]),
        (one_list(None, 7), List[Optional[u8]]),
    ],
)
def test_a_change_between_any_two_instructions_gives_no_mixture(
    make: Any, annotation: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(columns, "CHUNK", 2 if annotation == List[int] else columns.CHUNK)

    def states() -> List[bytes]:
        value, change, back = make()
        found = [flatten(value, annotation)]
        change()
        found.append(flatten(value, annotation))
        back()
        return [*found, flatten(value, annotation)]

    allowed = states()
    value, _, _ = make()
    with Interrupted({}) as interrupted:
        flatten(value, annotation)
    if sys.version_info[:2] == (3, 12) and not interrupted.count:
        pytest.skip("CPython 3.12 begins to trace instructions in later functions only")
    assert interrupted.count > 20
    instructions = range(1, interrupted.count + 1)
    for first in instructions:
        for second in [None, *range(first + 1, interrupted.count + 1, 3)]:
            value, change, back = make()
            with Interrupted({first: change, **({second: back} if second else {})}):
                try:
                    block = flatten(value, annotation)
                except RuntimeError as error:
                    assert "changed" in str(error)
                    continue
            assert block in allowed, (first, second)


def test_nothing_of_a_value_is_kept() -> None:
    def alive() -> int:
        gc.collect()
        return sum(type(thing) is User for thing in gc.get_objects())

    before = alive()
    unflatten(flatten([User(n, "x", 1) for n in range(3)], List[User]), List[User])
    assert alive() == before


CYCLES = [
    *DAMAGED,
    (List[List[int]], [[1, 2], []]),
    (List[Tuple[u8, str]], [(1, "a")]),
    (Chain, Chain("a", Chain("b"))),
]


def garbage(work: Any) -> int:
    """How many objects that only the cyclic collector can free `work` leaves behind."""
    work()
    gc.collect()
    gc.disable()
    try:
        work()
        return gc.collect()
    finally:
        gc.enable()


@needs_cpython
@pytest.mark.parametrize(("annotation", "value"), CYCLES, ids=[str(annotation) for annotation, _ in CYCLES])
def test_no_reference_cycles_are_left(annotation: Any, value: Any) -> None:
    block = flatten(value, annotation)
    assert garbage(lambda: flatten(value, annotation)) == 0
    assert garbage(lambda: unflatten(block, annotation)) == 0

    def damaged() -> None:
        for position in range(len(block)):
            for piece in (block[:position], block[:position] + b"\xff" * 8 + block[position + 8 :]):
                with contextlib.suppress(*REFUSALS):
                    unflatten(piece, annotation)

    assert garbage(damaged) == 0


@needs_cpython
def test_refused_values_leave_no_reference_cycles() -> None:
    circle = Chain("a")
    circle.next = circle

    def refused_values() -> None:
        for value, annotation in [
            ([User("x", "y", 1)], List[User]),  # type: ignore[arg-type]
            ({"a": [1, "b"]}, Dict[str, List[int]]),
            ([[1], ["a"]], List[List[u8]]),
            ([{1}, {"a"}], List[Set[u8]]),
            ([(1, 2), 3], List[Tuple[u8, u8]]),
            (circle, Chain),
        ]:
            with contextlib.suppress(TypeError, ValueError):
                flatten(value, annotation)

    assert garbage(refused_values) == 0


@pytest.mark.parametrize("leaf", LEAF_ROWS, ids=lambda leaf: leaf.text)
def test_the_two_rows_of_a_leaf_type_agree(leaf: Leaf) -> None:
    codec = codec_of(leaf)
    assert (ctypes.sizeof(codec.mirror), ctypes.alignment(codec.mirror)) == (leaf.size, leaf.align)
    assert bool(codec.slots) == bool(codec.columns)
    if codec.slots:
        last, code = codec.slots[-1]
        assert last + struct.calcsize(f"<{code}") <= leaf.size
    if not leaf.go_record:  # Go's own value lies in a frame as it is
        assert leaf.go_block == "Numbers" and leaf.least == leaf.size
    assert re.search(rf"^    .*\b{leaf.text}\b", protocol.__doc__ or "", re.MULTILINE)
