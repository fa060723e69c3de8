"""One-way functions: Go calls them and goes on."""

from __future__ import annotations

import asyncio
import collections
import ctypes
import functools
import gc
import itertools
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, Optional, Protocol

import libraries
import programs
import pytest
from crossing import collect_until

import gobind
from gobind import _debug, gointerface
from gobind.protocol import ONE_WAY_CAPACITY

hooks_py = libraries.contract_of("hooks")
Event = hooks_py.Event
LIMIT = 60
"""Seconds until a test that waits for Go gives up."""


@pytest.fixture
def hooks() -> Iterator[Any]:
    """The interface; after the test Go holds no object of Python."""
    library = libraries.load("hooks")
    made = library.bind(hooks_py.Hooks)
    yield made
    made.keep(None)
    assert collect_until(lambda: not _debug.exported())


class Seen:
    """Collects calls until there are `count`."""

    def __init__(self, count: int) -> None:
        self.calls: list[Any] = []
        self.threads: set[int] = set()
        self._count = count
        self._all = threading.Event()

    def __call__(self, *arguments: Any) -> None:
        self.calls.append(arguments[0] if len(arguments) == 1 else arguments)
        self.threads.add(threading.get_ident())
        if len(self.calls) == self._count:
            self._all.set()

    def wait(self) -> list[Any]:
        assert self._all.wait(LIMIT), f"{len(self.calls)} of {self._count} calls came"
        return self.calls


def dropped() -> int:
    return libraries.load("hooks").dropped


def deliver(hooks: Any) -> None:
    """Returns when the thread of one-way functions has made all calls before."""
    mark = Seen(1)
    thread = threading.Thread(target=hooks.post, args=(mark, 1))  # passed where no loop runs
    thread.start()
    mark.wait()
    thread.join()


def test_calls_come_in_order_on_one_other_thread(hooks: Any) -> None:
    first, second = Seen(500), Seen(400)
    hooks.post(first, 500)
    hooks.post(second, 400)
    assert first.wait() == [Event(n, str(n)) for n in range(500)]
    assert second.wait() == [Event(n, str(n)) for n in range(400)]
    assert first.threads == second.threads and threading.get_ident() not in first.threads


def test_each_goroutines_order_is_kept(hooks: Any) -> None:
    seen = Seen(1000)
    hooks.spread(seen, 20, 50)
    calls = seen.wait()
    for goroutine in range(20):
        assert [n for g, n in calls if g == goroutine] == list(range(50))


def test_a_slow_function_does_not_block_go_and_what_is_dropped_is_counted(hooks: Any) -> None:
    begun, go_on, calls, before = threading.Event(), threading.Event(), [], dropped()
    done = threading.Event()

    def slow(event: Any) -> None:
        begun.set()
        assert go_on.wait(LIMIT)
        calls.append(event.number)
        if len(calls) == 1 + ONE_WAY_CAPACITY:
            done.set()

    hooks.post(slow, 1)
    assert begun.wait(LIMIT)
    hooks.post(slow, ONE_WAY_CAPACITY + 321)  # returns while the first call waits
    assert calls == [] and dropped() - before == 321
    go_on.set()
    assert done.wait(LIMIT)
    assert calls == [0, *range(ONE_WAY_CAPACITY)]
    last = Seen(3)
    hooks.post(last, 3)
    assert last.wait() == [Event(0, "0"), Event(1, "1"), Event(2, "2")] and dropped() - before == 321


def test_dropped_calls_release_the_objects_they_passed(hooks: Any) -> None:
    begun, go_on, before = threading.Event(), threading.Event(), dropped()

    def slow(event: Any) -> None:
        begun.set()
        assert go_on.wait(LIMIT)

    hooks.post(slow, 1)
    assert begun.wait(LIMIT)
    live = _debug.live()
    hooks.post(slow, ONE_WAY_CAPACITY)
    hooks.things(lambda things: None, 7)
    assert dropped() == before + 1 and _debug.live() == live
    go_on.set()


def test_objects_of_go_live_as_long_as_python_has_them(hooks: Any) -> None:
    seen = Seen(1)
    hooks.things(seen, 5)
    assert [thing.number() for thing in seen.wait()[0]] == [0, 1, 2, 3, 4]


