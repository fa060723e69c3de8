"""Go calls Python: the objects that Go holds, and the one callback that Go enters Python by."""

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
from gobind.runtime.interrupts import ownership
from gobind.runtime.interrupts.contexts import add_context
from gobind.runtime.interrupts.ownership import Unsent, make_unsent, send
from gobind.runtime.interrupts.uninterrupted import uninterrupted
from gobind.runtime.process.native import Native
from gobind.runtime.process.platforms import peak_memory

Answer = Callable[["ExportedObject", int, int, int], None]
"""Does one method of an object: ``(exported, address and size of the request, address for the answer)``."""

_SIGNATURE = ctypes.CFUNCTYPE(None, *[ctypes.c_uint64] * 5)

MOST_WAITING, LEAST_WAITING = 1024, 64
"""How many objects Go may hold before its collector is asked; the second where the process has grown meanwhile."""

MOST_GROWTH = 32 << 20
"""Bytes that the process's peak may grow by while objects are passed, before Go's collector is asked."""

MEASURE_EACH = 32
"""How many objects are passed between two looks at the size of the process."""


def _put_answer(memory: Any, offset: int, value: int, kind: int) -> None:
    protocol.ANSWER.pack_into(memoryview(memory), offset, value, kind)


put_answer: Callable[[Any, int, int, int], None] = protocol.ANSWER.pack_into if IS_CPYTHON else _put_answer
"""``put_answer(memory, 0, value, kind)``: the one step that answers."""


def is_answered(memory: Any) -> bool:
    """True if the memory of an answer has one."""
    return bool(memory[8:16] != bytes(8))


class ExportedObject:
    """A Python object that Go holds.

    Attributes:
        value: the object.
        answers: what does its methods, by number.
        loop: the event loop that was running when it was passed; its ``async def`` methods run there.
        kept: whatever `answers` want to remember.
    """

    __slots__ = ("answers", "kept", "loop", "value")

    def __init__(self, value: Any, answers: Sequence[Answer]) -> None:
        self.value = value
        self.answers = answers
        self.loop = _running_loop()
        self.kept: Any = None


