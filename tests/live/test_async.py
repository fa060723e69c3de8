"""Awaiting Go: every way to wait, to cancel, and to go away while a call is in flight."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import sys
import threading
import time
from collections import Counter
from typing import Any

import libraries
import pytest
from programs import run

import gobind
import gobind._debug
from gobind.runtime.wait import asyncio_loop

sleeper_py = libraries.contract_of("sleeper")


@pytest.fixture(scope="module")
def sleeper() -> Any:
    return libraries.load("sleeper", sleeper_py.Sleeper)


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def settled(sleeper: Any, *counts: int) -> None:
    """Wait until calls that nobody waits for have come back: started, finished, cancelled."""
    for _ in range(10_000):
        if sleeper.counts() == sleeper_py.Counts(*counts):
            return
        time.sleep(0.001)
    raise AssertionError(f"{sleeper.counts()} is not {counts}")


def moved(before: Any, started: int, finished: int, cancelled: int) -> tuple[int, int, int]:
    return before.started + started, before.finished + finished, before.cancelled + cancelled


# Results and failures


@pytest.mark.parametrize("method", ["repeat", "repeat_by_ring"])
@pytest.mark.parametrize("n", [0, 1, 3, 5_000, 1_000_000])
def test_results_of_any_size(sleeper: Any, method: str, n: int) -> None:
    assert asyncio.run(getattr(sleeper, method)("ä\0", n)) == ["ä\0"] * n


@pytest.mark.parametrize("method", ["fail", "fail_by_ring"])
def test_errors_and_panics(sleeper: Any, method: str) -> None:
    async def main() -> None:
        fail = getattr(sleeper, method)
        hows = ["error", "refused", "panic", "nil panic", "error"]
        errors = await asyncio.gather(*map(fail, hows), return_exceptions=True)
        kinds = [gobind.GoError, sleeper_py.Refused, gobind.GoPanic, gobind.GoPanic, gobind.GoError]
        assert [type(error) for error in errors] == kinds
        assert str(errors[0]) == "it failed" and errors[1].number == 7  # type: ignore[union-attr]
        assert errors[2].value == "it panicked" and "server.go" in errors[2].go_stack  # type: ignore[union-attr]
        assert await sleeper.echo_later(5) == 5

    asyncio.run(main())


def test_a_wrong_argument_is_refused_where_it_is_awaited(sleeper: Any) -> None:
    async def main() -> None:
        with pytest.raises(TypeError, match="^n: expected int, got str$"):
            await sleeper.echo_later("x")

    asyncio.run(main())


# Ways to wait


def test_two_sleeps_of_a_second_take_one(sleeper: Any) -> None:
    async def main() -> list[int]:
        return await asyncio.gather(sleeper.sleep_later(1000), sleeper.sleep_by_ring(1000))

    start = time.monotonic()
    assert asyncio.run(main()) == [1000, 1000]
    assert 0.99 < time.monotonic() - start < 1.8


def test_ten_thousand_sleepers_and_a_loop_that_stays_responsive(sleeper: Any) -> None:
    late: list[float] = []

    async def tick() -> None:
        while True:
            start = time.monotonic()
            await asyncio.sleep(0.01)
            late.append(time.monotonic() - start - 0.01)

    async def main() -> list[int]:
        ticker = asyncio.create_task(tick())
        try:
            return await asyncio.gather(*[sleeper.sleep_later(1000) for _ in range(10_000)])
        finally:
            ticker.cancel()

    start = time.monotonic()
    assert asyncio.run(main()) == [1000] * 10_000
    if sys.flags.dev_mode:  # asyncio's debug mode keeps a stack for each task
        return
    assert time.monotonic() - start < 3
    assert sorted(late)[len(late) // 2] < 0.02


@pytest.mark.skipif(sys.version_info < (3, 11), reason="has no TaskGroup")
def test_task_groups_cancel_the_other_calls(sleeper: Any) -> None:
    before = sleeper.counts()

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(sleeper.sleep_later(60_000))
            group.create_task(sleeper.sleep_by_ring(60_000))
            group.create_task(sleeper.fail("error"))

    with pytest.raises(BaseException) as caught:
        asyncio.run(main())
    assert [type(error) for error in caught.value.exceptions] == [gobind.GoError]  # type: ignore[attr-defined]
    settled(sleeper, *moved(before, 2, 0, 2))


@pytest.mark.parametrize("method", ["sleep_later", "sleep_by_ring"])
def test_wait_for_cancels_the_call_in_go(sleeper: Any, method: str) -> None:
    before = sleeper.counts()

    async def main() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(getattr(sleeper, method)(60_000), 0.01)
        assert await asyncio.wait_for(getattr(sleeper, method)(1), 60) == 1

    asyncio.run(main())
    settled(sleeper, *moved(before, 2, 1, 1))


@pytest.mark.skipif(sys.version_info < (3, 11), reason="has no asyncio.timeout")
def test_asyncio_timeout(sleeper: Any) -> None:
    before = sleeper.counts()

    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await sleeper.sleep_later(60_000)

    asyncio.run(main())
    settled(sleeper, *moved(before, 1, 0, 1))


def test_several_loops_in_several_threads(sleeper: Any) -> None:
    seen: list[list[int]] = []

    async def main(base: int) -> list[int]:
        calls = [sleeper.echo_later, sleeper.echo_by_ring, sleeper.echo_by_ring_of_1]
        return await asyncio.gather(*[calls[i % 3](base + i) for i in range(3000)])

    threads = [threading.Thread(target=lambda k=k: seen.append(asyncio.run(main(k)))) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == [[*range(k, k + 3000)] for k in range(4)]


def test_loop_after_loop_leaves_nothing_behind(sleeper: Any) -> None:
    async def main() -> None:
        asyncio.ensure_future(sleeper.sleep_later(60_000))  # still in flight at the end
        assert await asyncio.gather(sleeper.echo_later(1), sleeper.echo_by_ring(2)) == [1, 2]  # type: ignore[comparison-overlap]

    runtime = libraries.load("sleeper").runtime
    for _ in range(3):
        asyncio.run(main())
    gc.collect()
    descriptors, goroutines = open_descriptors(), runtime.stats().goroutines
    for _ in range(100):
        asyncio.run(main())
    gc.collect()
    assert open_descriptors() == descriptors
    assert runtime.stats().goroutines <= goroutines + 2


def test_calls_work_on_uvloop(sleeper: Any) -> None:
    uvloop = pytest.importorskip("uvloop")

    async def main() -> None:
        assert await asyncio.gather(*map(sleeper.echo_later, range(2000))) == [*range(2000)]
        assert await asyncio.gather(*map(sleeper.echo_by_ring, range(2000))) == [*range(2000)]
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(sleeper.sleep_later(60_000), 0.01)

    for _ in range(3):
        loop = uvloop.new_event_loop()
        loop.run_until_complete(main())
        loop.close()


class Proactor(asyncio.SelectorEventLoop):
    """A loop that watches no descriptors, as Windows' own."""

    def __init__(self) -> None:
        self.is_ready = False
        super().__init__()  # which watches a descriptor itself
        self.is_ready = True

    def add_reader(self, *_: Any) -> None:  # type: ignore[override]
        raise NotImplementedError


