"""The places of the time-zone database in an embedded Go database: which are near, which are in a box, and
what is known of one. The store is a file: the second run finds everything there.

``make demo``, or with another coordinate ``make demo AT="-36.85 174.76"``.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import math
import os
import sys
import tempfile
import time
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn, TypeVar

from vault import Change, Found, NotFound, Place, Store, Vault
from zones import find_table, read_table

import gobind

T = TypeVar("T")

BERLIN = (52.52, 13.405)
WIDTH = 90  # of the output, in columns
REPEATS = 5  # of each query: the first call of a method prepares it
BOX = (6.0, 9.0)  # how far the box reaches to the north and south, and to the east and west, in degrees


def main(arguments: Sequence[str] | None = None) -> None:
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure:
        reconfigure(errors="replace")  # a terminal that cannot show a letter is no reason to fail
    parser = Parser(description=__doc__.partition("\n\n")[0] if __doc__ else None)
    parser.add_argument("latitude", nargs="?", metavar="LAT", help="degrees, north is positive")
    parser.add_argument("longitude", nargs="?", metavar="LON", help="degrees, east is positive")
    parser.add_argument("--store", metavar="PATH", help='the file of the store, or ":memory:"')
    parser.add_argument("--limit", type=natural, default=6, metavar="N", help="how many of the nearest (6)")
    options = parser.parse_args(arguments)
    try:
        latitude, longitude = coordinate(options.latitude, options.longitude)
        show(latitude, longitude, options.limit, default_store() if options.store is None else options.store)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (gobind.GoError, gobind.LoadError, ValueError, OSError) as error:
        parser.error(str(error))


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message}\n")


def natural(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"must be a whole number of 0 or more, got {text!r}")
    return int(text)


def coordinate(latitude: str | None, longitude: str | None) -> tuple[float, float]:
    """The coordinate of the arguments. Raises ValueError when they are none."""
    if latitude is None:
        return BERLIN
    if longitude is None:
        raise ValueError(f"a latitude and a longitude are needed, got only {latitude}")
    return angle("latitude", latitude, 90), angle("longitude", longitude, 180)


def angle(what: str, text: str, limit: int) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not abs(value) <= limit:  # false for NaN
        raise ValueError(f"{what} must be a number from -{limit} to {limit}, got {text!r}")
    return value


def default_store() -> str:
    """A file in the user's cache folder; in the folder for temporary files if there can be none."""
    home = Path.home()
    if sys.platform == "win32":
        cache = Path(os.environ.get("LOCALAPPDATA", home))
    elif sys.platform == "darwin":
        cache = home / "Library" / "Caches"
    else:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    folder = cache / "gobind"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        folder = Path(tempfile.gettempdir())
    return str(folder / "gobind-places.db")


def show(latitude: float, longitude: float, limit: int, path: str) -> None:
    """Prints everything."""
    vault = gobind.load("libvault.so", Vault)
    store, elapsed = timed(lambda: vault.open(path))
    with store:
        where = "in memory" if path == ":memory:" else short(path)
        print(with_time(f"Open the store {where}", elapsed))
        fill(store)
        nearest = show_nearest(store, latitude, longitude, limit)
        show_box(store, latitude, longitude)
        for name in (nearest[0].place.name if nearest else "Europe/Berlin", "Atlantis/Poseidonia"):
            show_lookup(store, name)
        show_stream(store, "America/Argentina/")
    show_watch(vault)
    print(f"\nA query's time is that of the fastest of {REPEATS} calls, from Python to Go and back.")
    print('For another coordinate: make demo AT="-36.85 174.76"')


def fill(store: Store) -> None:
    """Loads the places into a store that has none."""
    count, elapsed = fastest(store.count)
    if count:
        line(f"{count} places are there already, nothing to load", elapsed)
        return
    table = find_table()
    places, elapsed = timed(lambda: read_table(table))
    line(f"{len(places)} places read from {short(str(table))}", elapsed)
    _, elapsed = timed(lambda: store.load(places))
    line(f"{store.count()} places loaded into the store", elapsed)


def show_nearest(store: Store, latitude: float, longitude: float, limit: int) -> list[Found]:
    found, elapsed = fastest(lambda: store.nearest(latitude, longitude, limit))
    heading(f"Nearest to {spot(latitude, longitude)}", elapsed)
    distances = [distance(each.metres) for each in found]
    widest = max(map(columns, distances), default=0)
    table([(pad(far, widest, right=True), *row(each.place)) for far, each in zip(distances, found)])
    return found


def show_box(store: Store, latitude: float, longitude: float) -> None:
    south, north = max(latitude - BOX[0], -90.0), min(latitude + BOX[0], 90.0)
    west, east = wrap(longitude - BOX[1]), wrap(longitude + BOX[1])
    inside, elapsed = fastest(lambda: store.inside(south, west, north, east))
    heading(f"In the box {spot(south, west)} to {spot(north, east)}", elapsed)
    table([row(place) for place in inside])


