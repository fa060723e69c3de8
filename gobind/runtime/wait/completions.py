"""Queues: where Go puts the completions of calls that nobody waits for inside Go."""

from __future__ import annotations

import atexit
import ctypes
import os
import select
import struct
import time
import weakref
from collections.abc import Callable, Iterator
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
        number: what Go knows it by.
        borrowed: by number, what calls in flight use. It is kept until Go has ended them, also when the queue is gone.
        wakeup_fd: the descriptor that can be read while there are completions to fetch; -1: there is none.
    """

    def __init__(self, native: Native) -> None:
        self._native = native
        self._pid = os.getpid()
        self._buffer = (ctypes.c_char * protocol.DRAIN_CAPACITY)()
        self._head = (ctypes.c_uint64 * 2).from_buffer(self._buffer)
        self._handed_out = 0
        self._owned = Owned(native.closing_queue)
        self.number: int = self._owned.take(native.open_queue)
        self.wakeup_fd: int = native.queue_wakeup_fd(self.number)
        self._is_open = True
        self.borrowed: dict[int, Any] = {}
        _borrowing[native, self.number] = self.borrowed, weakref.ref(self)

    def submission(self, frames: bytes) -> tuple[Any, int, bytes, int]:
        """The function, and its arguments, that sends requests which stand one behind another.

        Go has read them when it returns.
        """
        return self._native.submit, self.number, frames, len(frames)

    def noting_borrowed(self, number: int, borrowed: tuple[Any, ...]) -> Iterator[Any]:
        """Notes what a call uses, in the step that sends it: when it is exhausted."""
        if borrowed:
            release_borrowed()
        return map(self.borrowed.__setitem__, (number,), (borrowed,)) if borrowed else iter(())

    def fetch(self, hand_out: Callable[[int, Completion], Any]) -> int:
        """Hand out the responses that one call brings, with the numbers of their calls; none: the queue is empty.

        An exception on the way loses nothing: the next time begins with the same responses, so `hand_out` may
        get one of them a second time.
        """
        self._native.drain(self.number, self._buffer, self._handed_out)
        fetch, count = self._head
        if fetch == self._handed_out:
            return 0
        words = struct.unpack_from(f"<{3 * count}Q", readable(self._buffer), 16)
        at = 16 + 24 * count
        for number, tag, word in zip(words[::3], words[1::3], words[2::3]):
            if tag == protocol.ENTRY_RESPONSE:
                end = at + word
                hand_out(number, self._buffer[at:end])
                at = end
            elif tag == protocol.ENTRY_VALUE:
                hand_out(number, word - (1 << 64) if word >> 63 else word)
            else:
                hand_out(number, Parked(self.number, number))
        self._handed_out = fetch
        return count

    def cancel(self, number: int) -> None:
        """Cancel the context of a call that has been submitted, or drop its response; no-op if it has been taken."""
        self._native.cancel(self.number, number)

    def wait(self, milliseconds: int) -> None:
        """Wait until there is something to fetch, no longer than that; signal handlers run meanwhile."""
        if self.wakeup_fd < 0:  # Windows, which has no wakeup fd: look again soon
            time.sleep(0.001)
            return
        poll = select.poll()  # and not select(), which knows only the first 1024 descriptors
        poll.register(self.wakeup_fd, select.POLLIN)
        poll.poll(milliseconds)

    @property
    def is_ours(self) -> bool:
        """True if the queue is open, and in this process: after a fork its Go runs in the parent only."""
        return self._is_open and os.getpid() == self._pid

    def close(self) -> None:
        """Cancels the calls in flight and drops their completions. From here on Go writes to no descriptor."""
        if self.is_ours:
            self._is_open = False
            self._owned.release()
            release_borrowed()


# What calls in flight use, by the queue they are in. Whoever waited for them may be gone, and nobody is told when they
# end: so that is asked for now and then.
_borrowing: dict[tuple[Native, int], tuple[dict[int, Any], weakref.ref[Queue]]] = {}


atexit.register(keep_to_the_end, _borrowing)


def release_borrowed() -> None:
    """Free what calls in queues that are closed, or gone, have used, if Go has ended them."""
    for key, (borrowed, owner) in [*_borrowing.items()]:
        queue, (native, number) = owner(), key
        if (queue is None or not queue.is_ours) and not (borrowed and native.close_queue(number)):
            _borrowing.pop(key, None)


def after_fork() -> None:
    """This is the child of a fork: the calls in flight are the parent's."""
    _borrowing.clear()
