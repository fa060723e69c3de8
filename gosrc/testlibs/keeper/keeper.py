"""Go keeps what it was given, waits until it is told to go on, and calls the collector."""

from __future__ import annotations

from typing import Protocol

from gobind import gointerface, gomethod, gostruct, u32


@gostruct
class Item:
    id: u32
    name: str
    data: bytes
    tags: list[str]
    more: list[Item] | None = None


@gointerface
class Keeper(Protocol):
    def keep(self, name: str, data: bytes, words: list[str], item: Item, table: dict[str, bytes]) -> None: ...
    async def keep_later(
        self, name: str, data: bytes, words: list[str], item: Item, table: dict[str, bytes]
    ) -> None: ...
    def spoil(self) -> None:
        """Change all that was kept, in place, and append to it."""

    def kept(self) -> Item:
        """What was kept last: name, data and words under the item's own names, the item as its `more`."""

    def kept_table(self) -> dict[str, bytes]: ...
    def forget(self) -> None: ...
    def collect(self, name: str, items: list[Item]) -> list[Item]:
        """Give back the items, after several garbage collections."""

    def meet(self, place: str, words: list[str], data: bytes, item: Item) -> Item:
        """Tell those who await this place that the call has begun, wait to be sent on, and keep what is returned.

        Then tell those who await the place's name with " is over" behind it.
        """

    async def meet_later(self, place: str, words: list[str], data: bytes, item: Item) -> Item: ...
    def await_meeting(self, place: str) -> None:
        """Wait until a call of meet has begun."""

    def send_on(self, place: str) -> None:
        """Let a call of meet end."""

    async def rendezvous(self, place: str, others: int) -> int:
        """Wait until that many others are there; returns how many are."""

    @gomethod(ring=1)
    def push(self, number: int) -> None: ...
    @gomethod(ring=1024)
    def push_far(self, number: int) -> None: ...
    def pushed(self, count: int) -> list[int]:
        """The numbers pushed, as soon as there are `count`; forgets them."""

    def add(self, a: int, b: int) -> int: ...
    def greet(self, name: str) -> str: ...
    def total(self, numbers: list[int]) -> int: ...
    def refuse(self, why: str) -> str: ...
