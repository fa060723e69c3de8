"""Memory by reference: Go works on Python's own, and Python looks at Go's, without a copy in between."""

from __future__ import annotations

import array
import asyncio
import ctypes
import gc
import mmap
import platform
import struct
import warnings
from typing import Any

import libraries
import pytest
from programs import run

import gobind
from gobind import _debug
from gobind.codec.buffers import _fits, format_of
from gobind.contract.scalars import SCALARS
from gobind.contract.types import BufferType

try:
    import numpy
except ImportError:  # not there on every Python
    numpy = None

needs_numpy = pytest.mark.skipif(numpy is None, reason="numpy is not installed")
needs_cpython = pytest.mark.skipif(
    platform.python_implementation() != "CPython",
    reason="read-only buffers have no address there and are copied",
)

buffers_py = libraries.contract_of("buffers")
Point, Inner = buffers_py.Point, buffers_py.Inner
PointMirror: Any = gobind.mirror(Point)

# Type: format character, characters that `array` knows it by, values.
INTEGERS = {
    **{"i8": "b", "i16": "h", "i32": "i", "i64": "q", "int": "q"},
    **{"u8": "B", "u16": "H", "u32": "I", "u64": "Q"},
}
CODES = {**INTEGERS, "f32": "f", "f64": "d", "float": "d", "bool": "?"}


def values_of(name: str) -> list[Any]:
    code = CODES[name]
    if code == "?":
        return [True, False, True]
    if code in "fd":
        return [1.5, -0.0, float("inf")]
    bits = 8 * struct.calcsize(code)
    return [0, 1, 2**bits - 1] if code.isupper() else [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1, -1]


@pytest.fixture(scope="module")
def buffers() -> Any:
    return libraries.load("buffers", buffers_py.Buffers)


def collected() -> int:
    """How much of Go's is outstanding when all garbage is gone."""
    if _debug.live() and platform.python_implementation() != "CPython":
        gc.collect()
        gc.collect()
    return _debug.live()


# Arguments


@pytest.mark.parametrize("name", CODES)
def test_go_reads_buffers_of_each_kind(buffers: Any, name: str) -> None:
    values, code = values_of(name), CODES[name]
    data = struct.pack(f"3{code}", *values)
    read = getattr(buffers, f"list_{name}")
    assert read(memoryview(data).cast(code)) == values  # type: ignore[call-overload]
    assert read(memoryview(bytearray(data)).cast(code)) == values  # type: ignore[call-overload]
    assert read(memoryview(data * 2).cast(code)[2:5]) == [values[2], values[0], values[1]]  # type: ignore[call-overload]
    if code != "?":
        assert read(array.array(code, values)) == values
    elements = (ctypes.c_char * len(data)).from_buffer_copy(data)
    assert read(memoryview(elements).cast("B").cast(code)) == values  # type: ignore[call-overload]


@pytest.mark.parametrize("name", CODES)
def test_go_writes_into_the_memory_of_python(buffers: Any, name: str) -> None:
    code = CODES[name]
    for value in values_of(name):
        size = struct.calcsize(code)
        memory = bytearray(b"\x55" * size * 10)
        whole = memoryview(memory).cast(code)  # type: ignore[call-overload]
        address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        assert getattr(buffers, f"fill_{name}")(whole[2:7], value) == address + 2 * size
        assert memory == b"\x55" * 2 * size + struct.pack(code, value) * 5 + b"\x55" * 3 * size
        whole.release()
        memory.append(1)  # nothing is borrowed any more


def test_ctypes_arrays(buffers: Any) -> None:
    for name, ctype in {
        **{"i8": ctypes.c_int8, "i16": ctypes.c_int16, "i32": ctypes.c_int32, "i64": ctypes.c_int64},
        **{"u8": ctypes.c_uint8, "u16": ctypes.c_uint16, "u32": ctypes.c_uint32, "u64": ctypes.c_uint64},
        **{"f32": ctypes.c_float, "f64": ctypes.c_double, "bool": ctypes.c_bool, "int": ctypes.c_ssize_t},
    }.items():
        elements = (ctype * 3)(*values_of(name))  # type: ignore[operator]
        assert getattr(buffers, f"list_{name}")(elements) == values_of(name)
        value = values_of(name)[1]
        assert getattr(buffers, f"fill_{name}")(elements, value) == ctypes.addressof(elements)
        assert list(elements) == [value] * 3


