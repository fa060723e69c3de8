"""The type tree: what a contract means, apart from how Python or Go write it.

`gobind.contract.resolve` reads classes into nodes; all later stages (layout, codec, calls, generated Go) use nodes
only. A node's ``text`` is its canonical annotation and names it within one contract.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar, NamedTuple, Union

from gobind.contract.classes import ABSENT, DATACLASS, ClassKind
from gobind.contract.decorators import MethodOptions
from gobind.contract.kinds import Kind
from gobind.contract.leaves import Leaf
from gobind.contract.scalars import Scalar
from gobind.errors import GobindError


class Reference(Kind):
    """A node whose values lie in blocks behind the record; the record has a pointer with a length or tag."""

    size: ClassVar[int] = 16
    align: ClassVar[int] = 8

    @property
    def has_blocks(self) -> bool:
        return True


class Handle(Kind):
    """A node whose values are objects of the other side, passed by handle."""

    size: ClassVar[int] = 8
    align: ClassVar[int] = 8
    is_handle = True
    is_nilable = True


class Record(Kind):
    """A node whose values lie inside a record, one part after another."""

    @property
    def parts(self) -> tuple[tuple[str, Node], ...]:
        """The suffix of each part in paths, and the node of the part."""
        raise NotImplementedError

    @property
    def children(self) -> tuple[Node, ...]:
        return tuple(node for _, node in self.parts)

    @property
    def has_blocks(self) -> bool:
        return any(node.has_blocks for node in self.children)


class Choice(Kind):
    """A node whose values are some of another type's: of ``base``, the scalar ``int`` or the leaf ``str``."""

    def __init__(self, text: str, base: Scalar | Leaf) -> None:
        self.text = text
        self.base = base
        self.size = base.size
        self.align = base.align


class EnumType(Choice):
    """An `enum.Enum` class."""

    def __init__(self, cls: Any, base: Scalar | Leaf) -> None:
        super().__init__(cls.__name__, base)
        self.cls = cls
        self.members: dict[str, int | str] = {name: member.value for name, member in cls.__members__.items()}
        self.is_flag = issubclass(cls, enum.Flag)


class LiteralType(Choice):
    """``Literal[...]`` of str or of int, sorted.

    Attributes:
        values, known: the values, in order; as a set.
        cls: their class, str or int.
        alias: the name that the contract's module has for it, None if there is none; set by `gobind.contract.resolve`.
            It names the type in Go only, and is no part of the text.
        allowed: the values, for messages.
    """

    def __init__(self, values: Iterable[int | str], base: Scalar | Leaf) -> None:
        # Sorted: for `typing` and its caches, literals that differ only in order are equal.
        self.values: tuple[Any, ...] = tuple(sorted(set(values)))
        self.known = frozenset(self.values)
        words = [repr(value) for value in self.values]
        super().__init__(f"Literal[{', '.join(words)}]", base)
        self.alias: str | None = None
        self.cls = type(self.values[0])
        self.allowed = " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))


class ListType(Reference):
    """``list[item]``; ``container`` is the class of results: list or tuple."""

    is_nilable = True
    wire_pattern = "list[%s]"

    def __init__(self, item: Node, container: type) -> None:
        self.item = item
        self.container = container
        self.text: str = self.spelled(text_of)

    def spelled(self, spell: Callable[[Node], str]) -> str:
        return f"list[{spell(self.item)}]" if self.container is list else f"tuple[{spell(self.item)}, ...]"

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.item,)

    @functools.cached_property
    def numbers(self) -> tuple[Scalar, int] | None:
        """For lists of numbers, and lists of these, the type of the numbers and the depth of the lists; else None.

        Memory with so many dimensions is taken for such a list.
        """
        if isinstance(self.item, Scalar):
            return self.item, 1
        inner = self.item.numbers if isinstance(self.item, ListType) else None
        return inner and (inner[0], inner[1] + 1)


class SetType(Reference):
    """``set[item]``; ``container`` is set or frozenset."""

    is_nilable = True
    wire_pattern = "set[%s]"

    def __init__(self, item: Node, container: type) -> None:
        self.item = item
        self.container = container
        self.text: str = self.spelled(text_of)

    def spelled(self, spell: Callable[[Node], str]) -> str:
        return f"{self.container.__name__}[{spell(self.item)}]"

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.item,)


