"""What type checkers make of a contract and of calls: nothing is Any, mistakes are found."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Dict, List

import pytest

import gobind

ROOT = Path(gobind.__file__).parent.parent

SOURCE = """\
from __future__ import annotations

import array
import ctypes
import mmap
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any, Generic, Iterable, Iterator, Literal, NamedTuple, Protocol, TypeVar, Union

from typing_extensions import NotRequired, TypedDict

import gobind
from gobind import JSON, Buffer, GoError, MutableBuffer, OneWay, f64, goerror, gointerface, gomethod, gostruct, u8, u32
from gobind import bigint, naive

Order = Literal["asc", "desc"]


@gostruct
class User:
    id: u32
    name: str
    age: u8 = 0


@gostruct(frozen=True)
class Key:
    part: str


@gostruct
class Item:
    day: date
    clock: time
    wall: naive
    price: Decimal
    count: bigint
    place: Path
    order: Order = "asc"


@goerror
class NotFound(GoError):
    key: str


Value = Union[int, str, None]


T = TypeVar("T")


class Point(NamedTuple):
    x: float
    y: float = 0.0


class Options(TypedDict):
    day: str
    hours: NotRequired[u8]


@dataclass
class Place:
    at: Point
    options: Options


@gostruct
class Page(Generic[T]):
    items: list[T]
    total: int = 0


@gostruct
class Upload:
    name: str
    body: Iterable[bytes]


@gostruct
class Download:
    body: Iterator[bytes]
    more: Iterator[Upload] | None = None


@gointerface
class Accounts(Protocol):
    def upload(self, uploads: list[Upload]) -> Download: ...
    def anything(self, value: Any) -> Any: ...
    def something(self, value: object) -> object: ...
    def document(self, value: JSON) -> JSON: ...
    def value(self, value: Value) -> Value: ...
    def move(self, point: Point, options: Options) -> Point: ...
    def find(self, place: Place) -> Page[Place]: ...
    def users(self, page: Page[User]) -> Options: ...
    def on_login(self, hook: OneWay[[User, int], None] | None) -> OneWay[[str], None]: ...
    def ping(self, n: int) -> int: ...
    def login(self, req: User) -> bool: ...
    def hash(self, data: Buffer[u8]) -> int: ...
    def fill(self, data: MutableBuffer[f64]) -> None: ...
    def stock(self, item: Item, order: Order) -> dict[Order, Item]: ...
    def total(self, items: list[Item]) -> bigint: ...
    def at(self) -> naive: ...
    @gomethod(blocking=True)
    async def add_friends(self, token: bytes, user_ids: list[u32]) -> list[User]: ...


accounts = gobind.load("libaccounts.so", Accounts)
if accounts.login(User(1, "ada")):
    print(accounts.ping(5) + 1)


async def add() -> None:
    for user in await accounts.add_friends(b"", [1, 2]):
        print(user.name.upper())


for data in (b"abc", bytearray(3), memoryview(b"")):
    accounts.hash(data)
accounts.fill(bytearray(8))
accounts.fill(memoryview(bytearray(8)))
accounts.fill(array.array("d", [1.5]))
accounts.fill((ctypes.c_double * 3)())
accounts.fill(mmap.mmap(-1, 8))
anything = accounts.anything({"a": [1, None, b""]})
something = accounts.something([1, "a"])
document = accounts.document({"a": [1, 2.5, None, {"b": True}]})
if isinstance(document, dict) and isinstance(document["a"], list):
    print(len(document["a"]))
value = accounts.value("a")
if isinstance(value, str):
    print(value.upper())
item = Item(date(2024, 1, 2), time(3), datetime(2024, 1, 2), Decimal("1.50"), 10**30, Path("a"), "desc")
accounts.stock(item, "asc")["desc"].price.as_tuple()
def note(user: User, count: int) -> None:
    print(user.name, count)
async def later(user: User, count: int) -> None:
    print(user.name, count)