def test_bytes_and_bytearray(buffers: Any) -> None:
    assert buffers.list_u8(b"abc") == [97, 98, 99]
    assert buffers.list_u8(bytearray(b"abc")) == [97, 98, 99]
    assert buffers.length(b"abc", "\u00e4", array.array("d", [1, 2])) == 3 + 2 + 2


def test_buffers_of_no_items(buffers: Any) -> None:
    for name, code in CODES.items():
        empty = memoryview(b"").cast(code)  # type: ignore[call-overload]
        assert getattr(buffers, f"list_{name}")(empty) == []
        assert getattr(buffers, f"fill_{name}")(memoryview(bytearray()).cast(code), values_of(name)[0]) == 0  # type: ignore[call-overload]
        made = getattr(buffers, f"copy_{name}")(empty)
        assert (made.tolist(), made.nbytes, len(made)) == ([], 0, 0)
    no_points = memoryview((PointMirror * 1)())[:0]
    assert buffers.fill_point(no_points, Point(1, 1, 1, Inner(True, 1))) == 0
    assert buffers.copy_point(no_points).nbytes == 0
    assert collected() == 0


POINT = Point(1.5, -0.25, 200, Inner(True, 65535))


def test_buffers_of_structs_are_read_and_written_in_place(buffers: Any) -> None:
    points = (PointMirror * 3)()
    assert buffers.fill_point(points, POINT) == ctypes.addressof(points)
    assert [gobind.from_mirror(point) for point in points] == [POINT] * 3
    points[1].inner.z = 7
    assert buffers.list_point(points) == [POINT, Point(1.5, -0.25, 200, Inner(True, 7)), POINT]
    assert buffers.list_point(points[1]) == [Point(1.5, -0.25, 200, Inner(True, 7))]


def test_structs_that_come_back(buffers: Any) -> None:
    points = (PointMirror * 1000)()
    for number, point in enumerate(points):
        point.x, point.inner.z = number, number
    made = buffers.copy_point(points)
    assert made.nbytes == ctypes.sizeof(points) and made.itemsize == 24
    assert bytes(made) == bytes(points)
    again = (PointMirror * 1000).from_buffer(made)
    assert again[999].x == 999.0 and again[999].inner.z == 999
    assert buffers.list_point(made)[500] == Point(500.0, 0.0, 0, Inner(False, 500))


def aligned() -> Any:
    inner = numpy.dtype([("ok", "?"), ("z", "<u2")], align=True)
    return numpy.dtype([("x", "<f8"), ("y", "<f4"), ("tag", "u1"), ("inner", inner)], align=True)


@needs_numpy
@pytest.mark.parametrize("name", CODES)
def test_numpy_arrays_are_read_and_written_in_place(buffers: Any, name: str) -> None:
    dtype = numpy.dtype(CODES[name])
    numbers = numpy.array(values_of(name) * 4, dtype)
    assert getattr(buffers, f"list_{name}")(numbers) == values_of(name) * 4
    assert getattr(buffers, f"list_{name}")(numbers.reshape(2, 6)) == values_of(name) * 4
    value = values_of(name)[1]
    assert getattr(buffers, f"fill_{name}")(numbers[2:5], value) == numbers[2:].ctypes.data
    assert numbers[2:5].tolist() == [value] * 3
    made = numpy.asarray(getattr(buffers, f"copy_{name}")(numbers))
    assert made.dtype == dtype and (made == numbers).all()


@needs_numpy
def test_numpy_structs_are_read_and_written_in_place(buffers: Any) -> None:
    points = numpy.zeros(5, aligned())
    assert points.dtype.itemsize == 24
    assert buffers.fill_point(points, POINT) == points.ctypes.data
    assert points[4].tolist() == (1.5, -0.25, 200, (True, 65535))
    assert buffers.list_point(points) == [POINT] * 5
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of numpy, about how ctypes describes padding
        made = numpy.frombuffer(buffers.copy_point(points), aligned())
    assert (made == points).all()


