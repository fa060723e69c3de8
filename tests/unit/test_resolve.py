"""Annotations to nodes: every row of the type table, every way to write it, every refusal word for word."""

# ruff: noqa: E501  (tables of messages: a row is a line)

from __future__ import annotations

import sys
from dataclasses import fields
from typing import Any, Iterator, Union

import pytest
import random_contracts

from gobind import ContractError, GobindError, gointerface, gostruct
from gobind.contract import resolve
from gobind.contract.annotations import Scope
from gobind.contract.canonical import contract_text, declared_classes, read_text
from gobind.contract.decorators import MethodOptions
from gobind.contract.fingerprint import fingerprint
from gobind.contract.resolve import Schema
from gobind.contract.types import Contract, DictType, ListType, SetType, StructType, walk

HEAD = """
import collections.abc, dataclasses, enum, typing
from dataclasses import InitVar, dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import (Annotated, Any, AbstractSet, Callable, Dict, FrozenSet, Generic, List, Literal, Mapping, NewType,
                    Optional, Protocol, Sequence, Set, Tuple, TypeVar, Union)
from uuid import UUID
from gobind import *
from gobind import naive
from gobind.contract import scalars
class Color(enum.Enum):
    RED = 1
    BLUE = 2
class Mood(str, enum.Enum):
    GOOD = "good"
class Level(enum.IntEnum):
    LOW = 0
class Access(enum.IntFlag):
    READ = 1
UserID = NewType("UserID", int)
Names = List[str]
@gostruct
class Point:
    x: float
    y: float
@gostruct
class Circle:
    center: Point
    radius: f32
@gostruct
class Group:
    members: "list[Group]"
"""
made: list[str] = []


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    yield
    while made:
        sys.modules.pop(made.pop(), None)


def run(text: str, name: str = "contract_of_test", future: bool = False) -> Any:
    """A module made from text, importable while the test runs."""
    made.append(name)
    return random_contracts.load_module(
        ("from __future__ import annotations\n" if future else "") + HEAD + text, name
    )


def contract_of(module: Any) -> Contract:
    return Schema().contract(module.__name__, module.__doc__ or "", [*declared_classes(vars(module))])


TABLE = [
    *[(word, word) for word in "bool int float str bytes i8 i16 i32 i64 u8 u16 u32 u64 f32 f64".split()],
    *[(f"scalars.{word}", word) for word in ("u8", "f32")],
    *[(text, "list[int]") for text in ("list[int]", "List[int]", "Sequence[int]", "collections.abc.Sequence[int]")],
    *[(text, "tuple[int, ...]") for text in ("tuple[int, ...]", "Tuple[int, ...]")],
    ("list[list[list[str]]]", "list[list[list[str]]]"),
    *[(text, "tuple[int, str]") for text in ("tuple[int, str]", "Tuple[int, str]")],
    *[(text, "tuple[()]") for text in ("tuple[()]", "Tuple[()]")],
    ("tuple[u8]", "tuple[u8]"),
    *[(text, "dict[str, u8]") for text in ("dict[str, u8]", "Dict[str, u8]", "Mapping[str, u8]")],
    *[(text, "set[str]") for text in ("set[str]", "Set[str]", "AbstractSet[str]", "collections.abc.Set[str]")],
    *[(text, "frozenset[Color]") for text in ("frozenset[Color]", "FrozenSet[Color]")],
    *[(f"dict[{key}, int]", f"dict[{key}, int]") for key in ("bool", "u16", "float", "f32", "Mood", "Level")],
    *[(text, "Optional[int]") for text in ("Optional[int]", "Union[int, None]", "Union[None, int]")],
    ("Optional[Optional[int]]", "Optional[int]"),
    ("Optional[list[Optional[str]]]", "Optional[list[Optional[str]]]"),
    *[(word, word) for word in ("Color", "Mood", "Level", "Access", "datetime", "timedelta", "UUID", "complex")],
    *[(word, word) for word in ("date", "time", "naive", "Decimal", "bigint", "Path")],
    *[(text, "Literal['a', 'b']") for text in ("Literal['a', 'b']", "Literal['b', 'a', 'b']", "Literal['b', Literal['a']]")],
    *[(text, "Optional[Literal['a']]") for text in ("Literal['a', None]", "Optional[Literal['a']]")],
    ("dict[Literal[2, -1], set[Literal['a']]]", "dict[Literal[-1, 2], set[Literal['a']]]"),
    *[(word, word) for word in ("Point", "Circle", "Group")],
    *[(text, "Union[Circle, Point]") for text in ("Union[Circle, Point]", "Union[Point, Circle]")],
    ("Optional[Union[Point, Circle]]", "Optional[Union[Circle, Point]]"),
    ("Union[Point, None]", "Optional[Point]"),
    ("list[Union[Point, Union[Circle, Group]]]", "list[Union[Circle, Group, Point]]"),
    ("UserID", "int"),
    ("Names", "list[str]"),
    ("Annotated[int, 'doc']", "int"),
    ("Annotated[u8, 'doc']", "u8"),
    ("Annotated[list[Annotated[str, 1]], 2]", "list[str]"),
    ("NewType('Keys', Dict[str, Point])", "dict[str, Point]"),
    ("Buffer[u8]", "Buffer[u8]"),
    ("Buffer[float]", "Buffer[float]"),
    ("Buffer[Point]", "Buffer[Point]"),
    ("Buffer[Circle]", "Buffer[Circle]"),
]  # fmt: skip
NEW_UNIONS = [("int | None", "Optional[int]"), ("Point | Circle | None", "Optional[Union[Circle, Point]]")]


