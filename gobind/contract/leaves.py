"""The leaf types that are not sized numbers: a row for each, with everything but its codec.

Contracts, layouts, checks and generated Go take what they need from a row of `LEAVES`; `gobind.codec.leaves` has a row
for the same type, with its codec. A new type needs a row in both tables, a line in `gobind.protocol`, and Go functions
that read and write it, unless a frame holds the value as Go does.
"""

from __future__ import annotations

import operator
import struct
from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

from gobind.contract.kinds import Kind


class _Row(NamedTuple):
    text: str
    module: str
    go: str
    word: str
    size: int
    align: int
    least: int
    check: Callable[[Any, object], None]
    go_import: str = ""
    go_record: str = ""
    go_method: str = ""
    go_block: str = "Numbers"
    go_base: str = ""
    is_generic: bool = False
    may_fail: bool = False
    is_shown: bool = False
    is_key: bool = False
    has_nil: bool = False
    is_dynamic: bool = False


class Leaf(_Row, Kind):
    """A type without parts that is not a sized number: ``str``, ``bytes``, ``datetime``, ``UUID`` ...

    Attributes:
        text: the name of the Python class, or of the alias in `gobind`, as in contracts and messages.
        module: the module of that name, imported with the first value, not before.
        go: the Go type.
        word: a word for the Go type, used in names.
        size, align: bytes of a value inside a record.
        least: the number of bytes that one value takes in a block at least.
        check: ``check(value, path)`` refuses what is no value of the type; its message begins with the path.
        go_import: the import path of the Go type's package; "" for a type without one.
        go_record: the Go type that stands in a record for it; "" where that is Go's own value.
        go_method: the method of Go's Reader and Writer for a value of a record.
        go_block: the end of the names of Go's functions for a block: ``Times`` in ``ReadTimes``.
        go_base: the Go type that `go_method` takes and returns, if it is not ``go`` itself.
        is_generic: Go's functions for a block have the Go type as a type parameter.
        may_fail: some values of Go have no counterpart in Python.
        is_shown: the message of a `goerror` shows fields of this type.
        is_key: values can be keys of dicts and items of sets.
        has_nil: the Go type has a nil, which means None where the type is Optional.
        is_dynamic: dynamic values may be of it; `word` is the name of their kind in Go.
    """

    __slots__ = ()

    @property
    def is_nilable(self) -> bool:  # type: ignore[override]
        return self.has_nil


# Refusals


def expect(value: Any, cls: Any, text: str, path: object, refused: Any = ()) -> None:
    """Refuses what is not an instance of `cls`, or is one of `refused`; `text` is the type in the contract.

    Raises:
        TypeError: the value is refused; the message begins with the path.
    """
    if not isinstance(value, cls) or isinstance(value, refused):
        raise TypeError(f"{path}: expected {text}, got {class_of(value, cls)}")


def class_of(value: Any, *expected: Any) -> str:
    """Returns the name of a value's class; with an explanation if one of the `expected` has that name, too."""
    cls = type(value)
    for other in expected:
        if isinstance(other, type) and cls.__name__ == other.__name__:
            where, wanted = (f"{each.__module__}.{each.__qualname__}" for each in (cls, other))
            if where == wanted:
                return (
                    f"another class of that name: {where} was defined again; use one of them, or load again"
                )
            return f"another class of that name: {where} instead of {wanted}"
    return cls.__name__


def short(number: Any) -> str:
    """Returns a number as text for a message."""
    if isinstance(number, int) and number.bit_length() > 256:  # repr of a huge int is slow, or refused
        return f"an integer of {number.bit_length()} bits"
    return repr(number)


def excerpt(value: int | str) -> str:
    """Returns a str, shortened, or a number as text for a message."""
    if isinstance(value, str) and len(value) > 100:
        return f"{value[:100]!r} ..."
    return short(value)


def _check_str(value: Any, path: object) -> None:
    expect(value, str, "str", path)
    try:
        value.encode()
    except UnicodeEncodeError as error:
        reason = f"{path}: {error.reason}"
        raise UnicodeEncodeError("utf-8", error.object, error.start, error.end, reason) from None


def _check_bytes(value: Any, path: object) -> None:
    try:
        memoryview(value)
    except (TypeError, ValueError, BufferError) as error:
        got = type(value).__name__ + (f": {error}" if not isinstance(error, TypeError) else "")
        raise TypeError(f"{path}: expected bytes, got {got}") from None


def _check_datetime(value: Any, path: object) -> None:
    from datetime import datetime

    expect(value, datetime, "datetime", path)
    offset = value.utcoffset()
    if offset is None:
        raise TypeError(f"{path}: expected an aware datetime, got a naive one: {value}")
    if offset.microseconds:
        raise ValueError(f"{path}: the UTC offset of {value} has a fraction of a second")


def _check_timedelta(value: Any, path: object) -> None:
    from datetime import timedelta

    expect(value, timedelta, "timedelta", path)
    if not -(2**63) <= value // timedelta(microseconds=1) * 1000 < 2**63:
        raise OverflowError(f"{path}: {value} does not fit timedelta: Go counts nanoseconds in 64 bits")


def _check_uuid(value: Any, path: object) -> None:
    from uuid import UUID

    expect(value, UUID, "UUID", path)


def _check_complex(value: Any, path: object) -> None:
    try:
        struct.pack("<2d", value.real, value.imag)
    except (OverflowError, AttributeError, TypeError, struct.error) as error:
        if isinstance(error, OverflowError) or isinstance(value, int):
            raise OverflowError(f"{path}: {short(value)} does not fit complex") from None
        raise TypeError(f"{path}: expected complex, got {type(value).__name__}") from None