class DictType(Reference):
    """``dict[key, value]``."""

    is_nilable = True
    wire_pattern = "dict[%s]"

    def __init__(self, key: Node, value: Node) -> None:
        self.key = key
        self.value = value
        self.text: str = self.spelled(text_of)

    def spelled(self, spell: Callable[[Node], str]) -> str:
        return f"dict[{spell(self.key)}, {spell(self.value)}]"

    @property
    def children(self) -> tuple[Node, ...]:
        return self.key, self.value


class TupleType(Record):
    """``tuple[A, B]``: a struct without names."""

    wire_pattern = "tuple[%s]"

    def __init__(self, items: tuple[Node, ...]) -> None:
        self.items = items
        self.text: str = self.spelled(text_of)

    def spelled(self, spell: Callable[[Node], str]) -> str:
        return f"tuple[{', '.join(map(spell, self.items)) or '()'}]"

    @property
    def parts(self) -> tuple[tuple[str, Node], ...]:
        return tuple((f"[{index}]", item) for index, item in enumerate(self.items))


class OptionalType(Reference):
    """``Optional[item]``, or ``NotRequired[item]`` for the value of a key that a TypedDict may lack.

    Attributes:
        is_key: the second.
        absent: what stands for no value: None, or ABSENT where the key is missing.
    """

    size = 8
    wire_pattern = "Optional[%s]"

    def __init__(self, item: Node, is_key: bool = False) -> None:
        self.item = item
        self.is_key = is_key
        self.absent = ABSENT if is_key else None
        self.text: str = self.spelled(text_of)

    def spelled(self, spell: Callable[[Node], str]) -> str:
        return f"{'NotRequired' if self.is_key else 'Optional'}[{spell(self.item)}]"

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.item,)


class UnionType(Reference):
    """``A | B`` of structs, sorted by name; the tag of an option is its index.

    Attributes:
        alias: the name that the contract's module has for it, None if there is none. It is the name of the Go type, and
            means nothing on the wire: ``text`` has the options.
    """

    is_nilable = True

    def __init__(self, options: tuple[StructType, ...]) -> None:
        self.options = options
        self.alias: str | None = None
        self.text: str = f"Union[{', '.join(option.text for option in options)}]"
        # By identity: a class may not be hashable.
        self._tags = {id(option.cls): tag for tag, option in enumerate(options)}

    @property
    def children(self) -> tuple[Node, ...]:
        return self.options

    def tag_of(self, value: Any) -> int:
        """Returns the index of the option that is the class of `value`, else its nearest base.

        Raises:
            TypeError: there is none; `gobind.contract.validate` says so in words.
        """
        for cls in type(value).__mro__:
            tag = self._tags.get(id(cls))
            if tag is not None:
                return tag
        raise TypeError


class DynamicType(Reference):
    """A value that says itself what it is: ``Any``, or a union of what values tell apart, such as ``int | str``.

    Attributes:
        text: the name of a union that has one, else the annotation.
        options: what a value may be, filled late, as a named union may refer to itself; () for ``Any``.
        allows_none: it may be None.
        structs: the structs that values may be.
    """

    def __init__(self, text: str, structs: StructTable) -> None:
        self.text = text
        self.options: tuple[Node, ...] = ()
        self.allows_none = True
        self.structs = structs

    @property
    def is_any(self) -> bool:
        """True for what may be anything."""
        return not self.options

    @property
    def options_text(self) -> str:
        """The union without its name."""
        return " | ".join([*(option.text for option in self.options), *["None"] * self.allows_none])

    @property
    def expected(self) -> str:
        """The type as messages say it."""
        is_known = self.is_any or self.text in ("JSON", self.options_text)
        return self.text if is_known else f"{self.text} ({self.options_text})"

    @property
    def children(self) -> tuple[Node, ...]:
        return self.options

    @functools.cached_property
    def holds_structs(self) -> bool:
        """True if a value may hold structs, at any depth."""
        return any(
            isinstance(node, StructType) or (isinstance(node, DynamicType) and node.is_any)
            for node in walk(self)
        )


class BufferType(Reference):
    """``Buffer[item]``: memory by reference; ``item`` is a scalar or a flat struct.

    ``is_mutable`` means ``MutableBuffer[item]``, which Go may write to.
    """

    def __init__(self, item: Scalar | StructType, is_mutable: bool = False) -> None:
        self.item = item
        self.is_mutable = is_mutable
        self.text: str = f"{'Mutable' * is_mutable}Buffer[{item.text}]"

    @property
    def has_blocks(self) -> bool:
        return False

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.item,)