def method(annotation: str) -> str:
    return (
        f"\n@gointerface\nclass Service(Protocol):\n    def do(self, x: {annotation}) -> {annotation}: ...\n"
    )


@pytest.mark.parametrize(("annotation", "text"), TABLE + NEW_UNIONS)
@pytest.mark.parametrize("style", ["future", "text", "object"])
def test_every_row_of_the_table(annotation: str, text: str, style: str) -> None:
    source = method(repr(annotation) if style == "text" else annotation)
    contract = contract_of(run(source, future=style == "future"))
    (do,) = contract.interfaces[0].methods
    assert do.result is not None
    assert (do.params[0].type.text, do.result.text) == (text, text)
    assert do.params[0].type is do.result, "one node for each distinct annotation"


@pytest.mark.parametrize(
    ("annotation", "kind", "container"),
    [
        ("Sequence[int]", ListType, list),
        ("tuple[int, ...]", ListType, tuple),
        ("AbstractSet[int]", SetType, set),
        ("frozenset[int]", SetType, frozenset),
    ],
)
def test_results_are_built_with_the_container_of_the_annotation(
    annotation: str, kind: Any, container: type
) -> None:
    node = Schema().node(eval(annotation, vars(run(""))))
    assert isinstance(node, kind)
    assert node.container is container  # type: ignore[attr-defined]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the type statement came with Python 3.12")
def test_type_statements_are_aliases() -> None:
    module = run("type Names2 = list[u8]\ntype Deep = dict[str, Names2]")
    assert Schema().node(module.Deep).text == "dict[str, list[u8]]"


def test_the_order_of_a_union_does_not_depend_on_caches_of_typing() -> None:
    module = run("")
    first = Schema().node(eval("Optional[Union[Point, Circle]]", vars(module)))
    second = Schema().node(eval("Optional[Union[Circle, Point]]", vars(module)))
    assert first.text == second.text == "Optional[Union[Circle, Point]]"


FORWARD = """
@gostruct
class Tree:
    name: str
    children: "list[Tree]"
    parent: "Optional[Tree]"
    owner: "Owner"
@gostruct
class Owner:
    trees: "dict[str, Tree]"
    name: str
"""


@pytest.mark.parametrize("future", [False, True])
def test_forward_circular_and_mutual_references(future: bool) -> None:
    tree = Schema().struct(run(FORWARD, future=future).Tree)
    assert [field.type.text for field in tree.fields] == ["str", "list[Tree]", "Optional[Tree]", "Owner"]
    children, owner = tree.fields[1].type, tree.fields[3].type
    assert isinstance(children, ListType) and children.item is tree
    assert isinstance(owner, StructType) and isinstance(owner.fields[0].type, DictType)
    assert owner.fields[0].type.value is tree
    assert tree.is_recursive and owner.is_recursive
    assert not tree.is_flat
    assert [node.text for node in walk(tree)].count("Tree") == 1


def test_references_to_classes_of_the_same_function() -> None:
    @gostruct
    class Inner:
        n: int

    @gostruct
    class Outer:
        inner: Inner
        later: "list[Later]"

    @gostruct
    class Later:
        outer: "Outer | None"

    @gointerface
    class Service:
        def do(self, x: Outer) -> Later: ...

    contract = Schema().contract("c", "", [Service])
    assert [struct.text for struct in contract.structs] == ["Outer", "Inner", "Later"]
    assert [struct.is_flat for struct in contract.structs] == [False, True, False]


def test_contracts_over_several_modules() -> None:
    run(
        "@gostruct\nclass Address:\n    street: str\n    kin: 'Kin'\nclass Kin(enum.Enum):\n    NONE = 0",
        "shapes_a",
    )
    run(
        "import shapes_a as a\n@gostruct\nclass Person(a.Address):\n    home: a.Address",
        "shapes_b",
        future=True,
    )
    service = "from shapes_b import Person as P\nimport shapes_a\n" + method("tuple[P, shapes_a.Kin]")
    contract = contract_of(run(service, future=True))
    assert [struct.text for struct in contract.structs] == ["Person", "Address"]
    assert [field.name for field in contract.structs[0].fields] == ["street", "kin", "home"]
    assert [enum.text for enum in contract.enums] == ["Kin"]


