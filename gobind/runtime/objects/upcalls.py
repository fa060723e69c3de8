"""Upcalls: the table of exported objects, and the one ctypes callback by which Go enters Python."""

from __future__ import annotations

import atexit
import ctypes
import itertools
import sys
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from gobind import protocol
from gobind.codec.memory import IS_CPYTHON, Memory, bytes_at
from gobind.errors import GoError
from gobind.outcomes import outcome
from gobind.runtime.interrupts import ownership
from gobind.runtime.interrupts.contexts import add_context
from gobind.runtime.interrupts.ownership import Unsent, make_unsent, send
from gobind.runtime.interrupts.uninterrupted import uninterrupted
from gobind.runtime.process.native import Native
from gobind.runtime.process.platforms import peak_memory

Answer = Callable[["ExportedObject", int, int, int], None]
"""Answers one method of an object: ``(exported, address and size of the request, address for the answer)``."""

_SIGNATURE = ctypes.CFUNCTYPE(None, *[ctypes.c_uint64] * 5)

MOST_WAITING, LEAST_WAITING = 1024, 64
"""Objects that Go may hold before its collector runs; the second one applies if the process has grown since."""

MOST_GROWTH = 32 << 20
"""Bytes that the process's peak memory may grow by while objects are passed, before Go's collector runs."""

MEASURE_EACH = 32
"""Objects passed between two checks of the process's size."""


def _put_answer(memory: Any, offset: int, value: int, kind: int) -> None:
    protocol.ANSWER.pack_into(memoryview(memory), offset, value, kind)


put_answer: Callable[[Any, int, int, int], None] = protocol.ANSWER.pack_into if IS_CPYTHON else _put_answer
"""``put_answer(memory, 0, value, kind)``: stores the answer in one step."""


def is_answered(memory: Any) -> bool:
    """Returns True if Python has answered."""
    return bool(memory[8:16] != bytes(8))


class ExportedObject:
    """A Python object that Go holds.

    Attributes:
        value: the object.
        answers: the handlers of its methods, by index.
        loop: the event loop that was running when it was passed; its ``async def`` methods run there.
        kept: state of the handlers.
    """

    __slots__ = ("answers", "kept", "loop", "value")

    def __init__(self, value: Any, answers: Sequence[Answer]) -> None:
        self.value = value
        self.answers = answers
        self.loop = running_loop()
        self.kept: Any = None


