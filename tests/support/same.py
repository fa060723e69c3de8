"""Equality that sees what ``==`` does not: types, the sign of zero, NaN, the offset of a time,
the zeros at the end of a Decimal."""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any


class Replay:
    """What a stream is made from, and is compared with."""

    def __init__(self, items: list[Any]) -> None:
        self.items = items

    def __iter__(self) -> Iterator[Any]:
        return iter(self.items)


def same(one: Any, other: Any) -> bool:
    """True if two values are alike in every part. Walks without recursion: values may be deep."""
    todo = [(one, other)]
    while todo:
        a, b = todo.pop()
        if isinstance(b, Replay) and isinstance(a, Iterator):
            a, b = [*a], b.items
        if type(a) is not type(b):
            return False
        if isinstance(a, float):
            if struct.pack("<d", a) != struct.pack("<d", b) and not (a != a and b != b):
                return False
        elif isinstance(a, complex):
            todo += [(a.real, b.real), (a.imag, b.imag)]
        elif isinstance(a, (list, tuple)):
            if len(a) != len(b):
                return False
            todo.extend(zip(a, b))
        elif isinstance(a, dict):
            if a.keys() != b.keys():
                return False
            todo.extend((value, b[key]) for key, value in a.items())
        elif dataclasses.is_dataclass(a):
            todo.extend((getattr(a, f.name), getattr(b, f.name)) for f in dataclasses.fields(a))
        elif isinstance(a, datetime):
            if a != b or a.utcoffset() != b.utcoffset() or a.replace(tzinfo=None) != b.replace(tzinfo=None):
                return False
        elif isinstance(a, Decimal):
            if a.as_tuple() != b.as_tuple():
                return False
        elif a != b:
            return False
    return True
