"""Streams in both directions: their items, how far ahead the producer is, how they end, and what stops them."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import AsyncIterator, Iterator
from typing import Any, Callable

import libraries
import pytest
from crossing import NotFound, User, collect_until, left, load, nothing_is_left

import gobind

__all__ = ["nothing_is_left"]

LARGEST_BATCH = 4096


def stopped() -> bool:
    return load("Streams").active() == 0  # type: ignore[no-any-return]


# Items


def test_streams_of_any_length_have_all_items_in_order() -> None:
    streams = load("Streams")
    assert sum(streams.ints(100_000)) == streams.sum(range(100_000)) == sum(range(100_000))
    for n in (0, 1, 15, 16, 17, 31, 32, 33, 8192):  # at the borders of batches
        assert [*streams.ints(n)] == [*range(n)] and streams.sum(range(n)) == sum(range(n))
    users = [User(str(n), n % 256) for n in range(1000)]
    assert [*streams.users(users)] == [*streams.echo(iter(users))] == [*streams.echo(users)] == users


def test_streams_of_objects() -> None:
    stores = [*load("Streams").stores(100)]
    assert len({store._handle for store in stores}) == 100
    for store in stores:
        with store:
            assert store.count() == 0


def test_stream_items_larger_than_a_batch_arrive() -> None:
    words = ["w" * n for n in (0, 1, 65_535, 65_536, 1 << 20)] * 3
    assert [*load("Streams").words(words, -1)] == words


def many_in_constant_memory(n: int) -> None:
    tracemalloc = pytest.importorskip("tracemalloc")  # PyPy has none
    streams = load("Streams")
    sum(streams.ints(10_000)) + streams.sum(range(10_000))  # what is made once
    tracemalloc.start()
    try:
        assert sum(streams.ints(n)) == n * (n - 1) // 2
        assert streams.sum(range(n)) == n * (n - 1) // 2
        assert tracemalloc.get_traced_memory()[1] < 2 << 20
    finally:
        tracemalloc.stop()


def test_a_long_stream_takes_constant_memory() -> None:
    many_in_constant_memory(100_000)


@pytest.mark.slow
def test_ten_million_items_take_constant_memory() -> None:
    runtime = libraries.load("objects").runtime
    many_in_constant_memory(10**6)
    runtime.gc()
    before = runtime.stats().heap
    assert sum(load("Streams").ints(10**7)) == 10**7 * (10**7 - 1) // 2
    assert (
        runtime.stats().heap - before < 32 << 20
    )  # Go collects when its heap has doubled, at the least 4 MiB
    assert load("Streams").sum(range(10**7)) == 10**7 * (10**7 - 1) // 2
    assert runtime.stats().heap - before < 32 << 20


# How far ahead


def test_the_first_item_comes_before_the_second_is_there() -> None:
    streams = load("Streams")
    items = streams.gated()
    for n in range(5):
        assert next(items) == n
        if n < 4:
            streams.open_gate()  # only now is there another one


def test_a_slow_consumer_stops_the_producer() -> None:
    """The producer is at most one batch ahead of what was fetched, and a batch grows only as it is taken."""
    streams = load("Streams")
    items, taken = streams.counted(), 0
    for _ in range(50):
        for _ in range(700):
            taken += 1
            assert next(items) == taken
        ahead = streams.produced() - taken
        assert 0 <= ahead <= 2 * LARGEST_BATCH + 1, f"{ahead} items ahead after {taken}"
    items.close()


def test_the_producer_is_not_begun_before_the_first_item_is_asked_for() -> None:
    streams = load("Streams")
    items = streams.counted()
    streams.active()
    assert streams.produced() == 0
    assert next(items) == 1 and streams.produced() <= 16 + 32
    items.close()


def test_go_asks_an_iterator_for_no_more_than_it_needs() -> None:
    asked: list[int] = []

    def numbers() -> Iterator[int]:
        for n in range(10**9):
            asked.append(n)
            yield n

    assert load("Streams").first(numbers(), 1) == [0] and asked == [0]
    asked.clear()
    assert load("Streams").first(numbers(), 100) == [*range(100)] and len(asked) < 300


def test_a_stream_through_go_is_as_lazy_as_its_source() -> None:
    asked: list[int] = []

    def users() -> Iterator[User]:
        for n in range(10**9):
            asked.append(n)
            yield User(str(n), 1)

    stream = load("Streams").echo(users())
    assert [next(stream).name for _ in range(3)] == ["0", "1", "2"]
    stream.close()
    assert collect_until(stopped) and len(asked) < 200


# How they end


def test_errors_come_after_the_items_before_them() -> None:
    for count in (0, 1, 2, 20, 5000):
        words, seen = [str(n) for n in range(count + 1)], []
        with pytest.raises(NotFound) as caught:
            for word in load("Streams").words(words, count):
                seen.append(word)  # noqa: PERF402
        assert seen == words[:count] and caught.value.key == str(count)
    with pytest.raises(gobind.GoError, match="^no word$"):
        [*load("Streams").words([""], 0)]


def test_panics_come_after_the_items_before_them() -> None:
    for after in (0, 1, 3, 1000):
        seen: list[int] = []
        with pytest.raises(gobind.GoPanic) as caught:
            for item in load("Streams").panics(after):
                seen.append(item)  # noqa: PERF402
        assert seen == [*range(after)]
        assert caught.value.value == "the stream panics" and "Panics" in caught.value.go_stack


def test_a_stream_that_has_ended_stays_so() -> None:
    for stream in (load("Streams").ints(1), load("Streams").words(["", ""], 1)):
        with pytest.raises((StopIteration, gobind.GoError)):
            next(stream), next(stream)
        assert [*stream] == []


def leave_by_break(stream: Iterator[int]) -> None:
    for item in stream:
        if item == 3:
            break


def leave_by_close(stream: Any) -> None:
    next(stream)
    stream.close()
    assert [*stream] == []


def leave_by_exception(stream: Iterator[int]) -> None:
    with pytest.raises(KeyError):
        for _ in stream:
            raise KeyError


def leave_in_a_circle(stream: Any) -> None:
    circle = [next(stream), stream]
    circle.append(circle)


def leave_unbegun(stream: Any) -> None: ...


@pytest.mark.parametrize("name", ["forever", "stubborn", "counted", "gated"])
@pytest.mark.parametrize(
    "leave", [leave_by_break, leave_by_close, leave_by_exception, leave_in_a_circle, leave_unbegun]
)
def test_a_stream_that_is_left_stops_and_its_context_ends(leave: Callable[[Any], None], name: str) -> None:
    """``forever`` ends only with its context."""
    if name == "gated" and leave is leave_by_break:
        return  # it never gets so far
    for _ in range(20):
        leave(getattr(load("Streams"), name)())
    assert collect_until(lambda: not any(left()))


def abandon(times: int) -> None:
    streams = load("Streams")
    for _ in range(times):
        for item in streams.forever():
            if item == 3:
                break
    assert collect_until(lambda: not any(left())), f"left: {left()}"


def test_abandoned_streams_leave_no_goroutine() -> None:
    abandon(500)


@pytest.mark.slow
def test_a_hundred_thousand_abandoned_streams_leave_no_goroutine() -> None:
    abandon(100_000)


def test_streams_of_many_threads() -> None:
    streams, sums = load("Streams"), []
    threads = [threading.Thread(target=lambda: sums.append(sum(streams.ints(20_000)))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sums == [sum(range(20_000))] * 8


# Iterators of Python


@pytest.mark.parametrize("wanted", [1, 2, 3, 50])
def test_iterators_are_closed_when_go_stops_early(wanted: int) -> None:
    said = []

    def numbers() -> Iterator[int]:
        try:
            yield from range(10**9)
        finally:
            said.append("closed")

    source = numbers()
    assert load("Streams").first(source, wanted) == [*range(wanted)] and said == ["closed"]
    assert [*source] == []


@pytest.mark.parametrize("count", [0, 1, 2, 3, 100])
def test_errors_of_iterators_come_back_as_they_are(count: int) -> None:
    error = KeyError("k")

    def numbers() -> Iterator[int]:
        yield from range(count)
        raise error

    for call in (load("Streams").sum, lambda source: load("Streams").first(source, 10**6)):
        with pytest.raises(KeyError) as caught:
            call(numbers())
        assert caught.value is error
    error.__traceback__ = None


@pytest.mark.parametrize("source", [["x"], [1, 2, 3, "x", 5], (each for each in (1, "x"))])
def test_a_wrong_item_is_named(source: Any) -> None:
    with pytest.raises(TypeError) as caught:
        load("Streams").sum(source)
    assert str(caught.value) == "Iterable[int]: item: expected int, got str"
    assert caught.value.__cause__ is None and caught.value.__suppress_context__


def test_iterators_die_with_their_call() -> None:
    class Numbers:
        def __iter__(self) -> Iterator[int]:
            return iter([1, 2])

    numbers = Numbers()
    reference = weakref.ref(numbers)
    assert load("Streams").sum(numbers) == 3
    del numbers
    gc.collect()
    assert reference() is None


# The event loop


def test_async_streams() -> None:
    streams = load("Streams")

    async def main() -> None:
        assert [n async for n in streams.slow(4, 1)] == [0, 1, 2, 3]
        with pytest.raises(NotFound):
            await streams.refused()
        items = streams.slow(1000, 0)
        assert await items.__anext__() == 0
        await items.aclose()
        assert [n async for n in items] == []
        both = [streams.slow(200, 0), streams.slow(200, 0)]
        lists = await asyncio.gather(*(listed(stream) for stream in both))
        assert lists == [[*range(200)]] * 2

    asyncio.run(main())


async def listed(stream: Any) -> list[int]:
    return [n async for n in stream]


@pytest.mark.parametrize("leave", ["break", "exception", "cancel", "unbegun"])
def test_async_streams_that_are_left(leave: str) -> None:
    streams = load("Streams")

    async def consume(got: asyncio.Event) -> None:
        async for _ in streams.slow(10**9, 1):
            got.set()
            if leave == "break":
                break
            if leave == "exception":
                raise KeyError

    async def main() -> None:
        got = asyncio.Event()
        if leave == "unbegun":
            streams.slow(3, 1)
            return
        task = asyncio.ensure_future(consume(got))
        await got.wait()
        if leave == "cancel":
            task.cancel()
        await asyncio.wait([task])
        assert task.cancelled() == (leave == "cancel")
        assert leave == "cancel" or isinstance(task.exception(), KeyError) == (leave == "exception")

    asyncio.run(main())
    assert collect_until(lambda: not any(left()))


class Numbers:
    """An async source that knows how it ended."""

    def __init__(self, count: int, error: BaseException | None = None, waits: bool = False) -> None:
        self.count, self.error, self.waits = count, error, waits
        self.reached, self.closed = asyncio.Event(), asyncio.Event()

    async def items(self) -> AsyncIterator[int]:
        try:
            for number in range(self.count):
                yield number
            self.reached.set()
            if self.error is not None:
                raise self.error
            if self.waits:
                await asyncio.get_running_loop().create_future()  # for ever
        finally:
            self.closed.set()


def test_async_iterables_of_python() -> None:
    streams, error = load("Streams"), KeyError("k")

    async def main() -> None:
        for count in (0, 1, 2, 1000):
            assert await streams.sum_later(Numbers(count).items()) == sum(range(count))
            source = Numbers(count, error)
            with pytest.raises(KeyError) as caught:
                await streams.sum_later(source.items())
            assert caught.value is error and source.closed.is_set()
        with pytest.raises(TypeError, match="^numbers: expected AsyncIterable\\[int\\], got list$"):
            await streams.sum_later([1])

    asyncio.run(main())
    error.__traceback__ = None


def test_cancelling_closes_the_async_iterable() -> None:
    async def main() -> None:
        source = Numbers(3, waits=True)
        task = asyncio.ensure_future(load("Streams").sum_later(source.items()))
        await source.reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await source.closed.wait()

    asyncio.run(main())
