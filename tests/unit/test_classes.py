"""Classes that a program has already as structs: dataclasses, NamedTuples, TypedDicts, generic ones of each kind."""

# ruff: noqa: E501  (tables of messages: a row is a line)

from __future__ import annotations

import collections
import dataclasses
import sys
import types
from array import array
from typing import Any, Dict, Generic, Iterator, List, Mapping, NamedTuple, Optional, Tuple, TypeVar, Union

import oracle
import pytest
import random_contracts
from same import same

# The module's own: before Python 3.11 typing's TypedDict and NamedTuple are not generic, and have no NotRequired.
from typing_extensions import NamedTuple as GenericNamedTuple
from typing_extensions import NotRequired, Required, TypedDict

from gobind import (
    ContractError,
    GoError,
    flatten,
    from_mirror,
    goerror,
    gointerface,
    gostruct,
    mirror,
    to_mirror,
    u8,
    u32,
    unflatten,
)
from gobind.codec.diagnose import locate
from gobind.contract.canonical import contract_text, declared_classes, read_text
from gobind.contract.classes import ABSENT, DATACLASS, NAMED_TUPLE, TYPED_DICT, class_kind
from gobind.contract.compatibility import differences
from gobind.contract.fingerprint import fingerprint
from gobind.contract.resolve import Schema
from gobind.contract.types import StructType
from gobind.contract.validate import check_unchanged

K = TypeVar("K")
T = TypeVar("T")
B = TypeVar("B", bound="Point")


class Point(NamedTuple):
    """A place."""

    x: float
    y: float = 0.5


class Hours(TypedDict):
    opens: u8
    closes: u8


class Options(TypedDict, total=False):
    day: Required[str]
    hours: Hours
    nick: Optional[str]
    tags: List[str]


class More(Options, total=False):
    places: List[Point]


class Branch(TypedDict):
    name: str
    children: List[Branch]
    parent: NotRequired[Branch]


class Rose(NamedTuple):
    value: u8
    petals: List[Rose]


@dataclasses.dataclass
class Plain:
    id: u32
    options: Options
    at: Tuple[Point, ...] = ()


@dataclasses.dataclass(frozen=True, order=True)
class Frozen:
    n: u8
    made: int = dataclasses.field(init=False, default=3)
    names: Tuple[str, ...] = dataclasses.field(default_factory=tuple)


@dataclasses.dataclass
class Keywords(Plain):
    _: dataclasses.KW_ONLY
    key: str
    twice: int = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        self.twice = 2 * self.id


@dataclasses.dataclass(init=False)
class NoInit:
    n: u8


@gostruct
class User:
    id: u32


@gostruct
class Page(Generic[T]):
    items: List[T]
    next: Optional[Page[T]] = None


@dataclasses.dataclass
class Pair(Generic[K, T]):
    key: K
    value: T
    page: Page[K]


@gostruct
class Users(Page[User]):
    total: int = 0


@gostruct
class Pages(Page[List[T]], Generic[K, T]):
    key: Optional[K] = None


@gostruct
class Bound(Generic[B]):
    at: B


class One(GenericNamedTuple, Generic[T]):
    item: T


class Maybe(TypedDict, Generic[T]):
    item: NotRequired[T]
    pair: NotRequired[Pair[str, T]]


def no_init(n: int) -> NoInit:
    made = NoInit()
    made.n = n
    return made


