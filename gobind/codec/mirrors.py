"""Mirrors: ctypes Structures with the layout that Go sees, and conversions of values to and from them.

They define and verify layouts, and serve cgo libraries and `Buffer`; calls of a contract's methods do not use them.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from typing import Any
from weakref import WeakKeyDictionary

from gobind.codec.layout import layout_of
from gobind.codec.leaves import codec_of
from gobind.contract.decorators import STRUCT, kind_of
from gobind.contract.leaves import Leaf
from gobind.contract.resolve import Schema
from gobind.contract.scalars import Scalar
from gobind.contract.types import (
    DictType,
    EnumType,
    ListType,
    Node,
    OptionalType,
    SetType,
    StructType,
    TupleType,
    UnionType,
)
from gobind.contract.validate import check
from gobind.errors import ContractError


class ListRef(ctypes.Structure):
    """A pointer to ``len`` mirrors of items; the items of a dict are pairs."""

    _fields_ = [("ptr", ctypes.c_void_p), ("len", ctypes.c_uint64)]


class UnionRef(ctypes.Structure):
    """A pointer to the mirror of the option with index ``tag``."""

    _fields_ = [("tag", ctypes.c_uint32), ("ptr", ctypes.c_void_p)]


NUMBERS: dict[str, Any] = {
    "?": ctypes.c_bool,
    "b": ctypes.c_int8,
    "h": ctypes.c_int16,
    "i": ctypes.c_int32,
    "q": ctypes.c_int64,
    "B": ctypes.c_uint8,
    "H": ctypes.c_uint16,
    "I": ctypes.c_uint32,
    "Q": ctypes.c_uint64,
    "f": ctypes.c_float,
    "d": ctypes.c_double,
}

_nodes: WeakKeyDictionary[type, StructType] = WeakKeyDictionary()
_mirrors: WeakKeyDictionary[type, Any] = WeakKeyDictionary()


def mirror(cls: type) -> type[ctypes.Structure]:
    """Returns the `ctypes.Structure` of a gostruct: the same field names, C layout.

    ``str`` and ``bytes`` become ``StringRef{ptr, len}``, lists, sets and dicts ``ListRef{ptr, len}``,
    `Optional` a pointer, a nested struct is inline.

    Raises:
        ContractError: `cls` is not a gostruct, or one of its annotations is not supported.

    >>> import gobind
    >>> @gobind.gostruct
    ... class Pixel:
    ...     x: gobind.u16
    ...     y: gobind.u32
    >>> gobind.mirror(Pixel).y.offset
    4
    """
    return mirror_of(node_of(cls))  # type: ignore[no-any-return]


def node_of(cls: Any) -> StructType:
    """Returns the node of a gostruct outside any contract."""
    if kind_of(cls) != STRUCT:
        name = cls.__name__ if isinstance(cls, type) else type(cls).__name__
        raise ContractError(f"{name}: not a gostruct; decorate the class with @gostruct")
    if cls not in _nodes:
        _nodes[cls] = Schema().struct(cls)
    return _nodes[cls]


def mirror_of(node: StructType) -> Any:
    """Returns the mirror of a node's class, the same one each time."""
    made = _mirrors.get(node.cls)
    if made is None:
        fields = [(field.name, _ctype_of(field.type)) for field in node.fields]
        members = {"_fields_": fields, "_gobind_node": node}
        made = _mirrors[node.cls] = type(node.text, (ctypes.Structure,), members)
        assert ctypes.sizeof(made) == layout_of(node).size, node.text
    return made


def _ctype_of(node: Node) -> Any:
    if isinstance(node, Scalar):
        return NUMBERS[node.code]
    if isinstance(node, Leaf):
        return codec_of(node).mirror
    if isinstance(node, StructType):
        return mirror_of(node)
    if isinstance(node, EnumType):
        return _ctype_of(node.base)
    if isinstance(node, OptionalType):
        return ctypes.c_void_p
    if isinstance(node, UnionType):
        return UnionRef
    if isinstance(node, TupleType):
        fields = [(f"v{position}", _ctype_of(item)) for position, item in enumerate(node.items)]
        return type(node.text, (ctypes.Structure,), {"_fields_": fields})
    return ListRef


