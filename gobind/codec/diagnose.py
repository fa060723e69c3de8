"""The slow walk over a frame: finds what is wrong with a response, and where.

A simple reader of the format in `gobind.protocol`: one value at a time, each with its path.
"""

from __future__ import annotations

import struct
from binascii import crc32
from collections.abc import Callable, Sequence
from typing import Any

from gobind.codec.dynamic import ATTACHED_LEAVES, struct_at
from gobind.codec.frames import CorruptFrame
from gobind.codec.layout import layout_of, record_layout
from gobind.codec.leaves import codec_of, decode
from gobind.contract.leaves import Leaf, excerpt
from gobind.contract.scalars import Scalar
from gobind.contract.types import (
    BufferType,
    Choice,
    DictType,
    DynamicType,
    EnumType,
    ListType,
    LiteralType,
    Node,
    OptionalType,
    Record,
    SetType,
    StructType,
    UnionType,
)
from gobind.contract.validate import Path, Place
from gobind.protocol import ATTACHED_BROKEN


def locate(fields: Sequence[tuple[str, Node]], source: Any, size: int, error: Exception) -> Exception:
    """Returns the exception to raise after the fast reader failed with `error`.

    Args:
        fields: names and nodes of the record's fields.
        source: gives bytes for a slice of the frame.
        size: bytes of the frame.
    """
    return _located(Walker(source, size), lambda walker: walker.record(fields), error)


def locate_value(node: Node, source: Any, start: int, size: int, error: Exception) -> Exception:
    """Returns what `locate` does, for a block of one value at `start` in the frame."""
    walker = Walker(source, size, start)
    return _located(walker, lambda walker: walker.value(node), error)


def _located(walker: Walker, walk: Callable[[Walker], None], error: Exception) -> Exception:
    try:
        walk(walker)
    except (UnicodeDecodeError, CorruptFrame, ValueError, OverflowError) as found:
        return found
    except MemoryError:
        return CorruptFrame("corrupted frame: an impossible length")
    return error


