"""Queues: where Go puts the endings of calls that nobody waits for inside Go.

Imports `gobind.runtime.bells`, `gobind.runtime.native` and `gobind.runtime.replies`.
"""

from __future__ import annotations

import ctypes
import os
import struct

from gobind import protocol
from gobind.memory import readable
from gobind.runtime.bells import open_bell, silence_bell, wait_for_bell
from gobind.runtime.native import Native
from gobind.runtime.replies import Fetched, read_status


class Queue:
    """One queue: Go's half of it, the bell that Go rings, and the buffer that endings are fetched into.

    It owns all three until `close`.

    Attributes:
        number: what Go knows it by; 0: it is closed.
        bell: the descriptor that can be read when endings have come into the empty queue.
    """

    def __init__(self, native: Native) -> None:
        self._native = native
        self._pid = os.getpid()
        self._buffer = (ctypes.c_char * protocol.DRAIN_CAPACITY)()
        self.bell, self._ringing = open_bell()
        self.number: int = native.open_queue(self._ringing)

    def submit(self, frames: bytes) -> None:
        """Send requests that stand one behind another; Go has read them when this returns."""
        self._native.submit(self.number, frames, len(frames))

    def fetch(self) -> list[tuple[int, Fetched]]:
        """The responses that one call brings, with the numbers of their calls; none: the queue is empty."""
        count = self._native.drain(self.number, self._buffer)
        if not count:
            return []
        words = struct.unpack_from(f"<{3 * count}Q", readable(self._buffer))
        at = 24 * count
        fetched: list[tuple[int, Fetched]] = []
        for number, tag, word in zip(words[::3], words[1::3], words[2::3]):
            if tag == protocol.ENTRY_RESPONSE:
                end = at + word
                fetched.append((number, self._buffer[at:end]))
                at = end
            elif tag == protocol.ENTRY_VALUE:
                fetched.append((number, word - (1 << 64) if word >> 63 else word))
            else:
                fetched.append((number, read_status(self._native, word)))
        return fetched

    def cancel(self, number: int) -> None:
        """Cancel the context of a call that has been submitted and has not ended."""
        self._native.cancel(self.number, number)

    def silence(self) -> None:
        """The bell has rung: make it ready for the next time."""
        silence_bell(self.bell)

    def wait(self, milliseconds: int) -> None:
        """Wait for the bell, no longer than that; signal handlers run meanwhile."""
        wait_for_bell(self.bell, milliseconds)

    @property
    def is_ours(self) -> bool:
        """True if the queue is open, and in this process: after a fork its Go runs in the parent only."""
        return bool(self.number) and os.getpid() == self._pid

    def close(self) -> None:
        """Cancel the calls in flight and drop their endings. From here on Go writes to no descriptor."""
        is_ours = self.is_ours
        number, self.number = self.number, 0  # a collection in another thread may come here too
        if number and is_ours:
            self._native.close_queue(number)
            for descriptor in {self.bell, self._ringing}:
                os.close(descriptor)
