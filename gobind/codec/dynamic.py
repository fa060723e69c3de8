"""Dynamic values: what travels as a stream of opcodes, written and read in C by `pickle`.

The stream holds what every document holds: None, bool, int, float, str, bytes, lists and dicts. Values of other types
are *attached*: they follow in blocks of their own, and the stream refers to them (`gobind.protocol` has the format).

Neither direction can make an object that the contract does not know: Go takes the opcodes of data only, and here
`find_class` refuses every name.
"""

from __future__ import annotations

import enum
import operator
import struct
from binascii import crc32
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gobind import protocol
from gobind.codec.columns import get_bytes, get_str, get_u64
from gobind.codec.frames import CorruptFrame, Get, Input, Output, Put
from gobind.codec.leaves import codec_of, decode
from gobind.contract.leaves import COMPLEX, DATETIME, TIMEDELTA, UUID
from gobind.contract.types import Node, StructTable, StructType
from gobind.forklock import lazy_import

STREAM_PROTOCOL = 5

SET_OPCODES = b"\x8f", b"\x91"
"""Opcodes of sets, which `pickle` writes without asking. Text and numbers have such bytes, too."""
_HEAD = struct.Struct("<IIQ")
ATTACHED_LEAVES = {
    protocol.ATTACHED_DATETIME: DATETIME,
    protocol.ATTACHED_TIMEDELTA: TIMEDELTA,
    protocol.ATTACHED_UUID: UUID,
    protocol.ATTACHED_COMPLEX: COMPLEX,
}
_TAGS = {(leaf.module, leaf.text): tag for tag, leaf in ATTACHED_LEAVES.items()}


class NeedsAttached(Exception):
    """A value of the stream has to be attached."""


class DynamicCodec:
    """The codec of all dynamic values of one contract: `put` and `get` of blocks, and both for a record's value.

    Args:
        put, get: give what puts and gets blocks of a struct.
    """

    def __init__(self, structs: StructTable, put: Callable[[Node], Put], get: Callable[[Node], Get]) -> None:
        self._structs = structs
        self._put, self._get = put, get
        self._tags = _Tags(structs)
        self._pickling = lazy_import("gobind.codec.pickling")

    def put(self, out: Output, values: list[Any]) -> None:
        """Puts a block."""
        if values:
            position = len(out)
            out.append(b"")
            out[position] = _HEAD.pack(*self.put_stream(out, values))

    def get(self, source: Input, n: int) -> list[Any]:
        """Gets a block."""
        return self.get_stream(source, n, *_HEAD.unpack(source.take(_HEAD.size))) if n else []

    def put_stream(self, out: Output, values: list[Any]) -> tuple[int, int, int]:
        """Puts a stream without its head.

        Returns:
            the head: the number of attached values, the stream's checksum and size.
        """
        stream, attached = self._pickling.dump(values, self._tags)
        out.append(stream)
        if attached:
            tags = [self._tags[type(value)] for value in attached]
            out.append(struct.pack(f"<{len(tags)}H", *tags))
            for tag in sorted(set(tags)):
                self._put_of(tag)(out, [value for value, its in zip(attached, tags) if its == tag])
        return len(attached), crc32(stream), len(stream)

    def get_stream(self, source: Input, n: int, count: int, checksum: int, size: int) -> list[Any]:
        """Gets the `n` values of a stream whose head has been read."""
        values: list[Any] = []
        stream = source.take(size)
        if crc32(stream) != checksum:  # `pickle` may take any amount of memory for a damaged one
            raise CorruptFrame("corrupted frame: the checksum of a stream is another")
        load = self._pickling.load

        def build() -> None:
            takes = {tag: iter(column).__next__ for tag, column in columns.items()}
            made = load(stream, [takes[tag]() for tag in tags])
            if type(made) is not list or len(made) != n:
                raise CorruptFrame(f"corrupted frame: a stream of {n} values expected")
            values.extend(made)

        source.steps.append(build)
        tags = struct.unpack(f"<{count}H", source.take(2 * count))
        columns = {tag: self._get_of(tag)(source, tags.count(tag)) for tag in sorted(set(tags))}
        return values

    def _put_of(self, tag: int) -> Put:
        if tag in ATTACHED_LEAVES:
            return codec_of(ATTACHED_LEAVES[tag]).put
        return self._put(self._structs.at(tag - protocol.ATTACHED_STRUCTS))

    def _get_of(self, tag: int) -> Get:
        if tag in ATTACHED_LEAVES:
            return codec_of(ATTACHED_LEAVES[tag]).get
        if tag == protocol.ATTACHED_BROKEN:
            return get_broken
        return self._get(struct_at(self._structs, tag))


def struct_at(structs: StructTable, tag: int) -> StructType:
    """Returns the struct of a tag.

    Raises:
        CorruptFrame: there is none.
    """
    index = tag - protocol.ATTACHED_STRUCTS
    if not 0 <= index < len(structs.names):
        raise CorruptFrame(f"corrupted frame: an attached value of type {tag}")
    return structs.at(index)


def get_broken(source: Input, n: int) -> list[Any]:
    """Gets strings of Go's that are not UTF-8: raises what is wrong with the first.

    Raises:
        UnicodeDecodeError: with the place inside the dynamic value.
    """
    _, places, texts = get_u64(source, n), get_str(source, n), get_bytes(source, n)
    for place, text in zip(places, texts):
        decode(place, text)
    raise CorruptFrame("corrupted frame: a string that Go takes for broken is UTF-8")


class _Tags(dict):  # type: ignore[type-arg]
    """The tag of each class whose instances are attached; None for all other classes, found when first asked for."""

    def __init__(self, structs: StructTable) -> None:
        self._structs = structs

    def __missing__(self, cls: type) -> int | None:
        tag = _leaf_tag(cls)
        if tag is None:
            index = self._structs.index_of(cls)
            tag = None if index is None else index + protocol.ATTACHED_STRUCTS
        if len(self) >= 1000:  # a program may make classes in functions: not all of them are kept alive
            self.clear()
        self[cls] = tag
        return tag


def _leaf_tag(cls: type) -> int | None:
    for base in cls.__mro__:
        tag = _TAGS.get((base.__module__, base.__qualname__))
        if tag is not None:
            return tag
    return None


def plain_of(value: Any) -> Any:
    """Returns the value that stands for one of no builtin type in a stream.

    An enum's member goes by its value, which may be of any type; a subclass of a builtin type as that type, any mapping
    as a dict, any sequence as a list.

    Raises:
        TypeError: there is none.
    """
    if isinstance(value, enum.Enum):
        return value.value
    cls = type(value)  # not `isinstance`, which believes what a proxy says of itself
    for base, exact in _EXACT.items():
        if issubclass(cls, base):
            return exact(value)
    if issubclass(cls, Mapping):
        return dict(value)
    if issubclass(cls, Sequence) and not issubclass(cls, range) and not hasattr(cls, "_fields"):
        return list(value)
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(f"{cls.__name__} has no dynamic value in Go") from None


def _bytes_of(value: Any) -> bytes:
    return memoryview(value).tobytes()  # `bytes` would call `__bytes__`, which may say anything


_EXACT: dict[type, Callable[[Any], Any]] = {
    str: str.__str__,
    int: int.__int__,
    float: float.__float__,
    bytes: _bytes_of,
    bytearray: _bytes_of,
    memoryview: _bytes_of,
    dict: dict,
    list: list,
}
