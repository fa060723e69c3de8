"""Brings what Go and C write to the file descriptors 1 and 2 into the notebook, while a cell runs.

ipykernel does so itself on Linux and macOS, but cuts the text every 1000 bytes, in the middle of letters, and a cell may end
before the last of it has come: it then appears under the next one. Here the end of each cell waits for a marker that is
written behind all that was written before.
"""

from __future__ import annotations

import codecs
import contextlib
import contextvars
import os
import sys
import threading
from typing import Any

_PIECE = 1 << 16
_SET_PIPE_SIZE = 1031  # F_SETPIPE_SZ of Linux's <fcntl.h>
_PATIENCE = 10  # seconds that the end of a cell waits at most


class Forwarded:
    """One file descriptor whose bytes become text of one of the notebook's streams.

    It owns the pipe, and the duplicate of what the descriptor was before.
    """

    def __init__(self, descriptor: int, stream: Any) -> None:
        self._descriptor = descriptor
        self._stream = stream
        self._marker = b"\0gobind " + os.urandom(8).hex().encode() + b"\0"
        self._seen = threading.Semaphore(0)
        self._is_ours = True  # until something else takes the descriptor
        self._before = os.dup(descriptor)
        self._read, write = os.pipe()
        _enlarge(write)
        os.dup2(write, descriptor)
        os.close(write)
        # A context of its own: ipykernel gives text to the cell in the thread's, where there is one, and that would be this one.
        context = contextvars.Context()
        self._thread = threading.Thread(target=context.run, args=(self._forward,), daemon=True)
        self._thread.start()

    def drain(self) -> None:
        """Waits until all that has been written is in the notebook."""
        if self._is_ours and self._thread.is_alive():
            os.write(self._descriptor, self._marker)
            self._is_ours = self._seen.acquire(timeout=_PATIENCE)

    def close(self) -> None:
        """Makes the descriptor what it was before."""
        self.drain()
        os.dup2(self._before, self._descriptor)
        os.close(self._before)

    def _forward(self) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        kept = b""
        while piece := os.read(self._read, _PIECE):
            *parts, kept = (kept + piece).split(self._marker)
            for part in parts:
                self._write(decoder.decode(part, final=True))
                self._seen.release()
            # The marker is written in one piece, but may be read in two.
            end = len(kept) - (_overlap(kept, self._marker) if b"\0" in kept else 0)
            self._write(decoder.decode(kept[:end]))
            kept = kept[end:]
        os.close(self._read)

    def _write(self, text: str) -> None:
        if text:
            with contextlib.suppress(ValueError):  # the notebook's stream is closed: the kernel ends
                self._stream.write(text)


def _enlarge(pipe: int) -> None:
    """Makes a pipe hold a megabyte, on Linux: a method that keeps the GIL waits for ever if it prints more than it holds."""
    if sys.platform == "linux":
        import fcntl

        with contextlib.suppress(OSError):
            fcntl.fcntl(pipe, _SET_PIPE_SIZE, 1 << 20)


def _overlap(text: bytes, marker: bytes) -> int:
    """Returns how many bytes at the end of `text` may begin the marker."""
    return next((size for size in range(len(marker) - 1, 0, -1) if text.endswith(marker[:size])), 0)


class Forwarding:
    """Both descriptors of a kernel."""

    def __init__(self, stdout: Any, stderr: Any) -> None:
        self._streams = (stdout, stderr)
        self._forwarded = [Forwarded(1, stdout), Forwarded(2, stderr)]

    def drain(self, *_: Any) -> None:
        """Waits until all that has been written to the descriptors has been sent to the notebook."""
        for forwarded in self._forwarded:
            forwarded.drain()
        for stream in self._streams:
            with contextlib.suppress(ValueError):
                stream.flush()

    def close(self) -> None:
        """Makes the descriptors what they were before."""
        for forwarded in self._forwarded:
            forwarded.close()
        self._forwarded = []
