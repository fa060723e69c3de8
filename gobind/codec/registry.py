"""The codec of a contract's types: for each node a function that writes a block (put) and one that reads it (get).

Functions for structs are generated; all others are made by `gobind.codec.columns`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from itertools import repeat
from operator import countOf
from typing import Any

from gobind.codec import collector, columns
from gobind.codec.dynamic import DynamicCodec
from gobind.codec.frames import Get, Handles, Input, Output, Put
from gobind.codec.leaves import codec_of
from gobind.codec.source import Namespace, Source
from gobind.contract.decorators import ERROR, kind_of, maker_of, only_sets_fields
from gobind.contract.leaves import Leaf
from gobind.contract.scalars import SCALARS, Scalar
from gobind.contract.types import (
    CallableType,
    DictType,
    DynamicType,
    EnumType,
    InterfaceType,
    ListType,
    LiteralType,
    Node,
    OptionalType,
    SetType,
    StreamType,
    StructTable,
    StructType,
    TupleType,
    UnionType,
)
from gobind.errors import ContractError
from gobind.forklock import fork_lock

_SCALARS: dict[str, tuple[Put, Get]] = {
    name: (columns.put_numbers(scalar.code), columns.get_numbers(scalar.code))
    for name, scalar in SCALARS.items()
}
_SCALARS["u8"] = (_SCALARS["u8"][0], columns.get_u8)
_SCALARS["bool"] = (columns.put_bool, _SCALARS["bool"][1])


class Blocks:
    """The put and get functions of all nodes of one contract, made on first use.

    Attributes:
        namespace: the globals of all functions generated for this contract.
        handles: converts objects to handles and back; None without a library.
    """

    def __init__(self, handles: Handles | None = None, structs: StructTable | None = None) -> None:
        self.handles = handles
        self._structs = structs or StructTable(lambda cls: None)
        self.namespace = Namespace()
        self._puts: dict[str, Put] = {}
        self._gets: dict[str, Get] = {}
        self._others: dict[str, Callable[[Output, Any], Any]] = {}
        self._readers: dict[str, tuple[Callable[[Any], Any], Callable[[list[Any]], list[Any]]]] = {}

    def put(self, node: Node) -> Put:
        """Returns the function ``put(out, values)`` that writes a block of `node`."""
        with fork_lock:
            made = self._puts.get(node.text)
            if made is None:
                made = self._puts[node.text] = _MAKERS[type(node)][0](self, node)
            return made

    def get(self, node: Node) -> Get:
        """Returns the function ``get(source, n)`` that reads a block of `node`."""
        with fork_lock:
            made = self._gets.get(node.text)
            if made is None:
                made = self._gets[node.text] = _MAKERS[type(node)][1](self, node)
            return made

    def member_of(self, node: EnumType | LiteralType) -> Any:
        """Returns the function from a value to the member of an enum or Literal; it raises for unknown values."""
        if isinstance(node, LiteralType):
            return {value: value for value in node.values}.__getitem__
        if node.is_flag:
            return node.cls
        return {member.value: member for member in node.cls.__members__.values()}.__getitem__

    def need_handles(self, node: Node) -> Handles:
        """Returns `handles`.

        Raises:
            ContractError: there is no library that could know an object.
        """
        if self.handles is None:
            raise ContractError(
                f"{node.text}: an object means nothing outside a library: it cannot be flattened"
            )
        return self.handles

    @functools.cached_property
    def dynamic(self) -> DynamicCodec:
        """The codec of dynamic values."""
        return DynamicCodec(self._structs, self.put, self.get)

    def list_put(self, node: ListType) -> Put:
        """Returns the put of lists."""
        put = self.put(node.item)
        if node.numbers is None:
            return columns.put_lists(put)
        item, depth = node.numbers
        return columns.put_lists(
            put, rows_of=columns.as_numbers(item, depth), numbers=(self.put(item), item, depth)
        )

    def other_put(self, node: ListType) -> Callable[[Output, Any], Any]:
        """Returns the function that writes one list of numbers, at any depth, that is no `list`."""
        with fork_lock:
            made = self._others.get(node.text)
            if made is None:
                assert node.numbers is not None
                item, depth = node.numbers
                made = columns.put_other(self.put(node.item), self.put(item), item, depth)
                self._others[node.text] = made
            return made

    # Structs

    def struct_put(self, node: StructType) -> Put:
        """Returns the put of a struct; that of a recursive one defers its work."""
        return self._deferred_put(node) if node.is_recursive else self._struct_put(node)

    def struct_get(self, node: StructType) -> Get:
        """Returns the get of a struct; that of a recursive one defers its work."""
        return self._deferred_get(node) if node.is_recursive else self._struct_get(node)

    def _deferred_put(self, node: StructType) -> Put:
        made: list[Put] = []

        def put(out: Output, values: list[Any]) -> None:
            if values:
                out.queue.append((made[0], values))

        self._puts[node.text] = put  # for the fields that refer back to the struct
        made.append(self._struct_put(node))
        return put

    def _deferred_get(self, node: StructType) -> Get:
        made: list[Any] = []

        def get(source: Input, n: int) -> list[Any]:
            values: list[Any] = []
            if n:
                source.queue.append((made[0], n, values))
            return values

        self._gets[node.text] = get
        made.append(self._struct_get(node))
        return get

    def _struct_put(self, node: StructType) -> Put:
        name, source = f"put_{node.text}", Source()
        with source.block(f"def {name}(out, values):"):
            self._write_check(source, node)
            with source.block("if values:"):
                for field in node.fields:
                    put = self.namespace.bind(f"put_{field.type.text}", self.put(field.type))
                    item = node.kind.item.format(value="value", name=field.name)
                    source.line(f"{put}(out, [{item} for value in values])")
                if not node.fields:
                    source.line("out.append(bytes(len(values)))")
        return source.compile(name, self.namespace, f"codec put {node.text}")

    def _write_check(self, source: Source, node: StructType) -> None:
        """Writes the lines that refuse ``values`` that are not all of a struct's class, or make dicts of all keys."""
        bind = self.namespace.bind
        if node.kind.is_dict:
            source.line(f"values = {bind(f'rows_{node.text}', self._dict_readers(node)[1])}(values)")
            return
        cls = bind(node.text, node.cls)
        with source.block(f"if {bind('countOf', countOf)}(map(type, values), {cls}) != len(values):"):
            source.line(f"{bind('require', columns.require)}(values, {cls})")

    def as_fields(self, node: StructType) -> str:
        """Returns the name of the function that checks a value of a TypedDict, and fills in the keys it lacks."""
        return self.namespace.bind(f"as_{node.text}", self._dict_readers(node)[0])

    def _dict_readers(
        self, node: StructType
    ) -> tuple[Callable[[Any], Any], Callable[[list[Any]], list[Any]]]:
        made = self._readers.get(node.text)
        if made is None:
            required = [field.name for field in node.fields if not field.may_be_missing]
            not_required = [field.name for field in node.fields if field.may_be_missing]
            made = self._readers[node.text] = columns.dict_readers(required, not_required)
        return made

    def _struct_get(self, node: StructType) -> Get:
        name, source = f"get_{node.text}", Source()
        with source.block(f"def {name}(source, n, values=None):"):
            with source.block("if values is None:"):
                source.line("values = []")
            with source.block("if not n:"):
                source.line("return values")
            with source.block("def build():"):
                self._write_building(source, node)
            source.line("source.steps.append(build)")
            for field in node.fields:
                get = self.namespace.bind(f"get_{field.type.text}", self.get(field.type))
                source.line(f"f_{field.name} = {get}(source, n)")
            if not node.fields:
                source.line("source.take(n)")
            source.line("return values")
        return source.compile(name, self.namespace, f"codec get {node.text}")

    def _write_building(self, source: Source, node: StructType) -> None:
        """Writes the lines that make all values of a struct out of the blocks of its fields, ``f_NAME``."""
        fields = node.fields
        names = ", ".join(f"f_{field.name}" for field in fields)
        if not fields:
            source.line(f"values.extend([{self.construct(node, [])} for _ in range(n)])")
        elif not node.kind.is_dict and only_sets_fields(node.cls):
            # Does what the constructor does, in two thirds of the time of n calls.
            new, cls = self.namespace.bind("new", object.__new__), self.namespace.bind(node.text, node.cls)
            made = f"map({new}, {self.namespace.bind('repeat', repeat)}({cls}, n))"
            extend = self.namespace.bind("extend", collector.extend)
            source.line(f"{extend}(values, {made}, n)" if collector.IS_NEEDED else f"values.extend({made})")
            targets = ", ".join(f"value.{field.name}" for field in fields)
            source.line(f"for value, {targets} in zip(values, {names}): pass")
        elif not node.kind.is_dict and all(field.init and not field.keyword_only for field in fields):
            source.line(f"values.extend(map({self._maker(node)}, {names}))")
        else:
            items = [f"v_{field.name}" for field in fields]
            made = self.construct(node, items)
            source.line(f"values.extend([{made} for {', '.join(items)}, in zip({names})])")

    def _maker(self, node: StructType) -> str:
        """Returns the name of the function that makes a value of a struct."""
        if kind_of(node.cls) == ERROR:  # the message comes from Go; the class would make one up, slowly
            return self.namespace.bind(f"make_{node.text}", maker_of(node.cls))
        return self.namespace.bind(node.text, node.cls)

    def construct(self, node: StructType, values: list[str]) -> str:
        """Returns the expression for one value of a struct, given an expression for each field."""
        if node.kind.is_dict:
            made = f"{{{', '.join(f'{field.name!r}: {value}' for field, value in zip(node.fields, values))}}}"
            if not any(field.may_be_missing for field in node.fields):
                return made
            return f"{self.namespace.bind('without_absent', columns.without_absent)}({made})"
        positional, named, late = [], [], []
        for field, value in zip(node.fields, values):
            if not field.init:
                late.append(f"{field.name}={value}")
            elif field.keyword_only:
                named.append(f"{field.name}={value}")
            else:
                positional.append(value)
        made = f"{self._maker(node)}({', '.join(positional + named)})"
        if not late:
            return made
        return f"{self.namespace.bind('set_fields', _set_fields)}({made}, {', '.join(late)})"


