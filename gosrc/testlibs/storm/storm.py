"""What the storm of signals calls: each kind of call, each with an answer that both sides can work out.

`tests/storms` sends signals into these calls. Go checks what it gets from Python, and keeps what was wrong.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator
from typing import Protocol

from gobind import Buffer, GoError, MutableBuffer, goerror, gointerface, gomethod, gostruct, u8, u32


@gostruct
class Item:
    id: u32
    name: str
    weight: float
    tags: list[str]


@gostruct
class Tally:
    """What calls of a function came to: the sum of the answers (wrapping), and the texts of the errors."""

    total: int
    errors: list[str]


@goerror
class Odd(GoError):
    number: int


@gostruct
class Row:
    """A number, and the mixes of it and the numbers after it."""

    n: int
    items: Iterator[int]


@gointerface
class Box(Protocol):
    """A Go object that holds a number."""

    def value(self) -> int: ...
    def count(self) -> Iterator[int]:
        """Yields the mixes of the number and those after it, for ever."""
        ...

    def add(self, n: int) -> int:
        """Returns the sum of the number and n; the number stays."""
        ...

    def close(self) -> None: ...


@gointerface
class Visitor(Protocol):
    """Implemented in Python."""

    def visit(self, n: int) -> int:
        """Returns the mix of n."""
        ...

    def rename(self, name: str) -> str:
        """Returns the name in reverse."""
        ...

    def open(self, n: int) -> Box:
        """Returns a box that holds n."""
        ...


@gointerface
class Storm(Protocol):
    """Every kind of call."""

    def mix(self, n: int) -> int:
        """Returns a scrambled n, which Python can work out too."""
        ...

    @gomethod(release_gil=False)
    def mix_keeping_gil(self, n: int) -> int: ...
    def is_odd(self, n: int) -> bool: ...
    def echo_number(self, n: int) -> int: ...
    def name(self, n: int) -> str: ...
    def payload(self, n: int, size: int) -> bytes:
        """Returns so many bytes, counted up from n."""
        ...

    def turn(self, items: list[Item]) -> list[Item]:
        """Returns the items in reverse."""
        ...

    def nested(self, rows: list[list[int]]) -> list[list[int]]: ...
    def fail(self, n: int) -> int:
        """Fails with Odd."""
        ...

    def panic(self, n: int) -> int: ...

    @gomethod(blocking=True)
    def mix_blocking(self, n: int) -> int: ...
    @gomethod(blocking=True)
    def nap_blocking(self, n: int, microseconds: int) -> int:
        """Returns the mix of n after a while, earlier with an error if its context ends."""
        ...

    @gomethod(blocking=True)
    def nap_deaf(self, n: int, microseconds: int) -> int:
        """Does not look at its context."""
        ...

    @gomethod(blocking=True)
    def payload_blocking(self, n: int, size: int) -> bytes: ...
    @gomethod(blocking=True)
    def turn_blocking(self, items: list[Item]) -> list[Item]: ...
    @gomethod(blocking=True)
    def fail_blocking(self, n: int) -> int: ...

    async def mix_later(self, n: int) -> int: ...
    async def nap_later(self, n: int, microseconds: int) -> int: ...
    async def payload_later(self, n: int, size: int) -> bytes: ...
    async def turn_later(self, items: list[Item]) -> list[Item]: ...
    async def fail_later(self, n: int) -> int: ...

    @gomethod(ring=True)
    async def mix_by_ring(self, n: int) -> int: ...
    @gomethod(ring=2)
    async def mix_by_ring_of_2(self, n: int) -> int: ...
    @gomethod(ring=True)
    async def payload_by_ring(self, n: int, size: int) -> bytes: ...
    @gomethod(ring=True)
    async def fail_by_ring(self, n: int) -> int: ...

    @gomethod(ring=1)
    def post_by_1(self, n: int, check: int) -> None:
        """Adds n to lane 0; check is its mix."""
        ...

    @gomethod(ring=2)
    def post_by_2(self, n: int, check: int) -> None:
        """Adds n to lane 1."""
        ...

    @gomethod(ring=1024)
    def post_by_1024(self, n: int, check: int) -> None:
        """Adds n to lane 2."""
        ...

    @gomethod(ring=16)
    def post_text(self, n: int, text: str) -> None:
        """Adds n to lane 3; text is its name, repeated."""
        ...

    def posted(self, lane: int) -> list[int]:
        """Returns what has come to a lane, in its order, and forgets it."""
        ...

    def call(self, f: Callable[[int], int], n: int, times: int) -> int:
        """Returns the sum of the answers for n, n + 1 ...; the first error ends it."""
        ...

    @gomethod(blocking=True)
    def call_blocking(self, f: Callable[[int], int], n: int, times: int) -> int: ...
    def call_tolerant(self, f: Callable[[int], int], n: int, times: int) -> Tally:
        """Goes on after an error."""
        ...

    def call_goroutines(self, f: Callable[[int], int], n: int, times: int, goroutines: int) -> int: ...
    def call_truth(self, f: Callable[[int], bool], n: int, times: int) -> int:
        """Returns how many are odd."""
        ...

    def call_text(self, f: Callable[[str], str], n: int, times: int) -> int:
        """Lets f turn names round, and returns the sum of their lengths."""
        ...

    def call_payload(self, f: Callable[[int, int], bytes], n: int, size: int) -> int:
        """Returns the size of the payload that f makes."""
        ...

    def call_visitor(self, visitor: Visitor, n: int, times: int) -> int: ...
    async def call_later(self, f: Callable[[int], int], n: int, times: int) -> int: ...
    async def call_awaiting(self, f: Callable[[int], Awaitable[int]], n: int, times: int) -> int: ...
    def keep(self, f: Callable[[int], int] | None) -> None: ...
    def call_kept(self, n: int, times: int) -> int: ...

    def count(self, n: int, times: int) -> Iterator[int]:
        """Yields the mixes of n, n + 1 ..."""
        ...

    def count_later(self, n: int, times: int) -> AsyncIterator[int]: ...
    def items(self, n: int, times: int) -> Iterator[Item]: ...
    def boxes(self, n: int, times: int) -> Iterator[Box]: ...
    def rows(self, n: int, count: int, times: int) -> list[Row]:
        """Returns the rows of n, n + 1 ..., each of so many items."""
        ...

    def total_of_rows(self, rows: list[Row], times: int) -> int:
        """Returns the sum of all items."""
        ...

    def total(self, numbers: Iterable[int], n: int, times: int) -> int:
        """Takes the mixes of n, n + 1 ..., and returns their sum."""
        ...

    async def total_later(self, numbers: AsyncIterable[int], n: int, times: int) -> int: ...
    def echo(self, numbers: Iterable[int]) -> Iterator[int]: ...
    def active(self) -> int:
        """Returns how many streams run."""
        ...

    def box(self, n: int) -> Box: ...
    async def box_later(self, n: int) -> Box: ...
    def box_list(self, n: int, count: int) -> list[Box]: ...
    def look_into(self, box: Box) -> int: ...
    def sum_boxes(self, boxes: list[Box]) -> int: ...
    def same(self, box: Box) -> Box: ...
    def adder(self, n: int) -> Callable[[int], int]: ...

    def fill(self, data: MutableBuffer[u8], value: u8) -> int:
        """Fills it, and returns the sum of what it held."""
        ...

    @gomethod(blocking=True)
    def fill_blocking(self, data: MutableBuffer[u8], value: u8, microseconds: int) -> int:
        """Fills it after a while, whatever becomes of its context."""
        ...

    async def fill_later(self, data: MutableBuffer[u8], value: u8, microseconds: int) -> int: ...
    def weigh(self, data: Buffer[float]) -> float: ...
    def make(self, n: int, count: int) -> Buffer[int]:
        """Returns the mixes of n, n + 1 ..."""
        ...

    async def make_later(self, n: int, count: int) -> Buffer[int]: ...

    def wrongs(self) -> list[str]:
        """Returns what Go has found wrong, and forgets it."""
        ...

    def swallowed(self) -> list[str]:
        """Returns the texts of the errors that Go got and did not return, and forgets them."""
        ...

    def stacks(self) -> str:
        """Returns the stacks of all goroutines."""
        ...
