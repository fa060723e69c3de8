"""Deadlines: ``with gobind.timeout(seconds)``.

Programs without deadlines pay nothing: the functions that pack requests are replaced by ones that check the deadline
when the first ``with`` block is entered.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from contextvars import ContextVar, Token
from time import monotonic_ns
from typing import Any

from gobind.errors import GoTimeout
from gobind.forklock import fork_lock
from gobind.protocol import TIMEOUT_OFFSET

Pack = Callable[..., bytes]

_deadline: ContextVar[int | None] = ContextVar("gobind deadline", default=None)

_LONGEST = 1e18
"""Nanoseconds, 31 years; longer timeouts are cut to this."""

# The functions to exchange: in which globals, under which name. A method compiled at the very moment
# that the first block is entered must not be missed: both hold the same lock.
_packs: list[tuple[dict[str, Any], str]] = []
_is_armed = False


class timeout:
    """A deadline for calls of Go methods inside a ``with`` block, in Go's ``context``.

    Args:
        seconds: the time from now. An inner block can shorten the deadline of an outer one, not prolong it.

    A method whose context ends returns an error, which is raised as `GoError` and `TimeoutError` alike.
    A call that begins after the deadline raises it without reaching Go.

    >>> with timeout(0.5):
    ...     pass
    """

    def __init__(self, seconds: float) -> None:
        if not isinstance(seconds, (int, float)):
            raise TypeError(f"timeout: expected a number of seconds, got {type(seconds).__name__}")
        if seconds != seconds:
            raise ValueError(f"timeout: expected a number of seconds, got {seconds}")
        self._nanoseconds = int(max(-_LONGEST, min(seconds * 1e9, _LONGEST)))
        self._tokens: list[Token[int | None]] = []

    def __enter__(self) -> timeout:
        if not _is_armed:
            _arm()
        end, outer = monotonic_ns() + self._nanoseconds, _deadline.get()
        self._tokens.append(_deadline.set(end if outer is None else min(end, outer)))
        return self

    def __exit__(self, *_: object) -> None:
        _deadline.reset(self._tokens.pop())


def watch(names: dict[str, Any], name: str) -> None:
    """Makes the pack function ``names[name]`` write the time left into its frames."""
    with fork_lock:
        _packs.append((names, name))
        if _is_armed:
            names[name] = _stamping(names[name])


def _arm() -> None:
    global _is_armed
    with fork_lock:
        if not _is_armed:
            for names, name in _packs:
                names[name] = _stamping(names[name])
            _is_armed = True


def _stamping(pack: Pack) -> Pack:
    def packed(*values: Any) -> bytes:
        frame = pack(*values)
        return frame if _deadline.get() is None else _stamp(frame)

    return packed


def _stamp(frame: bytes) -> bytes:
    """Returns `frame` with the time left written into it.

    Raises:
        GoTimeout: no time is left.
    """
    end = _deadline.get()
    left = (end or 0) - monotonic_ns()
    if left <= 0:
        why = "the time of gobind.timeout is over: Go was not called"
        raise GoTimeout(why, "context.deadlineExceededError")
    return frame[:TIMEOUT_OFFSET] + struct.pack("<q", left) + frame[TIMEOUT_OFFSET + 8 :]
