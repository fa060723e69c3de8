"""Times: what `datetime` has, in frames, and its columns.

A module of its own, as `datetime` takes longer to import than most of gobind.
"""

from __future__ import annotations

import struct
from datetime import date, datetime, time, timedelta, timezone

from gobind.codec.columns import get_i32, get_i64
from gobind.codec.frames import Input, Output

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_NAIVE_EPOCH = datetime(1970, 1, 1)
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_MICROSECOND = timedelta(microseconds=1)


def split_datetime(value: datetime) -> tuple[int, int]:
    """Returns the microseconds since 1970 UTC and the UTC offset in seconds.

    Raises:
        TypeError: the value is no datetime, or a naive one.
        ValueError: the offset has a fraction of a second, which Go's time zones do not support.
    """
    offset = datetime.utcoffset(value)
    if offset is None:
        raise TypeError("expected an aware datetime, got a naive one")
    if offset.microseconds:
        raise ValueError("the UTC offset has a fraction of a second")
    return (value - _EPOCH) // _MICROSECOND, offset.days * 86400 + offset.seconds


def join_datetime(micros: int, offset: int) -> datetime:
    """Returns the inverse of `split_datetime`; with offset 0 the zone is `datetime.timezone.utc`."""
    if not offset:
        return _EPOCH + timedelta(microseconds=micros)
    # Local time from the start: in UTC the value may lie in the year 0 or 10000.
    zone = timezone(timedelta(seconds=offset))
    return datetime(1970, 1, 1, tzinfo=zone) + timedelta(microseconds=micros, seconds=offset)


def nanoseconds(value: timedelta) -> int:
    """Returns a timedelta as Go's time.Duration, which counts nanoseconds."""
    return timedelta.__floordiv__(value, _MICROSECOND) * 1000


def join_timedelta(nanos: int) -> timedelta:
    """Returns the inverse of `nanoseconds`; what is below a microsecond is cut off."""
    return timedelta(microseconds=nanos // 1000)


def days(value: date) -> int:
    """Returns the days since 1970.

    Raises:
        TypeError: the value is no date, or a datetime, whose clock would be lost.
    """
    if isinstance(value, datetime):
        raise TypeError("expected a date, got a datetime")
    return date.toordinal(value) - _EPOCH_DAY


def join_date(number: int) -> date:
    """Returns the inverse of `days`."""
    return date.fromordinal(number + _EPOCH_DAY)


def split_time(value: time) -> int:
    """Returns the microseconds since midnight.

    Raises:
        TypeError: the value is no time, an aware one, or the second of two that look alike.
    """
    if not isinstance(value, time) or value.tzinfo is not None or value.fold:
        raise TypeError("expected a naive time")
    return ((value.hour * 60 + value.minute) * 60 + value.second) * 1_000_000 + value.microsecond


def join_time(micros: int) -> time:
    """Returns the inverse of `split_time`."""
    seconds, micros = divmod(micros, 1_000_000)
    return time(seconds // 3600, seconds // 60 % 60, seconds % 60, micros)


def split_naive(value: datetime) -> int:
    """Returns the microseconds from 1970 to the time that a naive datetime's clock shows.

    Raises:
        TypeError: the value is no datetime, an aware one, or the second of two that look alike.
    """
    if not isinstance(value, datetime) or value.tzinfo is not None or value.fold:
        raise TypeError("expected a naive datetime")
    return (value - _NAIVE_EPOCH) // _MICROSECOND


def join_naive(micros: int) -> datetime:
    """Returns the inverse of `split_naive`."""
    return _NAIVE_EPOCH + timedelta(microseconds=micros)


def put_datetime(out: Output, values: list[datetime]) -> None:
    """Writes a column of microseconds, then a column of offsets."""
    n = len(values)
    pairs = [*map(split_datetime, values)]
    out.append(struct.pack(f"{n}q", *[micros for micros, _ in pairs]))
    out.append(struct.pack(f"{n}i", *[offset for _, offset in pairs]))


def get_datetime(source: Input, n: int) -> list[datetime]:
    """Returns the inverse of `put_datetime`."""
    micros, offsets = get_i64(source, n), get_i32(source, n)
    return [*map(join_datetime, micros, offsets)]
