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
from gobind.contract.classes import TYPED_DICT, ClassKind, RawField, class_kind, module_of
from gobind.contract.decorators import ERROR, INTERFACE, STRUCT, MethodOptions, kind_of
from gobind.contract.kinds import Kind
from gobind.contract.leaves import LEAVES, PATH, STR, Leaf, short
from gobind.contract.scalars import JSON, SCALARS, Buffer, BufferOf, CString, OneWay, OneWayOf, Scalar
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
from gobind.outcomes import outcome
from gobind.protocol import MAX_UNION

ACCEPTED = (
    "bool, int, float, str, bytes, i8 to i64, u8 to u64, f32, f64, list, tuple, dict, set, Optional, "
    f"Enum, Literal, {', '.join(leaf.text for leaf in LEAVES if leaf.text not in ('str', 'bytes'))}, "
    "Any, JSON, Buffer, MutableBuffer, Callable, OneWay, Iterator, a @gostruct, @dataclass, NamedTuple, TypedDict or @gointerface class, "
    "or a union"
)


# Where an annotation stands: some types may only be a parameter or a result, not part of one.
PARAMETER, RESULT, INSIDE = "parameter", "result", "inside"

DEEPEST = 100
"""Levels that the brackets of an annotation may nest: reading one, and working on it later, recurses."""

MOST_USES, LONGEST_NAME = 1000, 500
"""Uses of one generic class, and letters of their names: those of a class that contains ever larger uses never end."""


def evaluate(annotation: Any, scope: Scope, where: str) -> Any:
    """Returns what an annotation stands for in `scope`.

    Raises:
        ContractError: the annotation cannot be evaluated; `where` begins the message.
    """
    value, error = outcome(lambda: scope.evaluate(annotation))
    if error is not None:
        raise _cannot_evaluate(where, annotation, error)
    return value


