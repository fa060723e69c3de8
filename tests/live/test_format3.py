"""Libraries of frame format 3 load for ever: one that is kept as text, beside one of the same contract built now.

`tests/support/archives.py` says how it is kept. Nothing here may be changed so that it passes: a gobind that does not load the
kept library breaks the promise of the README's "Versions".
"""

from __future__ import annotations

import array
import asyncio
import contextlib
import gc
import json
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import archives
import libraries
import pytest

import gobind
from gobind import BuildError, _debug
from gobind.runtime.library import _opened

HAS_SECOND = sys.platform not in ("darwin", "win32")
"""Whether a second Go library can live in one process."""

FORMATS = ["format3", *(["now"] if HAS_SECOND else [])]
needs_second = pytest.mark.skipif(
    not HAS_SECOND, reason="a second Go library cannot live in one process here"
)


class Kept:
    """One library, with its contract as a module of its own.

    Attributes:
        contract: the module.
        path: of the library.
    """

    def __init__(self, name: str) -> None:
        if name == "now":
            self.path = libraries.path_of("kept")
            self.contract = libraries.contract_of("kept")
        else:
            try:
                self.path = archives.built(name)
            except BuildError as error:
                pytest.skip(f"cannot build the kept library: {error}")
            self.contract = archives.module_of(self.path.with_name("kept.py"), f"kept_{name}")

    def load(self, interface: str) -> Any:
        return gobind.load(str(self.path), getattr(self.contract, interface))

    def leaves(self, **changes: Any) -> Any:
        """A value of each type of leaf."""
        own = self.contract
        values = {
            "truth": True, "whole": -(1 << 63), "real": 0.1, "a": -128, "b": -32768, "c": -(1 << 31), "d": (1 << 63) - 1,
            "e": 255, "f": 65535, "g": (1 << 32) - 1, "h": (1 << 64) - 1, "i": 0.5, "j": -2.5e-300,
            "text": "\0 \u00f6\U0001f600", "data": b"\0\xff", "moment": MOMENT, "span": timedelta(-1, 5, 7), "unique": UNIQUE,
            "color": own.Color.BLUE, "access": own.Access.READ | own.Access.WRITE, "mood": own.Mood.ODD,
            "day": date(2024, 2, 29), "clock": time(23, 59, 59, 999999), "wall": datetime(1969, 1, 2, 3, 4, 5, 6),
            "price": Decimal("-1.50"), "count": -(1 << 100), "place": Path("a/b"), "order": "desc", "level": -2,
        }  # fmt: skip
        return own.Leaves(**values | changes)

    def containers(self, **changes: Any) -> Any:
        """A value of each type that contains others."""
        own = self.contract
        values = {
            "words": [["a", ""], [], ["\0"]], "blobs": [b"", b"\0b"], "table": {"x": [1, 65535], "y": []},
            "by_color": {own.Color.RED: None, own.Color.BLUE: True}, "names": {"n", "m"}, "maybe": None, "maybes": [1, None, -3],
            "maybe_words": [], "pair": (255, ("p", False)), "shape": own.Circle(1.5),
            "shapes": [own.Square(2.0, ["s"]), own.Circle(0.0)], "maybe_shape": None,
            "tree": own.Tree(1, [own.Tree(2, []), own.Tree(3, [own.Tree(4, [])])]),
            "page": own.Page([own.Row("r", own.Point(1.0), {"deep": True}), own.Row("", own.Point(2.0, 3.0), {"deep": False, "limit": 7})]),
            "moments": [MOMENT], "prices": [Decimal(3)], "anything": [1, "two", None, own.Circle(3.0)],
            "more": {"k": {"l": [UNIQUE, MOMENT]}},
        }  # fmt: skip
        return own.Containers(**values | changes)


MOMENT = datetime(2024, 5, 6, 7, 8, 9, 10, timezone(timedelta(hours=-3, minutes=-30)))
UNIQUE = UUID("00112233-4455-6677-8899-aabbccddeeff")


