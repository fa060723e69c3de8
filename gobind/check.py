"""The slow walk over a value: finds what is wrong with it and says where.

Fast code finds only that something is wrong. This one is complete and plain; it costs no stack,
however deep a value is. Imports `gobind.nodes`.
"""

from __future__ import annotations

import struct
from collections.abc import AsyncIterable, Callable, Iterable, Iterator, Mapping, Sequence, Set
from typing import Any, Union

from gobind.nodes import (
    BYTES,
    DATETIME,
    STR,
    TIMEDELTA,
    UUID,
    BufferType,
    CallableType,
    DictType,
    EnumType,
    InterfaceType,
    Leaf,
    ListType,
    Node,
    OptionalType,
    SetType,
    StreamType,
    StructType,
    TupleType,
    UnionType,
)
from gobind.words import SCALARS, Scalar


class Path:
    """What a part of a value is called in messages, put together only when it is asked for.

    So parts of a deep value share what they have in common: written out, the paths of a chain of 100,000
    would take gigabytes. The middle of a very long path is left out.
    """

    __slots__ = ("_last", "_whole")

    def __init__(self, whole: Place, last: str) -> None:
        self._whole = whole
        self._last = last

    def __str__(self) -> str:
        pieces: list[str] = []
        place: Place = self
        while isinstance(place, Path):
            pieces.append(place._last)
            place = place._whole
        pieces.append(place)
        if len(pieces) > 2 * _PATH_END:
            pieces[_PATH_END:-_PATH_END] = [" ... "]
        return "".join(reversed(pieces))


Place = Union[str, Path]
_PATH_END = 20
_Step = tuple[Node, Any, Place]


def check(node: Node, value: Any, path: Place) -> None:
    """Refuse a value that `node` cannot represent.

    Args:
        path: what the value is called in the message; a struct goes by its class's name.

    Raises:
        TypeError, OverflowError, UnicodeEncodeError, ValueError: with the path of the first mistake.
    """
    todo: list[_Step | int] = [(node, value, path)]
    active: set[int] = set()  # ids of the recursive structs that contain the present value
    done: set[int] = set()
    while todo:
        step = todo.pop()
        if isinstance(step, int):
            active.discard(step)
            done.add(step)
            continue
        node, value, path = step
        if isinstance(node, StructType) and node.is_recursive and isinstance(value, node.cls):
            if id(value) in active:
                raise ValueError(f"{path}: the value contains itself")
            if id(value) in done:
                continue
            active.add(id(value))
            todo.append(id(value))
        todo.extend(reversed([*_parts(node, value, path)]))


def check_unchanged(error: BaseException | None) -> None:
    """Say why a value was refused with `error` that `check` finds nothing wrong with: it has changed since.

    Raises:
        RuntimeError: `error` tells nothing by itself; all others are let be.
    """
    if isinstance(error, struct.error) or (isinstance(error, TypeError) and not error.args):
        raise RuntimeError("a value changed while it was read") from None


def root_path(node: Node, name: str, value: Any) -> str:
    """What paths into a parameter begin with: the class of a struct, else the parameter's name."""
    return node.text if isinstance(node, StructType) and isinstance(value, node.cls) else name


def _parts(node: Node, value: Any, path: Place) -> Iterator[_Step]:
    """Check `value` itself and yield what it is made of."""
    if isinstance(node, Scalar):
        _check_scalar(node, value, path)
    elif isinstance(node, Leaf):
        _check_leaf(node, value, path)
    elif isinstance(node, StructType):
        _expect(value, node.cls, node, path)
        for field in node.fields:
            yield field.type, _attribute(value, field.name, path), Path(path, f".{field.name}")
    elif isinstance(node, ListType):
        _expect(value, Sequence, node, path, refused=str)
        if isinstance(value, memoryview):
            _check_view(node, value, path)
        for index, item in enumerate(value):
            yield node.item, item, Path(path, f"[{index}]")
    elif isinstance(node, SetType):
        _expect(value, Set, node, path)
        for item in value:
            yield node.item, item, Path(path, f" item {item!r}")
    elif isinstance(node, DictType):
        _expect(value, Mapping, node, path)
        for key, item in value.items():
            yield node.key, key, Path(path, f" key {key!r}")
            yield node.value, item, Path(path, f"[{key!r}]")
    elif isinstance(node, OptionalType):
        if value is not None:
            yield node.item, value, path
    elif isinstance(node, TupleType):
        _expect(value, tuple, node, path)
        if len(value) != len(node.items):
            raise TypeError(f"{path}: expected {node.text}, got a tuple of {len(value)}")
        for index, (item_type, item) in enumerate(zip(node.items, value)):
            yield item_type, item, Path(path, f"[{index}]")
    elif isinstance(node, UnionType):
        yield _option(node, value, path), value, path
    elif isinstance(node, EnumType):
        _expect(value, node.cls, node, path)
    elif isinstance(node, InterfaceType):
        if not implements(value, node):
            missing = [
                method.name for method in node.methods if not callable(getattr(value, method.name, None))
            ]
            got = f"{type(value).__name__}, which has no method {missing[0]}"
            raise TypeError(f"{path}: expected {node.text}, got {got}")
    elif isinstance(node, CallableType):
        _expect(value, Callable, node, path)
    elif isinstance(node, StreamType):
        _expect(value, AsyncIterable if node.is_async else Iterable, node, path)
    else:
        assert isinstance(node, BufferType)  # borrowing it explains itself