VALUES: List[Tuple[Any, Any]] = [
    (Point, Point(1.5)),
    (List[Point], [Point(1.5, -2.5), Point(0.0)]),
    (Dict[str, Optional[Point]], {"a": None, "b": Point(1.0)}),
    (Tuple[Point, Hours], (Point(1.0), {"opens": 1, "closes": 2})),
    (Options, {"day": "mon"}),
    (Options, {"tags": [], "day": "mon", "nick": None, "hours": {"opens": 0, "closes": 255}}),
    (List[Options], [{"day": ""}, {"day": "\0", "nick": "n"}, {"day": "é", "nick": None}]),
    (Optional[More], {"day": "x", "places": [Point(1.0)]}),
    (More, {"day": "x"}),
    (Branch, {"name": "a", "children": [{"name": "b", "children": [], "parent": {"name": "", "children": []}}]}),
    (Rose, Rose(1, [Rose(2, []), Rose(3, [Rose(4, [])])])),
    (Plain, Plain(1, {"day": ""}, (Point(1.0), Point(2.0)))),
    (List[Frozen], [Frozen(1), Frozen(2, ("a",))]),
    (Keywords, Keywords(4, {"day": "x"}, key="k")),
    (List[NoInit], [no_init(1), no_init(2)]),
    (Page[User], Page([User(1), User(2)], Page([]))),
    (Page[User], Page[User]([User(1)])),
    (List[Page[List[Point]]], [Page([[Point(1.0)], []])]),
    (Pair[str, Page[u8]], Pair("k", Page([1]), Page(["a"]))),
    (Users, Users([User(1)], Page([User(2)]), 2)),
    (Pages[str, u8], Pages([[1], []], None, "k")),
    (Bound[Point], Bound(Point(1.0))),
    (One[List[User]], One([User(1)])),
    (Maybe[int], {}),
    (List[Maybe[Point]], [{"item": Point(1.0)}, {"pair": Pair("a", Point(2.0), Page([]))}]),
    (Union[Point, Plain, Rose], Rose(1, [])),
    (List[Union[Page[int], Point]], [Page([1]), Point(1.0)]),
]  # fmt: skip


@pytest.mark.parametrize(("annotation", "value"), VALUES)
def test_values_of_every_kind(annotation: Any, value: Any) -> None:
    block = flatten(value, annotation)
    assert same(unflatten(block, annotation), value)
    # The oracle does not follow type variables of bases, sort generic classes among others, nor read KW_ONLY on 3.10.
    if not any(word in str(annotation) for word in ("Pages", "Users", "Page[int]", "Keywords")):
        assert block == oracle.encode(value, annotation)
        assert same(oracle.decode(block, annotation), value)


@pytest.mark.parametrize(
    ("annotation", "value"), [row for row in VALUES if class_kind(getattr(row[0], "__origin__", row[0]))]
)
def test_mirrors_of_every_kind(annotation: Any, value: Any) -> None:
    made = to_mirror(value, annotation)
    assert same(from_mirror(made), value)
    assert type(made) is mirror(annotation)


def test_each_use_has_a_mirror_of_its_own() -> None:
    assert mirror(One[u8]) is mirror(One[u8])
    assert [mirror(use).item.size for use in (One[u8], One[u32], One[Point])] == [1, 4, 16]  # type: ignore[attr-defined]


def test_the_mirror_of_a_value_is_that_of_its_class() -> None:
    assert from_mirror(to_mirror(Point(1.5))) == Point(1.5)
    with pytest.raises(ContractError, match=r"^dict: say which TypedDict it is: to_mirror\(value, \.\.\.\)$"):
        to_mirror({"opens": 1, "closes": 2})
    with pytest.raises(ContractError, match=r"^Page: Page is not supported; say of what: Page\[\.\.\.\]$"):
        to_mirror(Page([1]))


def test_what_is_made_runs_the_class_s_own_code() -> None:
    (made,) = unflatten(flatten([Keywords(4, {"day": "x"}, key="k")], List[Keywords]), List[Keywords])
    assert made.twice == 8
    frozen = Frozen(1)
    object.__setattr__(frozen, "made", 9)
    assert unflatten(flatten(frozen, Frozen), Frozen).made == 9


def test_a_typed_dict_takes_any_mapping_and_no_key_is_made_up() -> None:
    for value in (
        types.MappingProxyType({"day": "x", "nick": "n"}),
        collections.OrderedDict(day="x", nick="n"),
        collections.defaultdict(str, day="x", nick="n"),
        collections.ChainMap({"day": "x"}, {"nick": "n"}),
    ):
        for annotation, wrapped in ((Options, value), (List[Options], [value])):
            back = unflatten(flatten(wrapped, annotation), annotation)
            assert same(
                back, {"day": "x", "nick": "n"} if annotation is Options else [{"day": "x", "nick": "n"}]
            )


@gostruct
class Request:
    options: Options
    at: List[Point]
    plain: Optional[Plain] = None


