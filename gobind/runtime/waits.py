"""Waiting so that signals are served: what ``@gomethod(blocking=True)`` does instead of a plain call.

The request goes to a goroutine as an asynchronous one does, and this thread waits where Python's
signal handlers run. Imports `gobind.runtime.native`, `gobind.runtime.replies`.
"""

from __future__ import annotations

import ctypes
import os
import select
import threading
from typing import Any

from gobind import protocol
from gobind.runtime.bells import open_bell
from gobind.runtime.native import Native
from gobind.runtime.replies import Fetched, fetch

LOOK_UP = 100
"""Milliseconds after which a waiting thread looks for signals that another thread has received."""

# Buffers of calls that were left before Go was done with them: nobody is told when it is, so they stay.
_orphans: list[Any] = []


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
        self._native.submit(waiter.queue, frame, len(frame))
        try:
            return waiter.result(number)
        except BaseException:
            self._native.cancel(waiter.queue, number)
            try:
                waiter.result(number)
            except BaseException:
                _orphans.append(lent)
                raise
            raise


class Waiter:
    """The queue of one thread. It owns its descriptors."""

    def __init__(self, native: Native) -> None:
        self._native = native
        self._pid = os.getpid()
        self._buffer = (ctypes.c_char * protocol.DRAIN_CAPACITY)()
        self._reading, self._writing = open_bell()
        self.queue: int = native.open_queue(self._writing)
        self._arrived: dict[int, Fetched] = {}  # a handler's own call may fetch the response of this one

    def result(self, number: int) -> Fetched:
        """The response of a call; Python's signal handlers run meanwhile."""
        while number not in self._arrived:
            if select.select([self._reading], [], [], LOOK_UP / 1000)[0]:
                try:
                    os.read(self._reading, 1024)
                except BlockingIOError:
                    pass
            self._arrived.update(fetch(self._native, self.queue, self._buffer))
        return self._arrived.pop(number)

    def __del__(self) -> None:
        if os.getpid() == self._pid:
            self._native.close_queue(self.queue)
            for descriptor in {self._reading, self._writing}:
                os.close(descriptor)
