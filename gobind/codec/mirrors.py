"""Mirrors: ctypes Structures with the layout that Go sees, and conversions of values to and from them.

They define and verify layouts, and serve cgo libraries and `Buffer`; calls of a contract's methods do not use them.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, get_origin
from weakref import WeakKeyDictionary

from gobind.codec.columns import without_absent
from gobind.codec.layout import layout_of
from gobind.codec.leaves import codec_of
from gobind.contract.classes import ABSENT, class_kind
from gobind.contract.decorators import ERROR, kind_of
from gobind.contract.leaves import Leaf, excerpt
from gobind.contract.resolve import Schema
from gobind.contract.scalars import Scalar
from gobind.contract.types import (
    BufferType,
    CallableType,
    DictType,
    DynamicType,
    EnumType,
    Field,
    InterfaceType,
    ListType,
    LiteralType,
    Node,
    OptionalType,
    Record,
    SetType,
    StreamType,
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
_nodes_of_uses: dict[
    Any, StructType
] = {}  # of generic classes; a use, as ``Page[User]``, may be gone at once
_mirrors: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()


def mirror(cls: Any) -> type[ctypes.Structure]:
    """Returns the `ctypes.Structure` of a gostruct: the same field names, C layout.

    The class may also be a dataclass, a NamedTuple, a TypedDict, or a use of a generic one.

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
    """Returns the node of a struct's class, or of a use of a generic one, outside any contract."""
    origin = get_origin(cls) or cls
    if class_kind(origin) is None or kind_of(origin) == ERROR:
        name = cls.__name__ if isinstance(cls, type) else type(cls).__name__
        raise ContractError(f"{name}: not a gostruct; decorate the class with @gostruct")
    nodes: Any = _nodes if origin is cls else _nodes_of_uses
    if cls not in nodes:
        nodes[cls] = Schema().struct(cls)
    return nodes[cls]  # type: ignore[no-any-return]


def mirror_of(node: StructType) -> Any:
    """Returns the mirror of a node's class, the same one each time; of a use of a generic class, that of the node."""
    key = node if node.arguments else node.cls
    made = _mirrors.get(key)
    if made is None:
        fields = [(field.name, _ctype_of(field.type)) for field in node.fields]
        members = {"_fields_": fields, "_gobind_node": node}
        made = _mirrors[key] = type(node.text, (ctypes.Structure,), members)
        assert ctypes.sizeof(made) == layout_of(node).size, node.text
    return made


def _ctype_of(node: Node) -> Any:
    return _KINDS[type(node)].ctype(node)


def _tuple_ctype(node: TupleType) -> Any:
    fields = [(f"v{position}", _ctype_of(item)) for position, item in enumerate(node.items)]
    return type(node.text, (ctypes.Structure,), {"_fields_": fields})


def to_mirror(value: Any, cls: Any = None) -> Any:
    """Returns the mirror of a gostruct instance. It keeps alive what it points to.

    Args:
        cls: the class whose mirror it is, if that is not the value's own: a TypedDict, or a use of a generic class.

    Raises:
        TypeError, OverflowError, UnicodeEncodeError, ValueError: the value does not fit its annotations.
    """
    return to_mirror_of(node_of(type(value) if cls is None else cls), value)


def to_mirror_of(node: StructType, value: Any) -> Any:
    """Returns the mirror of a value of `node`."""
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


def _write(target: Any, node: Record, value: Any, kept: list[Any]) -> None:
    """Sets the fields of the mirror `target`."""
    for (name, _), (inner, item) in zip(target._fields_, _items(node, value)):
        if isinstance(inner, Record):
            _write(getattr(target, name), inner, item, kept)
        else:
            setattr(target, name, _KINDS[type(inner)].set_to(inner, item, kept))


def _items(node: Record, value: Any) -> Iterable[tuple[Node, Any]]:
    if isinstance(node, StructType):
        return [(field.type, _field(node, field, value)) for field in node.fields]
    return zip(node.children, value)


def _field(node: StructType, field: Field, value: Any) -> Any:
    return ABSENT if field.may_be_missing and field.name not in value else node.kind.get(value, field.name)


def _union_ref(node: UnionType, value: Any, kept: list[Any]) -> UnionRef:
    tag = node.tag_of(value)
    return UnionRef(tag, _list_ref(node.options[tag], [value], kept).ptr)


def _keep(memory: Any, kept: list[Any]) -> int:
    kept.append(memory)
    return ctypes.addressof(memory)


