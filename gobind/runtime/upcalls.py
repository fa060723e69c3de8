"""Go calls Python: the objects that Go holds, and the one callback that Go enters Python by.

Imports `gobind.runtime.native`, `gobind.protocol` and before.
"""

from __future__ import annotations

import atexit
import ctypes
import itertools
import platform
import struct
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any, Callable

from gobind import protocol
from gobind.runtime.native import Native

Answer = Callable[["Guest", int, int, int], int]
"""Does one method of an object: ``(guest, address and size of the request, address for the response)``."""

_SIGNATURE = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_uint64] * 5)
_Memory = ctypes.c_char * protocol.REPLY_CAPACITY
_IS_CPYTHON = platform.python_implementation() == "CPython"


class Guest:
    """A Python object that Go holds.

    Attributes:
        value: the object.
        answers: what does its methods, by number.
        loop: the event loop that was running when it was passed; its ``async def`` methods run there.
        kept: whatever `answers` want to remember.
    """

    __slots__ = ("answers", "count", "key", "kept", "loop", "value")

    def __init__(self, value: Any, answers: Sequence[Answer], key: Any) -> None:
        self.value = value
        self.answers = answers
        self.key = key
        self.count = 0
        self.loop = _running_loop()
        self.kept: Any = None


class Guests:
    """The table of the Python objects that one library holds.

    A number is never used twice. Each frame with an object in it holds it once, and so does each value
    in Go; an object that nobody holds leaves the table.
    """

    def __init__(self, native: Native) -> None:
        self.native = native
        self.tasks: dict[int, Any] = {}
        self._guests: dict[int, Guest] = {}
        self._numbers: dict[Any, int] = {}
        self._responses: dict[int, bytes] = {}
        self._next = itertools.count(1).__next__
        # Counts go up in threads that call Go and down in one of Go's own.
        self._lock = threading.Lock()
        self._threads = threading.local()
        self._callback = _SIGNATURE(self._enter)  # alive as long as the process: Go may call at any time
        native.set_upcall(ctypes.cast(self._callback, ctypes.c_void_p))
        atexit.register(self._keep_quiet)

    def hold(self, value: Any, answers: Sequence[Answer], kind: Any) -> int:
        """The number of an object, held once more; the same for the same object and `kind`."""
        key = id(value), id(kind)
        with self._lock:
            number = self._numbers.get(key)
            if number is None:
                number = self._numbers[key] = self._next()
                self._guests[number] = Guest(value, answers, key)
            self._guests[number].count += 1
            return number

    def let_go(self, numbers: Sequence[int]) -> None:
        """Hold objects once less, as often as their number stands in `numbers`."""
        gone = []  # collected outside the lock: their destructors may come back here
        with self._lock:
            for number in numbers:
                guest = self._guests.get(number)
                if guest is not None:
                    guest.count -= 1
                    if not guest.count:
                        del self._guests[number], self._numbers[guest.key]
                        gone.append(guest)

    def value_of(self, number: int) -> Any:
        """The object of that number; KeyError if Go has let go of it."""
        return self._guests[number].value

    def __len__(self) -> int:
        return len(self._guests)

    def respond(self, address: int, response: bytes, failed: bool = False) -> int:
        """Put a response where Go wants it, and say so."""
        size = len(response)
        if size <= protocol.REPLY_CAPACITY:
            ctypes.memmove(address, response, size)
            return protocol.UPCALL_FAILED - size if failed else size
        number = self._next()
        self._responses[number] = response
        words = struct.pack("<qQ", -size if failed else size, number)
        ctypes.memmove(address, words, len(words))
        return protocol.UPCALL_FETCH

    def respond_number(self, address: int, value: int) -> int:
        """Put a number that is the whole result where Go wants it, if it looks like something else."""
        if protocol.UPCALL_FETCH - (1 << 40) <= value <= protocol.UPCALL_FETCH:
            ctypes.memmove(address, struct.pack("<q", value), 8)
            return protocol.UPCALL_VALUE
        return value

    def _enter(self, number: int, method: int, address: int, size: int, reply: int) -> int:
        """What Go calls. Nothing escapes: ctypes would print it and return 0."""
        try:
            self._threads.is_pinned  # noqa: B018
        except AttributeError:
            self._pin_thread()
        if number:
            guest = self._guests[number]
            return guest.answers[method](guest, address, size, reply)
        if method == protocol.UPCALL_DROP:
            self.let_go(memoryview(ctypes.string_at(address, size)).cast("Q").tolist())
        elif method == protocol.UPCALL_CANCEL:
            task = self.tasks.pop(size, None)
            if task is not None:
                task.get_loop().call_soon_threadsafe(task.cancel)
        elif method == protocol.UPCALL_FETCH_INTO:
            response = self._responses.pop(size)
            ctypes.memmove(address, response, len(response))
        return 0

    def _pin_thread(self) -> None:
        """Keep this thread's Python state for the thread's life.

        A thread that Python did not start gets a state when it enters, and loses it when it leaves, each
        time; that costs thirty times the call itself. One `PyGILState_Ensure` more than there are releases
        keeps the state (CPython's Python/pystate.c counts them).
        """
        self._threads.is_pinned = True
        if _IS_CPYTHON:
            ctypes.pythonapi.PyGILState_Ensure()

    def _keep_quiet(self) -> None:
        """Python is about to end: let no goroutine in any more, and those inside out."""
        end = time.monotonic() + 0.5
        while self.native.quiet(threading.get_native_id()) > 0 and time.monotonic() < end:
            time.sleep(0.0005)


_tables: dict[Native, Guests] = {}


def guests_of(native: Native) -> Guests:
    """The one table of a library."""
    if native not in _tables:
        _tables[native] = Guests(native)
    return _tables[native]


def memory_at(address: int, size: int) -> Any:
    """What gives bytes for slices of a request."""
    if size <= protocol.REPLY_CAPACITY:
        return _Memory.from_address(address)
    return (ctypes.c_char * size).from_address(address)


def _running_loop() -> Any:
    """The event loop that runs in this thread, without importing asyncio."""
    events = sys.modules.get("asyncio.events")
    return events._get_running_loop() if events else None
