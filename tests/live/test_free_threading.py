"""Threads that do the same thing to one object at once: with the GIL they rarely do, on a free-threaded build often."""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Iterator
from typing import Any, Callable

import libraries
import pytest
from crossing import load, nothing_is_left

from gobind import _debug

__all__ = ["nothing_is_left"]

OBJECTS = 500
"""Objects a round: the threads go through them side by side, so that they meet at some."""

ROUNDS = 40


@pytest.fixture(autouse=True)
def short_turns() -> Iterator[None]:
    """With the GIL, threads take turns as often as they can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def side_by_side(work: Callable[[], None], threads: int = 2) -> None:
    """Do the work in threads that begin at the same moment; what one of them raises is raised here."""
    begin, errors = threading.Barrier(threads), []

    def run() -> None:
        begin.wait()
        try:
            work()
        except BaseException as error:
            errors.append(error)

    started = [threading.Thread(target=run) for _ in range(threads)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    if errors:
        raise errors[0]


def owned_twice(n: int) -> list[tuple[Any, Any]]:
    """Objects of Go that stand in Python twice, with a count each: as what the contract and as what the library says."""
    stores, described = load("Stores"), libraries.load("objects").Stores
    pairs = [(store, described.echo(store)) for store in stores.many(n)]
    assert all(one is not other for one, other in pairs) and _debug.live() == n
    return pairs


def release_others(pairs: list[tuple[Any, Any]]) -> int:
    """Release what the second owners have; returns how many objects were still there."""
    live = _debug.live()
    for _, other in pairs:
        other._release()
    return live


def test_an_object_is_released_once_by_threads_that_release_it_at_once() -> None:
    for number in range(ROUNDS):
        pairs = owned_twice(OBJECTS)

        def release(pairs: list[tuple[Any, Any]] = pairs) -> None:
            for one, _ in pairs:
                one._release()

        side_by_side(release)
        # Released twice, an object is gone for its other owner.
        assert release_others(pairs) == OBJECTS, f"round {number}"
        assert _debug.live() == 0


def test_an_object_is_closed_once_by_threads_that_close_it_at_once() -> None:
    for number in range(ROUNDS):
        pairs = owned_twice(OBJECTS)

        def close(pairs: list[tuple[Any, Any]] = pairs) -> None:
            for one, _ in pairs:
                one.close()  # Go's Close fails the second time

        side_by_side(close)
        assert release_others(pairs) == OBJECTS, f"round {number}"
        assert _debug.live() == 0


def test_objects_are_made_while_other_threads_drop_theirs() -> None:
    stores = load("Stores")

    def make_and_drop() -> None:
        for _ in range(ROUNDS):
            stores.many(OBJECTS)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        side_by_side(make_and_drop, threads=4)
