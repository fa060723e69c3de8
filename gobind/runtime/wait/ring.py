"""The shared-memory ring: requests go to Go without a foreign call while Go is awake.

`gosrc/gobind/ring.go` argues why no wake-up is lost; the two sides' steps are the same.
"""

from __future__ import annotations

import atexit
import ctypes
import time
from collections.abc import Iterable
from functools import partial
from itertools import chain
from typing import Any
from weakref import WeakSet

from gobind.codec.buffers import pin
from gobind.locks import ReentrantLock
from gobind.protocol import RING_HEAD, RING_PARKED, RING_SLOTS, RING_TAIL
from gobind.runtime.interrupts.ownership import Owned, Unsent, exhaust, keep_to_the_end
from gobind.runtime.process.native import Native
from gobind.runtime.process.platforms import own_target

_run = partial.__call__  # calls a partial without arguments

LAST_WAIT = 1.0
"""Seconds that one-way calls in flight have when the process ends."""


class Ring:
    """Sends requests, which Go reads in order.

    It owns the shared memory, and keeps each request until Go has read it.

    Args:
        capacity: how many requests may wait.
        queue: the id of the queue that completions go to; 0 for one-way calls.
    """

    def __init__(self, native: Native, capacity: int, queue: int = 0) -> None:
        self._native = native
        self._capacity = capacity
        # On x86-64 stores become visible in order, and releasing a lock is a full fence. Elsewhere Go moves the tail.
        self._moves_tail = own_target().endswith("/amd64")
        self._memory = (ctypes.c_uint64 * (RING_SLOTS + 2 * capacity))()
        self._words = memoryview(self._memory).cast("B").cast("Q")
        # By index, the requests that Go may still read.
        self._frames: dict[int, Any] = {}
        self._oldest = 0
        self._sending: list[
            list[Any]
        ] = []  # the steps of the send in progress, unless a later one has cancelled it
        # Several threads may send, and a signal handler may while its own thread does. Its release is also the fence
        # between moving the tail and reading `parked`.
        self._lock = ReentrantLock()
        # Go reads the memory until the ring is closed.
        self._owned = Owned(native.closing_ring, self._memory)
        _rings.add(self)
        self._id = self._owned.take(native.open_ring, ctypes.addressof(self._memory), capacity, queue)

    def try_send(self, frame: bytes, unsent: Unsent | None = None, sent: Iterable[Any] = ()) -> bool:
        """Puts a request into the ring; False if it is full.

        The send is one step in C, so an exception comes either before it, and leaves no trace of the request, or after
        it. If a signal handler sends before that step, the step is cancelled and this request follows the handler's.

        Args:
            unsent: owns the handles in the request.
            sent: an iterable, exhausted in the step that sends the request.
        """
        words = self._words
        with self._lock:
            while True:
                self._sending.clear()
                plan: list[Any] = []
                sending = self._sending = [plan]
                tail, head = words[RING_TAIL], words[RING_HEAD]
                if tail - head >= self._capacity:
                    return False
                done: list[Any] = []
                plan += self._steps(frame, tail)
                plan += [partial(each.clear) for each in (unsent.lists if unsent is not None else ())]
                plan += [partial(exhaust, sent), partial(done.append, True)]
                exhaust(map(_run, chain.from_iterable(sending)))
                if done:
                    break
            for index in range(self._oldest, head):
                self._frames.pop(index, None)
            self._oldest = head
        if self._moves_tail and words[RING_PARKED]:
            self._native.wake_ring(self._id)
        return True

    def _steps(self, frame: bytes, tail: int) -> list[Any]:
        """Returns the steps that put a request into the slot at the tail, and then move the tail."""
        address, kept = pin(frame)
        slot = RING_SLOTS + 2 * (tail % self._capacity)
        store = self._words.__setitem__
        # If Go sleeps the same step wakes it up, or an exception in between would leave it asleep.
        if not self._moves_tail or self._words[RING_PARKED]:
            move: Any = partial(self._native.publish_ring, self._id, tail + 1)
        else:
            move = partial(store, RING_TAIL, tail + 1)
        keep = partial(self._frames.__setitem__, tail, kept)
        return [keep, partial(store, slot, address), partial(store, slot + 1, len(frame)), move]

    def send(self, frame: bytes, unsent: Unsent | None = None) -> None:
        """Puts a request into the ring; waits while it is full."""
        while not self.try_send(frame, unsent):
            self._native.wait_ring(self._id, self._words[RING_TAIL] - self._capacity + 1)

    def wait_read(self) -> None:
        """Waits until Go has read all requests; one-way calls are done by then."""
        tail = self._words[RING_TAIL]
        if self._words[RING_HEAD] < tail:
            self._native.wait_ring(self._id, tail)

    @property
    def is_empty(self) -> bool:
        """True if Go has read all requests."""
        return bool(self._words[RING_HEAD] == self._words[RING_TAIL])

    def close(self) -> None:
        """Closes the ring; requests that Go has not read are dropped."""
        self._owned.release()


class RingSender:
    """Sends one-way calls, which Go runs one after another."""

    def __init__(self, native: Native) -> None:
        self._native = native
        self._rings: dict[int, Ring] = {}
        # Two rings of one capacity would let later calls overtake earlier ones. A signal handler may come here, too.
        self._lock = ReentrantLock()
        _opened.append(self)

    def send(self, frame: bytes, capacity: int, unsent: Unsent | None = None) -> None:
        """Sends a request through the ring of that capacity; waits while it is full."""
        ring = self._rings.get(capacity)
        if ring is None:
            with self._lock:
                ring = self._rings.get(capacity)
                if ring is None:
                    ring = self._rings.setdefault(capacity, Ring(self._native, capacity))
        ring.send(frame, unsent)

    @property
    def is_done(self) -> bool:
        """True if all calls are."""
        return all(ring.is_empty for ring in [*self._rings.values()])


_opened: list[RingSender] = []
_rings: WeakSet[Ring] = WeakSet()


def after_fork() -> None:
    """In the child of a fork: forgets the calls in flight, which are the parent's."""
    _opened.clear()


@atexit.register
def _finish() -> None:
    """Gives calls in flight a second before the process ends.

    Registered at import, so that it runs after the exit handlers of modules that have imported gobind.
    """
    end = time.monotonic() + LAST_WAIT
    while not all(sender.is_done for sender in _opened) and time.monotonic() < end:
        time.sleep(0.001)
    keep_to_the_end([*_rings])  # Go reads their memory
