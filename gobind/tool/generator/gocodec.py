"""The Go code that reads and writes each type of a contract: mirrors of records, functions for blocks.

Every generated function only calls the runtime (`gosrc/gobind`), once for a field. Functions are
generated for the types that calls need, on first use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, Union

from gobind.codec.layout import layout_of
from gobind.contract.leaves import STR, Leaf
from gobind.contract.scalars import Scalar
from gobind.contract.types import (
    BufferType,
    CallableType,
    Choice,
    DictType,
    DynamicType,
    EnumType,
    Handle,
    InterfaceType,
    ListType,
    LiteralType,
    Node,
    OptionalType,
    SetType,
    StreamType,
    StructType,
    TupleType,
    UnionType,
    children,
)
from gobind.tool.generator import goshapes
from gobind.tool.generator.gosource import aligned, empty_function, quote
from gobind.tool.generator.gotypes import GoField, GoTypes

_Value = Union[Scalar, Leaf, EnumType, LiteralType]


def least(node: Node) -> int:
    """Returns how many bytes one value, with its parts, takes in a block at least."""
    if isinstance(node, Scalar):
        return node.size
    if isinstance(node, Leaf):
        return node.least
    if isinstance(node, Choice):
        return least(node.base)
    if isinstance(node, (StructType, TupleType)):
        return max(1, sum(least(item) for item in children(node)))
    if isinstance(node, (OptionalType, UnionType, DynamicType)):
        return 1
    return 8


def may_fail(node: Node) -> bool:
    """Returns True if some values in Go have no counterpart in Python: their place is noted for the message."""
    if isinstance(node, Leaf):
        return node.may_fail
    if isinstance(node, (UnionType, DynamicType, Handle)):
        return True
    return not isinstance(node, StructType) and any(may_fail(item) for item in children(node))


def is_number(node: Node) -> bool:
    """Returns True if a frame holds the value as Go does, as it does all numbers."""
    if isinstance(node, Choice):
        return node.base is not STR
    if isinstance(node, Leaf):
        return not node.go_record
    return isinstance(node, Scalar) and node.text != "bool"


def is_generic(node: Node) -> bool:
    """Returns True if the runtime's functions for a block have the Go type as a type parameter."""
    inner = _scalar_or_leaf(node) if isinstance(node, (Scalar, Leaf, Choice)) else None
    return is_number(node) or (isinstance(inner, Leaf) and inner.is_generic)


def is_filled_in(node: Node) -> bool:
    """Returns True if reading sets an existing variable, instead of returning a value."""
    return _KINDS[type(node)].fill is not None


def _scalar_or_leaf(node: _Value) -> Scalar | Leaf:
    return node.base if isinstance(node, Choice) else node


def address(place: str) -> str:
    """Returns the Go expression for a pointer to the variable `place`."""
    return place[1:] if place.startswith("*") else f"&{place}"