REFUSED: List[Tuple[Any, Any, Optional[str]]] = [
    ({"day": "x", "nick": 5}, Options, "Options.nick: expected str, got int"),
    ({"nick": "x"}, Options, "Options.day: the key is missing"),
    ({"day": "x", "dya": "y"}, Options, "Options.dya: no such key; Options has day, hours, nick, tags"),
    ({"day": "x", 5: "y"}, Options, "Options[5]: no such key; Options has day, hours, nick, tags"),
    ({"day": "x", "a b": 1}, Options, "Options['a b']: no such key; Options has day, hours, nick, tags"),
    ({"day": "x", "hours": None}, Options, "Options.hours: expected Hours, got NoneType"),
    ({"day": "x", "tags": None}, Options, "Options.tags: expected list[str], got NoneType"),
    ({"day": "x", "hours": {"opens": 1}}, Options, "Options.hours.closes: the key is missing"),
    ({"day": "x", "hours": {"opens": 1, "closes": 256}}, Options, "Options.hours.closes: 256 does not fit u8"),
    ({"day": None}, Options, "Options.day: expected str, got NoneType"),
    ([("day", "x")], Options, "value: expected Options, got list"),
    (Plain(1, {"day": "x"}), Options, "value: expected Options, got Plain"),
    ([{"day": "x"}, {}], List[Options], "value[1].day: the key is missing"),
    ({"a": {"day": "x", "b": 1}}, Dict[str, Options], "value['a'].b: no such key; Options has day, hours, nick, tags"),
    ({"pair": Pair("a", "b", Page([]))}, Maybe[int], "MaybeInt.pair.value: expected int, got str"),
    ({"item": None}, Maybe[int], "MaybeInt.item: expected int, got NoneType"),
    ((1.0, 2.0), Point, "value: expected Point, got tuple"),
    (Point("x"), Point, "Point.x: expected float, got str"),  # type: ignore[arg-type]
    ([Point(1.0), (1.0, 2.0)], List[Point], "value[1]: expected Point, got tuple"),
    (Plain(-1, {"day": "x"}), Plain, "Plain.id: -1 does not fit u32"),
    (NoInit(), NoInit, "NoInit.n: the field was never set"),
    (Request({"day": "x"}, [Point(1.0), 5]), Request, "Request.at[1]: expected Point, got int"),  # type: ignore[list-item]
    (Request({"day": 1}, []), Request, "Request.options.day: expected str, got int"),  # type: ignore[typeddict-item]
    (Request({"day": ""}, [], Plain(1, {})), Request, "Request.plain.options.day: the key is missing"),  # type: ignore[typeddict-item]
    (Page([User(1), User(-1)]), Page[User], "PageUser.items[1].id: -1 does not fit u32"),
    (Page([1], Page(["x"])), Page[int], "PageInt.next.items[0]: expected int, got str"),
    (Users([]), Page[User], None),  # a subclass is one, too
    ("x", Page[int], "value: expected PageInt, got str"),
    (Pages([[1]], None, 5), Pages[str, int], "PagesStrInt.key: expected str, got int"),
    (One(User("x")), One[User], "OneUser.item.id: expected u32, got str"),  # type: ignore[arg-type]
]  # fmt: skip


@pytest.mark.parametrize(("value", "annotation", "message"), REFUSED)
def test_refused_values(value: Any, annotation: Any, message: Optional[str]) -> None:
    if message is None:
        flatten(value, annotation)
        return
    with pytest.raises((TypeError, OverflowError)) as caught:
        flatten(value, annotation)
    assert str(caught.value) == message


def test_a_dict_that_contains_itself() -> None:
    branch: Branch = {"name": "a", "children": []}
    branch["children"].append(branch)
    with pytest.raises(ValueError, match=r"^Branch\.children\[0\]: the value contains itself$"):
        flatten(branch, Branch)


def test_no_key_stands_for_a_value() -> None:
    block = flatten([{"day": ""}, {"day": "", "nick": None}, {"day": "", "nick": "n"}], List[Options])
    assert [option.get("nick", 5) for option in unflatten(block, List[Options])] == [5, None, "n"]
    assert repr(ABSENT) == "ABSENT" and ABSENT not in unflatten(block, List[Options])[0].values()


