"""A second, plain codec of the frame format, written from the text of `gobind.protocol` alone.

It goes from annotations to bytes one value at a time and shares nothing with gobind's own reading of
annotations, layout or codec, so that a mistake would have to be made twice to stay hidden. It is slow,
trusts the values it encodes, and has no limits but those of memory.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import enum
import functools
import io
import pickle
import struct
import types
import typing
import uuid
import zlib
from collections import deque
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Union

from typing_extensions import NotRequired

import gobind

CODES = {
    **{"bool": "?", "int": "q", "float": "d", "f32": "f", "f64": "d"},
    **{"i8": "b", "i16": "h", "i32": "i", "i64": "q", "u8": "B", "u16": "H", "u32": "I", "u64": "Q"},
}
LEAVES = {
    str: "str",
    bytes: "bytes",
    datetime: "datetime",
    timedelta: "timedelta",
    uuid.UUID: "UUID",
    complex: "complex",
    date: "date",
    time: "time",
    Decimal: "Decimal",
    Path: "Path",
}
TEXTS = {"str": str, "Decimal": Decimal, "Path": Path}
NUMBERED = {"date": "i", "time": "q", "naive": "q", "timedelta": "q"}
"""Kinds of values that are one number in a frame, with the format character."""


# What a stream of dynamic values refers to, by tag.
ATTACHED = (datetime, timedelta, uuid.UUID, complex)


MISSING = object()
"""The value of a key that a TypedDict does not have."""


class Damaged(Exception):
    """The decoder met something that the format does not allow."""


class Shape(NamedTuple):
    """What an annotation means: `kind`, the annotations it is made of, and a class or a format character."""

    kind: str
    parts: tuple[Any, ...] = ()
    extra: Any = None


@functools.lru_cache(maxsize=None)
def shape(annotation: Any) -> Shape:
    """Read an annotation that holds no text any more."""
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation in (Any, object, gobind.JSON):
        return Shape("dynamic", extra=annotation)
    if origin is Annotated:
        text = annotation.__metadata__[0].text
        return Shape(text) if text in ("naive", "bigint") else Shape("number", extra=CODES[text])
    if origin is Literal:
        base = type(next(value for value in args if value is not None))
        if None in args:
            return Shape("optional", (Literal[tuple(value for value in args if value is not None)],))
        return Shape("literal", (base,), args)
    if annotation in (bool, int, float):
        return Shape("number", extra=CODES[annotation.__name__])
    if annotation in LEAVES:
        return Shape(LEAVES[annotation])
    if getattr(origin, "_name", "") == "NotRequired":
        return Shape("missing", args)
    if origin in (list, collections.abc.Sequence):
        return Shape("list", args, list)
    if origin in (set, frozenset):
        return Shape("list", args, origin)
    if origin is dict:
        return Shape("dict", args)
    if origin is tuple:
        if args[1:] == (...,):
            return Shape("list", args[:1], tuple)
        return Shape("tuple", () if args == ((),) else args)
    if annotation == tuple[()]:
        return Shape("tuple")
    if origin in (Union, types.UnionType) and not set(args).isdisjoint((int, str, float)) and len(args) > 2:
        return Shape("dynamic", extra=annotation)
    if origin in (Union, types.UnionType):
        options = tuple(arg for arg in args if arg is not type(None))
        if len(options) < len(args) and shape(Union[options]).kind == "dynamic":
            return Shape("dynamic", extra=annotation)  # which may be None anyway
        if len(options) < len(args):
            return Shape("optional", (Union[options],))
        return Shape("union", tuple(sorted(options, key=lambda option: option.__name__)))
    cls = origin or annotation
    if issubclass(cls, enum.Enum):
        base = type(next(iter(annotation.__members__.values())).value)
        return Shape("enum", (base,), annotation)
    hints = typing.get_type_hints(cls, include_extras=True)
    names = [field.name for field in dataclasses.fields(cls)] if dataclasses.is_dataclass(cls) else [*hints]
    if issubclass(cls, dict):
        hints = {name: qualified(hint, name in cls.__required_keys__) for name, hint in hints.items()}
    variables = dict(zip(getattr(cls, "__parameters__", ()), args))
    return Shape("struct", tuple(substituted(hints[name], variables) for name in names), (cls, names))


def qualified(hint: Any, is_required: bool) -> Any:
    """The annotation of a key: NotRequired, or that of its values."""
    word = getattr(typing.get_origin(hint), "_name", "")
    if word == "Required":
        return hint.__args__[0]
    return hint if word == "NotRequired" or is_required else NotRequired[hint]


def substituted(hint: Any, variables: dict[Any, Any]) -> Any:
    """An annotation with types in place of type variables."""
    if hint in variables:
        return variables[hint]
    inside = getattr(hint, "__parameters__", ()) if typing.get_origin(hint) else ()
    return hint[tuple(variables[variable] for variable in inside)] if inside else hint


@functools.lru_cache(maxsize=None)
def contains_itself(annotation: Any) -> bool:
    """True for a struct that may stand inside itself."""
    seen, todo = set(), list(shape(annotation).parts)
    while todo:
        part = todo.pop()
        if part in (annotation, Any):  # Any may be a struct, too
            return True
        if part not in seen:
            seen.add(part)
            todo.extend(shape(part).parts)
    return False


def measure(annotation: Any) -> tuple[int, int]:
    """Size and alignment of a value in a record, as C has them."""
    kind, parts, extra = shape(annotation)
    if kind == "number":
        return (struct.calcsize(extra),) * 2
    if kind in ("enum", "literal"):
        return measure(parts[0])
    if kind in NUMBERED:
        return (struct.calcsize(NUMBERED[kind]),) * 2
    if kind in ("struct", "tuple"):
        end, widest = 0, 1
        for part in parts:
            size, align = measure(part)
            end += -end % align + size
            widest = max(widest, align)
        return end + -end % widest, widest
    return {"UUID": (16, 1), "optional": (8, 8), "missing": (8, 8)}.get(kind, (16, 8))


def fields_of(annotation: Any, value: Any) -> list[Any]:
    """The values inside a struct or a tuple."""
    kind, _, extra = shape(annotation)
    if kind == "tuple":
        return list(value)
    if isinstance(value, dict):
        return [value.get(name, MISSING) for name in extra[1]]
    return [getattr(value, name) for name in extra[1]]


def times_of(value: datetime) -> tuple[int, int]:
    """Microseconds since 1970 UTC, seconds of the UTC offset."""
    offset = value.utcoffset() or timedelta()
    local = value.replace(tzinfo=None) - datetime(1970, 1, 1)
    return (local - offset) // timedelta(microseconds=1), offset // timedelta(seconds=1)


def number_of(kind: str, value: Any) -> int:
    """The number that a value of one of `NUMBERED` is in a frame."""
    start = datetime(1970, 1, 1)
    if kind == "date":
        value = datetime.combine(value, time())
    elif kind == "time":
        value = datetime.combine(start, value)
    span: timedelta = value if kind == "timedelta" else value - start
    micros = span // timedelta(microseconds=1)
    return {"date": span.days, "timedelta": micros * 1000}.get(kind, micros)


def value_from(kind: str, number: int) -> Any:
    """The inverse of `number_of`."""
    if kind == "date":
        return date(1970, 1, 1) + timedelta(number)
    if kind == "time":
        if not 0 <= number < 86400 * 10**6:
            raise Damaged("not a time of day")
        return (datetime(1970, 1, 1) + timedelta(microseconds=number)).time()
    if kind == "naive":
        return datetime(1970, 1, 1) + timedelta(microseconds=number)
    return timedelta(microseconds=number // 1000)


def bytes_of(value: int) -> bytes:
    """An integer in two's complement, the highest byte first."""
    size = 1
    while not -(1 << (8 * size - 1)) <= value < 1 << (8 * size - 1):
        size += 1
    return bytes(value >> (8 * place) & 255 for place in reversed(range(size)))


