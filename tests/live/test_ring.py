"""Rings: order, back-pressure, waking up, and calls that nobody waits for."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from pathlib import Path
from typing import Any

import libraries
import pytest
from programs import run

import gobind

sleeper_py = libraries.contract_of("sleeper")
PUSHES = ["push", "push_by_2", "push_by_1024"]
ECHOES = ["echo_by_ring_of_1", "echo_by_ring_of_2", "echo_by_ring"]


@pytest.fixture(scope="module")
def sleeper() -> Any:
    return libraries.load("sleeper", sleeper_py.Sleeper)


@pytest.mark.parametrize("push", PUSHES)
@pytest.mark.parametrize("n", [1, 2, 3, 1024, 5000])
def test_one_way_calls_keep_their_order(sleeper: Any, push: str, n: int) -> None:
    for i in range(n):
        assert getattr(sleeper, push)(i) is None
    assert sleeper.pushed(n) == [*range(n)]


def test_one_way_requests_of_any_size(sleeper: Any) -> None:
    sizes = [0, 1, 1000, 70_000, 3_000_000, 5]
    for size in sizes:
        sleeper.push_text("x" * size)
    assert sleeper.pushed(len(sizes)) == sizes


def test_full_ring_blocks_the_caller(sleeper: Any) -> None:
    start = time.monotonic()
    for i in range(6):
        sleeper.push_slowly(i, 20)
    assert time.monotonic() - start > 0.07  # one request waits, one is under way; the others had to
    assert sleeper.pushed(6) == [*range(6)]


@pytest.mark.parametrize("push", PUSHES)
def test_several_producers(sleeper: Any, push: str) -> None:
    def produce(k: int) -> None:
        for i in range(k, 8000, 4):
            getattr(sleeper, push)(i)

    threads = [threading.Thread(target=produce, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seen = sleeper.pushed(8000)
    assert sorted(seen) == [*range(8000)]
    for k in range(4):  # each one's order is kept
        assert [n for n in seen if n % 4 == k] == [*range(k, 8000, 4)]


def test_the_first_calls_of_many_threads_share_one_ring() -> None:
    text = """
barrier = threading.Barrier(16)
def first(k):
    barrier.wait()
    sleeper.push(k)
