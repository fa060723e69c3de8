"""The layout of records: sizes, alignments and offsets as a C compiler chooses them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from gobind.contract.types import Node, Record


class Layout(NamedTuple):
    """Size and alignment in bytes; for structs and tuples the ``offsets`` of their parts."""

    size: int
    align: int
    offsets: tuple[int, ...] = ()


def layout_of(node: Node) -> Layout:
    """Returns the layout of one value of `node` inside a record."""
    if isinstance(node, Record):
        return record_layout(node.children)
    return Layout(node.size, node.align)


def record_layout(nodes: Iterable[Node]) -> Layout:
    """Returns the layout of a struct whose fields are `nodes`."""
    offsets = []
    end, align = 0, 1
    for node in nodes:
        inner = layout_of(node)
        end = -(-end // inner.align) * inner.align
        offsets.append(end)
        end += inner.size
        align = max(align, inner.align)
    return Layout(-(-end // align) * align, align, tuple(offsets))