def test_two_modules_that_import_each_other() -> None:
    run("@gostruct\nclass Left:\n    other: 'Optional[circle_right.Right]'", "circle_left")
    run(
        "import circle_left\n@gostruct\nclass Right:\n    other: 'Optional[circle_left.Left]'", "circle_right"
    )
    left = sys.modules["circle_left"]
    left.circle_right = sys.modules["circle_right"]  # type: ignore[attr-defined]
    assert Schema().struct(left.Left).is_recursive


def test_structs_inherit_fields_and_their_scopes() -> None:
    run(
        "class Kind(enum.Enum):\n    A = 1\n@gostruct\nclass Base:\n    kind: 'Kind'\n    n: int = 0",
        "base_module",
    )
    module = run(
        "import base_module\n@gostruct\nclass Derived(base_module.Base):\n    n: u8 = 1\n    more: str = ''"
    )
    node = Schema().struct(module.Derived)
    assert [(field.name, field.type.text) for field in node.fields] == [
        ("kind", "Kind"),
        ("n", "u8"),
        ("more", "str"),
    ]
    assert [field.default for field in node.fields[1:]] == [1, ""]
    assert [field.name for field in fields(module.Derived)] == ["kind", "n", "more"]


INTERFACES = """
@gointerface
class Reader(Protocol):
    "Reads."
    def read(self, n: int = 5, *, wait: bool = False) -> bytes:
        '''Reads n bytes.

        And more.
        '''
    def close(self) -> None: ...
    def _private(self): ...
@gointerface
class File(Reader, Protocol):
    @gomethod(name="WriteAll", release_gil=False)
    async def write(self, data: bytes) -> int: ...
    def close(self) -> bool: ...
"""


def test_interfaces_inherit_methods_and_may_replace_them() -> None:
    reader, file = contract_of(run(INTERFACES)).interfaces
    assert [m.name for m in reader.methods] == ["read", "close"]
    assert [m.name for m in file.methods] == ["read", "close", "write"]
    read, close, write = file.methods
    assert [(p.name, p.default, p.keyword_only) for p in read.params] == [
        ("n", 5, False),
        ("wait", False, True),
    ]
    assert read.doc == "Reads n bytes.\n\nAnd more."
    assert close.result is not None and close.result.text == "bool"
    assert reader.methods[1].result is None
    assert (write.is_async, read.is_async) == (True, False)
    assert write.options == MethodOptions(name="WriteAll", release_gil=False)
    assert read.options == MethodOptions()


def test_structs_that_no_interface_refers_to_are_not_read() -> None:
    contract = contract_of(run(method("Point") + "@gostruct\nclass Odd:\n    x: object\n"))
    assert [struct.text for struct in contract.structs] == ["Point"]


def test_a_chain_of_many_classes_costs_no_stack() -> None:
    links = "".join(f"@gostruct\nclass C{n}:\n    next: 'Optional[C{n + 1}]'\n" for n in range(3000))
    module = run(links + "@gostruct\nclass C3000:\n    n: int\n")
    assert sum(1 for _ in walk(Schema().struct(module.C0))) == 6002


ACCEPTED = f"expected {resolve.ACCEPTED}"
NO_RANGE = "write int parameters for start, stop and step, or list[int] for the numbers themselves"
PARAMETER = "Service.do: parameter x"
KEYS = "must be numbers, bool, str, enums or Literal, got"

