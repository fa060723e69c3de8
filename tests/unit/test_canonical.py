"""The canonical text of a contract, fingerprints, and the lines that say what differs."""

# ruff: noqa: E501  (tables of messages: a row is a line)

from __future__ import annotations

import sys
from typing import Any

import pytest
import random_contracts

import gobind
from gobind.contract.canonical import _IMPORTS, contract_text, declared_classes, read_text
from gobind.contract.compatibility import differences, struct_differences
from gobind.contract.decorators import kind_of
from gobind.contract.fingerprint import fingerprint, struct_fingerprint
from gobind.contract.resolve import Schema
from gobind.contract.types import Contract
from gobind.tool.generator import glue

HEAD = """
import enum
from dataclasses import field
from datetime import datetime, timedelta
from typing import AsyncIterator, Callable, Iterable, Iterator, List, Optional, Protocol, Sequence, TypeAlias, Union
from uuid import UUID
from gobind import *
"""


def read(text: str, name: str = "contract_of_text") -> Contract:
    module = random_contracts.load_module(HEAD + text, name)
    contract = Schema().contract(name, module.__doc__ or "", [*declared_classes(vars(module))])
    del sys.modules[name]
    return contract


SOURCE = '''
class Mood(str, enum.Enum):
    """How
    one is."""
    GOOD = "good"
    ODD = "quote\\"d"
class Access(enum.IntFlag):
    READ = 1
    WRITE = 2
class Level(enum.IntEnum):
    LOW = -1
class Plain(enum.Enum):
    A = 1
@gostruct(frozen=True)
class Key:
    part: str
@gostruct(kw_only=True)
class User:
    """Says \\\\ and \\"""quotes\\"""

    indented:
        so."""
    id: u32
    key: Key
    friends: "List[User]"
    mood: Mood = Mood.GOOD
    tags: Sequence[str] = field(default_factory=list)
    rate: float = 1.5
    raw: bytes = b"\\x00"
    nothing: Optional[str] = None
@gostruct
class Empty:
    pass
@goerror
class NotFound(GoError):
    """Ends with a quote: \\""""
    key: str
    code: u16 = 404
@gointerface
class Accounts(Protocol):
    """Accounts of users."""
    def ping(self, n: int = 5, *, fast: bool = True) -> int: ...
    @gomethod(name="LogIn", release_gil=False)
    async def login(self, user: User, access: Access, level: Level, plain: Plain) -> Union[User, Key]:
        """Logs in."""
    def none(self, e: Empty) -> None: ...
'''

TEXT = (
    f"{_IMPORTS}\n\n"
    + '''\
class Mood(str, enum.Enum):
    """How
    one is.
    """

    GOOD = 'good'
    ODD = 'quote"d'


class Access(enum.IntFlag):
    READ = 1
    WRITE = 2


class Level(enum.IntEnum):
    LOW = -1


class Plain(enum.Enum):
    A = 1


@gostruct(kw_only=True)
class User:
    """Says \\\\ and \\"""quotes\\"""

    indented:
        so.
    """

    id: u32
    key: Key
    friends: list[User]
    mood: Mood
    tags: list[str]
    rate: float = 1.5
    raw: bytes = b'\\x00'
    nothing: Optional[str] = None


@gostruct(frozen=True)
class Key:
    part: str


@gostruct
class Empty:
    pass


@goerror
class NotFound(GoError):
    """Ends with a quote: \\""""

    key: str
    code: u16 = 404


@gointerface
class Accounts(Protocol):
    """Accounts of users."""

    def ping(self, n: int = 5, *, fast: bool = True) -> int: ...

    @gomethod(name='LogIn', release_gil=False)
    async def login(self, user: User, access: Access, level: Level, plain: Plain) -> Union[Key, User]:
        """Logs in."""

    def none(self, e: Empty) -> None: ...
'''
)


def test_the_canonical_text_word_for_word() -> None:
    assert contract_text(read(SOURCE)) == TEXT


def test_the_doc_of_the_module_comes_first() -> None:
    text = contract_text(Contract("c", "One line.", (), (), (), ()))
    assert text.startswith('"""One line."""\n\n\nfrom __future__')
    assert read_text(text, "documented").doc == "One line."


def same_again(contract: Contract) -> Contract:
    """The contract that the text of `contract` says, which has to have that same text."""
    text = contract_text(contract)
    again = read_text(text, contract.name)
    assert contract_text(again) == text
    assert [i.text for i in again.interfaces] == [i.text for i in contract.interfaces]
    for mine, theirs in zip(contract.interfaces, again.interfaces):
        assert fingerprint(mine) == fingerprint(theirs)
        assert differences(mine, theirs) == []
        assert [m._replace(params=(), result=None) for m in mine.methods] == [
            m._replace(params=(), result=None) for m in theirs.methods
        ]
    return again