class Field(NamedTuple):
    """A field of a struct or error, or a parameter of a method; ``default`` may be MISSING."""

    name: str
    type: Node
    default: Any = dataclasses.MISSING
    keyword_only: bool = False
    init: bool = True

    @property
    def has_default(self) -> bool:
        """True if there is a default value."""
        return self.default is not dataclasses.MISSING

    @property
    def may_be_missing(self) -> bool:
        """True for a key that a TypedDict may lack."""
        return isinstance(self.type, OptionalType) and self.type.is_key


class StructType(Record):
    """A class of any `ClassKind`. ``fields`` is set later, as structs may refer to themselves.

    Attributes:
        arguments: what the type variables of a generic class stand for: each use of one is a struct of its own.
        instances: the class that all values are instances of.
    """

    def __init__(self, cls: Any, kind: ClassKind = DATACLASS, arguments: tuple[Node, ...] = ()) -> None:
        self.cls = cls
        self.kind = kind
        self.arguments = arguments
        self.instances: Any = Mapping if kind.is_dict else cls
        self.text: str = cls.__name__ + "".join(map(_word, arguments))
        self.fields: tuple[Field, ...] = ()

    @property
    def parts(self) -> tuple[tuple[str, Node], ...]:
        return tuple((f".{field.name}", field.type) for field in self.fields)

    @functools.cached_property
    def is_recursive(self) -> bool:
        """True if a value may contain values of its own type."""
        inner = [node for field in self.fields for node in walk(field.type)]
        return any(node is self or (isinstance(node, DynamicType) and node.is_any) for node in inner)

    @property
    def is_flat(self) -> bool:
        return self._is_flat

    @functools.cached_property
    def _is_flat(self) -> bool:
        return bool(self.fields) and all(field.type.is_flat for field in self.fields)


def _word(node: Node) -> str:
    """Returns a word for a type, used in the names of generic structs: ``list[User]`` is ``ListUser``."""
    text = node.text.replace("...", "Many")  # tuple[int, ...] is another type than tuple[int]
    return "".join(word[0].upper() + word[1:] for word in re.findall(r"\w+", text))


class StructTable:
    """The structs that dynamic values of one contract may hold.

    Args:
        read: gives the node of a class; None if it is no struct.

    Attributes:
        names: their names, sorted; the index in this list stands in frames.
        find: gives the node of a name.
        verify: refuses a struct that differs from Go's.
    """

    def __init__(self, read: Callable[[type], StructType | None]) -> None:
        self._read = read
        self.names: list[str] = []
        self.find: Callable[[str], StructType] = dict[str, StructType]().__getitem__
        self.verify: Callable[[StructType], None] = lambda node: None
        self._nodes: dict[int, StructType] = {}

    @functools.cached_property
    def hold_handles(self) -> bool:
        """True if one of them holds objects, or cannot be read: that is told to who passes one."""
        try:
            return any(node.is_handle for node in walk(*map(self.find, self.names)))
        except GobindError:
            return True

    def struct_of(self, cls: type) -> StructType | None:
        """Returns the node of a class or its nearest base that is a struct; None without one."""
        return next(filter(None, map(self._read, cls.__mro__)), None)

    def index_of(self, cls: type) -> int | None:
        """Returns the index of the struct of a class; None if it is no struct.

        Raises:
            TypeError: it is a struct, but not one of the contract's.
        """
        node = self.struct_of(cls)
        if node is None:
            return None
        if node.text not in self.names:
            raise TypeError(f"{node.text} is not among the structs of the contract that Go knows")
        index = self.names.index(node.text)
        if index not in self._nodes:
            self._enter(index, node)
        return index

    def at(self, index: int) -> StructType:
        """Returns the node of an index.

        Raises:
            IndexError: there is no such struct.
        """
        if index not in self._nodes:
            self._enter(index, self.find(self.names[index]))
        return self._nodes[index]

    def _enter(self, index: int, node: StructType) -> None:
        self.verify(node)
        self._nodes[index] = node


class InterfaceType(Handle):
    """A `gointerface` class with its methods, inherited ones first; a value of it is a handle.

    Attributes:
        fitting: classes whose instances are known to implement it, noted by `gobind.contract.validate`.
    """

    def __init__(self, cls: Any) -> None:
        self.cls = cls
        self.fitting: set[type] = set()
        self.text: str = cls.__name__
        self.methods: tuple[Method, ...] = ()

    @property
    def references(self) -> tuple[Node, ...]:
        return tuple(found for method in self.methods for found in method_types(method))


