"""One-way functions: Go does not wait for their calls, which come one after another on one thread of Go."""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from itertools import chain
from typing import Any

from gobind import protocol
from gobind.runtime.interrupts.ownership import exhaust
from gobind.runtime.interrupts.uninterrupted import uninterrupted
from gobind.runtime.objects.upcalls import (
    Answer,
    ExportedObject,
    HandleTable,
    memory_at,
    put_answer,
    report,
    running_loop,
)

_NO_LOOP = "{!r} is async, and is passed to Go where no event loop runs; pass it from a coroutine"


def posted(table: HandleTable, unpack: Callable[[int, int], tuple[Any, ...]]) -> Answer:
    """Returns the handler of one-way functions; `unpack` reads the arguments of a request.

    A function that was passed where an event loop runs is called there, any other here. Go gets no exception.
    """

    def answer(exported: ExportedObject, address: int, size: int, reply: int) -> None:
        try:
            arguments = unpack(address, size)
            if exported.loop is None:
                _call(exported.value, arguments)
            else:
                if exported.kept is None:
                    exported.kept = LoopCalls(exported.value, exported.loop)
                table.dropped += exported.kept.post(arguments)
        except BaseException as error:
            report(error)
        put_answer(memory_at(reply), 0, 0, protocol.ANSWER_VALUE)

    return answer


def refuse_async(function: Any) -> None:
    """Refuses an ``async def`` function where no event loop runs.

    Raises:
        RuntimeError: always then.
    """
    if inspect.iscoroutinefunction(function) and running_loop() is None:
        raise RuntimeError(_NO_LOOP.format(function))


def _call(function: Any, arguments: tuple[Any, ...]) -> None:
    made = function(*arguments)
    if hasattr(made, "__await__"):  # of a function that does not look it
        if hasattr(made, "close"):
            made.close()
        raise RuntimeError(_NO_LOOP.format(function))


class LoopCalls:
    """The calls of one function that wait on its event loop, and the tasks that they have become.

    Only the thread that delivers calls adds to `_waiting`, and only the loop removes from it.
    """

    def __init__(self, function: Any, loop: Any) -> None:
        self._function = function
        self._loop = loop
        self._waiting: deque[tuple[Any, ...]] = deque()
        self._tasks: set[Any] = set()

    def post(self, arguments: tuple[Any, ...]) -> int:
        """Schedules a call on the loop. Returns how many calls are dropped: too many wait, or the loop is closed."""
        if len(self._waiting) + len(self._tasks) < protocol.ONE_WAY_CAPACITY:
            self._waiting.append(arguments)
            with suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._run)
                return 0
            self._waiting.pop()
        dropped = 1
        if self._loop.is_closed():
            dropped += len(self._waiting)
            self._waiting.clear()
        return dropped

    @uninterrupted
    def _run(self) -> None:
        """Makes the call that has waited longest; an exception is the loop's to report.

        Uninterrupted: were a call not taken from `_waiting`, each one after it would be made one too late.
        """
        try:
            arguments = self._waiting.popleft()
        except IndexError:  # dropped, as the loop was being closed
            return
        made = self._function(*arguments)
        if hasattr(made, "__await__"):
            task = self._loop.create_task(_awaited(made))
            # In one step: a task that stayed in `_tasks` would take the place of a call for ever.
            watching = map(task.add_done_callback, (self._tasks.discard, self._done))
            exhaust(chain(watching, map(self._tasks.add, (task,))))

    def _done(self, task: Any) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            message = "Exception in one-way function"
            self._loop.call_exception_handler({"message": message, "exception": error, "task": task})


async def _awaited(awaitable: Any) -> None:
    await awaitable
