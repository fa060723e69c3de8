"""Awaited calls: the requests of one loop turn are sent in one call, many responses come back in one.

Imported when the first ``async def`` method is compiled, so that users of synchronous methods do not
pay for asyncio.

Go does not enter Python for this. A goroutine that ends puts its response into the queue of the calling loop, and
writes to the queue's wakeup fd only if the queue was empty; the loop then fetches the completions.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import weakref
from collections import OrderedDict
from collections.abc import Iterable
from itertools import chain
from time import monotonic_ns
from typing import Any

from gobind.errors import ClosedError
from gobind.locks import ReentrantLock
from gobind.runtime.call.status import Completion, Parked
from gobind.runtime.interrupts.ownership import Unsent, exhaust, send_batch
from gobind.runtime.interrupts.uninterrupted import insistent
from gobind.runtime.process.native import Native
from gobind.runtime.wait import completions
from gobind.runtime.wait.completions import Queue
from gobind.runtime.wait.ring import Ring

_get_running_loop = asyncio.get_running_loop

SPIN_TIME = 200_000
"""Nanoseconds that a loop stays awake after a request through a ring."""

Waiting = tuple[bytes, Unsent | None, Iterable[Any]]
"""A request that a ring has no room for, the owner of its handles, and what notes that it is sent."""

MOST_SKIPPED = 63
"""How many requests at most follow without staying awake after it was in vain: on one core, two sides that stay awake
keep each other from working."""


def dispatcher_of(native: Native) -> Dispatcher:
    """Returns the one dispatcher of a library."""
    return _dispatchers.setdefault(native, Dispatcher(native))


class Dispatcher:
    """Sends the asynchronous calls to one library."""

    def __init__(self, native: Native) -> None:
        self._native = native
        self._loops: dict[int, LoopCalls] = {}
        # Two loops may begin at once; a loop has one thread, so its own calls have no lock.
        self._lock = ReentrantLock()

    def submit(
        self,
        frame: bytes,
        call_id: int,
        borrowed: tuple[Any, ...] = (),
        unsent: Unsent | None = None,
        ring: int = 0,
    ) -> asyncio.Future[Completion]:
        """Sends a request with all others of this loop turn.

        Args:
            borrowed: buffers that Go uses until the call ends, even if its caller is cancelled.
            unsent: owns the handles in the request.
            ring: if not 0 the request is sent at once, through a ring of that capacity.

        Returns:
            a future of the response: an int for direct results, bytes, or a `status.Parked`.
        """
        loop = _get_running_loop()
        calls = self._loops.get(id(loop))
        if calls is None or calls.loop() is not loop:
            calls = self._open(loop)
        future = calls.futures[call_id] = loop.create_future()
        noting = calls.queue.noting_borrowed(call_id, borrowed) if borrowed else ()
        if ring:
            calls.send(ring, frame, call_id, unsent, noting)
        else:
            if not calls.batch:
                loop.call_soon(calls.flush)
            if borrowed or unsent is not None:
                owners = () if unsent is None else (unsent,)
                exhaust(chain(noting, map(calls.unsent.append, owners), map(calls.batch.append, (frame,))))
            else:
                calls.batch.append(frame)
        return future

    @insistent
    def cancel(self, call_id: int) -> None:
        """Cancels a call's context: the caller waits no longer. What the call uses is kept until Go is done."""
        for calls in self._senders(call_id):
            calls.cancel(call_id)

    def _senders(self, call_id: int) -> list[LoopCalls]:
        """Returns the loop that sent a call: the running one, or if a coroutine is closed elsewhere one that knows it.

        If none does, it may be any of them: a coroutine that no task runs may be closed long after its response came.
        """
        here = self._running()
        if here is not None and here.knows(call_id):
            return [here]
        loops = [*self._loops.values()]
        return [calls for calls in loops if calls.knows(call_id)] or loops

    def _running(self) -> LoopCalls | None:
        """Returns the calls of the running loop, if one runs and has any."""
        loop = asyncio._get_running_loop()
        calls = self._loops.get(id(loop))
        return calls if calls is not None and calls.loop() is loop else None

    def parked(self, call_id: int) -> Parked:
        """Returns the `Parked` by which the status of a call of this loop is fetched."""
        calls = self._running()  # None where a coroutine is closed
        return Parked(calls.queue.id if calls else 0, call_id)

    def after_fork(self) -> None:
        """Makes the calls in flight fail with `ClosedError`: they run in another process."""
        for calls in self._loops.values():
            for future in calls.futures.values():
                if not future.done():
                    with contextlib.suppress(RuntimeError):  # its loop is closed
                        future.set_exception(ClosedError("the call belongs to the parent process"))
                        future.exception()  # marked as retrieved, or asyncio would report it
            calls.futures.clear()

    def _open(self, loop: asyncio.AbstractEventLoop) -> LoopCalls:
        with self._lock:
            for calls in [*self._loops.values()]:
                calls.close_if_over()
            calls = LoopCalls(self._native, loop)
            # Removes the entry when the loop is collected. Should that be cut short, another loop may have its id: so
            # whoever looks one up compares the loops.
            weakref.finalize(loop, self._drop, id(loop), calls).atexit = False
            self._loops[id(loop)] = calls
            return calls

    def _drop(self, key: int, calls: LoopCalls) -> None:
        if self._loops.get(key) is calls:
            del self._loops[key]
        calls.close()