class Schema:
    """Reads annotated classes and makes one node for each class and each distinct annotation.

    All nodes of one schema belong to one contract: two different classes of the same name are refused.
    """

    def __init__(self) -> None:
        self._classes: dict[Any, Any] = {}
        self._named: dict[str, tuple[type, Any]] = {}
        self._uses: collections.Counter[type] = collections.Counter()
        self._nodes: dict[str, Node] = {}
        self._open: list[StructType | InterfaceType] = []
        self._reading: dict[Any, Any] = {}  # the annotations around the one being read, outermost first
        self._depth = 0  # how many annotations are around those
        self._unions: list[tuple[Any, DynamicType]] = []  # those being read, which may contain themselves
        self._named_unions: dict[str, DynamicType] = {}
        # What ``type`` statements name, by id.
        self._aliases: dict[int, tuple[Any, str]] = {id(JSON): (JSON, "JSON")}
        self.structs = StructTable(self._known_struct)
        self._any = DynamicType("Any", self.structs)

    def contract(self, name: str, doc: str, classes: list[type]) -> Contract:
        """Returns the contract of the interfaces and errors among `classes`, with all that they refer to."""
        interfaces = tuple(self.interface(cls) for cls in classes if kind_of(cls) == INTERFACE)
        errors = tuple(self.struct(cls) for cls in classes if kind_of(cls) == ERROR)
        nodes = list(walk(*errors, *interfaces, into=references))
        _check_aliases(nodes)
        interfaces += tuple(n for n in nodes if isinstance(n, InterfaceType) and n not in interfaces)
        structs = tuple(n for n in nodes if isinstance(n, StructType) and n not in errors)
        if self._any in nodes:  # which may be any struct of the module, too
            structs += tuple(
                self.struct(cls)
                for cls in classes
                if kind_of(cls) == STRUCT
                and cls not in self._classes
                and not getattr(cls, "__parameters__", ())
            )
        enums = tuple(n for n in nodes if isinstance(n, EnumType))
        self.structs.names = sorted(node.text for node in structs)
        self.structs.find = {node.text: node for node in structs}.__getitem__
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

    def struct(self, cls: Any) -> StructType:
        """Returns the node of a class that is a struct or a `goerror`, or of a use of a generic one.

        Raises:
            ContractError: `cls` is another class, or one of its annotations cannot be represented.
        """
        node = self._struct(cls, typing.get_origin(cls) or cls, Scope({}, {}), _name_of(cls))
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
        what = (text_of(annotation) if is_text else id(annotation), id(scope))
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
        if isinstance(hint, Kind):  # what a type variable stands for
            return typing.cast(Node, hint)
        if isinstance(hint, typing.TypeVar):
            return self._read(*_value_of_variable(hint, scope, where), where, place)
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
        if isinstance(hint, OneWayOf):
            return self._intern(self._one_way(hint, scope, where))
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
        cls: Any = hint if origin is None else origin
        if class_kind(cls) is not None and kind_of(cls) != ERROR:
            return self._struct(hint, cls, scope, where)
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
        if place == RESULT and not is_iterator:
            raise ContractError(f"{where}: a stream as a result is an {'Async' * is_async}Iterator[...]")
        _expect(1, hint, where)
        item = self._read(typing.get_args(hint)[0], scope, where)
        return StreamType(item, is_async, place != PARAMETER and is_iterator)

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

    def _one_way(self, hint: OneWayOf, scope: Scope, where: str) -> Node:
        args = hint.item
        if not isinstance(args, tuple) or len(args) != 2 or not isinstance(args[0], list):
            raise ContractError(f"{where}: a OneWay function is written OneWay[[A, B], None]")
        if evaluate(args[1], scope, where) not in (None, type(None)):
            raise ContractError(
                f"{where}: a OneWay function returns None, as Go does not wait for it, got {_spelling(args[1])}; "
                f"for a result write Callable"
            )
        params = tuple(self._read(arg, scope, where) for arg in args[0])
        return CallableType(params, None, is_async=False, is_one_way=True)

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
        elif all(_is_struct(evaluate(option, scope, where)) for option in options):
            nodes = [self._read(option, scope, where) for option in options]
            structs = tuple(typing.cast(StructType, node) for node in nodes)
            union = self._struct_union(structs, where)
            # None has no part in the name: in Go an optional union is the union, which may be nil.
            union.alias = union.alias or _alias_of(None if has_none else hint, structs, scope)
            node = union
        else:
            return self._dynamic(hint, options, has_none, scope, where)
        if not has_none or isinstance(node, OptionalType):
            return node
        if isinstance(node, DynamicType):
            return self._or_none(node, where)
        return OptionalType(node)

    def _struct_union(self, structs: tuple[StructType, ...], where: str) -> UnionType:
        _check_told_apart(structs, where)
        if len(structs) > MAX_UNION:
            raise ContractError(f"{where}: a union may hold {MAX_UNION} classes, got {len(structs)}")
        # Sorted: for `typing` and its caches, unions that differ only in order are equal.
        made = UnionType(tuple(sorted(structs, key=lambda struct: struct.text)))
        return typing.cast(UnionType, self._intern(made))

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
            node.text = node.options_text
            return self._intern(node)
        known = self._named_unions.setdefault(name, node)
        if known.options_text != node.options_text:
            raise ContractError(
                f"{where}: two unions are named {name}: {known.options_text} and {node.options_text}"
            )
        return known

    def _open_union(self, hint: Any, where: str) -> DynamicType | None:
        """Returns the node of a union that is being read: it contains itself."""
        seen: list[Any] = []
        while type(hint).__name__ == "TypeAliasType" and hint not in seen:  # an alias may stand for itself
            seen.append(hint)
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
        if (
            isinstance(node, LiteralType) and node.alias is None
        ):  # the one met before may be of another module
            node.alias = scope.name_of(hint)
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

    def _claim(self, name: str, cls: type, where: str, arguments: tuple[Node, ...] = ()) -> None:
        """Refuses a name that another class, or another use of a generic class, has already."""
        claim = cls, arguments
        other = self._named.setdefault(name, claim)
        if other != claim:
            both = " and ".join(_full_name(*each) for each in (other, claim))
            raise ContractError(f"{where}: two classes are named {name}: {both}")

    def _struct(self, hint: Any, cls: type, scope: Scope, where: str) -> StructType:
        """Returns the node of the class `cls`, or of the use of it that is `hint`."""
        kind = class_kind(cls)
        if kind is None or not _is_hashable(cls):
            raise _unsupported(hint, where)
        arguments = self._arguments(hint, cls, scope, where)
        key = (cls, arguments) if arguments else cls
        if key not in self._classes:
            node = StructType(cls, kind, arguments)
            if arguments:
                self._count_use(node, where)
            self._claim(node.text, cls, where, arguments)
            self._classes[key] = node
            self._open.append(node)
        return typing.cast(StructType, self._classes[key])

    def _count_use(self, node: StructType, where: str) -> None:
        self._uses[node.cls] += 1
        if self._uses[node.cls] > MOST_USES or len(node.text) > LONGEST_NAME:
            place = where if len(where) < 100 else f"{where[:50]} ... {where[-30:]}"
            raise ContractError(
                f"{place}: {node.cls.__name__} contains ever larger uses of itself; "
                "write its type variables in its fields as they are"
            )

    def _arguments(self, hint: Any, cls: Any, scope: Scope, where: str) -> tuple[Node, ...]:
        """Returns what the type variables of `cls` stand for in `hint`, which is the class itself or a use of it."""
        given = typing.get_args(hint)
        found: dict[Any, tuple[Any, Scope]] = {}
        for position, variable in enumerate(getattr(cls, "__parameters__", ())):
            if not isinstance(variable, typing.TypeVar):
                raise ContractError(
                    f"{where}: {cls.__name__} is not supported: {_spelling(variable)} stands for more than a type"
                )
            default = _default_of(variable)
            if position < len(given) and given[position] is not default:
                node = self._read(given[position], scope, where)
            elif default is not None:
                node = self._read(default, Scope.of_class(cls, found), where)
            else:
                raise ContractError(
                    f"{where}: {cls.__name__} is not supported; say of what: {cls.__name__}[...]"
                )
            found[variable] = node, scope
        return tuple(node for node, _ in found.values())

    def _known_struct(self, cls: type) -> StructType | None:
        """Returns the node of a gostruct, or of another class that the contract has; None for all others."""
        kind = class_kind(cls)
        if kind is None or kind.is_dict or kind_of(cls) == ERROR or bool(getattr(cls, "__parameters__", ())):
            return None
        return self.struct(cls) if kind_of(cls) == STRUCT or cls.__name__ in self.structs.names else None

    def _interface(self, cls: type, where: str) -> InterfaceType:
        if cls not in self._classes:
            self._claim(cls.__name__, cls, where)
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
                    node.fields = tuple(self._fields(node))
                    _check_finite(node)
            finally:
                self._reading = reading

    def _fields(self, node: StructType) -> Iterator[Field]:
        variables = _variables_of(node)
        for raw in _raw_fields(node):
            where = f"{node.text}.{raw.name}"
            scope = Scope.of_class(raw.owner, variables.get(raw.owner, {}), module_of(raw.annotation))
            annotation, is_required = _without_qualifiers(raw, node.kind, scope, where)
            made = self._read(annotation, scope, where)
            if not is_required:
                made = self._intern(OptionalType(made, is_key=True))
            yield Field(raw.name, made, raw.default, raw.keyword_only, raw.init)
        for name, value in getattr(node.cls, "__dataclass_fields__", {}).items():
            if value._field_type.name == "_FIELD_INITVAR":
                raise ContractError(f"{node.text}.{name}: InitVar is not supported: Go cannot keep it")

    def _enum(self, cls: Any, where: str) -> EnumType:
        if cls not in self._classes:
            self._claim(cls.__name__, cls, where)
            self._classes[cls] = EnumType(cls, _enum_base(cls, where))
        return typing.cast(EnumType, self._classes[cls])