def test_the_text_is_a_contract_again() -> None:
    again = same_again(read(SOURCE))
    structs = {struct.text: struct.cls for struct in again.structs}
    key = structs["Key"](part="k")
    user = structs["User"](id=1, key=key, friends=[], mood=again.enums[0].cls.GOOD, tags=[])
    assert (user.rate, user.raw, user.nothing) == (1.5, b"\0", None)
    assert hash(key) == hash(structs["Key"](part="k"))
    error = again.errors[0].cls(key="k")
    assert isinstance(error, gobind.GoError) and error.code == 404  # type: ignore[attr-defined]
    assert structs["User"].__module__ == "gobind.contracts.contract_of_text"
    assert sys.modules["gobind.contracts.contract_of_text"].User is structs["User"]
    assert kind_of(structs["User"]) == "struct"


@pytest.mark.parametrize("seed", range(30))
def test_random_contracts_are_contracts_again(seed: int) -> None:
    text = random_contracts.module_text(seed)
    assert text == random_contracts.module_text(seed)
    name = f"random_text_{seed}"
    module = random_contracts.load_module(text, name)
    del sys.modules[name]
    sys.modules[name] = module
    contract = Schema().contract(name, "", [*declared_classes(vars(module))])
    same_again(contract)
    again = Schema().contract(name, "", [*declared_classes(vars(module))])
    assert contract_text(again) == contract_text(contract), "the same text each time"


@pytest.mark.parametrize("odd", ["\0", "\ufeff", "\r", "\x1b", "\ud800", "\u202e"])
def test_a_docstring_of_characters_that_no_source_file_holds(odd: str) -> None:
    inside = "" if odd == "\ud800" else odd  # CPython itself refuses this one in what it compiles
    of_class = f"{inside}doc{inside}"
    source = (
        f"@gointerface\nclass S(Protocol):\n    {of_class!r}\n    def f(self) -> None: {inside + 'x'!r}\n"
    )
    contract = read(source)._replace(doc=f"{odd}module{odd}")
    again = same_again(contract)
    assert again.doc == f"{odd}module{odd}".replace("\ud800", "\ufffd")
    assert again.interfaces[0].cls.__doc__ == of_class.strip()
    texts = glue.generate(contract, package="main", runtime_import="x/gobind", main=True)
    for text in texts.values():
        assert not set(text) & set("\0\ufeff\r\x1b\ud800")
        text.encode()


def test_docstring_of_awkward_characters_is_kept() -> None:
    doc = 'back\\slash \\n "quotes" """three""" \\ end"'
    source = "@gointerface\nclass S(Protocol):\n    def f(self) -> None: ...\n"
    contract = read(source)
    contract.interfaces[0].cls.__doc__ = doc
    method = contract.interfaces[0].methods[0]._replace(doc=doc)
    contract.interfaces[0].methods = (method,)
    again = same_again(contract)
    assert again.interfaces[0].cls.__doc__ == doc
    assert again.interfaces[0].methods[0].doc == doc


DEFAULTS = """
class Mood(str, enum.Enum):
    GOOD = "good"
class Access(enum.IntFlag):
    READ = 1
    WRITE = 2
class Foreign(enum.IntEnum):
    ONE = 1
@gostruct
class User:
    far: float = float("inf")
    low: f64 = -float("inf")
    none: float = float("nan")
    float: int = 1
    after: f32 = 1e999
    mood: Mood = Mood.GOOD
    both: Access = Access.READ | Access.WRITE
    neither: Access = Access(0)
    maybe: Optional[Mood] = Mood.GOOD
    last: int = 5
@gointerface
class Accounts(Protocol):
    def ping(self, user: User, far: f64 = float("inf"), mood: Mood = Mood.GOOD, last: Optional[str] = None) -> None: ...
    def pong(self, foreign: int = Foreign.ONE, huge: int = 10**5000, last: bool = True) -> None: ...
"""
DEFAULTS_TEXT = """\
    far: float = 1e309
    low: f64 = -1e309
    none: float = 1e309 - 1e309
    float: int = 1
    after: f32 = 1e309
    mood: Mood = Mood.GOOD
    both: Access = Access(3)
    neither: Access = Access(0)
    maybe: Optional[Mood] = Mood.GOOD
    last: int = 5
"""


