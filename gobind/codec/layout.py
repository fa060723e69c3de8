"""Where each field of a record lies: sizes, alignments and offsets as a C compiler lays them out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from gobind.contract.leaves import Leaf
from gobind.contract.scalars import Scalar
from gobind.contract.types import (
    EnumType,
    HandleType,
    Node,
    OptionalType,
    StructType,
    TupleType,
)


class Layout(NamedTuple):
    """Size and alignment in bytes; ``offsets`` of the fields, for structs and tuples."""

    size: int
    align: int
    offsets: tuple[int, ...] = ()


REF = Layout(16, 8)  # {pointer, length}


def layout_of(node: Node) -> Layout:
    """The layout of one value of `node` inside a record."""
    if isinstance(node, Scalar):
        return Layout(node.size, node.size)
    if isinstance(node, Leaf):
        return Layout(node.size, node.align)
    if isinstance(node, (StructType, TupleType)):
        return record_layout(node.items if isinstance(node, TupleType) else [f.type for f in node.fields])
    if isinstance(node, EnumType):
        return layout_of(node.base)
    if isinstance(node, (OptionalType, *HandleType)):
        return Layout(8, 8)
    return REF


def record_layout(nodes: Iterable[Node]) -> Layout:
    """The layout of a struct whose fields are `nodes`."""
    offsets = []
    end, align = 0, 1
    for node in nodes:
        inner = layout_of(node)
        end = -(-end // inner.align) * inner.align
        offsets.append(end)
        end += inner.size
        align = max(align, inner.align)
    return Layout(-(-end // align) * align, align, tuple(offsets))