@pytest.mark.parametrize(
    ("annotation", "value", "message"),
    [
        (Options, {"day": "zzz"}, "Options.day: "),
        (List[Point], [Point(1.0)], None),
        (Page[str], Page(["zzz"]), "PageStr.items[0]: "),
        (Maybe[str], {"item": "zzz"}, "MaybeStr.item: "),
    ],
)
def test_damage_is_told_with_its_path(annotation: Any, value: Any, message: Optional[str]) -> None:
    block = flatten(value, annotation)
    if message is None:
        with pytest.raises(Exception, match="corrupted frame"):
            unflatten(block[:-1], annotation)
        return
    block = block.replace(b"zzz", b"z\xffz")
    with pytest.raises(UnicodeDecodeError) as caught:
        unflatten(block, annotation)
    assert caught.value.reason.startswith(message)
    node = Schema().node(annotation)
    assert str(locate([("value", node)], block, len(block), ValueError())) == str(caught.value)


# Contracts

HEAD = """
import collections, dataclasses, enum
from dataclasses import dataclass, field, InitVar
from typing import Dict, Generic, List, NamedTuple, Optional, Protocol, TypeVar, Union
from typing_extensions import Annotated, NamedTuple as GenericTuple, NotRequired, ParamSpec, ReadOnly, Required, TypedDict
from typing_extensions import TypeVar as TypeVarWithDefault
from gobind import *
T = TypeVar("T")
K = TypeVar("K")
D = TypeVarWithDefault("D", default=int)
E = TypeVarWithDefault("E", default=List[D])
P = ParamSpec("P")
class Color(enum.Enum):
    RED = 1
"""
made: List[str] = []


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    yield
    while made:
        sys.modules.pop(made.pop(), None)


def run(text: str, name: str = "classes_of_test", future: bool = False) -> Any:
    """A module made from text, importable while the test runs."""
    made.append(name)
    return random_contracts.load_module(
        ("from __future__ import annotations\n" if future else "") + HEAD + text, name
    )


def service(*annotations: str) -> str:
    """The text of an interface with a method for each annotation."""
    methods = "".join(
        f"    def do{n}(self, x: {text!r}) -> None: ...\n" for n, text in enumerate(annotations)
    )
    return f"@gointerface\nclass Service(Protocol):\n{methods}"


def contract_of(module: Any) -> Any:
    return Schema().contract(module.__name__, "", [*declared_classes(vars(module))])


def fields_of(module: Any) -> Dict[str, Dict[str, str]]:
    return {
        node.text: {field.name: field.type.text for field in node.fields}
        for node in contract_of(module).structs
    }


DECLARED = """
class Point(NamedTuple):
    x: float
    near: "Optional[List[Point]]" = None
class Options(TypedDict, total=False):
    day: Required[str]
    hours: Annotated[NotRequired["u8"], "doc"]
    read: ReadOnly["Optional[int]"]
class All(TypedDict):
    here: "Color"
    there: "NotRequired[Annotated[List[Point], 1]]"
@dataclass
class Plain:
    n: "u8"
    color: Color = Color.RED
"""
FIELDS = {
    "Point": {"x": "float", "near": "Optional[list[Point]]"},
    "Options": {"day": "str", "hours": "NotRequired[u8]", "read": "NotRequired[Optional[int]]"},
    "All": {"here": "Color", "there": "NotRequired[list[Point]]"},
    "Plain": {"n": "u8", "color": "Color"},
}


@pytest.mark.parametrize("future", [False, True])
def test_fields_of_every_kind(future: bool) -> None:
    module = run(DECLARED + service("Point", "Options", "All", "Plain"), future=future)
    assert fields_of(module) == FIELDS
    kinds = [node.kind for node in contract_of(module).structs]
    assert kinds == [NAMED_TUPLE, TYPED_DICT, TYPED_DICT, DATACLASS]