def integer_from(data: bytes) -> int:
    """The inverse of `bytes_of`."""
    value = -1 if data[:1] >= b"\x80" else 0
    for byte in data:
        value = value << 8 | byte
    return value


def text_from(kind: str, text: str) -> Any:
    """The value of one of `TEXTS`."""
    try:
        value = TEXTS[kind](text)
    except ArithmeticError:
        raise Damaged("not a number") from None
    if kind == "Decimal" and not value.is_finite():
        raise Damaged("not a number")
    return value


def allowed(value: Any, values: tuple[Any, ...]) -> Any:
    """`value`, if it is one of a Literal's `values`."""
    if value not in values:
        raise Damaged("not one of the values")
    return value


class Encoder:
    """Writes one frame."""

    def __init__(self) -> None:
        self.record = bytearray()
        self.columns = bytearray()
        self.queue: deque[tuple[Any, list[Any]]] = deque()

    def frame(self, value: Any, annotation: Any) -> bytes:
        self.in_record(value, annotation)
        while self.queue:
            deferred, values = self.queue.popleft()
            rows = [fields_of(deferred, value) for value in values]
            for position, part in enumerate(shape(deferred).parts):
                self.block([row[position] for row in rows], part)
        return bytes(self.record + self.columns)

    def fixed(self, code: str, *numbers: Any) -> None:
        self.record += struct.pack(f"<{code}", *numbers)

    def column(self, code: str, number: Any) -> None:
        self.columns += struct.pack(f"<{code}", number)

    def in_record(self, value: Any, annotation: Any) -> None:
        kind, parts, extra = shape(annotation)
        align = measure(annotation)[1]
        self.record += bytes(-len(self.record) % align)
        if kind == "number":
            self.fixed(extra, value)
        elif kind == "enum":
            self.in_record(value.value, parts[0])
        elif kind == "literal":
            self.in_record(value, parts[0])
        elif kind in ("bytes", "bigint", *TEXTS):
            data = (
                str(value).encode()
                if kind in TEXTS
                else bytes_of(value)
                if kind == "bigint"
                else bytes(value)
            )
            self.fixed("QQ", 0, len(data))
            self.columns += data
        elif kind == "list":
            self.fixed("QQ", 0, len(value))
            self.block(list(value), parts[0])
        elif kind == "dict":
            self.fixed("QQ", 0, len(value))
            self.block(list(value), parts[0])
            self.block(list(value.values()), parts[1])
        elif kind in ("optional", "missing"):
            nothing = None if kind == "optional" else MISSING
            self.fixed("Q", value is not nothing)
            self.block([] if value is nothing else [value], parts[0])
        elif kind == "union":
            self.fixed("IIQ", parts.index(type(value)), 0, 0)
            self.block([value], type(value))
        elif kind == "datetime":
            self.fixed("qiI", *times_of(value), 0)
        elif kind in NUMBERED:
            self.fixed(NUMBERED[kind], number_of(kind, value))
        elif kind == "UUID":
            self.record += value.bytes
        elif kind == "complex":
            self.fixed("dd", value.real, value.imag)
        elif kind == "dynamic":
            stream, attached = dynamic_stream([value])
            self.fixed("IIQ", len(attached), zlib.crc32(stream), len(stream))
            self.attach(stream, attached)
        else:
            for part, item in zip(parts, fields_of(annotation, value)):
                self.in_record(item, part)
            self.record += bytes(-len(self.record) % align)

    def block(self, values: list[Any], annotation: Any) -> None:
        if not values:
            return
        kind, parts, extra = shape(annotation)
        if kind == "number":
            for value in values:
                self.column(extra, value)
        elif kind == "enum":
            self.block([value.value for value in values], parts[0])
        elif kind == "literal":
            self.block(values, parts[0])
        elif kind in TEXTS:
            self.strings([str(value).encode() for value in values])
        elif kind in ("bytes", "bigint"):
            values = [bytes_of(value) for value in values] if kind == "bigint" else values
            self.lengths(values)
            for value in values:
                self.columns += value
        elif kind == "list":
            self.lengths(values)
            self.block([item for value in values for item in value], parts[0])
        elif kind == "dict":
            self.lengths(values)
            self.block([key for value in values for key in value], parts[0])
            self.block([value[key] for value in values for key in value], parts[1])
        elif kind in ("optional", "missing"):
            nothing = None if kind == "optional" else MISSING
            for value in values:
                self.column("B", value is not nothing)
            self.block([value for value in values if value is not nothing], parts[0])
        elif kind == "union":
            for value in values:
                self.column("B", parts.index(type(value)))
            for part in parts:
                self.block([value for value in values if type(value) is part], part)
        elif kind == "datetime":
            for value in values:
                self.column("q", times_of(value)[0])
            for value in values:
                self.column("i", times_of(value)[1])
        elif kind in NUMBERED:
            for value in values:
                self.column(NUMBERED[kind], number_of(kind, value))
        elif kind == "UUID":
            for value in values:
                self.columns += value.bytes
        elif kind == "complex":
            for value in values:
                self.column("d", value.real)
                self.column("d", value.imag)
        elif kind == "dynamic":
            stream, attached = dynamic_stream(values)
            self.column("I", len(attached))
            self.column("I", zlib.crc32(stream))
            self.column("Q", len(stream))
            self.attach(stream, attached)
        elif kind == "struct" and contains_itself(annotation):
            self.queue.append((annotation, values))
        else:
            rows = [fields_of(annotation, value) for value in values]
            for position, part in enumerate(parts):
                self.block([row[position] for row in rows], part)
            if not parts:
                self.columns += bytes(len(values))

    def attach(self, stream: bytes, attached: list[Any]) -> None:
        self.columns += stream
        for value in attached:
            self.column("H", ATTACHED.index(type(value)))
        for cls in ATTACHED:
            self.block([value for value in attached if type(value) is cls], cls)

    def lengths(self, values: list[Any]) -> None:
        for value in values:
            self.column("Q", len(value))

    def strings(self, pieces: list[bytes]) -> None:
        if any(b"\0" in piece for piece in pieces):
            self.column("Q", sum(map(len, pieces)) * 2 + 1)
            self.lengths(pieces)
            self.columns += b"".join(pieces)
        else:
            joined = b"\0".join(pieces)
            self.column("Q", len(joined) * 2)
            self.columns += joined