@pytest.fixture(scope="module", params=FORMATS)
def library(request: pytest.FixtureRequest) -> Kept:
    return Kept(request.param)


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """After the test neither side holds anything of the other's."""
    yield
    for _ in range(200):
        if not (_debug.live() or _debug.exported()):
            break
        gc.collect()
        for opened in {*_opened.values()}:
            if opened.native.has_glue and opened.library is not None and not opened.library.is_closed:
                opened.library.runtime.gc()
    assert (_debug.live(), _debug.exported()) == (0, 0)


class Store:
    """A store that lives in Python."""

    def __init__(self, **values: str) -> None:
        self.values = values

    def set(self, key: str, value: str) -> None:
        self.values[key] = value

    def get(self, key: str) -> str:
        return self.values[key]

    def keys(self, prefix: str) -> Iterator[str]:
        return (key for key in sorted(self.values) if key.startswith(prefix))

    def close(self) -> None:
        self.values.clear()


class Fetcher:
    """Answers on the event loop."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()

    async def fetch(self, key: str) -> bytes:
        await asyncio.sleep(0)
        assert asyncio.get_running_loop() is self.loop
        return key.encode() * 2

    async def count(self, key: str) -> int:
        if not key:
            raise LookupError("no key")
        return len(key)


# What the kept library says


def test_the_head_of_the_kept_library() -> None:
    """The text in the library, which says what a gobind needs to know of it."""
    text = 'Head                = "{\\"abi\\":3,\\"needs\\":\\"0.1.0\\",\\"features\\":[]"\n'
    assert text in archives.files_of("format3")["gobind/constants.go"]
    loaded = gobind.load(str(Kept("format3").path))
    assert loaded.interfaces == ("Store", "Fetcher", "Values", "Calls", "Memory", "Objects")
    assert loaded._native.features == frozenset()


def test_classes_made_from_the_contract_inside(library: Kept) -> None:
    loaded = gobind.load(str(library.path))
    assert loaded.Calls.fail.__doc__ == library.contract.Calls.fail.__doc__
    values = loaded.Values
    assert values.echo_any([1, None]) == [1, None]
    assert values.less(1, 2) is True


# What crosses


def test_leaves(library: Kept) -> None:
    values = library.load("Values")
    one, other = library.leaves(), library.leaves(price=Decimal("1E+5"), text="", level=1, count=0)
    assert values.echo_leaves(one, [other, one]) == [other, one, one]
    shown = json.loads(values.show_leaves(one))
    assert shown["moment"] == "2024-05-06T07:08:09.00001-03:30"
    assert shown["unique"] == [*UNIQUE.bytes]
    assert shown["span"] == ((-1 * 86400 + 5) * 10**6 + 7) * 1000
    assert (shown["h"], shown["d"], shown["text"]) == ((1 << 64) - 1, (1 << 63) - 1, "\0 \u00f6\U0001f600")
    assert (shown["day"], shown["wall"]) == ("2024-02-29T00:00:00Z", "1969-01-02T03:04:05.000006Z")
    assert (shown["count"], shown["price"], shown["order"]) == (-(1 << 100), -1.5, "desc")
    assert shown["clock"] == 86399999999000


def test_containers(library: Kept) -> None:
    values, own = library.load("Values"), library.contract
    one = library.containers()
    other = library.containers(
        maybe="m", maybe_words=None, maybe_shape=own.Square(1.0, []), anything=None, shapes=[]
    )
    assert values.echo_containers(one, [other, one]) == [other, one, one]
    shown = json.loads(values.show_containers(one))
    assert shown["words"] == [["a", ""], [], ["\0"]]
    assert shown["tree"]["children"][1]["children"] == [{"value": 4, "children": []}]
    assert shown["shapes"] == [{"side": 2.0, "names": ["s"]}, {"radius": 0.0}]
    assert (shown["by_color"], shown["maybe"], shown["maybe_words"]) == ({"1": None, "-2": True}, None, [])
    assert shown["page"]["items"][1]["options"] == {"deep": False, "limit": 7}
    assert shown["anything"] == [1, "two", None, {"radius": 3.0}]


def test_dynamic_values(library: Kept) -> None:
    values, own = library.load("Values"), library.contract
    value = {
        "a": [1, -(1 << 40), 2.5, True, None, "\u00f6", b"b"],
        "b": [MOMENT, UNIQUE, 1j, own.Circle(1.0)],
        "c": {"d": []},
    }
    assert values.echo_any(value) == value
    assert values.echo_json(json.loads(json.dumps(shared := [["x"] * 3] * 2))) == shared
    assert values.echo_scalar("s") == "s"
    with pytest.raises(TypeError, match="expected"):
        values.echo_scalar(1.5)
    assert values.go_type([1, "s", MOMENT, None]) == "int64 string time.Time <nil>"


def test_numbers_and_large_frames(library: Kept) -> None:
    values = library.load("Values")
    assert values.add(-(1 << 31), -1) == -(1 << 31) - 1
    assert values.root(2.25) == 1.5
    assert values.waves(1j, [complex(2, -3)]) == [complex(2, -3), 1j]
    for size in (0, 1 << 10, 1 << 16, 1 << 20):
        assert values.text(size) == "x" * size
        assert len(values.echo_any(["y" * size])[0]) == size
    many = [library.leaves(text="t" * 1000)] * 500
    assert values.echo_leaves(many[0], many) == [*many, many[0]]
    with pytest.raises(OverflowError, match=r"^b: 2147483648 does not fit i32$"):
        values.add(1, 1 << 31)


def test_memory_by_reference(library: Kept) -> None:
    memory = library.load("Memory")
    buffer = array.array("H", [1, 2, 3])
    assert memory.fill(buffer, 7) == 3
    assert buffer.tolist() == [7, 7, 7]
    assert memory.sum(array.array("d", [0.5, 1.5])) == 2.0
    squares = memory.squares(4)
    assert squares.tolist() == [0, 1, 4, 9]
    del squares


# How calls travel and fail


def test_awaited_calls(library: Kept) -> None:
    calls = library.load("Calls")

    async def main() -> None:
        assert await asyncio.gather(*(calls.later(f"{n}", n % 3) for n in range(50))) == [
            f"{n}" for n in range(50)
        ]
        assert await asyncio.gather(*(calls.by_ring(n) for n in range(500))) == [-n for n in range(500)]
        assert await calls.later("l" * 100_000, 0) == "l" * 100_000
        waiting = asyncio.ensure_future(calls.later("never", 10**6))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(main())


def test_other_ways_to_call(library: Kept) -> None:
    calls = library.load("Calls")
    before = calls.pushed()
    for n in range(100):
        calls.push(n)
    assert calls.wait(1) == 1
    while calls.pushed() - before < 4950:
        pass
    with pytest.raises(TimeoutError), gobind.timeout(0.01):
        calls.hang()


def test_errors(library: Kept) -> None:
    calls = library.load("Calls")
    for fail in (calls.fail, lambda kind: asyncio.run(run(calls.fail_later(kind)))):
        with pytest.raises(library.contract.NotFound) as found:
            fail("found")
        assert (found.value.key, found.value.tries) == ("found", [1, 2])
        with pytest.raises(gobind.GoError, match=r"^odd$"):
            fail("odd")
        with pytest.raises(gobind.GoPanic, match="at the disco") as panic:
            fail("panic")
        assert "server.go" in panic.value.go_stack


async def run(awaitable: Any) -> Any:
    return await awaitable


# Objects, functions, streams


def test_objects(library: Kept) -> None:
    objects = library.load("Objects")
    with objects.open("one") as one:
        one.set("x1", "1")
        assert [*one.keys("x")] == ["x1"]
        mine = Store()
        assert objects.copy(one, mine, "") == 2
        assert mine.values == {"name": "one", "x1": "1"}
        assert objects.copy(Store(x2="2"), one, "x") == 1
        assert one.get("x2") == "2"
        assert objects.same(one, one)
        assert not objects.same(one, mine)
        with pytest.raises(library.contract.NotFound):
            objects.copy(Store(), one, "z")
        with pytest.raises(KeyError) as missing:
            objects.copy(Broken(z="1"), one, "")
        assert missing.value.args == ("z",)
        objects.keep(mine)
        assert objects.kept() is mine
        objects.keep(None)
        for name, store in objects.stores(["a", "b"]).items():
            assert store.get("name") == name
            store.close()


class Broken(Store):
    """A store that has none of its keys."""

    def get(self, key: str) -> str:
        raise KeyError(key)


def test_objects_on_the_event_loop(library: Kept) -> None:
    objects = library.load("Objects")

    async def main() -> None:
        keys = [f"{n}" for n in range(20)]
        assert await objects.fetch(Fetcher(), keys) == [key.encode() * 2 for key in keys]
        assert await objects.count(Fetcher(), "four") == 4
        with pytest.raises(LookupError, match="no key"):
            await objects.count(Fetcher(), "")

        async def double(n: int) -> int:
            await asyncio.sleep(0)
            return 2 * n

        assert await objects.apply_later(double, 21) == 42
        with await objects.open_later("late") as store:
            assert store.get("name") == "late"

    asyncio.run(main())


def test_functions(library: Kept) -> None:
    objects, own = library.load("Objects"), library.contract
    assert objects.apply(lambda n: n + 1, 1) == 2
    assert objects.apply(objects.adder(40), 2) == 42
    assert (
        objects.describe(lambda tree: repr(tree.children), own.Tree(1, [own.Tree(2, [])]))
        == "[Tree(value=2, children=[])]"
    )
    assert objects.spread(lambda n: n, 4, 100) == 4 * 4950
    assert objects.apply(lambda n: objects.apply(lambda m: m * n, 6), 7) == 42


def test_one_way_functions(library: Kept) -> None:
    objects, got, done = library.load("Objects"), [], threading.Event()

    def event(happened: Any) -> None:
        got.append((happened.number, happened.text))
        if happened.number == 99:
            done.set()

    objects.post(event, 100)
    assert done.wait(60)
    assert got == [(n, f"{n}") for n in range(100)]


def test_streams(library: Kept) -> None:
    objects, own = library.load("Objects"), library.contract
    assert [*objects.numbers(5000)] == [*range(5000)]
    with contextlib.closing(objects.numbers(10**9)) as numbers:
        assert next(numbers) == 0
    rows = [own.Row(f"{n}", own.Point(n), {"deep": False}) for n in range(300)]
    assert [*objects.rows(iter(rows))] == rows
    with pytest.raises(ZeroDivisionError):
        [*objects.rows(1 / 0 for _ in range(1))]

    async def below(n: int) -> AsyncIterator[int]:
        for i in range(n):
            yield i

    async def main() -> None:
        assert [n async for n in objects.slow(100)] == [*range(100)]
        assert await objects.sum(below(1000)) == 499_500

    asyncio.run(main())


def test_streams_in_structs(library: Kept) -> None:
    objects, own = library.load("Objects"), library.contract
    response = objects.get("url", 1000)
    with response.store as store:
        assert (response.status, store.get("name")) == (200, "url")
        assert b"".join(response.body) == b"".join(b"%d" % n for n in range(1000))
    sizes: list[int] = []
    assert objects.put(own.Upload("u", iter([b"a", b"bc"]), sizes.append)) == b"abc"
    assert sizes == [3]
    assert objects.put(own.Upload("u", [])) == b""


# Both at once

PROGRAM = f"""\
import sys
sys.path[:0] = {[str(libraries.ROOT), str(libraries.ROOT / "tests" / "support")]}
import asyncio, gobind, os, threading, archives
old_py, now_py = (archives.module_of(path, name) for path, name in ((sys.argv[1], "kept_old"), (sys.argv[2], "kept_now")))