def test_defaults_that_are_no_literals() -> None:
    contract = read(DEFAULTS.replace("far: float =", "far: f64 =").replace("none: float", "none: f64"))
    text = contract_text(contract)
    assert DEFAULTS_TEXT.replace("far: float", "far: f64").replace("none: float", "none: f64") in text
    assert (
        "def ping(self, user: User, far: f64 = 1e309, mood: Mood = Mood.GOOD, last: Optional[str] = None)"
        in text
    )
    assert "def pong(self, foreign: int, huge: int, last: bool = True)" in text
    again = same_again(contract)
    mine, theirs = (c.structs[0].cls() for c in (contract, again))
    assert repr(mine) == repr(theirs)


BASE = """
class Color(enum.Enum):
    RED = 1
    BLUE = 2
@gostruct
class User:
    id: u32
    name: str
    color: Color
@gointerface
class Accounts(Protocol):
    def login(self, user: User, names: list[str]) -> Optional[User]: ...
    def ping(self, n: int) -> int: ...
"""


def changed(*changes: tuple[str, str]) -> Any:
    text = BASE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return read(text).interfaces[0]


@pytest.mark.parametrize(
    "change",
    [
        ("names: list[str]", "names: tuple[str, ...]"),
        ("names: list[str]", "names: Sequence[str]"),
        ("id: u32", "id: u32 = 5; unused = 1"),
        ("n: int)", "n: int = 5)"),
        ("n: int)", "*, n: int)"),
        ("class User:", 'class User:\n    "Documented."'),
        ("@gostruct", "@gostruct(frozen=True)"),
        ("class Color(enum.Enum)", "class Color(enum.IntEnum)"),
        ("    RED = 1\n    BLUE = 2", "    RED = 1; BLUE = 2"),
    ],
)
def test_types_passed_alike_have_one_fingerprint(change: tuple[str, str]) -> None:
    if "= 5;" in change[1]:
        change = (change[0], "id: u32; unused = 1")
    assert fingerprint(changed(change)) == fingerprint(changed())
    assert differences(changed(), changed(change)) == []


DIFFERENT = [
    (("id: u32", "id: u64"), ["User.id: library has u32, class has u64"]),
    (("name: str", "name: bytes"), ["User.name: library has str, class has bytes"]),
    (("name: str", "label: str"), ["User.name: library has str, class has no such field", "User.label: library has no such field, class has str"]),
    (("    name: str\n", ""), ["User.name: library has str, class has no such field"]),
    (("name: str\n", "name: str\n    age: u8\n"), ["User.age: library has no such field, class has u8"]),
    (("id: u32\n    name: str", "name: str\n    id: u32"), ["User: library has fields id, name, color; class has name, id, color"]),
    (("BLUE = 2", "BLUE = 3"), ["Color.BLUE: library has 2, class has 3"]),
    (("    BLUE = 2\n", ""), ["Color.BLUE: library has 2, class has no such member"]),
    (("BLUE = 2", "BLUE = 2\n    ODD = 3"), ["Color.ODD: library has no such member, class has 3"]),
    (("names: list[str]", "names: set[str]"), ["Accounts.login: names: library has list[str], class has set[str]"]),
    (("names: list[str]", "names: list[list[str]]"), ["Accounts.login: names: library has list[str], class has list[list[str]]"]),
    (("names: list", "labels: list"), ["Accounts.login: library has parameters user, names; class has user, labels"]),
    (("n: int)", "n: int, m: int)"), ["Accounts.ping: library has parameters n; class has n, m"]),
    (("self, n: int)", "self)"), ["Accounts.ping: library has parameters n; class has none"]),
    (("-> int", "-> None"), ["Accounts.ping: result: library has int, class has None"]),
    (("-> int", "-> i64"), ["Accounts.ping: result: library has int, class has i64"]),
    (("-> Optional[User]", "-> User"), ["Accounts.login: result: library has Optional[User], class has User"]),
    (
        ("    def ping", "    @gomethod(blocking=True)\n    def ping"),
        ["Accounts.ping: library has def, class has blocking def"],
    ),
    (("def ping", "async def ping"), ["Accounts.ping: library has def, class has async def"]),
    (("def ping", "def pong"), ["Accounts.pong: library has no such method"]),
]  # fmt: skip


@pytest.mark.parametrize(("change", "lines"), DIFFERENT, ids=[row[1][0] for row in DIFFERENT])
def test_differences_word_for_word(change: tuple[str, str], lines: list[str]) -> None:
    assert differences(changed(), changed(change)) == lines
    assert fingerprint(changed(change)) != fingerprint(changed())


