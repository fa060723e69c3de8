"""Go calls Python: methods, functions, exceptions, many goroutines, and the event loop."""

from __future__ import annotations

import asyncio
import gc
import threading
import traceback
import weakref
from typing import Any, Callable

import libraries
import pytest
from crossing import Merger, NotFound, User, collect_until, dies, load, nothing_is_left

import gobind

__all__ = ["nothing_is_left"]

HUGE = "g\u00f6\0" * 300_000


def test_both_directions() -> None:
    calls, merger = load("Calls"), Merger()
    assert calls.login(merger, User("chihai", 28)) is True
    assert calls.merge(merger, "k", ["a"], ["b", "c"]) == ["k", "a", "b", "c"]
    assert calls.weigh(merger, 3, 1.5) == 4.5
    assert calls.is_same_merger(merger)
    assert calls.sum_numbers(merger, 10_000) == calls.total_of(merger, 10_000) == sum(range(10_000))


def test_huge_arguments_and_results() -> None:
    words = [HUGE, *map(str, range(50_000))]
    assert load("Calls").merge(Merger(), HUGE, words, [""]) == [HUGE, *words, ""]


@pytest.mark.parametrize("distance", [-1, 0, 1, 2, 3, 15, 16, 17, 1000, 65552, 65553, 1 << 40, (1 << 40) + 1])
def test_results_equal_to_protocol_constants_are_returned(distance: int) -> None:
    for word in (-0x676F62696E640001, -0x2F0B1ED5, 1 << 62, -(1 << 62), 0):
        number = (word - distance) % 2**64
        assert load("Calls").huge(Merger(), number) == number


@pytest.mark.parametrize("number", [0, 1, -1, 2**62, 2**62 + 1, -(2**62), -(2**62) - 1, 2**63 - 1, -(2**63)])
def test_numbers_of_any_size(number: int) -> None:
    assert load("Functions").apply(lambda n: n, number) == number


def test_functions_go_both_ways() -> None:
    functions = load("Functions")
    add = functions.adder(5)
    assert add(3) == 8 and functions.compose([add, lambda n: n * 2, add])(1) == 17
    assert functions.apply(add, 2) == 7 and sorted([3, 1], key=add) == [1, 3]
    assert functions.describe(lambda user: user.name, User("Ann", 1)) == "Ann"
    assert functions.run(lambda: None) is None
    assert functions.apply(True.__add__, 1) == 2 and functions.apply(int, 4) == 4


def test_a_function_is_kept_until_go_drops_it() -> None:
    functions = load("Functions")

    def f(n: int) -> int:
        return n + 1

    reference = weakref.ref(f)
    functions.keep(f)
    del f
    gc.collect()
    load("Machine").gc()
    assert functions.call_kept(1) == 2 and reference() is not None
    functions.keep(None)
    assert dies(reference)
    with pytest.raises(gobind.GoError, match="^no function is kept$"):
        functions.call_kept(1)


# Threads


def spread(goroutines: int, each: int, callers: int) -> None:
    """Goroutines call Python while Python's threads call Go, and both see the right values."""
    functions, stop, wrong = load("Functions"), threading.Event(), []
    store = load("Stores").open("x")
    add = functions.adder(3)

    def call_go(number: int) -> None:
        try:
            calls = 0
            while not stop.is_set() or calls < 50:
                calls += 1
                store.set(f"{number}", f"{calls}")
                assert store.get(f"{number}") == f"{calls}" and add(calls) == calls + 3
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=call_go, args=(number,)) for number in range(callers)]
    for thread in threads:
        thread.start()
    try:
        total = functions.spread(lambda n: n + 1, goroutines, each)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        store.close()
    assert total == goroutines * each * (each + 1) // 2 and wrong == []


def test_goroutines_call_python_while_threads_call_go() -> None:
    spread(64, 320, 2)


@pytest.mark.slow
def test_a_million_calls_from_goroutines_while_threads_call_go() -> None:
    spread(64, 15_625, 4)


def test_goroutines_call_a_kept_object_after_the_call_that_brought_it() -> None:
    calls, said, lock = load("Calls"), [], threading.Lock()

    class Logger:
        def log(self, level: int, message: str) -> None:
            with lock:
                said.append(message)

        def enabled(self, level: int) -> bool:
            return level % 2 == 0

    logger = Logger()
    reference = weakref.ref(logger)
    calls.set_logger(logger)
    del logger
    gc.collect()
    calls.log(8, 100)
    assert sorted(said) == sorted(f"{i}: {j}" for i in range(8) for j in range(0, 100, 2))
    calls.set_logger(None)
    assert dies(reference)


