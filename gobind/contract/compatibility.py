"""Compatibility: the differences between a library and a class, one line each."""

from __future__ import annotations

from gobind.contract.fingerprint import BLOCKING, PLAIN, reachable, reachable_from, signature, wire_text
from gobind.contract.types import EnumType, InterfaceType, Method, StructType


def differences(library: InterfaceType, asked: InterfaceType) -> list[str]:
    """Returns one line for each difference that matters between the library's interface and the class asked for.

    The library may offer more methods than the class asks for.
    """
    lines, shared = _method_lines(library, asked)
    theirs = {node.text: node for node in reachable_from(shared)}
    for node in reachable(asked):
        other = theirs.get(node.text)
        if isinstance(node, StructType) and isinstance(other, StructType):
            lines += _named_differences(node.text, "field", _fields(other), _fields(node))
        elif isinstance(node, InterfaceType) and isinstance(other, InterfaceType):
            lines += _method_lines(other, node)[0] if node is not asked else []
        elif isinstance(node, EnumType) and isinstance(other, EnumType):
            lines += _named_differences(node.text, "member", _members(other), _members(node))
    return lines


def _method_lines(library: InterfaceType, asked: InterfaceType) -> tuple[list[str], list[Method]]:
    """Returns the differences between methods, and the library's methods that both have."""
    offered = {method.name: method for method in library.methods}
    lines, shared = [], []
    for method in asked.methods:
        where = f"{asked.text}.{method.name}"
        if method.name in offered:
            shared.append(offered[method.name])
            lines += _method_differences(where, offered[method.name], method)
        else:
            lines.append(f"{where}: library has no such method")
    return lines, shared


def struct_differences(library: StructType, asked: StructType) -> list[str]:
    """Returns one line for each difference between two structs or errors of the same name."""
    return _named_differences(asked.text, "field", _fields(library), _fields(asked))


def _method_differences(where: str, library: Method, asked: Method) -> list[str]:
    ours, theirs = signature(asked), signature(library)
    if [name for name, _ in ours] != [name for name, _ in theirs]:
        names = [", ".join(p.name for p in m.params) or "none" for m in (library, asked)]
        return [f"{where}: library has parameters {names[0]}; class has {names[1]}"]
    return [
        f"{where}{': ' + name if name else ''}: library has {have}, class has {want}"
        for (name, want), (_, have) in zip(ours, theirs)
        if want != have and (want, have) != (PLAIN, BLOCKING)
    ]


def _fields(node: StructType) -> dict[str, str]:
    return {field.name: wire_text(field.type) for field in node.fields}


def _members(node: EnumType) -> dict[str, str]:
    return {name: repr(value) for name, value in node.members.items()}


def _named_differences(where: str, what: str, have: dict[str, str], want: dict[str, str]) -> list[str]:
    none = f"no such {what}"
    lines = [
        f"{where}.{name}: library has {have.get(name, none)}, class has {want.get(name, none)}"
        for name in {**have, **want}
        if have.get(name) != want.get(name)
    ]
    if not lines and list(have) != list(want) and what == "field":
        lines.append(f"{where}: library has fields {', '.join(have)}; class has {', '.join(want)}")
    return lines
