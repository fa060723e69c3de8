"""The Go types of a contract: names, spellings and declarations."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NamedTuple

from gobind.contract.canonical import UNWRITABLE, own_doc
from gobind.contract.leaves import STR, Leaf
from gobind.contract.scalars import Scalar
from gobind.contract.types import (
    BufferType,
    CallableType,
    Choice,
    Contract,
    DictType,
    DynamicType,
    EnumType,
    InterfaceType,
    ListType,
    LiteralType,
    Method,
    Node,
    OptionalType,
    SetType,
    StreamType,
    StructType,
    TupleType,
    UnionType,
    references,
    walk,
)
from gobind.errors import ContractError
from gobind.tool.generator import gonames
from gobind.tool.generator.gosource import GoSource, aligned, empty_function, quote


class GoField(NamedTuple):
    """A field of a Go struct."""

    name: str
    go: str
    type: Node


class GoTypes:
    """The Go name of each type of one contract. Raises ContractError if two names are the same.

    Attributes:
        source: the text being written; it notes the packages that the spelling of a type needs.
    """

    def __init__(self, contract: Contract) -> None:
        self.source = GoSource()
        self._top = gonames.Names("")
        self._named: dict[Node | InterfaceType, str] = {}
        self._fields: dict[Node, tuple[GoField, ...]] = {}
        self._bases: dict[str, str] = {}
        self.tuples: list[TupleType] = []
        self.unions: list[UnionType] = []
        self.errors = set(contract.errors)
        self._methods: dict[InterfaceType, dict[str, list[Method]]] = {}
        for interface in contract.interfaces:
            name = self._named[interface] = self._take(interface.text)
            self._top.take(f"Register{name}", f"the function that registers {interface.text}")
        for struct in contract.structs:
            self._named[struct] = self._take(struct.text)
        for error in contract.errors:
            self._named[error] = self._take(error.text, "" if error.text.endswith("Error") else "Error")
        for enum in contract.enums:
            self._take_enum(enum)
        for literal in contract.literals:
            self._take_literal(literal)
        nodes = list(walk(*roots(contract), into=references))
        for node in nodes:
            if isinstance(node, UnionType):
                self._take_union(node)
        for node in nodes:
            if isinstance(node, TupleType):
                self.take_tuple(node)
        for struct in contract.structs + contract.errors:
            self._take_fields(struct)
        self.objects = [node for node in nodes if isinstance(node, InterfaceType)]
        self.callables = [node for node in nodes if isinstance(node, CallableType)]

    def _take(self, name: str, suffix: str = "") -> str:
        return self._top.take(gonames.class_name(name, name) + suffix, name)

    def _take_enum(self, enum: EnumType) -> None:
        name = self._named[enum] = self._take(enum.text)
        for member in enum.members:
            where = f"{enum.text}.{member}"
            self._top.take(name + gonames.constant(member, where), where)

    def _take_literal(self, literal: LiteralType) -> None:
        words = list(map(gonames.word_of, literal.values))
        made = "Or".join(words) if len(words) > 1 else f"Only{words[0]}"
        name = (
            gonames.class_name(literal.alias, literal.alias)
            if literal.alias
            else gonames.exported(made, made)
        )
        self._named[literal] = self._top.take(name, literal.text)
        for value, word in zip(literal.values, words):
            self._top.take(name + _joint(name, word) + word, f"{literal.alias or literal.text}: {value!r}")

    def _take_union(self, union: UnionType) -> None:
        if union.alias:
            name = gonames.class_name(union.alias, union.alias)
        else:
            name = "Or".join(self._named[option] for option in union.options)
        self._named[union] = self._top.take(name, union.text)
        self.unions.append(union)

    def take_tuple(self, node: TupleType) -> str:
        """Gives a tuple its name: one inside a tuple is met before its own turn."""
        # float and f64, list and tuple[T, ...] are one in Go: tuples of either are one type.
        name = f"Tuple{''.join(self.word(item) for item in node.items) or '0'}"
        body = ", ".join(self.key(item) for item in node.items)
        if self._bases.setdefault(name, body) != body:
            raise ContractError(f"{node.text}: another tuple is {name} in Go as well; use a @gostruct class")
        self._named[node] = name
        self._fields[node] = tuple(GoField(f"[{i}]", f"V{i}", item) for i, item in enumerate(node.items))
        if all(self._named[known] != name for known in self.tuples):
            self._top.take(name, node.text)
            self.tuples.append(node)
        return name

    def _take_fields(self, struct: StructType) -> None:
        names = gonames.Names(f"{struct.text}: fields")
        fields = []
        for field in struct.fields:
            where = f"{struct.text}.{field.name}"
            go = names.take(gonames.exported(field.name, where), field.name)
            if go == "Error" and struct in self.errors:
                raise ContractError(
                    f"{where}: Error is the method that makes it an error in Go; rename the field"
                )
            fields.append(GoField(field.name, go, field.type))
        self._fields[struct] = tuple(fields)

    def name(self, node: Node | InterfaceType) -> str:
        """Returns the Go name of a class, union or tuple."""
        return self._named[node]

    def fields(self, node: StructType | TupleType) -> tuple[GoField, ...]:
        """Returns the fields of a struct or tuple, with their Go names."""
        return self._fields[node]

    def methods(self, interface: InterfaceType) -> dict[str, list[Method]]:
        """Returns the methods of an interface by Go name: the same Go method may serve several, say `get` and `aget`.

        Raises:
            ContractError: methods have the same Go name by chance; sharing one is asked for by ``gomethod(name=...)``.
        """
        if interface not in self._methods:
            found: dict[str, list[Method]] = {}
            for method in interface.methods:
                found.setdefault(method_name(interface, method), []).append(method)
            for go, methods in found.items():
                if sum(method.options.name is None for method in methods) > 1:
                    first, second = [method.name for method in methods if method.options.name is None][:2]
                    raise ContractError(
                        f"{interface.text}: methods {first} and {second} are both {go} in Go; if they are meant to share "
                        f'it, write @gomethod(name="{go}") above {second}'
                    )
            self._methods[interface] = found
        return self._methods[interface]

    def spelling(self, node: Node) -> str:
        """Returns the Go type of a value of `node`, to be written to `source`."""
        return self._named.get(node) or _KINDS[type(node)].spelling(self, node)

    def key(self, node: Node) -> str:
        """Returns a key that is equal for two nodes if their Go type is the same: its spelling, not to be written."""
        return self.unwritten(lambda: self.spelling(node))

    def unwritten(self, spell: Callable[[], str]) -> str:
        """Returns what `spell` returns, not to be written: `source` does not note the packages it needs."""
        source, self.source = self.source, GoSource()
        try:
            return spell()
        finally:
            self.source = source

    def word(self, node: Node) -> str:
        """Returns a word for the Go type of `node`, used in names: ``[]string`` is ``ListString``."""
        return self._named.get(node) or _KINDS[type(node)].word(self, node)

    def parameter(self, method: Method, node: Node) -> str:
        """Returns the Go type of a parameter: a pointer for structs, unless the method has ``by_value=True``."""
        pointer = isinstance(node, StructType) and not method.options.by_value
        return f"*{self.spelling(node)}" if pointer else self.spelling(node)

    def results(self, method: Method) -> str:
        """Returns the Go types of a method's results."""
        return "error" if method.result is None else f"({self.spelling(method.result)}, error)"


