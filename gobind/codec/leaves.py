"""The codecs of leaf types: a row for each, the counterpart of the row in `gobind.contract.leaves`.

A row is made with the first value of its type: some need modules that take longer to import than most of gobind.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable
from itertools import chain
from operator import attrgetter, countOf, index
from typing import Any, NamedTuple

from gobind.codec import columns
from gobind.codec.frames import Get, Input, Output, Put
from gobind.codec.memory import bytes_at
from gobind.contract.leaves import (
    BIGINT,
    BYTES,
    COMPLEX,
    DATE,
    DATETIME,
    DECIMAL,
    NAIVE,
    PATH,
    STR,
    TIME,
    TIMEDELTA,
    UUID,
    Leaf,
    excerpt,
    short,
)
from gobind.forklock import fork_lock, lazy_import


class StringRef(ctypes.Structure):
    """A pointer to bytes and their length; ``str`` is UTF-8."""

    _fields_ = [("ptr", ctypes.c_void_p), ("len", ctypes.c_uint64)]


class DateTime(ctypes.Structure):
    """Microseconds since 1970 UTC, and the UTC offset in seconds."""

    _fields_ = [("micros", ctypes.c_int64), ("offset", ctypes.c_int32)]


class Complex(ctypes.Structure):
    """The two parts of a complex number."""

    _fields_ = [("real", ctypes.c_double), ("imag", ctypes.c_double)]


class LeafCodec(NamedTuple):
    """The codec of a leaf type.

    Generated functions contain the texts `pack` and `unpack`, in which ``{name}`` refers to a value in `names`.

    Attributes:
        put, get: the functions that write and read a block.
        columns: formats of the columns of a block, in order; empty for a type without slots.
        slots: offsets and format characters of the parts of a value inside a record; empty for a type whose values are
            bytes behind the record, which has their length.
        pack: expressions for the parts, or the bytes, of the value ``{v}``: one for each part, or one for all.
        unpack: the expression for the value with the parts ``{0}``, ``{1}`` ..., or the bytes ``{0}``.
        names: the values that `pack` and `unpack` refer to.
        cls: the class of values, if `pack` accepts others, too.
        mirror: the type of a field in a mirror.
        to_mirror: ``to_mirror(value, kept)`` returns the value of that field; adds its memory to ``kept``.
        from_mirror: the inverse of `to_mirror`.
        explain: ``explain(path, *parts)`` returns the value with these parts, or these bytes, or raises what is wrong;
            None for a type for which nothing can be wrong.
        is_joined: blocks have the format of ``str``; for a type without slots.
    """

    put: Put
    get: Get
    columns: tuple[str, ...]
    slots: tuple[tuple[int, str], ...]
    pack: tuple[str, ...]
    unpack: str
    mirror: Any
    to_mirror: Callable[[Any, list[Any]], Any]
    from_mirror: Callable[[Any], Any]
    names: dict[str, Any] = {}
    cls: type | None = None
    explain: Callable[..., Any] | None = None
    is_joined: bool = False


def codec_of(node: Leaf) -> LeafCodec:
    """Returns the row of a leaf type."""
    made = _made.get(node.text)
    if made is None:
        with fork_lock:
            made = _made[node.text] = _ROWS[node.text]()
    return made


_made: dict[str, LeafCodec] = {}


# Bytes behind the record


def _string_ref(data: bytes, kept: list[Any]) -> StringRef:
    """Returns the mirror of bytes; adds the memory it points to to `kept`."""
    if not data:
        return StringRef(None, 0)
    memory = ctypes.create_string_buffer(data, len(data))
    kept.append(memory)
    return StringRef(ctypes.addressof(memory), len(data))


def _bytes_of(ref: Any) -> bytes:
    return bytes_at(ref.ptr, ref.len) if ref.len else b""


def decode(path: object, data: bytes) -> str:
    """Decodes UTF-8; the message of an error begins with the path."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise UnicodeDecodeError("utf-8", data, error.start, error.end, f"{path}: {error.reason}") from None


def _str() -> LeafCodec:
    return LeafCodec(
        columns.put_str,
        columns.get_str,
        columns=(),
        slots=(),
        pack=("{encode}({v})",),
        unpack="{0}.decode()",
        names={"encode": str.encode},
        mirror=StringRef,
        to_mirror=lambda value, kept: _string_ref(value.encode(), kept),
        from_mirror=lambda ref: _bytes_of(ref).decode(),
        explain=decode,
        is_joined=True,
    )