class Walker:
    """Reads a frame value by value; raises what is wrong.

    Args:
        source: gives bytes for a slice of the frame.
        size: bytes of the frame.
        start: where the record, or the block, stands.

    Attributes:
        reached: where the last bytes were read, or should have been.
    """

    def __init__(self, source: Any, size: int, start: int = 0) -> None:
        self._source = source
        self._size = size
        self._position = self._record_start = self.reached = start
        self._queue: list[tuple[StructType, list[Place]]] = []

    def note(self, offset: int, size: int, path: Place, text: str, value: Any) -> None:
        """Gets each part that is read, before it is checked: its place, path, type and value; does nothing here.

        Text comes as bytes. `gobind.tool.dump` overrides this method.
        """

    def _note_column(
        self, start: int, size: int, paths: list[Place], text: str, values: Sequence[Any]
    ) -> None:
        for index, (path, value) in enumerate(zip(paths, values)):
            self.note(start + index * size, size, path, text, value)

    def record(self, fields: Sequence[tuple[str, Node]]) -> None:
        """Reads a record, of named fields, and what follows it."""
        layout = record_layout([node for _, node in fields])
        record = self._take(layout.size)
        for (name, node), offset in zip(fields, layout.offsets):
            self._value(node, record, offset, node.text if isinstance(node, StructType) else name)
        self._finish()

    def value(self, node: Node) -> None:
        """Reads a block of one value."""
        self._block(node, [node.text])
        self._finish()

    def _finish(self) -> None:
        for struct_node, paths in self._queue:  # grows while it is read
            self._parts(struct_node, paths)
        if self._position != self._size:
            self.reached = self._position
            raise CorruptFrame(
                f"corrupted frame: it should end at {self._position} bytes, not at {self._size}"
            )

    def _take(self, size: int) -> bytes:
        start = self.reached = self._position
        self._position += size
        if self._position > self._size:
            raise CorruptFrame(f"corrupted frame: {size} bytes expected at {start} of {self._size}")
        piece: bytes = self._source[start : self._position]
        if len(piece) != size:  # it crosses a segment's end, which no piece of a frame does
            raise CorruptFrame(f"corrupted frame: {size} bytes expected at {start}, {len(piece)} are there")
        return piece

    def _numbers(self, code: str, count: int) -> tuple[Any, ...]:
        size = struct.calcsize(code)
        return struct.unpack(f"{count}{code}", self._take(size * count))

    # Values in the record

    def _value(self, node: Node, record: bytes, offset: int, path: Place) -> None:
        if isinstance(node, Record):
            for (place, item), start in zip(node.parts, layout_of(node).offsets):
                self._value(item, record, offset + start, Path(path, place))
        elif isinstance(node, Choice):
            self._choice(node, self._raw(node.base, record, offset, path), path)
        elif isinstance(node, (ListType, SetType, DictType)):
            count = struct.unpack_from("<Q", record, offset + 8)[0]
            self.note(self._record_start + offset + 8, 8, path, "length", count)
            self._items(node, [count], [path])
        elif isinstance(node, OptionalType):
            flag = struct.unpack_from("<Q", record, offset)[0]
            self.note(self._record_start + offset, 8, path, "flag", flag)
            self._block(node.item, self._present([flag], [path]))
        elif isinstance(node, UnionType):
            tag = struct.unpack_from("<I", record, offset)[0]
            self.note(self._record_start + offset, 4, path, "tag", tag)
            self._block(self._option(node, tag, path), [path])
        elif isinstance(node, DynamicType):
            head = struct.unpack_from("<IIQ", record, offset)
            self._stream(node, self._record_start + offset, head, [path])
        elif isinstance(node, BufferType):
            address, count = struct.unpack_from("<QQ", record, offset)
            self.note(self._record_start + offset, 8, path, "address", address)
            self.note(self._record_start + offset + 8, 8, path, "length", count)
        else:
            self._raw(node, record, offset, path)

    def _raw(self, node: Node, record: bytes, offset: int, path: Place) -> Any:
        """Reads a value that is in the record, or whose length is."""
        place = self._record_start + offset
        if not isinstance(node, Leaf):
            code = node.code if isinstance(node, Scalar) else "Q"  # a handle
            value = struct.unpack_from(f"<{code}", record, offset)[0]
            self.note(place, struct.calcsize(f"<{code}"), path, node.text, value)
            return value
        codec = codec_of(node)
        parts = [struct.unpack_from(f"<{code}", record, offset + start)[0] for start, code in codec.slots]
        if parts:
            last, code = codec.slots[-1]
            size = last + struct.calcsize(f"<{code}")
            self.note(place, size, path, node.text, parts[0] if len(parts) == 1 else tuple(parts))
        else:
            length = struct.unpack_from("<Q", record, offset + 8)[0]
            self.note(place + 8, 8, path, "length", length)
            parts = [self._piece(length, path, node.text)]
        return codec.explain(path, *parts) if codec.explain else parts[0]

    # Blocks

    def _block(self, node: Node, paths: list[Place]) -> None:
        count = len(paths)
        if not count:
            return
        if isinstance(node, StructType) and node.is_recursive:
            self._queue.append((node, paths))
        elif isinstance(node, Record):
            self._parts(node, paths)
        elif isinstance(node, (ListType, SetType, DictType)):
            start, lengths = self._position, self._numbers("Q", count)
            self._note_column(start, 8, paths, "length", lengths)
            self._items(node, lengths, paths)
        elif isinstance(node, OptionalType):
            start, flags = self._position, self._take(count)
            self._note_column(start, 1, paths, "flag", flags)
            self._block(node.item, self._present(flags, paths))
        elif isinstance(node, UnionType):
            start, tags = self._position, self._take(count)
            self._note_column(start, 1, paths, "tag", tags)
            for path, tag in zip(paths, tags):
                self._option(node, tag, path)
            for tag, option in enumerate(node.options):
                self._block(option, [path for path, found in zip(paths, tags) if found == tag])
        elif isinstance(node, DynamicType):
            start = self._position
            self._stream(node, start, struct.unpack("<IIQ", self._take(16)), paths)
        elif isinstance(node, Choice):
            for value, path in zip(self._leaves(node.base, paths), paths):
                self._choice(node, value, path)
        else:
            self._leaves(node, paths)

    def _stream(self, node: DynamicType, start: int, head: tuple[int, int, int], paths: list[Place]) -> None:
        """Reads the opcodes of dynamic values, and the values attached to them; the head is at `start`."""
        count, checksum, size = head
        for at, length, text, value in (
            (0, 4, "attached", count),
            (4, 4, "checksum", checksum),
            (8, 8, "length", size),
        ):
            self.note(start + at, length, paths[0], text, value)
        stream = self._piece(size, paths[0], "stream")
        if crc32(stream) != checksum:
            raise CorruptFrame(f"corrupted frame: {paths[0]}: the checksum of the stream is another")
        if count > self._size:
            raise CorruptFrame(f"corrupted frame: {paths[0]}: {count} attached values in {self._size} bytes")
        places: list[Place] = [Path(paths[0], f" attached {index}") for index in range(count)]
        tags = self._column("H", places, "tag") if count else ()
        for tag in sorted(set(tags)):
            its = [place for place, found in zip(places, tags) if found == tag]
            if tag in ATTACHED_LEAVES:
                self._leaves(ATTACHED_LEAVES[tag], its)
            elif tag == ATTACHED_BROKEN:
                self._broken(its, paths)
            else:
                self._block(struct_at(node.structs, tag), its)

    def _broken(self, places: list[Place], paths: list[Place]) -> None:
        """Reads strings of Go's that are not UTF-8, and raises what is wrong with the first."""
        indexes = self._column("Q", places, "index")
        inside = self._strings(places, "place")
        lengths = self._column("Q", places, "length")
        texts = [self._piece(length, place, "str") for length, place in zip(lengths, places)]
        for index, place, text in zip(indexes, inside, texts):
            if index < len(paths):
                decode(Path(paths[index], place.decode("utf-8", "replace")), text)

    def _parts(self, node: Record, paths: list[Place]) -> None:
        for place, item in node.parts:
            self._block(item, [Path(path, place) for path in paths])
        if not node.parts:
            self._take(len(paths))

    def _items(self, node: ListType | SetType | DictType, counts: Sequence[int], paths: list[Place]) -> None:
        if sum(counts) > self._size:
            raise CorruptFrame(f"corrupted frame: {paths[0]}: {sum(counts)} items in {self._size} bytes")
        places: list[Place] = [
            Path(path, f"[{index}]") for path, count in zip(paths, counts) for index in range(count)
        ]
        if isinstance(node, DictType):
            self._block(node.key, [Path(place, " key") for place in places])
            self._block(node.value, places)
        else:
            self._block(node.item, places)

    def _leaves(self, node: Node, paths: list[Place]) -> Sequence[Any]:
        if not isinstance(node, Leaf):
            return self._column(node.code if isinstance(node, Scalar) else "Q", paths, node.text)
        codec = codec_of(node)
        parts: list[Sequence[Any]] = []
        if codec.is_joined:
            parts = [self._strings(paths, node.text)]
        elif not codec.slots:
            lengths = self._column("Q", paths, "length")
            parts = [[self._piece(length, path, node.text) for length, path in zip(lengths, paths)]]
        else:
            parts = [self._column(code, paths, node.text) for code in codec.columns]
        return [*map(codec.explain, paths, *parts)] if codec.explain else ()

    def _column(self, code: str, paths: list[Place], text: str) -> Sequence[Any]:
        """Reads one column; returns what it has for each value: a number, several, or 16 bytes."""
        start, size = self._position, struct.calcsize(f"<{code}")
        data = self._take(size * len(paths))
        values = [each[0] if len(each) == 1 else each for each in struct.iter_unpack(f"<{code}", data)]
        self._note_column(start, size, paths, text, values)
        return values

    def _piece(self, length: int, path: Place, text: str) -> bytes:
        start, data = self._position, self._take(length)
        self.note(start, length, path, text, data)
        return data

    def _strings(self, paths: list[Place], text: str) -> list[bytes]:
        head = self._column("Q", paths[:1], "head")[0]
        if head & 1:
            lengths = self._column("Q", paths, "length")
            if sum(lengths) != head >> 1:
                raise CorruptFrame(
                    f"corrupted frame: {paths[0]}: {sum(lengths)} bytes expected, got {head >> 1}"
                )
            start, pieces = self._position, [self._take(length) for length in lengths]
        else:
            start, joined = self._position, self._take(head >> 1)
            pieces = joined.split(b"\0")
            if len(pieces) != len(paths):
                raise CorruptFrame(
                    f"corrupted frame: {paths[0]}: {len(paths)} strings expected, got {len(pieces)}"
                )
        for piece, path in zip(pieces, paths):
            self.note(start, len(piece), path, text, piece)
            start += len(piece) + 1 - (head & 1)
        return pieces

    def _present(self, flags: Sequence[int], paths: list[Place]) -> list[Place]:
        for flag, path in zip(flags, paths):
            if flag > 1:
                raise CorruptFrame(f"corrupted frame: {path}: expected 0 or 1 for a flag, got {flag}")
        return [path for path, flag in zip(paths, flags) if flag]

    def _option(self, node: UnionType, tag: int, path: Place) -> StructType:
        if tag >= len(node.options):
            raise CorruptFrame(f"corrupted frame: {path}: tag {tag} of {len(node.options)}")
        return node.options[tag]

    def _choice(self, node: Choice, value: Any, path: Place) -> None:
        if isinstance(node, EnumType):
            try:
                node.cls(value)
            except ValueError:
                raise ValueError(f"{path}: {value!r} is not a {node.text}") from None
        elif isinstance(node, LiteralType) and value not in node.values:
            raise ValueError(f"{path}: expected {node.allowed}, got {excerpt(value)}")