GENERIC = """
@gostruct
class Page(Generic[T]):
    items: "List[T]"
    next: "Optional[Page[T]]" = None
@dataclass
class Pair(Generic[K, T]):
    key: K
    value: "Dict[str, T]"
    page: Page[K]
@gostruct
class Sub(Page[List[K]], Generic[K]):
    more: "Optional[K]" = None
@gostruct
class User:
    id: u32
@gostruct
class SubOfSub(Sub["User"]):
    pass
class One(GenericTuple, Generic[T]):
    item: T
class Open(TypedDict, Generic[T], total=False):
    item: T
@gostruct
class Usual(Generic[D, E]):
    one: D
    many: E
"""
USES = {
    "Page[User]": {"PageUser": {"items": "list[User]", "next": "Optional[PageUser]"}},
    "Page[List[User]]": {"PageListUser": {"items": "list[list[User]]", "next": "Optional[PageListUser]"}},
    "Page[Page[u8]]": {
        "PagePageU8": {"items": "list[PageU8]", "next": "Optional[PagePageU8]"},
        "PageU8": {"items": "list[u8]", "next": "Optional[PageU8]"},
    },
    "Pair[str, Color]": {
        "PairStrColor": {"key": "str", "value": "dict[str, Color]", "page": "PageStr"},
        "PageStr": {"items": "list[str]", "next": "Optional[PageStr]"},
    },
    "Sub[int]": {
        "SubInt": {"items": "list[list[int]]", "next": "Optional[PageListInt]", "more": "Optional[int]"},
        "PageListInt": {"items": "list[list[int]]", "next": "Optional[PageListInt]"},
    },
    "SubOfSub": {
        "SubOfSub": {"items": "list[list[User]]", "next": "Optional[PageListUser]", "more": "Optional[User]"},
        "User": {"id": "u32"},
        "PageListUser": {"items": "list[list[User]]", "next": "Optional[PageListUser]"},
    },
    "One[Optional[bool]]": {"OneOptionalBool": {"item": "Optional[bool]"}},
    "Open[tuple[int, ...]]": {"OpenTupleIntMany": {"item": "NotRequired[tuple[int, ...]]"}},
    "Usual[str, u8]": {"UsualStrU8": {"one": "str", "many": "u8"}},
    "Usual": {"UsualIntListInt": {"one": "int", "many": "list[int]"}},
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("future", [False, True])
def test_each_use_of_a_generic_class_is_a_struct(use: str, future: bool) -> None:
    found = fields_of(run(GENERIC + service(use), future=future))
    if "User" not in USES[use]:
        found.pop("User", None)
    assert found == USES[use]


def test_one_use_is_one_struct_however_it_is_written() -> None:
    module = run(GENERIC + service("Page[User]", "List[Page['User']]", "Optional[Page[Annotated[User, 1]]]"))
    assert [*fields_of(module)] == ["PageUser", "User"]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="type parameters came with Python 3.12")
@pytest.mark.parametrize("future", [False, True])
def test_classes_with_type_parameters(future: bool) -> None:
    text = """
@gostruct
class Page[T]:
    items: list[T]
    next: "Page[T] | None" = None
@dataclass
class Pair[K, V: Page[int]](Page[list[K]]):
    key: "K | None" = None
    value: V | None = None
"""
    assert fields_of(run(text + service("Pair[str, Page[int]]"), future=future)) == {
        "PairStrPageInt": {
            "items": "list[list[str]]",
            "next": "Optional[PageListStr]",
            "key": "Optional[str]",
            "value": "Optional[PageInt]",
        },
        "PageListStr": {"items": "list[list[str]]", "next": "Optional[PageListStr]"},
        "PageInt": {"items": "list[int]", "next": "Optional[PageInt]"},
    }


@pytest.mark.skipif(sys.version_info < (3, 13), reason="defaults of type parameters came with Python 3.13")
def test_defaults_of_type_parameters() -> None:
    text = "@gostruct\nclass Page[T = int, U = list[T]]:\n    one: T\n    many: U\n"
    assert fields_of(run(text + service("Page[str]", "Page"))) == {
        "PageStrListStr": {"one": "str", "many": "list[str]"},
        "PageIntListInt": {"one": "int", "many": "list[int]"},
    }


def test_inherited_keys_and_fields_are_read_in_their_own_module() -> None:
    text = "class Kind(enum.Enum):\n    A = 1\n"
    text += "class Base(TypedDict, total=False):\n    kind: 'Kind'\n    name: Required['str']\n"
    text += "class Tuple(NamedTuple):\n    kind: 'Kind'\n"
    run(text, "base_of_classes")
    text = "import base_of_classes as base\nclass Derived(base.Base):\n    n: int\n"
    text += "class SubTuple(base.Tuple):\n    pass\n"
    for future in (False, True):
        module = run(text + service("Derived", "SubTuple"), future=future)
        found = fields_of(module)
        assert [*found["Derived"].items()] == [("kind", "NotRequired[Kind]"), ("name", "str"), ("n", "int")]
        assert found["SubTuple"] == {"kind": "Kind"}