class CallableType(Handle):
    """``Callable[[A], R]``: an interface with one method, which has no name.

    Attributes:
        is_one_way: it is ``OneWay[[A], None]``: Go does not wait for its calls.
        accepted: the method that a function of Python must fit: one-way functions may be ``async def``.
    """

    def __init__(
        self, params: tuple[Node, ...], result: Node | None, is_async: bool, is_one_way: bool = False
    ) -> None:
        fields = tuple(Field(f"a{position}", param) for position, param in enumerate(params))
        self.is_one_way = is_one_way
        self.method = Method("call", fields, result, is_async, MethodOptions(by_value=is_one_way), "")
        self.accepted = self.method._replace(is_async=is_async or is_one_way)
        self.text: str = self.spelled(text_of)

    def spelled(self, spell: Callable[[Node], str]) -> str:
        names = ", ".join(spell(param.type) for param in self.method.params)
        if self.is_one_way:
            return f"OneWay[[{names}], None]"
        made = spell(self.method.result) if self.method.result else "None"
        return f"Callable[[{names}], {f'Awaitable[{made}]' if self.method.is_async else made}]"

    @property
    def references(self) -> tuple[Node, ...]:
        return method_types(self.method)


class StreamType(Handle):
    """Items that come one after another: ``Iterator[item]`` as a result, ``Iterable[item]`` as a parameter.

    Inside other types it is either, which are passed alike: for readers of a struct it is an iterator.
    """

    def __init__(self, item: Node, is_async: bool, is_iterator: bool) -> None:
        self.item = item
        self.is_async = is_async
        self.is_iterator = is_iterator
        self.text: str = self.spelled(text_of)

    def spelled(self, spell: Callable[[Node], str]) -> str:
        word = f"{'Async' * self.is_async}{'Iterator' if self.is_iterator else 'Iterable'}"
        return f"{word}[{spell(self.item)}]"

    @property
    def references(self) -> tuple[Node, ...]:
        return (self.item,)


Node = Union[
    Scalar,
    Leaf,
    EnumType,
    LiteralType,
    ListType,
    SetType,
    DictType,
    TupleType,
    OptionalType,
    UnionType,
    DynamicType,
    BufferType,
    StructType,
    InterfaceType,
    CallableType,
    StreamType,
]


class Method(NamedTuple):
    """One method of an interface; ``result`` is None for ``-> None``."""

    name: str
    params: tuple[Field, ...]
    result: Node | None
    is_async: bool
    options: MethodOptions
    doc: str


class Contract(NamedTuple):
    """All that one module declares, in an order that is the same in each process."""

    name: str
    doc: str
    interfaces: tuple[InterfaceType, ...]
    structs: tuple[StructType, ...]
    enums: tuple[EnumType, ...]
    errors: tuple[StructType, ...]
    literals: tuple[LiteralType, ...] = ()


def text_of(node: Node) -> str:
    """Returns the canonical annotation of a node."""
    return node.text


def children(node: Node) -> tuple[Node, ...]:
    """Returns the nodes that values of `node` are made of."""
    return node.children


def references(node: Node) -> tuple[Node, ...]:
    """Returns the nodes that `node` refers to: its children, and the types of its methods and items."""
    return node.references


def method_types(method: Method) -> tuple[Node, ...]:
    """Returns the types of a method's parameters and result."""
    return (*(param.type for param in method.params), *([method.result] if method.result else []))


def held(node: Node) -> tuple[Node, ...]:
    """Returns the nodes of what values of `node` hold, as `children` does; ``Any`` may hold each struct of a contract."""
    if isinstance(node, DynamicType) and node.is_any:
        return tuple(map(node.structs.find, node.structs.names))
    return children(node)


def holds_streams(node: Node, only_async: bool = False) -> bool:
    """Returns True if values of `node` are or hold streams."""
    return any(
        isinstance(inner, StreamType) and inner.is_async >= only_async for inner in walk(node, into=held)
    )


def walk(*nodes: Node, into: Callable[[Node], tuple[Node, ...]] = children) -> Iterator[Node]:
    """Yields each node reachable from `nodes`, and these, once, in order of first appearance.

    Args:
        into: `children` to follow what values are made of, `references` to follow all that a contract needs.
    """
    seen: set[int] = set()
    todo = list(reversed(nodes))
    while todo:
        node = todo.pop()
        if id(node) not in seen:
            seen.add(id(node))
            yield node
            todo.extend(reversed(into(node)))