def _spell_function(types: GoTypes, node: CallableType) -> str:
    params = [types.parameter(node.method, param.type) for param in node.method.params]
    if node.is_one_way:
        return f"func({', '.join(params)})"
    params.insert(0, types.source.qualified("context.Context"))
    return f"func({', '.join(params)}) {types.results(node.method)}"


def _word_of_function(types: GoTypes, node: CallableType) -> str:
    params = "".join(types.word(param.type) for param in node.method.params)
    made = f"To{types.word(node.method.result)}" if node.method.result else ""
    return f"{'Async' * node.method.is_async}{'OneWay' * node.is_one_way}Func{params}{made}"


def _word_of_dynamic(types: GoTypes, node: DynamicType) -> str:
    if node.text.isidentifier():
        return str(node.text)
    return "Or".join([*map(types.word, node.options), *(["Nil"] if node.allows_none else [])])


class _Kind(NamedTuple):
    """How types of one kind of node are written in Go, and the word for them in names."""

    spelling: Callable[[GoTypes, Any], str]
    word: Callable[[GoTypes, Any], str]


# Structs, enums, unions and interfaces have names.
_KINDS: dict[type, _Kind] = {
    Scalar: _Kind(
        lambda types, node: types.source.qualified(node.go),
        lambda types, node: node.go.capitalize(),
    ),
    Leaf: _Kind(
        lambda types, node: types.source.qualified(node.go),
        lambda types, node: node.word,
    ),
    TupleType: _Kind(GoTypes.take_tuple, GoTypes.take_tuple),
    ListType: _Kind(
        lambda types, node: f"[]{types.spelling(node.item)}",
        lambda types, node: f"List{types.word(node.item)}",
    ),
    BufferType: _Kind(
        lambda types, node: f"[]{types.spelling(node.item)}",
        lambda types, node: f"Buffer{types.word(node.item)}",  # a list in Go, too, but it travels otherwise
    ),
    SetType: _Kind(
        lambda types, node: f"map[{types.spelling(node.item)}]struct{{}}",
        lambda types, node: f"Set{types.word(node.item)}",
    ),
    DictType: _Kind(
        lambda types, node: f"map[{types.spelling(node.key)}]{types.spelling(node.value)}",
        lambda types, node: f"Map{types.word(node.key)}{types.word(node.value)}",
    ),
    OptionalType: _Kind(
        lambda types, node: f"{'' if node.item.is_nilable else '*'}{types.spelling(node.item)}",
        lambda types, node: f"Optional{types.word(node.item)}",
    ),
    DynamicType: _Kind(lambda types, node: "any", _word_of_dynamic),
    CallableType: _Kind(_spell_function, _word_of_function),
    StreamType: _Kind(
        lambda types, node: f"func(yield func({types.spelling(node.item)}, error) bool)",
        lambda types, node: f"{'Async' * node.is_async}Stream{types.word(node.item)}",
    ),
}


