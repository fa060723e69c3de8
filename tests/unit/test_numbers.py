"""Numbers in bulk: memory that is taken for lists of numbers, and memory that is not."""

from __future__ import annotations

import array
import ctypes
import math
import struct
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

import pytest
from same import same

import gobind
from gobind import f32, f64, flatten, gostruct, i8, i16, i32, i64, u8, u16, u32, u64, unflatten
from gobind.codec import columns

try:
    import numpy
except ImportError:  # not there on every Python
    numpy = None

needs_numpy = pytest.mark.skipif(numpy is None, reason="numpy is not installed")

Lists: Any = List  # for annotations made of a parameter of a test
Sequences: Any = Sequence
Tuples: Any = Tuple

KINDS: dict[Any, str] = {
    **{bool: "?", int: "q", float: "d", f32: "f", f64: "d"},
    **{i8: "b", i16: "h", i32: "i", i64: "q", u8: "B", u16: "H", u32: "I", u64: "Q"},
}


@gostruct
class Grid:
    name: str
    rows: List[List[f32]]
    flags: List[bool]


@gostruct
class Dot:
    at: Sequence[f64]


def memory(code: str, count: int) -> bytes:
    """Numbers of every size, both signs, and no NaN."""
    if code == "?":
        return bytes(number % 3 == 0 for number in range(count))
    if code in "fd":
        special = [0.0, -0.0, math.inf, -math.inf, 1.5]
        return struct.pack(f"{count}{code}", *[special[n % 5] * n for n in range(1, count + 1)])
    bits = 8 * struct.calcsize(code)
    low = 0 if code.isupper() else -(2 ** (bits - 1))
    return struct.pack(f"{count}{code}", *[low + n * 2654435761 % 2**bits for n in range(count)])


def view(code: str, *shape: int) -> Any:
    data = memory(code, math.prod(shape))
    return memoryview(data).cast(code, *([shape] if len(shape) > 1 else []))  # type: ignore[call-overload]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [0, 1, 2, 1000, columns.CHUNK + 1])
def test_memory_is_taken_for_a_list(kind: Any, count: int) -> None:
    code = KINDS[kind]
    whole = view(code, count)
    writable = memoryview(bytearray(whole)).cast(code)  # type: ignore[call-overload]
    for annotation in (Lists[kind], Sequences[kind], Tuples[kind, ...]):
        block = flatten(whole.tolist(), annotation)
        assert flatten(whole, annotation) == block
        assert flatten(writable, annotation) == block
        assert same(list(unflatten(block, annotation)), whole.tolist())
        for part in (whole[::2], whole[::-1], whole[1:-1]):
            assert flatten(part, annotation) == flatten(part.tolist(), annotation)
        if code != "?":
            assert flatten(array.array(code, whole.tolist()), annotation) == block


@pytest.mark.parametrize("kind", KINDS)
def test_memory_of_more_dimensions_is_taken_for_lists_of_lists(kind: Any) -> None:
    for shape in ((1, 1), (3, 4), (400, 50)):
        whole = view(KINDS[kind], *shape)
        for annotation in (Lists[Lists[kind]], Tuples[Sequences[kind], ...]):
            assert flatten(whole, annotation) == flatten(whole.tolist(), annotation)
    cube = view(KINDS[kind], 2, 3, 4)
    assert flatten(cube, Lists[Lists[Lists[kind]]]) == flatten(cube.tolist(), Lists[Lists[Lists[kind]]])


def test_rows_of_each_sort_stand_side_by_side() -> None:
    rows = [[1.5], view("d", 3), (2.5, 3), array.array("d"), [], array.array("f", [0.5]), range(2)]
    plain = [[*row] for row in rows]
    assert flatten(rows, List[List[f64]]) == flatten(plain, List[List[f64]])
    planes = [view("d", 2, 3), plain, rows, []]
    assert flatten(planes, List[List[List[f64]]]) == flatten(
        [view("d", 2, 3).tolist(), plain, plain, []], List[List[List[f64]]]
    )


