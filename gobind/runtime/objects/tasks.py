"""Async methods that Go waits for: each runs as a task on the event loop of its object, which then answers."""

from __future__ import annotations

import contextlib
import sys
import types
from collections.abc import Callable
from functools import partial
from typing import Any

from gobind import protocol
from gobind.runtime.interrupts.ownership import Unsent
from gobind.runtime.interrupts.uninterrupted import insistent, uninterrupted
from gobind.runtime.objects.answers import Answers
from gobind.runtime.objects.upcalls import Answer, ExportedObject, is_answered, memory_at, put_answer


def later(answers: Answers, start: Callable[[ExportedObject, int, int, Unsent], Any]) -> Answer:
    """Returns a handler that answers by a task on the object's loop; `start` reads the request and makes the
    coroutine."""

    def answer(exported: ExportedObject, address: int, size: int, reply: int) -> None:
        memory = memory_at(reply)
        ticket = int.from_bytes(memory[:8], "little")
        task: Any = None
        try:
            _check_loop(exported)
            unsent = answers.table.unsent()
            task = Task(answers, exported.loop, ticket, start(exported, address, size, unsent), unsent)
            # Registered before Go can cancel it; from here on the task answers.
            answers.table.tasks[ticket] = task
            put_answer(memory, 0, 0, protocol.ANSWER_LATER)
            task.post()
        except BaseException as error:
            if not is_answered(memory):
                answers.table.tasks.pop(ticket, None)
                if task is not None:
                    task.drop()
                answers.fail(reply, error)
            else:
                task.fail(error)

    return answer


def _check_loop(exported: ExportedObject) -> None:
    if exported.loop is None:
        name, _, what = _spoken(exported.value)
        raise RuntimeError(
            f"{name} was passed to Go where no event loop runs: {what} cannot run; "
            "pass it to an async def method"
        )
    if sys.modules["asyncio.events"]._get_running_loop() is exported.loop:
        _, awaited, _ = _spoken(exported.value)
        raise RuntimeError(
            f"Go waits for {awaited} inside a call on the event loop's own thread: "
            "declare that call async def"
        )


def _spoken(value: Any) -> tuple[str, str, str]:
    """Returns how messages name a value, what Go waits for, and what is async."""
    if isinstance(value, (types.FunctionType, types.MethodType)):
        return value.__qualname__, value.__qualname__, "it"
    name = type(value).__name__
    return name, f"an async method of {name}", "its async methods"


class Task:
    """One async method that Go waits for. If its loop ends before the method begins, it answers with an error.

    Args:
        unsent: owns the handles of its answer.
    """

    __slots__ = (
        "_answers",
        "_coroutines",
        "_is_cancelled",
        "_is_stopped",
        "_loop",
        "_task",
        "_tickets",
        "_unsent",
    )

    def __init__(self, answers: Answers, loop: Any, ticket: int, coroutine: Any, unsent: Unsent) -> None:
        self._answers = answers
        self._loop = loop
        self._tickets = [ticket]  # until it is answered
        self._coroutines = [coroutine]  # until it has begun or failed, in any thread
        self._unsent = unsent
        self._task: Any = None
        self._is_stopped = self._is_cancelled = False

    def post(self) -> None:
        """Schedules the beginning on the loop."""
        try:
            self._loop.call_soon_threadsafe(_Beginning(self.begin))
        except RuntimeError as error:  # the loop is closed
            self.fail(error)

    @uninterrupted
    def begin(self) -> None:
        """Runs the method, on the loop."""
        try:
            coroutine = self._coroutines.pop()
            self._task = self._loop.create_task(coroutine)
            self._task.add_done_callback(self._done)
            if self._is_stopped:
                self._cancel()
        except IndexError:
            return
        except BaseException as error:
            self._abort(error)
            raise

    @insistent
    def _abort(self, error: BaseException) -> None:
        self.drop()
        self._cancel()
        self._send_error(error)

    def stop(self) -> None:
        """Cancels the method, begun or not: Go waits no longer."""
        self._is_stopped = True
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._cancel)

    def _cancel(self) -> None:
        """Cancels the task once: a second time would interrupt what it does about the first."""
        if self._task is not None and not self._is_cancelled:
            self._task.cancel()
            self._is_cancelled = True

    def drop(self) -> bool:
        """Prevents the beginning; False if it has begun, or is dropped already."""
        try:
            self._coroutines.pop().close()
        except IndexError:
            return False
        return True

    def fail(self, error: BaseException) -> None:
        """Prevents the beginning, and answers with the error."""
        if self.drop():
            self._send_error(error)

    @insistent
    def _done(self, task: Any) -> None:
        try:
            frame = task.result()
        except BaseException as error:
            self._send_error(error)
        else:
            self._send(frame, self._unsent)

    @insistent
    def _send_error(self, error: BaseException) -> None:
        unsent = self._answers.unsent()
        try:
            self._send(self._answers.exception(error, unsent), unsent, failed=True)
        except BaseException:
            next(unsent)  # as `HandleTable.fail` does
            raise

    def _send(self, frame: bytes, unsent: Unsent, failed: bool = False) -> None:
        """Delivers the answer to Go. No-op if it has one."""
        for ticket in self._tickets:
            self._answers.send(ticket, frame, unsent, failed, self._tickets)


class _Beginning(partial):  # type: ignore[type-arg]
    """The call by which the loop begins a task; if the loop drops it instead, the task fails."""

    def __del__(self) -> None:
        task: Task = self.func.__self__  # type: ignore[attr-defined]
        task.fail(RuntimeError("Event loop is closed"))