@needs_numpy
def test_numpy_that_does_not_fit(buffers: Any) -> None:
    big, packed = numpy.zeros(2, ">i4"), numpy.zeros(2, [("x", "f8"), ("y", "f4")])
    for value, method, message in [
        (big, "list_i32", "Buffer[i32], got ndarray of format '>i'"),
        (packed, "list_point", f"Buffer[Point], got ndarray of format {memoryview(packed).format!r}"),
        (numpy.zeros(2, "f8"), "list_i64", "Buffer[i64], got ndarray of format 'd'"),
        (numpy.zeros(2, "c8"), "list_f64", "Buffer[f64], got ndarray of format 'Zf'"),
        (numpy.zeros((2, 2))[:, 0], "list_f64", "Buffer[f64], got ndarray that is not C-contiguous"),
        (numpy.zeros((2, 3)).T, "list_f64", "Buffer[f64], got ndarray that is not C-contiguous"),
    ]:
        with pytest.raises(TypeError) as caught:
            getattr(buffers, method)(value)
        assert str(caught.value) == f"buffer: expected {message}"


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("u8", 5, "int"),
        ("u8", None, "NoneType"),
        ("u8", "text", "str"),
        ("u8", [1, 2], "list"),
        ("u8", memoryview(b"a").cast("?"), "memoryview of format '?'"),
        ("i8", array.array("h", [1]), "array of format 'h'"),
        ("u16", b"abcd", "bytes of format 'B'"),
        ("bool", b"\0\1", "bytes of format 'B'"),
        ("f32", array.array("d", [1]), "array of format 'd'"),
        ("f64", array.array("f", [1]), "array of format 'f'"),
        ("f64", array.array("q", [1]), "array of format 'q'"),
        ("u64", array.array("q", [1]), "array of format 'q'"),
        ("i64", array.array("i", [1]), "array of format 'i'"),
        ("u8", memoryview(b"abcd")[::2], "memoryview that is not C-contiguous"),
        ("u8", memoryview(b"abcd")[::-1], "memoryview that is not C-contiguous"),
        ("point", bytes(48), "bytes of format 'B'"),
        ("point", array.array("d", [1, 2, 3]), "array of format 'd'"),
    ],
)
def test_buffers_of_another_item_type_are_refused(buffers: Any, name: str, value: Any, found: str) -> None:
    with pytest.raises(TypeError) as caught:
        getattr(buffers, f"list_{name}")(value)
    assert (
        str(caught.value) == f"buffer: expected Buffer[{name if name != 'point' else 'Point'}], got {found}"
    )


def test_bytes_are_signed_or_not(buffers: Any) -> None:
    """pyarrow says b of all its memory, `bytes` B, and characters are c."""
    data = bytearray(b"\0\x7f\xff")
    for code in "bBc":
        view = memoryview(data).cast(code)  # type: ignore[call-overload]
        assert buffers.list_u8(view) == [0, 127, 255]
        assert buffers.list_i8(view) == [0, 127, -1]
        assert buffers.fill_u8(view[2:], 255) == buffers.fill_i8(view[2:], -1)


def test_buffers_are_released_when_a_later_argument_is_wrong(buffers: Any) -> None:
    data, other = bytearray(b"abc"), array.array("d", [1])
    for arguments, message in [
        ((data, 5, other), "name: expected str, got int"),
        ((data, "n", b""), "other: expected Buffer[f64], got bytes of format 'B'"),
        ((data, "\ud800", other), None),
        ((data, "n", array.array("f", [1])), "other: expected Buffer[f64], got array of format 'f'"),
    ]:
        with pytest.raises((TypeError, UnicodeEncodeError)) as caught:
            buffers.length(*arguments)
        assert message is None or str(caught.value) == message
    del caught
    data.append(1)
    other.append(1)


def test_buffer_is_borrowed_during_an_awaited_call(buffers: Any) -> None:
    data = bytearray(70_000)
    address = ctypes.addressof(ctypes.c_char.from_buffer(data))

    async def main() -> None:
        task = asyncio.ensure_future(buffers.fill_later(data, 9))
        await asyncio.sleep(0)
        with pytest.raises(BufferError):
            data.append(1)
        assert await task == address
        data.append(1)

    if platform.python_implementation() == "CPython":
        asyncio.run(main())
        assert data == b"\x09" * 70_000 + b"\1"


# Results


