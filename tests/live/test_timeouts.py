"""``with gobind.timeout(seconds)``: deadlines in Go's context, for every way to call."""

from __future__ import annotations

import asyncio
import threading
from typing import Any, Callable

import libraries
import pytest

import gobind

sleeper_py = libraries.contract_of("sleeper")


@pytest.fixture(scope="module")
def sleeper() -> Any:
    return libraries.load("sleeper", sleeper_py.Sleeper)


def synchronous(name: str) -> Callable[..., Any]:
    """A method by name, awaited if it needs to be."""

    def call(sleeper: Any, *arguments: Any) -> Any:
        result = getattr(sleeper, name)(*arguments)
        if asyncio.iscoroutine(result):

            async def main() -> Any:
                return await result

            return asyncio.run(main())
        return result

    return call


DEADLINES = ["deadline", "deadline_later", "deadline_blocking", "deadline_by_ring"]
SLEEPS = ["sleep", "sleep_later", "sleep_blocking", "sleep_by_ring"]


@pytest.mark.parametrize("name", DEADLINES)
def test_go_knows_the_deadline(sleeper: Any, name: str) -> None:
    call = synchronous(name)
    assert call(sleeper) == sleeper_py.Deadline(False, 0.0, False)
    with gobind.timeout(60):
        seen = call(sleeper)
    assert (seen.known, seen.is_over) == (True, False) and 50 < seen.seconds_left <= 60
    assert call(sleeper) == sleeper_py.Deadline(False, 0.0, False)


@pytest.mark.parametrize("name", SLEEPS)
def test_the_deadline_ends_the_call(sleeper: Any, name: str) -> None:
    with gobind.timeout(0.02), pytest.raises(TimeoutError) as caught:
        synchronous(name)(sleeper, 60_000)
    assert isinstance(caught.value, gobind.GoError)
    assert (str(caught.value), caught.value.go_type) == (
        "context deadline exceeded",
        "context.deadlineExceededError",
    )
    assert synchronous(name)(sleeper, 1) == 1


@pytest.mark.parametrize("seconds", [0, -1, -1e30, float("-inf")])
@pytest.mark.parametrize("name", SLEEPS)
def test_after_the_deadline_go_is_not_called(sleeper: Any, name: str, seconds: float) -> None:
    before = sleeper.counts()
    with pytest.raises(TimeoutError) as caught, gobind.timeout(seconds):
        synchronous(name)(sleeper, 0)
    assert str(caught.value) == "the time of gobind.timeout is over: Go was not called"
    assert sleeper.counts() == before


def test_an_inner_block_only_shortens(sleeper: Any) -> None:
    with gobind.timeout(60):
        with gobind.timeout(1000):
            assert sleeper.deadline().seconds_left <= 60
        with gobind.timeout(10):
            assert sleeper.deadline().seconds_left <= 10
        assert 40 < sleeper.deadline().seconds_left <= 60


@pytest.mark.parametrize("seconds", [1e15, float("inf")])
def test_as_long_as_you_like(sleeper: Any, seconds: float) -> None:
    with gobind.timeout(seconds):
        assert sleeper.sleep(1) == 1
        assert not sleeper.deadline().is_over


@pytest.mark.parametrize(
    ("seconds", "error", "message"),
    [
        (float("nan"), ValueError, "timeout: expected a number of seconds, got nan"),
        ("1", TypeError, "timeout: expected a number of seconds, got str"),
    ],
)
def test_timeout_refuses_what_is_no_number_of_seconds(seconds: Any, error: Any, message: str) -> None:
    with pytest.raises(error) as caught:
        gobind.timeout(seconds)
    assert str(caught.value) == message


def test_a_thread_and_a_task_have_their_own(sleeper: Any) -> None:
    known: list[bool] = []
    with gobind.timeout(60):
        thread = threading.Thread(target=lambda: known.append(sleeper.deadline().known))
        thread.start()
        thread.join()
    assert known == [False]

    async def limited() -> Any:
        with gobind.timeout(60):
            await asyncio.sleep(0.01)
            return await sleeper.deadline_later()

    async def unlimited() -> Any:
        await asyncio.sleep(0.005)
        return await sleeper.deadline_later()

    async def main() -> None:
        one, other = await asyncio.gather(limited(), unlimited())
        assert (one.known, other.known) == (True, False)

    asyncio.run(main())


def test_a_block_used_again_begins_anew(sleeper: Any) -> None:
    block = gobind.timeout(30)
    for _ in range(2):
        with block:
            assert sleeper.deadline().known
            with block:
                assert sleeper.deadline().known
        assert not sleeper.deadline().known


def test_a_request_of_any_size(sleeper: Any) -> None:
    async def main() -> None:
        for size in (0, 100, 70_000, 1_000_000):
            with gobind.timeout(60):
                assert await sleeper.repeat("x" * size, 2) == ["x" * size] * 2

    asyncio.run(main())
