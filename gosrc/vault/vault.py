"""Places of the world in an embedded Go database: BuntDB and its spatial index, behind a contract."""

from __future__ import annotations

from typing import NewType, Optional, Protocol

from gobind import GoError, goerror, gointerface, gostruct

Store = NewType("Store", str)
"""What `Vault.open` returns: an open store."""


@gostruct
class Place:
    """A place and where it is, in degrees: north and east are positive."""

    name: str
    country_codes: list[str]
    latitude: float
    longitude: float
    comment: Optional[str] = None


@gostruct
class Found:
    """A place and how far away it is, in metres along the surface, to the millimetre."""

    place: Place
    metres: float


@goerror
class NotFound(GoError):
    """The store has no place of that name."""

    key: str


@goerror
class NotOpen(GoError):
    """The store was closed, or never opened."""

    store: str


@gointerface
class Vault(Protocol):
    """Stores of places. Each is a file, or lives in memory only."""

    def open(self, path: str) -> Store:
        """Opens the store in the file path, which is made if there is none. The path ":memory:" is a new
        store in memory each time; a file that is open already is the same store."""
        ...

    def load(self, store: Store, places: list[Place]) -> None:
        """Puts places into the store: all of them, or none if one is wrong. A place replaces one of its
        name."""
        ...

    def get(self, store: Store, name: str) -> Place:
        """Returns the place of that name, else fails with NotFound."""
        ...

    def nearest(self, store: Store, latitude: float, longitude: float, limit: int) -> list[Found]:
        """Returns the limit places nearest to a coordinate, nearest first, equally distant ones by name."""
        ...

    def inside(self, store: Store, south: float, west: float, north: float, east: float) -> list[Place]:
        """Returns the places between two parallels and two meridians, borders included, by name. A box whose
        west is greater than its east crosses the antimeridian."""
        ...

    def count(self, store: Store) -> int:
        """Returns the number of places in the store."""
        ...

    def close(self, store: Store) -> None:
        """Writes the store to its file and closes it, for all who use it."""
        ...
