"""Streams inside other values: a response that carries its body."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any, Optional, Protocol

from gobind import gointerface, gostruct


@gostruct
class Request:
    url: str
    body: Optional[Iterable[bytes]] = None


@gostruct
class Response:
    status: int
    headers: dict[str, str]
    body: Iterator[bytes]


@gostruct
class Record:
    number: int
    tags: list[str]
    counts: dict[str, int]
    maybe: Optional[int]
    anything: Any
    data: bytes


@gostruct
class Tree:
    """Its subtrees come when they are asked for."""

    depth: int
    below: Iterator[Tree]


@gostruct
class Feed:
    name: str
    items: AsyncIterator[int]


@gointerface
class Client(Protocol):
    def get(self, url: str, chunks: int) -> Response:
        """Returns a response whose body has so many chunks: 0, 1, 2 ...; it fails at one of number -chunks."""
        ...

    def post(self, request: Request) -> Response:
        """Returns the request's body as it is, a chunk at a time."""
        ...

    def get_late(self, begun: Callable[[], None], chunks: int) -> Response:
        """Calls begun, then returns a response, whose body may go on for ever."""
        ...

    def hangs(self, count: int) -> list[Response]:
        """Returns responses whose bodies wait after the first chunk until their context ends."""
        ...

    def read(self, request: Request, size: int) -> bytes:
        """Returns so many bytes of the body, read as from an io.Reader."""
        ...

    def many(self, count: int) -> list[Response]: ...

    def some(self, count: int, nil_at: int) -> list[Response]:
        """Returns responses, of which one has a nil body."""
        ...

    def pair(self, count: int) -> tuple[int, Iterator[int]]: ...

    def maybe(self, count: int) -> Iterator[int] | None:
        """Returns None for 0."""
        ...

    def by_name(self, names: list[str]) -> dict[str, Iterator[str]]: ...

    def crawl(self, pages: int) -> Iterator[Response]: ...

    def lines(self, count: int) -> Iterator[bytes]:
        """Yields the texts of the numbers below count, all in one buffer."""
        ...

    def records(self, count: int) -> Iterator[Record]:
        """Yields records of the numbers below count, all in the same memory."""
        ...

    async def records_later(self, count: int) -> AsyncIterator[Record]: ...

    def tree(self, depth: int) -> Tree: ...

    def rows(self, counts: list[int]) -> Iterator[Iterator[int]]: ...

    async def feed(self, count: int) -> Feed: ...

    async def feeds(self, feeds: list[Feed]) -> list[int]:
        """Returns the sum of each."""
        ...

    def totals(self, streams: dict[str, Optional[Iterator[int]]]) -> dict[str, int]:
        """Returns the sum of each; of None -1."""
        ...

    def twice(self, items: Iterable[int], first: int) -> list[int]:
        """Takes so many items in one loop, and the others in a second one."""
        ...

    def grandtotal(self, rows: Iterable[Iterable[int]]) -> int: ...

    def serve(self, handler: Callable[[Request], Response], chunks: int) -> bytes:
        """Returns the body of the handler's response, joined."""
        ...

    def anything(self, value: Any) -> Any:
        """Returns a response with the body of the request that it gets, or the value itself."""
        ...

    def labelled(self, label: int | str, values: Any, items: Iterable[int]) -> int:
        """Returns the sum of the items."""
        ...

    def close(self) -> None: ...


@gointerface
class Clients(Protocol):
    def open(self) -> Client: ...

    def contexts(self) -> int:
        """Returns how many contexts of calls that give streams have not ended."""
        ...
