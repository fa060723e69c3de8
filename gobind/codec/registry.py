"""The codec of a contract's types: for each node the function that puts and the one that gets a block.

Functions for structs are generated; all others are made by `gobind.codec.columns`. Imports
`gobind.codec.columns`, `gobind.codec.source` and `gobind.contract.types`.
"""

from __future__ import annotations

from itertools import repeat
from operator import countOf
from typing import Any

from gobind.codec import collector, columns
from gobind.codec.frames import Get, Handles, Input, Output, Put
from gobind.codec.source import Namespace, Source
from gobind.contract.decorators import ERROR, kind_of, maker_of, only_sets_fields
from gobind.contract.scalars import SCALARS, Scalar
from gobind.contract.types import (
    BYTES,
    DATETIME,
    STR,
    TIMEDELTA,
    UUID,
    DictType,
    EnumType,
    HandleType,
    Leaf,
    ListType,
    Node,
    OptionalType,
    SetType,
    StructType,
    TupleType,
    UnionType,
)
from gobind.errors import ContractError
from gobind.forklock import fork_lock, lazy_import

_LEAVES: dict[Leaf, tuple[Put, Get]] = {
    STR: (columns.put_str, columns.get_str),
    BYTES: (columns.put_bytes, columns.get_bytes),
    UUID: (columns.put_uuid, columns.get_uuid),
}


def _leaf(node: Leaf) -> tuple[Put, Get]:
    leaves: dict[Leaf, tuple[Put, Get]] = _LEAVES
    if node is DATETIME or node is TIMEDELTA:
        leaves = lazy_import("gobind.codec.times").LEAVES
    return leaves[node]


_SCALARS: dict[str, tuple[Put, Get]] = {
    name: (columns.put_numbers(scalar.code), columns.get_numbers(scalar.code))
    for name, scalar in SCALARS.items()
}
_SCALARS["u8"] = (_SCALARS["u8"][0], columns.get_u8)
_SCALARS["bool"] = (columns.put_bool, _SCALARS["bool"][1])