class Library:
    def __init__(self, contract, path):
        self.contract = contract
        for name in ("Values", "Calls", "Memory", "Objects"):
            setattr(self, name.lower(), gobind.load(path, getattr(contract, name)))

old, now = Library(old_py, sys.argv[3]), Library(now_py, sys.argv[4])
assert gobind.load(sys.argv[3]) is gobind.load(sys.argv[3]) is not gobind.load(sys.argv[4])
"""

WORK = """
keeping = threading.Lock()

class Fetcher:
    async def fetch(self, key):
        return key.encode()
    async def count(self, key):
        return len(key) and 1 + await now.objects.count(self, key[1:])

def work():
    for a, b in ((old, now), (now, old)):
        tree = a.contract.Tree(1, [a.contract.Tree(2, [])])
        assert a.values.echo_any([tree, 1]) == [tree, 1]
        try: a.calls.fail("found")
        except a.contract.NotFound as error: assert not isinstance(error, b.contract.NotFound)
        # A function of Python, called by Go, calls the other Go, whose function calls the first.
        assert a.objects.apply(lambda n: b.objects.apply(lambda m: a.objects.apply(b.objects.adder(1), m) * 2, n), 3) == 8
        assert a.objects.spread(lambda n: b.values.add(n, n), 4, 50) == 2 * 4 * 1225
        # An object of one Go lives in Python for the other.
        with a.objects.open("a") as mine, b.objects.open("b") as other:
            assert a.objects.copy(other, mine, "") == 1 and mine.get("name") == "b"
            with keeping:
                b.objects.keep(mine)
                assert b.objects.kept() is mine
                b.objects.keep(None)
        assert [*a.objects.numbers(1000)] == [*range(1000)]
        response = a.objects.get("u", 100)
        with response.store:
            assert b.objects.put(b.contract.Upload("u", response.body)) == b"".join(b"%d" % n for n in range(100))
        got, done = [], threading.Event()
        a.objects.post(lambda event: (got.append(event.number), event.number == 9 and done.set()), 10)
        assert done.wait(60) and got == [*range(10)]
        assert a.memory.squares(3).tolist() == [0, 1, 4]

    async def both():
        calls = [each.calls.later(str(n), n % 3) for n in range(100) for each in (old, now)]
        assert await asyncio.gather(*calls) == [str(n) for n in range(100) for _ in (old, now)]
        calls = [each.calls.by_ring(n) for n in range(100) for each in (old, now)]
        assert await asyncio.gather(*calls) == [-n for n in range(100) for _ in (old, now)]
        assert await old.objects.count(Fetcher(), "four") == 4
        assert await old.objects.sum(now.objects.slow(100)) == 4950
        assert await now.objects.sum(old.objects.slow(100)) == 4950
    asyncio.run(both())
"""

THREADS = """
threads = [threading.Thread(target=lambda: [work() for _ in range(5)]) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""

FORKS = """
import warnings
warnings.filterwarnings("ignore", category=DeprecationWarning)
work()
lost = old.objects.open("lost"), now.objects.open("lost")
for _ in range(3):
    child = os.fork()
    if not child:
        status = 1
        try:
            work()
            for store in lost:
                try: store.get("name")
                except gobind.ClosedError: pass
                else: raise AssertionError("an object of the parent's Go")
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    work()
for store in lost:
    assert store.get("name") == "lost"
    store.close()
"""


def side_by_side(text: str) -> None:
    """Runs a program that has the kept library as ``old``, and that of today as ``now``."""
    old, now = Kept("format3"), Kept("now")
    paths = [str(old.path.with_name("kept.py")), str(now.contract.__file__), str(old.path), str(now.path)]
    command = [sys.executable, "-W", "error", "-c", PROGRAM + WORK + text, *paths]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@needs_second
def test_the_kept_library_and_one_built_now_in_one_process() -> None:
    side_by_side("work()\nwork()\n")


@needs_second
def test_both_from_many_threads() -> None:
    side_by_side(THREADS)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_both_in_children_of_a_fork() -> None:
    side_by_side(FORKS)
