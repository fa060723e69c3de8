"""Columns of times, apart from the others: `datetime` takes longer to import than most of gobind.

Imports `gobind.codec.columns`, `gobind.nodes` and `gobind.times`.
"""

from __future__ import annotations

import struct
from datetime import datetime, timedelta

from gobind.codec.columns import get_i32, get_i64
from gobind.codec.frames import Get, Input, Output, Put
from gobind.nodes import DATETIME, TIMEDELTA, Leaf
from gobind.times import join_datetime, join_timedelta, nanoseconds, split_datetime


def put_datetime(out: Output, values: list[datetime]) -> None:
    """A column of microseconds, a column of offsets."""
    n = len(values)
    pairs = [*map(split_datetime, values)]
    out.append(struct.pack(f"{n}q", *[micros for micros, _ in pairs]))
    out.append(struct.pack(f"{n}i", *[offset for _, offset in pairs]))


def get_datetime(source: Input, n: int) -> list[datetime]:
    """The inverse of `put_datetime`."""
    micros, offsets = get_i64(source, n), get_i32(source, n)
    return [*map(join_datetime, micros, offsets)]


def put_timedelta(out: Output, values: list[timedelta]) -> None:
    """A column of nanoseconds."""
    out.append(struct.pack(f"{len(values)}q", *map(nanoseconds, values)))


def get_timedelta(source: Input, n: int) -> list[timedelta]:
    """The inverse of `put_timedelta`."""
    return [*map(join_timedelta, get_i64(source, n))]


LEAVES: dict[Leaf, tuple[Put, Get]] = {
    DATETIME: (put_datetime, get_datetime),
    TIMEDELTA: (put_timedelta, get_timedelta),
}
