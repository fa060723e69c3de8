"""``GOBIND_DEBUG=1``: finds uses of memory after a call and objects that are not released.

`install` replaces three names before the first method is compiled, so programs without it pay nothing.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import sys
import warnings
from collections import deque
from typing import Any
from weakref import ref

from gobind import protocol
from gobind.codec import buffers
from gobind.errors import ClosedError
from gobind.runtime.call import status
from gobind.runtime.objects import proxies

POISON = 0xDB
"""Fills memory that a call has released."""

_OWN = os.path.dirname(os.path.dirname(__file__))

# Copies that Go may still read by mistake: kept mapped, so that it reads poison instead of crashing.
_quarantine: deque[Any] = deque(maxlen=256)
_alive: dict[int, tuple[str, str, Any]] = {}
_borrow = buffers.borrow


def install() -> None:
    """Starts watching memory and objects."""
    if proxies.GoObject is not TracedObject:
        for module, name, value in (
            (buffers, "borrow", BorrowedCopy),
            (status, "give_reply", _give_poisoned),
            (proxies, "GoObject", TracedObject),
        ):
            setattr(module, name, value)
        atexit.register(_list_leaks)


def _give_poisoned(reply: status.Reply) -> None:
    ctypes.memset(reply[1], POISON, protocol.REPLY_CAPACITY)
    status._pool.append(reply)


class BorrowedCopy:
    """A copy of a buffer, passed to Go in its place and poisoned after the call.

    Writes to a `MutableBuffer` are copied back; a write to a `Buffer`, which Go may only read, causes a warning
    and does not reach Python's memory.
    """

    __slots__ = ("_before", "_lent", "_memory", "_place", "_wanted", "address", "count")

    def __init__(self, value: Any, wanted: Any) -> None:
        self._memory: Any = None
        self._lent = borrowed = _borrow(value, wanted)
        self._wanted, self.count = wanted, borrowed.count
        size = borrowed.count * wanted.size
        memory = (ctypes.c_char * size)()
        self.address = ctypes.addressof(memory) if size else 0
        ctypes.memmove(memory, borrowed.address or 0, size)
        self._before = None if wanted.is_mutable else bytes(memory)
        self._place = _lending_place(value)
        self._memory = memory

    def release(self) -> None:
        """Releases the buffer."""
        memory, self._memory = self._memory, None
        if memory is None:
            return
        after = bytes(memory)
        if self._before is None and after:
            ctypes.memmove(self._lent.address, after, len(after))
        ctypes.memset(memory, POISON, len(memory))
        _quarantine.append(memory)
        self._lent.release()
        if self._before is not None and after != self._before:
            size = self._wanted.size
            at = next(
                i for i in range(0, len(after), size) if after[i : i + size] != self._before[i : i + size]
            )
            text = self._wanted.text
            warnings.warn(
                f"{self._place}: Go wrote to item {at // size} of a {text}, which it may only read; "
                f"declare it Mutable{text} (what Go wrote is lost)",
                RuntimeWarning,
                stacklevel=3,
            )

    __del__ = release


def _lending_place(value: Any) -> str:
    """Reads from the generated function's frame for which method and parameter a buffer is borrowed."""
    frame: Any = sys._getframe(2)
    title = frame.f_code.co_filename
    names = [name for name, found in frame.f_locals.items() if found is value]
    method = title[len("<gobind ") : -1] if title.startswith("<gobind ") else "an exported function"
    return f"{method}: {names[0]}" if names else method


class Gone:
    """Stands for a released handle, and is equal to it: packing it raises `ClosedError`."""

    __slots__ = ("handle", "why")

    def __init__(self, handle: int, why: str) -> None:
        self.handle, self.why = handle, why

    def __eq__(self, other: object) -> bool:
        return self.handle == other

    def __hash__(self) -> int:
        return hash(self.handle)

    def __index__(self) -> int:
        raise ClosedError(self.why)


class TracedObject(proxies.GoObject):
    """An object of Go that remembers where it was made and released."""

    _now: Any = proxies.CLOSED

    @property
    def _handle(self) -> Any:
        return self._now

    @_handle.setter
    def _handle(self, handle: int) -> None:
        name = type(self).__name__
        if handle == protocol.CLOSED_HANDLE:
            if type(self._now) is int and self._now != handle:
                where = _caller()
                self._now = Gone(handle, f"{name}: the object is closed, released at {where}")
        elif handle == protocol.LOST_HANDLE:
            self._now = handle
        else:
            self._now = handle
            key = id(self)
            _alive[key] = name, _caller(), ref(self, lambda _: _alive.pop(key, None))
            return
        _alive.pop(id(self), None)


def _caller() -> str:
    """Returns the location of the innermost code that is not gobind's own."""
    frame: Any = sys._getframe(1)
    while frame is not None:
        name = frame.f_code.co_filename
        if not name.startswith((_OWN, "<gobind")):
            return f"{name}:{frame.f_lineno} in {frame.f_code.co_name}"
        frame = frame.f_back
    return "(no code of yours)"


def _list_leaks() -> None:
    """Lists, at exit, the objects that were not released."""
    if _alive:
        lines = sorted(f"  {name}, made at {where}" for name, where, _ in _alive.values())
        count = f"{len(lines)} object{'s' * (len(lines) > 1)}"
        print(f"gobind: {count} of Go never released:", *lines, sep="\n", file=sys.stderr)