def named(u: User, c: int) -> None: ...
accounts.on_login(note)
accounts.on_login(later)
accounts.on_login(named)
accounts.on_login(None)
accounts.on_login(lambda user, count: print(user.name, count + 1))("ada")
accounts.upload([Upload("a", [b"x"]), Upload("b", (b"" for _ in range(3)))])
number: int = User(1, "ada", age=5).id
key: str = NotFound(key="k").key
accounts.move(Point(1.0), {"day": "mon"})
accounts.users(Page([User(1, "ada")], total=1))
accounts.users(Page[User]([]))
gobind.mirror(Page[User])
gobind.from_mirror(gobind.to_mirror({"day": "mon"}, Options))
"""
MISTAKES = [
    'accounts.login("x")',
    "accounts.document(b'')",
    "accounts.document({1: 2})",
    "accounts.value(1.5)",
    "accounts.something(1).upper()",
    "accounts.nothing()",
    'accounts.ping("5")',
    'User("1", "ada")',
    "User(1)",
    "User(1, 'ada', nick='a')",
    'Key("k").part = "l"',
    "User(1, 'ada').nick",
    'accounts.fill(b"abc")',
    "accounts.hash([1, 2])",
    'accounts.stock(item, "up")',
    "accounts.total([item]).upper()",
    "accounts.on_login(lambda user: None)",
    "accounts.upload([Upload('a', [1])])",
    "next(accounts.upload([]).more)",
    "gobind.build(5, 'go')",
    "gobind.build(Accounts)",
    "accounts.on_login(lambda user, count: user.nick)",
    "accounts.on_login(note)(5)",
    "accounts.at().nothing()",
    'accounts.move((1.0, 2.0), {"day": ""})',
    "accounts.move(Point(1.0), {})",
    'accounts.move(Point(1.0), {"day": "", "hour": 1})',
    'accounts.users(Page(["x"]))',
    "accounts.find(Place(1.0, {'day': ''}))",
]


def require(tool: str) -> None:
    if importlib.util.find_spec(tool) is None:
        pytest.skip(f"{tool} is not installed")


def mypy(*files: Path) -> str:
    require("mypy")
    options = [
        "--strict",
        "--config-file=",
        "--follow-imports=silent",
        f"--cache-dir={files[0].parent / 'cache'}",
    ]
    return run([sys.executable, "-m", "mypy", *options, *map(str, files)])


def pyright(*files: Path) -> str:
    tool = "basedpyright" if importlib.util.find_spec("basedpyright") else "pyright"
    require(tool)
    return run([sys.executable, "-m", tool, *map(str, files)])


def run(command: List[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


def write(folder: Path, rest: str) -> Path:
    path = folder / "example.py"
    path.write_text(SOURCE + rest, encoding="utf-8")
    config = '{"typeCheckingMode": "standard", "extraPaths": ["%s"]}' % ROOT.as_posix()
    (folder / "pyrightconfig.json").write_text(config, encoding="utf-8")
    return path


REVEALED: Dict[str, str] = {
    "accounts.ping(1)": "int",
    "next(accounts.upload([]).body)": "bytes",
    'gobind.load("x.so", Accounts).ping(1)': "int",
    "User(1, 'ada').id": "int",
    "User(1, 'ada').name": "str",
    "accounts.at()": "datetime",
    "accounts.total([item])": "int",
    "item.wall": "datetime",
    "accounts.move(Point(1), {'day': ''}).y": "float",
    "accounts.find(Place(Point(1), {'day': ''})).items[0].at.x": "float",
    "accounts.users(Page([]))['day']": "str",
    "Page([1.5]).items[0]": "float",
    "gobind.load('x.so', Accounts)": "Accounts",
    "gobind.load('x.so')": "Library",
    "gobind.load(gobind.build(Accounts, 'go'), Accounts)": "Accounts",
    "gobind.build([Accounts, User], Path('go'), 'x.so')": "Path",
    "gobind.build(Path('accounts.py'), 'go')": "Path",
    "gobind.build(gobind, 'go')": "Path",
}


def reveal(expression: str) -> str:
    return f"reveal_type({expression})\n"


def last_name(text: str) -> str:
    """The type in a line like ``note: Revealed type is "builtins.int"``."""
    return text.rstrip().rstrip('"').replace('"', " ").replace(".", " ").split()[-1]


@pytest.mark.parametrize("checker", [mypy, pyright])
def test_the_example_is_accepted_and_typed(tmp_path: Path, checker: object) -> None:
    assert callable(checker)
    output = checker(write(tmp_path, "".join(map(reveal, REVEALED))))
    found = [last_name(line) for line in output.splitlines() if "reveal" in line.lower() or "Type of" in line]
    assert found == list(REVEALED.values()), output
    assert "error" not in output.replace("0 errors", ""), output


@pytest.mark.parametrize("checker", [mypy, pyright])
def test_mistakes_are_flagged_each_in_its_line(tmp_path: Path, checker: object) -> None:
    assert callable(checker)
    output = checker(write(tmp_path, "".join(f"{line}\n" for line in MISTAKES)))
    first = SOURCE.count("\n") + 1
    for number, mistake in enumerate(MISTAKES, first):
        assert any(f":{number}:" in line and "error" in line for line in output.splitlines()), (
            mistake,
            output,
        )