def test_functions_inside_a_struct(hooks: Any) -> None:
    seen, ticks = Seen(1), Seen(3)
    hooks.configure(hooks_py.Config(seen, [lambda: ticks(0), lambda: ticks(1), lambda: ticks(2)]))
    assert seen.wait() == [Event(-1, "configured")] and ticks.wait() == [0, 1, 2]
    hooks.configure(hooks_py.Config(None, []))


def test_a_kept_function_is_released_when_go_drops_it(hooks: Any) -> None:
    seen = Seen(2)
    hooks.keep(seen)
    hooks.post_kept(2)
    assert seen.wait() == [Event(0, "0"), Event(1, "1")]
    hooks.keep(None)
    hooks.post_kept(5)


def test_a_function_may_call_the_method_that_posts_to_it(hooks: Any) -> None:
    numbers, done = [], threading.Event()

    def again(event: Any) -> None:
        numbers.append(event.number)
        if len(numbers) < 10:
            hooks.post_kept(1)
        else:
            done.set()

    hooks.keep(again)
    hooks.post_kept(1)
    assert done.wait(LIMIT) and numbers == [0] * 10


def test_functions_of_go_come_back_as_functions(hooks: Any) -> None:
    count = hooks.returned()
    before = hooks.total()
    assert count(5) is None and count(6) is None
    assert hooks.total() - before == 11
    seen = Seen(1)
    hooks.echo(seen)(Event(3, "back"))
    assert seen.wait() == [Event(3, "back")]
    with pytest.raises(TypeError, match=r"a0: expected int, got str"):
        count("5")


