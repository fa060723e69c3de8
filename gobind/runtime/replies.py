"""What comes back from a call: response buffers, memory held by Go, errors and panics.

Imports `gobind.runtime.native`, `gobind.codec` and before.
"""

from __future__ import annotations

import ctypes
import itertools
import struct
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, Callable, NamedTuple, Protocol

from gobind import protocol
from gobind.codec.blocks import Blocks
from gobind.codec.frames import Input
from gobind.errors import ClosedError, GobindError, GoError, GoPanic, GoTimeout
from gobind.runtime.native import Native
from gobind.schema import StructType

Reply = tuple[Any, int]
"""A response buffer and its address."""

_Buffer = ctypes.c_char * protocol.REPLY_CAPACITY
_pool: list[Reply] = []  # no larger than the number of calls that were ever under way at once

take_reply = _pool.pop
"""A buffer from the pool; IndexError if it is empty. A buffer belongs to the call until it is given back;
one that is lost on the way (an exception) is collected like any object."""

give_reply = _pool.append
"""Put a buffer back into the pool."""


def new_reply() -> Reply:
    """A buffer that is not from the pool."""
    buffer = _Buffer()
    return buffer, ctypes.addressof(buffer)


class Held:
    """A response in Go's memory: its only owner, which lets go of it when it is collected.

    It gives bytes for a slice, as a response buffer does. ``head`` is the first segment, ``size`` the
    number of bytes in all.
    """

    __slots__ = ("_addresses", "_ends", "_id", "_native", "head", "size")

    def __init__(self, native: Native, held: int, segments: Sequence[tuple[int, int]]) -> None:
        self._native = native
        self._id = held
        self._addresses = [address for address, _ in segments]
        self._ends = []
        self.size = 0
        for _, length in segments:
            self.size += length
            self._ends.append(self.size)
        address, length = segments[0] if segments else (0, 0)
        # A copy: a ctypes array of just this length would be a new type, which takes longer than a small call.
        self.head = ctypes.string_at(address, min(length, protocol.REPLY_CAPACITY)) if length else b""

    def __getitem__(self, piece: slice) -> bytes:
        start, stop = piece.start, piece.stop
        if start == stop:
            return b""
        index = bisect_right(self._ends, start)
        if index == len(self._ends) or stop > self._ends[index]:
            return b""  # what nothing in a frame may do; whoever asked sees that bytes are missing
        begin = self._ends[index - 1] if index else 0
        return ctypes.string_at(self._addresses[index] + start - begin, stop - start)

    def release(self) -> None:
        """Let go of the memory now; nothing may be read afterwards."""
        if self._id:
            self._id, held = 0, self._id
            self._native.release(held)

    __del__ = release


class Ended(NamedTuple):
    """How a call ended, where that is more than a number or a small response."""

    kind: int
    value: int
    held: Held


def read_status(native: Native, address: int) -> Ended:
    """The status at an address; the result owns what Go holds for it."""
    kind, number, value, count = struct.unpack("<QQqQ", ctypes.string_at(address, 32))
    words = struct.unpack(f"<{2 * count}Q", ctypes.string_at(address + 32, 16 * count))
    return Ended(kind, value, Held(native, number, [*zip(words[::2], words[1::2])]))


next_number = itertools.count(1).__next__
"""The number of a call that nobody waits for inside Go: unique in the process; its response comes back with it."""

Fetched = Any
"""A response: an int for a direct result, bytes, or an `Ended`."""


def fetch(native: Native, queue: int, buffer: Any) -> list[tuple[int, Fetched]]:
    """The responses that one call brings from a queue, with the numbers of their calls.

    Args:
        buffer: of `protocol.DRAIN_CAPACITY` bytes.
    """
    count = native.drain(queue, buffer)
    if not count:
        return []
    words = struct.unpack_from(f"<{3 * count}Q", buffer)
    at = 24 * count
    fetched: list[tuple[int, Fetched]] = []
    for number, tag, word in zip(words[::3], words[1::3], words[2::3]):
        if tag == protocol.ENTRY_RESPONSE:
            end = at + word
            fetched.append((number, buffer[at:end]))
            at = end
        elif tag == protocol.ENTRY_VALUE:
            fetched.append((number, word - (1 << 64) if word >> 63 else word))
        else:
            fetched.append((number, read_status(native, word)))
    return fetched


class Connection(Protocol):
    """What knows the library that calls go to at present."""

    native: Native


class Replies:
    """Looks closer at a call that answered `protocol.LOOK`.

    Args:
        errors: the nodes of the contract's errors, by index.
        exception_of: the exception of that number that Go holds.
    """

    def __init__(
        self,
        connection: Connection,
        blocks: Blocks,
        errors: Sequence[StructType],
        exception_of: Callable[[int], BaseException],
    ) -> None:
        self._exception_of = exception_of
        self._connection = connection
        self._blocks = blocks
        self._errors = errors

    def look(self, frame: bytes) -> int:
        """The true result of a call whose result is a number.

        Raises:
            GobindError: whatever the call came to.
        """
        native = self._connection.native
        return self.number(read_status(native, native.status(frame)))

    def look_frame(self, frame: bytes) -> tuple[Any, Held, int]:
        """Head, source and size of the response of a call whose result is a record.

        Raises:
            GobindError: whatever the call came to.
        """
        native = self._connection.native
        return self.opened(read_status(native, native.status(frame)))

    def number(self, ended: Ended) -> int:
        """The result of a call that ended with a number; raises what else it ended with."""
        if ended.kind == protocol.VALUE:
            return ended.value
        raise self._failure(ended.kind, ended.held)

    def opened(self, ended: Ended) -> tuple[Any, Held, int]:
        """Head, source and size of the response a call ended with; raises what else it ended with."""
        if ended.kind == protocol.RESPONSE:
            return ended.held.head, ended.held, ended.held.size
        raise self._failure(ended.kind, ended.held)

    def _failure(self, kind: int, held: Held) -> BaseException:
        try:
            return self._read_failure(kind, held)
        finally:
            held.release()  # the exception's traceback will keep the object

    def _exception(self, number: int, message: str) -> BaseException:
        """The exception of Python's own that Go hands back."""
        try:
            return self._exception_of(number)
        except KeyError:
            return GoError(message, "*gobind.PythonError")

    def _read_failure(self, kind: int, held: Held) -> BaseException:
        message_size, detail_size, index, flags = protocol.FAILURE.unpack_from(held.head)
        source = Input(held, protocol.FAILURE.size)
        message = source.take(message_size).decode(errors="backslashreplace")
        detail = source.take(detail_size).decode(errors="backslashreplace")
        if kind == protocol.PANIC:
            return GoPanic(message, detail)
        if kind == protocol.CLOSED:
            return ClosedError(message)
        if kind == protocol.REFUSED:
            return GobindError(message)
        if flags & protocol.EXCEPTION:
            return self._exception(index, message)
        if index >= 0:
            return self._read_error(self._errors[index], source, held, message, detail)
        if flags & protocol.TIMED_OUT:
            return GoTimeout(message, detail)
        return GoError(message, detail)

    def _read_error(
        self, node: StructType, source: Input, held: Held, message: str, detail: str
    ) -> Exception:
        """One of the contract's errors with its fields, or what is wrong with those."""
        start = source.position
        try:
            values = self._blocks.get(node)(source, 1)
            source.finish(held.size)
        except Exception as error:
            from gobind.codec.locate import locate_value

            return locate_value(node, held, start, held.size, error)
        GoError.__init__(values[0], message, detail)
        return values[0]  # type: ignore[no-any-return]
