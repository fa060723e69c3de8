"""Calls that take their time, in every way a call can go: what the tests of async, rings, fork and exit call."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Protocol

from gobind import GoError, MutableBuffer, goerror, gointerface, gomethod, gostruct, u8


@gostruct
class Deadline:
    """What a context says of its end."""

    known: bool
    seconds_left: float
    is_over: bool


@gostruct
class Counts:
    """Calls of sleep methods, by how they went."""

    started: int
    finished: int
    cancelled: int


@goerror
class Refused(GoError):
    """Go would not."""

    number: int


@gointerface
class Sleeper(Protocol):
    """Sleeps, echoes, fails."""

    def sleep(self, ms: int) -> int:
        """Returns ms after so many milliseconds, earlier with an error if its context ends."""
        ...

    async def sleep_later(self, ms: int) -> int: ...
    @gomethod(blocking=True)
    def sleep_blocking(self, ms: int) -> int: ...
    @gomethod(ring=True)
    async def sleep_by_ring(self, ms: int) -> int: ...
    @gomethod(blocking=True)
    def sleep_deaf(self, ms: int) -> int:
        """Does not look at its context."""
        ...

    async def sleep_deaf_later(self, ms: int) -> int: ...
    def counts(self) -> Counts: ...

    def deadline(self) -> Deadline: ...
    async def deadline_later(self) -> Deadline: ...
    @gomethod(blocking=True)
    def deadline_blocking(self) -> Deadline: ...
    @gomethod(ring=True)
    async def deadline_by_ring(self) -> Deadline: ...

    def echo(self, n: int) -> int: ...
    async def echo_later(self, n: int) -> int: ...
    @gomethod(blocking=True)
    def echo_blocking(self, n: int) -> int: ...
    @gomethod(ring=True)
    async def echo_by_ring(self, n: int) -> int: ...
    @gomethod(ring=1)
    async def echo_by_ring_of_1(self, n: int) -> int: ...
    @gomethod(ring=2)
    async def echo_by_ring_of_2(self, n: int) -> int: ...
    async def repeat(self, text: str, n: int) -> list[str]: ...
    @gomethod(ring=True)
    async def repeat_by_ring(self, text: str, n: int) -> list[str]: ...
    @gomethod(blocking=True)
    def repeat_blocking(self, text: str, n: int) -> list[str]: ...

    async def fail(self, how: str) -> list[str]:
        """Fails: "error", "refused", "panic", "nil panic"."""
        ...

    @gomethod(ring=True)
    async def fail_by_ring(self, how: str) -> list[str]: ...
    @gomethod(blocking=True)
    def fail_blocking(self, how: str) -> list[str]: ...

    async def fill_after(self, gate: str, data: MutableBuffer[u8], value: u8) -> int:
        """Waits for the gate, whatever becomes of its context; then fills the buffer, and counts what it held."""
        ...

    @gomethod(blocking=True)
    def wait_at(self, gate: str) -> None:
        """Waits for the gate, whatever becomes of its context."""
        ...

    def open_gate(self, gate: str) -> None: ...
    @gomethod(blocking=True)
    def wait_started(self, gate: str, n: int) -> None:
        """Waits until n calls have come to the gate."""
        ...

    @gomethod(ring=1)
    def push(self, n: int) -> None: ...
    @gomethod(ring=2)
    def push_by_2(self, n: int) -> None: ...
    @gomethod(ring=1024)
    def push_by_1024(self, n: int) -> None: ...
    @gomethod(ring=1024)
    def push_text(self, text: str) -> None: ...
    @gomethod(ring=1024)
    def push_panic(self, text: str) -> None: ...
    @gomethod(ring=1)
    def push_slowly(self, n: int, ms: int) -> None: ...
    @gomethod(ring=1024)
    def append_line(self, path: str, line: str) -> None:
        """Writes a line to a file: what is left of a call after the process has ended."""
        ...

    @gomethod(blocking=True)
    def pushed(self, n: int) -> list[int]:
        """Waits until n numbers have been pushed, returns them and forgets them."""
        ...

    def getenv(self, name: str) -> str | None: ...
    def thing(self) -> Thing: ...
    def numbers(self, n: int) -> Iterator[int]: ...
    def numbers_later(self, n: int) -> AsyncIterator[int]: ...
    def keep_calling(self, f: Callable[[int], int], goroutines: int) -> None:
        """Goroutines that call f, which should return its argument, for ever."""
        ...

    def calls_made(self) -> int:
        """How often those have."""
        ...


@gointerface
class Thing(Protocol):
    """A Go object."""

    def value(self) -> int: ...
    def close(self) -> None: ...