REFUSED_ANNOTATIONS = [
    ("memoryview", f"memoryview is not supported; {ACCEPTED}"),
    *[(word, f"{word} is not supported; {NO_RANGE}") for word in ("range", "slice")],
    ("type", f"type is not supported; {ACCEPTED}"),
    ("3", f"3 is not supported; {ACCEPTED}"),
    ("None", f"None is not supported; {ACCEPTED}"),
    ("Literal[True]", "Literal[True]: bool has two values only; write bool"),
    ("Literal[1, b'x']", "Literal[1, b'x']: the values must be str or int, got bytes"),
    ("Literal['a', 1]", "Literal['a', 1]: the values must all be int or all be str"),
    ("Literal[None]", "Literal[None]: the values must all be int or all be str"),
    ("Literal[Color.RED]", "Literal[<Color.RED: 1>]: members of an enum are not supported; write the enum itself, Color"),
    ("Literal[1, 2**63]", "Literal: 9223372036854775808 does not fit 64 bits"),
    ("collections.deque[int]", f"collections.deque[int] is not supported; {ACCEPTED}"),
    ("list", "list is not supported; say of what: list[...]"),
    ("dict", "dict is not supported; say of what: dict[...]"),
    ("tuple", "tuple is not supported; say of what: tuple[...]"),
    ("set", "set is not supported; say of what: set[...]"),
    ("frozenset", "frozenset is not supported; say of what: frozenset[...]"),
    ("dict[bytes, int]", f"dict keys {KEYS} bytes"),
    ("dict[datetime, int]", f"dict keys {KEYS} datetime"),
    ("dict[complex, int]", f"dict keys {KEYS} complex"),
    ("dict[Point, int]", f"dict keys {KEYS} Point"),
    ("set[tuple[int, int]]", f"set items {KEYS} tuple[int, int]"),
    ("frozenset[Optional[str]]", f"set items {KEYS} Optional[str]"),
    ("Union[u8, str]", "values do not say that they are u8; write int"),
    ("Union[f32, str]", "values do not say that they are f32; write float"),
    ("Union[list[u8], str]", "values do not say that they are u8; write int"),
    ("Union[Color, str]", "Color cannot stand in a union with other types: members go by their values, which do not say that they are of Color; write int"),
    ("Union[tuple[int, str], str]", "tuple[int, str] cannot stand in a union with other types"),
    ("Union[tuple[int, ...], str]", "tuple[int, ...] cannot stand in a union with other types; write list[...]"),
    ("Union[set[int], str]", "set[int] cannot stand in a union with other types"),
    ("Union[list[int], list[str]]", "values do not tell list[int] from list[str]; write one with a union inside its brackets"),
    ("Union[dict[str, int], dict[int, str]]", "values do not tell dict[str, int] from dict[int, str]; write one with a union inside its brackets"),
    ("Union[dict[u8, int], str]", "the keys of a dict in a union must be str, int, float or bool, got u8"),
    ("Union[typing.Iterator[int], str]", "Iterator[int] cannot stand in a union with other types"),
    ("Union[list[typing.Iterator[int]], str]", "Iterator[int] cannot stand in a union with other types"),
    ("list[typing.Iterator]", "Iterator is not supported; say of what: Iterator[...]"),
    ("set[typing.Iterator[int]]", f"set items {KEYS} Iterator[int]"),
    ("dict[typing.AsyncIterable[int], str]", f"dict keys {KEYS} AsyncIterable[int]"),
    ("Buffer[int]", None),
    ("Buffer[str]", "Buffer takes a sized scalar or a @gostruct of sized scalars, got str"),
    ("Buffer[Group]", "Buffer takes a sized scalar or a @gostruct of sized scalars, got Group"),
    ("list[Buffer[u8]]", "Buffer may only be a parameter or a result itself"),
    ("Optional[Buffer[u8]]", "Buffer may only be a parameter or a result itself"),
    ("cstr", "cstr is for Library.export; in a contract write str"),
    ("list[cstr]", "cstr is for Library.export; in a contract write str"),
    ("Plain", "Plain is not supported; decorate the class with @gostruct"),
    ("Bare", f"Bare is not supported; {ACCEPTED}"),
    ("collections.abc.Generator[int, None, None]", "collections.abc.Generator[int, None, None] is not supported; write Iterator[...]"),
    ("typing.AsyncGenerator[int, str]", "AsyncGenerator[int, str] is not supported; write AsyncIterator[...]"),
    ("typing.Awaitable[int]", "Awaitable[int] is not supported; write async def for the method"),
    ("typing.BinaryIO", "BinaryIO is not supported; write Iterator[bytes] as a result, Iterable[bytes] as a parameter"),
    ("SubOfPlain", "SubOfPlain is not supported; decorate the class with @gostruct"),
    ("Sub", "Sub is not supported; decorate the class with @gostruct"),
    ("Missing", "a @goerror class is raised, not passed"),
    ("Nowhere", "cannot evaluate Nowhere: NameError: name 'Nowhere' is not defined"),
    ("list[", None),
    ("Empty", "enum Empty has no members"),
    ("Mixed", "the values of enum Mixed must all be int or all be str"),
    ("Floats", "the values of enum Floats must all be int or all be str"),
    ("Bools", "the values of enum Bools must all be int or all be str"),
    ("Huge", "enum Huge: 9223372036854775808 does not fit 64 bits"),
]  # fmt: skip
BARE = [
    *[(name, name) for name in ("List", "Dict", "Set", "FrozenSet", "Tuple", "Sequence", "Mapping", "AbstractSet")],
    *[(name, name) for name in ("Optional", "Union", "Callable", "Buffer", "OneWay", "Annotated", "Literal")],
    *[(f"typing.{name}", name) for name in ("Iterator", "Iterable", "AsyncIterator", "AsyncIterable")],
    *[(f"collections.abc.{name}", name) for name in ("Iterator", "Iterable", "AsyncIterator", "AsyncIterable")],
    *[(f"collections.abc.{name}", name) for name in ("Sequence", "Mapping", "Set", "Callable")],
    ("list[()]", "list[()]"),
]  # fmt: skip
TOO_MANY = [
    ("list[int, str]", "list[int, str]: expected 1 type in the brackets, got 2"),
    ("set[int, str]", "set[int, str]: expected 1 type in the brackets, got 2"),
    ("dict[str]", "dict[str]: expected 2 types in the brackets, got 1"),
    ("dict[str, int, int]", "dict[str, int, int]: expected 2 types in the brackets, got 3"),
    ("collections.abc.Sequence[int, str]", "collections.abc.Sequence[int, str]: expected 1 type in the brackets, got 2"),
    ("tuple[..., int]", f"Ellipsis is not supported; {ACCEPTED}"),
    ("Callable[..., int]", "Callable[..., int] cannot be passed to Go; name each parameter's type"),
    ("Callable[Params, int]", "Callable[~Params, int] cannot be passed to Go; name each parameter's type"),
    ("OneWay[int]", "a OneWay function is written OneWay[[A, B], None]"),
    ("OneWay[..., None]", "a OneWay function is written OneWay[[A, B], None]"),
    ("OneWay[int, None]", "a OneWay function is written OneWay[[A, B], None]"),
    ("OneWay[[int], str]", "a OneWay function returns None, as Go does not wait for it, got str; for a result write Callable"),
    ("OneWay[[int], typing.Awaitable[None]]", "a OneWay function returns None, as Go does not wait for it, got Awaitable[NoneType]; for a result write Callable"),
    ("list[OneWay[[Buffer[u8]], None]]", "Buffer may only be a parameter or a result itself"),
    ("Callable[[], typing.Awaitable]", "say what is awaited: Awaitable[...]"),
    ("Callable[[], Nowhere]", "cannot evaluate Callable[[], Nowhere]: NameError: name 'Nowhere' is not defined"),
    ("Tangle", "dict[str, Tangle] contains itself; only a @gostruct class, or a union that has a name, may contain itself"),
    ("Later", "Callable[[], 'Awaitable[Later]'] contains itself; only a @gostruct class, or a union that has a name, may contain itself"),
    ("Itself", "cannot evaluate Itself: RecursionError: Itself stands for itself"),
    ("There", "cannot evaluate There: RecursionError: There stands for itself"),
    ("NewType('Ring', 'Ring')", None),
    ("list[" * 99 + "int" + "]" * 99, None),
    ("list[" * 101 + "int" + "]" * 101, "the annotation nests more than 100 levels deep"),
    ("1 / 0", "cannot evaluate 1 / 0: ZeroDivisionError: division by zero"),
    ("Sour", "a SourType is not supported; " + ACCEPTED),
]  # fmt: skip
ALIASES = """
Params = typing.ParamSpec("Params")
JSON = Union[Point, "list[JSON]"]
Tangle = dict[str, "dict[str, Tangle]"]
Later = Callable[[], "typing.Awaitable[Later]"]
Itself = "Itself"
There, Back = "Back", "There"
class SourType:
    def __repr__(self):
        raise ValueError("not today")
Sour = SourType()
"""
ODD = """
class Plain:
    n: int
class Bare:
    n = 5
@dataclass
class Data:
    n: int
class SubOfPlain(Data):
    m: int
class Sub(Point):
    pass
@goerror
class Missing(GoError):
    key: str
class Empty(enum.Enum):
    pass
class Mixed(enum.Enum):
    A = 1
    B = "b"
class Floats(enum.Enum):
    A = 1.5
class Bools(enum.Enum):
    A = True
class Huge(enum.Enum):
    A = 2**63
"""


