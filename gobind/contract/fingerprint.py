"""Fingerprints: tell whether two sides have the same contract.

A fingerprint covers what crosses between Python and Go, and nothing else: two contracts with one fingerprint can call
each other.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib import import_module
from typing import Any

from gobind.contract.types import (
    DynamicType,
    EnumType,
    InterfaceType,
    Method,
    Node,
    StreamType,
    StructType,
    method_types,
    references,
    walk,
)

PLAIN, BLOCKING = "def", "blocking def"
"""Kinds of methods that Python may call as the first if the library was built with the second, but not the other way."""


def wire_text(node: Node | None, around: tuple[Node, ...] = ()) -> str:
    """Returns a type's text on the wire: containers that are passed alike have the same text.

    Args:
        around: the unions that `node` stands in, which may contain themselves.
    """
    if node is None:
        return "None"
    if isinstance(node, DynamicType) and not node.is_any:
        if node in around:
            return f"union {len(around) - around.index(node)}"
        texts = [wire_text(option, (*around, node)) for option in node.options]
        return " | ".join(sorted(texts) + ["None"] * node.allows_none)
    if node.wire_pattern:
        return node.wire_pattern % (", ".join(wire_text(child, around) for child in node.children) or "()")
    if isinstance(node, StreamType):
        return f"{'Async' * node.is_async}Iterable[{wire_text(node.item, around)}]"
    return node.text


def signature(method: Method) -> list[tuple[str, str]]:
    """Returns the parts of a method that both sides must agree on, each a name and its text."""
    parts = [(param.name, wire_text(param.type)) for param in method.params]
    kind = "async def" if method.is_async else BLOCKING if method.options.blocking else PLAIN
    return [*parts, ("result", wire_text(method.result)), ("", kind)]


def reachable(interface: InterfaceType) -> list[Node]:
    """Returns the nodes that an interface's methods refer to."""
    return reachable_from(interface.methods)


def reachable_from(methods: Iterable[Method]) -> list[Node]:
    return list(walk(*[node for method in methods for node in method_types(method)], into=references))


def fingerprint(interface: InterfaceType) -> str:
    """Returns 16 hex digits, equal if two interfaces and all they refer to are passed alike."""
    lines = [f"{interface.text}.{m.name} {signature(m)}" for m in interface.methods]
    return _digest(lines + _definitions(reachable(interface)))


def struct_fingerprint(node: StructType) -> str:
    """Returns 16 hex digits for a struct or error and all it refers to."""
    return _digest(_definitions(walk(node, into=references)))


def _definitions(nodes: Iterable[Node]) -> list[str]:
    lines = []
    for node in sorted(nodes, key=lambda node: node.text):
        if isinstance(node, StructType):
            lines.append(f"{node.text} {[(f.name, wire_text(f.type)) for f in node.fields]}")
        elif isinstance(node, EnumType):
            lines.append(f"{node.text} {node.is_flag} {node.members}")
        elif isinstance(node, InterfaceType):
            lines += [f"{node.text}.{m.name} {signature(m)}" for m in node.methods]
    return lines


def _digest(lines: list[str]) -> str:
    return str(_sha256("\n".join(lines).encode()).hexdigest())[:16]


def _sha256(data: bytes) -> Any:
    """Computes SHA-256, by CPython's own module where there is one: hashlib loads OpenSSL, which takes 2 ms."""
    try:
        return import_module("_sha2" if sys.version_info >= (3, 12) else "_sha256").sha256(data)
    except ImportError:
        return import_module("hashlib").sha256(data)
