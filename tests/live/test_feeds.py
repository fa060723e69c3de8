"""An item of a stream goes over when it is there, whatever comes next."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any, Callable

import libraries
import pytest
from crossing import failures_let_go

import gobind

__all__ = ["failures_let_go"]

failures_py = libraries.contract_of("failures")

SECONDS = 10
"""That a source waits for what is on its way; it comes at once or never."""


@pytest.fixture(scope="module")
def feeds() -> Any:
    return libraries.load("failures", failures_py.Feeds)


class Feed:
    """Numbers in bursts; behind each burst the next number comes when all before it have come to Go.

    Such a source waits for ever, were a number kept back until the next one is there.
    """

    BURSTS = (1, 1, 2, 5000, 1, 3, 100, 1)

    def __init__(self) -> None:
        self.taken: list[int] = []
        self.seen = threading.Condition()

    def take(self, n: int) -> None:
        with self.seen:
            self.taken.append(n)
            self.seen.notify()

    def numbers(self) -> Iterator[int]:
        count = 0
        for burst in self.BURSTS:
            yield from range(count, count + burst)
            count += burst
            with self.seen:
                assert self.seen.wait_for(lambda: len(self.taken) == count, SECONDS)  # noqa: B023

    async def numbers_later(self) -> AsyncIterator[int]:
        count = 0
        for burst in self.BURSTS:
            for n in range(count, count + burst):
                yield n
            count += burst
            for _ in range(100 * SECONDS):
                if len(self.taken) == count:
                    break
                await asyncio.sleep(0.01)
            assert len(self.taken) == count


class GoFeed(Feed, failures_py.Feed):  # type: ignore[misc, name-defined]
    """The same as an object that Go asks for its numbers."""


async def later(method: Any, source: Any, feed: Feed) -> Any:
    return await method(source, feed.take)


WAYS: dict[str, Callable[[Any, Feed], int]] = {
    "each": lambda feeds, feed: feeds.each(feed.numbers(), feed.take),
    "each_blocking": lambda feeds, feed: feeds.each_blocking(feed.numbers(), feed.take),
    "each_later": lambda feeds, feed: asyncio.run(later(feeds.each_later, feed.numbers(), feed)),
    "each_async": lambda feeds, feed: asyncio.run(later(feeds.each_async, feed.numbers_later(), feed)),
    "each_of": lambda feeds, feed: feeds.each_of(feed),
}


@pytest.mark.parametrize("way", WAYS)
def test_an_item_does_not_wait_for_the_next(feeds: Any, way: str) -> None:
    feed, everything = GoFeed(), [*range(sum(Feed.BURSTS))]
    assert WAYS[way](feeds, feed) == len(everything)
    assert feed.taken == everything


def test_an_item_of_go_does_not_wait_for_the_next(feeds: Any) -> None:
    for n in (1, 2, 5000):
        items = feeds.burst(n)
        assert [next(items) for _ in range(n)] == [*range(n)]
        for more in range(n, n + 3):
            feeds.go_on()
            assert next(items) == more
        items.close()


def test_an_async_source_runs_in_one_task(feeds: Any) -> None:
    """A timeout that it sets around some of its items belongs to the task it is set in."""
    tasks = []

    async def source() -> AsyncIterator[int]:
        for n in range(200):
            tasks.append(asyncio.current_task())
            if n % 7 == 0:
                await asyncio.sleep(0)
            yield n

    async def main() -> None:
        assert await feeds.each_async(source(), lambda n: None) == 200

    asyncio.run(main())
    assert len(tasks) == 200 and len({*tasks}) == 1


def test_an_async_source_is_left_when_an_item_cannot_be_sent(feeds: Any) -> None:
    async def source() -> AsyncIterator[Any]:
        yield 1
        yield "x"

    async def main() -> None:
        before = asyncio.all_tasks()
        with pytest.raises(TypeError, match="expected int, got str"):
            await feeds.each_async(source(), lambda n: None)
        for _ in range(1000):
            if asyncio.all_tasks() == before:
                break
            await asyncio.sleep(0.01)
        assert asyncio.all_tasks() == before

    asyncio.run(main())


def test_two_calls_share_an_async_source(feeds: Any) -> None:
    async def source() -> AsyncIterator[int]:
        for n in range(1000):
            if n % 10 == 0:
                await asyncio.sleep(0)
            yield n

    async def main() -> list[int]:
        taken: list[int] = []
        numbers = source()
        counts = await asyncio.gather(*[feeds.each_async(numbers, taken.append) for _ in range(2)])
        assert sum(counts) == len(taken)
        return taken

    assert sorted(asyncio.run(main())) == [*range(1000)]


def test_go_leaves_an_async_source_that_waits(feeds: Any) -> None:
    """Cancelling the call ends the source, and what it does about that is waited for by nobody."""

    async def main() -> None:
        came, ended = asyncio.Event(), asyncio.Event()

        async def source() -> AsyncIterator[int]:
            try:
                yield 1
                came.set()
                await asyncio.get_running_loop().create_future()  # for ever
            finally:
                for _ in range(100):  # it takes its time, whatever else tells it to end
                    await asyncio.sleep(0.001)
                ended.set()

        task = asyncio.ensure_future(feeds.each_async(source(), lambda n: None))
        await came.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await ended.wait()

    asyncio.run(asyncio.wait_for(main(), 30))


def test_a_method_that_ends_its_goroutine_leaves_its_stream() -> None:
    """The loop over the items is ended by Goexit: the source is closed, and the call has an error."""
    faults, closed = libraries.load("failures", failures_py.Faults), []

    def source() -> Iterator[int]:
        try:
            yield from range(10)
        finally:
            closed.append(True)

    for _ in range(3):
        with pytest.raises(gobind.GoPanic, match="^runtime.Goexit was called in Faults.give_at: "):
            faults.give_at(source(), 5, "Goexit")
        with pytest.raises(gobind.GoPanic, match="^it panics"):
            faults.give_at(source(), 5, "panic")
    assert closed == [True] * 6