def _set_fields(value: Any, **fields: Any) -> Any:
    """Sets the fields that the constructor does not take, in frozen structs too; returns the value."""
    for name, field in fields.items():
        object.__setattr__(value, name, field)
    return value


_HANDLES: tuple[Callable[[Blocks, Any], Put], Callable[[Blocks, Any], Get]] = (
    lambda blocks, node: columns.put_handles(node, blocks.need_handles(node)),
    lambda blocks, node: columns.get_handles(node, blocks.need_handles(node)),
)
# For each kind of node, the functions that make its put and its get.
_MAKERS: dict[type, tuple[Callable[[Blocks, Any], Put], Callable[[Blocks, Any], Get]]] = {
    Scalar: (lambda _, node: _SCALARS[node.text][0], lambda _, node: _SCALARS[node.text][1]),
    Leaf: (lambda _, node: codec_of(node).put, lambda _, node: codec_of(node).get),
    StructType: (Blocks.struct_put, Blocks.struct_get),
    EnumType: (
        lambda blocks, node: columns.put_enums(node.cls, blocks.put(node.base)),
        lambda blocks, node: columns.get_enums(blocks.member_of(node), blocks.get(node.base)),
    ),
    LiteralType: (
        lambda blocks, node: columns.put_literals(node.known, node.cls, blocks.put(node.base)),
        lambda blocks, node: columns.get_enums(blocks.member_of(node), blocks.get(node.base)),
    ),
    ListType: (
        Blocks.list_put,
        lambda blocks, node: columns.get_lists(blocks.get(node.item), node.container),
    ),
    SetType: (
        lambda blocks, node: columns.put_lists(blocks.put(node.item), set, columns.as_set),
        lambda blocks, node: columns.get_lists(blocks.get(node.item), node.container),
    ),
    DictType: (
        lambda blocks, node: columns.put_dicts(blocks.put(node.key), blocks.put(node.value)),
        lambda blocks, node: columns.get_dicts(blocks.get(node.key), blocks.get(node.value)),
    ),
    OptionalType: (
        lambda blocks, node: (columns.put_keys if node.is_key else columns.put_optionals)(
            blocks.put(node.item)
        ),
        lambda blocks, node: columns.get_optionals(blocks.get(node.item), node.absent),
    ),
    TupleType: (
        lambda blocks, node: columns.put_tuples([*map(blocks.put, node.items)]),
        lambda blocks, node: columns.get_tuples([*map(blocks.get, node.items)]),
    ),
    UnionType: (
        lambda blocks, node: columns.put_unions(node.tag_of, [*map(blocks.put, node.options)]),
        lambda blocks, node: columns.get_unions([*map(blocks.get, node.options)]),
    ),
    DynamicType: (lambda blocks, _: blocks.dynamic.put, lambda blocks, _: blocks.dynamic.get),
    InterfaceType: _HANDLES,
    CallableType: _HANDLES,
    StreamType: _HANDLES,
}
