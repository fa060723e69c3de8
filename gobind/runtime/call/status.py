"""What a call returns: response buffers, memory held by Go, errors and panics."""

from __future__ import annotations

import ctypes
import itertools
import struct
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, Union

from gobind import protocol
from gobind.codec.diagnose import locate_value
from gobind.codec.frames import CorruptFrame, Input
from gobind.codec.memory import Memory, bytes_at, readable
from gobind.codec.registry import Blocks
from gobind.contract.types import StructType
from gobind.errors import ClosedError, GobindError, GoError, GoPanic, GoTimeout
from gobind.runtime.interrupts.contexts import add_context, raise_anew
from gobind.runtime.interrupts.ownership import Owned
from gobind.runtime.interrupts.uninterrupted import uninterrupted
from gobind.runtime.process.native import Native

Reply = tuple[Any, int]
"""A response buffer and its address."""

_Buffer = ctypes.c_char * protocol.REPLY_CAPACITY
_pool: list[Reply] = []  # no larger than the number of calls that were ever under way at once

take_reply = _pool.pop
"""Takes a buffer from the pool; IndexError if it is empty. The call owns the buffer until it is given back;
one that an exception loses is collected like any object."""

give_reply = _pool.append
"""Puts a buffer back into the pool."""


def new_reply() -> Reply:
    """Makes a buffer that is not from the pool."""
    buffer = _Buffer()
    return buffer, ctypes.addressof(buffer)


class Held:
    """A response for which Go keeps memory or objects until it is released or collected.

    Slices are bytes, as those of a response buffer are.

    Args:
        owned: what Go keeps.
        head: the first bytes of the response; all of it if there are no segments.
        segments: address and length of each piece of the response in Go's memory.
    """

    __slots__ = ("_addresses", "_ends", "_owned", "_size", "head", "release")

    def __init__(self, owned: Owned, head: bytes, segments: Sequence[tuple[int, int]] = ()) -> None:
        self._owned = owned
        self.release = owned.release  # Go's memory may not be read afterwards
        self.head = head
        if not segments:
            self._size = len(head)
            return
        self._addresses = [address for address, _ in segments]
        self._ends = [*itertools.accumulate(length for _, length in segments)]
        self._size = self._ends[-1]

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, piece: slice) -> bytes:
        start, stop = piece.start, piece.stop
        if stop <= len(self.head) or start == stop:
            return self.head[start:stop]
        return bytes_at(self._find(start, stop), stop - start)

    def view(self, start: int, stop: int) -> memoryview:
        """Returns the memory of a piece, to be read before anything is released."""
        return memoryview(Memory.from_address(self._find(start, stop)))[: stop - start].cast("B")

    def _find(self, start: int, stop: int) -> int:
        """Returns the address of a piece in Go's memory. One segment has all of it: no piece crosses segments."""
        if stop <= self._size:
            index = bisect_right(self._ends, start)
            begin = self._ends[index - 1] if index else 0
            if stop <= self._ends[index]:
                return self._addresses[index] + start - begin
        raise CorruptFrame(f"corrupted frame: {stop - start} bytes expected at {start}, no segment has them")


Response = Union[bytes, Held]
"""A whole response: bytes if Go keeps nothing for it."""

Status = tuple[int, int, Response]
"""How a call ended, where that is more than a number or a small response: kind, value, response."""


class Parked(NamedTuple):
    """A call that has ended in a queue, whose status is not yet fetched."""

    queue: int
    call_id: int