def test_loop_without_descriptor_watching_uses_a_thread(sleeper: Any) -> None:
    async def main() -> None:
        for i in range(100):
            assert await sleeper.echo_later(i) == i
        assert await asyncio.gather(*map(sleeper.echo_later, range(2000))) == [*range(2000)]
        assert await asyncio.gather(*map(sleeper.echo_by_ring, range(2000))) == [*range(2000)]
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(sleeper.sleep_later(60_000), 0.01)
        asyncio.ensure_future(sleeper.sleep_later(60_000))
        await asyncio.sleep(0)

    def waiting() -> list[threading.Thread]:
        return [thread for thread in threading.enumerate() if thread.name == "gobind queue"]

    for _ in range(5):
        loop = Proactor()
        loop.run_until_complete(main())
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
    del loop, task
    gc.collect()
    for thread in waiting():
        thread.join(10)
    assert waiting() == []


# Cancellation


async def all_cancelled(sleeper: Any, before: Any) -> None:
    """Wait until as many calls were cancelled as have begun, while the loop lives: its end cancels them too."""
    for _ in range(10_000):
        now = sleeper.counts()
        if now.started - before.started == now.cancelled - before.cancelled:
            return
        await asyncio.sleep(0.001)
    raise AssertionError(now)


@pytest.mark.parametrize("method", ["sleep_later", "sleep_by_ring"])
@pytest.mark.parametrize("pause", [0, 0.05])
def test_a_cancelled_task_ends_at_once_and_so_does_its_context(
    sleeper: Any, method: str, pause: float
) -> None:
    async def main() -> None:
        before = sleeper.counts()
        tasks = [asyncio.ensure_future(getattr(sleeper, method)(60_000)) for _ in range(1000)]
        await asyncio.sleep(pause)
        for task in tasks:
            task.cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert Counter(map(type, done)) == {asyncio.CancelledError: 1000}
        await all_cancelled(sleeper, before)

    asyncio.run(main())


