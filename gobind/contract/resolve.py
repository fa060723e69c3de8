"""Reads contracts: makes the type tree of `gobind.contract.types` out of users' annotated classes."""

from __future__ import annotations

import collections.abc
import dataclasses
import enum
import re
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ForwardRef, Literal, Optional, Union

from gobind.contract import dynamics
from gobind.contract.annotations import Scope, is_equal, is_union, own_annotations, text_of
from gobind.contract.decorators import ERROR, INTERFACE, STRUCT, MethodOptions, kind_of
from gobind.contract.leaves import LEAVES, PATH, STR, Leaf, short
from gobind.contract.scalars import JSON, SCALARS, Buffer, BufferOf, CString, Scalar
from gobind.contract.types import (
    BufferType,
    CallableType,
    Choice,
    Contract,
    DictType,
    DynamicType,
    EnumType,
    Field,
    InterfaceType,
    ListType,
    LiteralType,
    Method,
    Node,
    OptionalType,
    SetType,
    StreamType,
    StructTable,
    StructType,
    TupleType,
    UnionType,
    references,
    walk,
)
from gobind.errors import ContractError
from gobind.protocol import MAX_UNION

ACCEPTED = (
    "bool, int, float, str, bytes, i8 to i64, u8 to u64, f32, f64, list, tuple, dict, set, Optional, "
    f"Enum, Literal, {', '.join(leaf.text for leaf in LEAVES if leaf.text not in ('str', 'bytes'))}, "
    "Any, JSON, Buffer, MutableBuffer, Callable, Iterator, a @gostruct or @gointerface class, or a union"
)


# Where an annotation stands: some types may only be a parameter or a result, not part of one.
PARAMETER, RESULT, INSIDE = "parameter", "result", "inside"

DEEPEST = 100
"""Levels that the brackets of an annotation may nest: reading one, and working on it later, recurses."""


def evaluate(annotation: Any, scope: Scope, where: str) -> Any:
    """Returns what an annotation stands for in `scope`.

    Raises:
        ContractError: the annotation cannot be evaluated; `where` begins the message.
    """
    try:
        return scope.evaluate(annotation)
    except (Exception, SystemExit) as error:
        raise ContractError(
            f"{where}: cannot evaluate {_spelling(annotation)}: {type(error).__name__}: {error}"
        ) from None


