"""``GOBIND_TRACE=1``: a line on stderr for each call, in either direction.

    gobind: Accounts.login request=100 response=45 us=12 ok
    gobind: from Go: Listener.notify request=8 response=8 us=3 ok

Sizes are those of the frames in bytes: 8 where the integer that the call returns is the result, "-" where there is no
frame. The last word is ok or the class of the exception. Values are never printed.

`install` exchanges three names before the first method is compiled: methods are then written with two more lines, and
wrapped. Whoever does not ask for this pays nothing. The entry points themselves stay as they are, so what
`gobind.runtime.interrupts.ownership` says of them holds.
"""

from __future__ import annotations

import contextlib
import functools
import sys
import threading
from collections.abc import Callable
from time import perf_counter_ns
from typing import Any

from gobind import protocol
from gobind.codec.records import RecordWriter
from gobind.codec.registry import Blocks
from gobind.contract.types import CallableType, InterfaceType, Method, Node, StreamType
from gobind.runtime import binding
from gobind.runtime.call.methods import MethodWriter
from gobind.runtime.interrupts.ownership import Unsent
from gobind.runtime.objects.answers import Answers
from gobind.runtime.objects.handlers import Handlers
from gobind.runtime.objects.upcalls import Answer, ExportedObject, memory_at

NUMBER_SIZE = 8
"""Size in bytes of a result that is the integer a call returns."""


def install() -> None:
    """Prints a line for each call from now on."""
    setattr(binding, "compile_method", compile_traced)  # noqa: B010
    setattr(binding, "Answers", TracedAnswers)  # noqa: B010
    setattr(binding, "Handlers", TracedHandlers)  # noqa: B010


class Notes:
    """What the line of one call shows."""

    __slots__ = ("_name", "_start", "request", "response")

    def __init__(self, name: str, request: int | None = None) -> None:
        self._name = name
        self.request = request
        self.response: int | None = None
        self._start = perf_counter_ns()

    def end(self, outcome: str) -> None:
        """Prints the line."""
        took = (perf_counter_ns() - self._start) // 1000
        request, response = ("-" if size is None else size for size in (self.request, self.response))
        line = f"gobind: {self._name} request={request} response={response} us={took} {outcome}\n"
        with contextlib.suppress(Exception):  # stderr is closed, or an object of the program that fails
            sys.stderr.write(line)


_local = threading.local()


def _note_request(frame: bytes) -> Notes:
    """Notes the size of a request; returns the notes of the call that this thread is making."""
    notes: Notes = _local.notes
    size = int.from_bytes(frame[protocol.SIZE_OFFSET : protocol.SIZE_OFFSET + 8], "little")
    notes.request = size or len(frame)
    return notes


# Calls of Go


def compile_traced(
    method: Method, index: int, interface: str, blocks: Blocks, has_receiver: bool = False
) -> Callable[..., Any]:
    """Compiles the function of one method as `compile_method` does; it prints a line for each call."""
    function = _TracedWriter(method, index, interface, blocks, has_receiver).compile()
    return _traced_async(function) if method.is_async else _traced(function)


class _TracedWriter(MethodWriter):
    """Writes methods that note the sizes of their frames."""

    def _write_request(self) -> RecordWriter:
        writer = super()._write_request()
        self._source.line(f"_notes = {self._bind('note_request', _note_request)}(_frame)")
        return writer

    def _write_direct(self) -> None:
        self._source.line(f"_notes.response = {NUMBER_SIZE}")
        super()._write_direct()

    def _write_response(self, result: Any) -> None:
        self._source.line("_notes.response = _size")
        super()._write_response(result)


def _traced(function: Any) -> Callable[..., Any]:
    @functools.wraps(function)
    def traced(*args: Any, **kwargs: Any) -> Any:
        outer = getattr(_local, "notes", None)  # a conversion of an argument, or a callback, may call Go, too
        notes = _local.notes = Notes(function.__qualname__)
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            notes.end(type(error).__name__)
            raise
        finally:
            _local.notes = outer
        notes.end("ok")
        return result

    return traced


def _traced_async(function: Any) -> Callable[..., Any]:
    @functools.wraps(function)
    async def traced(*args: Any, **kwargs: Any) -> Any:
        # For `_note_request`, which runs before the coroutine is suspended.
        notes = _local.notes = Notes(function.__qualname__)
        try:
            result = await function(*args, **kwargs)
        except BaseException as error:
            notes.end(type(error).__name__)
            raise
        notes.end("ok")
        return result

    return traced


# Calls from Go


class TracedAnswers(Answers):
    """Answers that print a line when an async method is done.

    Attributes:
        begun: by ticket, the async methods that Go waits for.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.begun: dict[int, Notes] = {}

    def send(self, ticket: int, frame: bytes, unsent: Unsent, failed: bool, tickets: list[int]) -> None:
        """Delivers the answer of an async method to Go, and prints its line."""
        super().send(ticket, frame, unsent, failed, tickets)
        notes = self.begun.pop(ticket, None)
        if notes is not None:
            notes.response = len(frame)
            notes.end(_class_in(frame) if failed else "ok")


class TracedHandlers(Handlers):
    """Handlers that print a line for each call."""

    def __init__(self, blocks: Blocks, answers: TracedAnswers) -> None:
        super().__init__(blocks, answers)
        self._begun = answers.begun

    def _make(self, node: Node) -> list[Answer]:
        if isinstance(node, InterfaceType):
            methods = [(f"{node.text}.{method.name}", method.is_async) for method in node.methods]
        elif isinstance(node, CallableType):
            methods = [(node.text, node.method.is_async)]
        else:
            assert isinstance(node, StreamType)
            methods = [(f"{node.text}.{name}", node.is_async) for name in ("next", "close")]
        return [self._traced(*method, answer) for method, answer in zip(methods, super()._make(node))]

    def _traced(self, name: str, is_async: bool, answer: Answer) -> Answer:
        def traced(exported: ExportedObject, address: int, size: int, reply: int) -> None:
            memory = memory_at(reply)
            ticket = int.from_bytes(memory[:8], "little") if is_async else 0
            notes = Notes(f"from Go: {name}", size)
            if is_async:
                self._begun[ticket] = notes  # before the answer: the loop, in another thread, may be faster
            answer(exported, address, size, reply)
            value, kind = protocol.ANSWER.unpack(memory[:16])
            if kind == protocol.ANSWER_LATER:
                return
            self._begun.pop(ticket, None)
            notes.response = NUMBER_SIZE if kind == protocol.ANSWER_VALUE else value
            if kind == protocol.ANSWER_EXCEPTION:
                end = protocol.ANSWER_SIZE + min(value, protocol.REPLY_CAPACITY)
                notes.end(_class_in(memory[protocol.ANSWER_SIZE : end]))
            else:
                notes.end("ok")

        return traced


def _class_in(frame: bytes) -> str:
    """Returns the class of the exception in a frame; a very long text hides it."""
    record = protocol.EXCEPTION_RECORD
    text, name, *_ = record.unpack_from(frame)
    start = record.size + text
    return frame[start : start + name].decode("utf-8", "replace") or "an exception"
