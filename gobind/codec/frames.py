"""The two ends of a frame's columns: `Output` collects them, `Input` takes them."""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from gobind.errors import GobindError
from gobind.protocol import EXTERNAL_SIZE

Put = Callable[["Output", Any], None]
Get = Callable[["Input", int], Any]

pack_u64 = struct.Struct("<Q").pack

CIRCLE_CHECK_LEVELS = 500
CIRCLE_CHECK_VALUES = 100_000


class CorruptFrame(GobindError):
    """A frame does not follow the format: the library and gobind disagree, or memory was damaged."""


class MaybeCircular(Exception):
    """Encoding went suspiciously deep: the slow walk has to find out whether a value contains itself."""


class Handles(Protocol):
    """Converts objects to handles and back, for one library."""

    def lower(self, node: Any, value: Any, unsent: Any) -> int:
        """Returns the handle of an object; `unsent` owns it until the frame is sent."""
        ...

    def lift(self, node: Any, handle: int) -> Any:
        """Returns the object of a handle."""
        ...


class Output(list):  # type: ignore[type-arg]
    """The pieces of a frame behind its record, in order, and the queue of deferred blocks.

    Attributes:
        unsent: owns the handles in the frame until it is sent.
    """

    __slots__ = ("queue", "unsent")

    def __init__(self) -> None:
        self.queue: deque[tuple[Put, list[Any]]] = deque()
        self.unsent: Any = None

    def finish(self, may_be_circular: bool = True) -> None:
        """Writes the deferred blocks, and those they defer.

        Raises:
            MaybeCircular: the queue does not seem to end, and `may_be_circular`. If the slow walk finds no circle,
                ``finish(False)`` continues.
        """
        queue, levels, count = self.queue, 0, 0
        while queue:
            put, values = queue.popleft()
            levels += 1
            count += len(values)
            if may_be_circular and (levels > CIRCLE_CHECK_LEVELS or count > CIRCLE_CHECK_VALUES):
                queue.appendleft((put, values))
                raise MaybeCircular  # before `put` collects the next level, which may be far larger
            put(self, values)


class Input:
    """Takes columns one after another out of `source`, which gives bytes for a slice, up to `end`.

    Columns are read top-down, values are built bottom-up: a value that contains others is built by a step, registered
    before its parts are read; steps run last to first. So a value may hold its
    own kind to any depth, and nothing here recurses.

    No step may refer to its input: that would be a reference cycle, and a response of many megabytes would
    live until the cyclic collector comes.
    """

    __slots__ = ("end", "position", "queue", "source", "steps")

    def __init__(self, source: Any, position: int, end: int) -> None:
        self.source = source
        self.position = position
        self.end = end
        self.steps: list[Callable[[], Any]] = []
        self.queue: list[tuple[Any, int, list[Any]]] = []

    def take(self, size: int) -> bytes:
        """Returns the next `size` bytes."""
        start = self.position
        self.position = end = start + size
        if end > self.end:  # checked first: a source may be memory without an end of its own
            raise _cut_short(size, start, self.end - start)
        piece: bytes = self.source[start:end]
        if len(piece) != size:
            raise _cut_short(size, start, len(piece))
        return piece

    def view(self, size: int) -> Any:
        """Returns the next `size` bytes, to be read at once.

        A large piece of a source that can show its memory is not copied first: touching fresh memory takes
        longer than decoding what is in it.
        """
        if size < EXTERNAL_SIZE or not hasattr(self.source, "view"):
            return self.take(size)
        start = self.position
        self.position = end = start + size
        if end > self.end:
            raise _cut_short(size, start, self.end - start)
        piece = self.source.view(start, end)
        if len(piece) != size:
            raise _cut_short(size, start, len(piece))
        return piece

    def u64(self) -> int:
        """Returns the next number of 8 bytes."""
        return int.from_bytes(self.take(8), "little")

    def lengths(self, n: int) -> tuple[int, ...]:
        """Returns the next `n` numbers of 8 bytes."""
        return struct.unpack(f"{n}Q", self.take(8 * n))

    def finish(self) -> None:
        """Reads the deferred blocks, builds all values, and checks that the frame ends here."""
        for get, n, values in self.queue:  # grows while it is read
            get(self, n, values)
        if self.position != self.end:
            raise CorruptFrame(f"corrupted frame: it should end at {self.position} bytes, not at {self.end}")
        steps = self.steps
        while steps:  # each drops its columns: the memory is free for the next values
            steps.pop()()


def _cut_short(size: int, start: int, found: int) -> CorruptFrame:
    return CorruptFrame(f"corrupted frame: {size} bytes expected at {start}, {found} are there")