def roots(contract: Contract) -> list[Node]:
    """Returns the types that a contract's methods and errors name directly, in order."""
    found: list[Node] = list(contract.errors)
    for interface in contract.interfaces:
        for method in interface.methods:
            found.extend(param.type for param in method.params)
            if method.result is not None:
                found.append(method.result)
    found.extend(contract.structs)  # those of the module that only dynamic values hold
    return found


def method_name(interface: InterfaceType, method: Method) -> str:
    """Returns the Go name of a method."""
    where = f"{interface.text}.{method.name}"
    if method.options.name is not None:
        return gonames.method_name(method.options.name, where)
    return gonames.exported(method.name, where)


# Comments

_ITEM = re.compile(r"([-*+•]|[0-9]+[.)])\s+")


def comment(doc: str, default: str = "", indent: str = "") -> list[str]:
    """Returns a docstring, or `default`, as a Go doc comment that gofmt does not change.

    gofmt reformats lists, headings and indented text: so only paragraphs are kept.
    """
    lines: list[str] = []
    for line in inspect.cleandoc(re.sub(f"[{UNWRITABLE}]", " ", doc or default)).splitlines():
        words = " ".join(line.split())
        item = _ITEM.match(words)
        if item or words.startswith("#"):
            words = "\u2013 " + (words[item.end() :] if item else words.lstrip("# "))
        if words.startswith("["):
            words = "\u2013 " + words
        if words or (lines and lines[-1]):
            lines.append(words)
    while lines and not lines[-1]:
        lines.pop()
    return [f"{indent}// {line}".rstrip() for line in lines]


# Declarations


def declare_struct(types: GoTypes, node: StructType | TupleType, default: str) -> list[str]:
    """Declares the Go struct of a gostruct, goerror or tuple."""
    doc = own_doc(node.cls) if isinstance(node, StructType) else ""
    lines = comment(doc, default)
    name = types.name(node)
    fields = types.fields(node)
    if not fields:
        return [*lines, f"type {name} struct{{}}"]
    rows = []
    for field in fields:
        tag = f'`json:"{field.name}"`' if isinstance(node, StructType) else ""
        rows.append(
            (field.go, types.spelling(field.type), tag) if tag else (field.go, types.spelling(field.type))
        )
    return [*lines, f"type {name} struct {{", *aligned(rows), "}"]


def _is_shown(node: Node) -> bool:
    return isinstance(node, (Choice, Scalar)) or (isinstance(node, Leaf) and node.is_shown)


def declare_error(types: GoTypes, error: StructType) -> list[str]:
    """Declares a goerror: its struct and the method that makes it an error."""
    name = types.name(error)
    # Without containers: Go would print one that contains itself for ever.
    shown = [f for f in types.fields(error) if _is_shown(f.type)]
    pairs = "".join(f", {quote(field.name)}, e.{field.go}" for field in shown)
    text = types.source.qualified("gobind.ErrorText")
    return [
        *declare_struct(types, error, f"{name} is the error that Python raises as {error.text}."),
        "",
        f"// Error makes {name} an error; both {name} and *{name} may be returned.",
        f"func (e {name}) Error() string {{",
        f"\treturn {text}({quote(error.text)}{pairs})",
        "}",
    ]