threads = [threading.Thread(target=first, args=(k,)) for k in range(16)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert sorted(sleeper.pushed(16)) == [*range(16)]
"""
    assert run(text) == (0, "", "")


def test_a_panic_in_a_one_way_call_is_logged_and_the_next_are_made() -> None:
    text = "sleeper.push_panic('it went wrong'); sleeper.push_by_1024(1); assert sleeper.pushed(1) == [1]"
    status, output, errors = run(text)
    assert (status, output) == (0, "")
    assert "gobind: one-way call of Sleeper.push_panic failed: it went wrong\n" in errors


def test_a_wrong_argument_is_refused_and_not_sent(sleeper: Any) -> None:
    with pytest.raises(TypeError, match="^n: expected int, got str$"):
        sleeper.push("x")
    sleeper.push(1)
    assert sleeper.pushed(1) == [1]


@pytest.mark.parametrize("push", PUSHES)
def test_a_ring_that_has_parked_wakes_up(sleeper: Any, push: str) -> None:
    """Pauses around the time that a ring looks before it parks, where a wake-up could be lost."""
    numbers = random.Random(1)
    for i in range(1500):
        getattr(sleeper, push)(i)
        end = time.perf_counter() + numbers.uniform(0, 250e-6)
        if numbers.random() < 0.2:
            time.sleep(numbers.uniform(0, 1e-3))
        while time.perf_counter() < end:
            pass
    assert sleeper.pushed(1500) == [*range(1500)]


@pytest.mark.parametrize("echo", ECHOES)
def test_awaited_calls_wake_a_ring_that_has_parked(sleeper: Any, echo: str) -> None:
    numbers = random.Random(2)

    async def main() -> None:
        for i in range(1000):
            assert await getattr(sleeper, echo)(i) == i
            end = time.perf_counter() + numbers.uniform(0, 250e-6)
            if numbers.random() < 0.2:
                await asyncio.sleep(numbers.uniform(0, 1e-3))
            while time.perf_counter() < end:
                pass

    asyncio.run(asyncio.wait_for(main(), 60))


@pytest.mark.parametrize("echo", ECHOES)
def test_many_awaited_calls_through_a_full_ring(sleeper: Any, echo: str) -> None:
    async def main() -> None:
        for n in (1, 2, 3, 5000):
            assert await asyncio.gather(*map(getattr(sleeper, echo), range(n))) == [*range(n)]

    asyncio.run(main())


def test_a_loop_does_not_stay_awake_for_calls_that_take_long(sleeper: Any) -> None:
    async def main() -> float:
        await sleeper.sleep_by_ring(1)
        start = time.process_time()
        await asyncio.gather(*[sleeper.sleep_by_ring(500) for _ in range(3)])
        return time.process_time() - start

    assert asyncio.run(main()) < 0.1


def test_an_idle_ring_uses_no_processor(sleeper: Any) -> None:
    async def main() -> float:
        await sleeper.echo_by_ring(1)
        sleeper.push(1)
        sleeper.pushed(1)
        await asyncio.sleep(0.05)
        start = time.process_time()
        await asyncio.sleep(1)
        return time.process_time() - start

    assert min(asyncio.run(main()) for _ in range(3)) < 0.005


@pytest.mark.parametrize("n", [1, 3, 2000])
def test_one_way_calls_have_effect_though_the_process_ends(tmp_path: Path, n: int) -> None:
    path = str(tmp_path / "lines")
    text = f"for i in range({n}): sleeper.append_line({path!r}, str(i))\nsys.exit(3)"
    assert run(text) == (3, "", "")
    assert Path(path).read_text() == "".join(f"{i}\n" for i in range(n))


def test_an_atexit_handler_may_send(tmp_path: Path) -> None:
    path = str(tmp_path / "lines")
    assert run(f"atexit.register(sleeper.append_line, {path!r}, 'the last')") == (0, "", "")
    assert Path(path).read_text() == "the last\n"


def test_a_call_that_hangs_does_not_keep_the_process() -> None:
    assert run("sleeper.push_slowly(1, 60_000)\nsys.exit(4)", timeout=20) == (4, "", "")


def test_cancelled_before_go_has_read_it(sleeper: Any) -> None:
    """Many of the requests wait in the ring or before it when their tasks are cancelled."""
    before = sleeper.counts()

    async def main() -> None:
        tasks = [asyncio.ensure_future(sleeper.sleep_by_ring(60_000)) for _ in range(3000)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert await sleeper.echo_by_ring(5) == 5

    asyncio.run(main())
    for _ in range(10_000):
        now = sleeper.counts()
        if now.started - before.started == now.cancelled - before.cancelled:
            break
        time.sleep(0.001)
    assert now.started - before.started == now.cancelled - before.cancelled


def test_memory_of_requests_is_released(sleeper: Any) -> None:
    """A ring of 1024 slots does not keep 1024 requests.

    Each is sent when Go is done with the one before it. Without that the peak tells how far Go falls behind: 2 MB for
    each request that waits, 50 to 200 of them by the machine and the version of Go.
    """
    text = """
for _ in range(300):
    sleeper.push_text("x" * 2_000_000)
    sleeper.pushed(1)
with open("/proc/self/status") as file: status = file.read()  # getrusage tells the peak before exec too
print(int(status.partition("VmHWM:")[2].split()[0]) // 1024)
"""
    status, megabytes, errors = run(text)
    assert (status, errors) == (0, "")
    assert int(megabytes) < 200


def test_ring_errors_are_raised_in_order(sleeper: Any) -> None:
    async def main() -> None:
        calls = [sleeper.fail_by_ring("error") if i % 2 else sleeper.echo_by_ring(i) for i in range(100)]
        for i, result in enumerate(await asyncio.gather(*calls, return_exceptions=True)):
            assert result == i or (i % 2 and type(result) is gobind.GoError)

    asyncio.run(main())