def test_reentrance() -> None:
    """Python, Go, Python ... each on the stack of the one before."""
    functions, depths = load("Functions"), []

    def again(depth: int) -> int:
        depths.append(depth)
        return functions.reenter(again, depth)  # type: ignore[no-any-return]

    assert functions.reenter(again, 50) == 50 and depths == [*range(49, -1, -1)]
    results: list[int] = []
    threads = [
        threading.Thread(target=lambda: results.append(functions.reenter(again, 50))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [50] * 4


# Exceptions


def raiser(error: BaseException) -> Callable[[Any], Any]:
    def f(_: Any) -> Any:
        raise error

    return f


class Wordless(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


def test_go_sees_what_was_raised() -> None:
    functions = load("Functions")
    assert functions.find(raiser(NotFound(key="k")), "k") == "no k"
    for error, seen in (
        (ValueError("bad"), ["ValueError", "bad", ""]),
        (TimeoutError(), ["TimeoutError", "", "deadline"]),
        (asyncio.CancelledError(), ["CancelledError", "", "canceled"]),
        (KeyboardInterrupt(), ["KeyboardInterrupt", "", ""]),
        (Wordless(), ["Wordless", "(its text cannot be made)", ""]),
        (ValueError(HUGE), ["ValueError", HUGE, ""]),
        (ValueError("\udc80"), ["ValueError", "\\udc80", ""]),
    ):
        assert functions.what_failed(raiser(error)) == seen
        error.__traceback__ = None


ERRORS = [
    ValueError("bad"),
    ValueError(HUGE),
    KeyboardInterrupt(),
    SystemExit(3),
    GeneratorExit(),
    StopIteration(1),
    NotFound(key="k"),
    NotFound(key=5),  # which Go cannot be told
    Wordless(),
]


@pytest.mark.parametrize("wrap", [False, True])
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_the_same_exception_comes_back(error: BaseException, wrap: bool) -> None:
    functions = load("Functions")

    def culprit(_: int) -> int:
        raise error

    for call in (lambda: functions.fail_with(culprit, wrap), functions.raise_kept):
        with pytest.raises(type(error)) as caught:
            call()
        assert caught.value is error
        names = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
        assert "culprit" in names  # the traceback reaches to where it was raised
    error.__traceback__ = None


def test_the_contexts_of_an_exception_come_back() -> None:
    functions, error = load("Functions"), ValueError("second")

    def culprit(_: int) -> int:
        try:
            raise LookupError("first")
        except LookupError:
            raise error  # noqa: B904

    for call in (lambda: functions.fail_with(culprit, False), functions.raise_kept):
        with pytest.raises(ValueError) as caught:
            try:
                raise KeyError("handled meanwhile")
            except KeyError:
                call()
        chain = [caught.value, caught.value.__context__, caught.value.__context__.__context__]  # type: ignore[union-attr]
        assert [*map(type, chain)] == [ValueError, LookupError, KeyError]
    error.__traceback__ = error.__context__ = None


def test_an_exception_dies_with_go() -> None:
    class Mine(Exception):
        pass

    functions, error = load("Functions"), Mine()
    reference = weakref.ref(error)
    with pytest.raises(Mine):
        functions.fail_with(raiser(error), False)
    del error
    with pytest.raises(Mine):
        functions.raise_kept()
    assert dies(reference)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: load("Functions").apply(lambda n: "x", 1),
            "Callable[[int], int]: result: expected int, got str",
        ),
        (
            lambda: load("Functions").apply(lambda n: None, 1),
            "Callable[[int], int]: result: expected int, got NoneType",
        ),
        (
            lambda: load("Functions").describe(lambda user: 5, User("a", 1)),
            "Callable[[User], str]: result: expected str, got int",
        ),
        (lambda: weigh("x"), "Merger.weigh: result: expected float, got str"),
        (lambda: merge(["a", 5]), "Merger.merge: result[1]: expected str, got int"),
        (lambda: merge(5), "Merger.merge: result: expected list[str], got int"),
        (lambda: enabled(1), "Logger.enabled: result: expected bool, got int"),
    ],
)
def test_a_wrong_result_names_the_method(call: Any, message: str) -> None:
    with pytest.raises(TypeError) as caught:
        call()
    assert str(caught.value) == message


def weigh(result: Any) -> Any:
    class Wrong(Merger):
        def weigh(self, number: int, factor: float) -> Any:
            return result

    return load("Calls").weigh(Wrong(), 1, 1.0)


def merge(result: Any) -> Any:
    class Wrong(Merger):
        def merge(self, key: str, old: list[str], new: list[str]) -> Any:
            return result

    return load("Calls").merge(Wrong(), "", [], [])


def enabled(result: Any) -> Any:
    class Wrong:
        def enabled(self, level: int) -> Any:
            return result

        def log(self, level: int, message: str) -> None: ...

    load("Calls").set_logger(Wrong())
    try:
        return load("Calls").log(1, 1)
    finally:
        load("Calls").set_logger(None)


def test_a_number_that_does_not_fit() -> None:
    for number in (2**63, -(2**63) - 1, 2**64):
        message = f"^Callable\\[\\[int\\], int\\]: result: {number} does not fit int$"
        with pytest.raises(OverflowError, match=message):
            load("Functions").apply(lambda n, number=number: number, 1)


# The event loop


class Fetcher:
    def __init__(self) -> None:
        self.started, self.ended = asyncio.Event(), asyncio.Event()

    async def fetch(self, url: str) -> bytes:
        self.started.set()
        try:
            if not url:
                await asyncio.get_running_loop().create_future()  # for ever
            return url.encode()
        finally:
            self.ended.set()

    async def size(self, url: str) -> int:
        if not url:
            raise NotFound(key="url")
        return len(url)

    async def open(self, url: str) -> Any:
        store = load("Stores").open(url)
        store.set("name", url)
        return store