class Schema:
    """Reads annotated classes and makes one node for each class and each distinct annotation.

    All nodes of one schema belong to one contract: two different classes of the same name are refused.
    """

    def __init__(self) -> None:
        self._classes: dict[type, Any] = {}
        self._named: dict[str, type] = {}
        self._nodes: dict[str, Node] = {}
        self._open: list[StructType | InterfaceType] = []
        self._reading: dict[Any, Any] = {}  # the annotations around the one being read, outermost first
        self._depth = 0  # how many annotations are around those
        self._unions: list[tuple[Any, DynamicType]] = []  # those being read, which may contain themselves
        self._named_unions: dict[str, DynamicType] = {}
        self._aliases: dict[int, tuple[Any, str]] = {
            id(JSON): (JSON, "JSON")
        }  # what ``type`` statements name, by id
        self.structs = StructTable(self._known_struct)
        self._any = DynamicType("Any", self.structs)

    def contract(self, name: str, doc: str, classes: list[type]) -> Contract:
        """Returns the contract of the interfaces and errors among `classes`, with all that they refer to."""
        interfaces = tuple(self.interface(cls) for cls in classes if kind_of(cls) == INTERFACE)
        errors = tuple(self.struct(cls) for cls in classes if kind_of(cls) == ERROR)
        nodes = list(walk(*errors, *interfaces, into=references))
        interfaces += tuple(n for n in nodes if isinstance(n, InterfaceType) and n not in interfaces)
        structs = tuple(n for n in nodes if isinstance(n, StructType) and n not in errors)
        if self._any in nodes:  # which may be any struct of the module, too
            structs += tuple(
                self.struct(cls) for cls in classes if kind_of(cls) == STRUCT and cls not in self._classes
            )
        enums = tuple(n for n in nodes if isinstance(n, EnumType))
        self.structs.names = sorted(node.text for node in structs)
        self.structs.find = {node.text: node.cls for node in structs}.__getitem__
        literals = tuple(n for n in nodes if isinstance(n, LiteralType))
        return Contract(name, doc, interfaces, structs, enums, errors, literals)

    def node(self, annotation: Any, scope: Scope | None = None, where: str = "annotation") -> Node:
        """Returns the node of one annotation; text in it is evaluated in `scope`.

        Raises:
            ContractError: the annotation cannot be represented; `where` begins the message.
        """
        made = self._read(annotation, scope or Scope({}, {}), where, PARAMETER)
        self._finish()
        return made

    def struct(self, cls: type) -> StructType:
        """Returns the node of a `gostruct` or `goerror` class."""
        node = self._struct(cls, cls.__name__)
        self._finish()
        return node

    def interface(self, cls: type) -> InterfaceType:
        """Returns the node of a `gointerface` class.

        Raises:
            ContractError: `cls` is not an interface, or one of its annotations cannot be represented.
        """
        if kind_of(cls) != INTERFACE:
            raise ContractError(f"{cls.__name__}: not an interface; decorate it with @gointerface")
        node = self._interface(cls, cls.__name__)
        self._finish()
        return node

    # Methods

    def _methods(self, cls: type) -> Iterator[Method]:
        methods: dict[str, Method] = {}
        for base in reversed(cls.__mro__):
            if base in (object, typing.Protocol, typing.Generic):
                continue
            scope = Scope.of_class(base)
            for name, member in list(vars(base).items()):
                if not name.startswith("_") and name != "mro":
                    methods[name] = self._method(f"{cls.__name__}.{name}", name, member, scope)
            for name, hint in annotations_of(base, cls.__name__).items():
                if not name.startswith("_"):
                    raise ContractError(
                        f"{cls.__name__}.{name}: an interface has methods only, Go offers no fields; "
                        f"write a method: def {name}(self) -> {_spelling(hint)}: ..."
                    )
        yield from methods.values()

    def _method(self, where: str, name: str, function: Any, scope: Scope) -> Method:
        if not isinstance(function, types.FunctionType):
            raise ContractError(f"{where}: expected a method, got {type(function).__name__}")
        code = function.__code__
        if code.co_flags & 0x0C:  # *args, **kwargs
            raise ContractError(f"{where}: *args and **kwargs cannot be passed to Go; name each parameter")
        count = code.co_argcount
        hints = annotations_of(function, where)
        # A first parameter with an annotation is an argument: self was forgotten.
        if not count or (code.co_varnames[0] != "self" and code.co_varnames[0] in hints):
            raise ContractError(f"{where}: the first parameter must be self")
        names = code.co_varnames[1 : count + code.co_kwonlyargcount]
        for param in names:
            if param.startswith("_"):
                raise ContractError(f"{where}: parameter {param}: a name must not begin with an underscore")
        defaults = dict(zip(reversed(code.co_varnames[:count]), reversed(function.__defaults__ or ())))
        defaults.update(function.__kwdefaults__ or {})
        params = tuple(
            Field(
                param,
                self._hint(hints, param, scope, f"{where}: parameter {param}", PARAMETER),
                defaults.get(param, dataclasses.MISSING),
                position >= count - 1,
            )
            for position, param in enumerate(names)
        )
        if "return" not in hints:
            raise ContractError(f"{where}: the result has no annotation; write -> None if there is none")
        result = None
        if evaluate(hints["return"], scope, f"{where}: result") not in (None, type(None)):
            result = self._hint(hints, "return", scope, f"{where}: result", RESULT)
        options = getattr(function, "__gomethod__", MethodOptions())
        is_async = bool(code.co_flags & 0x80)
        if options.ring and not is_async and result is not None:
            raise ContractError(f"{where}: ring needs an async def method, or one that returns None")
        if options.ring and not is_async and any(isinstance(param.type, BufferType) for param in params):
            raise ContractError(
                f"{where}: a Buffer cannot be passed one-way: it would end before Go reads it"
            )
        return Method(name, params, result, is_async, options, _doc(function))

    def _hint(self, hints: Mapping[str, Any], name: str, scope: Scope, where: str, place: str) -> Node:
        if name not in hints:
            raise ContractError(f"{where} has no annotation")
        return self._read(hints[name], scope, where, place)

    # Annotations

    def _read(self, annotation: Any, scope: Scope, where: str, place: str = INSIDE) -> Node:
        is_text = isinstance(annotation, (str, ForwardRef))
        what = (text_of(annotation), id(scope)) if is_text else id(annotation)
        if what in self._reading:
            union = self._open_union(evaluate(annotation, scope, where), where)
            if union is not None:
                return union
            circle = [*self._reading.values()][[*self._reading].index(what) :]
            name = min(map(_spelling, circle), key=len)
            raise ContractError(
                f"{where}: {name} contains itself; only a @gostruct class, or a union that has a name, may contain itself"
            )
        if self._depth + len(self._reading) >= DEEPEST:
            raise ContractError(f"{where}: the annotation nests more than {DEEPEST} levels deep")
        self._reading[what] = annotation
        try:
            return self._read_hint(evaluate(annotation, scope, where), scope, where, place)
        finally:
            del self._reading[what]

    def _read_hint(self, hint: Any, scope: Scope, where: str, place: str) -> Node:
        if isinstance(hint, type) and not _is_hashable(hint):
            raise _unsupported(hint, where)
        if _lacks_brackets(hint):
            raise ContractError(
                f"{where}: {_name_of(hint)} is not supported; say of what: {_name_of(hint)}[...]"
            )
        origin = typing.get_origin(hint)
        if origin is Annotated:
            for marker in hint.__metadata__:
                if isinstance(marker, (Scalar, Leaf)):
                    return marker
                if isinstance(marker, CString):
                    raise ContractError(f"{where}: cstr is for Library.export; in a contract write str")
            return self._read(hint.__origin__, scope, where, place)
        if isinstance(hint, BufferOf):
            if hint.is_mutable and place != PARAMETER:
                raise ContractError(
                    f"{where}: MutableBuffer may only be a parameter itself; as a result write Buffer, "
                    "whose memoryview is writable"
                )
            if place == INSIDE:
                raise ContractError(f"{where}: Buffer may only be a parameter or a result itself")
            return self._intern(self._buffer(hint, scope, where))
        if hasattr(hint, "__supertype__"):  # NewType
            return self._read(hint.__supertype__, scope, where, place)
        if type(hint).__name__ == "TypeAliasType":
            value = _value_of(hint, where)
            self._aliases[id(value)] = value, hint.__name__
            return self._read(value, scope, where, place)
        if hint is Any or hint is object:
            return self._any
        leaf = _LEAVES_BY_NAME.get((hint.__module__, hint.__qualname__)) if isinstance(hint, type) else None
        if leaf is not None:
            return leaf
        if origin is Literal:
            return self._literal(hint, scope, where)
        if is_union(hint):
            return self._intern(self._union(hint, scope, where))
        if origin in _STREAMS:
            return self._intern(self._stream(hint, origin, scope, where, place))
        if origin is collections.abc.Callable:
            return self._intern(self._callable(hint, scope, where))
        if origin is not None and getattr(hint, "__unpacked__", False) is not True:  # as *tuple[int] is
            return self._intern(self._generic(hint, origin, scope, where))
        if origin is None and isinstance(hint, type):
            return self._class(hint, where)
        raise _unsupported(hint, where)

    def _intern(self, node: Node) -> Node:
        return self._nodes.setdefault(node.text, node)

    def _class(self, cls: type, where: str) -> Node:
        if kind_of(cls) == STRUCT:
            return self._struct(cls, where)
        if kind_of(cls) == INTERFACE:
            return self._interface(cls, where)
        if issubclass(cls, enum.Enum):
            return self._enum(cls, where)
        raise _unsupported(cls, where)

    def _generic(self, hint: Any, origin: Any, scope: Scope, where: str) -> Node:
        args = typing.get_args(hint)
        if origin in (list, collections.abc.Sequence):
            _expect(1, hint, where)
            return ListType(self._read(args[0], scope, where), list)
        if origin is tuple:
            if len(args) == 2 and args[1] is Ellipsis:
                return ListType(self._read(args[0], scope, where), tuple)
            items = () if args == ((),) else args
            return TupleType(tuple(self._read(item, scope, where) for item in items))
        if origin in (set, frozenset, collections.abc.Set):
            _expect(1, hint, where)
            container = frozenset if origin is frozenset else set
            return SetType(self._key(args[0], scope, where, "set items"), container)
        if origin in (dict, collections.abc.Mapping):
            _expect(2, hint, where)
            key = self._key(args[0], scope, where, "dict keys")
            return DictType(key, self._read(args[1], scope, where))
        raise _unsupported(hint, where)

    def _stream(self, hint: Any, origin: Any, scope: Scope, where: str, place: str) -> Node:
        is_async, is_iterator = _STREAMS[origin]
        if place == INSIDE:
            raise ContractError(f"{where}: a stream may only be a parameter or a result itself")
        if place == RESULT and not is_iterator:
            raise ContractError(f"{where}: a stream as a result is an {'Async' * is_async}Iterator[...]")
        _expect(1, hint, where)
        item = self._read(typing.get_args(hint)[0], scope, where)
        return StreamType(item, is_async, place == RESULT)

    def _callable(self, hint: Any, scope: Scope, where: str) -> Node:
        args, made = typing.get_args(hint)
        if args is Ellipsis:
            raise ContractError(
                f"{where}: Callable[..., {_spelling(made)}] cannot be passed to Go; name each parameter's type"
            )
        if not isinstance(args, list):  # a ParamSpec, or Concatenate
            raise ContractError(
                f"{where}: {_name_of(hint)} cannot be passed to Go; name each parameter's type"
            )
        awaited = evaluate(made, scope, where)
        is_async = (typing.get_origin(awaited) or awaited) in _AWAITABLES
        if is_async:
            if not typing.get_args(awaited):
                raise ContractError(f"{where}: say what is awaited: {_name_of(awaited)}[...]")
            made = typing.get_args(awaited)[-1]
        is_none = evaluate(made, scope, where) in (None, type(None))
        result = None if is_none else self._read(made, scope, where)
        return CallableType(tuple(self._read(arg, scope, where) for arg in args), result, is_async)

    def _key(self, annotation: Any, scope: Scope, where: str, what: str) -> Node:
        node = self._read(annotation, scope, where)
        if isinstance(node, (Scalar, Choice)) or (isinstance(node, Leaf) and node.is_key):
            return node
        raise ContractError(f"{where}: {what} must be numbers, bool, str, enums or Literal, got {node.text}")

    def _union(self, hint: Any, scope: Scope, where: str) -> Node:
        opened = self._open_union(hint, where)
        if opened is not None:
            return opened
        args = typing.get_args(hint)
        options = [arg for arg in args if evaluate(arg, scope, where) not in (None, type(None))]
        has_none = len(options) < len(args)
        if len(options) == 1:
            node = self._read(options[0], scope, where)
        elif all(kind_of(evaluate(option, scope, where)) == STRUCT for option in options):
            node = self._struct_union(
                tuple(self._struct(evaluate(o, scope, where), where) for o in options), where
            )
        else:
            return self._dynamic(hint, options, has_none, scope, where)
        if not has_none or isinstance(node, OptionalType):
            return node
        if isinstance(node, DynamicType):
            return self._or_none(node, where)
        return OptionalType(node)

    def _struct_union(self, structs: tuple[StructType, ...], where: str) -> Node:
        if len(structs) > MAX_UNION:
            raise ContractError(f"{where}: a union may hold {MAX_UNION} classes, got {len(structs)}")
        # Sorted: for `typing` and its caches, unions that differ only in order are equal.
        return self._intern(UnionType(tuple(sorted(structs, key=lambda struct: struct.text))))

    # Unions whose values say themselves what they are

    def _dynamic(self, hint: Any, options: list[Any], has_none: bool, scope: Scope, where: str) -> Node:
        name = self._aliases.get(id(hint), (None, None))[1] or scope.name_of(hint)
        node = DynamicType(name or "", self.structs)
        self._unions.append((hint, node))
        # What contains itself through the union is found by `_open_union`.
        reading, self._reading, self._depth = self._reading, {}, self._depth + len(self._reading)
        try:
            nodes = [self._read(option, scope, where) for option in options]
        finally:
            self._unions.pop()
            self._reading, self._depth = reading, self._depth - len(reading)
        if self._any in nodes:
            return self._any
        dynamics.set_options(node, nodes, has_none, where)
        if name is None:
            node.text = node.spelled
            return self._intern(node)
        known = self._named_unions.setdefault(name, node)
        if known.spelled != node.spelled:
            raise ContractError(f"{where}: two unions are named {name}: {known.spelled} and {node.spelled}")
        return known

    def _open_union(self, hint: Any, where: str) -> DynamicType | None:
        """Returns the node of a union that is being read: it contains itself."""
        while type(hint).__name__ == "TypeAliasType":
            hint = _value_of(hint, where)
        if not is_union(hint):
            return None
        found = next((node for other, node in self._unions if other is hint or is_equal(other, hint)), None)
        if found is not None and not found.text:
            raise ContractError(f"{where}: a union contains itself; give it a name in the contract's module")
        return found

    def _or_none(self, node: DynamicType, where: str) -> Node:
        """Returns a dynamic type that None is of, too."""
        if node.allows_none:
            return node
        made = DynamicType(f"{node.text} | None", self.structs)
        dynamics.set_options(made, [*node.options], True, where)
        return self._intern(made)

    def _literal(self, hint: Any, scope: Scope, where: str) -> Node:
        args = typing.get_args(hint)
        values = [arg for arg in args if arg is not None]
        node = self._intern(LiteralType(values, _literal_base(values, hint, where)))
        if isinstance(node, LiteralType) and node.name is None:  # the one met before may be of another module
            node.name = scope.name_of(hint)
        return node if len(values) == len(args) else self._intern(OptionalType(node))

    def _buffer(self, hint: BufferOf, scope: Scope, where: str) -> Node:
        item = self._read(hint.item, scope, where)
        flat = isinstance(item, StructType)
        if isinstance(item, StructType):
            self._finish()
            flat = item.is_flat
        if isinstance(item, Scalar) or (isinstance(item, StructType) and flat):
            return BufferType(item, hint.is_mutable)
        raise ContractError(
            f"{where}: {hint.word} takes a sized scalar or a @gostruct of sized scalars, got {item.text}"
        )

    # Classes

    def _claim(self, cls: type, where: str) -> None:
        other = self._named.setdefault(cls.__name__, cls)
        if other is not cls:
            raise ContractError(
                f"{where}: two classes are named {cls.__name__}: {_full_name(other)} and {_full_name(cls)}"
            )

    def _struct(self, cls: type, where: str) -> StructType:
        if cls not in self._classes:
            self._claim(cls, where)
            self._classes[cls] = StructType(cls)
            self._open.append(self._classes[cls])
        return typing.cast(StructType, self._classes[cls])

    def _known_struct(self, cls: type) -> StructType | None:
        """Returns the node of a gostruct, None for other classes."""
        return self.struct(cls) if kind_of(cls) == STRUCT else None

    def _interface(self, cls: type, where: str) -> InterfaceType:
        if cls not in self._classes:
            self._claim(cls, where)
            self._classes[cls] = InterfaceType(cls)
            self._open.append(self._classes[cls])
        return typing.cast(InterfaceType, self._classes[cls])

    def _finish(self) -> None:
        """Reads the members of the classes met so far, in a loop: a deep chain of classes needs no deep stack."""
        while self._open:
            node = self._open.pop()
            reading, self._reading = self._reading, {}
            try:
                if isinstance(node, InterfaceType):
                    node.methods = tuple(self._methods(node.cls))
                else:
                    node.fields = tuple(self._fields(node.cls))
                    _check_finite(node)
            finally:
                self._reading = reading

    def _fields(self, cls: type) -> Iterator[Field]:
        owners = {name: base for base in reversed(cls.__mro__) for name in annotations_of(base, cls.__name__)}
        for field in dataclasses.fields(cls):
            where = f"{cls.__name__}.{field.name}"
            owner = owners.get(field.name, cls)
            node = self._read(field.type, Scope.of_class(owner), where)
            yield Field(field.name, node, field.default, field.kw_only is True, field.init)
        for name, value in getattr(cls, "__dataclass_fields__", {}).items():
            if value._field_type.name == "_FIELD_INITVAR":
                raise ContractError(f"{cls.__name__}.{name}: InitVar is not supported: Go cannot keep it")

    def _enum(self, cls: Any, where: str) -> EnumType:
        if cls not in self._classes:
            self._claim(cls, where)
            self._classes[cls] = EnumType(cls, _enum_base(cls, where))
        return typing.cast(EnumType, self._classes[cls])