class GoCodec:
    """Writes Go functions on demand: each method that returns a name makes sure that it will be declared.

    Attributes:
        types: the Go types of the contract.
    """

    def __init__(self, types: GoTypes) -> None:
        self.types = types
        self._keys: dict[str, str] = {}
        self._todo: list[Callable[[], list[str]]] = []

    def finish(self) -> list[str]:
        """Returns the declarations of all functions and mirrors in use, and of those that they use."""
        lines: list[str] = []
        for make in self._todo:  # grows meanwhile
            lines += ["", *make()]
        return lines

    def _declare(self, name: str, key: str, make: Callable[[str], list[str]]) -> str:
        """Returns `name`, which `make(name)` declares; for another Go type (`key`) a name like it."""
        while self._keys.get(name, key) != key:
            name += "_"
        if name not in self._keys:
            self._keys[name] = key
            self._todo.append(lambda: make(name))
        return name

    # Records

    def mirror(self, node: Node) -> str:
        """Returns the Go type of a value of `node` in a record."""
        return _KINDS[type(node)].mirror(self, node)

    def record_mirror(self, node: StructType | TupleType) -> str:
        """Returns the Go struct that stands for a record inside another."""
        word = self.types.name(node)
        fields = self.types.fields(node)
        doc = f"mirrors the record of {word}."
        return self._declare(f"glueMirror{word}", word, lambda name: self.struct_mirror(name, fields, doc))

    def struct_mirror(self, name: str, fields: Iterable[GoField], doc: str) -> list[str]:
        """Declares the mirror of a record, without values of no size: Go adds padding after one at the end."""
        rows = [(field.go, self.mirror(field.type)) for field in fields if layout_of(field.type).size]
        body = [f"type {name} struct {{", *aligned(rows), "}"] if rows else [f"type {name} struct{{}}"]
        return [f"// {name} {doc}", *body]

    def read_record(self, node: Node, source: str, target: str) -> str:
        """Returns the statement that reads the value at `source`, in a record, into the variable `target`."""
        fill = _KINDS[type(node)].fill
        return fill(self, node, source, target) if fill else f"{target} = {self.read_value(node, source)}"

    def read_value(self, node: Node, source: str) -> str:
        """Returns the expression that reads the value at `source`, in a record; not for types that `is_filled_in`."""
        return _KINDS[type(node)].read(self, node, source)

    def write_record(self, node: Node, source: str, target: str) -> str:
        """Returns the statement that writes the variable `source` to its place in a record, and its columns."""
        return _KINDS[type(node)].write(self, node, source, target)

    def wrapper(self, node: InterfaceType | CallableType) -> str:
        """Returns the name of the function that makes a Go value for an object of Python."""
        return self.glue_name("Wrap", node)

    def glue_name(self, what: str, node: InterfaceType | CallableType) -> str:
        """Returns a name for one Go type: two function types may have the same word, but not the same name."""
        name, key = f"glue{what}{self.types.word(node)}", self.types.key(node)
        while self._keys.setdefault(name, key) != key:
            name += "_"
        return name

    def record_function(self, node: Node, verb: str) -> str:
        """Returns the function that reads or writes one value of a record: ``func(r, *mirror, *value)``."""
        word = self.types.word(node)
        kind = "Record" if isinstance(node, (StructType, TupleType)) else "Result"
        key = f"{word} {self.types.key(node)}"
        return self._declare(f"glue{verb}{word}{kind}", key, lambda name: self._record(name, node, verb))

    def _record(self, name: str, node: Node, verb: str) -> list[str]:
        head = self._head(name, verb, f"m *{self.mirror(node)}, v *{self.types.spelling(node)}")
        lines = [f"{head} {{"]
        if not isinstance(node, (StructType, TupleType)):
            is_read = verb == "Read"
            body = self.read_record(node, "*m", "*v") if is_read else self.write_record(node, "*v", "*m")
            return [*lines, f"\t{body}", "}"]
        for field in self.types.fields(node):
            source, target = f"m.{field.go}", f"v.{field.go}"
            if not layout_of(field.type).size:
                continue
            if verb == "Read":
                lines.append(f"\t{self.read_record(field.type, source, target)}")
            else:
                lines += [f"\t{line}" for line in self._at(node, field)]
                lines.append(f"\t{self.write_record(field.type, target, source)}")
        return [*lines, "}"] if len(lines) > 1 else empty_function(head)

    def _head(self, name: str, verb: str, params: str) -> str:
        """Returns the head of a function that reads (from `r`) or writes (to `w`)."""
        first = self.types.source.qualified("gobind.Reader" if verb == "Read" else "gobind.Writer")
        return f"func {name}({verb[0].lower()} *{first}, {params})"

    def _at(self, node: Node, field: GoField) -> list[str]:
        """Writes the line that notes the place of a field that may fail, for the message."""
        named = isinstance(node, StructType) and may_fail(field.type)
        return [f"w.At({quote(f'{node.text}.{field.name}')})"] if named else []

    # Blocks

    def block(self, node: Node, verb: str) -> str:
        """Returns the function that reads or writes a block of values: ``func(r, Column[T])``."""
        function = self._block_function(node, verb)
        return f"{function}[{self.types.spelling(node)}]" if is_generic(node) else function

    def _block_function(self, node: Node, verb: str) -> str:
        """Returns that function without type arguments, which Go infers in a call."""
        if isinstance(node, (Scalar, Leaf, Choice)):
            return f"gobind.{verb}{_block_word(node)}"
        return self._declare(
            f"glue{verb}{self.types.word(node)}",
            self.types.key(node),
            lambda name: self._block(name, node, verb),
        )

    def inner(self, node: Node, verb: str) -> str:
        """Returns the arguments that say how the values inside a container are read or written."""
        inner = children(node)
        functions = ", ".join(self.block(item, verb) for item in inner)
        return f"{sum(map(least, inner))}, {functions}" if verb == "Read" else functions

    def _block(self, name: str, node: Node, verb: str) -> list[str]:
        if isinstance(node, (StructType, TupleType)):
            return self._struct_block(name, node, verb)
        head = self._block_head(name, node, verb)
        return [head, f"\t{_KINDS[type(node)].block(self, node, verb)}", "}"]

    def _block_head(self, name: str, node: Node, verb: str) -> str:
        column = f"c gobind.Column[{self.types.spelling(node)}]"
        return f"{self._head(name, verb, column)} {{"

    def _struct_block(self, name: str, node: StructType | TupleType, verb: str) -> list[str]:
        var, head = verb[0].lower(), self._block_head(name, node, verb)
        fields = self.types.fields(node)
        body = []
        for field in fields:
            if verb == "Write":
                body += [f"\t{line}" for line in self._at(node, field)]
            function = self._block_function(field.type, verb)
            body.append(f"\t{function}({var}, gobind.Field(c, &c.At(0).{field.go}))")
        if not fields:
            body = [f"\tgobind.{verb}Empty({var}, c.Len())"]
        if not (isinstance(node, StructType) and node.is_recursive):
            return [head, *body, "}"]
        inner = f"{name}Fields"
        later = f"\tgobind.{verb}Later({var}, c, {f'{least(node)}, ' if verb == 'Read' else ''}{inner})"
        return [head, later, "}", "", self._block_head(inner, node, verb), *body, "}"]

    # Dynamic values

    def shape(self, node: Node) -> str:
        """Returns the variable that says what a dynamic value, or one inside it, may be."""
        if isinstance(node, DynamicType) and node.is_any:
            return self.types.source.qualified("gobind.Any")
        word = self.types.word(node)
        return self._declare(f"glueShape{word}", node.text, lambda name: goshapes.declare(self, name, node))

    # Unions

    def options_function(self, union: UnionType, verb: str) -> str:
        """Returns a function that reads or writes the options of a column of unions whose tags are known."""
        name = f"glue{verb}{self.types.name(union)}Options"
        return self._declare(name, name, lambda name: self._options(name, union, verb))

    def _options(self, name: str, union: UnionType, verb: str) -> list[str]:
        head = self._head(name, verb, f"tags []byte, c gobind.Column[{self.types.name(union)}]")
        lines = [f"{head} {{"]
        for tag, option in enumerate(union.options):
            block = self.block(option, verb)
            if verb == "Read":
                lines.append(f"\tgobind.ReadOption(r, tags, {tag}, c, {least(option)}, {block})")
            else:
                lines.append(f"\tgobind.WriteOption(w, tags, {tag}, c, {block})")
        return [*lines, "}"]

    def tag_function(self, union: UnionType) -> str:
        """Returns a function that tells the option of a union's value."""
        name = f"glueTag{self.types.name(union)}"
        return self._declare(name, name, lambda name: self._tag(name, union))

    def _tag(self, name: str, union: UnionType) -> list[str]:
        lines = [f"func {name}(v {self.types.name(union)}) int {{", "\tswitch v := v.(type) {"]
        for tag, option in enumerate(union.options):
            go = self.types.name(option)
            lines += [f"\tcase {go}:", f"\t\treturn {tag}"]
            lines += [f"\tcase *{go}:", "\t\tif v != nil {", f"\t\t\treturn {tag}", "\t\t}"]
        return [*lines, "\t}", "\treturn -1", "}"]