def _is_struct(hint: Any) -> bool:
    """Returns True for a class, or a use of a generic one, whose values are structs."""
    cls = typing.get_origin(hint) or hint
    return class_kind(cls) is not None and kind_of(cls) != ERROR


def _alias_of(hint: Any, structs: tuple[StructType, ...], scope: Scope) -> str | None:
    """Returns the name of a union in a scope; `hint` is how it was written, which may have text in it."""
    name = scope.name_of(hint) if hint is not None else None
    return name or scope.name_of(Union[tuple(struct.cls for struct in structs)])


def _check_aliases(nodes: list[Node]) -> None:
    """Refuses an alias that is the name of something else in the contract, from another module."""
    named: dict[str, Node] = {
        n.text: n for n in nodes if isinstance(n, (StructType, EnumType, InterfaceType))
    }
    for node in nodes:
        if isinstance(node, UnionType) and node.alias:
            other = named.setdefault(node.alias, node)
            if other is not node:
                what = "a class" if other.text == node.alias else other.text
                raise ContractError(
                    f"{node.alias}: the name of {node.text} and of {what}; rename one of them"
                )


def _raw_fields(node: StructType) -> Iterator[RawField]:
    """Yields the fields as the class declares them; refuses those that have no type, or no name in Python."""
    raw_fields, error = outcome(lambda: [*node.kind.raw_fields(node.cls)])
    if error is not None:
        raise _cannot_evaluate_all(node.text, error)
    for raw in raw_fields:
        if not (isinstance(raw.name, str) and raw.name.isidentifier()):
            raise ContractError(
                f"{node.text}: the key {raw.name!r} is no name of a field; use letters, digits and _"
            )
        if raw.annotation is dataclasses.MISSING:
            raise ContractError(
                f"{node.text}.{raw.name}: the field has no annotation; write class {node.text}(NamedTuple): "
                f"{raw.name}: ..."
            )
        yield raw


