"""Objects, functions and streams that cross the border in both directions, and that nothing of them is left."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import libraries
import pytest

import gobind
from gobind import _debug

objects_py = libraries.contract_of("objects")
# Most tests leave stores to the collector, which is what shows that it lets go of them.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <Store:ResourceWarning")

NotFound, Shelf, User = objects_py.NotFound, objects_py.Shelf, objects_py.User


def load(name: str) -> Any:
    return libraries.load("objects", getattr(objects_py, name))


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    machine, streams = load("Machine"), load("Streams")
    yield
    end = time.monotonic() + 5
    while True:  # finalizers on both sides, each letting go of something on the other
        gc.collect()
        machine.gc()
        left = _debug.live(), streams.active(), max(machine.goroutines() - 3, 0)
        if left == (0, 0, 0):
            return
        assert time.monotonic() < end, f"left: handles, streams, goroutines: {left}"
        time.sleep(0.01)


class Merger:
    """Matches `objects.Merger` without saying so."""

    def merge(self, key: str, old: list[str], new: list[str]) -> list[str]:
        return [key, *old, *new]

    def upper(self, user: Any) -> Any:
        return User(user.name.upper(), user.age)

    def weigh(self, number: int, factor: float) -> float:
        return number * factor

    def huge(self, number: int) -> int:
        return number

    def pick(self, stores: dict[str, Any]) -> Any:
        return stores["b"]

    def again(self) -> Any:
        return self

    def numbers(self, n: int) -> Iterator[int]:
        return iter(range(n))

    def total(self, numbers: Iterator[int]) -> int:
        return sum(numbers)


class PythonStore:
    """A Store in Python."""

    def set(self, key: str, value: str) -> None: ...

    def get(self, key: str) -> str:
        return f"{key}!"

    def count(self) -> int:
        return 1

    def scan(self, prefix: str) -> Iterator[str]:
        return iter([prefix])

    def close(self) -> None: ...


# Objects


def test_objects_keep_their_identity_wherever_they_stand() -> None:
    stores = load("Stores")
    a, b, c = stores.many(3)
    assert stores.echo(a) is a and stores.same(a, a) and not stores.same(a, b)
    assert stores.by_name({"a": a, "b": b}) == {"a": a, "b": b}
    assert stores.maybe(None) is None and stores.maybe(c) is c
    first, second = stores.shelve([Shelf("one", a, b), Shelf("two", c)])
    assert first.store is a and first.spare is b and second.store is c and second.spare is None
    a.set("name", "x")
    assert stores.pair(a) == (a, "x")
    logger = stores.plain_logger()  # a struct without fields: each is the same value
    assert stores.plain_logger() is logger and logger.enabled(2) and not logger.enabled(1)


def test_a_closed_object_and_one_of_python_in_one_call() -> None:
    stores = load("Stores")
    with stores.open("x") as closed:
        pass
    for arguments in ((closed, PythonStore()), (PythonStore(), closed)):
        with pytest.raises(gobind.ClosedError):
            stores.same(*arguments)


def test_go_keeps_objects_of_python() -> None:
    stores = load("Stores")
    stores.keep(PythonStore())
    gc.collect()
    load("Machine").gc()
    kept = stores.kept()
    assert type(kept) is PythonStore and stores.echo(kept) is kept
    assert not stores.is_go(kept) and stores.pair(kept) == (kept, "name!")
    stores.keep(None)


def test_python_answers_with_an_object_that_nobody_else_holds() -> None:
    stores = load("Stores")

    class Fresh(Merger):
        def pick(self, stores_by_name: dict[str, Any]) -> Any:
            return stores.open("fresh")

    picked = load("Calls").pick(Fresh(), {})
    picked.set("a", "b")
    assert picked.get("a") == "b"


# Go calls Python


def test_both_directions() -> None:
    calls, merger = load("Calls"), Merger()
    assert calls.login(merger, User("chihai", 28)) is True
    assert calls.merge(merger, "k", ["a"], ["b", "c"]) == ["k", "a", "b", "c"]
    assert calls.merge(merger, "k" * 200_000, [], []) == ["k" * 200_000]
    assert calls.weigh(merger, 3, 1.5) == 4.5
    assert calls.is_same_merger(merger)
    assert calls.sum_numbers(merger, 10_000) == calls.total_of(merger, 10_000) == sum(range(10_000))


@pytest.mark.parametrize("distance", [-1, 0, 1, 2, 3, 15, 16, 17, 1000, 65552, 65553])
def test_results_that_look_like_words_of_the_protocol(distance: int) -> None:
    for word in (-0x676F62696E640001, -0x2F0B1ED5):
        number = (word - distance) % 2**64
        assert load("Calls").huge(Merger(), number) == number


def test_functions_go_both_ways() -> None:
    functions = load("Functions")
    add = functions.adder(5)
    assert add(3) == 8 and functions.compose([add, lambda n: n * 2, add])(1) == 17
    assert functions.describe(lambda user: user.name, User("Ann", 1)) == "Ann"
    functions.keep(lambda n: n + 1)
    gc.collect()
    assert functions.call_kept(1) == 2
    functions.keep(None)


def test_goroutines_call_python_at_once() -> None:
    assert load("Functions").spread(lambda n: n + 1, 64, 200) == 64 * sum(range(1, 201))


def test_reentrance() -> None:
    functions = load("Functions")

    def again(depth: int) -> int:
        return functions.reenter(again, depth)  # type: ignore[no-any-return]

    assert functions.reenter(again, 50) == 50


# Exceptions


def test_go_sees_what_was_raised() -> None:
    functions = load("Functions")

    def fail(error: BaseException) -> Any:
        def f(_: Any) -> Any:
            raise error

        return f

    assert functions.find(fail(NotFound(key="k")), "k") == "no k"
    assert functions.what_failed(fail(ValueError("bad"))) == ["ValueError", "bad", ""]
    assert functions.what_failed(fail(TimeoutError())) == ["TimeoutError", "", "deadline"]
    assert functions.what_failed(fail(asyncio.CancelledError())) == ["CancelledError", "", "canceled"]


@pytest.mark.parametrize("wrap", [False, True])
@pytest.mark.parametrize("error", [ValueError("bad"), KeyboardInterrupt(), SystemExit(3), NotFound(key="k")])
def test_the_same_exception_comes_back(error: BaseException, wrap: bool) -> None:
    functions = load("Functions")

    def f(_: int) -> int:
        raise error

    for call in (lambda: functions.fail_with(f, wrap), functions.raise_kept):
        with pytest.raises(type(error)) as caught:
            call()
        assert caught.value is error
    error.__traceback__ = None


# Streams


def test_streams() -> None:
    streams = load("Streams")
    assert sum(streams.ints(100_000)) == streams.sum(range(100_000)) == sum(range(100_000))
    users = [User(str(n), n % 256) for n in range(1000)]
    assert [*streams.users(users)] == [*streams.echo(iter(users))] == users
    assert [store.count() for store in streams.stores(20)] == [0] * 20


def test_errors_come_after_the_items_before_them() -> None:
    seen: list[str] = []
    with pytest.raises(NotFound) as caught:
        for word in load("Streams").words(["a", "b", "c"], 2):
            seen.append(word)  # noqa: PERF402
    assert seen == ["a", "b"] and caught.value.key == "c"
    with pytest.raises(gobind.GoPanic, match="the stream panics"):
        [*load("Streams").panics(3)]


@pytest.mark.parametrize("name", ["forever", "stubborn"])
def test_streams_that_are_left(name: str) -> None:
    streams = load("Streams")
    for _ in range(300):
        for item in getattr(streams, name)():
            if item == 3:
                break
        getattr(streams, name)()  # not even begun


def test_iterators_of_python_are_closed_and_their_errors_come_back() -> None:
    streams, said = load("Streams"), []

    def numbers() -> Iterator[int]:
        try:
            yield from range(100)
            raise KeyError("k")
        finally:
            said.append("closed")

    assert streams.first(numbers(), 3) == [0, 1, 2] and said == ["closed"]
    with pytest.raises(KeyError, match="k"):
        streams.sum(numbers())


# The event loop


class Fetcher:
    async def fetch(self, url: str) -> bytes:
        await asyncio.sleep(0 if url else 10)
        return url.encode()

    async def size(self, url: str) -> int:
        if not url:
            raise NotFound(key="url")
        return len(url)

    async def open(self, url: str) -> Any:
        await asyncio.sleep(0.02)
        store = load("Stores").open(url)
        store.set("name", url)
        return store


def test_async_methods_of_python() -> None:
    calls, fetcher = load("Calls"), Fetcher()

    async def main() -> None:
        assert await calls.fetch(fetcher, "abc") == b"abc"
        assert await calls.fetch_size(fetcher, "abc") == 3
        assert await calls.fetch_store(fetcher, "abc") == "abc"
        assert await calls.fetch_for(fetcher, "", 10) == "context deadline exceeded"
        with pytest.raises(NotFound):
            await calls.fetch_size(fetcher, "")
        for method, url in ((calls.fetch, ""), (calls.fetch_store, "late")):
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(method(fetcher, url), 0.01)
        await asyncio.sleep(0.1)  # the answer that nobody waits for comes

    asyncio.run(main())


def test_async_streams() -> None:
    streams, said = load("Streams"), []

    async def numbers(n: int) -> AsyncIterator[int]:
        try:
            for number in range(n):
                yield number
            if n < 10:
                await asyncio.sleep(10)
        finally:
            said.append("closed")

    async def main() -> None:
        assert [n async for n in streams.slow(4, 1)] == [0, 1, 2, 3]
        async for n in streams.slow(1000, 1):
            if n == 3:
                break
        with pytest.raises(NotFound):
            await streams.refused()
        assert await streams.sum_later(numbers(1000)) == sum(range(1000))
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(streams.sum_later(numbers(3)), 0.05)
        await asyncio.sleep(0.05)
        assert said == ["closed", "closed"]

    asyncio.run(main())