def test_memory_is_taken_wherever_a_list_stands() -> None:
    numbers, rows = view("d", 5), view("f", 2, 3)
    cases: list[tuple[Any, Any, Any]] = [
        (Optional[List[f64]], numbers, numbers.tolist()),
        (List[Optional[List[f64]]], [None, numbers], [None, numbers.tolist()]),
        (Dict[str, List[f64]], {"a": numbers}, {"a": numbers.tolist()}),
        (Tuple[int, List[List[f32]]], (1, rows), (1, rows.tolist())),
        (Grid, Grid("g", rows, view("?", 4)), Grid("g", rows.tolist(), view("?", 4).tolist())),
        (List[Grid], [Grid("g", rows, [True])] * 2, [Grid("g", rows.tolist(), [True])] * 2),
        (Union[Grid, Dot], Dot(numbers), Dot(numbers.tolist())),
        (List[Union[Grid, Dot]], [Dot(numbers)], [Dot(numbers.tolist())]),
    ]
    for annotation, value, plain in cases:
        assert flatten(value, annotation) == flatten(plain, annotation)
        assert unflatten(flatten(value, annotation), annotation) == plain


def test_memory_becomes_a_mirror() -> None:
    grid = Grid("g", view("f", 2, 3), view("?", 3))
    assert gobind.from_mirror(gobind.to_mirror(grid)) == Grid(
        "g", view("f", 2, 3).tolist(), [True, False, False]
    )


def test_memory_is_copied_without_making_numbers() -> None:
    """Python cannot read these formats item by item."""
    kinds: list[tuple[Any, Any]] = [(i32, ctypes.c_int32), (f64, ctypes.c_double), (u16, ctypes.c_uint16)]
    for kind, ctype in kinds:
        elements = (ctype * 3)(1, 2, 3)
        assert memoryview(elements).format[0] == "<"
        assert unflatten(flatten(elements, Lists[kind]), Lists[kind]) == [1, 2, 3]
        table = (ctype * 3 * 2)((1, 2, 3), (4, 5, 6))
        assert unflatten(flatten(table, Lists[Lists[kind]]), Lists[Lists[kind]]) == [[1, 2, 3], [4, 5, 6]]


def test_each_bool_of_memory_is_0_or_1_in_a_frame() -> None:
    odd = memoryview(b"\0\1\2\xff").cast("?")
    assert flatten(odd, List[bool]) == flatten([False, True, True, True], List[bool])
    assert flatten([odd], List[List[bool]]) == flatten([[False, True, True, True]], List[List[bool]])


def test_the_memory_is_free_when_it_was_copied() -> None:
    data = bytearray(80)
    flatten(memoryview(data).cast("d"), List[f64])
    flatten(memoryview(data).cast("d", (2, 5)), List[List[f64]])
    data.append(1)


def test_sequences_of_another_format_are_read_item_by_item() -> None:
    assert flatten(array.array("f", [0.5]), List[f64]) == flatten([0.5], List[f64])
    assert flatten(array.array("b", [-1]), List[int]) == flatten([-1], List[int])
    assert flatten(b"ab", List[int]) == flatten([97, 98], List[int])


REFUSED: list[tuple[Any, Any, str]] = [
    (List[u8], array.array("b", [1, -1]), "value[1]: -1 does not fit u8"),
    (List[int], array.array("d", [1]), "value[0]: expected int, got float"),
    (List[bool], b"\0", "value[0]: expected bool, got int"),
    (List[f64], memoryview(bytes(32)).cast("d", (2, 2)), "value: expected list[f64], got memoryview of 2 dimensions"),
    (List[List[f64]], view("d", 4), "value: expected list[list[f64]], got memoryview of 1 dimension"),
    (List[List[f64]], [view("d", 2, 2)], "value[0]: expected list[f64], got memoryview of 2 dimensions"),
    (List[f64], 1.5, "value: expected list[f64], got float"),
    (List[f64], "text", "value: expected list[f64], got str"),
    (List[str], view("d", 1), "value[0]: expected str, got float"),
    (Grid, Grid("g", [[], view("d", 1, 1)], []), "Grid.rows[1]: expected list[f32], got memoryview of 2 dimensions"),
    (List[i32], (ctypes.c_uint32 * 1)(), "value: expected list[i32], got c_uint_Array_1 of format '<I' (uint32)"),
    (List[i32], (ctypes.c_int32.__ctype_be__ * 1)(), "value: expected list[i32], got c_int_be_Array_1 of format '>i' (big-endian int32)"),
]  # fmt: skip


