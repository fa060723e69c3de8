"""Deadlines: ``with gobind.timeout(seconds)``. Imports `gobind.errors`, `gobind.codec.scatter`, `gobind.protocol`."""

from __future__ import annotations

import struct
from contextvars import ContextVar, Token
from time import monotonic_ns
from typing import Optional

from gobind.codec.scatter import like
from gobind.errors import GoTimeout
from gobind.protocol import TIMEOUT_OFFSET

_deadline: ContextVar[Optional[int]] = ContextVar("gobind deadline", default=None)

entered: list[None] = []
"""One item for each ``with`` block entered anywhere: a call asks this list first, which costs next to nothing."""


class timeout:
    """A deadline for calls of Go methods inside a ``with`` block, in Go's ``context``.

    Args:
        seconds: from now on. An inner block can shorten the deadline of an outer one, not prolong it.

    A method whose context ends returns an error, which is raised as `GoError` and `TimeoutError` alike. A call
    that begins after the deadline raises it without reaching Go.

    >>> with timeout(0.5):
    ...     pass
    """

    def __init__(self, seconds: float) -> None:
        self._nanoseconds = int(seconds * 1e9)
        self._tokens: list[Token[Optional[int]]] = []

    def __enter__(self) -> timeout:
        end, outer = monotonic_ns() + self._nanoseconds, _deadline.get()
        self._tokens.append(_deadline.set(end if outer is None else min(end, outer)))
        entered.append(None)
        return self

    def __exit__(self, *_: object) -> None:
        entered.pop()
        _deadline.reset(self._tokens.pop())


def stamp(frame: bytes) -> bytes:
    """`frame` with the time that is left.

    Raises:
        GoTimeout: none is.
    """
    end = _deadline.get()
    if end is None:
        return frame
    left = end - monotonic_ns()
    if left <= 0:
        raise GoTimeout(
            "the time of gobind.timeout is over: Go was not called", "context.deadlineExceededError"
        )
    return like(frame, frame[:TIMEOUT_OFFSET] + struct.pack("<q", left) + frame[TIMEOUT_OFFSET + 8 :])
