"""Records: the lines of generated functions that pack parameters and unpack results.

`RecordWriter` and `RecordReader` add lines to the text of one function; the lines around these (a
call, `flatten`) are written by their callers.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from typing import Any, NamedTuple

from gobind.codec import buffers, columns
from gobind.codec.frames import CorruptFrame, Input, MaybeCircular, Output
from gobind.codec.layout import layout_of
from gobind.codec.leaves import LeafCodec, codec_of
from gobind.codec.memory import IS_CPYTHON, readable
from gobind.codec.registry import Blocks
from gobind.codec.source import Source
from gobind.contract.leaves import Leaf
from gobind.contract.scalars import Scalar
from gobind.contract.types import (
    BufferType,
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
    StructType,
    TupleType,
    UnionType,
    walk,
)


class Slot(NamedTuple):
    """One number of a record. A generated function packs or unpacks all of them by one call of `struct`.

    Attributes:
        offset: where it stands, in bytes from the start of the record.
        code: its format character.
        name: in a function that packs, the expression for it; in one that unpacks, the local that it is stored in.

    >>> length_of_name = Slot(8 + 8, "Q", "_n1")  # a str at offset 8 is a pointer, which stays 0, and a length
    >>> slots = [length_of_name, Slot(0, "I", "user.id")]
    >>> make_struct(slots, 24).format
    '<I12xQ'
    >>> [slot.name for slot in sorted(slots)]  # the arguments of `pack`, or what the result of `unpack` goes to
    ['user.id', '_n1']
    """

    offset: int
    code: str
    name: str


def has_handles(node: Node) -> bool:
    """Returns True if values of `node` may contain objects, as the structs inside ``Any`` may."""
    return any(
        inner.is_handle or (isinstance(inner, DynamicType) and inner.is_any and inner.structs.hold_handles)
        for inner in walk(node)
    )


def _may_defer(node: Node) -> bool:
    """Returns True if blocks may be deferred while values of `node` are written."""
    return (
        node.is_recursive
        if isinstance(node, StructType)
        else isinstance(node, DynamicType) and node.holds_structs
    )


def _is_packed_at_once(node: Node) -> bool:
    """Returns True if the items of a list of `node` become arguments of `struct.pack`."""
    return isinstance(node, Scalar) and node.text != "bool"


def make_struct(slots: list[Slot], size: int) -> struct.Struct:
    """Returns the `struct.Struct` of a record of `size` bytes; gaps are zeros."""
    text, end = "<", 0
    for slot in sorted(slots):
        text += f"{slot.offset - end}x" * (slot.offset > end) + slot.code
        end = slot.offset + struct.calcsize(f"<{slot.code}")
    return struct.Struct(text + f"{size - end}x" * (size > end))


def _filled(
    template: str, codec: LeafCodec, bind: Callable[[str, Any], str], *parts: str, **named: str
) -> str:
    """Returns an expression of a leaf's codec with names filled in: of what it refers to, of a value's parts."""
    names = {name: bind(name, value) for name, value in codec.names.items() if f"{{{name}}}" in template}
    return template.format(*parts, **named, **names)


def _absent(node: OptionalType, bind: Callable[[str, Any], str]) -> str:
    """Returns the expression for no value."""
    return bind("ABSENT", node.absent) if node.is_key else "None"


class RecordWriter:
    """Writes the lines that check and encode values.

    Args:
        makes_output: False if the function around the lines sets ``_out`` itself.

    Attributes:
        slots: the values of the record, with an expression for each.
        pieces: names of the bytes objects that follow the record, and the names of their lengths. With
            blocks there are none: the local ``_out`` collects the pieces.
        borrowed: names of borrowed buffers, which are released when the call ends.
        has_handles: the frame contains handles, which ``_out.unsent`` owns until it is sent.
    """

    def __init__(self, blocks: Blocks, source: Source, nodes: list[Node], makes_output: bool = True) -> None:
        self.slots: list[Slot] = []
        self.pieces: list[tuple[str, str]] = []
        self.borrowed: list[str] = []
        self._paths: dict[str, str] = {}  # by name, what locals stand for
        self.has_handles = any(map(has_handles, nodes))
        self.has_blocks = self.has_handles or any(node.has_blocks for node in nodes)
        self._defers = any(map(_may_defer, walk(*nodes)))
        self._blocks = blocks
        self._source = source
        self._bind = blocks.namespace.bind
        if self.has_blocks and makes_output:
            source.line(f"_out = {self._bind('Output', Output)}()")
            if self.has_handles:
                source.line("_out.unsent = _unsent")

    def write(self, node: Node, value: str, offset: int) -> None:
        """Writes the lines that encode the expression `value` at `offset`."""
        _WRITERS[type(node)](self, node, value, offset)

    def finish(self, explain: str, values: str) -> None:
        """Writes the lines for the deferred blocks.

        Args:
            explain: the function to call with `values` if one of them may contain itself.
            values: expressions, separated by commas.
        """
        if self._defers:
            with self._source.block("try:"):
                self._source.line("_out.finish()")
            with self._source.block(f"except {self._bind('MaybeCircular', MaybeCircular)}:"):
                self._source.line(f"{explain}({values})")
                self._source.line("_out.finish(False)")

    @property
    def rest(self) -> str:
        """The pieces behind the record, as items of a list or tuple."""
        return "*_out" if self.has_blocks else ", ".join(piece for piece, _ in self.pieces)

    @property
    def rest_size(self) -> str:
        """The expression for the size in bytes of what follows the record."""
        if self.has_blocks:
            return "_sum(_map(_len, _out))"
        return " + ".join(length for _, length in self.pieces)

    def _slot(self, offset: int, code: str, expression: str) -> None:
        self.slots.append(Slot(offset, code, expression))

    def path_of(self, expression: str) -> str:
        """Returns the path, in terms of the contract, that an expression stands for; for comments."""
        head = re.match(r"\w*", expression)[0]  # type: ignore[index]
        return self._paths.get(head, head) + expression[len(head) :]

    def _name(self, name: str, path: str) -> str:
        """Notes the path that a local stands for; returns it, for the comment of the line that sets the local."""
        self._paths[name] = path
        return path

    def _local(self, value: str) -> str:
        """Returns the name of a local with the value of an expression that is used more than once."""
        if value.isidentifier():
            return value
        name = self._source.fresh("", self.path_of(value))
        self._source.line(f"{name} = {value}", self._name(name, self.path_of(value)))
        return name

    def _put(self, node: Node) -> str:
        return self._bind(f"put_{node.text}", self._blocks.put(node))

    def _scalar(self, node: Scalar, value: str, offset: int) -> None:
        if node.text == "bool":
            value = self._local(value)
            with self._source.block(f"if {value} is not True and {value} is not False:"):
                self._source.line("raise _TypeError")
        self._slot(offset, node.code, value)

    def _struct(self, node: StructType, value: str, offset: int) -> None:
        if node.kind.is_dict:
            value = self._as_fields(node, value)
        else:
            value = self._local(value)
            cls = self._bind(node.text, node.cls)
            with self._source.block(f"if _type({value}) is not {cls}:"):
                self._source.line(f"{self._bind('require', columns.require)}(({value},), {cls})")
        for field, start in zip(node.fields, layout_of(node).offsets):
            self.write(field.type, node.kind.item.format(value=value, name=field.name), offset + start)

    def _as_fields(self, node: StructType, value: str) -> str:
        """Writes the line that checks a value of a TypedDict; returns the local for a dict of all its keys."""
        name = self._source.fresh("keys", self.path_of(value))
        path = self._name(name, self.path_of(value))
        self._source.line(f"{name} = {self._blocks.as_fields(node)}({value})", path)
        return name

    def _tuple(self, node: TupleType, value: str, offset: int) -> None:
        name = self._source.fresh("tuple", self.path_of(value))
        path = self._name(name, self.path_of(value))
        as_tuple = self._bind("as_tuple", columns.as_tuple)
        self._source.line(f"{name} = {as_tuple}({value}, {len(node.items)})", path)
        for position, (item, start) in enumerate(zip(node.items, layout_of(node).offsets)):
            self.write(item, f"{name}[{position}]", offset + start)

    def _enum(self, node: EnumType, value: str, offset: int) -> None:
        value = self._local(value)
        with self._source.block(f"if _type({value}) is not {self._bind(node.text, node.cls)}:"):
            self._source.line("raise _TypeError")
        self.write(node.base, f"{value}._value_", offset)

    def _literal(self, node: LiteralType, value: str, offset: int) -> None:
        value = self._local(value)
        cls, known = self._bind(node.cls.__name__, node.cls), self._bind(f"known_{node.text}", node.known)
        with self._source.block(f"if _type({value}) is not {cls} or {value} not in {known}:"):
            self._source.line("raise _TypeError")
        self.write(node.base, value, offset)

    def _leaf(self, node: Leaf, value: str, offset: int) -> None:
        codec = codec_of(node)
        if codec.cls is not None or len(codec.pack) > 1:
            value = self._local(value)
        if codec.cls is not None:
            cls = self._bind(node.text, codec.cls)
            with self._source.block(f"if _type({value}) is not {cls}:"):
                self._source.line(f"{self._bind('require', columns.require)}(({value},), {cls})")
        parts = [_filled(text, codec, self._bind, v=value) for text in codec.pack]
        if not codec.slots:
            self._bytes(parts[0], value, offset)
            return
        if len(parts) < len(codec.slots):
            made = parts[0]
            parts = [self._source.fresh("part", self.path_of(value)) for _ in codec.slots]
            self._source.line(f"{', '.join(parts)} = {made}")
        for (start, code), part in zip(codec.slots, parts):
            self._slot(offset + start, code, part)

    def _bytes(self, made: str, value: str, offset: int) -> None:
        """Writes the lines for bytes behind the record: the expression `made` makes them of `value`."""
        path = self.path_of(value)
        piece, length = self._source.fresh("bytes", path), self._source.fresh("len", path)
        self._source.line(f"{piece} = {made}", self._name(piece, path))
        self._source.line(f"{length} = _len({piece})")
        self._name(length, f"len({path})")
        self._slot(offset + 8, "Q", length)
        if self.has_blocks:
            self._source.line(f"_out.append({piece})")
        else:
            self.pieces.append((piece, length))

    def _container(self, node: ListType | SetType | DictType, value: str, offset: int) -> None:
        path = self.path_of(value)
        name, count = self._source.fresh("items", path), self._source.fresh("len", path)
        self._name(name, path)
        self._name(count, f"len({path})")
        if isinstance(node, DictType):
            self._source.line(f"{name} = {self._bind('as_dict', columns.as_dict)}({value})", path)
        elif isinstance(node, SetType):
            self._source.line(f"{name} = {self._bind('as_set', columns.as_set)}({value})", path)
        else:
            self._list(node, value, name, path)
        self._source.line(f"{count} = _len({name})")
        self._slot(offset + 8, "Q", count)
        if isinstance(node, DictType):
            self._source.line(f"{self._put(node.key)}(_out, [*{name}])")
            self._source.line(f"{self._put(node.value)}(_out, [*{name}.values()])")
        elif not (isinstance(node, ListType) and node.numbers):
            self._source.line(f"{self._put(node.item)}(_out, {name})")

    def _list(self, node: ListType, value: str, name: str, path: str) -> None:
        """Writes the lines that set a local to the items; for numbers at any depth, also those that encode them."""
        value = self._local(value)
        # A copy: another thread may change the list meanwhile. For numbers a tuple, as `struct.pack` makes one of a
        # list anyway.
        copy = f"_tuple({value})" if _is_packed_at_once(node.item) else f"[*{value}]"
        if not node.numbers:
            convert = self._bind("as_list", columns.as_list)
            self._source.line(f"{name} = {copy} if _type({value}) is _list else {convert}({value})", path)
            return
        with self._source.block(f"if _type({value}) is _list:"):
            self._source.line(f"{name} = {copy}", path)
            self._source.line(f"{self._put(node.item)}(_out, {name})")
        with self._source.block("else:"):  # memory of numbers, or another sequence
            put_other = self._bind(f"put_other_{node.item.text}", self._blocks.other_put(node))
            self._source.line(f"{name} = {put_other}(_out, {value})", path)

    def _optional(self, node: OptionalType, value: str, offset: int) -> None:
        value, absent = self._local(value), _absent(node, self._bind)
        self._slot(offset, "Q", f"{value} is not {absent}")
        with self._source.block(f"if {value} is not {absent}:"):
            self._source.line(f"{self._put(node.item)}(_out, [{value}])")

    def _handle(self, node: Node, value: str, offset: int) -> None:
        name = self._source.fresh("handle", self.path_of(value))
        lower = self._bind("lower", self._blocks.need_handles(node).lower)
        what = self._bind(f"type_{node.text}", node)
        self._source.line(f"{name} = {lower}({what}, {value}, _out.unsent)")
        self._slot(offset, "Q", name)

    def _union(self, node: UnionType, value: str, offset: int) -> None:
        value, tag = self._local(value), self._source.fresh("tag", self.path_of(value))
        puts = self._bind(f"puts_{node.text}", tuple(self._blocks.put(option) for option in node.options))
        self._source.line(f"{tag} = {self._bind(f'tag_of_{node.text}', node.tag_of)}({value})")
        self._slot(offset, "I", tag)
        self._source.line(f"{puts}[{tag}](_out, [{value}])")

    def _dynamic(self, node: DynamicType, value: str, offset: int) -> None:
        attached, checksum, size = (
            self._source.fresh(word, self.path_of(value)) for word in ("attached", "checksum", "len")
        )
        put = self._bind("put_stream", self._blocks.dynamic.put_stream)
        self._source.line(f"{attached}, {checksum}, {size} = {put}(_out, [{value}])", self.path_of(value))
        self._slot(offset, "I", attached)
        self._slot(offset + 4, "I", checksum)
        self._slot(offset + 8, "Q", size)

    def _buffer(self, node: BufferType, value: str, offset: int) -> None:
        name = self._source.fresh("memory", self.path_of(value))
        shape = self._bind(f"format_{node.item.text}", buffers.format_of(node))
        self._source.line(f"{name} = {self._bind('borrow', buffers.borrow)}({value}, {shape})")
        self._slot(offset, "Q", f"{name}.address")
        self._slot(offset + 8, "Q", f"{name}.count")
        self.borrowed.append(name)


class RecordReader:
    """Writes the lines that decode a record.

    The lines use the locals ``_head`` (the record), ``_buf`` (of which a slice is bytes of the frame) and
    ``_size`` (of the frame), and raise if something is wrong. The expressions that `read` returns are valid
    after the lines of `finish`.
    """

    def __init__(self, blocks: Blocks, source: Source, nodes: list[Node], record_size: int) -> None:
        self._slots: list[Slot] = []
        self._ends: list[str] = []  # lines for the ends of strings, if nothing else follows the record
        self._lines: list[str] = []
        self._has_blocks = any(node.has_blocks for node in nodes)
        self._blocks = blocks
        self._source = source
        self._bind = blocks.namespace.bind
        self._size = record_size
        self._end = str(record_size)
        self._path = ""  # of what is being read
        self._paths: dict[str, str] = {}  # of slots

    def read(self, node: Node, offset: int, path: str = "") -> str:
        """Returns the expression for the value at `offset`; comments call it `path`."""
        self._path = path or self._path
        made: str = _READERS[type(node)](self, node, offset)
        return made

    def finish(self) -> None:
        """Writes the lines that unpack the record, take what follows it, and check the end."""
        layout = make_struct(self._slots, self._size)
        names = "".join(f"{slot.name}, " for slot in sorted(self._slots))
        unpack = self._bind(f"unpack_{layout.format}", layout.unpack_from)
        if names:
            head = "_head" if IS_CPYTHON else f"{self._bind('readable', readable)}(_head)"
            paths = ", ".join(filter(None, (self._paths[slot.name] for slot in sorted(self._slots))))
            self._source.line(f"{names}= {unpack}({head})", paths)
        if self._has_blocks:
            self._source.line(f"_source = {self._bind('Input', Input)}(_buf, {self._size}, _size)")
        if not self._has_blocks:  # checked before reading: the memory behind a frame may not end there
            for line in self._ends:
                self._source.line(line)
            with self._source.block(f"if _size != {self._end}:"):
                self._source.line(f"raise {self._bind('CorruptFrame', CorruptFrame)}('corrupted frame')")
        for line in self._lines:
            self._source.line(line)
        if self._has_blocks:
            self._source.line("_source.finish()")

    def _slot(self, offset: int, code: str, word: str = "") -> str:
        name = self._source.fresh(word, self._path)
        self._slots.append(Slot(offset, code, name))
        self._paths[name] = self._path
        return name

    def _add_line(self, text: str) -> None:
        self._lines.append(text + f"  # {self._path}" * bool(self._path))

    def _scalar(self, node: Scalar, offset: int) -> str:
        return self._slot(offset, node.code)

    def _struct(self, node: StructType, offset: int) -> str:
        return self._blocks.construct(node, self._parts(node, offset))

    def _tuple(self, node: TupleType, offset: int) -> str:
        items = self._parts(node, offset)
        return f"({', '.join(items)}{',' * (len(items) == 1)})"

    def _parts(self, node: StructType | TupleType, offset: int) -> list[str]:
        path = self._path
        return [
            self.read(part, offset + start, f"{path}{place}" * bool(path))
            for (place, part), start in zip(node.parts, layout_of(node).offsets)
        ]

    def _choice(self, node: EnumType | LiteralType, offset: int) -> str:
        member = self._bind(f"member_{node.text}", self._blocks.member_of(node))
        return f"{member}({self.read(node.base, offset)})"

    _enum = _literal = _choice

    def _buffer(self, node: BufferType, offset: int) -> str:
        address, count = self._slot(offset, "Q", "address"), self._slot(offset + 8, "Q", "len")
        shape = self._bind(f"format_{node.item.text}", buffers.format_of(node))
        return f"{self._bind('view', buffers.view)}(_buf, {address}, {count}, {shape})"

    def _handle(self, node: Node, offset: int) -> str:
        lift = self._bind("lift", self._blocks.need_handles(node).lift)
        return f"{lift}({self._bind(f'type_{node.text}', node)}, {self._slot(offset, 'Q', 'handle')})"

    def _optional(self, node: OptionalType, offset: int) -> str:
        name = self._get(node.item, self._slot(offset, "Q", "flag"))
        return f"({name}[0] if {name} else {_absent(node, self._bind)})"

    def _bytes(self, codec: LeafCodec, offset: int) -> str:
        length, name = self._slot(offset + 8, "Q", "len"), self._source.fresh("", self._path)
        if self._has_blocks:
            taken = f"_source.take({length})"
        else:
            start, self._end = self._end, self._source.fresh("end", self._path)
            self._ends.append(f"{self._end} = {start} + {length}")
            taken = f"_buf[{start}:{self._end}]"
        self._add_line(f"{name} = {_filled(codec.unpack, codec, self._bind, taken)}")
        return name

    def _get(self, node: Node, count: str) -> str:
        name = self._source.fresh("items", self._path)
        get = self._bind(f"get_{node.text}", self._blocks.get(node))
        self._add_line(f"{name} = {get}(_source, {count})")
        return name

    def _container(self, node: ListType | SetType | DictType, offset: int) -> str:
        count = self._slot(offset + 8, "Q", "len")
        if isinstance(node, DictType):
            keys, values = self._get(node.key, count), self._get(node.value, count)
            return f"_dict(_zip({keys}, {values}))"
        items = self._get(node.item, count)
        return items if node.container is list else f"_{node.container.__name__}({items})"

    def _union(self, node: UnionType, offset: int) -> str:
        tag, name = self._slot(offset, "I", "tag"), self._source.fresh("items", self._path)
        gets = self._bind(f"gets_{node.text}", tuple(self._blocks.get(option) for option in node.options))
        self._add_line(f"{name} = {gets}[{tag}](_source, 1)")
        return f"{name}[0]"

    def _dynamic(self, node: DynamicType, offset: int) -> str:
        places = ((0, "I", "attached"), (4, "I", "checksum"), (8, "Q", "len"))
        head = [self._slot(offset + start, code, word) for start, code, word in places]
        name, get = (
            self._source.fresh("items", self._path),
            self._bind("get_stream", self._blocks.dynamic.get_stream),
        )
        self._add_line(f"{name} = {get}(_source, 1, {', '.join(head)})")
        return f"{name}[0]"

    def _leaf(self, node: Leaf, offset: int) -> str:
        codec = codec_of(node)
        if not codec.slots:
            return self._bytes(codec, offset)
        word = "part" * (len(codec.slots) > 1)
        parts = [self._slot(offset + start, code, word) for start, code in codec.slots]
        return _filled(codec.unpack, codec, self._bind, *parts)


def _by_kind(methods: Any) -> dict[type, Any]:
    """Returns the method of `RecordWriter` or `RecordReader` for each kind of node."""
    return {
        Scalar: methods._scalar,
        Leaf: methods._leaf,
        StructType: methods._struct,
        EnumType: methods._enum,
        LiteralType: methods._literal,
        TupleType: methods._tuple,
        ListType: methods._container,
        SetType: methods._container,
        DictType: methods._container,
        OptionalType: methods._optional,
        UnionType: methods._union,
        DynamicType: methods._dynamic,
        BufferType: methods._buffer,
        InterfaceType: methods._handle,
        CallableType: methods._handle,
        StreamType: methods._handle,
    }


_WRITERS, _READERS = _by_kind(RecordWriter), _by_kind(RecordReader)