@pytest.mark.parametrize(("annotation", "value", "message"), REFUSED, ids=[row[2] for row in REFUSED])
def test_memory_that_does_not_fit_is_refused(annotation: Any, value: Any, message: str) -> None:
    with pytest.raises((TypeError, OverflowError)) as caught:
        flatten(value, annotation)
    assert str(caught.value) == message


# numpy


@needs_numpy
@pytest.mark.parametrize("kind", KINDS)
def test_numpy_arrays_are_taken(kind: Any) -> None:
    code = KINDS[kind]
    numbers = numpy.frombuffer(memory(code, 24), code)
    parts = [
        numbers,
        numbers[::2],
        numbers[::-3],
        numbers[:0],
        numbers.reshape(4, 6)[:, 1],
        numbers.astype(f"<{code}"),
    ]
    for part in parts:
        assert flatten(part, Lists[kind]) == flatten(part.tolist(), Lists[kind])
    table = numbers.reshape(4, 6)
    for part in (table, table.T, table[::2, ::-1], table[:0], table[:, :0], numpy.asfortranarray(table)):
        assert flatten(part, Lists[Lists[kind]]) == flatten(part.tolist(), Lists[Lists[kind]])
        assert flatten([*part], Lists[Lists[kind]]) == flatten(part.tolist(), Lists[Lists[kind]])
        assert flatten([part, part.tolist()], Lists[Lists[Lists[kind]]]) == flatten(
            [part.tolist()] * 2, Lists[Lists[Lists[kind]]]
        )
    readonly = table.copy()
    readonly.flags.writeable = False
    assert flatten(readonly, Sequences[Tuples[kind, ...]]) == flatten(
        table.tolist(), Sequences[Tuples[kind, ...]]
    )
    doubles = numbers.astype("d")
    assert gobind.from_mirror(gobind.to_mirror(Dot(doubles))).at == doubles.tolist()


@needs_numpy
@pytest.mark.parametrize(
    ("annotation", "dtype", "shape", "message"),
    [
        (List[f64], "f4", 3, "list[f64], got ndarray of format 'f' (float32); use .astype('float64')"),
        (List[int], "i4", 3, "list[int], got ndarray of format 'i' (int32); use .astype('int64')"),
        (List[u16], "i2", 3, "list[u16], got ndarray of format 'h' (int16); use .astype('uint16')"),
        (List[f32], "f2", 3, "list[f32], got ndarray of format 'e' (float16); use .astype('float32')"),
        (List[bool], "u1", 3, "list[bool], got ndarray of format 'B' (uint8); use .astype('bool')"),
        (List[f64], ">f8", 3, "list[f64], got ndarray of format '>d' (big-endian float64); use .astype('float64')"),
        (List[f64], "c16", 3, "list[f64], got ndarray of format 'Zd'; use .astype('float64')"),
        (List[int], "O", 3, "list[int], got ndarray of format 'O'; use .astype('int64')"),
        (List[int], "M8[s]", 3, "list[int], got ndarray: cannot include dtype 'M' in a buffer"),
        (List[f64], "f8", (3, 2), "list[f64], got ndarray of 2 dimensions"),
        (List[f64], "f8", (), "list[f64], got ndarray of 0 dimensions"),
        (List[List[f64]], "f8", 3, "list[list[f64]], got ndarray of 1 dimension"),
        (List[List[f64]], "f4", (3, 2), "list[list[f64]], got ndarray of format 'f' (float32); use .astype('float64')"),
        (List[str], "f8", 3, "list[str], got ndarray"),
    ],
)  # fmt: skip
def test_numpy_arrays_that_do_not_fit(annotation: Any, dtype: str, shape: Any, message: str) -> None:
    with pytest.raises(TypeError) as caught:
        flatten(numpy.zeros(shape, dtype), annotation)
    assert str(caught.value) == f"value: expected {message}"