def test_each_difference_has_its_line() -> None:
    changes = [("id: u32", "id: u8"), ("BLUE = 2", "BLUE = 5"), ("-> int", "-> bool")]
    assert differences(changed(), changed(*changes)) == [
        "Accounts.ping: result: library has int, class has bool",
        "User.id: library has u32, class has u8",
        "Color.BLUE: library has 2, class has 5",
    ]


def test_a_library_may_offer_more_methods() -> None:
    fewer = changed(("    def ping(self, n: int) -> int: ...\n", ""))
    assert differences(changed(), fewer) == []


def test_differences_below_several_levels_are_found() -> None:
    text = "@gostruct\nclass A:\n    n: %s\n@gostruct\nclass B:\n    a: dict[str, list[A]]\n@gointerface\nclass S:\n"
    text += "    def f(self) -> tuple[Optional[B], int]: ...\n"
    have, want = (read(text % word).interfaces[0] for word in ("int", "u8"))
    assert differences(have, want) == ["A.n: library has int, class has u8"]
    assert fingerprint(have) != fingerprint(want)


def test_a_library_with_a_blocking_method_serves_a_class_without() -> None:
    blocking = changed(("    def ping", "    @gomethod(blocking=True)\n    def ping"))
    assert fingerprint(blocking) != fingerprint(changed()) and differences(blocking, changed()) == []


def test_streams_inside_other_types_are_passed_alike() -> None:
    text = (
        BASE
        + "    def f(self, rows: list[Iterator[str]], more: AsyncIterator[int]) -> tuple[Iterator[int], int]: ...\n"
    )
    alike = text.replace("list[Iterator", "list[Iterable").replace("tuple[Iterator", "tuple[Iterable")
    assert contract_text(read(alike)) != contract_text(read(text))
    assert fingerprint(read(alike).interfaces[0]) == fingerprint(read(text).interfaces[0])
    other = text.replace("list[Iterator", "list[AsyncIterator")
    assert differences(read(text).interfaces[0], read(other).interfaces[0]) == [
        "Accounts.f: rows: library has list[Iterable[str]], class has list[AsyncIterable[str]]"
    ]


def test_errors_have_fingerprints_and_differences() -> None:
    text = "@goerror\nclass E(GoError):\n    key: %s\n"
    have, same, want = (read(text % word).errors[0] for word in ("list[int]", "tuple[int, ...]", "str"))
    assert struct_fingerprint(have) == struct_fingerprint(same) != struct_fingerprint(want)
    assert struct_differences(have, want) == ["E.key: library has list[int], class has str"]


def test_the_order_of_declarations_does_not_matter_to_a_fingerprint() -> None:
    parts = BASE.split("@gostruct")
    moved = "@gostruct".join(
        ["", parts[1].split("@gointerface")[0].replace("color: Color", "color: 'Color'")]
    )
    text = f"{moved}{parts[0]}@gointerface{parts[1].split('@gointerface')[1]}"
    assert fingerprint(read(text).interfaces[0]) == fingerprint(changed())


OTHERS = """
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import Literal
from gobind import naive
Order = Literal["desc", "asc"]
@goerror
class Late(GoError):
    at: time
@gostruct
class Item:
    day: date
    wall: naive
    price: Decimal
    count: bigint
    place: Path
    order: Order = "asc"
    level: Optional[Literal[2, 1]] = None
@gointerface
class Items(Protocol):
    def get(self, item: Item) -> dict[Order, Item]: ...
"""


def test_newer_types_are_imported_where_they_are_used() -> None:
    contract = read(OTHERS)
    text = contract_text(contract)
    for line in (
        "from typing import Literal",
        "from datetime import date",
        "from datetime import time",
        "from gobind import naive",
        "from decimal import Decimal",
        "from gobind import bigint",
        "from pathlib import Path",
        "Order = Literal['asc', 'desc']",
        "    order: Literal['asc', 'desc'] = 'asc'",
        "    level: Optional[Literal[1, 2]] = None",
        "    def get(self, item: Item) -> dict[Literal['asc', 'desc'], Item]: ...",
    ):
        assert f"\n{line}\n" in text, line
    again = same_again(contract)
    assert [node.alias for node in again.literals] == ["Order", None]
    both = [glue.generate(c, package="main", runtime_import="x/gobind", main=True) for c in (contract, again)]
    assert both[0]["gobind_types.go"] == both[1]["gobind_types.go"]


