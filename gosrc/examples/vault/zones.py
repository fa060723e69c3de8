"""Reads the places of the time-zone database, from the machine's copy if it has one.

Source of the format: the head of zone1970.tab, the copy beside this file (version 2025b). It is in the public
domain, as it says itself.
"""

from __future__ import annotations

import importlib.util
import re
import zoneinfo
from collections.abc import Iterator
from pathlib import Path

from vault import Place

TABLES = ("zone1970.tab", "zone.tab")
FOLDERS = ("/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo", "/etc/zoneinfo")

_POSITION = re.compile(r"([+-])(\d\d)(\d\d)(\d\d)?([+-])(\d\d\d)(\d\d)(\d\d)?", re.ASCII)


def find_table() -> Path:
    """The table of places: the machine's, else that of the package tzdata, else the copy beside this file."""
    for folder in folders():
        for name in TABLES:
            if (folder / name).is_file():
                return folder / name
    return Path(__file__).with_name("zone1970.tab")


def folders() -> Iterator[Path]:
    """Where a time-zone database may be."""
    yield from map(Path, dict.fromkeys((*zoneinfo.TZPATH, *FOLDERS)))
    package = importlib.util.find_spec("tzdata")
    for folder in (package.submodule_search_locations or ()) if package else ():
        yield Path(folder, "zoneinfo")


def read_table(path: Path) -> list[Place]:
    """The places of a table. Raises ValueError, with file and line, when it is not one."""
    places = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        columns = line.split("\t")
        if len(columns) not in (3, 4):
            raise ValueError(f"{path}:{number}: expected 3 or 4 columns, got {len(columns)}")
        try:
            latitude, longitude = parse_position(columns[1])
        except ValueError as error:
            raise ValueError(f"{path}:{number}: {error}") from None
        comment = columns[3] if len(columns) == 4 else None
        places.append(Place(columns[2], columns[0].split(","), latitude, longitude, comment))
    return places


def parse_position(text: str) -> tuple[float, float]:
    """Latitude and longitude of a position in ISO 6709: ±DDMM±DDDMM or ±DDMMSS±DDDMMSS.

    >>> parse_position("-3436-05827")
    (-34.6, -58.45)
    """
    match = _POSITION.fullmatch(text)
    if match is None or (match[4] is None) != (match[8] is None):
        raise ValueError(f"expected a position like +5230+01322 or +404251-0740023, got {text!r}")
    latitude, longitude = degrees(*match.group(1, 2, 3, 4)), degrees(*match.group(5, 6, 7, 8))
    if abs(latitude) > 90 or abs(longitude) > 180:
        raise ValueError(f"there is no position {text}")
    return latitude, longitude


def degrees(sign: str, whole: str, minutes: str, seconds: str | None) -> float:
    """An angle from its digits, computed in whole seconds so that it is rounded once."""
    if int(minutes) > 59 or int(seconds or 0) > 59:
        raise ValueError(f"minutes and seconds go to 59, got {minutes} and {seconds or '00'}")
    total = int(whole) * 3600 + int(minutes) * 60 + int(seconds or 0)
    return (-total if sign == "-" else total) / 3600