def _enum_base(cls: Any, where: str) -> Scalar | Leaf:
    values = [member.value for member in cls.__members__.values()]
    if not values:
        raise ContractError(f"{where}: enum {cls.__name__} has no members")
    low, high = SCALARS["int"].low, SCALARS["int"].high
    if all(type(value) is int for value in values):
        for value in values:
            if not low <= value <= high:
                raise ContractError(f"{where}: enum {cls.__name__}: {value} does not fit 64 bits")
        return SCALARS["int"]
    if all(type(value) is str for value in values):
        return STR
    raise ContractError(f"{where}: the values of enum {cls.__name__} must all be int or all be str")


def _literal_base(values: list[Any], hint: Any, where: str) -> Scalar | Leaf:
    for value in values:
        if type(value) not in (int, str):
            raise ContractError(f"{where}: {_spelling(hint)}: {_literal_advice(value)}")
    if len({type(value) for value in values}) != 1:
        raise ContractError(f"{where}: {_spelling(hint)}: the values must all be int or all be str")
    if type(values[0]) is str:
        return STR
    for value in values:
        if not SCALARS["int"].low <= value <= SCALARS["int"].high:
            raise ContractError(f"{where}: Literal: {short(value)} does not fit 64 bits")
    return SCALARS["int"]


def _literal_advice(value: Any) -> str:
    if isinstance(value, bool):
        return "bool has two values only; write bool"
    if isinstance(value, enum.Enum):
        return f"members of an enum are not supported; write the enum itself, {type(value).__name__}"
    return f"the values must be str or int, got {type(value).__name__}"


