"""Brings what Go and C write to the file descriptors 1 and 2 into the notebook, in order with what Python prints.

ipykernel does so itself on Linux and macOS, but cuts the text every 1000 bytes, in the middle of letters; what Go has printed
may come in the middle of Python's next line, and a cell may end before the last of it has come, which then appears under the
next one. Here all that stands in the pipe is brought over before Python prints, and when a cell ends.
"""

from __future__ import annotations

import codecs
import contextlib
import contextvars
import os
import select
import sys
import threading
from functools import partial
from typing import Any

_PIECE = 1 << 16
_SET_PIPE_SIZE = 1031  # F_SETPIPE_SZ of Linux's <fcntl.h>


class Forwarded:
    """One file descriptor whose bytes become text of one of the notebook's streams.

    It owns the pipe, and the duplicate of what the descriptor was before. While a cell runs it takes the place of the stream's
    methods.
    """

    def __init__(self, descriptor: int, stream: Any) -> None:
        self._descriptor = descriptor
        self._stream = stream
        self._replaced: tuple[Any, Any] | None = None  # the stream's methods, while a cell runs
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        # Held from the reading of bytes until they are in the stream, or another thread could print in between. A signal
        # handler may print while it is held.
        self._lock = threading.RLock()
        self._before = os.dup(descriptor)
        self._read, write = os.pipe()
        os.set_blocking(self._read, False)  # of this end only: Go waits while the pipe is full
        _enlarge(write)
        os.dup2(write, descriptor)
        os.close(write)
        # A context of its own: ipykernel gives text to the cell in the thread's, where there is one, and that would be this one.
        context = contextvars.Context()
        threading.Thread(target=context.run, args=(self._watch,), daemon=True).start()

    def begin(self) -> None:
        """Takes the place of the stream's methods for a cell. IPython does so too, before: its methods are called then."""
        if self._replaced is None:
            self._replaced = self._stream.write, self._stream.flush
            self._stream.write, self._stream.flush = self._write, self._flush

    def end(self) -> None:
        """Brings over what stands in the pipe, and restores the methods."""
        self.drain()
        if self._replaced is not None:
            self._stream.write, self._stream.flush = self._replaced
            self._replaced = None

    def _write(self, text: str, *more: Any) -> Any:
        self.drain()
        write = self._replaced[0] if self._replaced else partial(type(self._stream).write, self._stream)
        return write(text, *more)

    def _flush(self) -> Any:
        self.drain()
        return self._replaced[1]() if self._replaced else type(self._stream).flush(self._stream)

    def drain(self) -> bool:
        """Brings over what stands in the pipe; returns False when nothing will come any more."""
        with self._lock:
            while True:
                try:
                    piece = os.read(self._read, _PIECE)
                except BlockingIOError:
                    return True
                except OSError:  # closed
                    return False
                text = self._decoder.decode(piece, final=not piece)
                if text:
                    with contextlib.suppress(ValueError):  # the stream is closed: the kernel ends
                        type(self._stream).write(self._stream, text)
                if not piece:
                    return False

    def close(self) -> None:
        """Makes descriptor and stream what they were before."""
        self.end()
        os.dup2(self._before, self._descriptor)
        os.close(self._before)

    def _watch(self) -> None:
        """Brings over what comes while Python does not print: while Go runs, and between cells."""
        poll = select.poll()
        poll.register(self._read, select.POLLIN)
        while poll.poll() and self.drain():
            pass
        os.close(self._read)


def _enlarge(pipe: int) -> None:
    """Makes a pipe hold a megabyte, on Linux: a method that keeps the GIL waits for ever if it prints more than it holds."""
    if sys.platform == "linux":
        import fcntl

        with contextlib.suppress(OSError):
            fcntl.fcntl(pipe, _SET_PIPE_SIZE, 1 << 20)


class Forwarding:
    """Both descriptors of a kernel."""

    def __init__(self, stdout: Any, stderr: Any) -> None:
        self._forwarded = [Forwarded(1, stdout), Forwarded(2, stderr)]

    def begin(self, *_: Any) -> None:
        """Watches over what Python prints, from the beginning of a cell."""
        for forwarded in self._forwarded:
            forwarded.begin()

    def end(self, *_: Any) -> None:
        """Brings over what has been written to the descriptors, at the end of a cell."""
        for forwarded in self._forwarded:
            forwarded.end()

    def close(self) -> None:
        """Makes descriptors and streams what they were before."""
        for forwarded in self._forwarded:
            forwarded.close()
        self._forwarded = []