def refusal(source: str, **options: Any) -> str:
    """The message with which a contract is refused."""
    with pytest.raises(ContractError) as caught:
        contract_of(run(source, **options))
    assert isinstance(caught.value, TypeError) and isinstance(caught.value, GobindError)
    return str(caught.value)


@pytest.mark.parametrize(
    ("annotation", "message"), [row for row in REFUSED_ANNOTATIONS if row[1] is not None]
)
def test_refused_annotations_of_parameters_results_and_fields(annotation: str, message: str) -> None:
    if annotation == "Missing":
        message = f"Missing is not supported; {message}"
    service = "\n@gointerface\nclass Service(Protocol):\n    def do(self{}) -> {}: ...\n"
    assert (
        refusal(ODD + service.format(f", x: {annotation}", "None"), future=True) == f"{PARAMETER}: {message}"
    )
    if annotation != "None":
        assert refusal(ODD + service.format("", annotation), future=True) == f"Service.do: result: {message}"
    if "Buffer" not in annotation:
        source = ODD + f"@gostruct\nclass Holder:\n    field: {annotation}\n" + service.format("", "Holder")
        assert refusal(source, future=True) == f"Holder.field: {message}"


@pytest.mark.parametrize(("annotation", "name"), BARE)
def test_generics_without_arguments_are_refused(annotation: str, name: str) -> None:
    expected = f"{PARAMETER}: {name} is not supported; say of what: {name}[...]"
    assert refusal(method(annotation), future=True) == expected


@pytest.mark.parametrize(("annotation", "message"), [row for row in TOO_MANY if row[1] is not None])
def test_refused_brackets_and_aliases(annotation: str, message: str) -> None:
    found = refusal(ALIASES + method(annotation), future=True)
    assert found.replace("typing.", "") == f"{PARAMETER}: {message}"


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the type statement came with Python 3.12")
@pytest.mark.parametrize(
    ("alias", "message"),
    [
        (
            "type JSON = JSON",
            "JSON contains itself; only a @gostruct class, or a union that has a name, may contain itself",
        ),
        ("type JSON = Nowhere", "cannot evaluate JSON: NameError: name 'Nowhere' is not defined"),
        ("type JSON[T] = list[T]", "the type variable T stands for no type here"),
    ],
)
def test_refused_type_statements(alias: str, message: str) -> None:
    assert (
        refusal(f"{alias}\n" + method("JSON"), future=True).replace(": T is", ": ~T is")
        == f"{PARAMETER}: {message}"
    )