def _bytes() -> LeafCodec:
    return LeafCodec(
        columns.put_bytes,
        columns.get_bytes,
        columns=(),
        slots=(),
        pack=("{as_bytes}({v})",),
        unpack="{0}",
        names={"as_bytes": columns.as_bytes},
        mirror=StringRef,
        to_mirror=lambda value, kept: _string_ref(bytes(memoryview(value)), kept),
        from_mirror=_bytes_of,
    )


def _decimal() -> LeafCodec:
    decimal = lazy_import("decimal")
    cls = decimal.Decimal
    as_text, is_finite = cls.__str__, cls.is_finite

    def encode(value: Any) -> bytes:
        return text_of(value).encode()

    def text_of(value: Any) -> str:
        if not is_finite(value):
            raise ValueError("expected a finite Decimal")
        return as_text(value)  # type: ignore[no-any-return]

    def join(text: str) -> Any:
        # The constructor is exact, whatever the context: it raises, or makes NaN, where an exponent is too large.
        value = cls(text)
        if not is_finite(value):
            raise ValueError("expected a finite number")
        return value

    def explain(path: object, data: bytes) -> Any:
        text = decode(path, data)
        try:
            return join(text)
        except (ArithmeticError, ValueError):
            raise ValueError(f"{path}: the number from Go does not fit Decimal: {excerpt(text)}") from None

    return LeafCodec(
        lambda out, values: columns.put_str(out, [*map(text_of, values)]),
        lambda source, n: [*map(join, columns.get_str(source, n))],
        columns=(),
        slots=(),
        pack=("{encode}({v})",),
        unpack="{join}({0}.decode())",
        names={"encode": encode, "join": join},
        mirror=StringRef,
        to_mirror=lambda value, kept: _string_ref(encode(value), kept),
        from_mirror=lambda ref: join(_bytes_of(ref).decode()),
        explain=explain,
        is_joined=True,
    )


def _path() -> LeafCodec:
    pathlib = lazy_import("pathlib")
    cls, base, usual = pathlib.Path, pathlib.PurePath, type(pathlib.Path())

    def encode(value: Any) -> bytes:
        columns.require((value,), base)
        return str(value).encode()

    def put(out: Output, values: list[Any]) -> None:
        if countOf(map(type, values), usual) != len(values):
            columns.require(values, base)
        columns.put_str(out, [*map(str, values)])

    return LeafCodec(
        put,
        lambda source, n: [*map(cls, columns.get_str(source, n))],
        columns=(),
        slots=(),
        pack=("{encode}({v})",),
        unpack="{Path}({0}.decode())",
        names={"encode": encode, "Path": cls},
        mirror=StringRef,
        to_mirror=lambda value, kept: _string_ref(encode(value), kept),
        from_mirror=lambda ref: cls(_bytes_of(ref).decode()),
        explain=decode,
        is_joined=True,
    )