@pytest.mark.parametrize("method", ["sleep_later", "sleep_by_ring"])
def test_a_call_cancelled_in_the_turn_that_sent_it(sleeper: Any, method: str) -> None:
    """Go, which was idle, has not read the request by then."""

    async def main() -> None:
        before = sleeper.counts()
        for _ in range(50):
            task = asyncio.ensure_future(getattr(sleeper, method)(60_000))
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.sleep(0.002)
        await all_cancelled(sleeper, before)

    asyncio.run(main())


def test_a_coroutine_closed_in_the_turn_that_sent_its_call(sleeper: Any) -> None:
    """The request still waits for the turn's end, where requests go over together."""

    async def main() -> None:
        before = sleeper.counts()
        for _ in range(10):
            coroutine = sleeper.sleep_later(60_000)
            coroutine.send(None)
            coroutine.close()
        await asyncio.sleep(0)
        settled(sleeper, *moved(before, 10, 0, 10))

    asyncio.run(main())


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The loops that a cancellation asks, in order."""
    found: list[Any] = []
    cancel = asyncio_loop.LoopCalls.cancel

    def cancel_noted(calls: Any, number: int) -> None:
        found.append(calls.loop())
        cancel(calls, number)

    monkeypatch.setattr(asyncio_loop.LoopCalls, "cancel", cancel_noted)
    return found


@pytest.fixture
def two_loops(sleeper: Any) -> Any:
    """Two loops that have both called."""
    loops = [asyncio.new_event_loop() for _ in range(2)]
    for loop in loops:
        assert loop.run_until_complete(sleeper.echo_later(1)) == 1
    yield loops
    for loop in loops:
        loop.close()


async def begun(coroutine: Any) -> Any:
    """Send the call of a coroutine that no task runs."""
    coroutine.send(None)
    await asyncio.sleep(0)
    return coroutine


@pytest.mark.parametrize("method", ["sleep_later", "sleep_by_ring", "fail", "fail_by_ring"])
@pytest.mark.parametrize("which", [0, 1])
def test_cancelling_asks_the_running_loop(
    sleeper: Any, two_loops: Any, asked: list[Any], method: str, which: int
) -> None:
    """So does dropping the status of an error."""
    argument = "error" if method.startswith("fail") else 60_000

    async def main() -> None:
        task = asyncio.ensure_future(getattr(sleeper, method)(argument))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises((asyncio.CancelledError, gobind.GoError)):
            await task

    two_loops[which].run_until_complete(main())
    assert asked == [two_loops[which]]


@pytest.mark.parametrize("is_another_running", [False, True])
def test_a_coroutine_closed_outside_of_its_loop_cancels_there(
    sleeper: Any, two_loops: Any, asked: list[Any], is_another_running: bool
) -> None:
    before = sleeper.counts()
    one, other = two_loops

    async def close(coroutine: Any) -> None:
        coroutine.close()

    coroutine = one.run_until_complete(begun(sleeper.sleep_later(60_000)))
    if is_another_running:
        other.run_until_complete(close(coroutine))
    else:
        coroutine.close()
    assert asked == [one]
    settled(sleeper, *moved(before, 1, 0, 1))


def test_a_coroutine_closed_after_its_response_came_drops_that(
    sleeper: Any, two_loops: Any, asked: list[Any]
) -> None:
    live = gobind._debug.live()
    one, other = two_loops

    async def main() -> Any:
        coroutine = sleeper.repeat("x", 100_000)  # which Go keeps until somebody asks
        future = coroutine.send(None)
        while not future.done():
            await asyncio.sleep(0.001)
        return coroutine

    async def close(coroutine: Any) -> None:
        coroutine.close()

    coroutine = one.run_until_complete(main())
    other.run_until_complete(close(coroutine))
    assert asked == [one]
    assert gobind._debug.live() == live


def test_an_entry_of_a_dead_loop_is_not_taken_for_a_new_one_of_its_id(sleeper: Any, two_loops: Any) -> None:
    """As if the callback that removes an entry had been struck by the exception of a signal handler."""
    (dispatcher,) = {
        key: each for key, each in asyncio_loop._dispatchers.items() if "sleeper" in key.path
    }.values()
    one, other = two_loops
    fresh = asyncio.new_event_loop()
    stale = dispatcher._loops[id(fresh)] = dispatcher._loops.pop(id(one))
    one.close()

    async def main() -> list[int]:
        assert dispatcher.parked(5).queue == 0
        task = asyncio.ensure_future(sleeper.sleep_later(60_000))
        await asyncio.sleep(0)
        assert dispatcher.parked(5).queue == dispatcher._loops[id(fresh)].queue.id
        task.cancel()
        return await asyncio.gather(*map(sleeper.echo_later, range(100)))

    assert fresh.run_until_complete(asyncio.wait_for(main(), 10)) == [*range(100)]
    assert dispatcher._loops[id(fresh)] is not stale and not stale.queue.is_ours
    fresh.close()


def test_a_call_that_is_never_awaited_is_not_made(sleeper: Any) -> None:
    before = sleeper.counts()
    sleeper.sleep_later(60_000).close()

    async def main() -> None:
        task = asyncio.ensure_future(sleeper.sleep_later(60_000))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert sleeper.counts() == before


def test_the_buffer_of_a_cancelled_call_stays_until_go_is_done(sleeper: Any) -> None:
    async def main() -> None:
        data = bytearray(b"\1" * 100_000)
        task = asyncio.ensure_future(sleeper.fill_after("buffer", data, 9))
        await asyncio.to_thread(sleeper.wait_started, "buffer", 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        del task
        gc.collect()  # until 3.11 a task's exception refers to what the call did
        with pytest.raises(BufferError):  # Go holds it
            data.append(0)
        sleeper.open_gate("buffer")
        for _ in range(10_000):
            try:
                data.append(0)
                break
            except BufferError:
                await asyncio.sleep(0.001)
                if sys.implementation.name != "cpython":  # its ctypes gives a buffer back when it collects
                    gc.collect()
        assert data == b"\t" * 100_000 + b"\0"

    asyncio.run(main())


def test_the_buffer_of_a_call_whose_loop_is_gone_stays(sleeper: Any) -> None:
    data = bytearray(b"\1" * 100_000)

    async def main() -> None:
        asyncio.ensure_future(sleeper.fill_after("orphan", data, 7))
        await asyncio.to_thread(sleeper.wait_started, "orphan", 1)

    asyncio.run(main())
    gc.collect()
    asyncio.run(sleeper.echo_later(1))  # closes the queue of the first loop
    with pytest.raises(BufferError):  # Go holds it
        data.append(0)
    sleeper.open_gate("orphan")
    while data[-1] != 7:
        time.sleep(0.001)
    assert data == b"\7" * 100_000


def random_cancellations(sleeper: Any, calls: int, seed: int) -> Counter[str]:
    """Make calls of all sorts on a loop of this thread and cancel some of them; each ends exactly once."""
    numbers = random.Random(seed)
    ended: Counter[str] = Counter()

    async def one(i: int) -> None:
        kind = numbers.randrange(5)
        try:
            if kind == 0:
                assert await sleeper.echo_later(i) == i
            elif kind == 1:
                assert await sleeper.echo_by_ring(i) == i
            elif kind == 2:
                assert await sleeper.echo_by_ring_of_2(i) == i
            elif kind == 3:
                assert await sleeper.repeat("x" * 40, i % 500) == ["x" * 40] * (i % 500)
            else:
                await sleeper.sleep_later(i % 3)
            ended["done"] += 1
        except asyncio.CancelledError:
            ended["cancelled"] += 1
            raise
        except BaseException as error:
            ended[repr(error)] += 1

    async def main() -> None:
        for start in range(0, calls, 500):
            tasks = [asyncio.ensure_future(one(i)) for i in range(start, min(start + 500, calls))]
            for task in tasks:
                task.add_done_callback(lambda _: ended.update(ended=1))
            while tasks:
                for task in numbers.sample(tasks, len(tasks) // 8):
                    task.cancel()
                await asyncio.sleep(0)
                tasks = [task for task in tasks if not task.done()]
                if numbers.random() < 0.3:
                    await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(main())
    return ended


def cancel_in_threads(sleeper: Any, calls: int, loops: int = 4) -> Counter[str]:
    """`random_cancellations` from several threads; how many tasks ended in which way."""
    total: Counter[str] = Counter()
    lock = threading.Lock()

    def work(seed: int) -> None:
        ended = random_cancellations(sleeper, calls, seed)
        with lock:
            total.update(ended)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(loops)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return total


def test_random_cancellations_from_four_loops(sleeper: Any) -> None:
    ended = cancel_in_threads(sleeper, 5000)
    assert set(ended) == {"done", "cancelled", "ended"}
    assert ended["ended"] == 20_000  # a task that was cancelled before it began leaves no other trace
    assert ended["done"] > 1000 and ended["cancelled"] > 1000


# Going away


LEAVING = {
    "a closed loop": """