class HandleTable:
    """The handle table: the Python objects that one library holds.

    An object gets a new id each time it is passed to Go, which releases it when nothing in Go refers to the object.
    So an entry is made by one store and removed by one `dict.pop`; there are no counts that an exception could leave
    half changed.

    Attributes:
        tasks: the tasks of async methods, by ticket.
        escaped: by thread, an exception that no code could catch.
        dropped: calls of one-way functions that were dropped because their event loop did not come to them.
        unsent: makes the owner of the handles of one frame until it is sent.
    """

    def __init__(self, native: Native) -> None:
        self.native = native
        self.tasks: dict[int, Any] = {}
        self.escaped: dict[int, BaseException] = {}
        self.dropped = 0
        self._table: dict[int, ExportedObject] = {}
        self.unsent: Callable[[], Unsent] = partial(make_unsent, self._table.pop, native.releasing)
        self._limit = self._waiting = MOST_WAITING
        self._peak = 0  # of the process's memory, when the collector last ran; 0: not yet read
        self._responses: dict[int, bytes] = {}
        self._next = itertools.count(1).__next__
        self._threads = threading.local()
        self._enter = self._make_enter()
        # Kept as long as the process lives: Go may call at any time.
        self._callback = _SIGNATURE(self._enter)
        native.set_upcall(ctypes.cast(self._callback, ctypes.c_void_p))
        _catch_escapes()

    def hold(self, value: Any, answers: Sequence[Answer], unsent: Unsent) -> int:
        """Adds an object that goes into a frame; returns its id."""
        object_id = self._next()
        if object_id % MEASURE_EACH == 0 or len(self._table) >= self._limit:
            self._relieve()
        unsent.ids.append(object_id)
        self._table[object_id] = ExportedObject(value, answers)
        return object_id

    def value_of(self, object_id: int) -> Any:
        """Returns the object with that id; KeyError if Go has released it."""
        return self._table[object_id].value

    def __len__(self) -> int:
        return len(self._table)

    def _relieve(self) -> None:
        """Runs Go's collector if Go holds many objects or the process has grown.

        Only by collecting Go finds out that nothing refers to an object, and its collector starts when its own heap has
        grown, but the Go value that keeps a large Python object alive is small. `UPCALL_RELEASE` reports later what was
        found.
        """
        peak = peak_memory()
        self._peak = self._peak or peak
        has_grown = peak > self._peak + MOST_GROWTH
        if has_grown:
            self._peak = peak
            self._waiting = LEAST_WAITING
        if has_grown or len(self._table) >= self._limit:
            self._limit = max(self._waiting, 2 * len(self._table))
            self.native.control(protocol.CONTROL_GC, protocol.CONTROL_KEEP)

    # Answers

    def respond(self, reply: int, response: bytes, unsent: Unsent, kind: int = protocol.ANSWER_FRAME) -> None:
        """Answers with a frame."""
        size = len(response)
        if size <= protocol.REPLY_CAPACITY:
            ctypes.memmove(reply + protocol.ANSWER_SIZE, response, size)
        else:
            response_id = self._next()
            self._responses[response_id] = response
            ctypes.memmove(reply + protocol.ANSWER_SIZE, response_id.to_bytes(8, "little"), 8)
        send(unsent, put_answer, memory_at(reply), 0, size, kind)

    def fail(
        self,
        reply: int,
        error: BaseException,
        make: Callable[[BaseException, Unsent], bytes] | None = None,
    ) -> None:
        """Answers with an exception.

        Args:
            make: makes the frame; a binding's handlers know its errors, which `exception` does not.
        """
        if not self.is_late(reply, error):
            unsent = self.unsent()
            try:
                frame = (make or self.exception)(error, unsent)
                self.respond(reply, frame, unsent, protocol.ANSWER_EXCEPTION)
            except BaseException:
                # Or the table would keep `error` for ever: it may refer to what is raised now, whose traceback keeps
                # the owner of the table's entry.
                next(unsent)
                raise

    def is_late(self, reply: int, error: BaseException) -> bool:
        """Returns True if there is an answer, or a late exception, already; then notes this exception as late."""
        memory = memory_at(reply)
        late = int.from_bytes(memory[protocol.LATE_OFFSET : protocol.LATE_OFFSET + 8], "little")
        if late:
            object_id = late & ~protocol.PYTHON_OWNED
            add_context(error, self._table[object_id].value)
            self._table[object_id] = ExportedObject(error, ())
            return True
        if not is_answered(memory):
            return False
        unsent = self.unsent()
        try:
            handle = self.hold(error, (), unsent) | protocol.PYTHON_OWNED
            send(unsent, ctypes.memmove, reply + protocol.LATE_OFFSET, handle.to_bytes(8, "little"), 8)
        except BaseException:
            next(unsent)  # as in `fail`
            raise
        return True

    def exception(
        self, error: BaseException, unsent: Unsent, index: int = -1, contract: int = 0, fields: bytes = b""
    ) -> bytes:
        """Packs the frame of an exception, which holds the exception itself.

        Args:
            index, fields: the contract's error that it is, or -1, and its fields.
            contract: the index of the contract in the library.
        """
        message = _text_of(error).encode("utf-8", "backslashreplace")
        name = _name_of(error)
        flags = 0
        if isinstance(error, TimeoutError) or name == "TimeoutError":
            flags = protocol.TIMED_OUT
        elif name == "CancelledError":
            flags = protocol.CANCELLED
        shown = name.encode("utf-8", "backslashreplace")
        handle = self.hold(error, (), unsent) | protocol.PYTHON_OWNED
        record = protocol.EXCEPTION_RECORD.pack(len(message), len(shown), index, flags, handle, contract)
        return b"".join([record, message, shown, fields])

    def caught(self, error: BaseException) -> None:
        """Handles an exception that escaped from an upcall: answers with it, or keeps it for the enclosing call."""
        found = error.__traceback__
        while found is not None:
            if found.tb_frame.f_code is self._enter.__code__:
                self.fail(found.tb_frame.f_locals["reply"], error)
                return
            found = found.tb_next
        self.escaped[threading.get_ident()] = error

    # Upcalls

    def _make_enter(self) -> Any:
        """Makes the function that Go calls.

        A closure: it runs for each upcall, and attributes of `self` would cost a tenth of it. An exception before the
        ``try`` (the stack has no room for one more frame), or in the last `fail`, reaches `_unraisable`; Go sees that
        there is no answer.
        """
        threads, table, serve, pin, fail = (
            self._threads,
            self._table,
            self._serve,
            self._pin_thread,
            self.fail,
        )

        def enter(object_id: int, method: int, address: int, size: int, reply: int) -> None:
            # Not one within the handler of the other: up to 3.10 the first instruction of a handler may raise.
            try:
                try:
                    try:
                        try:
                            threads.is_pinned  # noqa: B018
                        except AttributeError:
                            pin()
                        if object_id:
                            exported = table[object_id]
                            exported.answers[method](exported, address, size, reply)
                        else:
                            serve(method, address, size, reply)
                    except BaseException as error:
                        fail(reply, error)
                except BaseException as second:  # raised while the first was reported
                    fail(reply, second)
            except BaseException as third:
                fail(reply, third)

        return uninterrupted(enter)

    def _serve(self, method: int, address: int, size: int, reply: int) -> None:
        """Answers the methods of object 0, gobind itself."""
        value = 0
        if method == protocol.UPCALL_RELEASE:
            for object_id in memoryview(bytes_at(address, size)).cast("Q").tolist():
                self._table.pop(object_id, None)
            self._limit = max(self._waiting, 2 * len(self._table))
        elif method == protocol.UPCALL_CANCEL:
            task = self.tasks.get(size)
            if task is not None:
                value = 1
                task.stop()
        elif method == protocol.UPCALL_FETCH_INTO:
            response = self._responses[size]
            ctypes.memmove(address, response, len(response))
        elif method == protocol.UPCALL_REPORT:
            report(GoError(bytes_at(address, size).decode("utf-8", "replace")))
        put_answer(memory_at(reply), 0, value, protocol.ANSWER_VALUE)
        if method == protocol.UPCALL_FETCH_INTO:
            del self._responses[size]

    def _pin_thread(self) -> None:
        """Keeps this thread's Python state for the thread's life.

        A thread that Python did not start gets a state when it enters, and loses it when it leaves, each time, which
        costs thirty times the call. One `PyGILState_Ensure` more than there are releases keeps the state (CPython's
        Python/pystate.c counts them).
        """
        self._threads.is_pinned = True
        if IS_CPYTHON:
            ctypes.pythonapi.PyGILState_Ensure()