def test_a_view_of_the_memory_of_go(buffers: Any) -> None:
    made = buffers.make(1000, 2.5)
    assert type(made) is memoryview
    assert (made.format, made.itemsize, made.shape, made.readonly) == ("d", 8, (1000,), False)
    assert made.tolist() == [2.5] * 1000
    assert _debug.live() == 1
    buffers.change(3, 7.5)
    assert made[3] == 7.5  # it is Go's, not a copy
    made[4] = 8.5
    assert buffers.kept().tolist()[3:6] == [7.5, 8.5, 2.5]
    assert buffers.fill_f64(made, 1.25) == ctypes.addressof(ctypes.c_char.from_buffer(made))
    assert buffers.list_f64(buffers.kept()) == [1.25] * 1000
    del made
    buffers.forget()
    assert collected() == 0


def test_a_view_lives_as_long_as_any_part_of_it(buffers: Any) -> None:
    made = buffers.make(1000, 3.5)
    buffers.forget()
    gc.collect()
    part = made[10:20]
    del made
    gc.collect()
    for number in range(50):
        buffers.make(1000, float(number))
    buffers.forget()
    assert collected() == 1
    assert part.tolist() == [3.5] * 10
    raw = part.cast("B")
    del part
    gc.collect()
    assert raw.tolist() == list(struct.pack("d", 3.5)) * 10
    assert _debug.live() == 1
    del raw
    assert collected() == 0


def test_views_of_many_sizes_look_as_they_should(buffers: Any) -> None:
    for count in (1, 2, 3, 1000):
        made = buffers.make(count, 0.5)
        assert (made.format, made.itemsize, made.shape, made.strides) == ("d", 8, (count,), (8,))
        assert (made.nbytes, len(made), made.ndim, made.readonly) == (8 * count, count, 1, False)
        assert made.c_contiguous and made.contiguous and made.tobytes() == struct.pack("d", 0.5) * count
        with pytest.raises(IndexError):
            made[count]
        points = (PointMirror * count)()
        made = buffers.copy_point(points)
        plain = memoryview(points)
        assert (made.format, made.itemsize, made.shape) == (plain.format, plain.itemsize, plain.shape)
        assert (made.strides, made.nbytes, len(made)) == (plain.strides, plain.nbytes, count)
        assert not made.readonly and made.c_contiguous
    del made
    buffers.forget()
    assert collected() == 0


@needs_cpython
def test_views_of_structs_live_as_long_as_any_part(buffers: Any) -> None:
    part = buffers.copy_point((PointMirror * 10)(PointMirror(2.5)))[:1]
    gc.collect()
    assert _debug.live() == 1
    assert PointMirror.from_buffer(part).x == 2.5
    kept = memoryview(part.obj)
    del part
    gc.collect()
    assert _debug.live() == 1 and kept.itemsize == 24
    del kept
    assert collected() == 0


@needs_cpython
def test_views_make_no_types(buffers: Any) -> None:
    buffers.make(1, 0.5)
    gc.collect()
    before = len(gc.get_objects())
    for count in range(5000, 5100):
        buffers.make(count, 0.5)
    assert len(gc.get_objects()) - before < 100
    buffers.forget()


def test_views_of_each_type(buffers: Any) -> None:
    for name, code in CODES.items():
        data = memoryview(struct.pack(f"3{code}", *values_of(name))).cast(code)  # type: ignore[call-overload]
        made = getattr(buffers, f"copy_{name}")(data)
        assert made.tolist() == values_of(name)
        assert struct.calcsize(made.format) == struct.calcsize(code)
        del made
        assert collected() == 0


@needs_numpy
def test_numpy_keeps_the_memory_of_go(buffers: Any) -> None:
    made = numpy.asarray(buffers.make(1000, 4.5))
    buffers.forget()
    gc.collect()
    assert _debug.live() == 1 and made.sum() == 4500.0
    half = made[::2]
    del made
    assert _debug.live() == 1 and half.sum() == 2250.0
    del half
    assert collected() == 0


def test_views_of_awaited_calls_own_their_memory(buffers: Any) -> None:
    async def main() -> list[Any]:
        return await asyncio.gather(*[buffers.make_later(number, number + 0.5) for number in range(50)])

    made = asyncio.run(main())
    gc.collect()
    assert [view.tolist() for view in made] == [[number + 0.5] * number for number in range(50)]
    del made
    assert collected() == 0


def test_a_buffer_of_64_mib_is_passed_by_reference(buffers: Any) -> None:
    size = 64 << 20
    data = bytearray(size)
    assert buffers.fill_u8(data, 7) == ctypes.addressof(ctypes.c_char.from_buffer(data))
    assert data.count(7) == size
    made = buffers.copy_u8(data)
    assert made.nbytes == size and made[0] == made[size - 1] == 7
    assert buffers.length(made, "", array.array("d")) == size
    del made
    buffers.forget()
    assert collected() == 0