def _check_date(value: Any, path: object) -> None:
    from datetime import date, datetime

    expect(value, date, "date", path)
    if isinstance(value, datetime):
        raise TypeError(
            f"{path}: expected date, got {class_of(value)}, whose clock would be lost; pass its .date()"
        )


def _check_time(value: Any, path: object) -> None:
    from datetime import time

    expect(value, time, "time", path)
    _check_naive_parts(value, path, "time", "time.Duration")


def _check_naive(value: Any, path: object) -> None:
    from datetime import datetime

    expect(value, datetime, "naive datetime", path)
    _check_naive_parts(value, path, "datetime", "time.Time in UTC")


def _check_naive_parts(value: Any, path: object, word: str, go: str) -> None:
    if value.tzinfo is not None:
        raise TypeError(f"{path}: expected a naive {word}, got an aware one: {value}")
    if value.fold:
        raise ValueError(f"{path}: {value} has fold=1, which a {go} cannot hold")


def _check_decimal(value: Any, path: object) -> None:
    from decimal import Decimal

    expect(value, Decimal, "Decimal", path)
    if not value.is_finite():
        raise ValueError(
            f"{path}: expected a finite Decimal, got {value!s}: Go's json.Number has numbers only"
        )


def _check_bigint(value: Any, path: object) -> None:
    try:
        operator.index(value)
    except TypeError:
        raise TypeError(f"{path}: expected bigint, got {type(value).__name__}") from None


def _check_path(value: Any, path: object) -> None:
    from pathlib import PurePath

    expect(value, PurePath, "Path", path)
    _check_str(str(value), path)


# The rows

STR = Leaf(
    text="str",
    module="builtins",
    go="string",
    word="String",
    size=16,
    align=8,
    least=1,
    check=_check_str,
    go_record="gobind.Ref",
    go_method="String",
    go_block="Strings",
    is_generic=True,
    is_shown=True,
    is_key=True,
    is_dynamic=True,
)
BYTES = Leaf(
    text="bytes",
    module="builtins",
    go="[]byte",
    word="Bytes",
    size=16,
    align=8,
    least=8,
    check=_check_bytes,
    go_record="gobind.Ref",
    go_method="Bytes",
    go_block="Bytes",
    has_nil=True,
    is_dynamic=True,
)
DATETIME = Leaf(
    text="datetime",
    module="datetime",
    go="time.Time",
    word="Time",
    size=16,
    align=8,
    least=12,
    check=_check_datetime,
    go_import="time",
    go_record="gobind.Time",
    go_method="Time",
    go_block="Times",
    may_fail=True,
    is_shown=True,
    is_dynamic=True,
)
TIMEDELTA = Leaf(
    text="timedelta",
    module="datetime",
    go="time.Duration",
    word="Duration",
    size=8,
    align=8,
    least=8,
    check=_check_timedelta,
    go_import="time",
    is_shown=True,
    is_dynamic=True,
)
UUID = Leaf(
    text="UUID",
    module="uuid",
    go="[16]byte",
    word="UUID",
    size=16,
    align=1,
    least=16,
    check=_check_uuid,
    is_dynamic=True,
)
COMPLEX = Leaf(
    text="complex",
    module="builtins",
    go="complex128",
    word="Complex",
    size=16,
    align=8,
    least=16,
    check=_check_complex,
    is_shown=True,
    is_dynamic=True,
)

DATE = Leaf(
    text="date",
    module="datetime",
    go="time.Time",
    word="Date",
    size=4,
    align=4,
    least=4,
    check=_check_date,
    go_import="time",
    go_record="int32",
    go_method="Date",
    go_block="Dates",
    may_fail=True,
    is_shown=True,
)
TIME = Leaf(
    text="time",
    module="datetime",
    go="time.Duration",
    word="Clock",
    size=8,
    align=8,
    least=8,
    check=_check_time,
    go_import="time",
    go_record="int64",
    go_method="Clock",
    go_block="Clocks",
    may_fail=True,
    is_shown=True,
)
NAIVE = Leaf(
    text="naive",
    module="gobind",
    go="time.Time",
    word="Naive",
    size=8,
    align=8,
    least=8,
    check=_check_naive,
    go_import="time",
    go_record="int64",
    go_method="Naive",
    go_block="Naives",
    may_fail=True,
    is_shown=True,
)
DECIMAL = Leaf(
    text="Decimal",
    module="decimal",
    go="json.Number",
    word="Decimal",
    size=16,
    align=8,
    least=1,
    check=_check_decimal,
    go_import="encoding/json",
    go_record="gobind.Ref",
    go_method="Decimal",
    go_block="Decimals",
    go_base="string",
    is_generic=True,
    may_fail=True,
    is_shown=True,
)
BIGINT = Leaf(
    text="bigint",
    module="gobind",
    go="*big.Int",
    word="BigInt",
    size=16,
    align=8,
    least=8,
    check=_check_bigint,
    go_import="math/big",
    go_record="gobind.Ref",
    go_method="BigInt",
    go_block="BigInts",
    may_fail=True,
    is_shown=True,
    has_nil=True,
)
PATH = Leaf(
    text="Path",
    module="pathlib",
    go="string",
    word="String",
    size=16,
    align=8,
    least=1,
    check=_check_path,
    go_record="gobind.Ref",
    go_method="String",
    go_block="Strings",
    is_generic=True,
    is_shown=True,
)

LEAVES = (STR, BYTES, DATETIME, TIMEDELTA, UUID, COMPLEX, DATE, TIME, NAIVE, DECIMAL, BIGINT, PATH)
"""All rows, in the order of messages."""

bigint = Annotated[int, BIGINT]
"""An integer of any size; `int` has 64 bits."""
