"""Queues: where Go puts the completions of asynchronous calls."""

from __future__ import annotations

import atexit
import ctypes
import os
import select
import struct
import time
import weakref
from collections.abc import Callable, Iterable
from typing import Any

from gobind import protocol
from gobind.codec.memory import readable
from gobind.runtime.call.status import Completion, Parked
from gobind.runtime.interrupts.ownership import Owned, keep_to_the_end
from gobind.runtime.process.native import Native


class Queue:
    """One queue: Go's half of it, with the wakeup fd that Go writes to, and the buffer that completions are fetched
    into.

    It owns both until `close`.

    Attributes:
        id: the id of the queue in Go.
        borrowed: by id of the call, the buffers of calls in flight. Kept until Go has ended the calls, even if the
            queue is closed.
        wakeup_fd: the descriptor that can be read while there are completions to fetch; -1: there is none.
    """

    def __init__(self, native: Native) -> None:
        self._native = native
        self._pid = os.getpid()
        self._buffer = (ctypes.c_char * protocol.DRAIN_CAPACITY)()
        self._head = (ctypes.c_uint64 * 2).from_buffer(self._buffer)
        self._handed_out = 0
        self._owned = Owned(native.closing_queue)
        self.id: int = self._owned.take(native.open_queue)
        self.wakeup_fd: int = native.queue_wakeup_fd(self.id)
        self._is_open = True
        self.borrowed: dict[int, Any] = {}
        _borrowing[native, self.id] = self.borrowed, weakref.ref(self)

    def submission(self, frames: bytes) -> tuple[Any, int, bytes, int]:
        """Returns the function, and its arguments, that sends requests placed one after another.

        Go has read them when it returns.
        """
        return self._native.submit, self.id, frames, len(frames)

    def noting_borrowed(self, call_id: int, borrowed: tuple[Any, ...]) -> Iterable[Any]:
        """Returns an iterable that, exhausted in the step that sends a call, notes the buffers that the call uses."""
        if not borrowed:
            return ()
        release_borrowed()
        return map(self.borrowed.__setitem__, (call_id,), (borrowed,))

    def fetch(self, hand_out: Callable[[int, Completion], Any]) -> int:
        """Hands out the responses of one fetch, with the ids of their calls; none if the queue is empty.

        An exception on the way loses nothing: the next call begins with the same responses, so `hand_out` may get one
        of them again.
        """
        self._native.drain(self.id, self._buffer, self._handed_out)
        fetch, count = self._head
        if fetch == self._handed_out:
            return 0
        words = struct.unpack_from(f"<{3 * count}Q", readable(self._buffer), 16)
        at = 16 + 24 * count
        for call_id, tag, word in zip(words[::3], words[1::3], words[2::3]):
            if tag == protocol.ENTRY_RESPONSE:
                end = at + word
                hand_out(call_id, self._buffer[at:end])
                at = end
            elif tag == protocol.ENTRY_VALUE:
                hand_out(call_id, word - (1 << 64) if word >> 63 else word)
            else:
                hand_out(call_id, Parked(self.id, call_id))
        self._handed_out = fetch
        return count

    def cancel(self, call_id: int) -> None:
        """Cancels the context of a submitted call, or drops its response. No-op if the response has been taken."""
        self._native.cancel(self.id, call_id)

    def wait(self, milliseconds: int) -> None:
        """Waits until there are completions, no longer than the timeout; signal handlers run meanwhile."""
        if self.wakeup_fd < 0:  # Windows, which has no wakeup fd: look again soon
            time.sleep(0.001)
            return
        poll = select.poll()  # not select(), which accepts only descriptors below 1024
        poll.register(self.wakeup_fd, select.POLLIN)
        poll.poll(milliseconds)

    @property
    def is_ours(self) -> bool:
        """True if the queue is open and belongs to this process: after a fork its Go runs in the parent only."""
        return self._is_open and os.getpid() == self._pid

    def close(self) -> None:
        """Cancels the calls in flight and drops their completions. From here on Go writes to no descriptor."""
        if self.is_ours:
            self._is_open = False
            self._owned.release()
            release_borrowed()


# The buffers of calls in flight, by queue. The callers may be gone, and nobody is told when the calls end: so Go is
# asked now and then.
_borrowing: dict[tuple[Native, int], tuple[dict[int, Any], weakref.ref[Queue]]] = {}


atexit.register(keep_to_the_end, _borrowing)


def release_borrowed() -> None:
    """Releases the buffers of calls in closed or collected queues, if Go has ended the calls."""
    for key, (borrowed, owner) in [*_borrowing.items()]:
        queue, (native, queue_id) = owner(), key
        if (queue is None or not queue.is_ours) and not (borrowed and native.close_queue(queue_id)):
            _borrowing.pop(key, None)


def after_fork() -> None:
    """In the child of a fork: forgets the calls in flight, which are the parent's."""
    _borrowing.clear()