def declare_enum(types: GoTypes, enum: EnumType) -> list[str]:
    """Declares an enum: a named type and its constants."""
    members = [(gonames.constant(member), value) for member, value in enum.members.items()]
    name = types.name(enum)
    return _declare_choice(
        name, enum, members, comment(own_doc(enum.cls), f"{name} is the enum {enum.text}.")
    )


def declare_literal(types: GoTypes, literal: LiteralType) -> list[str]:
    """Declares a Literal: a named type and its constants."""
    name = types.name(literal)
    words = map(gonames.word_of, literal.values)
    members = [(_joint(name, word) + word, value) for word, value in zip(words, literal.values)]
    return _declare_choice(name, literal, members, comment("", f"{name} has the values of Python's Literal."))


def _joint(name: str, word: str) -> str:
    """Returns what keeps two numbers apart where a name and a word after it meet: ``X1Or2_2``."""
    return "_" * (name[-1].isdecimal() and word[0].isdecimal())


def _declare_choice(
    name: str, node: Choice, members: Iterable[tuple[str, int | str]], doc: list[str]
) -> list[str]:
    rows = []
    for word, value in members:
        text = quote(value) if isinstance(value, str) else str(value)
        rows.append((name + word, name, f"= {text}"))
    return [
        *doc,
        f"type {name} {'string' if node.base is STR else 'int'}",
        "",
        f"// The values of {name}.",
        "const (",
        *aligned(rows),
        ")",
    ]


def declare_union(types: GoTypes, union: UnionType) -> list[str]:
    """Declares a union: a sealed interface, which the options implement."""
    name = types.name(union)
    options = [types.name(option) for option in union.options]
    listed = ", ".join(options[:-1]) + f" or {options[-1]}"
    lines = [
        f"// {name} is one of {listed}. Python's come as pointers; pointers and values may be returned.",
        f"type {name} interface {{",
        f"\tis{name}()",
        "}",
    ]
    for option in options:
        lines += ["", *empty_function(f"func ({option}) is{name}()")]
    return lines


def declare_interface(types: GoTypes, interface: InterfaceType) -> list[str]:
    """Declares the Go interface, and the function that registers its implementation."""
    name = types.name(interface)
    lines = comment(own_doc(interface.cls), f"{name} is the interface {interface.text}.")
    body: list[str] = []
    for go, methods in types.methods(interface).items():
        doc = next((method.doc for method in methods if method.doc), "")
        if doc:
            body += [*([""] if body else []), *comment(doc, "", "\t")]
        body.append(f"\t{go}{_shared_signature(types, interface, go, methods)}")
    lines += [f"type {name} interface {{", *body, "}"] if body else [f"type {name} interface{{}}"]
    register = f"Register{name}"
    root = f"{types.source.qualified('gobind.NewRoot')}[{name}]"
    return [
        *lines,
        "",
        f"// {register} makes impl the {name} that Python calls. Call it in an init function.",
        f"func {register}(impl {name}) {{",
        f"\tglue{name}.Set(impl)",
        "}",
        "",
        f"var glue{name} = {root}({quote(interface.text)}, {quote(register)})",
    ]


def _shared_signature(types: GoTypes, interface: InterfaceType, go: str, methods: list[Method]) -> str:
    """Returns the signature of the Go method of one or several methods."""
    made = _signature(types, interface, methods[0])
    for method in methods[1:]:
        other = types.unwritten(partial(_signature, types, interface, method))
        if other != made:
            raise ContractError(
                f"{interface.text}: methods {methods[0].name} and {method.name} are both {go} in Go, but differ: "
                f"{go}{made} and {go}{other}"
            )
    return made


def _signature(types: GoTypes, interface: InterfaceType, method: Method) -> str:
    where = f"{interface.text}.{method.name}"
    taken = gonames.Names(f"{where}: parameters")
    params = [f"ctx {types.source.qualified('context.Context')}"]
    for param in method.params:
        go = taken.take(gonames.parameter(param.name, f"{where}: parameter {param.name}"), param.name)
        params.append(f"{go} {types.parameter(method, param.type)}")
    return f"({', '.join(params)}) {types.results(method)}"