def to_mirror(value: Any) -> Any:
    """Returns the mirror of a gostruct instance. It keeps alive what it points to.

    Raises:
        TypeError, OverflowError, UnicodeEncodeError, ValueError: the value does not fit its annotations.
    """
    node = node_of(type(value))
    check(node, value, node.text)
    kept: list[Any] = []
    made = mirror_of(node)()
    _write(made, node, value, kept)
    made._gobind_kept = kept
    return made


def from_mirror(mirror: Any) -> Any:
    """Returns the gostruct instance that a mirror shows.

    Raises:
        TypeError: `mirror` is not a mirror.
    """
    node = getattr(mirror, "_gobind_node", None)
    if not isinstance(node, StructType):
        raise TypeError(f"expected a mirror made by gobind, got {type(mirror).__name__}")
    return _read(mirror, node)


def _write(target: Any, node: StructType | TupleType, value: Any, kept: list[Any]) -> None:
    """Sets the fields of the mirror `target`."""
    for (name, _), (inner, item) in zip(target._fields_, _items(node, value)):
        if isinstance(inner, (StructType, TupleType)):
            _write(getattr(target, name), inner, item, kept)
        else:
            setattr(target, name, _to_field(inner, item, kept))


def _items(node: StructType | TupleType, value: Any) -> Iterable[tuple[Node, Any]]:
    if isinstance(node, TupleType):
        return zip(node.items, value)
    return [(field.type, getattr(value, field.name)) for field in node.fields]


def _to_field(node: Node, value: Any, kept: list[Any]) -> Any:
    """Returns the value for a field of a mirror; adds the memory it points to to `kept`."""
    if isinstance(node, Leaf):
        return codec_of(node).to_mirror(value, kept)
    if isinstance(node, EnumType):
        return _to_field(node.base, value.value, kept)
    if isinstance(node, (ListType, SetType)):
        return _list_ref(node.item, list(value), kept)
    if isinstance(node, DictType):
        return _list_ref(TupleType((node.key, node.value)), list(value.items()), kept)
    if isinstance(node, OptionalType):
        return None if value is None else _list_ref(node.item, [value], kept).ptr
    if isinstance(node, UnionType):
        tag = node.tag_of(value)
        assert tag is not None  # checked before
        return UnionRef(tag, _list_ref(node.options[tag], [value], kept).ptr)
    return value


def _keep(memory: Any, kept: list[Any]) -> int:
    kept.append(memory)
    return ctypes.addressof(memory)


def _list_ref(node: Node, values: list[Any], kept: list[Any]) -> ListRef:
    if not values:
        return ListRef(None, 0)
    ctype = _ctype_of(node)
    memory = (ctype * len(values))()
    for position, value in enumerate(values):
        if isinstance(node, (StructType, TupleType)):
            _write(memory[position], node, value, kept)
        else:
            memory[position] = _to_field(node, value, kept)
    return ListRef(_keep(memory, kept), len(values))


def _read(source: Any, node: StructType) -> Any:
    """Returns the struct that the mirror `source` shows."""
    positional, named, late = [], {}, {}
    for field in node.fields:
        value = _value(getattr(source, field.name), field.type)
        if not field.init:
            late[field.name] = value
        elif field.keyword_only:
            named[field.name] = value
        else:
            positional.append(value)
    made = node.cls(*positional, **named)
    for name, value in late.items():
        object.__setattr__(made, name, value)
    return made


def _value(raw: Any, node: Node) -> Any:
    """Returns the value that one field of a mirror shows."""
    if isinstance(node, Leaf):
        return codec_of(node).from_mirror(raw)
    if isinstance(node, StructType):
        return _read(raw, node)
    if isinstance(node, TupleType):
        return tuple(_value(getattr(raw, name), item) for (name, _), item in zip(raw._fields_, node.items))
    if isinstance(node, EnumType):
        return node.cls(_value(raw, node.base))
    if isinstance(node, (ListType, SetType)):
        return node.container(_values(raw.ptr, raw.len, node.item))
    if isinstance(node, DictType):
        return dict(_values(raw.ptr, raw.len, TupleType((node.key, node.value))))
    if isinstance(node, OptionalType):
        return _values(raw, 1, node.item)[0] if raw else None
    if isinstance(node, UnionType):
        return _values(raw.ptr, 1, node.options[raw.tag])[0]
    return raw


def _values(address: int, count: int, node: Node) -> list[Any]:
    if not count:
        return []
    memory = (_ctype_of(node) * count).from_address(address)
    return [_value(memory[position], node) for position in range(count)]