class Blocks:
    """The put and get functions of all nodes of one contract, made when they are first asked for.

    Attributes:
        namespace: the globals of everything generated for this contract.
        handles: what makes handles of objects; None where there is no library.
    """

    def __init__(self, handles: Handles | None = None) -> None:
        self.handles = handles
        self.namespace = Namespace()
        self._puts: dict[str, Put] = {}
        self._gets: dict[str, Get] = {}

    def put(self, node: Node) -> Put:
        """``put(out, values)`` for blocks of `node`."""
        with fork_lock:
            made = self._puts.get(node.text)
            if made is None:
                made = self._puts[node.text] = self._make_put(node)
            return made

    def get(self, node: Node) -> Get:
        """``get(source, n)`` for blocks of `node`."""
        with fork_lock:
            made = self._gets.get(node.text)
            if made is None:
                made = self._gets[node.text] = self._make_get(node)
            return made

    def member_of(self, node: EnumType) -> Any:
        """A function from a value to the member of an enum; unknown values raise."""
        if node.is_flag:
            return node.cls
        return {member.value: member for member in node.cls.__members__.values()}.__getitem__

    def _make_put(self, node: Node) -> Put:
        if isinstance(node, Scalar):
            return _SCALARS[node.text][0]
        if isinstance(node, Leaf):
            return _leaf(node)[0]
        if isinstance(node, StructType):
            return self._deferred_put(node) if node.is_recursive else self._struct_put(node)
        if isinstance(node, EnumType):
            return columns.put_enums(node.cls, self.put(node.base))
        if isinstance(node, ListType):
            return columns.put_lists(self.put(node.item))
        if isinstance(node, SetType):
            return columns.put_lists(self.put(node.item), set, columns.as_set)
        if isinstance(node, DictType):
            return columns.put_dicts(self.put(node.key), self.put(node.value))
        if isinstance(node, OptionalType):
            return columns.put_optionals(self.put(node.item))
        if isinstance(node, TupleType):
            return columns.put_tuples([self.put(item) for item in node.items])
        if isinstance(node, HandleType):
            return columns.put_handles(node, self.need_handles(node))
        assert isinstance(node, UnionType), node.text
        return columns.put_unions([o.cls for o in node.options], [self.put(o) for o in node.options])

    def _make_get(self, node: Node) -> Get:
        if isinstance(node, Scalar):
            return _SCALARS[node.text][1]
        if isinstance(node, Leaf):
            return _leaf(node)[1]
        if isinstance(node, StructType):
            return self._deferred_get(node) if node.is_recursive else self._struct_get(node)
        if isinstance(node, EnumType):
            return columns.get_enums(self.member_of(node), self.get(node.base))
        if isinstance(node, (ListType, SetType)):
            return columns.get_lists(self.get(node.item), node.container)
        if isinstance(node, DictType):
            return columns.get_dicts(self.get(node.key), self.get(node.value))
        if isinstance(node, OptionalType):
            return columns.get_optionals(self.get(node.item))
        if isinstance(node, TupleType):
            return columns.get_tuples([self.get(item) for item in node.items])
        if isinstance(node, HandleType):
            return columns.get_handles(node, self.need_handles(node))
        assert isinstance(node, UnionType), node.text
        return columns.get_unions([self.get(option) for option in node.options])

    def need_handles(self, node: Node) -> Handles:
        """`handles`; refuses objects where there is no library that could know them."""
        if self.handles is None:
            raise ContractError(
                f"{node.text}: an object means nothing outside a library: it cannot be flattened"
            )
        return self.handles

    # Structs

    def _deferred_put(self, node: StructType) -> Put:
        made: list[Put] = []

        def put(out: Output, values: list[Any]) -> None:
            if values:
                out.queue.append((made[0], values))

        self._puts[node.text] = put  # found by the fields that refer back
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
        bind = self.namespace.bind
        cls = bind(node.text, node.cls)
        with source.block(f"def {name}(out, values):"):
            with source.block(f"if {bind('countOf', countOf)}(map(type, values), {cls}) != len(values):"):
                source.line(f"{bind('require', columns.require)}(values, {cls})")
            with source.block("if values:"):
                for field in node.fields:
                    put = self.namespace.bind(f"put_{field.type.text}", self.put(field.type))
                    source.line(f"{put}(out, [value.{field.name} for value in values])")
                if not node.fields:
                    source.line("out.append(bytes(len(values)))")
        return source.compile(name, self.namespace, f"codec put {node.text}")

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
        """The lines that make all values of a struct out of its columns ``f_NAME``."""
        fields = node.fields
        names = ", ".join(f"f_{field.name}" for field in fields)
        if not fields:
            source.line(f"values.extend([{self.construct(node, [])} for _ in range(n)])")
        elif only_sets_fields(node.cls):
            # What the constructor would do, in two thirds of the time of calling it n times.
            new, cls = self.namespace.bind("new", object.__new__), self.namespace.bind(node.text, node.cls)
            made = f"map({new}, {self.namespace.bind('repeat', repeat)}({cls}, n))"
            extend = self.namespace.bind("extend", collector.extend)
            source.line(f"{extend}(values, {made}, n)" if collector.IS_NEEDED else f"values.extend({made})")
            targets = ", ".join(f"value.{field.name}" for field in fields)
            source.line(f"for value, {targets} in zip(values, {names}): pass")
        elif all(field.init and not field.keyword_only for field in fields):
            source.line(f"values.extend(map({self._maker(node)}, {names}))")
        else:
            items = [f"v_{field.name}" for field in fields]
            made = self.construct(node, items)
            source.line(f"values.extend([{made} for {', '.join(items)}, in zip({names})])")

    def _maker(self, node: StructType) -> str:
        """The name of what makes a value of a struct."""
        if kind_of(node.cls) == ERROR:  # its message comes from Go: making one up is slow
            return self.namespace.bind(f"make_{node.text}", maker_of(node.cls))
        return self.namespace.bind(node.text, node.cls)

    def construct(self, node: StructType, values: list[str]) -> str:
        """The expression that makes one value of a struct out of expressions for its fields."""
        plain, named, late = [], [], []
        for field, value in zip(node.fields, values):
            if not field.init:
                late.append(f"{field.name}={value}")
            elif field.keyword_only:
                named.append(f"{field.name}={value}")
            else:
                plain.append(value)
        made = f"{self._maker(node)}({', '.join(plain + named)})"
        if not late:
            return made
        return f"{self.namespace.bind('set_fields', _set_fields)}({made}, {', '.join(late)})"


def _set_fields(value: Any, **fields: Any) -> Any:
    """Set what the constructor does not take, in frozen structs too."""
    for name, field in fields.items():
        object.__setattr__(value, name, field)
    return value