def _check_finite(node: StructType) -> None:
    """Refuses a struct that contains itself without a container in between: its values would be endless."""
    todo, seen = [(node, node.text)], {id(node)}
    while todo:
        struct, path = todo.pop()
        for field in struct.fields:
            for inner in _inline_structs(field.type):
                if inner is node:
                    raise ContractError(
                        f"{path}.{field.name}: {node.text} contains itself; use Optional, list or dict"
                    )
                if id(inner) not in seen:
                    seen.add(id(inner))
                    todo.append((inner, inner.text))


def _inline_structs(node: Node) -> Iterator[StructType]:
    if isinstance(node, StructType):
        yield node
    elif isinstance(node, TupleType):
        for item in node.children:
            yield from _inline_structs(item)


def _unsupported(hint: Any, where: str) -> ContractError:
    is_class, name = _is_class(hint), _name_of(hint)
    advice = f"expected {ACCEPTED}"
    if kind_of(hint) == ERROR:
        advice = "a @goerror class is raised, not passed"
    elif is_class and dataclasses.is_dataclass(hint):
        advice = "decorate the class with @gostruct"
    elif hint in (range, slice):
        advice = "write int parameters for start, stop and step, or list[int] for the numbers themselves"
    return ContractError(f"{where}: {name} is not supported; {advice}")