def test_the_name_of_a_literal_is_no_difference() -> None:
    mine, theirs = read(OTHERS), read(OTHERS.replace("Order", "Direction"))
    assert differences(mine.interfaces[0], theirs.interfaces[0]) == []
    assert fingerprint(mine.interfaces[0]) == fingerprint(theirs.interfaces[0])
    other = read(OTHERS.replace('"desc", "asc"', '"down", "asc"'))
    assert differences(other.interfaces[0], mine.interfaces[0]) == [
        "Items.get: result: library has dict[Literal['asc', 'down'], Item], class has dict[Literal['asc', 'desc'], Item]",
        "Item.order: library has Literal['asc', 'down'], class has Literal['asc', 'desc']",
    ]


SHAPES = """
@gostruct
class Circle:
    radius: float
@gostruct
class Square:
    side: float
    inner: "list[%s]"
%s
@goerror
class Odd(GoError):
    shape: "%s"
@gointerface
class Shapes:
    def f(self, a: "%s", b: Callable[["%s"], None]) -> "dict[str, Optional[%s]]": ...
"""


def shapes(alias: str, spelled: str) -> Contract:
    return read(SHAPES.replace("%s", spelled, 1).replace("%s", alias, 1).replace("%s", spelled))


def test_an_alias_names_a_union_in_the_text_and_nowhere_on_the_wire() -> None:
    inline = shapes("", "Union[Square, Circle]")
    for alias in ("Shape = Union[Circle, Square]", "Shape: TypeAlias = Square | Circle\nAnother = Shape"):
        named = shapes(alias, "Shape")
        text = contract_text(named)
        assert text == contract_text(shapes(alias, "Union[Square, Circle]"))
        assert "\n\nShape = Union[Circle, Square]\n\n" in text and "Another" not in text
        assert (
            "    def f(self, a: Shape, b: Callable[[Shape], None]) -> dict[str, Optional[Shape]]: ...\n"
            in text
        )
        assert "    inner: list[Shape]\n" in text and "    shape: Shape\n" in text
        again = read_text(text, "shapes")
        assert contract_text(again) == text
        assert sys.modules.pop("gobind.contracts.shapes").Shape is not None
        assert fingerprint(named.interfaces[0]) == fingerprint(inline.interfaces[0])
        assert differences(named.interfaces[0], inline.interfaces[0]) == []
        assert differences(again.interfaces[0], inline.interfaces[0]) == []


def test_the_alias_of_an_optional_union_does_not_name_it() -> None:
    """In Go both are one type: an optional union is the union, which may be nil."""
    text = contract_text(shapes("Maybe = Optional[Union[Circle, Square]]", "Maybe"))
    assert "Maybe" not in text and "a: Optional[Union[Circle, Square]]," in text
    text = contract_text(
        shapes("Maybe = Optional[Union[Circle, Square]]\nShape = Union[Circle, Square]", "Maybe")
    )
    assert "Maybe" not in text and "a: Optional[Shape]," in text


def test_private_names_name_no_union() -> None:
    assert "_Shape" not in contract_text(shapes("_Shape = Union[Circle, Square]", "_Shape"))


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the type statement")
def test_a_type_statement_names_a_union() -> None:
    text = contract_text(shapes("type Shape = Circle | Square", "Shape"))
    assert text == contract_text(shapes("Shape = Union[Circle, Square]", "Shape"))


def test_one_name_of_two_things_is_refused() -> None:
    other = """
@gostruct
class Line:
    n: int
@gostruct
class %s:
    s: "Union[Circle, Line]"
"""
    named = SHAPES.replace("%s", "Shape", 1).replace("%s", "Shape = Union[Circle, Square]", 1)
    random_contracts.load_module(HEAD + named.replace("%s", "Shape"), "shapes_one")
    for name, alias, message in (
        ("Shape", "", "Shape: the name of Union[Circle, Square] and of a class; rename one of them"),
        (
            "Two",
            "Shape = Union[Circle, Line]",
            "Shape: the name of Union[Circle, Square] and of Union[Circle, Line]; rename one of them",
        ),
    ):
        text = f"from shapes_one import Circle, Shapes\n{other.replace('%s', name)}\n{alias}\n"
        text += f"@gointerface\nclass Both:\n    def g(self, a: {name}, b: Shapes) -> None: ...\n"
        module = random_contracts.load_module(HEAD + text, "shapes_two")
        with pytest.raises(gobind.ContractError) as caught:
            Schema().contract("both", "", [module.Both])
        assert str(caught.value) == message
        del sys.modules["shapes_two"]
    del sys.modules["shapes_one"]
