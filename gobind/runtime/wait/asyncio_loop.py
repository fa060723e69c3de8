"""Awaiting Go: requests of one loop turn go over in one call, many responses come back in one.

Imported when the first ``async def`` method is compiled, so that users of synchronous methods do not
pay for asyncio.

Go never touches Python for this. A goroutine that ends puts its response into the queue of the loop
that asked, and writes to the queue's file descriptor only if the queue was empty; the loop then
fetches what there is.
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
from gobind.runtime.call.status import Completion, Parked
from gobind.runtime.interrupts.ownership import Unsent, exhaust, send_batch
from gobind.runtime.interrupts.uninterrupted import insistent
from gobind.runtime.process.native import Native
from gobind.runtime.wait import completions
from gobind.runtime.wait.completions import Queue
from gobind.runtime.wait.ring import Ring

_get_running_loop = asyncio.get_running_loop

SPIN_TIME = 200_000
"""Nanoseconds that a loop stays awake for after a request through a ring."""

Waiting = tuple[bytes, Unsent | None, Iterable[Any]]
"""A request that a ring has no room for, what owns the handles in it, and what notes when it is sent."""

MOST_SKIPPED = 63
"""How many requests go without that, at most, where it was in vain: two that stay awake on one core only
keep each other from working."""


def dispatcher_of(native: Native) -> Dispatcher:
    """The one dispatcher of a library."""
    return _dispatchers.setdefault(native, Dispatcher(native))


class Dispatcher:
    """Carries the asynchronous calls to one library."""

    def __init__(self, native: Native) -> None:
        self._native = native
        self._loops: dict[int, LoopCalls] = {}
        # Two loops may begin at once; a loop has one thread, so its own calls have no lock.
        self._lock = threading.Lock()

    def submit(
        self,
        frame: bytes,
        number: int,
        borrowed: tuple[Any, ...] = (),
        unsent: Unsent | None = None,
        ring: int = 0,
    ) -> asyncio.Future[Completion]:
        """Send a request with all others of this loop turn.

        Args:
            borrowed: buffers that Go uses until the call ends, whoever waits for it.
            unsent: owns the handles in the request.
            ring: not 0: at once, through a ring of that capacity.

        Returns:
            a future of the response: an int for direct results, bytes, or a `replies.Parked`.
        """
        loop = _get_running_loop()
        calls = self._loops.get(id(loop))
        if calls is None or calls.loop() is not loop:
            calls = self._open(loop)
        future = calls.futures[number] = loop.create_future()
        noting = calls.queue.noting_borrowed(number, borrowed) if borrowed else ()
        if ring:
            calls.send(ring, frame, number, unsent, noting)
        else:
            if not calls.batch:
                loop.call_soon(calls.flush)
            if borrowed or unsent is not None:
                owners = () if unsent is None else (unsent,)
                exhaust(chain(noting, map(calls.unsent.append, owners), map(calls.batch.append, (frame,))))
            else:
                calls.batch.append(frame)
        return future

    def cancel(self, number: int) -> None:
        """The caller waits no longer: cancel the call's context. What it holds stays until Go is done."""
        for calls in self._senders(number):
            calls.cancel(number)

    def _senders(self, number: int) -> list[LoopCalls]:
        """The loop that sent a call: the running one, or where a coroutine is closed elsewhere the one that knows it.

        If none does, it may be any of them: a coroutine that no task runs may be closed long after its response came.
        """
        here = self._running()
        if here is not None and here.knows(number):
            return [here]
        loops = [*self._loops.values()]
        return [calls for calls in loops if calls.knows(number)] or loops

    def _running(self) -> LoopCalls | None:
        """The calls of the running loop, if one runs and has any."""
        loop = asyncio._get_running_loop()
        calls = self._loops.get(id(loop))
        return calls if calls is not None and calls.loop() is loop else None

    def parked(self, number: int) -> Parked:
        """What the status of a call of this loop is asked for by."""
        calls = self._running()  # None where a coroutine is closed
        return Parked(calls.queue.number if calls else 0, number)

    def after_fork(self) -> None:
        """Let the calls in flight end with `ClosedError`: what they wait for happens in another process."""
        for calls in self._loops.values():
            for future in calls.futures.values():
                if not future.done():
                    with contextlib.suppress(RuntimeError):  # its loop is closed
                        future.set_exception(ClosedError("the call belongs to the parent process"))
                        future.exception()  # whether somebody still looks at it or not
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
        futures: by number, of the calls in flight.
        batch: the requests of this loop turn.
        unsent: owners of the handles in them.
        queue: where they end.
        loop: the loop, None once it is collected.
    """

    def __init__(self, native: Native, loop: asyncio.AbstractEventLoop) -> None:
        self.futures: dict[int, asyncio.Future[Completion]] = {}
        self.batch: list[bytes] = []
        self.unsent: list[Unsent] = []
        self._rings: dict[int, Ring] = {}
        self._waiting: dict[int, OrderedDict[int, Waiting]] = {}  # by capacity and number
        self._spin_until = 0
        self._skipped = self._to_skip = 0
        self._native = native
        self.loop = weakref.ref(loop)
        self.queue = Queue(native)
        self._ended: set[int] = set()  # numbers of calls that `futures` need not know any longer
        self._told: set[int] = set()  # those of the last fetch: their callers may not have run since
        self._drained = threading.Event()
        if not self._watch(loop):
            number = self.queue.number
            threading.Thread(target=self._wait, args=(number,), name="gobind queue", daemon=True).start()

    def _watch(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Let the loop watch the wakeup_fd; False where there is none (Windows), or loops watch no descriptors."""
        if self.queue.wakeup_fd < 0:
            return False
        try:
            loop.add_reader(self.queue.wakeup_fd, self._hear)
        except NotImplementedError:
            return False
        return True

    @insistent
    def flush(self) -> None:
        """Send the requests of this loop turn."""
        if self.batch:
            send_batch(self.batch, self.unsent, *self.queue.submission(b"".join(self.batch)))

    def send(
        self, capacity: int, frame: bytes, number: int, unsent: Unsent | None, noting: Iterable[Any]
    ) -> None:
        """Send a request through a ring; while that is full, requests wait here in their order."""
        if capacity not in self._waiting:
            self._rings[capacity] = Ring(self._native, capacity, self.queue.number)
            self._waiting[capacity] = OrderedDict()
        waiting = self._waiting[capacity]
        must_wait = waiting or not self._rings[capacity].try_send(frame, unsent, noting)
        if must_wait:
            waiting[number] = frame, unsent, noting
        if self._to_skip and not must_wait:
            self._to_skip -= 1
            return
        if not self._spin_until:
            _get_running_loop().call_soon(self._spin)
        self._spin_until = monotonic_ns() + SPIN_TIME

    def _spin(self) -> None:
        """Keep the loop from sleeping for a while: a response that comes soon is then taken without waking up."""
        try:
            self._send_waiting()
        except BaseException:
            _get_running_loop().call_soon(self._spin)
            raise
        if any(self._waiting.values()) or (self.futures and monotonic_ns() < self._spin_until):
            _get_running_loop().call_soon(self._spin)
            return
        self._spin_until = 0
        self._skipped = min(2 * self._skipped + 1, MOST_SKIPPED) if self.futures else 0
        self._to_skip = self._skipped

    def _send_waiting(self) -> None:
        """Send what waits for room in its ring, as far as there is."""
        for capacity, waiting in self._waiting.items():
            while waiting:
                number, (frame, unsent, noting) = next(iter(waiting.items()))
                # In one step: struck between the two, it would be sent twice.
                sent = chain(noting, map(waiting.pop, (number,)))
                if not self._rings[capacity].try_send(frame, unsent, sent):
                    break
                self._spin_until = monotonic_ns() + SPIN_TIME

    def knows(self, number: int) -> bool:
        """True of a call that is in flight, or has ended and its caller may not have run since."""
        return number in self.futures or number in self._told

    def cancel(self, number: int) -> None:
        """Forget a call and cancel its context, or drop its response."""
        if self.futures.pop(number, None) is not None:
            for capacity, waiting in self._waiting.items():
                if waiting.pop(number, None) is not None:
                    return
                self._rings[capacity].wait_read()
            self.flush()
        self.queue.cancel(number)  # which only knows calls that have arrived

    def close_if_over(self) -> None:
        """Close if the loop is closed, but not yet collected."""
        loop = self.loop()
        if loop is None or loop.is_closed():
            self.close()

    def close(self) -> None:
        """Cancel the calls in flight and drop their responses; what they use stays until Go is done with it."""
        if self.queue.is_ours:
            for ring in self._rings.values():
                ring.close()
            self.batch.clear()
            self.unsent.clear()
            self.queue.close()
            self._drained.set()
            self.futures.clear()

    def _hear(self) -> None:
        """There is something to fetch; the loop comes here again until there is not.

        What waits for a ring waits for responses too: it is sent even if an exception has ended the spinning.
        """
        if self._waiting:
            self._send_waiting()
        self._fetch()

    def _wait(self, number: int) -> None:
        """A thread of its own: wait for responses and tell the loop."""
        while self._native.wait_queue(number):
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
        """What `_hear` is, where a thread waits."""
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
        for number in self._ended:
            self.futures.pop(number, None)
        if self._ended:
            self._told, self._ended = self._ended, set()
        return count

    def _hand_out(self, number: int, response: Completion) -> None:
        future = self.futures.get(number)  # and not pop: this may be repeated until the whole fetch is done
        if future is not None:
            self._ended.add(number)
            if not future.done():
                future.set_result(response)
        if type(response) is Parked and (future is None or future.cancelled()):
            self.queue.cancel(number)  # nobody will ask for it
        if self.queue.borrowed:
            self.queue.borrowed.pop(number, None)


_dispatchers: dict[Native, Dispatcher] = {}


def after_fork() -> None:
    """This is the child of a fork: the calls in flight are the parent's."""
    for dispatcher in _dispatchers.values():
        dispatcher.after_fork()
    _dispatchers.clear()
    completions.after_fork()