def _is_class(hint: Any) -> bool:
    """Returns True for a class: before Python 3.11 ``list[int]`` is an instance of `type`, too."""
    return isinstance(hint, type) and typing.get_origin(hint) is None


def _name_of(hint: Any) -> str:
    return hint.__qualname__ if _is_class(hint) else _spelling(hint)


def _spelling(annotation: Any) -> str:
    """Returns an annotation as the source spells it, on one line; shortened, as it may contain itself."""
    if isinstance(annotation, (str, ForwardRef)):
        text = text_of(annotation)
    elif _is_class(annotation):
        text = annotation.__qualname__
    elif type(annotation).__name__ == "TypeAliasType":
        text = annotation.__name__
    else:
        try:
            text = re.sub(r"ForwardRef\(('[^']*')[^)]*\)", r"\1", str(annotation).replace("typing.", ""))
        except Exception:
            text = f"a {type(annotation).__name__}"
    text = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
    return text if len(text) <= 200 else f"{text[:150]} ... {text[-30:]}"


def _lacks_brackets(hint: Any) -> bool:
    """Returns True for ``list``, ``typing.List``, ``Optional`` and other generic types without brackets."""
    origin = typing.get_origin(hint)
    if origin is None:
        return _is_hashable(hint) and hint in _GENERICS
    return not typing.get_args(hint) and origin in _GENERICS and (origin is not tuple or hint is typing.Tuple)  # noqa: UP006