def _without_qualifiers(raw: RawField, kind: ClassKind, scope: Scope, where: str) -> tuple[Any, bool]:
    """Returns an annotation without ``Required``, ``NotRequired``, ``ReadOnly`` around it, and whether it is required."""
    annotation, is_required = raw.annotation, raw.is_required
    while kind is TYPED_DICT:
        hint = evaluate(annotation, scope, where)
        while typing.get_origin(hint) is Annotated and _qualifier(evaluate(hint.__origin__, scope, where)):
            hint = hint.__origin__
        word = _qualifier(hint)
        if not word:
            break
        if word != "ReadOnly":
            is_required = word == "Required"
        annotation = typing.get_args(hint)[0]
    return annotation, is_required


def _qualifier(hint: Any) -> str:
    """Returns the name of what says something of a TypedDict's key around its type; "" for a type."""
    # By name: typing and typing_extensions have their own.
    word = getattr(typing.get_origin(hint), "_name", None)
    return word if word in ("Required", "NotRequired", "ReadOnly") else ""


def _variables_of(node: StructType) -> dict[Any, dict[Any, tuple[Any, Scope]]]:
    """Returns, for a class and its bases, what their type variables stand for, and the scope to read that in."""
    nowhere = Scope({}, {})
    parameters = getattr(node.cls, "__parameters__", ())
    found = {node.cls: {variable: (made, nowhere) for variable, made in zip(parameters, node.arguments)}}
    todo = [node.cls]
    for cls in todo:  # grows
        for hint in cls.__dict__.get("__orig_bases__", cls.__bases__):
            base = typing.get_origin(hint) or hint
            if isinstance(base, type) and base not in found:
                scope, parameters = Scope.of_class(cls, found[cls]), getattr(base, "__parameters__", ())
                found[base] = {
                    variable: (arg, scope) for variable, arg in zip(parameters, typing.get_args(hint))
                }
                todo.append(base)
    return found


def _value_of_variable(variable: Any, scope: Scope, where: str) -> tuple[Any, Scope]:
    """Returns what a type variable stands for, and the scope to read that in."""
    if variable not in scope.variables:
        raise ContractError(f"{where}: the type variable {variable.__name__} stands for no type here")
    return scope.variables[variable]


def _default_of(variable: Any) -> Any:
    """Returns the default of a type variable (PEP 696), None if there is none."""
    has_default = getattr(variable, "has_default", None)
    return variable.__default__ if has_default is not None and has_default() else None


