"""Go's runtime as operators see it: environment, limits, garbage collection, figures."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import NamedTuple

from gobind import protocol
from gobind.runtime.process.native import Native


class Stats(NamedTuple):
    """Figures of one library's Go runtime.

    Attributes:
        goroutines: number of goroutines.
        heap: bytes of live and not yet collected objects.
        live: handles and blocks of memory that Python holds.
        calls: number of calls begun since the library was loaded.
    """

    goroutines: int
    heap: int
    live: int
    calls: int


class GoRuntime:
    """The Go runtime of one library: ``library.runtime``."""

    __slots__ = ("_connect",)  # a misspelt setting is refused

    def __init__(self, connect: Callable[[], Native]) -> None:
        self._connect = connect

    def setenv(self, name: str, value: str | None) -> None:
        """Sets an environment variable for Go, which does not see later changes of `os.environ`; None unsets it.

        It sets C's variable of the process too: Go's ``os.Setenv`` calls C's ``setenv``. C libraries see it,
        and child processes that are started without ``env``; `os.environ` and other Go libraries do not. C reads its
        environment without a lock, so a thread that is in ``getenv`` meanwhile (as those that resolve names or convert
        times may be) can crash: call this before there are such threads.

        GOMAXPROCS, GOGC and GOMEMLIMIT take effect at once. Settings that Go's runtime reads from GODEBUG when it
        starts, such as ``gctrace``, do not: they have to be in the environment when the process starts.
        """
        for word in (name, value or ""):
            if not isinstance(word, str):
                raise TypeError(f"setenv: expected str, got {type(word).__name__}")
            if "\0" in word or (word is name and ("=" in name or not name)):
                raise ValueError(f"setenv: {word!r} cannot be in an environment")
        native = self._connect()
        native.environ[name] = value
        native.set_variables({name: value})

    @property
    def gomaxprocs(self) -> int:
        """The number of threads that run Go code at the same time."""
        return self._control(protocol.CONTROL_MAXPROCS)

    @gomaxprocs.setter
    def gomaxprocs(self, count: int) -> None:
        if _whole("gomaxprocs", count) < 1:
            raise ValueError(f"gomaxprocs: expected at least 1, got {count}")
        self._control(protocol.CONTROL_MAXPROCS, count)

    @property
    def memory_limit(self) -> int:
        """The soft limit of Go's memory in bytes (GOMEMLIMIT)."""
        return self._control(protocol.CONTROL_MEMORY_LIMIT)

    @memory_limit.setter
    def memory_limit(self, size: int) -> None:
        if _whole("memory_limit", size) < 0:
            raise ValueError(f"memory_limit: expected a number of bytes, got {size}")
        self._control(protocol.CONTROL_MEMORY_LIMIT, size)

    @property
    def gc_percent(self) -> int:
        """The growth of the heap between collections, in percent (GOGC); negative: collection is off."""
        return self._control(protocol.CONTROL_GC_PERCENT)

    @gc_percent.setter
    def gc_percent(self, percent: int) -> None:
        self._control(protocol.CONTROL_GC_PERCENT, _whole("gc_percent", percent))

    def gc(self) -> None:
        """Collects Go's garbage now."""
        self._control(protocol.CONTROL_GC)

    def stats(self) -> Stats:
        """Returns the present figures."""
        words = (ctypes.c_int64 * 4)()
        self._connect().stats(ctypes.addressof(words))
        return Stats(*words)

    def _control(self, what: int, value: int = protocol.CONTROL_KEEP) -> int:
        found: int = self._connect().control(what, value)
        return found


def _whole(name: str, value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(f"{name}: expected int, got {type(value).__name__}")
    return value