# Kinds of nodes


def _no_value(codec: GoCodec, node: Node, source: str) -> str:
    raise AssertionError(f"{node.text}: read into a variable that is there")


def _no_block(codec: GoCodec, node: Node, verb: str) -> str:
    raise AssertionError(f"{node.text}: its columns have no function of this kind")


class _Kind(NamedTuple):
    """How values of one kind of node travel, as Go code.

    Attributes:
        mirror: ``mirror(codec, node)`` is the Go type that stands in a record.
        write: ``write(codec, node, source, target)`` is the statement that writes a variable to its place in a record.
        read: ``read(codec, node, source)`` is the expression for the value at that place, for a kind without `fill`.
        fill: ``fill(codec, node, source, target)`` is the statement that reads it into a variable that is there.
        block: ``block(codec, node, verb)`` is the statement that reads or writes the column ``c``.
    """

    mirror: Callable[[GoCodec, Any], str]
    write: Callable[[GoCodec, Any, str, str], str]
    read: Callable[[GoCodec, Any, str], str] = _no_value
    fill: Callable[[GoCodec, Any, str, str], str] | None = None
    block: Callable[[GoCodec, Any, str], str] = _no_block


# Values: numbers, bool, str and the other leaves, and enums of them


def _value_mirror(codec: GoCodec, node: _Value) -> str:
    if is_number(node):
        return codec.types.spelling(node)
    inner = _scalar_or_leaf(node)
    return inner.go_record if isinstance(inner, Leaf) else "byte"