def test_unusual_annotations_are_resolved_or_refused() -> None:
    """Whatever stands there: a node, or a ContractError that names the place."""
    atoms = """
        typing.Any typing.NoReturn typing.ClassVar typing.Final typing.Literal typing.Type typing.Generic Protocol
        typing.List typing.Dict typing.Tuple typing.Optional typing.Union typing.Callable typing.Iterator Buffer cstr
        typing.NamedTuple typing.TypedDict typing.Text typing.AnyStr typing.Hashable typing.Sized typing.ByteString
        typing.Deque typing.DefaultDict typing.Counter typing.ChainMap typing.Awaitable typing.Coroutine typing.Generator
        Params Params.args Params.kwargs TypeVar("T") TypeVar Annotated NewType NewType("N","N") NewType("M",None) JSON
        Itself There Tangle Later Sour 3 ... None () [] {} [int] (int,str) {"a":int} lambda:0 object type type(None)
        "'list['" "'\\0'" "'a\\nb'" "'\\ufeffint'" "''" "' '" "'int'" "'  int '" "'Point'" "b'int'" "f'{1}'" "1/0"
        typing.ForwardRef("int") typing.ForwardRef("Itself") typing.ForwardRef("list[") Point Color GoError Schema int.real
        Literal[1] Literal["Point"] typing.Type[int] typing.ClassVar[int] typing.Final[int] InitVar[int] types.GenericAlias
        collections.deque collections.OrderedDict collections.abc.Callable collections.abc.Awaitable enum.Enum enum.Flag
        dataclasses.KW_ONLY exit(0) quit().x unittest.mock.Mock() unittest.mock.MagicMock() Odd Hash property classmethod
    """.split()
    forms = """%s; list[%s]; List[%s]; Sequence[%s]; tuple[%s]; tuple[%s, ...]; Tuple[%s, %s]; dict[%s, %s]; dict[str, %s]
        set[%s]; Optional[%s]; Union[%s, None]; Union[%s, Point]; Buffer[%s]; Callable[%s, int]; Callable[[%s], int]
        Callable[[], %s]; collections.abc.Callable[[%s], %s]; Callable[[], typing.Awaitable[%s]]; typing.Iterator[%s]
        Annotated[%s, 1]; Annotated[int, %s]; Literal[%s]; %s | None; %s | Point; NewType("X", %s); typing.Type[%s]
        collections.abc.Iterator[%s, %s]; collections.abc.Awaitable[%s]; typing.Concatenate[%s, Params]; "%s"; %s[int]
        *tuple[%s]; typing.ForwardRef(repr(%s)); list[list[%s], %s]""".replace("\n", ";").split(";")
    more = """
import types, unittest.mock
class Meta(type):
    def __hash__(cls):
        raise TypeError("unhashable")
class Odd(metaclass=Meta):
    pass
class Hash:
    __hash__ = None
"""
    names = vars(run(ALIASES + more))
    taken = refused = 0
    for atom in atoms:
        for form in forms:
            text = form.strip().replace("%s", atom)
            values: list[Any] = [text]
            try:
                values.append(eval(text, dict(names)))
            except BaseException:
                pass
            for value in values:
                for place in (resolve.PARAMETER, resolve.RESULT, resolve.INSIDE):
                    reader = Schema()
                    try:
                        reader._read(value, Scope(names, {}), "here", place)
                        reader._finish()
                        taken += 1
                    except ContractError as error:
                        assert str(error) and "\0" not in str(error)
                        refused += 1
    assert taken > 300 and refused > 3000


def test_fields_of_an_interface_are_refused() -> None:
    for future in (False, True):
        for text in ("address: str", "address: 'str'"):
            source = f"@gointerface\nclass Service(Protocol):\n    {text}\n    _kept: int\n    def do(self) -> None: ...\n"
            said = "'str'" if future and "'" in text else "str"
            assert refusal(source, future=future) == (
                "Service.address: an interface has methods only, Go offers no fields; "
                f"write a method: def address(self) -> {said}: ..."
            )
    base = "class Base(Protocol):\n    address: Nowhere\n@gointerface\nclass Service(Base, Protocol):\n    pass\n"
    assert refusal(base, future=True) == (
        "Service.address: an interface has methods only, Go offers no fields; "
        "write a method: def address(self) -> Nowhere: ..."
    )


def test_a_chain_of_many_interfaces_costs_no_stack() -> None:
    links = "".join(
        f"@gointerface\nclass I{n}:\n    def next(self) -> 'I{n + 1}': ...\n" for n in range(3000)
    )
    module = run(links + "@gointerface\nclass I3000:\n    def last(self) -> None: ...\n")
    assert Schema().interface(module.I0).methods[0].name == "next"


