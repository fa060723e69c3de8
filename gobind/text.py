"""A contract as text: the canonical source that a library carries inside, its fingerprint, differences.

The text is a contract module again: `read_text` runs it. Imports `gobind.schema` and before.
"""

from __future__ import annotations

import dataclasses
import enum
import inspect
import re
import sys
import types
from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import Any

from gobind.contract import INTERFACE, MethodOptions, kind_of
from gobind.errors import GoError
from gobind.nodes import (
    BufferType,
    Contract,
    DictType,
    EnumType,
    Field,
    InterfaceType,
    ListType,
    Method,
    Node,
    OptionalType,
    SetType,
    StructType,
    TupleType,
    method_types,
    references,
    walk,
)
from gobind.schema import Schema

UNWRITABLE = "\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff"
"""What source files cannot hold, or read as the end of a line, as a regular expression's set."""

_IMPORTS = """\
from __future__ import annotations

import enum
from datetime import datetime, timedelta
from typing import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator
from typing import Optional, Protocol, Union
from uuid import UUID

from gobind import Buffer, GoError, goerror, gointerface, gomethod, gostruct
from gobind import f32, f64, i8, i16, i32, i64, u8, u16, u32, u64
"""


def contract_text(contract: Contract) -> str:
    """The canonical source of a contract: the same for the same declarations, whatever module they are in."""
    nodes = [node for interface in contract.interfaces for node in reachable(interface)]
    imports = _IMPORTS
    if any(isinstance(node, BufferType) and node.is_mutable for node in nodes):
        imports += "from gobind import MutableBuffer\n"  # an older gobind reads what does not use it
    parts = [_quote(contract.doc), imports] if contract.doc else [imports]
    parts += [_enum_text(node) for node in contract.enums]
    parts += [_struct_text("@gostruct", "", node) for node in contract.structs]
    parts += [_struct_text("@goerror", "(GoError)", node) for node in contract.errors]
    parts += [_interface_text(node) for node in contract.interfaces]
    return "\n\n".join(part.rstrip() + "\n" for part in parts)


def own_doc(cls: Any) -> str:
    """The docstring that somebody wrote, without indentation; "" for what `dataclasses` or `enum` make up."""
    doc = cls.__dict__.get("__doc__")
    if not isinstance(doc, str):  # since Python 3.15 dataclasses make theirs when it is asked for
        return ""
    if dataclasses.is_dataclass(cls) and doc.startswith(f"{getattr(cls, '__name__', '')}("):
        return ""
    if doc in ("An enumeration.", "A generic enumeration."):
        return ""
    return "\n".join(line.rstrip() for line in inspect.cleandoc(doc).strip().splitlines())


def _quote(doc: str, indent: str = "") -> str:
    doc = re.sub(
        "[\ud800-\udfff]", "\ufffd", doc
    )  # CPython refuses halves of a pair, escaped ones too since 3.14
    body = doc.replace("\\", "\\\\").replace('"""', '\\"""')
    if body.endswith('"'):
        body = body[:-1] + '\\"'
    body = re.sub(f"[{UNWRITABLE}]", lambda match: ascii(match[0])[1:-1], body)
    lines = body.split("\n")
    text = "\n".join([f'{indent}"""{lines[0]}'] + [f"{indent}{line}".rstrip() for line in lines[1:]])
    return text + ('"""\n' if len(lines) == 1 else f'\n{indent}"""\n')


def _enum_text(node: EnumType) -> str:
    base = "enum.Enum"
    for kind in (enum.IntFlag, enum.Flag, enum.IntEnum):
        if issubclass(node.cls, kind):
            base = f"enum.{kind.__name__}"
            break
    else:
        if issubclass(node.cls, str):
            base = "str, enum.Enum"
    doc = own_doc(node.cls)
    lines = [f"class {node.text}({base}):\n" + (_quote(doc, "    ") + "\n" if doc else "")]
    lines += [f"    {name} = {value!r}\n" for name, value in node.members.items()]
    return "".join(lines)


def _struct_text(decorator: str, base: str, node: StructType) -> str:
    doc = own_doc(node.cls)
    options = ", ".join(_struct_options(node)) if not base else ""
    first_default = len(node.fields)
    while first_default and _default_text(node.fields[first_default - 1]):
        first_default -= 1
    body = [_quote(doc, "    ") + ("\n" if node.fields else "")] if doc else []
    for position, field in enumerate(node.fields):
        default = f" = {_default_text(field)}" if position >= first_default else ""
        body.append(f"    {field.name}: {field.type.text}{default}\n")
    head = f"{decorator}{f'({options})' if options else ''}\nclass {node.text}{base}:\n"
    return head + ("".join(body) or "    pass\n")


def _struct_options(node: StructType) -> Iterator[str]:
    if node.cls.__dataclass_params__.frozen:
        yield "frozen=True"
    if node.fields and all(field.keyword_only for field in node.fields):
        yield "kw_only=True"


def _default_text(field: Field) -> str:
    """The default of a field or parameter as the contract's text can say it; "" if it has none that it can."""
    value: Any = field.default
    if type(value) is float and value - value != 0:
        # Literals: names may mean something else where a class has a field called float.
        return "1e309 - 1e309" if value != value else "1e309" if value > 0 else "-1e309"
    if (
        value is None
        or type(value) in (bool, float, str, bytes)
        or (type(value) is int and -(1 << 64) < value < 1 << 64)
    ):
        return repr(value)
    if any(isinstance(node, EnumType) and node.cls is type(value) for node in walk(field.type)):
        member: Any = value
        if member.name in type(member).__members__:
            return f"{type(value).__name__}.{member.name}"
        return f"{type(value).__name__}({member.value!r})"  # flags together
    return ""