def test_inherited_keys_of_typing_s_own_typed_dict() -> None:
    text = (
        "import typing\nclass Kind(enum.Enum):\n    A = 1\nclass Base(typing.TypedDict):\n    kind: 'Kind'\n"
    )
    run(text, "base_of_classes")
    text = "import base_of_classes as base\nclass Derived(base.Base):\n    n: int\n"
    assert fields_of(run(text + service("Derived"))) == {"Derived": {"kind": "Kind", "n": "int"}}


def test_inherited_keys_whose_types_are_text_in_part() -> None:
    run(
        "class Kind(enum.Enum):\n    A = 1\nclass Base(TypedDict):\n    kinds: List['Kind']\n",
        "base_of_classes",
    )
    text = "import base_of_classes as base\nclass Derived(base.Base):\n    n: int\n"
    assert fields_of(run(text + service("Derived"))) == {"Derived": {"kinds": "list[Kind]", "n": "int"}}


def test_classes_of_a_function() -> None:
    class Inner(NamedTuple):
        n: int
        later: Optional[Later]

    @dataclasses.dataclass
    class Later:
        inner: List[Inner]
        page: Page[Inner]

    @gointerface
    class Service:
        def do(self, x: Later) -> None: ...

    assert [node.text for node in Schema().contract("c", "", [Service]).structs] == [
        "Later",
        "Inner",
        "PageInner",
    ]


INSIDE = "Service.do0: parameter x"
BROKEN = [
    ("Page", f"{INSIDE}: Page is not supported; say of what: Page[...]"),
    ("List[One]", f"{INSIDE}: One is not supported; say of what: One[...]"),
    ("Union[Page[User], Page[int]]", f"{INSIDE}: a union cannot hold PageUser and PageInt: a Page does not say which it is; make each a class of its own, a subclass of Page[...]"),
    ("Union[User, Plain]", f"{INSIDE}: a union cannot hold the TypedDict Plain: a dict does not say of which class it is; make it a @gostruct or @dataclass class"),
    ("T", f"{INSIDE}: the type variable T stands for no type here"),
    ("Page[T]", f"{INSIDE}: the type variable T stands for no type here"),
    ("Bare", "Bare.items: the type variable T stands for no type here"),
    ("Page[Buffer[u8]]", f"{INSIDE}: Buffer may only be a parameter or a result itself"),
    ("Page[memoryview]", None),
    ("Spec[[int]]", None),
    ("Union[Named, Page[Named]]", None),
    ("Page[Named]", "Named.page: two classes are named PageNamed: classes_of_test.Page[Named] and classes_of_test.PageNamed"),
    ("Old", "Old.x: the field has no annotation; write class Old(NamedTuple): x: ..."),
    ("Keyed", "Keyed: the key 'a-b' is no name of a field; use letters, digits and _"),
    ("Inits", "Inits.n: InitVar is not supported: Go cannot keep it"),
    ("Ever[int]", "ever larger uses of itself"),
    ("EverMore[int]", "ever larger uses of itself"),
    ("Fan[int]", "ever larger uses of itself"),
    ("Nest", "Nest.nest: Nest contains itself; use Optional, list or dict"),
    ("Twice", "Twice.next: WrapTwice contains itself; use Optional, list or dict"),
    ("Odd", "Odd.what: memoryview is not supported; expected"),
    ("Undecorated", f"{INSIDE}: Undecorated is not supported; decorate the class with @gostruct"),
    ("Missing", f"{INSIDE}: Missing is not supported; a @goerror class is raised, not passed"),
]  # fmt: skip
ODD = """
class Plain(TypedDict):
    n: int
class Named(NamedTuple):
    page: "Optional[PageNamed]"
@gostruct
class PageNamed:
    n: int
class Bare(Page):
    pass
Bare = gostruct(Bare)
@gostruct
class Spec(Generic[P]):
    n: int
Old = collections.namedtuple("Old", "x")
Keyed = TypedDict("Keyed", {"a-b": int})
@dataclass
class Inits:
    n: InitVar[int]
@gostruct
class Ever(Generic[T]):
    more: "Optional[Ever[List[T]]]"
@gostruct
class EverMore(Generic[T]):
    more: "Optional[Pair[str, EverMore[tuple[T, T]]]]"
@gostruct
class Fan(Generic[T]):
    one: "Optional[Fan[List[T]]]"
    two: "Optional[Fan[Optional[T]]]"
class Nest(TypedDict):
    nest: NotRequired[int]
    nest: "Nest"
class Odd(NamedTuple):
    what: memoryview
@gostruct
class Twice:
    next: "Wrap[Twice]"
@gostruct
class Wrap(Generic[T]):
    inner: T
class Undecorated(Inits):
    pass
@goerror
class Missing(GoError):
    key: str
"""


