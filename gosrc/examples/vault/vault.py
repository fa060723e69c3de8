"""Places of the world in an embedded Go database: BuntDB and its spatial index, behind a contract."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Protocol

from gobind import GoError, goerror, gointerface, gostruct


@gostruct
class Place:
    """A place and where it is, in degrees: north and east are positive."""

    name: str
    country_codes: list[str]
    latitude: float
    longitude: float
    comment: str | None = None


@gostruct
class Found:
    """A place and how far away it is, in metres along the surface, to the millimetre."""

    place: Place
    metres: float


@goerror
class NotFound(GoError):
    """The store has no place of that name."""

    key: str


@gostruct
class Change:
    """What has happened to a place: the place as it is now, and as it was before, if it was there."""

    place: Place
    before: Place | None = None


@gointerface
class Rule(Protocol):
    """Decides what becomes of two places of one name; implemented in Python."""

    def merge(self, old: Place, new: Place) -> Place:
        """Returns the place that the store is to have. Its name has to be that of the two."""
        ...


@gointerface
class Watch(AbstractContextManager["Watch"], Protocol):
    """A function of Python's that is called for each change, until the watch is closed."""

    def close(self) -> None:
        """Ends the watch."""
        ...


@gointerface
class Store(AbstractContextManager["Store"], Protocol):
    """Places by name, in a file or in memory. Leaving its with block closes it."""

    def load(self, places: list[Place]) -> None:
        """Puts places into the store: all of them, or none if one is wrong. A place replaces one of its
        name."""
        ...

    def merge(self, places: list[Place], rule: Rule) -> int:
        """Puts places into the store like load, but where there is one of that name the rule decides. Returns
        how many places were put in or have changed."""
        ...

    def get(self, name: str) -> Place:
        """Returns the place of that name, else fails with NotFound."""
        ...

    def scan(self, prefix: str) -> Iterator[Place]:
        """Streams the places whose names begin with prefix, by name. The store may change meanwhile: the
        stream sees what is there when it gets there."""
        ...

    def nearest(self, latitude: float, longitude: float, limit: int) -> list[Found]:
        """Returns the limit places nearest to a coordinate, nearest first, equally distant ones by name."""
        ...

    def inside(self, south: float, west: float, north: float, east: float) -> list[Place]:
        """Returns the places between two parallels and two meridians, borders included, by name. A box whose
        west is greater than its east crosses the antimeridian."""
        ...

    def count(self) -> int:
        """Returns the number of places in the store."""
        ...

    def watch(self, changed: Callable[[Change], None]) -> Watch:
        """Calls the function with each change, in the call that makes it, once the change is stored. What the
        function raises is raised by that call."""
        ...

    def close(self) -> None:
        """Writes the store to its file and closes it, for all who use it."""
        ...


@gointerface
class Vault(Protocol):
    """Stores of places."""

    def open(self, path: str) -> Store:
        """Opens the store in the file path, which is made if there is none. The path ":memory:" is a new
        store in memory each time; a file that is open already is the same store."""
        ...