def implements(value: Any, node: InterfaceType) -> bool:
    """True if `value` may be passed as an interface: it is an instance, or has all the methods."""
    if node.cls in type(value).__mro__:  # isinstance refuses protocols
        return True
    return all(callable(getattr(value, method.name, None)) for method in node.methods)


def _attribute(value: Any, name: str, path: Place) -> Any:
    try:
        return getattr(value, name)
    except AttributeError:
        raise TypeError(f"{path}.{name}: the field was never set") from None


def _expect(value: Any, cls: Any, node: Node, path: Place, refused: Any = ()) -> None:
    if not isinstance(value, cls) or isinstance(value, refused):
        raise TypeError(f"{path}: expected {node.text}, got {type(value).__name__}")


def _option(node: UnionType, value: Any, path: Place) -> StructType:
    tag = node.tag_of(value)
    if tag is not None:
        return node.options[tag]
    names = " or ".join(option.text for option in node.options)
    raise TypeError(f"{path}: expected {names}, got {type(value).__name__}")


def _check_scalar(node: Scalar, value: Any, path: Place) -> None:
    if node.text == "bool":
        _expect(value, bool, node, path)
    elif node.code in "fd":
        try:
            struct.pack(f"<{node.code}", value)
        except Exception as error:
            if isinstance(error, OverflowError) or isinstance(value, int):
                raise OverflowError(f"{path}: {_short(value)} does not fit {node.text}") from None
            raise TypeError(f"{path}: expected {node.text}, got {type(value).__name__}") from None
    else:
        try:
            number = value.__index__()
        except AttributeError:
            raise TypeError(f"{path}: expected {node.text}, got {type(value).__name__}") from None
        if not node.low <= number <= node.high:
            raise OverflowError(f"{path}: {_short(number)} does not fit {node.text}")


def _short(number: Any) -> str:
    if isinstance(number, int) and number.bit_length() > 256:  # repr of a huge int is slow, or refused
        return f"an integer of {number.bit_length()} bits"
    return repr(number)


def _check_leaf(node: Leaf, value: Any, path: Place) -> None:
    if node is STR:
        _expect(value, str, node, path)
        try:
            value.encode()
        except UnicodeEncodeError as error:
            reason = f"{path}: {error.reason}"
            raise UnicodeEncodeError("utf-8", error.object, error.start, error.end, reason) from None
    elif node is BYTES:
        try:
            memoryview(value)
        except (TypeError, ValueError, BufferError) as error:
            got = type(value).__name__ + (f": {error}" if not isinstance(error, TypeError) else "")
            raise TypeError(f"{path}: expected bytes, got {got}") from None
    elif node is DATETIME:
        _check_datetime(node, value, path)
    elif node is TIMEDELTA:
        from datetime import timedelta

        _expect(value, timedelta, node, path)
        nanos = value // timedelta(microseconds=1) * 1000
        if not SCALARS["int"].low <= nanos <= SCALARS["int"].high:
            raise OverflowError(f"{path}: {value} does not fit timedelta: Go counts nanoseconds in 64 bits")
    elif node is UUID:
        from uuid import UUID as UniqueID

        _expect(value, UniqueID, node, path)


def _check_view(node: Node, value: memoryview, path: Place) -> None:
    """Refuse a memoryview that was released, or whose items Python cannot make objects of."""
    try:
        list(value)
    except (TypeError, ValueError, NotImplementedError) as error:
        raise TypeError(f"{path}: expected {node.text}, got memoryview: {error}") from None


def _check_datetime(node: Leaf, value: Any, path: Place) -> None:
    from datetime import datetime

    _expect(value, datetime, node, path)
    offset = value.utcoffset()
    if offset is None:
        raise TypeError(f"{path}: expected an aware datetime, got a naive one: {value}")
    if offset.microseconds:
        raise ValueError(f"{path}: the UTC offset of {value} has a fraction of a second")