def _is_hashable(hint: Any) -> bool:
    try:
        hash(hint)
    except Exception:
        return False
    return True


def _expect(count: int, hint: Any, where: str) -> None:
    """Refuses brackets with more or fewer than `count` types: Python accepts any number in ``list[...]``."""
    found = len(typing.get_args(hint))
    if found != count:
        words = f"{count} type{'s' * (count > 1)}"
        raise ContractError(f"{where}: {_name_of(hint)}: expected {words} in the brackets, got {found}")


def _value_of(alias: Any, where: str) -> Any:
    """Returns what the name made by a ``type`` statement stands for."""
    try:
        return alias.__value__
    except Exception as error:
        raise ContractError(
            f"{where}: cannot evaluate {_spelling(alias)}: {type(error).__name__}: {error}"
        ) from None


def annotations_of(thing: Any, where: str) -> Mapping[str, Any]:
    """Returns the annotations of a function, or those of a class itself, without its bases.

    Raises:
        ContractError: the annotations cannot be evaluated; `where` begins the message.
    """
    try:
        return own_annotations(thing)
    except Exception as error:
        raise ContractError(
            f"{where}: cannot evaluate the annotations: {type(error).__name__}: {error}"
        ) from None


def _full_name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _doc(thing: Any) -> str:
    doc = getattr(thing, "__doc__", None)
    doc = doc if isinstance(doc, str) else ""
    return "\n".join(line.strip() for line in doc.strip().splitlines())


# By name: many of these classes are in modules that take longer to import than this one and that few contracts use.
_LEAVES_BY_NAME: dict[tuple[str, str], Node] = {
    **{("builtins", text): SCALARS[text] for text in ("bool", "int", "float")},
    **{(leaf.module, leaf.text): leaf for leaf in LEAVES},
    ("pathlib._local", "Path"): PATH,  # in Python 3.13
}
# Whether a stream is asynchronous, and whether it is an iterator.
_STREAMS: dict[Any, tuple[bool, bool]] = {
    collections.abc.Iterator: (False, True),
    collections.abc.Iterable: (False, False),
    collections.abc.AsyncIterator: (True, True),
    collections.abc.AsyncIterable: (True, False),
}
_AWAITABLES = (collections.abc.Awaitable, collections.abc.Coroutine)
# Types that mean nothing without brackets.
_GENERICS: set[Any] = {
    *(list, tuple, dict, set, frozenset, Buffer, Union, Optional, Annotated, Literal),
    *(collections.abc.Sequence, collections.abc.Mapping, collections.abc.Set, collections.abc.Callable),
    *_STREAMS,
}