def test_a_buffer_cannot_be_a_field() -> None:
    source = "@gostruct\nclass Holder:\n    data: Buffer[u8]\n" + method("Holder")
    assert refusal(source) == "Holder.data: Buffer may only be a parameter or a result itself"


def test_a_mutable_buffer_is_a_parameter() -> None:
    service = "\n@gointerface\nclass Service(Protocol):\n    def do(self, x: {}) -> {}: ...\n"
    made = contract_of(run(service.format("MutableBuffer[u8]", "None")))
    assert made.interfaces[0].methods[0].params[0].type.text == "MutableBuffer[u8]"
    only = (
        "MutableBuffer may only be a parameter itself; as a result write Buffer, whose memoryview is writable"
    )
    for x, result, where in [
        ("int", "MutableBuffer[u8]", "Service.do: result"),
        ("list[MutableBuffer[u8]]", "None", "Service.do: parameter x"),
        ("Optional[MutableBuffer[u8]]", "None", "Service.do: parameter x"),
    ]:
        assert refusal(service.format(x, result)) == f"{where}: {only}"
    assert refusal(service.format("MutableBuffer[str]", "None")) == (
        "Service.do: parameter x: MutableBuffer takes a sized scalar or a @gostruct of sized scalars, got str"
    )
    assert "MutableBuffer" in refusal(service.format("type", "None"))


def test_text_that_is_no_python_is_refused() -> None:
    message = refusal(method("'list['"))
    assert message.startswith(f"{PARAMETER}: cannot evaluate list[: SyntaxError: ")


REFUSED_METHODS = [
    ("def do(self, x) -> None: ...", f"{PARAMETER} has no annotation"),
    ("def do(self): ...", "Service.do: the result has no annotation; write -> None if there is none"),
    ("def do() -> None: ...", "Service.do: the first parameter must be self"),
    ("def do(x: int) -> None: ...", "Service.do: the first parameter must be self"),
    ("def do(self, *x: int) -> None: ...", "Service.do: *args and **kwargs cannot be passed to Go; name each parameter"),
    ("def do(self, **x: int) -> None: ...", "Service.do: *args and **kwargs cannot be passed to Go; name each parameter"),
    ("do = 5", "Service.do: expected a method, got int"),
    ("do: int = 5", "Service.do: expected a method, got int"),
    ("@property\n    def do(self) -> int: ...", "Service.do: expected a method, got property"),
    ("@staticmethod\n    def do(x: int) -> int: ...", "Service.do: expected a method, got staticmethod"),
    ("@classmethod\n    def do(cls) -> int: ...", "Service.do: expected a method, got classmethod"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "message"), REFUSED_METHODS)
def test_refused_methods(body: str, message: str) -> None:
    assert refusal(f"@gointerface\nclass Service(Protocol):\n    {body}\n") == message


REFUSED_STRUCTS = [
    ("class Loop:\n    loop: 'Loop'\n", "Loop.loop: Loop contains itself; use Optional, list or dict"),
    ("class Loop:\n    n: int\n    pair: 'tuple[int, Loop]'\n", "Loop.pair: Loop contains itself; use Optional, list or dict"),
    ("class Loop:\n    n: InitVar[int]\n", "Loop.n: InitVar is not supported: Go cannot keep it"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), REFUSED_STRUCTS)
def test_refused_structs(text: str, message: str) -> None:
    assert refusal("@gostruct\n" + text + method("Loop")) == message


def test_a_struct_that_contains_itself_through_another_is_refused() -> None:
    loop = "@gostruct\nclass A:\n    b: 'B'\n@gostruct\nclass B:\n    a: 'A'\n" + method("A")
    assert refusal(loop) == "A.b: B contains itself; use Optional, list or dict"


def test_a_union_that_can_end_is_taken() -> None:
    module = run("@gostruct\nclass Leaf:\n    n: int\n@gostruct\nclass Fork:\n    x: 'Union[Leaf, Fork]'\n")
    assert Schema().struct(module.Fork).is_recursive


def test_two_classes_of_one_name_are_refused() -> None:
    run("@gostruct\nclass Point:\n    z: int", "other_points")
    source = "import other_points\n" + method("tuple[Point, other_points.Point]")
    message = "two classes are named Point: contract_of_test.Point and other_points.Point"
    assert refusal(source) == f"{PARAMETER}: {message}"


def test_a_class_that_is_no_interface_is_refused() -> None:
    with pytest.raises(ContractError) as caught:
        Schema().interface(int)
    assert str(caught.value) == "int: not an interface; decorate it with @gointerface"


def test_a_union_may_hold_as_many_classes_as_its_tag_can_tell() -> None:
    """A tag is one byte in a column: what it cannot tell is refused when the contract is read."""
    classes: Any = [gostruct(type(f"Option{number}", (), {})) for number in range(256)]
    Schema().node(Union[tuple(classes[:255])])
    with pytest.raises(ContractError, match="^x: a union may hold 255 classes, got 256$"):
        Schema().node(Union[tuple(classes)], where="x")