def _interface_text(node: InterfaceType) -> str:
    doc = own_doc(node.cls)
    parts = [f"@gointerface\nclass {node.text}(Protocol):\n"]
    parts += [_quote(doc, "    ") + ("\n" if node.methods else "")] if doc else []
    parts += ["\n".join(_method_text(method) for method in node.methods)]
    return "".join(parts) if doc or node.methods else "".join(parts) + "    pass\n"


def _method_text(method: Method) -> str:
    changed = [
        f"{name}={value!r}"
        for name, value, usual in zip(MethodOptions._fields, method.options, MethodOptions())
        if value != usual
    ]
    decorator = f"    @gomethod({', '.join(changed)})\n" if changed else ""
    result = method.result.text if method.result else "None"
    word = "async def" if method.is_async else "def"
    head = f"    {word} {method.name}({_params(method.params)}) -> {result}:"
    return decorator + (f"{head}\n{_quote(method.doc, '        ')}" if method.doc else f"{head} ...\n")


def _params(params: tuple[Field, ...]) -> str:
    words = ["self"]
    for position, param in enumerate(params):
        if param.keyword_only and "*" not in words:
            words.append("*")
        rest = [p for p in params[position:] if p.keyword_only == param.keyword_only]
        default = f" = {_default_text(param)}" if all(map(_default_text, rest)) else ""
        words.append(f"{param.name}: {param.type.text}{default}")
    return ", ".join(words)


def wire_text(node: Node | None) -> str:
    """What a type is between Python and Go: containers that travel alike have one text."""
    if node is None:
        return "None"
    if isinstance(node, ListType):
        return f"list[{wire_text(node.item)}]"
    if isinstance(node, SetType):
        return f"set[{wire_text(node.item)}]"
    if isinstance(node, DictType):
        return f"dict[{wire_text(node.key)}, {wire_text(node.value)}]"
    if isinstance(node, TupleType):
        return f"tuple[{', '.join(map(wire_text, node.items)) or '()'}]"
    if isinstance(node, OptionalType):
        return f"Optional[{wire_text(node.item)}]"
    return node.text


def signature(method: Method) -> list[tuple[str, str]]:
    """The parts of a method that both sides must agree on, each a name and its text."""
    parts = [(param.name, wire_text(param.type)) for param in method.params]
    return [*parts, ("result", wire_text(method.result)), ("", "async def" if method.is_async else "def")]


def reachable(interface: InterfaceType) -> list[Node]:
    """The nodes that an interface's methods refer to."""
    return _reachable(interface.methods)


def _reachable(methods: Iterable[Method]) -> list[Node]:
    return list(walk(*[node for method in methods for node in method_types(method)], into=references))


def fingerprint(interface: InterfaceType) -> str:
    """16 hex digits that are equal where two interfaces and all they refer to travel alike."""
    lines = [f"{interface.text}.{m.name} {signature(m)}" for m in interface.methods]
    return _digest(lines + _definitions(reachable(interface)))


def struct_fingerprint(node: StructType) -> str:
    """16 hex digits for a struct or error and all it refers to."""
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
    """SHA-256 by CPython's own module where there is one: hashlib loads OpenSSL, 2 ms of each program's start."""
    try:
        return import_module("_sha2" if sys.version_info >= (3, 12) else "_sha256").sha256(data)
    except ImportError:
        return import_module("hashlib").sha256(data)


def differences(library: InterfaceType, asked: InterfaceType) -> list[str]:
    """One line for each difference that matters between the library's interface and the class asked for.

    The library may offer more methods than the class asks for.
    """
    lines, shared = _method_lines(library, asked)
    theirs = {node.text: node for node in _reachable(shared)}
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
    """The differences between methods, and the library's methods that both have."""
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
    """One line for each difference between two structs or errors of the same name."""
    return _named_differences(asked.text, "field", _fields(library), _fields(asked))


def _method_differences(where: str, library: Method, asked: Method) -> list[str]:
    ours, theirs = signature(asked), signature(library)
    if [name for name, _ in ours] != [name for name, _ in theirs]:
        names = [", ".join(p.name for p in m.params) or "none" for m in (library, asked)]
        return [f"{where}: library has parameters {names[0]}; class has {names[1]}"]
    return [
        f"{where}{': ' + name if name else ''}: library has {have}, class has {want}"
        for (name, want), (_, have) in zip(ours, theirs)
        if want != have
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


def declared_classes(namespace: dict[str, Any]) -> Iterator[type]:
    """The interfaces and errors bound to public names in a module, once each, in order of definition."""
    seen: set[type] = set()
    for name, value in list(namespace.items()):
        if not name.startswith("_") and kind_of(value) in (INTERFACE, "error") and value not in seen:
            seen.add(value)
            yield value


def read_text(text: str, name: str) -> Contract:
    """The contract that a library carries, with classes made from its text.

    The classes live in a module ``gobind.contracts.NAME`` so that they can be pickled and inspected.
    """
    module = types.ModuleType(f"gobind.contracts.{name}")
    code = compile(text, f"<gobind contract {name}>", "exec", dont_inherit=True)
    sys.modules[module.__name__] = module
    exec(code, module.__dict__)
    classes = [cls for cls in declared_classes(module.__dict__) if cls is not GoError]
    return Schema().contract(name, module.__doc__ or "", classes)
