"""Waiting so that signals are served: what ``@gomethod(blocking=True)`` does instead of a plain call.

The request goes to a goroutine as an asynchronous one does, and this thread waits where Python's
signal handlers run. Imports `gobind.runtime.queues` and before.
"""

from __future__ import annotations

import threading
from typing import Any

from gobind.runtime.native import Native
from gobind.runtime.queues import Queue
from gobind.runtime.replies import Fetched

LOOK_UP = 100
"""Milliseconds after which a waiting thread looks for signals that another thread has received."""


class Waiters:
    """The waiting threads of one library, each with a queue of its own."""

    def __init__(self, native: Native) -> None:
        self._native = native
        self._local = threading.local()

    def wait(self, frame: bytes, number: int, lent: tuple[Any, ...] = ()) -> Fetched:
        """Send a request and wait for its response.

        An exception from a signal handler, KeyboardInterrupt above all, cancels the call's context and is raised
        when Go has returned; a second one is raised at once.
        """
        waiter = getattr(self._local, "waiter", None)
        if waiter is None:
            waiter = self._local.waiter = Waiter(self._native)
        try:
            return waiter.call(frame, number, lent)
        except BaseException:
            waiter.cancel(number)
            raise


class Waiter:
    """The calls of one thread. It owns their queue, and what calls that were left still use."""

    def __init__(self, native: Native) -> None:
        self._queue = Queue(native)
        self._calls: dict[int, Any] = {}  # under way, with the buffers that they use; abandoned ones too
        self._wanted: dict[int, list[Fetched]] = {}  # a handler's own call may fetch the response of this one

    def call(self, frame: bytes, number: int, lent: tuple[Any, ...]) -> Fetched:
        """Send a request and wait for its response; Python's signal handlers run meanwhile."""
        self._calls[number] = lent
        self._queue.submit(frame)
        return self._result(number)

    def cancel(self, number: int) -> None:
        """Cancel a call's context and wait until Go has returned; an exception meanwhile ends the wait."""
        if number in self._calls:
            self._queue.cancel(number)
            self._result(number)

    def _result(self, number: int) -> Fetched:
        found: list[Fetched] = []
        self._wanted[number] = found
        try:
            while not found:
                self._queue.wait(LOOK_UP)
                for ended, response in self._queue.fetch():
                    self._calls.pop(ended, None)
                    if ended in self._wanted:
                        self._wanted[ended].append(response)
            return found[0]
        finally:
            del self._wanted[number]

    def __del__(self) -> None:
        self._queue.close()