def ask_status(native: Native, key: bytes | Parked, reply: Reply) -> Status | None:
    """Fetches the status of a call: once, or, if it is a failure, until it is released. None if there is none.

    Args:
        key: the request of a call, or what a queue has handed out for it.
        reply: a buffer for a small response; the caller may reuse it afterwards.
    """
    buffer, address = reply
    owned = Owned(native.releasing)
    if isinstance(key, Parked):
        owned.take(native.completion, *key, address)
    else:
        owned.take(native.status, key, address)
    kind, value, count, first, length = protocol.STATUS.unpack_from(readable(buffer))
    if kind == protocol.NONE:
        return None
    if count <= 1 and length <= protocol.REPLY_CAPACITY - protocol.STATUS_SIZE:
        head = buffer[protocol.STATUS_SIZE : protocol.STATUS_SIZE + length]
        return kind, value, Held(owned, head) if owned.handle else head
    segments = [(first, length)]
    if count > 1:
        words = struct.unpack(f"<{2 * count}Q", bytes_at(first, 16 * count))
        segments = [*zip(words[::2], words[1::2])]
    # Copied: a ctypes array of this length would be a new type, which costs more than a small call.
    begin, length = segments[0]
    head = bytes_at(begin, min(length, protocol.REPLY_CAPACITY)) if length else b""
    return kind, value, Held(owned, head, segments)


next_id = itertools.count(1).__next__
"""Returns a new id for an asynchronous call, unique in the process; its completion carries it."""

Completion = Any
"""A response: an int for a direct result, bytes, or a `Parked`."""


class Connection(Protocol):
    """Gives the library that calls go to at present."""

    native: Native