def _bigint() -> LeafCodec:
    def encode(value: Any) -> bytes:
        number = index(value)
        bits = (number if number >= 0 else ~number).bit_length()  # -128 has as many as 127
        return int.to_bytes(number, bits // 8 + 1, "big", signed=True)

    def join(data: bytes) -> int:
        return int.from_bytes(data, "big", signed=True)

    return LeafCodec(
        lambda out, values: columns.put_bytes(out, [*map(encode, values)]),
        lambda source, n: [*map(join, columns.get_bytes(source, n))],
        columns=(),
        slots=(),
        pack=("{encode}({v})",),
        unpack="{join}({0})",
        names={"encode": encode, "join": join},
        mirror=StringRef,
        to_mirror=lambda value, kept: _string_ref(encode(value), kept),
        from_mirror=lambda ref: join(_bytes_of(ref)),
    )


# Parts inside the record


def _datetime() -> LeafCodec:
    times = lazy_import("gobind.codec.times")

    def explain(path: object, micros: int, offset: int) -> Any:
        try:
            return times.join_datetime(micros, offset)
        except (OverflowError, ValueError):
            problem = f"the time from Go does not fit datetime: {micros} microseconds"
            raise OverflowError(f"{path}: {problem}") from None

    return LeafCodec(
        times.put_datetime,
        times.get_datetime,
        columns=("q", "i"),
        slots=((0, "q"), (8, "i")),
        pack=("{split_datetime}({v})",),
        unpack="{join_datetime}({0}, {1})",
        names={"split_datetime": times.split_datetime, "join_datetime": times.join_datetime},
        mirror=DateTime,
        to_mirror=lambda value, kept: DateTime(*times.split_datetime(value)),
        from_mirror=lambda raw: times.join_datetime(raw.micros, raw.offset),
        explain=explain,
    )


def _of_number(
    code: str, split: Callable[[Any], int], join: Callable[[int], Any], refusal: str = ""
) -> LeafCodec:
    """Returns the codec of a type whose values travel as one number.

    Args:
        code: the format character of the number.
        refusal: explains a number that is of no value; "" if there is none.
    """
    get_numbers = columns.get_numbers(code)

    def put(out: Output, values: list[Any]) -> None:
        out.append(struct.pack(f"{len(values)}{code}", *map(split, values)))

    def explain(path: object, number: int) -> Any:
        try:
            return join(number)
        except (OverflowError, ValueError):
            raise OverflowError(f"{path}: {refusal.format(short(number))}") from None

    return LeafCodec(
        put,
        lambda source, n: [*map(join, get_numbers(source, n))],
        columns=(code,),
        slots=((0, code),),
        pack=(f"{{{split.__name__}}}({{v}})",),
        unpack=f"{{{join.__name__}}}({{0}})",
        names={split.__name__: split, join.__name__: join},
        mirror=ctypes.c_int32 if code == "i" else ctypes.c_int64,
        to_mirror=lambda value, kept: split(value),
        from_mirror=join,
        explain=explain if refusal else None,
    )


def _timedelta() -> LeafCodec:
    times = lazy_import("gobind.codec.times")
    return _of_number("q", times.nanoseconds, times.join_timedelta)


def _date() -> LeafCodec:
    times = lazy_import("gobind.codec.times")
    return _of_number("i", times.days, times.join_date, "the time from Go does not fit date: {} days")


def _time() -> LeafCodec:
    times = lazy_import("gobind.codec.times")
    refusal = "the duration from Go does not fit time: {} microseconds"
    return _of_number("q", times.split_time, times.join_time, refusal)


def _naive() -> LeafCodec:
    times = lazy_import("gobind.codec.times")
    refusal = "the time from Go does not fit datetime: {} microseconds"
    return _of_number("q", times.split_naive, times.join_naive, refusal)


def _uuid() -> LeafCodec:
    cls = lazy_import("uuid").UUID

    def put(out: Output, values: list[Any]) -> None:
        columns.require_all(values, cls)
        out.append(b"".join([value.bytes for value in values]))

    def get(source: Input, n: int) -> list[Any]:
        data = source.take(16 * n)
        return [cls(bytes=data[at : at + 16]) for at in range(0, 16 * n, 16)]

    mirror = ctypes.c_ubyte * 16
    return LeafCodec(
        put,
        get,
        columns=("16s",),
        slots=((0, "16s"),),
        pack=("{v}.bytes",),
        unpack="{UUID}(bytes={0})",
        names={"UUID": cls},
        cls=cls,
        mirror=mirror,
        to_mirror=lambda value, kept: mirror(*value.bytes),
        from_mirror=lambda raw: cls(bytes=bytes(raw)),
    )


def _complex() -> LeafCodec:
    array = lazy_import("array").array
    parts = attrgetter("real", "imag")  # which int, float and all other numbers have

    def put(out: Output, values: list[Any]) -> None:
        out.append(array("d", chain.from_iterable(map(parts, values))).tobytes())

    def get(source: Input, n: int) -> list[complex]:
        if not n:
            return []
        numbers = iter(memoryview(source.view(16 * n)).cast("d"))
        return [*map(complex, numbers, numbers)]

    return LeafCodec(
        put,
        get,
        columns=("2d",),
        slots=((0, "d"), (8, "d")),
        pack=("{v}.real", "{v}.imag"),
        unpack="{complex}({0}, {1})",
        names={"complex": complex},
        mirror=Complex,
        to_mirror=lambda value, kept: Complex(*parts(value)),
        from_mirror=lambda raw: complex(raw.real, raw.imag),
    )


_ROWS: dict[str, Callable[[], LeafCodec]] = {
    STR.text: _str,
    BYTES.text: _bytes,
    DATETIME.text: _datetime,
    TIMEDELTA.text: _timedelta,
    UUID.text: _uuid,
    COMPLEX.text: _complex,
    DATE.text: _date,
    TIME.text: _time,
    NAIVE.text: _naive,
    DECIMAL.text: _decimal,
    BIGINT.text: _bigint,
    PATH.text: _path,
}