def _value_word(node: _Value) -> str:
    """Returns the name of the method of Reader and Writer for a value in a record that is not a number."""
    inner = _scalar_or_leaf(node)
    return inner.go_method if isinstance(inner, Leaf) else "Bool"


def _block_word(node: _Value) -> str:
    """Returns the end of the names of the runtime's functions for a column."""
    if is_number(node):
        return "Numbers"
    inner = _scalar_or_leaf(node)
    return inner.go_block if isinstance(inner, Leaf) else "Bools"


def _base(node: _Value) -> str:
    """Returns the Go type that the method of Reader and Writer takes and gives, if it is not the node's own; else ""."""
    if isinstance(node, Choice):
        return "string"
    return node.go_base if isinstance(node, Leaf) else ""


def _read_value(codec: GoCodec, node: _Value, source: str) -> str:
    if is_number(node):
        return source
    value = f"r.{_value_word(node)}({source})"
    return f"{codec.types.spelling(node)}({value})" if _base(node) else value


def _write_value(codec: GoCodec, node: _Value, source: str, target: str) -> str:
    if is_number(node):
        return f"{target} = {source}"
    base = _base(node)
    value = f"{base}({source})" if base else source
    return f"{target} = w.{_value_word(node)}({value})"


# Structs and tuples


def _write_part(codec: GoCodec, node: Node, source: str, target: str) -> str:
    return f"{codec.record_function(node, 'Write')}(w, {address(target)}, {address(source)})"


def _fill_part(codec: GoCodec, node: Node, source: str, target: str) -> str:
    return f"{codec.record_function(node, 'Read')}(r, {address(source)}, {address(target)})"


# Unions


def _write_union(codec: GoCodec, node: UnionType, source: str, target: str) -> str:
    tags = f"gobind.WriteTag(w, {address(target)}, {source}, {codec.tag_function(node)})"
    return f"{codec.options_function(node, 'Write')}(w, {tags}, gobind.One({address(source)}))"


def _fill_union(codec: GoCodec, node: UnionType, source: str, target: str) -> str:
    tags = f"gobind.ReadTag(r, {source}, {len(node.options)})"
    return f"{codec.options_function(node, 'Read')}(r, {tags}, gobind.One({address(target)}))"


def _union_block(codec: GoCodec, node: UnionType, verb: str) -> str:
    if verb == "Read":
        return f"{codec.options_function(node, verb)}(r, gobind.ReadTags(r, c.Len(), {len(node.options)}), c)"
    tags = f"gobind.WriteTags(w, c, {codec.tag_function(node)})"
    return f"{codec.options_function(node, verb)}(w, {tags}, c)"


# Dynamic values


def _write_dynamic(codec: GoCodec, node: DynamicType, source: str, target: str) -> str:
    return f"{target} = gobind.WriteDynamic(w, glueContract, {codec.shape(node)}, {source})"


def _fill_dynamic(codec: GoCodec, node: DynamicType, source: str, target: str) -> str:
    return f"gobind.ReadDynamic(r, glueContract, {codec.shape(node)}, {source}, {address(target)})"


def _dynamic_block(codec: GoCodec, node: DynamicType, verb: str) -> str:
    return f"gobind.{verb}Dynamics({verb[0].lower()}, glueContract, {codec.shape(node)}, c)"


