"""The collector is off while one expression makes objects, and nobody can see it."""

from __future__ import annotations

import gc
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from itertools import repeat
from typing import Any, List

import pytest

from gobind import flatten, gostruct, u32, unflatten
from gobind.codec import collector

pytestmark = pytest.mark.skipif(sys.implementation.name != "cpython", reason="about CPython's collector")


@gostruct
class Item:
    id: u32
    name: str


def made(count: int) -> Iterator[Any]:
    return map(list, repeat((), count))


@pytest.fixture(autouse=True)
def collector_stays_on() -> Iterator[None]:
    assert gc.isenabled()
    yield
    was_on = gc.isenabled()
    gc.enable()
    assert was_on


@pytest.mark.parametrize("count", [0, 1, collector.MANY - 1, collector.MANY, 100_000])
def test_objects_are_made(count: int) -> None:
    values: List[Any] = ["first"]
    collector.extend(values, made(count), count)
    assert len(values) == count + 1 and values[0] == "first"
    assert all(type(value) is list for value in values[1:])


def collections(work: Callable[[], Any]) -> int:
    gc.collect()
    before = sum(generation["collections"] for generation in gc.get_stats())
    kept = work()
    after = sum(generation["collections"] for generation in gc.get_stats())
    del kept
    return after - before


BLOCK = flatten([Item(n, str(n)) for n in range(100_000)], List[Item])
LISTS = flatten([[n] for n in range(100_000)], List[List[int]])


def test_the_collector_does_not_come_in_between() -> None:
    assert collections(lambda: unflatten(BLOCK, List[Item])) <= 3
    if sys.version_info < (3, 13):  # later it comes in comprehensions, but seldom
        assert collections(lambda: unflatten(LISTS, List[List[int]])) <= 3


def test_a_collector_that_is_off_stays_off() -> None:
    gc.disable()
    try:
        unflatten(BLOCK, List[Item])
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_the_collector_is_on_after_an_error() -> None:
    def fail(number: int) -> None:
        if number == 5000:
            raise MemoryError

    values: List[Any] = []
    with pytest.raises(MemoryError):
        collector.extend(values, map(fail, range(10_000)), 10_000)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there are no timers")
def test_signal_handlers_and_threads_find_the_collector_on() -> None:
    seen, stop = [0, 0], threading.Event()

    def handler(*_: object) -> None:
        seen[0] += not gc.isenabled()
        seen[1] += 1

    def watch() -> None:
        while not stop.is_set():
            seen[0] += not gc.isenabled()

    thread = threading.Thread(target=watch)
    before, interval = signal.signal(signal.SIGALRM, handler), sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    thread.start()
    signal.setitimer(signal.ITIMER_REAL, 0.0003, 0.0003)
    try:
        for _ in range(8):
            unflatten(BLOCK, List[Item])
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        sys.setswitchinterval(interval)
        stop.set()
        thread.join()
    assert seen[0] == 0 and seen[1] > 5


def test_an_exception_of_a_signal_handler_leaves_the_collector_on() -> None:
    class Stop(Exception):
        pass

    def handler(*_: object) -> None:
        raise Stop

    before = signal.signal(signal.SIGALRM, handler)
    stops = 0
    try:
        for number in range(60):
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.0005 + number % 50 * 0.0005)
                unflatten(BLOCK, List[Item])
                signal.setitimer(signal.ITIMER_REAL, 0)
            except Stop:
                stops += 1
            assert gc.isenabled()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert stops
