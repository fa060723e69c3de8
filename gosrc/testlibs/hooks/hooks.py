"""One-way functions: Go calls them and goes on."""

from __future__ import annotations

from typing import Any, Optional, Protocol

from gobind import OneWay, gointerface, gostruct


@gostruct
class Event:
    number: int
    text: str


@gostruct
class Config:
    """Functions inside a struct."""

    on_event: Optional[OneWay[[Event], None]]
    ticks: list[OneWay[[], None]]


@gointerface
class Thing(Protocol):
    """An object of Go that is passed to a one-way function."""

    def number(self) -> int: ...


@gointerface
class Hooks(Protocol):
    def post(self, f: OneWay[[Event], None], count: int) -> None:
        """Calls f with the numbers below count."""
        ...

    def spread(self, f: OneWay[[int, int], None], goroutines: int, each: int) -> None:
        """Calls f from many goroutines: with the goroutine, and the numbers below each."""
        ...

    def keep(self, f: OneWay[[Event], None] | None) -> None:
        """Keeps f, or nothing."""
        ...

    def post_kept(self, count: int) -> None:
        """Calls the function that is kept."""
        ...

    def configure(self, config: Config) -> None:
        """Calls each function of the struct once."""
        ...

    def things(self, f: OneWay[[list[Thing]], None], count: int) -> None:
        """Calls f with count new objects, once."""
        ...

    def odd(self, f: OneWay[[Any], None], is_odd: bool) -> None:
        """Calls f with a value that cannot be passed, or with one that can."""
        ...

    def returned(self) -> OneWay[[int], None]:
        """Returns a function of Go; total is the sum of what it was called with."""
        ...

    def total(self) -> int:
        """Returns that sum."""
        ...

    def echo(self, f: OneWay[[Event], None]) -> OneWay[[Event], None]:
        """Returns f as Go has it."""
        ...