# Containers


def _container(name_of: Callable[[Any], str], mirror: str = "gobind.Ref") -> _Kind:
    """Returns the row of a container; `name_of` returns the part of the names of the runtime's functions that tells its kind."""

    def write(codec: GoCodec, node: Node, source: str, target: str) -> str:
        return f"{target} = gobind.Write{name_of(node)}(w, {source}, {codec.inner(node, 'Write')})"

    def fill(codec: GoCodec, node: Node, source: str, target: str) -> str:
        return f"gobind.Read{name_of(node)}(r, {source}, {address(target)}, {codec.inner(node, 'Read')})"

    def block(codec: GoCodec, node: Node, verb: str) -> str:
        return f"gobind.{verb}{name_of(node)}s({verb[0].lower()}, c, {codec.inner(node, verb)})"

    return _Kind(lambda codec, node: mirror, write, fill=fill, block=block)


# Objects and streams


def _identity(codec: GoCodec, node: InterfaceType | CallableType) -> str:
    """Returns what makes a value the same object for Python each time; functions have no identity."""
    return f"glue{codec.types.name(node)}" if isinstance(node, InterfaceType) else "nil"


def _object_block(codec: GoCodec, node: InterfaceType | CallableType, verb: str) -> str:
    if verb == "Read":
        return f"gobind.ReadObjects(r, c, {codec.wrapper(node)})"
    return f"gobind.WriteObjects(w, c, {_identity(codec, node)})"


def _read_stream(codec: GoCodec, node: StreamType, source: str) -> str:
    return f"gobind.ReadStream(r, {source}, {_fetch(codec, node)})"


def _write_stream(codec: GoCodec, node: StreamType, source: str, target: str) -> str:
    return f"{target} = gobind.WriteStream(w, glueContract, {source}, {codec.block(node.item, 'Write')})"


def _stream_block(codec: GoCodec, node: StreamType, verb: str) -> str:
    if verb == "Read":
        return f"gobind.ReadStreams(r, c, {_fetch(codec, node)})"
    return f"gobind.WriteStreams(w, c, glueContract, {codec.block(node.item, 'Write')})"


def _fetch(codec: GoCodec, node: StreamType) -> str:
    """Returns the arguments that say how the items of a stream of Python are fetched."""
    return f"{'true' if node.is_async else 'false'}, {least(node.item)}, {codec.block(node.item, 'Read')}"


_VALUE = _Kind(_value_mirror, _write_value, _read_value)
_RECORD = _Kind(GoCodec.record_mirror, _write_part, fill=_fill_part)
_OBJECT = _Kind(
    lambda codec, node: "uint64",
    lambda codec, node, source, target: (
        f"{target} = gobind.WriteObject(w, {source}, {_identity(codec, node)})"
    ),
    lambda codec, node, source: f"gobind.ReadObject(r, {source}, {codec.wrapper(node)})",
    block=_object_block,
)
_KINDS: dict[type, _Kind] = {
    Scalar: _VALUE,
    Leaf: _VALUE,
    EnumType: _VALUE,
    LiteralType: _VALUE,
    StructType: _RECORD,
    TupleType: _RECORD,
    UnionType: _Kind(lambda codec, node: "gobind.Tag", _write_union, fill=_fill_union, block=_union_block),
    DynamicType: _Kind(
        lambda codec, node: "gobind.Ref", _write_dynamic, fill=_fill_dynamic, block=_dynamic_block
    ),
    ListType: _container(lambda node: "List"),
    SetType: _container(lambda node: "Set"),
    DictType: _container(lambda node: "Map"),
    OptionalType: _container(lambda node: "Nilable" if node.item.is_nilable else "Optional", "uint64"),
    InterfaceType: _OBJECT,
    CallableType: _OBJECT,
    StreamType: _Kind(lambda codec, node: "uint64", _write_stream, _read_stream, block=_stream_block),
    BufferType: _Kind(
        lambda codec, node: "gobind.Ref",
        lambda codec, node, source, target: f"{target} = gobind.WriteBuffer(w, {source})",
        lambda codec, node, source: f"gobind.ReadBuffer[{codec.types.spelling(node.item)}](r, {source})",
    ),
}
