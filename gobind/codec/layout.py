"""Where each field of a record lies: sizes, alignments and offsets as a C compiler lays them out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from gobind.contract.types import Node, Record


class Layout(NamedTuple):
    """Size and alignment in bytes; ``offsets`` of the fields, for structs and tuples."""

    size: int
    align: int
    offsets: tuple[int, ...] = ()


def layout_of(node: Node) -> Layout:
    """The layout of one value of `node` inside a record."""
    if isinstance(node, Record):
        return record_layout(node.children)
    return Layout(node.size, node.align)


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