class Statuses:
    """Resolves calls that returned `protocol.CHECK_STATUS`: to the result, or the error the call failed with.

    Args:
        errors: the nodes of the contract's errors, by index.
        exception_of: returns the exception with that id, which Go holds.
        escaped: returns the exception that escaped from an upcall of this thread, None if it is not known.
    """

    def __init__(
        self,
        connection: Connection,
        blocks: Blocks,
        errors: Sequence[StructType],
        exception_of: Callable[[int], BaseException],
        escaped: Callable[[], BaseException | None],
    ) -> None:
        self._exception_of = exception_of
        self._escaped = escaped
        self._connection = connection
        self._blocks = blocks
        self._errors = errors
        self._told: tuple[BaseException, Any] | None = None  # the failure raised last, and its key

    def fetch_result(self, frame: bytes) -> int:
        """Returns the result of a call whose result is a number.

        Raises:
            GobindError: the error the call failed with.
        """
        return self._number(self._ask(frame), frame)

    def fetch_response(self, frame: bytes, reply: Reply) -> tuple[Any, Response, int]:
        """Returns head, source and size of the response of a call whose result is a record.

        Args:
            reply: the buffer that the request names; returned to the pool if the call failed.

        Raises:
            GobindError: the error the call failed with.
        """
        ended = _found(ask_status(self._connection.native, frame, reply))
        if ended[0] != protocol.RESPONSE:
            give_reply(reply)
        return self._opened(ended, frame)

    @uninterrupted
    def add_own(self, error: BaseException, key: bytes | Parked) -> None:
        """Makes the Python exception (of a callback) that a call failed with the context of `error`.

        `error` was raised in its place, by a signal handler, before the status of the call was fetched. If another
        is raised meanwhile, its context is `error`, and it is handled likewise.
        """
        try:
            told = self._told
            if told is not None and told[0] is error and _is_same(told[1], key):
                self._told = None
                return
            own = self._own(key)
            if own is not None:
                add_context(error, own)
        except BaseException as another:
            self.add_own(another, key)
            raise

    def _own(self, key: bytes | Parked) -> BaseException | None:
        """Returns the Python exception in the status of a call."""
        ended = self._status(key)
        if ended is None or ended[0] != protocol.ERROR:
            return None
        response = ended[2]
        _, _, index, flags = _failure_of(response.head if isinstance(response, Held) else response)
        if flags & protocol.EXCEPTION:
            return self._exception_of(index)
        return self._escaped() if flags & protocol.UNANSWERED else None

    def number(self, fetched: Parked) -> int:
        """Returns the number that an asynchronous call ended with; raises the error if it failed."""
        return self._number(self._ask(fetched), fetched)

    def opened(self, fetched: Parked) -> tuple[Any, Response, int]:
        """Returns head, source and size of the response of an asynchronous call; raises the error if it failed."""
        return self._opened(self._ask(fetched), fetched)

    def _ask(self, key: bytes | Parked) -> Status:
        return _found(self._status(key))

    def _status(self, key: bytes | Parked) -> Status | None:
        try:
            reply = take_reply()
        except IndexError:
            reply = new_reply()
        try:
            return ask_status(self._connection.native, key, reply)
        finally:
            give_reply(reply)

    def _number(self, ended: Status, key: bytes | Parked) -> int:
        kind, value, response = ended
        if kind == protocol.VALUE:
            return value
        raise self._failure(kind, response, key)

    def _opened(self, ended: Status, key: bytes | Parked) -> tuple[Any, Response, int]:
        kind, _, response = ended
        if kind == protocol.RESPONSE:
            head = response.head if isinstance(response, Held) else response
            return head, response, len(response)
        raise self._failure(kind, response, key)

    def _failure(self, kind: int, response: Response, key: bytes | Parked) -> BaseException:
        """Returns the error for a status that is no result; raises it itself if it was raised before."""
        error = self._read_failure(kind, response, response.head if isinstance(response, Held) else response)
        self._told = error, key
        if error.__context__ is not None:
            raise_anew(error)
        return error

    def _exception(self, object_id: int, message: str) -> BaseException:
        """Returns the Python exception that Go hands back."""
        try:
            return self._exception_of(object_id)
        except KeyError:
            return GoError(message, "*gobind.PythonError")

    def _read_failure(self, kind: int, source: Response, head: bytes) -> BaseException:
        message_size, detail_size, index, flags = _failure_of(head)
        middle = protocol.FAILURE.size + message_size
        end = middle + detail_size
        if end > len(source):
            raise CorruptFrame(f"corrupted frame: a failure of {end} bytes expected, {len(source)} are there")
        message = source[protocol.FAILURE.size : middle].decode("utf-8", "backslashreplace")
        detail = source[middle:end].decode("utf-8", "backslashreplace")
        if kind == protocol.PANIC:
            return GoPanic(message, detail)
        if kind == protocol.CLOSED:
            return ClosedError(message)
        if kind == protocol.REFUSED:
            return GobindError(message)
        if flags & protocol.EXCEPTION:
            return self._exception(index, message)
        if flags & protocol.UNANSWERED:
            return self._escaped() or GobindError(message)
        if index >= len(self._errors):
            raise CorruptFrame(
                f"corrupted frame: the contract has {len(self._errors)} errors, and none of number {index}"
            )
        if index >= 0:
            return self._read_error(self._errors[index], source, end, message, detail)
        if flags & protocol.TIMED_OUT:
            return GoTimeout(message, detail)
        return GoError(message, detail)

    def _read_error(
        self, node: StructType, source: Response, start: int, message: str, detail: str
    ) -> Exception:
        """Returns one of the contract's errors with its fields, or what is wrong with those."""
        columns = Input(source, start, len(source))
        try:
            values = self._blocks.get(node)(columns, 1)
            columns.finish()
        except Exception as error:
            return locate_value(node, source, start, len(source), error)
        GoError.__init__(values[0], message, detail)
        return values[0]  # type: ignore[no-any-return]


def _failure_of(head: bytes) -> tuple[int, int, int, int]:
    """Reads sizes of message and detail, error and flags from a failure's record."""
    if len(head) < protocol.FAILURE.size:
        raise CorruptFrame(
            f"corrupted frame: a failure is {protocol.FAILURE.size} bytes or more, got {len(head)}"
        )
    return protocol.FAILURE.unpack_from(head)


def _is_same(one: bytes | Parked, other: bytes | Parked) -> bool:
    """Returns True if both are of one call; frames of two calls may be equal."""
    return one is other or (isinstance(other, Parked) and one == other)


def _found(ended: Status | None) -> Status:
    if ended is None:
        raise CorruptFrame("Go knows of no status of a call that has one")
    return ended