class HandleTable:
    """The table of the Python objects that one library holds.

    Each time an object is passed to Go it gets a number of its own, which Go gives up when nothing in Go refers to
    it. So an entry is made by one store and removed by one `dict.pop`, and there are no counts that an exception
    could leave half changed.

    Attributes:
        tasks: what runs async methods, by ticket.
        escaped: by thread, an exception that nothing could catch.
        unsent: makes what owns the handles of one frame to Go until it is sent.
    """

    def __init__(self, native: Native) -> None:
        self.native = native
        self.tasks: dict[int, Any] = {}
        self.escaped: dict[int, BaseException] = {}
        self._table: dict[int, ExportedObject] = {}
        self.unsent: Callable[[], Unsent] = partial(make_unsent, self._table.pop, native.releasing)
        self._limit = self._waiting = MOST_WAITING
        self._peak = 0  # of the process's memory, when the collector was asked; 0: not yet looked at
        self._responses: dict[int, bytes] = {}
        self._next = itertools.count(1).__next__
        self._threads = threading.local()
        self._enter = self._make_enter()
        # Alive as long as the process: Go may call at any time.
        self._callback = _SIGNATURE(self._enter)
        native.set_upcall(ctypes.cast(self._callback, ctypes.c_void_p))
        _catch_escapes()

    def hold(self, value: Any, answers: Sequence[Answer], unsent: Unsent) -> int:
        """A number for an object that goes into a frame."""
        number = self._next()
        if number % MEASURE_EACH == 0 or len(self._table) >= self._limit:
            self._relieve()
        unsent.numbers.append(number)
        self._table[number] = ExportedObject(value, answers)
        return number

    def value_of(self, number: int) -> Any:
        """The object of that number; KeyError if Go has given it up."""
        return self._table[number].value

    def __len__(self) -> int:
        return len(self._table)

    def _relieve(self) -> None:
        """Let Go find out which objects it needs no more, if they are many or the process has grown.

        Go cannot tell when nothing refers to an object but by collecting, and its collector starts when its own heap
        has grown, where what keeps a large object of Python's alive is small. What it finds is told later, by
        `UPCALL_RELEASE`.
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

    def respond(
        self, reply: int, response: bytes, unsent: Unsent | None = None, kind: int = protocol.ANSWER_FRAME
    ) -> None:
        """Answer with a frame."""
        size = len(response)
        if size <= protocol.REPLY_CAPACITY:
            ctypes.memmove(reply + protocol.ANSWER_SIZE, response, size)
        else:
            number = self._next()
            self._responses[number] = response
            ctypes.memmove(reply + protocol.ANSWER_SIZE, number.to_bytes(8, "little"), 8)
        memory = memory_at(reply)
        if unsent is None:
            put_answer(memory, 0, size, kind)
        else:
            send(unsent, put_answer, memory, 0, size, kind)

    def fail(
        self,
        reply: int,
        error: BaseException,
        make: Callable[[BaseException, Unsent], bytes] | None = None,
    ) -> None:
        """Answer with an exception.

        Args:
            make: makes the frame; the answers of a binding know more of its errors than `exception` does.
        """
        if not self.is_late(reply, error):
            unsent = self.unsent()
            try:
                frame = (make or self.exception)(error, unsent)
                self.respond(reply, frame, unsent, protocol.ANSWER_EXCEPTION)
            except BaseException:
                next(unsent)  # or the table would keep `error`, whose traceback may keep this
                raise

    def is_late(self, reply: int, error: BaseException) -> bool:
        """True if there is an answer already, or an exception that came before it; this one is noted there then."""
        memory = memory_at(reply)
        late = int.from_bytes(memory[protocol.LATE_OFFSET : protocol.LATE_OFFSET + 8], "little")
        if late:
            number = late & ~protocol.PYTHON_OWNED
            add_context(error, self._table[number].value)
            self._table[number] = ExportedObject(error, ())
            return True
        if not is_answered(memory):
            return False
        unsent = self.unsent()
        handle = self.hold(error, (), unsent) | protocol.PYTHON_OWNED
        send(unsent, ctypes.memmove, reply + protocol.LATE_OFFSET, handle.to_bytes(8, "little"), 8)
        return True

    def exception(
        self, error: BaseException, unsent: Unsent, index: int = -1, contract: int = 0, fields: bytes = b""
    ) -> bytes:
        """The frame of an exception, which holds the exception itself.

        Args:
            index, fields: the contract's error that it is, or -1, and its fields.
            contract: the contract's number.
        """
        message = _text_of(error).encode("utf-8", "backslashreplace")
        name = _name_of(error)
        flags = 0
        if isinstance(error, TimeoutError) or name == "TimeoutError":
            flags = protocol.TIMED_OUT
        elif name == "CancelledError":
            flags = protocol.CANCELLED
        shown = name.encode("utf-8", "backslashreplace")
        number = self.hold(error, (), unsent) | protocol.PYTHON_OWNED
        record = protocol.EXCEPTION_RECORD.pack(len(message), len(shown), index, flags, number, contract)
        return b"".join([record, message, shown, fields])

    def caught(self, error: BaseException) -> None:
        """An exception has escaped from an upcall: answer with it, or keep it for the call that this one is part of."""
        found = error.__traceback__
        while found is not None:
            if found.tb_frame.f_code is self._enter.__code__:
                self.fail(found.tb_frame.f_locals["reply"], error)
                return
            found = found.tb_next
        self.escaped[threading.get_ident()] = error

    # Upcalls

    def _make_enter(self) -> Any:
        """What Go calls.

        A closure, as it runs for each upcall and attributes of `self` would be a tenth of it. What comes before the
        ``try`` all the same (the stack has no room for one more frame), or in the last `fail`, is seen by
        `_unraisable`; Go sees that there is no answer.
        """
        threads, table, serve, pin, fail = (
            self._threads,
            self._table,
            self._serve,
            self._pin_thread,
            self.fail,
        )

        def enter(number: int, method: int, address: int, size: int, reply: int) -> None:
            try:
                try:
                    threads.is_pinned  # noqa: B018
                except AttributeError:
                    pin()
                if number:
                    exported = table[number]
                    exported.answers[method](exported, address, size, reply)
                else:
                    serve(method, address, size, reply)
            except BaseException as error:
                try:
                    fail(reply, error)
                except BaseException as second:  # signals come while the first one's exception is told
                    try:
                        fail(reply, second)
                    except BaseException as third:
                        fail(reply, third)

        return uninterrupted(enter)

    def _serve(self, method: int, address: int, size: int, reply: int) -> None:
        """The methods of object 0, which is gobind itself."""
        value = 0
        if method == protocol.UPCALL_RELEASE:
            for number in memoryview(bytes_at(address, size)).cast("Q").tolist():
                self._table.pop(number, None)
            self._limit = max(self._waiting, 2 * len(self._table))
        elif method == protocol.UPCALL_CANCEL:
            task = self.tasks.get(size)
            if task is not None:
                value = 1
                task.stop()
        elif method == protocol.UPCALL_FETCH_INTO:
            response = self._responses[size]
            ctypes.memmove(address, response, len(response))
        put_answer(memory_at(reply), 0, value, protocol.ANSWER_VALUE)
        if method == protocol.UPCALL_FETCH_INTO:
            del self._responses[size]

    def _pin_thread(self) -> None:
        """Keep this thread's Python state for the thread's life.

        A thread that Python did not start gets a state when it enters, and loses it when it leaves, each
        time; that costs thirty times the call itself. One `PyGILState_Ensure` more than there are releases
        keeps the state (CPython's Python/pystate.c counts them).
        """
        self._threads.is_pinned = True
        if IS_CPYTHON:
            ctypes.pythonapi.PyGILState_Ensure()


_tables: dict[Native, HandleTable] = {}


def table_of(native: Native) -> HandleTable:
    """The one table of a library."""
    if native not in _tables:
        _tables[native] = HandleTable(native)
    return _tables[native]


def exported() -> int:
    """How many Python objects Go holds, in all open libraries together."""
    return sum(map(len, [*_tables.values()]))


@atexit.register
def _block_upcalls() -> None:
    """Python is about to end: let no goroutine in any more, and those inside out.

    Registered at import, so that it runs after the handlers of whoever has imported gobind, which may
    still call Go, and Go them.
    """
    end = time.monotonic() + 0.5
    for native in [*_tables]:
        while native.block_upcalls(threading.get_native_id()) > 0 and time.monotonic() < end:
            time.sleep(0.0005)
    ownership.stop()


# Exceptions that nothing can catch

_previous_hook: Any = None


def _catch_escapes() -> None:
    """See the exceptions that ctypes would only print: they belong to the call that Go was about to make."""
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
    """What an exception says, if it can say it.

    What its own `__str__` raises ends here, but not what a signal handler raises meanwhile, also within C's `str`:
    the one comes again, the other does not.
    """
    try:
        return str(error)
    except BaseException as raised:
        try:
            str(error)
        except BaseException as again:
            if type(again) is not type(raised):
                raise
            return "(its text cannot be made)"
        raise


_qualname = type.__dict__["__qualname__"].__get__
"""The name of a class, whatever its metaclass says."""


def _name_of(error: BaseException) -> str:
    name: str = _qualname(type(error))
    return name


memories: dict[int, Any] = {}
"""Memory by its address: what gives bytes for slices of a request there. It has no end: whoever reads knows
the size, and reads during the upcall that brought the address only.

Go's buffers are pooled, so few addresses come again and again, and making what looks at one costs as much
as the rest of a short call. A plain dict, as a subclass is slower.
"""


def memory_at(address: int) -> Any:
    """What is in `memories` for an address."""
    found = memories.get(address)
    if found is None:
        if len(memories) >= 1000:
            memories.clear()
        found = memories[address] = Memory.from_address(address)
    return found


def _running_loop() -> Any:
    """The event loop that runs in this thread, without importing asyncio."""
    events = sys.modules.get("asyncio.events")
    return events._get_running_loop() if events else None