@pytest.mark.parametrize(("annotation", "message"), BROKEN)
def test_refused_classes(annotation: str, message: Optional[str]) -> None:
    with pytest.raises(ContractError) as caught:
        contract_of(run(GENERIC + ODD + service(annotation)))
    text = str(caught.value)
    if message is None:
        return
    assert (
        text == message
        or (message[0].islower() and message in text)
        or text.startswith("Odd.what: memoryview is not")
    )
    assert len(text) < 700


def test_a_generic_interface_is_still_refused() -> None:
    text = "@gointerface\nclass Store(Protocol[T]):\n    def get(self) -> T: ...\n"
    with pytest.raises(
        ContractError, match="^Store.get: result: the type variable T stands for no type here$"
    ):
        contract_of(run(text + service("Store[int]")))


# The text of a contract

TEXT = '''\
@gostruct
class PageUser:
    items: list[User]
    next: Optional[PageUser] = None


@gostruct
class User:
    id: u32


class Point(NamedTuple):
    """A place."""

    x: float
    y: float = 0.5
    color: Color = Color.RED


class Pair(NamedTuple):
    a: str
    b: str


class Single(NamedTuple):
    a: str


class Options(TypedDict):
    day: str
    hours: NotRequired[u8]


Words = TypedDict('Words', {'from': 'Point', 'in': 'NotRequired[list[Words]]'})


@gostruct(frozen=True)
class Plain:
    n: int
'''
DECLARATIONS = """
class Point(NamedTuple):
    "A place."
    x: float
    y: float = 0.5
    color: Color = Color.RED
class Pair(NamedTuple):
    a: str
    b: str
class Single(NamedTuple):
    a: str
class Options(TypedDict, total=False):
    day: Required[str]
    hours: u8
Words = TypedDict("Words", {"from": Point, "in": "NotRequired[List[Words]]"})
@dataclass(frozen=True)
class Plain:
    n: int
"""


def test_the_text_of_a_contract_keeps_the_kinds_and_reads_back() -> None:
    contract = contract_of(
        run(
            GENERIC
            + DECLARATIONS
            + service("Page[User]", "Point", "Pair", "Single", "Options", "Words", "Plain")
        )
    )
    text = contract_text(contract)
    assert TEXT in text
    again = read_text(text, "classes")
    assert contract_text(again) == text
    assert fingerprint(again.interfaces[0]) == fingerprint(contract.interfaces[0])
    structs = {node.text: node.cls for node in again.structs}
    assert structs["Point"](1.5) == (1.5, 0.5, structs["Point"](0.0).color)
    value = {"from": structs["Point"](1.0), "in": []}
    assert same(unflatten(flatten(value, structs["Words"]), structs["Words"]), value)


def test_a_text_without_these_classes_is_what_it_was() -> None:
    text = contract_text(contract_of(run("@gostruct\nclass A:\n    n: int\n" + service("A"))))
    assert "NamedTuple" not in text and "TypedDict" not in text


SAME = [
    "@gostruct\nclass A:\n    x: u8\n    y: Optional[str]\n",
    "@dataclass(frozen=True)\nclass A:\n    x: u8\n    y: Optional[str] = None\n",
    "class A(NamedTuple):\n    x: u8\n    y: Optional[str] = None\n",
    "class A(TypedDict):\n    x: u8\n    y: NotRequired[str]\n",
    "class A(TypedDict, total=False):\n    x: Required[u8]\n    y: str\n",
]