def run(main: Callable[[Fetcher], Any]) -> None:
    async def body() -> None:
        await main(Fetcher())

    asyncio.run(body())


def test_async_methods_of_python() -> None:
    calls, functions = load("Calls"), load("Functions")

    async def double(n: int) -> int:
        await asyncio.sleep(0)
        return 2 * n

    async def main(fetcher: Fetcher) -> None:
        assert await calls.fetch(fetcher, "abc") == b"abc"
        assert await calls.fetch(fetcher, HUGE) == HUGE.encode()
        assert await calls.fetch_size(fetcher, "abc") == 3
        with pytest.warns(ResourceWarning):
            assert await calls.fetch_store(fetcher, "abc") == "abc"
            gc.collect()
        many = [functions.apply_later(double, n) for n in range(200)]
        assert await asyncio.gather(*many) == [2 * n for n in range(200)]

    run(main)


@pytest.mark.parametrize("error", ERRORS[:2] + ERRORS[-3:], ids=lambda error: type(error).__name__)
def test_async_methods_raise(error: BaseException) -> None:
    async def fail(n: int) -> int:
        raise error

    async def main(fetcher: Fetcher) -> None:
        with pytest.raises(type(error)) as caught:
            await load("Functions").apply_later(fail, 1)
        assert caught.value is error
        with pytest.raises(NotFound):
            await load("Calls").fetch_size(fetcher, "")

    run(main)
    error.__traceback__ = None


def test_gos_context_cancels_async_methods() -> None:
    async def main(fetcher: Fetcher) -> None:
        assert await load("Calls").fetch_for(fetcher, "", 10) == "context deadline exceeded"
        await fetcher.ended.wait()

    run(main)


def test_cancelling_the_task_cancels_pythons_method_through_go() -> None:
    async def main(fetcher: Fetcher) -> None:
        task = asyncio.ensure_future(load("Calls").fetch(fetcher, ""))
        await fetcher.started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await fetcher.ended.wait()

    run(main)


class Listening(asyncio.SelectorEventLoop):
    """Knows when another thread has told it something."""

    def __init__(self) -> None:
        super().__init__()
        self.told = threading.Event()

    def call_soon_threadsafe(self, *args: Any, **context: Any) -> Any:  # type: ignore[override]
        handle = super().call_soon_threadsafe(*args, **context)
        self.told.set()
        return handle


def end_before_the_method_begins(method: Any) -> None:
    loop = Listening()

    async def main() -> None:
        task = loop.create_task(load("Functions").apply_later(method, 1))
        task._log_destroy_pending = False  # type: ignore[attr-defined]  # asyncio's own warning, which is right
        await asyncio.sleep(0)
        loop.call_soon(wait_and_stop)  # behind what sends the request

    def wait_and_stop() -> None:
        assert loop.told.wait(20)
        loop.stop()

    loop.create_task(main())
    loop.run_forever()
    loop.close()


def test_a_loop_that_ends_before_the_method_has_begun() -> None:
    begun = []

    async def never(n: int) -> int:
        begun.append(n)
        return n

    async def next_loop() -> None:  # which drops what the one before has left
        assert await load("Calls").fetch_size(Fetcher(), "abc") == 3

    asyncio.run(next_loop())
    # By then the goroutine runs that drops objects of Python's, and stays.
    assert collect_until(lambda: not gobind._debug.exported())
    stats = libraries.load("objects").runtime.stats
    goroutines = stats().goroutines
    end_before_the_method_begins(never)
    assert collect_until(lambda: stats().goroutines <= goroutines) and begun == []
    asyncio.run(next_loop())


NO_LOOP = (
    "Fetcher was passed to Go where no event loop runs: its async methods cannot run; "
    "pass it to an async def method"
)
WAITS = (
    "Go waits for an async method of Fetcher inside a call on the event loop's own thread: "
    "declare that call async def"
)


def test_async_methods_without_a_loop_say_so() -> None:
    loop = asyncio.new_event_loop()
    try:
        asyncio.set_event_loop(loop)
        fetcher = Fetcher()
        with pytest.raises(RuntimeError) as caught:
            load("Calls").fetch_now(fetcher, "abc")
        assert str(caught.value) == NO_LOOP
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def test_waiting_on_the_loops_own_thread_says_so() -> None:
    async def main(fetcher: Fetcher) -> None:
        with pytest.raises(RuntimeError) as caught:
            load("Calls").fetch_now(fetcher, "abc")
        assert str(caught.value) == WAITS
        assert not fetcher.started.is_set()

    run(main)


def test_one_function_on_one_loop_after_another() -> None:
    """What Go does not hold any more is passed anew, and belongs to the loop that runs then."""
    functions = load("Functions")

    async def f(n: int) -> int:
        return n

    async def main(fetcher: Fetcher) -> None:
        assert await functions.apply_later(f, 1) == 1

    run(main)
    assert collect_until(lambda: not gobind._debug.exported())
    run(main)
