"""A contract as text: the canonical source that a library carries inside.

The text is a contract module again: `read_text` runs it.
"""

from __future__ import annotations

import dataclasses
import enum
import inspect
import keyword
import re
import sys
import types
from collections.abc import Iterator
from typing import Any

from gobind.contract.classes import DATACLASS, NAMED_TUPLE, TYPED_DICT
from gobind.contract.decorators import ERROR, INTERFACE, STRUCT, MethodOptions, kind_of
from gobind.contract.leaves import LEAVES
from gobind.contract.resolve import Schema
from gobind.contract.types import (
    BufferType,
    CallableType,
    Contract,
    DynamicType,
    EnumType,
    Field,
    InterfaceType,
    LiteralType,
    Method,
    Node,
    StructType,
    UnionType,
    references,
    walk,
)
from gobind.errors import GoError

UNWRITABLE = "\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff"
"""Characters that source files cannot hold, or read as the end of a line, as a set of a regular expression."""

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
    """Returns the canonical source of a contract: the same for the same declarations, whatever module they are in."""
    nodes = [*walk(*contract.errors, *contract.interfaces, *contract.structs, into=references)]
    imports = _IMPORTS + "".join(_more_imports(nodes))
    parts = [_quote(contract.doc), imports] if contract.doc else [imports]
    parts += [f"{node.alias} = {node.text}\n" for node in contract.literals if node.alias]
    parts += [_enum_text(node) for node in contract.enums]
    parts += [_union_text(node) for node in nodes if isinstance(node, DynamicType)]
    parts += [_struct_text(node) for node in contract.structs]
    parts += [_aliases(nodes)]
    parts += [_struct_text(node) for node in contract.errors]
    parts += [_interface_text(node) for node in contract.interfaces]
    return "\n\n".join(part.rstrip() + "\n" for part in parts if part)


def _more_imports(nodes: list[Node]) -> Iterator[str]:
    """Yields the imports of types that are newer than the first version, if used: older gobinds read the rest."""
    if any(isinstance(node, BufferType) and node.is_mutable for node in nodes):
        yield "from gobind import MutableBuffer\n"
    if any(isinstance(node, CallableType) and node.is_one_way for node in nodes):
        yield "from gobind import OneWay\n"
    dynamic = {node.text for node in nodes if isinstance(node, DynamicType)}
    if "Any" in dynamic:
        yield "from typing import Any\n"
    if "JSON" in dynamic:
        yield "from gobind import JSON\n"
    if any(isinstance(node, LiteralType) for node in nodes):
        yield "from typing import Literal\n"
    kinds = {node.kind for node in nodes if isinstance(node, StructType)}
    if NAMED_TUPLE in kinds:
        yield "from typing import NamedTuple\n"
    if TYPED_DICT in kinds:  # typing's own has no NotRequired before Python 3.11
        yield "from typing_extensions import NotRequired, TypedDict\n"
    known = re.findall(r"\w+", _IMPORTS)
    for leaf in LEAVES:
        if leaf in nodes and leaf.module != "builtins" and leaf.text not in known:
            yield f"from {leaf.module} import {leaf.text}\n"


def _spelled(node: Node) -> str:
    """Returns the annotation of a node, with the names of unions."""
    return (isinstance(node, UnionType) and node.alias) or node.spelled(_spelled)


def _aliases(nodes: list[Node]) -> str:
    named = [node for node in nodes if isinstance(node, UnionType) and node.alias]
    return "".join(sorted(f"{node.alias} = {node.text}\n" for node in named))


def own_doc(cls: Any) -> str:
    """Returns the docstring of the source, without indentation; "" for one that Python made."""
    doc = cls.__dict__.get("__doc__")
    if not isinstance(doc, str):  # since Python 3.15 dataclasses make theirs when it is asked for
        return ""
    name, names = cls.__name__, getattr(cls, "_fields", None)
    if names is not None and doc == name + repr(names).replace("'", ""):  # made by NamedTuple
        return ""
    if dataclasses.is_dataclass(cls) and doc.startswith(f"{name}("):
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


def _union_text(node: DynamicType) -> str:
    """Returns the definition of a union that has a name; "" for others."""
    if not node.text.isidentifier() or node.text in ("Any", "JSON"):
        return ""
    options = [f'"{option.text}"' for option in node.options] + ["None"] * node.allows_none
    return f"{node.text} = Union[{', '.join(options)}]\n"


def _struct_text(node: StructType) -> str:
    if node.kind is TYPED_DICT and any(keyword.iskeyword(field.name) for field in node.fields):
        fields = ", ".join(f"{field.name!r}: {_spelled(field.type)!r}" for field in node.fields)
        return f"{node.text} = TypedDict({node.text!r}, {{{fields}}})\n"
    doc = own_doc(node.cls)
    options = ", ".join(_struct_options(node)) if node.kind is DATACLASS else ""
    first_default = len(node.fields)
    while first_default and _default_text(node.fields[first_default - 1]):
        first_default -= 1
    body = [_quote(doc, "    ") + ("\n" if node.fields else "")] if doc else []
    for position, field in enumerate(node.fields):
        default = f" = {_default_text(field)}" if position >= first_default else ""
        body.append(f"    {field.name}: {_spelled(field.type)}{default}\n")
    head = node.kind.declare.format(name=node.text, options=f"({options})" if options else "")
    return head + ("".join(body) or "    pass\n")


def _struct_options(node: StructType) -> Iterator[str]:
    if node.cls.__dataclass_params__.frozen:
        yield "frozen=True"
    if node.fields and all(field.keyword_only for field in node.fields):
        yield "kw_only=True"


def _default_text(field: Field) -> str:
    """Returns the default of a field or parameter as text; "" if there is none that the contract's text can
    express."""
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
    result = _spelled(method.result) if method.result else "None"
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
        words.append(f"{param.name}: {_spelled(param.type)}{default}")
    return ", ".join(words)


def declared_classes(namespace: dict[str, Any]) -> Iterator[type]:
    """Yields the interfaces and errors bound to public names in a module, and the structs that it defines.

    Each comes once, in order of definition.
    """
    seen: set[type] = set()
    for name, value in list(namespace.items()):
        kind = None if name.startswith("_") else kind_of(value)
        is_own = kind == STRUCT and value.__module__ == namespace.get("__name__")
        if (kind in (INTERFACE, ERROR) or is_own) and value not in seen:
            seen.add(value)
            yield value


def read_text(text: str, name: str) -> Contract:
    """Returns the contract that a library carries, with classes made from its text.

    The classes live in a module ``gobind.contracts.NAME`` so that they can be pickled and inspected.
    """
    module = types.ModuleType(f"gobind.contracts.{name}")
    code = compile(text, f"<gobind contract {name}>", "exec", dont_inherit=True)
    sys.modules[module.__name__] = module
    exec(code, module.__dict__)
    classes = [cls for cls in declared_classes(module.__dict__) if cls is not GoError]
    return Schema().contract(name, module.__doc__ or "", classes)