@pytest.mark.parametrize("declared", SAME)
def test_a_class_may_be_of_another_kind_than_the_library_s(declared: str) -> None:
    library, own = (contract_of(run(text + service("A"))).interfaces[0] for text in (SAME[0], declared))
    assert fingerprint(library) == fingerprint(own)
    assert differences(library, own) == []


def test_differences_are_told_in_the_words_of_the_wire() -> None:
    texts = SAME[2], "class A(TypedDict):\n    x: u8\n    y: NotRequired[int]\n"
    library, own = (contract_of(run(text + service("A"))).interfaces[0] for text in texts)
    assert differences(library, own) == ["A.y: library has Optional[str], class has Optional[int]"]


def test_a_use_may_be_a_class_in_the_library() -> None:
    text = "@gostruct\nclass PageInt:\n    items: List[int]\n    next: 'Optional[PageInt]'\n"
    library = contract_of(run(text + service("PageInt"))).interfaces[0]
    own = contract_of(run(GENERIC + service("Page[int]"))).interfaces[0]
    assert fingerprint(library) == fingerprint(own)


def test_class_kinds() -> None:
    assert [class_kind(cls) for cls in (User, Plain, Point, Options)] == [DATACLASS] * 2 + [
        NAMED_TUPLE,
        TYPED_DICT,
    ]
    for other in (int, dict, tuple, Mapping, Page[int], 5, GoError):
        assert class_kind(other) is None
    node = Schema().node(Page[User])
    assert isinstance(node, StructType) and [argument.text for argument in node.arguments] == ["User"]


def test_a_dict_that_loses_a_key_while_it_is_read() -> None:
    with pytest.raises(RuntimeError, match="^a value changed while it was read$"):
        check_unchanged(KeyError("day"))


def test_a_buffer_of_named_tuples() -> None:
    node: Any = Schema().node(eval("Buffer[Point]", {**vars(run("")), "Point": Point}))
    assert node.item.is_flat and array("d", [1.0]).itemsize == 8


@goerror
class Refused(GoError):
    at: Point
    options: Options


def test_errors_have_fields_of_these_classes() -> None:
    assert [field.type.text for field in Schema().struct(Refused).fields] == ["Point", "Options"]


DYNAMIC = """
class Named(NamedTuple):
    n: int
@dataclass
class Data:
    n: int
class Keys(TypedDict):
    value: NotRequired[typing.Any]
    union: NotRequired[Union[int, str]]
Shape = Union[Named, Data]
Other = Union[Page[int], Named]
"""


def test_unions_of_these_classes_have_names() -> None:
    text = "import typing\n" + GENERIC + DYNAMIC + service("Shape", "Other", "Page[Shape]")
    contract = contract_of(run(text))
    assert "Other = Union[Named, PageInt]\nShape = Union[Data, Named]\n" in contract_text(contract)
    assert contract_text(read_text(contract_text(contract), "classes")) == contract_text(contract)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Keys", "Keys cannot stand in a union with other types: a dict does not say of which class it is; make it a @gostruct or @dataclass class"),
        ("Page[int]", "PageInt cannot stand in a union with other types: a Page does not say which it is; make it a class of its own, a subclass of Page[...]"),
    ],
)  # fmt: skip
def test_classes_that_a_union_with_builtins_cannot_hold(name: str, why: str) -> None:
    text = "import typing\n" + GENERIC + DYNAMIC + service(f"Union[int, {name}]")
    with pytest.raises(ContractError) as caught:
        contract_of(run(text))
    assert str(caught.value) == f"{INSIDE}: {why}"


def test_a_dynamic_value_of_none_is_not_a_missing_key() -> None:
    keys = run("import typing\n" + GENERIC + DYNAMIC).Keys
    for value in ({}, {"value": None}, {"value": [1, None], "union": "x"}):
        assert same(unflatten(flatten(value, keys), keys), value)
    with pytest.raises(TypeError, match=r"^Keys\.union: expected int \| str, got NoneType$"):
        flatten({"union": None}, keys)


def test_instances_of_a_generic_class_are_no_dynamic_values() -> None:
    for value in (Page([1]), Plain(1, {"day": ""}), {"a": [Page([1])]}):
        with pytest.raises(TypeError):
            flatten(value, Any)