loop = asyncio.new_event_loop()
tasks = [loop.create_task(sleeper.sleep_later(30)) for _ in range(100)]
loop.run_until_complete(asyncio.sleep(0.01))
for task in tasks:
    task.cancel()
loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
loop.close()
time.sleep(0.1)
""",
    "a thread that ended": """
def work():
    loop = asyncio.new_event_loop()
    call = sleeper.sleep_later(50)
    loop.call_soon(call.send, None)  # as a task would, but nobody warns of it
    loop.call_later(0.01, loop.stop)
    loop.run_forever()
    loop.close()
    call.close()
thread = threading.Thread(target=work)
thread.start()
thread.join()
time.sleep(0.1)
""",
    "a daemon thread's loop": """
started = threading.Event()
async def main():
    started.set()
    await asyncio.gather(*[sleeper.sleep_later(20) for _ in range(1000)])
threading.Thread(target=lambda: asyncio.run(main()), daemon=True).start()
started.wait()
""",
    "asyncio.run with tasks": """
async def main():
    for _ in range(1000):
        asyncio.ensure_future(sleeper.sleep_later(20))
    await asyncio.sleep(0.005)
asyncio.run(main())
""",
    "calls that nobody awaits": """
loop = asyncio.new_event_loop()
futures = []
async def main():
    for i in range(1000):
        call = sleeper.sleep_later(i % 20)
        futures.append((call, call.send(None)))
loop.run_until_complete(main())
loop.close()
""",
}


@pytest.mark.parametrize("way", LEAVING)
def test_leaving_with_calls_in_flight(way: str) -> None:
    for status in range(3):
        assert run(LEAVING[way] + f"\nsys.exit({status})\n", "-X", "dev") == (status, "", "")