@needs_cpython
def test_read_only_memory_is_not_copied(buffers: Any) -> None:
    data = bytes(range(100))
    address = ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p).value
    assert address is not None and buffers.where(memoryview(data)[50:51]) == address + 50


# MutableBuffer


def a_page() -> Any:
    return mmap.mmap(-1, 64)


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("fill_u8", b"abc", "MutableBuffer[u8], got bytes that is read-only"),
        ("fill_u8", b"", "MutableBuffer[u8], got bytes that is read-only"),
        ("fill_u8", memoryview(b"abc"), "MutableBuffer[u8], got memoryview that is read-only"),
        (
            "fill_u8",
            memoryview(bytearray(3)).toreadonly(),
            "MutableBuffer[u8], got memoryview that is read-only",
        ),
        (
            "fill_u8",
            memoryview(bytearray(4))[::2],
            "MutableBuffer[u8], got memoryview that is not C-contiguous",
        ),
        ("fill_u8", 5, "MutableBuffer[u8], got int"),
        ("fill_i8", array.array("h", [3]), "MutableBuffer[i8], got array of format 'h'"),
        ("fill_later", b"abc", "MutableBuffer[u8], got bytes that is read-only"),
    ],
)
def test_what_is_written_to_must_be_writable(buffers: Any, name: str, value: Any, found: str) -> None:
    with pytest.raises(TypeError) as caught:
        made = getattr(buffers, name)(value, 1)
        asyncio.run(made)
    assert str(caught.value) == f"buffer: expected {found}"


@needs_numpy
def test_read_only_arrays_of_numpy(buffers: Any) -> None:
    numbers = numpy.zeros(3)
    numbers.flags.writeable = False
    assert buffers.list_f64(numbers) == [0, 0, 0]
    with pytest.raises(TypeError, match=r"expected MutableBuffer\[f64\], got ndarray that is read-only"):
        buffers.fill_f64(numbers, 1)


def test_both_kinds_in_one_call(buffers: Any) -> None:
    target = bytearray(5)
    assert buffers.both(b"abc", target) == 3 and target == b"abc\0\0"
    page = a_page()
    assert buffers.both(page, target) == 5 and buffers.both(b"abc", page) == 3 and page[:4] == b"abc\0"
    page.close()


def released() -> memoryview:
    view = memoryview(bytearray(3))
    view.release()
    return view


def closed() -> Any:
    page = a_page()
    page.close()
    return page


@needs_cpython
@pytest.mark.parametrize(
    ("name", "make", "found"),
    [
        ("u8", released, "memoryview that is released"),
        ("u8", closed, "mmap without memory: mmap closed or invalid"),
        ("f64", lambda: (ctypes.POINTER(ctypes.c_double) * 2)(), "POINTER_2 of format '&<d'"),
        ("u64", lambda: (ctypes.c_void_p * 2)(), "c_void_p_Array_2 of format '<P'"),
        ("u64", lambda: (ctypes.CFUNCTYPE(None) * 2)(), "CFunctionType_Array_2 of format 'X{}'"),
        ("u64", lambda: (ctypes.py_object * 2)(), "py_object_Array_2 of format '<O'"),
        ("f64", lambda: (ctypes.c_longdouble * 2)(), "c_longdouble_Array_2 of format '<g'"),
        ("u16", lambda: (ctypes.c_uint16.__ctype_be__ * 2)(), "c_ushort_be_Array_2 of format '>H'"),
    ],
)
def test_buffers_of_other_formats_are_refused_with_their_format(
    buffers: Any, name: str, make: Any, found: str
) -> None:
    value = make()
    with pytest.raises(TypeError) as caught:
        getattr(buffers, f"list_{name}")(value)
    message = str(caught.value)
    kind, _, rest = found.partition(" ")
    if "Array" in kind or "POINTER" in kind:  # the names of ctypes differ from version to version
        kind = type(value).__name__
        format_text = memoryview(value).format
        assert message == f"buffer: expected Buffer[{name}], got {kind} of format {format_text!r}"
    else:
        assert message == f"buffer: expected Buffer[{name}], got {found}"


