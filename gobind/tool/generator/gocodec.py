"""The Go code that reads and writes each type of a contract: mirrors of records, functions for blocks.

Every generated function only calls the runtime (`gosrc/gobind`), once for a field. Functions are
generated for the types that calls need, on first use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gobind.codec.layout import layout_of
from gobind.contract.leaves import STR, Leaf
from gobind.contract.scalars import Scalar
from gobind.contract.types import (
    BufferType,
    CallableType,
    DictType,
    EnumType,
    Handle,
    InterfaceType,
    ListType,
    Node,
    OptionalType,
    SetType,
    StreamType,
    StructType,
    TupleType,
    UnionType,
    children,
)
from gobind.tool.generator.gosource import aligned, empty_function, quote
from gobind.tool.generator.gotypes import GoField, GoTypes


def least(node: Node) -> int:
    """Returns how many bytes one value, with its parts, takes in a block at least."""
    if isinstance(node, Scalar):
        return node.size
    if isinstance(node, Leaf):
        return node.least
    if isinstance(node, EnumType):
        return least(node.base)
    if isinstance(node, (StructType, TupleType)):
        return max(1, sum(least(item) for item in children(node)))
    if isinstance(node, (OptionalType, UnionType)):
        return 1
    return 8


def may_fail(node: Node) -> bool:
    """Returns True if some values in Go have no counterpart in Python: their place is noted for the message."""
    if isinstance(node, Leaf):
        return node.may_fail
    if isinstance(node, (UnionType, Handle)):
        return True
    return not isinstance(node, StructType) and any(may_fail(item) for item in children(node))


def is_number(node: Node) -> bool:
    """Returns True if a frame holds the value as Go does, as it does all numbers."""
    if isinstance(node, EnumType):
        return node.base is not STR
    if isinstance(node, Leaf):
        return not node.go_record
    return isinstance(node, Scalar) and node.text != "bool"


def is_text(node: Node) -> bool:
    """Returns True for str and enums of str."""
    return node is STR or (isinstance(node, EnumType) and node.base is STR)


def is_filled_in(node: Node) -> bool:
    """Returns True if reading sets an existing variable, instead of returning a value."""
    return isinstance(node, (StructType, TupleType, UnionType, ListType, SetType, DictType, OptionalType))


def _leaf_word(node: Node) -> str:
    """Returns the method of Reader and Writer for a leaf in a record that is not a number."""
    leaf = node.base if isinstance(node, EnumType) else node
    return leaf.go_method if isinstance(leaf, Leaf) else "Bool"


def address(place: str) -> str:
    """Returns the Go expression for a pointer to the variable `place`."""
    return place[1:] if place.startswith("*") else f"&{place}"


class GoCodec:
    """Writes Go functions on demand: whatever name a method returns, `finish` declares it."""

    def __init__(self, types: GoTypes) -> None:
        self._types = types
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
        if isinstance(node, (StructType, TupleType)):
            word = self._types.name(node)
            fields = self._types.fields(node)
            doc = f"mirrors the record of {word}."
            return self._declare(
                f"glueMirror{word}", word, lambda name: self.struct_mirror(name, fields, doc)
            )
        if isinstance(node, Scalar) and node.text == "bool":
            return "byte"
        if is_number(node):
            return self._types.spelling(node)
        if isinstance(node, (OptionalType, Handle)):
            return "uint64"
        if isinstance(node, UnionType):
            return "gobind.Tag"
        return node.go_record if isinstance(node, Leaf) else "gobind.Ref"

    def struct_mirror(self, name: str, fields: Iterable[GoField], doc: str) -> list[str]:
        """Declares the mirror of a record, without values of no size: Go adds padding after one at the end."""
        rows = [(field.go, self.mirror(field.type)) for field in fields if layout_of(field.type).size]
        body = [f"type {name} struct {{", *aligned(rows), "}"] if rows else [f"type {name} struct{{}}"]
        return [f"// {name} {doc}", *body]

    def read_record(self, node: Node, source: str, target: str) -> str:
        """Returns the statement that reads the value at `source`, in a record, into the variable `target`."""
        if isinstance(node, (StructType, TupleType)):
            return f"{self.record_function(node, 'Read')}(r, {address(source)}, {address(target)})"
        if isinstance(node, UnionType):
            tags = f"gobind.ReadTag(r, {source}, {len(node.options)})"
            return f"{self._options_function(node, 'Read')}(r, {tags}, gobind.One({address(target)}))"
        if isinstance(node, (ListType, SetType, DictType, OptionalType)):
            kind = _KINDS[type(node)]
            return f"gobind.Read{kind}(r, {source}, {address(target)}, {self._inner(node, 'Read')})"
        return f"{target} = {self.read_value(node, source)}"

    def read_value(self, node: Node, source: str) -> str:
        """Returns the expression that reads the value at `source`, in a record; not for types that `is_filled_in`."""
        if is_number(node):
            return source
        if isinstance(node, BufferType):
            return f"gobind.ReadBuffer[{self._types.spelling(node.item)}](r, {source})"
        if isinstance(node, (InterfaceType, CallableType)):
            return f"gobind.ReadObject(r, {source}, {self.wrapper(node)})"
        if isinstance(node, StreamType):
            return self.read_stream(node, source)
        value = f"r.{_leaf_word(node)}({source})"
        return f"{self._types.spelling(node)}({value})" if isinstance(node, EnumType) else value

    def write_record(self, node: Node, source: str, target: str) -> list[str]:
        """Returns the statements that write the variable `source` to `target`, in a record, and its columns."""
        if is_number(node):
            return [f"{target} = {source}"]
        if isinstance(node, (StructType, TupleType)):
            return [f"{self.record_function(node, 'Write')}(w, {address(target)}, {address(source)})"]
        if isinstance(node, UnionType):
            tags = f"gobind.WriteTag(w, {address(target)}, {source}, {self._tag_function(node)})"
            return [f"{self._options_function(node, 'Write')}(w, {tags}, gobind.One({address(source)}))"]
        if isinstance(node, BufferType):
            return [f"{target} = gobind.WriteBuffer(w, {source})"]
        if isinstance(node, (ListType, SetType, DictType, OptionalType)):
            return [f"{target} = gobind.Write{_KINDS[type(node)]}(w, {source}, {self._inner(node, 'Write')})"]
        if isinstance(node, (InterfaceType, CallableType)):
            return [f"{target} = gobind.WriteObject(w, {source}, {self._kind(node)})"]
        if isinstance(node, StreamType):
            block = self.block(node.item, "Write")
            return [f"{target} = gobind.WriteStream(w, glueContract, {source}, {block})"]
        value = f"string({source})" if isinstance(node, EnumType) else source
        return [f"{target} = w.{_leaf_word(node)}({value})"]

    def read_stream(self, node: StreamType, source: str) -> str:
        """Returns the expression for a stream that Python supplies; it ends when the variable `ctx` does."""
        block = self.block(node.item, "Read")
        is_async = "true" if node.is_async else "false"
        return f"gobind.ReadStream(ctx, r, {source}, {is_async}, {least(node.item)}, {block})"

    def wrapper(self, node: InterfaceType | CallableType) -> str:
        """Returns the name of the function that makes a Go value for an object of Python."""
        return self.glue_name("Wrap", node)

    def glue_name(self, what: str, node: InterfaceType | CallableType) -> str:
        """Returns a name for one Go type: two function types may have the same word, but not the same name."""
        name, key = f"glue{what}{self._types.word(node)}", self._types.key(node)
        while self._keys.setdefault(name, key) != key:
            name += "_"
        return name

    def _kind(self, node: InterfaceType | CallableType) -> str:
        """Returns what makes a value the same object each time; nil for functions: they have no identity."""
        return f"glue{self._types.name(node)}" if isinstance(node, InterfaceType) else "nil"

    def record_function(self, node: Node, verb: str) -> str:
        """Returns the function that reads or writes one value of a record: ``func(r, *mirror, *value)``."""
        word = self._types.word(node)
        kind = "Record" if isinstance(node, (StructType, TupleType)) else "Result"
        key = f"{word} {self._types.key(node)}"
        return self._declare(f"glue{verb}{word}{kind}", key, lambda name: self._record(name, node, verb))

    def _record(self, name: str, node: Node, verb: str) -> list[str]:
        head = self._head(name, verb, f"m *{self.mirror(node)}, v *{self._types.spelling(node)}")
        lines = [f"{head} {{"]
        if not isinstance(node, (StructType, TupleType)):
            body = self.write_record(node, "*v", "*m")
            if verb == "Read":
                body = [self.read_record(node, "*m", "*v")]
            return [*lines, *(f"\t{line}" for line in body), "}"]
        for field in self._types.fields(node):
            source, target = f"m.{field.go}", f"v.{field.go}"
            if not layout_of(field.type).size:
                continue
            if verb == "Read":
                lines.append(f"\t{self.read_record(field.type, source, target)}")
            else:
                lines += [f"\t{line}" for line in self._at(node, field)]
                lines += [f"\t{line}" for line in self.write_record(field.type, target, source)]
        return [*lines, "}"] if len(lines) > 1 else empty_function(head)

    def _head(self, name: str, verb: str, params: str) -> str:
        """Returns the head of a function that reads (from `r`) or writes (to `w`)."""
        first = self._types.source.qualified("gobind.Reader" if verb == "Read" else "gobind.Writer")
        return f"func {name}({verb[0].lower()} *{first}, {params})"

    def _at(self, node: Node, field: GoField) -> list[str]:
        """Writes the line that notes the place of a field that may fail, for the message."""
        named = isinstance(node, StructType) and may_fail(field.type)
        return [f"w.At({quote(f'{node.text}.{field.name}')})"] if named else []

    # Blocks

    def block(self, node: Node, verb: str) -> str:
        """Returns the function that reads or writes a block of values: ``func(r, Column[T])``."""
        function = self._block_function(node, verb)
        return f"{function}[{self._types.spelling(node)}]" if is_number(node) or is_text(node) else function

    def _block_function(self, node: Node, verb: str) -> str:
        """Returns that function without type arguments, which Go infers in a call."""
        if is_number(node):
            return f"gobind.{verb}Numbers"
        if is_text(node):
            return f"gobind.{verb}Strings"
        if isinstance(node, Scalar):
            return f"gobind.{verb}Bools"
        if isinstance(node, Leaf):
            return f"gobind.{verb}{node.go_block}"
        return self._declare(
            f"glue{verb}{self._types.word(node)}",
            self._types.key(node),
            lambda name: self._block(name, node, verb),
        )

    def _inner(self, node: Node, verb: str) -> str:
        """Returns the arguments for reading or writing the values inside a container."""
        inner = children(node)
        functions = ", ".join(self.block(item, verb) for item in inner)
        return f"{sum(map(least, inner))}, {functions}" if verb == "Read" else functions

    def _block(self, name: str, node: Node, verb: str) -> list[str]:
        if isinstance(node, (StructType, TupleType)):
            return self._struct_block(name, node, verb)
        var, head = verb[0].lower(), self._block_head(name, node, verb)
        if isinstance(node, UnionType):
            if verb == "Read":
                tags = f"gobind.ReadTags(r, c.Len(), {len(node.options)})"
            else:
                tags = f"gobind.WriteTags(w, c, {self._tag_function(node)})"
            return [head, f"\t{self._options_function(node, verb)}({var}, {tags}, c)", "}"]
        if isinstance(node, (InterfaceType, CallableType)):
            how = self.wrapper(node) if verb == "Read" else self._kind(node)
            return [head, f"\tgobind.{verb}Objects({var}, c, {how})", "}"]
        return [head, f"\tgobind.{verb}{_KINDS[type(node)]}s({var}, c, {self._inner(node, verb)})", "}"]

    def _block_head(self, name: str, node: Node, verb: str) -> str:
        column = f"c gobind.Column[{self._types.spelling(node)}]"
        return f"{self._head(name, verb, column)} {{"

    def _struct_block(self, name: str, node: StructType | TupleType, verb: str) -> list[str]:
        var, head = verb[0].lower(), self._block_head(name, node, verb)
        fields = self._types.fields(node)
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

    # Unions

    def _options_function(self, union: UnionType, verb: str) -> str:
        """Returns the function that reads or writes the options of a column of unions, given their tags."""
        name = f"glue{verb}{self._types.name(union)}Options"
        return self._declare(name, name, lambda name: self._options(name, union, verb))

    def _options(self, name: str, union: UnionType, verb: str) -> list[str]:
        head = self._head(name, verb, f"tags []byte, c gobind.Column[{self._types.name(union)}]")
        lines = [f"{head} {{"]
        for tag, option in enumerate(union.options):
            block = self.block(option, verb)
            if verb == "Read":
                lines.append(f"\tgobind.ReadOption(r, tags, {tag}, c, {least(option)}, {block})")
            else:
                lines.append(f"\tgobind.WriteOption(w, tags, {tag}, c, {block})")
        return [*lines, "}"]

    def _tag_function(self, union: UnionType) -> str:
        """Returns the function from a value of a union to its tag."""
        name = f"glueTag{self._types.name(union)}"
        return self._declare(name, name, lambda name: self._tag(name, union))

    def _tag(self, name: str, union: UnionType) -> list[str]:
        lines = [f"func {name}(v {self._types.name(union)}) int {{", "\tswitch v := v.(type) {"]
        for tag, option in enumerate(union.options):
            go = self._types.name(option)
            lines += [f"\tcase {go}:", f"\t\treturn {tag}"]
            lines += [f"\tcase *{go}:", "\t\tif v != nil {", f"\t\t\treturn {tag}", "\t\t}"]
        return [*lines, "\t}", "\treturn -1", "}"]


_KINDS = {ListType: "List", SetType: "Set", DictType: "Map", OptionalType: "Optional"}
