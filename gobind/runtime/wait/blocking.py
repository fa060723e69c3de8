"""Calls that serve signals while they wait: ``@gomethod(blocking=True)``.

The request goes to a goroutine, as an asynchronous one does, and this thread waits where Python's
signal handlers run.
"""

from __future__ import annotations

import threading
from typing import Any

from gobind.runtime.call.status import Completion, Parked
from gobind.runtime.interrupts.ownership import Unsent, send_noted
from gobind.runtime.process.native import Native
from gobind.runtime.wait.completions import Queue

POLL_INTERVAL = 100
"""Milliseconds after which a waiting thread checks for signals that another thread has received."""


class Waiters:
    """The waiting threads of one library, each with a queue of its own."""

    def __init__(self, native: Native) -> None:
        self._native = native
        self._local = threading.local()

    def wait(
        self, frame: bytes, call_id: int, borrowed: tuple[Any, ...] = (), unsent: Unsent | None = None
    ) -> Completion:
        """Sends a request and waits for its response. After any exception the caller has to call `cancel`."""
        waiter = getattr(self._local, "waiter", None)
        if waiter is None:
            waiter = self._local.waiter = Waiter(self._native)
        return waiter.call(frame, call_id, borrowed, unsent)

    def cancel(self, call_id: int) -> None:
        """Forgets a call: cancels its context, waits until Go has returned, and drops its response.

        So the exception of a signal handler, KeyboardInterrupt above all, is raised when Go has returned; a second one
        is raised at once.
        """
        waiter = getattr(self._local, "waiter", None)
        if waiter is not None:
            waiter.cancel(call_id)

    def parked(self, call_id: int) -> Parked:
        """Returns the `Parked` by which the status of a call of this thread is fetched."""
        waiter = getattr(self._local, "waiter", None)
        return Parked(waiter.queue if waiter else 0, call_id)


class Waiter:
    """The calls of one thread. It owns their queue.

    Attributes:
        queue: the id of the queue in Go.
    """

    def __init__(self, native: Native) -> None:
        self._queue = Queue(native)
        self.queue = self._queue.id
        self._calls: dict[int, None] = {}  # sent and not ended, cancelled ones included
        self._left: dict[int, None] = {}  # cancelled, and an exception has ended the wait for them
        self._ended: dict[int, Completion] = {}  # a handler's own call may fetch the response of this one

    def call(
        self, frame: bytes, call_id: int, borrowed: tuple[Any, ...], unsent: Unsent | None
    ) -> Completion:
        """Sends a request and waits for its response; Python's signal handlers run meanwhile."""
        submission = self._queue.submission(frame)
        noting = self._queue.noting_borrowed(call_id, borrowed)
        send_noted(self._calls, call_id, [unsent] if unsent else [], *submission, noting=noting)
        self._wait_for(call_id)
        return self._ended.pop(call_id)

    def cancel(self, call_id: int) -> None:
        """Cancels a call's context and waits until Go has returned; an exception meanwhile ends the wait.

        Called again, as on CPython 3.10, it does not wait once more.
        """
        if call_id in self._calls:
            self._queue.cancel(call_id)
            if call_id in self._left:
                return  # Go still uses borrowed memory: the response gives it back
            self._left[call_id] = None
            self._wait_for(call_id)
        self._left.pop(call_id, None)
        self._queue.borrowed.pop(call_id, None)
        self._ended.pop(call_id, None)
        self._queue.cancel(call_id)  # drops its response

    def _wait_for(self, call_id: int) -> None:
        while call_id in self._calls:
            if not self._queue.fetch(self._hand_out):
                self._queue.wait(POLL_INTERVAL)

    def _hand_out(self, call_id: int, response: Completion) -> None:
        if call_id in self._calls:
            if call_id in self._left:
                self._queue.cancel(call_id)  # drops the response: nobody may wait for it any more
            else:
                self._ended[call_id] = response
            self._queue.borrowed.pop(call_id, None)
            self._calls.pop(call_id, None)  # a handler's own call may have come here in between
            self._left.pop(call_id, None)

    def __del__(self) -> None:
        if hasattr(self, "_queue"):  # else `__init__` was interrupted, and the queue closes itself
            self._queue.close()
