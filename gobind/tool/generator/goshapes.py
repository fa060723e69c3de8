"""Shapes: what dynamic values of a contract may be, as Go checks them."""

from __future__ import annotations

from typing import Protocol

from gobind.contract.leaves import Leaf
from gobind.contract.types import DictType, DynamicType, ListType, Node, OptionalType, StructType, UnionType
from gobind.tool.generator.gosource import quote


class Shapes(Protocol):
    """What gives the variable of a shape."""

    def shape(self, node: Node) -> str: ...


def declare(shapes: Shapes, name: str, node: Node) -> list[str]:
    """Returns the declaration of the variable `name`, the shape of `node`.

    What shapes refer to is set by an init function: they may refer to themselves.
    """
    options, allows_none = _options(node)
    kinds = ["gobind.KindNil"] * allows_none
    structs, links, key = [], [], ""
    for option in options:
        if isinstance(option, StructType):
            structs.append(quote(option.text))
        elif isinstance(option, ListType):
            kinds.append("gobind.KindList")
            links.append(f"\t{name}.Item = {shapes.shape(option.item)}")
        elif isinstance(option, DictType):
            kinds.append("gobind.KindMap")
            key = f", Key: {_kind(option.key)}"
            links.append(f"\t{name}.Value = {shapes.shape(option.value)}")
        else:
            kinds.append(_kind(option))
    listed = ""
    if structs:
        kinds.append("gobind.KindStruct")
        listed = f", Structs: []string{{{', '.join(structs)}}}"
    shape = f"Text: {quote(_expected(node))}, Kinds: {' | '.join(kinds)}{key}{listed}"
    lines = [f"// {name} is what a value of {node.text} may be.", f"var {name} = &gobind.Shape{{{shape}}}"]
    return [*lines, "", "func init() {", *links, "}"] if links else lines


def _kind(node: Node) -> str:
    """Returns the kind of the values of a leaf or scalar, as Go names it."""
    return f"gobind.Kind{node.word if isinstance(node, Leaf) else node.text.capitalize()}"


def _options(node: Node) -> tuple[tuple[Node, ...], bool]:
    """Returns what a value may be, and if that may be None."""
    if isinstance(node, OptionalType):
        return _options(node.item)[0], True
    if isinstance(node, DynamicType):
        return node.options, node.allows_none
    if isinstance(node, UnionType):
        return node.options, False
    return (node,), False


def _expected(node: Node) -> str:
    return node.expected if isinstance(node, DynamicType) else node.text