class LoopCalls:
    """The calls in flight of one event loop. It owns their queue and rings.

    Attributes:
        futures: the futures of the calls in flight, by id of the call.
        batch: the requests of this loop turn.
        unsent: owners of the handles in them.
        queue: where their completions go.
        loop: the loop, None once it is collected.
    """

    def __init__(self, native: Native, loop: asyncio.AbstractEventLoop) -> None:
        self.futures: dict[int, asyncio.Future[Completion]] = {}
        self.batch: list[bytes] = []
        self.unsent: list[Unsent] = []
        self._rings: dict[int, Ring] = {}
        self._waiting: dict[int, OrderedDict[int, Waiting]] = {}  # by capacity and id of the call
        self._spin_until = 0
        self._skipped = self._to_skip = 0
        self._native = native
        self.loop = weakref.ref(loop)
        self.queue = Queue(native)
        self._ended: set[int] = set()  # ids of calls to be removed from `futures`
        self._told: set[int] = set()  # those of the last fetch: their callers may not have run since
        self._drained = threading.Event()
        if not self._watch(loop):
            queue_id = self.queue.id
            threading.Thread(target=self._wait, args=(queue_id,), name="gobind queue", daemon=True).start()

    def _watch(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Makes the loop watch the wakeup fd; False where there is none (Windows), or loops watch no descriptors."""
        if self.queue.wakeup_fd < 0:
            return False
        try:
            loop.add_reader(self.queue.wakeup_fd, self._hear)
        except NotImplementedError:
            return False
        return True

    @insistent
    def flush(self) -> None:
        """Sends the requests of this loop turn."""
        if self.batch:
            send_batch(self.batch, self.unsent, *self.queue.submission(b"".join(self.batch)))

    def send(
        self, capacity: int, frame: bytes, call_id: int, unsent: Unsent | None, noting: Iterable[Any]
    ) -> None:
        """Sends a request through a ring; while the ring is full, requests wait here in order."""
        if capacity not in self._waiting:
            self._rings[capacity] = Ring(self._native, capacity, self.queue.id)
            self._waiting[capacity] = OrderedDict()
        waiting = self._waiting[capacity]
        must_wait = waiting or not self._rings[capacity].try_send(frame, unsent, noting)
        if must_wait:
            waiting[call_id] = frame, unsent, noting
        if self._to_skip and not must_wait:
            self._to_skip -= 1
            return
        if not self._spin_until:
            _get_running_loop().call_soon(self._spin)
        self._spin_until = monotonic_ns() + SPIN_TIME

    @insistent
    def _spin(self) -> None:
        """Keeps the loop awake for a while: a response that comes soon is then taken without a wake-up."""
        self._send_waiting()
        if any(self._waiting.values()) or (self.futures and monotonic_ns() < self._spin_until):
            _get_running_loop().call_soon(self._spin)
            return
        self._spin_until = 0
        self._skipped = min(2 * self._skipped + 1, MOST_SKIPPED) if self.futures else 0
        self._to_skip = self._skipped

    def _send_waiting(self) -> None:
        """Sends the waiting requests for which their ring has room."""
        for capacity, waiting in self._waiting.items():
            while waiting:
                call_id, (frame, unsent, noting) = next(iter(waiting.items()))
                # In one step: interrupted between the two, it would be sent twice.
                sent = chain(noting, map(waiting.pop, (call_id,)))
                if not self._rings[capacity].try_send(frame, unsent, sent):
                    break
                self._spin_until = monotonic_ns() + SPIN_TIME

    def knows(self, call_id: int) -> bool:
        """Returns True for a call in flight, and for one that has ended if its caller may not have run since."""
        return call_id in self.futures or call_id in self._told

    @insistent
    def cancel(self, call_id: int) -> None:
        """Forgets a call: cancels its context, or drops its response."""
        if self.futures.pop(call_id, None) is not None:
            for capacity, waiting in self._waiting.items():
                if waiting.pop(call_id, None) is not None:
                    return
                self._rings[capacity].wait_read()
            self.flush()
        self.queue.cancel(call_id)  # which knows only calls that have arrived

    def close_if_over(self) -> None:
        """Closes the queue if the loop is closed, but not yet collected."""
        loop = self.loop()
        if loop is None or loop.is_closed():
            self.close()

    def close(self) -> None:
        """Cancels the calls in flight and drops their responses; what they use is kept until Go is done with it."""
        if self.queue.is_ours:
            for ring in self._rings.values():
                ring.close()
            self.batch.clear()
            self.unsent.clear()
            self.queue.close()
            self._drained.set()
            self.futures.clear()

    def _hear(self) -> None:
        """Fetches completions, on the loop, which calls it again while there are any.

        Requests that wait for a ring wait for responses too: they are sent even if an exception has ended the spinning.
        """
        if self._waiting:
            self._send_waiting()
        self._fetch()

    def _wait(self, queue_id: int) -> None:
        """Waits for responses and tells the loop; runs in a thread of its own."""
        while self._native.wait_queue(queue_id):
            loop = self.loop()
            if loop is None:
                return
            self._drained.clear()
            try:
                loop.call_soon_threadsafe(self._drain)
            except RuntimeError:  # the loop is closed
                return
            del loop  # or it could not be collected while this thread waits
            self._drained.wait()

    def _drain(self) -> None:
        """Does what `_hear` does, where a thread waits."""
        try:
            if self._fetch():
                _get_running_loop().call_soon(self._drain)
                return
        except BaseException:
            self._drained.set()
            raise
        self._drained.set()

    def _fetch(self) -> int:
        count = self.queue.fetch(self._hand_out)
        for call_id in self._ended:
            self.futures.pop(call_id, None)
        if self._ended:
            self._told, self._ended = self._ended, set()
        return count

    def _hand_out(self, call_id: int, response: Completion) -> None:
        future = self.futures.get(call_id)  # not pop: this may be repeated until the fetch is done
        if future is not None:
            self._ended.add(call_id)
            if not future.done():
                future.set_result(response)
        if type(response) is Parked and (future is None or future.cancelled()):
            self.queue.cancel(call_id)  # its status will not be fetched
        if self.queue.borrowed:
            self.queue.borrowed.pop(call_id, None)


_dispatchers: dict[Native, Dispatcher] = {}


def after_fork() -> None:
    """In the child of a fork: forgets the calls in flight, which are the parent's."""
    for dispatcher in _dispatchers.values():
        dispatcher.after_fork()
    _dispatchers.clear()
    completions.after_fork()
