"""The codec on its own: any value as one contiguous block."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gobind.codec.diagnose import locate
from gobind.codec.layout import layout_of
from gobind.codec.records import RecordReader, RecordWriter, make_struct
from gobind.codec.registry import Blocks
from gobind.codec.source import Source
from gobind.contract.dynamics import checked_by_go
from gobind.contract.resolve import Schema
from gobind.contract.types import BufferType, Node
from gobind.contract.validate import check, check_unchanged, root_path
from gobind.forklock import fork_lock

_made: dict[Any, tuple[Node, Callable[[Any], bytes], Callable[[Any, int], Any]]] = {}


def flatten(value: Any, annotation: Any) -> bytes:
    """Returns one contiguous block for a value of any annotation that a contract may use.

    It is allocated once.

    Raises:
        TypeError, OverflowError, UnicodeEncodeError, ValueError: the value does not fit; the message
            has the path.
        ContractError: the annotation is not supported.

    >>> block = flatten([["a", "b"], []], list[list[str]])
    >>> unflatten(block, list[list[str]])
    [['a', 'b'], []]
    """
    node, encode, _ = _compiled(annotation)
    if checked_by_go(node):
        check(node, value, root_path(node, "value", value))
    try:
        return encode(value)
    except Exception as error:
        check(node, value, root_path(node, "value", value))
        check_unchanged(error)
        raise


def unflatten(block: Any, annotation: Any) -> Any:
    """Builds the value of a block made by `flatten`; `block` is any bytes-like object.

    Raises:
        CorruptFrame: the block was not made for this annotation, or is damaged.
    """
    node, _, decode = _compiled(annotation)
    data = bytes(block)
    try:
        value = decode(data, len(data))
        if checked_by_go(node):
            check(node, value, root_path(node, "value", value))
    except Exception as error:
        raise locate([("value", node)], data, len(data), error) from None
    return value


def _compiled(annotation: Any) -> tuple[Node, Callable[[Any], bytes], Callable[[Any, int], Any]]:
    """Returns the type of an annotation, and the functions that flatten its values and build them again."""
    try:
        return _made[annotation]
    except (KeyError, TypeError):
        node = Schema().node(annotation, where="flatten")
    if isinstance(node, BufferType):
        raise TypeError("Buffer is memory by reference: it cannot be flattened")
    with fork_lock:
        blocks = Blocks()
        made = node, _compile_flatten(node, blocks), _compile_unflatten(node, blocks)
    try:
        _made[annotation] = made
    except TypeError:  # an annotation that cannot be hashed
        pass
    return made


def _compile_flatten(node: Node, blocks: Blocks) -> Callable[[Any], bytes]:
    source = Source()
    with source.block("def flatten(value):"):
        writer = RecordWriter(blocks, source, [node])
        writer.write(node, "value", 0)
        pack = make_struct(writer.slots, layout_of(node).size).pack
        arguments = ", ".join(slot.name for slot in sorted(writer.slots))
        record = f"{blocks.namespace.bind('pack', pack)}({arguments})"

        def explain(value: Any) -> None:
            check(node, value, root_path(node, "value", value))

        writer.finish(blocks.namespace.bind("explain", explain), "value")
        source.line(f"return b''.join([{record}, {writer.rest}])")
    return source.compile("flatten", blocks.namespace, f"flatten {node.text}")


def _compile_unflatten(node: Node, blocks: Blocks) -> Callable[[Any, int], Any]:
    source = Source()
    size = layout_of(node).size
    with source.block("def unflatten(_head, _size):"):
        source.line("_buf = _head")
        reader = RecordReader(blocks, source, [node], size)
        value = reader.read(node, 0, "value")
        reader.finish()
        source.line(f"return {value}")
    return source.compile("unflatten", blocks.namespace, f"unflatten {node.text}")