@pytest.fixture
def reported(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """What `threading.excepthook` gets, once."""
    seen = Seen(1)
    monkeypatch.setattr(threading, "excepthook", lambda args: seen(args.exc_value, args.thread.ident))
    yield seen
    seen.calls.clear()


def test_exceptions_are_reported_and_later_calls_come(hooks: Any, reported: Any) -> None:
    seen = Seen(2)

    def fails(event: Any) -> None:
        seen(event.number)
        if event.number == 0:
            raise ValueError("not today")

    hooks.post(fails, 2)
    assert seen.wait() == [0, 1]
    (error, thread) = reported.wait()[0]
    assert type(error) is ValueError and str(error) == "not today" and {thread} == seen.threads
    del error


def test_a_hook_that_raises_is_reported_and_later_calls_come(
    hooks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, told = Seen(3), Seen(3)

    def fails(event: Any) -> None:
        seen(event.number)
        raise ValueError("first")

    def odd_hook(args: Any) -> None:
        raise OSError("second")

    monkeypatch.setattr(threading, "excepthook", odd_hook)
    monkeypatch.setattr(sys, "excepthook", lambda kind, error, traceback: told(str(error)))
    hooks.post(fails, 3)
    assert seen.wait() == [0, 1, 2] and told.wait() == ["second"] * 3


def test_hooks_for_exceptions_that_raise_are_told_of_on_stderr(
    hooks: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    nameless = type("", (Exception,), {})

    def fails(*args: Any) -> None:
        raise nameless

    monkeypatch.setattr(threading, "excepthook", fails)
    monkeypatch.setattr(sys, "excepthook", fails)
    hooks.post(fails, 3)
    hooks.odd(fails, True)
    deliver(hooks)
    assert capsys.readouterr().err.count("Traceback") >= 4


def test_a_value_that_cannot_be_passed_is_reported(hooks: Any, reported: Any) -> None:
    seen = Seen(1)
    hooks.odd(seen, True)
    hooks.odd(seen, False)
    assert seen.wait() == [{"a": 1}]
    (error, _) = reported.wait()[0]
    assert (
        type(error) is gobind.GoError
        and str(error) == "OneWay[[Any], None]: Python has no value for a chan int"
    )


def test_an_async_function_without_a_loop_is_refused(hooks: Any, reported: Any) -> None:
    async def later(event: Any) -> None: ...

    why = "is async, and is passed to Go where no event loop runs; pass it from a coroutine"
    with pytest.raises(RuntimeError) as caught:
        hooks.post(later, 1)
    assert str(caught.value) == f"{later!r} {why}"
    with pytest.raises(RuntimeError, match="is async"):
        hooks.configure(hooks_py.Config(None, [lambda: None, functools.partial(later, None)]))
    looks_plain = lambda event: later(event)  # noqa: E731
    hooks.post(looks_plain, 1)
    (error, _) = reported.wait()[0]
    assert str(error) == f"{looks_plain!r} {why}"
    del error


def test_on_a_loop_functions_run_there_in_order(hooks: Any) -> None:
    async def main() -> None:
        threads, numbers, tasks = set(), [], []
        ended = asyncio.Event()

        def plain(event: Any) -> None:
            threads.add(threading.get_ident())
            numbers.append(event.number)

        async def later(event: Any) -> None:
            threads.add(threading.get_ident())
            await asyncio.sleep(0)
            tasks.append(event.number)
            if len(tasks) == 300:
                ended.set()

        hooks.post(plain, 300)
        hooks.post(later, 300)
        await asyncio.wait_for(ended.wait(), LIMIT)
        assert numbers == list(range(300)) and tasks == numbers
        assert threads == {threading.get_ident()}

    asyncio.run(main())


def test_too_many_calls_for_a_busy_loop_are_dropped_and_counted(hooks: Any) -> None:
    async def main() -> None:
        before, numbers = dropped(), []
        hooks.keep(lambda event: numbers.append(event.number))
        for _ in range(2):  # the loop comes to none of them
            hooks.post_kept(700)
            deliver(hooks)
        assert numbers == [] and dropped() - before == 1400 - ONE_WAY_CAPACITY
        while len(numbers) < ONE_WAY_CAPACITY:
            await asyncio.sleep(0)
        hooks.post_kept(1)
        while len(numbers) == ONE_WAY_CAPACITY:
            await asyncio.sleep(0)
        assert numbers == [*range(700), *range(ONE_WAY_CAPACITY - 700), 0]

    asyncio.run(main())


def test_tasks_of_async_functions_count_as_calls_that_wait(hooks: Any) -> None:
    async def main() -> None:
        before, numbers, go_on = dropped(), [], asyncio.Event()

        async def note(event: Any) -> None:
            await go_on.wait()
            numbers.append(event.number)

        hooks.keep(note)
        for _ in range(2):
            hooks.post_kept(700)
            deliver(hooks)  # now: a call that the loop just makes is neither waiting nor a task
            ended = asyncio.Event()
            hooks.post(lambda event, done=ended: done.set(), 1)
            await asyncio.wait_for(ended.wait(), LIMIT)
            gc.collect()
        assert dropped() - before == 1400 - ONE_WAY_CAPACITY
        go_on.set()
        while len(numbers) < ONE_WAY_CAPACITY:
            await asyncio.sleep(0)

    asyncio.run(main())


def test_failures_on_a_loop_go_to_its_exception_handler(hooks: Any) -> None:
    async def main() -> None:
        loop, errors, both = asyncio.get_running_loop(), [], asyncio.Event()

        def note(_: Any, context: Any) -> None:
            errors.append(str(context["exception"]))
            if len(errors) == 2:
                both.set()

        loop.set_exception_handler(note)

        def plain(event: Any) -> None:
            raise ValueError("plain")

        async def later(event: Any) -> None:
            raise ValueError("async")

        hooks.post(plain, 1)
        hooks.post(later, 1)
        await asyncio.wait_for(both.wait(), LIMIT)
        assert errors == ["plain", "async"]

    asyncio.run(main())


def test_calls_for_a_closed_loop_are_dropped(hooks: Any) -> None:
    def last_events() -> int:
        return sum(type(one) is Event and one.number == 4 for one in gc.get_objects())

    async def keep() -> None:
        hooks.keep(lambda event: None)

    loop, before = asyncio.new_event_loop(), dropped()
    loop.run_until_complete(keep())
    hooks.post_kept(5)
    deliver(hooks)
    assert last_events() == 1 and dropped() == before  # they wait for the loop
    loop.close()
    hooks.post_kept(5)
    deliver(hooks)
    assert last_events() == 0 and dropped() == before + 10


def test_a_closed_loop_keeps_no_call_even_if_no_more_may_wait(hooks: Any) -> None:
    async def keep() -> None:
        hooks.keep(lambda event: None)

    loop = asyncio.new_event_loop()
    loop.run_until_complete(keep())
    for _ in range(2):
        hooks.post_kept(ONE_WAY_CAPACITY - 10)
        deliver(hooks)
    loop.close()
    hooks.post_kept(1)
    deliver(hooks)
    assert not any(type(one) is Event and one.number == 100 for one in gc.get_objects())


@pytest.mark.skipif(
    sys.platform == "win32" or sys.implementation.name != "cpython",
    reason="a signal is set by CPython's own C API",
)
def test_a_signal_handlers_exception_does_not_delay_the_calls_after_it(hooks: Any) -> None:
    class Struck(Exception): ...

    def handler(number: int, frame: Any) -> None:
        raise Struck

    async def main() -> None:
        loop: Any = asyncio.get_running_loop()
        seen, call_soon, errors = Seen(3), loop.call_soon_threadsafe, []

        def struck(run: Any) -> None:
            # Both in one step, or the interpreter would handle the signal in between.
            pending = map(ctypes.pythonapi.PyErr_SetInterruptEx, (int(signal.SIGUSR1),))
            collections.deque(itertools.chain(pending, map(call, (run,))), maxlen=0)

        call = functools.partial.__call__
        loop.call_soon_threadsafe = lambda run: call_soon(struck, functools.partial(run))
        loop.set_exception_handler(lambda _, context: errors.append(type(context["exception"])))
        hooks.keep(seen)
        hooks.post_kept(1)
        deliver(hooks)
        loop.call_soon_threadsafe = call_soon
        while not errors:
            await asyncio.sleep(0)
        hooks.post_kept(3)
        while len(seen.calls) < 3:
            await asyncio.sleep(0)
        assert [event.number for event in seen.calls] == [0, 1, 2] and errors == [Struck]

    usual = signal.signal(signal.SIGUSR1, handler)
    try:
        asyncio.run(asyncio.wait_for(main(), LIMIT))
    finally:
        signal.signal(signal.SIGUSR1, usual)


PROGRAM = """
library = libraries.load("hooks")
hooks = library.bind(libraries.contract_of("hooks").Hooks)
begun = threading.Event()
def slow(event):
    begun.set()
    threading.Event().wait(LAST)
hooks.post(slow, 1)
begun.wait()
hooks.post(slow, 500)
"""


@pytest.mark.parametrize("last", ["", "library.close()", "sys.exit()", "os._exit(0)"])
def test_the_process_ends_while_calls_wait(last: str) -> None:
    found = programs.run(PROGRAM.replace("LAST", "0.2") + last, load=False, timeout=60)
    assert found == (0, "", "")


def test_a_forked_child_has_a_queue_of_its_own() -> None:
    text = """
child = os.fork()
if not child:
    numbers, done = [], threading.Event()
    def note(event):
        numbers.append(event.number)
        if len(numbers) == 100: done.set()
    hooks.post(note, 100)
    assert done.wait(60) and numbers == list(range(100))
    assert library.dropped == 0
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
os._exit(0)
"""
    assert programs.run(PROGRAM.replace("LAST", "60") + text, "-W", "ignore", load=False, timeout=60) == (
        0,
        "",
        "",
    )


@pytest.mark.parametrize(
    "value, problem",
    [
        (5, "f: expected OneWay[[Event], None], got int"),
        (
            lambda: None,
            "f: expected OneWay[[Event], None], got function that takes 0 arguments; Go passes 1",
        ),
    ],
)
def test_refused_functions(hooks: Any, value: Any, problem: str) -> None:
    with pytest.raises(TypeError) as caught:
        hooks.post(value, 1)
    assert str(caught.value) == problem


def test_a_callable_is_not_a_one_way_function() -> None:
    @gointerface
    class Hooks(Protocol):
        def keep(self, f: Optional[Callable[[Event], None]]) -> None: ...  # type: ignore[valid-type]

    with pytest.raises(gobind.MismatchError) as caught:
        libraries.load("hooks").bind(Hooks)
    assert (
        "Hooks.keep: f: library has Optional[OneWay[[Event], None]], class has Optional[Callable[[Event], None]]"
        in str(caught.value)
    )


def test_the_contract_inside_reads_back(hooks: Any) -> None:
    library = libraries.load("hooks")
    assert (
        "f: OneWay[[Event], None]" in library.contract and "from gobind import OneWay\n" in library.contract
    )
    seen = Seen(1)
    library.Hooks.post(seen, 1)
    assert [(event.number, event.text) for event in seen.wait()] == [(0, "0")]