def _check_told_apart(structs: tuple[StructType, ...], where: str) -> None:
    """Refuses a union of structs whose values do not say which of them they are."""
    classes: dict[Any, StructType] = {}
    for struct in structs:
        if struct.kind.is_dict:
            raise ContractError(
                f"{where}: a union cannot hold the TypedDict {struct.text}: a dict does not say of which class it is; "
                "make it a @gostruct or @dataclass class"
            )
        other = classes.setdefault(struct.cls, struct)
        if other is not struct:
            name = struct.cls.__name__
            raise ContractError(
                f"{where}: a union cannot hold {other.text} and {struct.text}: a {name} does not say which it is; "
                f"make each a class of its own, a subclass of {name}[...]"
            )


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
    elif is_class and (dataclasses.is_dataclass(hint) or _has_fields(hint)):
        advice = "decorate the class with @gostruct"
    elif _is_hashable(hint) and (typing.get_origin(hint) or hint) in _INSTEAD:
        advice = f"write {_INSTEAD[typing.get_origin(hint) or hint]}"
    elif hint in (range, slice):
        advice = "write int parameters for start, stop and step, or list[int] for the numbers themselves"
    return ContractError(f"{where}: {name} is not supported; {advice}")


_INSTEAD: dict[Any, str] = {
    collections.abc.Generator: "Iterator[...]",
    collections.abc.AsyncGenerator: "AsyncIterator[...]",
    collections.abc.Awaitable: "async def for the method",
    collections.abc.Coroutine: "async def for the method",
    typing.BinaryIO: "Iterator[bytes] as a result, Iterable[bytes] as a parameter",
    typing.TextIO: "Iterator[str] as a result, Iterable[str] as a parameter",
}
"""What is often meant by types that are not supported."""


def _has_fields(cls: type) -> bool:
    """Returns True for a class of the user's that declares fields."""
    return cls.__module__ != "builtins" and bool(outcome(lambda: own_annotations(cls))[0])


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
        text, error = outcome(lambda: str(annotation))
        text = f"a {type(annotation).__name__}" if error else text.replace("typing.", "")
        text = re.sub(r"ForwardRef\(('[^']*')[^)]*\)", r"\1", text)
    text = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
    return text if len(text) <= 200 else f"{text[:150]} ... {text[-30:]}"


def _lacks_brackets(hint: Any) -> bool:
    """Returns True for ``list``, ``typing.List``, ``Optional`` and other generic types without brackets."""
    origin = typing.get_origin(hint)
    if origin is None:
        return _is_hashable(hint) and hint in _GENERICS
    return not typing.get_args(hint) and origin in _GENERICS and (origin is not tuple or hint is typing.Tuple)  # noqa: UP006


def _is_hashable(hint: Any) -> bool:
    return outcome(lambda: hash(hint))[1] is None


def _expect(count: int, hint: Any, where: str) -> None:
    """Refuses brackets with more or fewer than `count` types: Python accepts any number in ``list[...]``."""
    found = len(typing.get_args(hint))
    if found != count:
        words = f"{count} type{'s' * (count > 1)}"
        raise ContractError(f"{where}: {_name_of(hint)}: expected {words} in the brackets, got {found}")


def _value_of(alias: Any, where: str) -> Any:
    """Returns what the name made by a ``type`` statement stands for."""
    value, error = outcome(lambda: alias.__value__)
    if error is not None:
        raise _cannot_evaluate(where, alias, error)
    return value


def annotations_of(thing: Any, where: str) -> Mapping[str, Any]:
    """Returns the annotations of a function, or those of a class itself, without its bases.

    Raises:
        ContractError: the annotations cannot be evaluated; `where` begins the message.
    """
    annotations, error = outcome(lambda: own_annotations(thing))
    if error is not None:
        raise _cannot_evaluate_all(where, error)
    return annotations  # type: ignore[no-any-return]


def _cannot_evaluate(where: str, annotation: Any, error: BaseException) -> ContractError:
    return ContractError(f"{where}: cannot evaluate {_spelling(annotation)}: {type(error).__name__}: {error}")


def _cannot_evaluate_all(where: str, error: BaseException) -> ContractError:
    return ContractError(f"{where}: cannot evaluate the annotations: {type(error).__name__}: {error}")


def _full_name(cls: type, arguments: tuple[Node, ...] = ()) -> str:
    inside = f"[{', '.join(node.text for node in arguments)}]" if arguments else ""
    return f"{cls.__module__}.{cls.__qualname__}{inside}"


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
    *(list, tuple, dict, set, frozenset, Buffer, OneWay, Union, Optional, Annotated, Literal),
    *(collections.abc.Sequence, collections.abc.Mapping, collections.abc.Set, collections.abc.Callable),
    *_STREAMS,
}