ALIASES_OF_UNIONS = """
from typing import Any
from gobind import JSON
Value = Union[int, str, None]
Tree = Union[int, "list[Tree]", "dict[str, Tree]"]
"""


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        ("Any", "Any"),
        ("object", "Any"),
        ("Optional[Any]", "Any"),
        ("Union[Any, int]", "Any"),
        ("list[object]", "list[Any]"),
        ("JSON", "JSON"),
        ("Optional[JSON]", "JSON"),
        ("gobind.JSON", "JSON"),
        ("Value", "Value"),
        ("Union[None, str, int]", "Value"),
        ("Union[int, str]", "int | str"),
        ("Union[Point, str]", "Point | str"),
        ("Union[bytes, list[float], None]", "bytes | list[float] | None"),
        ("Tree", "Tree"),
        ("Optional[Tree]", "int | list[Tree] | dict[str, Tree] | None"),
        ("dict[str, Tree]", "dict[str, Tree]"),
    ],
)
def test_dynamic_types(annotation: str, text: str) -> None:
    service = f"import gobind{ALIASES_OF_UNIONS}" + method(annotation)
    contract = contract_of(run(service, future=True))
    node = contract.interfaces[0].methods[0].params[0].type
    assert node.text == text
    again = read_text(contract_text(contract), "again")
    assert contract_text(again) == contract_text(contract)
    assert fingerprint(again.interfaces[0]) == fingerprint(contract.interfaces[0])


def test_the_name_of_a_union_is_not_part_of_what_both_sides_must_agree_on() -> None:
    named = contract_of(run(ALIASES_OF_UNIONS + method("Value"), future=True))
    unnamed = contract_of(run(method("Union[str, None, int]"), future=True))
    assert fingerprint(named.interfaces[0]) == fingerprint(unnamed.interfaces[0])
    other = contract_of(run(method("Union[str, float]"), future=True))
    assert fingerprint(named.interfaces[0]) != fingerprint(other.interfaces[0])
    tree = contract_of(run(ALIASES_OF_UNIONS + method("Tree"), future=True))
    renamed = contract_of(run((ALIASES_OF_UNIONS + method("Tree")).replace("Tree", "Node"), future=True))
    assert fingerprint(tree.interfaces[0]) == fingerprint(renamed.interfaces[0])


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the type statement came with Python 3.12")
def test_unions_that_type_statements_name() -> None:
    source = "type Tree = int | list[Tree] | None\n" + method("Tree")
    node: Any = contract_of(run(source, future=True)).interfaces[0].methods[0].params[0].type
    assert node.text == "Tree" and node.options_text == "int | list[Tree] | None"


def test_structs_of_the_module_belong_to_a_contract_with_any() -> None:
    alone = "from typing import Any\n@gostruct\nclass Alone:\n    x: int\n"
    assert "Alone" in [struct.text for struct in contract_of(run(alone + method("Any"))).structs]
    assert "Alone" not in [struct.text for struct in contract_of(run(alone + method("int"))).structs]


def test_a_literal_has_the_name_of_its_alias() -> None:
    text = "Order = Literal['a', 'b']\nMaybe = Literal['c', None]\n"
    text += method("tuple[Literal['b', 'a'], list[Order], Maybe, Literal[1]]")
    names = {node.text: node.alias for node in contract_of(run(text)).literals}
    assert names == {"Literal['a', 'b']": "Order", "Literal['c']": "Maybe", "Literal[1]": None}


def test_a_literal_without_a_name_here_has_that_of_a_later_module() -> None:
    run("Order = Literal['a', 'b']\n@gostruct\nclass Named:\n    order: Order\n", "named_module")
    text = "from named_module import Named\n@gointerface\nclass Service(Protocol):\n"
    module = run(text + "    def do(self, x: Literal['a', 'b'], y: Named) -> None: ...\n")
    assert [node.alias for node in contract_of(module).literals] == ["Order"]


def test_the_name_of_an_alias() -> None:
    class Odd:
        def __eq__(self, other: object) -> bool:
            raise ValueError

    names = {"odd": Odd(), "_Hidden": Union[int, str], "Shape": Union[str, int], "Later": Union[int, str]}
    scope = Scope(names, {"Inner": Union[int, bytes], "Local": Union[int, bytes]})
    assert scope.name_of(Union[int, str]) == "Shape"
    assert scope.name_of(Union[int, bytes]) == "Inner"
    assert scope.name_of(Union[int, float]) is None


@pytest.mark.skipif(sys.version_info < (3, 12), reason="no type statement")
def test_the_name_of_a_type_statement() -> None:
    names: dict[str, Any] = {}
    exec("type Bad = Missing[int]\ntype Shape = list[int] | str\nOther = Shape", names)
    assert Scope(names, {}).name_of(Union[list[int], str]) == "Shape"