def report(error: BaseException) -> None:
    """Reports the exception of a one-way function, as of a thread: nobody waits for its call."""
    made = (type(error), error, error.__traceback__, threading.current_thread())
    try:
        threading.excepthook(threading.ExceptHookArgs(made))
    except BaseException as raised:
        try:
            sys.excepthook(type(raised), raised, raised.__traceback__)
        except BaseException as again:  # Go has no use for it
            sys.__excepthook__(type(again), again, again.__traceback__)


_tables: dict[Native, HandleTable] = {}


def table_of(native: Native) -> HandleTable:
    """Returns the one table of a library."""
    if native not in _tables:
        _tables[native] = HandleTable(native)
    return _tables[native]


def exported() -> int:
    """Returns how many Python objects Go holds in all open libraries."""
    return sum(map(len, [*_tables.values()]))


def dropped(native: Native) -> int:
    """Returns how many calls of one-way functions have been dropped since the library was loaded."""
    count: int = native.control(protocol.CONTROL_DROPPED, protocol.CONTROL_KEEP)
    return count + (_tables[native].dropped if native in _tables else 0)


@atexit.register
def _block_upcalls() -> None:
    """Blocks new upcalls and waits for those under way: Python is about to end.

    Registered at import, so that it runs after the exit handlers of modules that have imported gobind, which may
    still call Go, and be called by Go.
    """
    end = time.monotonic() + 0.5
    for native in [*_tables]:
        while native.block_upcalls(threading.get_native_id()) > 0 and time.monotonic() < end:
            time.sleep(0.0005)
    ownership.stop()


# Exceptions that nothing can catch

_previous_hook: Any = None


def _catch_escapes() -> None:
    """Catches the exceptions that ctypes would only print: they belong to the call that Go was making."""
    global _previous_hook
    if sys.unraisablehook is not _unraisable:
        _previous_hook = sys.unraisablehook
        sys.unraisablehook = _unraisable


def _unraisable(unraisable: Any) -> None:
    for table in [*_tables.values()]:
        # Up to CPython 3.12 the object is the function, since 3.13 the message has it.
        enter, message = table._enter, unraisable.err_msg or ""
        if unraisable.object is enter or (unraisable.object is None and repr(enter) in message):
            if unraisable.exc_value is not None:
                table.caught(unraisable.exc_value)
                return
    _previous_hook(unraisable)


def _text_of(error: BaseException) -> str:
    """Returns the text of an exception, if its `__str__` does not raise."""
    text, odd = outcome(partial(str, error), (BaseException,))
    return "(its text cannot be made)" if odd is not None else text


_qualname = type.__dict__["__qualname__"].__get__
"""The name of a class, even if its metaclass overrides it."""


def _name_of(error: BaseException) -> str:
    name: str = _qualname(type(error))
    return name


memories: dict[int, Any] = {}
"""Memory by its address; slices of it are bytes of a request. It has no end: the reader knows the size, and reads
only during the upcall that passed the address.

Go's buffers are pooled, so few addresses come again and again, and making the object for one costs as much as the
rest of a short call. A dict, as a subclass is slower.
"""


def memory_at(address: int) -> Any:
    """Returns the memory at an address, from `memories` if it is there."""
    found = memories.get(address)
    if found is None:
        if len(memories) >= 1000:
            memories.clear()
        found = memories[address] = Memory.from_address(address)
    return found


def running_loop() -> Any:
    """Returns the event loop that runs in this thread, without importing asyncio."""
    events = sys.modules.get("asyncio.events")
    return events._get_running_loop() if events else None
