"""What the benchmark measures: the same work that its peers in tests/bench do in other ways."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from gobind import Buffer, GoError, goerror, gointerface, gomethod, gostruct, u8, u32


@gostruct
class User:
    id: u32
    name: str
    age: u8 = 0


@gostruct
class LoginRequest:
    user: User
    password: str


@gostruct
class LoginResponse:
    succ: bool
    message: str
    token: bytes


@gostruct
class Tree:
    name: str
    value: int
    children: list[Tree]


@goerror
class NotFound(GoError):
    key: str


@gointerface
class Bench(Protocol):
    """Values in both directions."""

    def nothing(self) -> None: ...
    def add(self, a: int, b: int) -> int: ...
    @gomethod(release_gil=False)
    def add_keeping_gil(self, a: int, b: int) -> int: ...
    def work(self, rounds: int) -> int:
        """Keeps a core busy for rounds steps of a random number generator."""
        ...

    @gomethod(release_gil=False)
    def work_keeping_gil(self, rounds: int) -> int: ...
    def login(self, req: LoginRequest) -> LoginResponse: ...

    def take_strings(self, strings: list[str]) -> int: ...
    def give_strings(self, kind: int, n: int) -> list[str]:
        """Returns n strings: kind 0 is ASCII, 1 is not, 2 has NULs."""
        ...

    def echo_strings(self, strings: list[str]) -> list[str]: ...
    def echo_nested(self, lists: list[list[str]]) -> list[list[str]]: ...
    def echo_users(self, users: list[User]) -> list[User]: ...
    def echo_counts(self, counts: dict[str, int]) -> dict[str, int]: ...
    def echo_tree(self, tree: Tree) -> Tree: ...

    def take_bytes(self, data: bytes) -> int: ...
    def give_bytes(self, size: int) -> bytes: ...
    def lend_bytes(self, data: Buffer[u8]) -> int: ...
    def borrow_bytes(self, size: int) -> Buffer[u8]: ...
    def take_floats(self, numbers: list[float]) -> int: ...
    def give_floats(self, n: int) -> list[float]: ...
    def lend_floats(self, numbers: Buffer[float]) -> int: ...

    async def add_later(self, a: int, b: int) -> int: ...
    @gomethod(ring=True)
    async def add_by_ring(self, a: int, b: int) -> int: ...
    @gomethod(blocking=True)
    def add_interruptibly(self, a: int, b: int) -> int: ...
    @gomethod(ring=True)
    def tell(self, n: int) -> None: ...

    def fail(self, key: str) -> None:
        """Fails with NotFound."""
        ...

    def panic(self, text: str) -> None: ...


@gointerface
class Counter(Protocol):
    """A Go object."""

    def add(self, a: int, b: int) -> int: ...
    def next(self) -> int | None: ...
    def close(self) -> None: ...


@gointerface
class Upcalls(Protocol):
    """Objects, functions and streams."""

    def counter(self) -> Counter: ...
    def call(self, f: Callable[[int], int], n: int) -> int:
        """Calls f n times, on the thread that called."""
        ...

    def call_from_goroutines(self, f: Callable[[int], int], n: int, goroutines: int) -> int:
        """Calls f n times from each of so many goroutines at once."""
        ...

    def numbers(self, n: int) -> Iterator[int]: ...
    def total(self, numbers: Iterable[int]) -> int: ...