class Decoder:
    """Reads one frame."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.queue: deque[tuple[Any, list[Any]]] = deque()
        self.has_stand_ins = False

    def frame(self, annotation: Any) -> Any:
        value = self.in_record(self.take(measure(annotation)[0]), 0, annotation)
        while self.queue:
            deferred, values = self.queue.popleft()
            for name, part in zip(shape(deferred).extra[1], shape(deferred).parts):
                for made, field in zip(values, self.block(len(values), part)):
                    set_field(made, name, field)
        if self.at != len(self.data):
            raise Damaged("bytes are left")
        return settled(value) if self.has_stand_ins else value

    def take(self, size: int) -> bytes:
        if size > len(self.data) - self.at:
            raise Damaged("the frame ends early")
        self.at += size
        return self.data[self.at - size : self.at]

    def number(self, code: str) -> Any:
        return struct.unpack(f"<{code}", self.take(struct.calcsize(f"<{code}")))[0]

    def numbers(self, code: str, count: int) -> list[Any]:
        if count > len(self.data):
            raise Damaged("the frame ends early")
        return [self.number(code) for _ in range(count)]

    def in_record(self, record: bytes, offset: int, annotation: Any) -> Any:
        kind, parts, extra = shape(annotation)

        def fixed(code: str, at: int = 0) -> Any:
            return struct.unpack_from(f"<{code}", record, offset + at)[0]

        if kind == "number":
            return fixed(extra)
        if kind == "enum":
            return extra(self.in_record(record, offset, parts[0]))
        if kind == "literal":
            return allowed(self.in_record(record, offset, parts[0]), extra)
        if kind in ("bytes", "bigint", *TEXTS):
            data = self.take(fixed("Q", 8))
            if kind in TEXTS:
                return text_from(kind, data.decode())
            return integer_from(data) if kind == "bigint" else data
        if kind == "list":
            return extra(self.block(fixed("Q", 8), parts[0]))
        if kind == "dict":
            count = fixed("Q", 8)
            keys = self.block(count, parts[0])
            return dict(zip(keys, self.block(count, parts[1])))
        if kind in ("optional", "missing"):
            nothing = None if kind == "optional" else MISSING
            return self.block(1, parts[0])[0] if self.flag(fixed("Q")) else nothing
        if kind == "union":
            return self.block(1, self.option(parts, fixed("I")))[0]
        if kind == "datetime":
            return time_from(fixed("q"), fixed("i", 8))
        if kind in NUMBERED:
            return value_from(kind, fixed(NUMBERED[kind]))
        if kind == "UUID":
            return uuid.UUID(bytes=record[offset : offset + 16])
        if kind == "complex":
            return complex(fixed("d"), fixed("d", 8))
        if kind == "dynamic":
            return self.dynamic(1, fixed("I"), fixed("I", 4), fixed("Q", 8))[0]
        end, items = offset, []
        for part in parts:
            size, align = measure(part)
            end += -(end - offset) % align
            items.append(self.in_record(record, end, part))
            end += size
        return tuple(items) if kind == "tuple" else build(annotation, items)

    def block(self, count: int, annotation: Any) -> list[Any]:
        if not count:
            return []
        if count > len(self.data):  # each value of a block takes a byte or more
            raise Damaged("the frame ends early")
        kind, parts, extra = shape(annotation)
        if kind == "number":
            return self.numbers(extra, count)
        if kind == "enum":
            return [extra(value) for value in self.block(count, parts[0])]
        if kind == "literal":
            return [allowed(value, extra) for value in self.block(count, parts[0])]
        if kind in TEXTS:
            return [text_from(kind, text) for text in self.strings(count)]
        if kind == "bytes":
            return [self.take(length) for length in self.numbers("Q", count)]
        if kind == "bigint":
            return [integer_from(self.take(length)) for length in self.numbers("Q", count)]
        if kind == "list":
            return [extra(row) for row in self.rows(count, parts[0])[0]]
        if kind == "dict":
            return [dict(zip(keys, values)) for keys, values in zip(*self.rows(count, *parts))]
        if kind in ("optional", "missing"):
            nothing = None if kind == "optional" else MISSING
            flags = [self.flag(flag) for flag in self.numbers("B", count)]
            present = iter(self.block(sum(flags), parts[0]))
            return [next(present) if flag else nothing for flag in flags]
        if kind == "union":
            tags = [self.option(parts, tag) for tag in self.numbers("B", count)]
            rows = {part: iter(self.block(tags.count(part), part)) for part in parts}
            return [next(rows[tag]) for tag in tags]
        if kind == "datetime":
            return [*map(time_from, self.numbers("q", count), self.numbers("i", count))]
        if kind in NUMBERED:
            return [value_from(kind, number) for number in self.numbers(NUMBERED[kind], count)]
        if kind == "UUID":
            return [uuid.UUID(bytes=self.take(16)) for _ in range(count)]
        if kind == "complex":
            numbers = self.numbers("d", 2 * count)
            return [*map(complex, numbers[::2], numbers[1::2])]
        if kind == "dynamic":
            return self.dynamic(count, self.number("I"), self.number("I"), self.number("Q"))
        if not parts:
            self.take(count)
        if kind == "struct" and contains_itself(annotation):
            is_tuple = issubclass(extra[0], tuple)
            self.has_stand_ins |= is_tuple
            values = [StandIn(extra[0]) if is_tuple else build(annotation, []) for _ in range(count)]
            self.queue.append((annotation, values))
            return values
        columns = [self.block(count, part) for part in parts]
        rows_ = list(zip(*columns)) if parts else [()] * count
        return rows_ if kind == "tuple" else [build(annotation, row) for row in rows_]

    def dynamic(self, n: int, count: int, checksum: int, size: int) -> list[Any]:
        """The `n` values of a stream with `count` attached values."""
        stream = self.take(size)
        if zlib.crc32(stream) != checksum:
            raise Damaged("another checksum")
        tags = self.numbers("H", count)
        columns = {tag: iter(self.block(tags.count(tag), ATTACHED[tag])) for tag in sorted(set(tags))}
        attached = [next(columns[tag]) for tag in tags]
        values = _Unpickler(io.BytesIO(stream), attached).load()
        if type(values) is not list or len(values) != n:
            raise Damaged("another number of values")
        return values

    def rows(self, count: int, *parts: Any) -> list[list[list[Any]]]:
        """For each of `parts`, `count` lists of values, all after the one column of lengths."""
        lengths = self.numbers("Q", count)
        columns = []
        for part in parts:
            items = iter(self.block(sum(lengths), part))
            columns.append([[next(items) for _ in range(length)] for length in lengths])
        return columns

    def strings(self, count: int) -> list[str]:
        head = self.number("Q")
        if head & 1:
            lengths = self.numbers("Q", count)
            pieces = [self.take(length) for length in lengths]
            if sum(lengths) != head >> 1:
                raise Damaged("lengths and size of strings differ")
        else:
            pieces = self.take(head >> 1).split(b"\0")
            if len(pieces) != count:
                raise Damaged("another number of strings")
        return [piece.decode() for piece in pieces]

    def flag(self, value: int) -> bool:
        if value > 1:
            raise Damaged("a flag is 0 or 1")
        return bool(value)

    def option(self, parts: tuple[Any, ...], tag: int) -> Any:
        if tag >= len(parts):
            raise Damaged("no such option")
        return parts[tag]


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: Any, attached: list[Any]) -> None:
        super().__init__(file)
        self.attached = attached

    def persistent_load(self, index: int) -> Any:
        return self.attached[index]

    def find_class(self, module: str, name: str) -> Any:
        raise Damaged("a stream holds data only")


def dynamic_stream(values: list[Any]) -> tuple[bytes, list[Any]]:
    """The stream of dynamic values, and what is attached to it."""
    file, attached = io.BytesIO(), []

    class Pickler(pickle.Pickler):
        def persistent_id(self, value: Any) -> int | None:
            if type(value) not in ATTACHED:
                return None
            attached.append(value)
            return len(attached) - 1

    pickler = Pickler(file, 5)
    pickler.fast = True
    pickler.dump(values)
    return file.getvalue(), attached


def build(annotation: Any, values: Any) -> Any:
    """A struct, made without its constructor: what is deferred gets its fields later."""
    cls, names = shape(annotation).extra
    if issubclass(cls, tuple):
        return cls(*values)
    made = {} if issubclass(cls, dict) else object.__new__(cls)
    for name, value in zip(names, values):
        set_field(made, name, value)
    return made


def set_field(made: Any, name: str, value: Any) -> None:
    """Sets a field of a struct, in frozen ones too."""
    if not isinstance(made, dict):
        object.__setattr__(made, name, value)
    elif value is not MISSING:
        made[name] = value


class StandIn:
    """Stands for a NamedTuple whose fields are read later."""

    def __init__(self, cls: Any) -> None:
        self.cls = cls


def settled(value: Any) -> Any:
    """A value with tuples in place of stand-ins."""
    if isinstance(value, StandIn):
        return value.cls(*[settled(getattr(value, name)) for name in value.cls._fields])
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(settled, value))
    if isinstance(value, (list, tuple)):
        return type(value)(map(settled, value))
    if isinstance(value, dict):
        return {key: settled(item) for key, item in value.items()}
    if dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            object.__setattr__(value, field.name, settled(getattr(value, field.name)))
    return value


def time_from(micros: int, offset: int) -> datetime:
    """The inverse of `times_of`."""
    local = datetime(1970, 1, 1) + timedelta(microseconds=micros, seconds=offset)
    return local.replace(tzinfo=timezone(timedelta(seconds=offset)))


def encode(value: Any, annotation: Any) -> bytes:
    """The frame, without header, of one value."""
    return Encoder().frame(value, annotation)


def decode(data: bytes, annotation: Any) -> Any:
    """The value of a frame without header."""
    return Decoder(data).frame(annotation)