def show_lookup(store: Store, name: str) -> None:
    def look_up() -> Place | None:
        try:
            return store.get(name)
        except NotFound as missing:
            assert missing.key == name
            return None

    place, elapsed = fastest(look_up)
    heading(f"Look up {name}", elapsed)
    if place is None:
        line("NotFound: there is no such place in the store")
    else:
        table([row(place)])


def show_stream(store: Store, prefix: str) -> None:
    """Takes three places of a scan, and leaves it: Go stops looking."""
    started = time.perf_counter()
    first = [*itertools.islice(store.scan(prefix), 3)]
    heading(f"The first three of a stream of {prefix}…", time.perf_counter() - started)
    table([row(place) for place in first])


class Newest:
    """A `vault.Rule`: Go asks it about two places of one name."""

    def merge(self, old: Place, new: Place) -> Place:
        return dataclasses.replace(new, comment=" → ".join(filter(None, (old.comment, new.comment))))


def show_watch(vault: Vault) -> None:
    """Goes to and fro: Python calls Go, which calls the rule, and then the function that watches."""
    seen: list[Change] = []
    trips = [Place("ship", [], 54.3, 10.1, "Kiel"), Place("ship", [], 55.7, 12.6, "Copenhagen")]
    with vault.open(":memory:") as store, store.watch(seen.append):
        _, elapsed = timed(lambda: [store.merge([trip], Newest()) for trip in trips])
    heading("Watch a ship in a store in memory, its places merged by Python", elapsed)
    table([("moved" if change.before else "new", *row(change.place)) for change in seen])


def timed(call: Callable[[], T]) -> tuple[T, float]:
    """What the call returned, and the seconds that it took."""
    started = time.perf_counter()
    result = call()
    return result, time.perf_counter() - started


def fastest(query: Callable[[], T]) -> tuple[T, float]:
    """What a query returned, and the seconds of the fastest of several calls."""
    return min((timed(query) for _ in range(REPEATS)), key=lambda timing: timing[1])


def row(place: Place) -> tuple[str, ...]:
    """A place in columns."""
    return (
        place.name,
        position(place.latitude, place.longitude),
        clip(" ".join(place.country_codes), 14),
        place.comment or "",
    )


def table(rows: Sequence[tuple[str, ...]]) -> None:
    """Prints rows as aligned columns; the last one is cut where the line ends."""
    if not rows:
        line("none")
        return
    widths = [max(map(columns, column)) for column in zip(*rows)]
    for cells in rows:
        padded = [pad(cell, width) for cell, width in zip(cells, widths)]
        line(clip("  ".join(padded), WIDTH - 2).rstrip())


def heading(text: str, seconds: float) -> None:
    print()
    print(with_time(text, seconds))


def line(text: str, seconds: float | None = None) -> None:
    print(with_time(f"  {text}", seconds) if seconds is not None else f"  {text}")


def with_time(text: str, seconds: float) -> str:
    """The text with a duration at the end of the line."""
    took = f"{seconds * 1e3:.1f} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.0f} µs"
    return pad(clip(text, WIDTH - columns(took) - 2), WIDTH - columns(took)) + took


def position(latitude: float, longitude: float) -> str:
    """A coordinate in columns: ``52.50°N  13.37°E``."""
    north = "S" if latitude < 0 else "N"
    east = "W" if longitude < 0 else "E"
    return f"{abs(latitude):5.2f}°{north} {abs(longitude):6.2f}°{east}"


def spot(latitude: float, longitude: float) -> str:
    """A coordinate in a sentence: ``52.50°N 13.37°E``."""
    return " ".join(position(latitude, longitude).split())


def distance(metres: float) -> str:
    return f"{metres:.0f} m" if metres < 1000 else f"{metres / 1000:,.1f} km"


def wrap(longitude: float) -> float:
    """A longitude that went past the antimeridian, from -180 to 180."""
    return longitude - 360 if longitude > 180 else longitude + 360 if longitude < -180 else longitude


def columns(text: str) -> int:
    """How many columns of a terminal the text takes."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else not unicodedata.combining(c) for c in text)


def pad(text: str, width: int, right: bool = False) -> str:
    space = " " * (width - columns(text))
    return space + text if right else text + space


def clip(text: str, width: int) -> str:
    """The text cut to a width, with an ellipsis if it was."""
    if columns(text) <= width:
        return text
    while columns(text) > width - 1:
        text = text[:-1]
    return text.rstrip() + "…"


def short(path: str) -> str:
    """A path as one would type it: from here, or from home."""
    here, home = os.path.relpath(path), os.path.expanduser("~")
    if not here.startswith(os.pardir):
        return here
    return "~" + path[len(home) :] if path.startswith(home + os.sep) else path


if __name__ == "__main__":
    main()