@pytest.mark.parametrize(
    "text", ["9999999999999999999999B", "999999999999B", "B" * 10_000, "(2)B", "T{B:a:(9)d:b:}"]
)
def test_formats_that_take_no_time(text: str) -> None:
    wanted = format_of(BufferType(SCALARS["u8"]))
    assert not _fits(text, 1, wanted)


# What Go does with what is borrowed


@pytest.mark.parametrize(("start", "stop"), [(0, 10), (3, 4), (9, 10), (0, 1)])
def test_an_argument_cannot_be_the_result(buffers: Any, start: int, stop: int) -> None:
    for data in (bytes(10), bytearray(10)):
        with pytest.raises(gobind.GoError) as caught:
            buffers.same(b"first", data, start, stop)
        assert str(caught.value) == (
            "Buffers.same: a Buffer argument cannot be the result: its memory is valid during the call only; return a copy"
        )
    assert buffers.same(b"first", bytes(10), 3, 3).tolist() == []
    with pytest.raises(gobind.GoError, match="cannot be the result"):
        buffers.same_mutable((PointMirror * 3)())
    with pytest.raises(gobind.GoError, match="cannot be the result"):
        asyncio.run(buffers.same_later(bytearray(5)))
    assert buffers.copy_u8(b"abc").tobytes() == b"abc"  # as good as ever
    assert collected() == 0


@pytest.mark.parametrize("size", [0, 5, 1000, 65_536, 200_000])
def test_a_result_that_lies_in_an_argument_is_copied(buffers: Any, size: int) -> None:
    data = bytearray(b"ab" * (size // 2))
    assert buffers.same_bytes(data) == data
    assert buffers.same_text(data) == data.decode()
    numbers = array.array("d", range(size // 8))
    assert buffers.same_list(numbers) == numbers.tolist()


def test_python_gets_a_copy_of_memory_that_go_shows(buffers: Any) -> None:
    class Watcher:
        def look(self, buffer: Any) -> int:
            seen.append(buffer)
            return int(buffer[-1])

        def change(self, buffer: Any) -> None:
            raise AssertionError("not called")

    seen: list[Any] = []
    data = bytearray(b"abc")
    assert buffers.show(Watcher(), data) == 99
    data[:] = b"xxx"
    data.append(1)  # nothing is borrowed any more
    assert seen[0].tobytes() == b"bc"
    assert buffers.show_own(Watcher()) == 3
    buffers.forget()
    assert seen[1].tolist() == [1, 2, 3]
    with pytest.raises(gobind.GoError, match="change: buffer: Python cannot be given a MutableBuffer of Go"):
        buffers.show_mutable(Watcher())
    del seen[:]
    buffers.forget()


DEBUG = """
import warnings
contract = libraries.contract_of("buffers")
buffers = libraries.load("buffers", contract.Buffers)
"""


def test_debug_finds_go_writing_to_what_it_may_only_read() -> None:
    text = """
data, constant = bytearray(5), b"A"
warnings.simplefilter("always")
with warnings.catch_warnings(record=True) as found:
    buffers.scribble(data, 3)
    buffers.scribble(constant, 0)
    asyncio.run(buffers.scribble_later(data, 1))
    buffers.fill_u8(data[:0], 1), buffers.fill_u8(data, 9), buffers.both(constant, data)
print(*[f"{w.category.__name__} {w.message}" for w in found], data, constant, sep="\\n")
try: buffers.same(b"x", data, 0, 2)
except gobind.GoError: print("refused")
warnings.simplefilter("error")
try: buffers.scribble(data, 3)
except RuntimeWarning: print("raised")
print(buffers.same_bytes(b"ab" * 40000) == b"ab" * 40000)
"""
    status, output, errors = run(DEBUG + text, load=False, GOBIND_DEBUG="1")
    assert (status, errors) == (0, "")
    told = "Go wrote to item {} of a Buffer[u8], which it may only read; declare it MutableBuffer[u8] (what Go wrote is lost)"
    assert output.splitlines() == [
        "RuntimeWarning Buffers.scribble: buffer: " + told.format(3),
        "RuntimeWarning Buffers.scribble: buffer: " + told.format(0),
        "RuntimeWarning Buffers.scribble_later: buffer: " + told.format(1),
        *[r"bytearray(b'A\t\t\t\t')", "b'A'", "refused", "raised", "True"],
    ]
