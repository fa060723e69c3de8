"""Go calls Python: the objects that Go holds, and the one callback that Go enters Python by.

Imports `gobind.runtime.native`, `gobind.codec.buffers` and before.
"""

from __future__ import annotations

import atexit
import ctypes
import itertools
import struct
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any, Callable

from gobind import protocol
from gobind.memory import Memory, bytes_at
from gobind.runtime.native import Native

Answer = Callable[["Guest", int, int, int], int]
"""Does one method of an object: ``(guest, address and size of the request, address for the response)``."""

_SIGNATURE = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_uint64] * 5)
_IS_CPYTHON = sys.implementation.name == "cpython"


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
        # Counts go up in threads that call Go and down in one of Go's own. Reentrant: a collection inside may answer
        # for a loop that is gone, and hold an exception.
        self._lock = threading.RLock()
        self._threads = threading.local()
        # Alive as long as the process: Go may call at any time.
        self._callback = _SIGNATURE(self._make_enter())
        native.set_upcall(ctypes.cast(self._callback, ctypes.c_void_p))

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

    def _make_enter(self) -> Callable[[int, int, int, int, int], int]:
        """What Go calls. Nothing escapes: ctypes would print it and return 0.

        A closure, as it runs for each upcall and attributes of `self` would be a tenth of it.
        """
        threads, guests, serve, pin = self._threads, self._guests, self._serve, self._pin_thread

        def enter(number: int, method: int, address: int, size: int, reply: int) -> int:
            try:
                threads.is_pinned  # noqa: B018
            except AttributeError:
                pin()
            if number:
                guest = guests[number]
                return guest.answers[method](guest, address, size, reply)
            return serve(method, address, size)

        return enter

    def _serve(self, method: int, address: int, size: int) -> int:
        """The methods of object 0, which is gobind itself."""
        if method == protocol.UPCALL_DROP:
            self.let_go(memoryview(bytes_at(address, size)).cast("Q").tolist())
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


_tables: dict[Native, Guests] = {}


def guests_of(native: Native) -> Guests:
    """The one table of a library."""
    if native not in _tables:
        _tables[native] = Guests(native)
    return _tables[native]


def guests() -> int:
    """How many Python objects Go holds, in all open libraries together."""
    return sum(map(len, [*_tables.values()]))


@atexit.register
def _keep_quiet() -> None:
    """Python is about to end: let no goroutine in any more, and those inside out.

    Registered at import, so that it runs after the handlers of whoever has imported gobind, which may
    still call Go, and Go them.
    """
    end = time.monotonic() + 0.5
    for native in [*_tables]:
        while native.quiet(threading.get_native_id()) > 0 and time.monotonic() < end:
            time.sleep(0.0005)


memories: dict[int, Any] = {}
"""Memory by its address: what gives bytes for slices of a request there. It has no end: whoever reads knows
the size, and reads during the upcall that brought the address only.

Go's buffers are pooled, so few addresses come again and again, and making what looks at one costs as much
as the rest of a short call. A plain dict, as a subclass is slower.
"""


def memory_at(address: int) -> Any:
    """What belongs into `memories` for an address."""
    if len(memories) >= 1000:
        memories.clear()
    made = memories[address] = Memory.from_address(address)
    return made


def _running_loop() -> Any:
    """The event loop that runs in this thread, without importing asyncio."""
    events = sys.modules.get("asyncio.events")
    return events._get_running_loop() if events else None