def _list_ref(node: Node, values: list[Any], kept: list[Any]) -> ListRef:
    if not values:
        return ListRef(None, 0)
    ctype = _ctype_of(node)
    memory = (ctype * len(values))()
    for position, value in enumerate(values):
        if isinstance(node, Record):
            _write(memory[position], node, value, kept)
        else:
            memory[position] = _KINDS[type(node)].set_to(node, value, kept)
    return ListRef(_keep(memory, kept), len(values))


def _read(source: Any, node: StructType) -> Any:
    """Returns the struct that the mirror `source` shows."""
    if node.kind.is_dict:
        shown = {field.name: _value(getattr(source, field.name), field.type) for field in node.fields}
        return without_absent(shown)
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
    return _KINDS[type(node)].shown(node, raw)


def _shown_tuple(node: TupleType, raw: Any) -> tuple[Any, ...]:
    return tuple(_value(getattr(raw, name), item) for (name, _), item in zip(raw._fields_, node.items))


def _shown_literal(node: LiteralType, raw: Any) -> Any:
    value = _value(raw, node.base)
    if value not in node.values:
        raise ValueError(f"expected {node.allowed}, got {excerpt(value)}")
    return value


def _values(address: int, count: int, node: Node) -> list[Any]:
    if not count:
        return []
    memory = (_ctype_of(node) * count).from_address(address)
    return [_value(memory[position], node) for position in range(count)]


def _pair(node: DictType) -> TupleType:
    return TupleType((node.key, node.value))


def _refuse(node: Node, *_: Any) -> Any:
    raise ContractError(f"{node.text}: an object means nothing outside a library: it has no mirror")


def _refuse_dynamic(node: Node, *_: Any) -> Any:
    raise ContractError(f"{node.text}: a dynamic value is no C data: it has no mirror")


class _Kind(NamedTuple):
    """How values of one kind of node stand in a mirror.

    Attributes:
        ctype: ``ctype(node)`` is the type of a field.
        shown: ``shown(node, raw)`` is the value that a field shows.
        set_to: ``set_to(node, value, kept)`` is what a field is set to; what it points to is added to ``kept``.
            Records have none: `_write` fills in the field as it stands.
    """

    ctype: Callable[[Any], Any]
    shown: Callable[[Any, Any], Any]
    set_to: Callable[[Any, Any, list[Any]], Any] = _refuse


_OBJECT = _Kind(_refuse, _refuse)
_ITEMS = _Kind(
    lambda _: ListRef,
    lambda node, raw: node.container(_values(raw.ptr, raw.len, node.item)),
    lambda node, value, kept: _list_ref(node.item, list(value), kept),
)
_KINDS: dict[type, _Kind] = {
    Scalar: _Kind(
        lambda node: NUMBERS[node.code],
        lambda _, raw: raw,
        lambda _, value, kept: value,
    ),
    Leaf: _Kind(
        lambda node: codec_of(node).mirror,
        lambda node, raw: codec_of(node).from_mirror(raw),
        lambda node, value, kept: codec_of(node).to_mirror(value, kept),
    ),
    StructType: _Kind(mirror_of, lambda node, raw: _read(raw, node)),
    TupleType: _Kind(_tuple_ctype, _shown_tuple),
    EnumType: _Kind(
        lambda node: _ctype_of(node.base),
        lambda node, raw: node.cls(_value(raw, node.base)),
        lambda node, value, kept: _KINDS[type(node.base)].set_to(node.base, value.value, kept),
    ),
    LiteralType: _Kind(
        lambda node: _ctype_of(node.base),
        _shown_literal,
        lambda node, value, kept: _KINDS[type(node.base)].set_to(node.base, value, kept),
    ),
    ListType: _ITEMS,
    SetType: _ITEMS,
    DictType: _Kind(
        lambda _: ListRef,
        lambda node, raw: dict(_values(raw.ptr, raw.len, _pair(node))),
        lambda node, value, kept: _list_ref(_pair(node), list(value.items()), kept),
    ),
    OptionalType: _Kind(
        lambda _: ctypes.c_void_p,
        lambda node, raw: _values(raw, 1, node.item)[0] if raw else node.absent,
        lambda node, value, kept: None if value is node.absent else _list_ref(node.item, [value], kept).ptr,
    ),
    UnionType: _Kind(
        lambda _: UnionRef,
        lambda node, raw: _values(raw.ptr, 1, node.options[raw.tag])[0],
        _union_ref,
    ),
    DynamicType: _Kind(_refuse_dynamic, _refuse_dynamic),
    BufferType: _OBJECT,  # never inside a struct
    InterfaceType: _OBJECT,
    CallableType: _OBJECT,
    StreamType: _OBJECT,
}
