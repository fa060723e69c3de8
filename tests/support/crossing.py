"""What the tests of objects, callbacks and streams share: their library, objects of Python, and that nothing is left."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from typing import Any

import libraries
import pytest

from gobind import _debug
from gobind.runtime.library import _opened

objects_py = libraries.contract_of("objects")
NotFound, Shelf, User = objects_py.NotFound, objects_py.Shelf, objects_py.User

ROUNDS = 200
"""Collections of both sides that finalizers, each of which may let go of something on the other, get."""


def load(name: str) -> Any:
    """The interface of that name in gosrc/testlibs/objects."""
    return libraries.load("objects", getattr(objects_py, name))


def collect_until(is_done: Any) -> bool:
    """Collect in Python and in all open libraries until that is true, and whether it ever was."""
    for _ in range(ROUNDS):
        if is_done():
            return True
        gc.collect()
        for library in {opened.library for opened in _opened.values() if opened.native.has_glue}:
            if library is not None and not library.is_closed:
                library.runtime.gc()
    return False


def dies(reference: weakref.ref[Any]) -> bool:
    """True if the object is collected once Go's collector has run."""
    return collect_until(lambda: reference() is None)


def left() -> tuple[int, int, int, int]:
    """Handles of Go, objects of Python that Go holds, running streams, goroutines beside Go's own."""
    goroutines = max(load("Machine").goroutines() - 3, 0)
    return _debug.live(), _debug.exported(), load("Streams").active(), goroutines


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """After the test neither side holds anything of the other's, and no goroutine runs."""
    yield
    collect_until(lambda: not any(left()))
    assert left() == (0, 0, 0, 0), "left: handles, objects of Python, streams, goroutines"


@pytest.fixture(autouse=True)
def failures_let_go() -> Iterator[None]:
    """After the test the library gosrc/testlibs/failures holds no object of Python."""
    yield
    collect_until(lambda: not _debug.exported())
    assert not _debug.exported()


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
