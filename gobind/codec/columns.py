"""Columns: n values of one type are written or read at once, by functions that run in C.

``put_*(out, values)`` appends a block, ``get_*(source, n)`` takes one; `gobind.protocol` has the
format. Functions for containers are made from the functions of their items. Values are checked only where that costs
nothing: `gobind.contract.validate` explains what these functions refuse, `gobind.codec.diagnose` what is wrong in a
frame.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from functools import partial
from itertools import accumulate, chain, islice, repeat, starmap
from operator import countOf, getitem
from typing import Any

from gobind.codec import collector
from gobind.codec.frames import CorruptFrame, Get, Handles, Input, Output, Put, pack_u64
from gobind.contract.classes import ABSENT

_HAS_GIL = getattr(sys, "_is_gil_enabled", lambda: True)()

# Conversions of one value, before it is written


def as_list(value: Any) -> list[Any]:
    """Returns the items of a sequence as a list; refuses str, which is no list of characters here."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return list(value)
    raise TypeError(f"expected a list, got {type(value).__name__}")


def as_dict(value: Any) -> dict[Any, Any]:
    """Returns a mapping as a dict."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"expected a dict, got {type(value).__name__}")


def as_set(value: Any) -> list[Any]:
    """Returns the items of a set as a list."""
    if isinstance(value, Set):
        return list(value)
    raise TypeError(f"expected a set, got {type(value).__name__}")


def as_bytes(value: Any) -> bytes:
    """Returns any bytes-like object as bytes."""
    return value if type(value) is bytes else memoryview(value).tobytes()


def as_tuple(value: Any, size: int) -> tuple[Any, ...]:
    """Returns `value`; refuses what is not a tuple of `size` items."""
    if isinstance(value, tuple) and len(value) == size:
        return value
    raise TypeError(f"expected a tuple of {size}, got {type(value).__name__}")


def dict_reader(required: Iterable[str], not_required: Iterable[str]) -> Callable[[Any], dict[str, Any]]:
    """Returns the function that makes a dict of all keys out of a value of a TypedDict, ABSENT for missing ones.

    The function refuses what is no mapping, or has other keys.
    """
    missing = dict.fromkeys(not_required, ABSENT)
    keys = {*required, *missing}

    def as_fields(value: Any) -> dict[str, Any]:
        if type(value) is dict or isinstance(value, Mapping):
            fields = {**missing, **value}
            if fields.keys() == keys:
                return fields
        raise TypeError

    return as_fields


def without_absent(fields: dict[str, Any]) -> dict[str, Any]:
    """Returns a value of a TypedDict without the keys that it does not have."""
    return {name: value for name, value in fields.items() if value is not ABSENT}


def require(values: Iterable[Any], cls: type) -> None:
    """Refuses what is not an instance of `cls` or a subclass, one value at a time."""
    for value in values:
        if not isinstance(value, cls):
            raise TypeError(f"expected {cls.__name__}, got {type(value).__name__}")


def require_all(values: list[Any], cls: type) -> None:
    """Refuses a list with anything but instances of `cls`."""
    if countOf(map(type, values), cls) != len(values):
        require(values, cls)


# Leaves


CHUNK = 8192
"""How many numbers are packed at once: so many arguments of a call stay in the CPU's cache."""


def put_numbers(code: str) -> Put:
    """Returns the put of numbers with the format character `code`."""
    mark = "<" if code == "f" else ""  # native packing is the fastest, but turns 1e39 into infinity

    def put(out: Output, values: list[Any]) -> None:
        n = len(values)
        if n <= CHUNK or not _HAS_GIL:
            out.append(struct.pack(f"{mark}{n}{code}", *values))
            return
        starts = range(0, n, CHUNK)
        packs = [partial(struct.pack, f"{mark}{min(CHUNK, n - start)}{code}") for start in starts]
        slices = [slice(start, start + CHUNK) for start in starts]
        # ``pack(*values[part])`` for each part, in one expression that runs no Python code in between: another thread
        # may change the list, and a copy of all of it would take a third of the time.
        pieces = b"".join(chain.from_iterable(map(starmap, packs, zip(map(getitem, repeat(values), slices)))))
        out.append(pieces)

    return put


def get_numbers(code: str) -> Get:
    """Returns the get of numbers with the format character `code`."""
    size = struct.calcsize(code)

    def get(source: Input, n: int) -> list[Any]:
        return memoryview(source.view(n * size)).cast(code).tolist() if n else []  # type: ignore[call-overload]

    return get


def get_u8(source: Input, n: int) -> list[int]:
    """Reads a block of ``u8``: the items of bytes are numbers already."""
    return list(source.view(n))


def put_bool(out: Output, values: list[Any]) -> None:
    """Writes a block of ``bool``; refuses other values, even if they have a truth value."""
    if countOf(map(type, values), bool) != len(values):
        raise TypeError("expected bool")
    out.append(bytes(values))


def put_str(out: Output, values: list[str]) -> None:
    """Writes a block of ``str`` by one join and one encode; with lengths if a string has the separator in it."""
    if not values:
        return
    text = "\0".join(values)
    if text.count("\0") == len(values) - 1:
        data = text.encode()
        out.append(pack_u64(len(data) << 1))
        out.append(data)
    else:
        pieces = [*map(str.encode, values)]
        data = b"".join(pieces)
        out.append(pack_u64(len(data) << 1 | 1))
        _put_lengths(out, pieces)
        out.append(data)


def get_str(source: Input, n: int) -> list[str]:
    """Reads a block of ``str`` by one decode and one split."""
    if not n:
        return []
    head = source.u64()
    if head & 1:
        lengths = source.lengths(n)
        return [piece.decode() for piece in _split(source.take(head >> 1), lengths)]
    joined = source.view(head >> 1)
    values = (joined.decode() if type(joined) is bytes else str(joined, "utf-8")).split("\0")
    if len(values) != n:
        raise CorruptFrame(f"corrupted frame: {n} strings expected, got {len(values)}")
    return values


def put_bytes(out: Output, values: list[Any]) -> None:
    """Writes a block of ``bytes``: lengths, then all bytes."""
    if countOf(map(type, values), bytes) != len(values):
        values = [*map(as_bytes, values)]
    _put_lengths(out, values)
    out.append(b"".join(values))


def get_bytes(source: Input, n: int) -> list[bytes]:
    """Reads a block of ``bytes``."""
    lengths = source.lengths(n)
    return _split(source.take(sum(lengths)), lengths)


def _put_lengths(out: Output, values: Sequence[Any]) -> list[int]:
    lengths = [*map(len, values)]
    out.append(struct.pack(f"{len(lengths)}Q", *lengths))
    return lengths


def _split(items: Any, lengths: Sequence[int]) -> list[Any]:
    ends = [*accumulate(lengths)]
    if ends and ends[-1] != len(items):
        raise CorruptFrame(f"corrupted frame: {ends[-1]} items expected, got {len(items)}")
    if sys.version_info >= (3, 13):  # its collector runs less often, and its slices need no object
        return [items[start:end] for start, end in zip([0, *ends], ends)]
    pieces: list[Any] = []
    collector.extend(pieces, map(getitem, repeat(items), map(slice, [0, *ends], ends)), len(ends))
    return pieces


get_i32, get_i64, get_u64 = get_numbers("i"), get_numbers("q"), get_numbers("Q")


# Containers, made from the functions of their items


def put_enums(cls: type, put_base: Put) -> Put:
    """Returns the put of enum members, by their values."""

    def put(out: Output, values: list[Any]) -> None:
        require_all(values, cls)
        put_base(out, [value._value_ for value in values])

    return put


def get_enums(member: Callable[[Any], Any], get_base: Get) -> Get:
    """Returns the inverse of `put_enums`; ``member(value)`` returns the member of a value, or raises."""

    def get(source: Input, n: int) -> list[Any]:
        return [*map(member, get_base(source, n))]

    return get


def put_literals(known: frozenset[Any], cls: type, put_base: Put) -> Put:
    """Returns the put of the values of a ``Literal``, all of the class `cls`."""

    def put(out: Output, values: list[Any]) -> None:
        if countOf(map(type, values), cls) != len(values) or not known.issuperset(values):
            raise TypeError("expected a value of the Literal")
        put_base(out, values)

    return put


def put_handles(node: Any, handles: Handles) -> Put:
    """Returns the put of objects, by their handles."""

    def put(out: Output, values: list[Any]) -> None:
        unsent = out.unsent
        out.append(struct.pack(f"{len(values)}Q", *[handles.lower(node, value, unsent) for value in values]))

    return put


def get_handles(node: Any, handles: Handles) -> Get:
    """Returns the inverse of `put_handles`."""

    def get(source: Input, n: int) -> list[Any]:
        return [handles.lift(node, handle) for handle in get_u64(source, n)]

    return get


def _need_unchanged(values: list[Any], lengths: list[int]) -> None:
    """Refuses containers that another thread has changed meanwhile, as far as their lengths show it."""
    if [*map(len, values)] != lengths:
        raise RuntimeError(f"a {type(values[0]).__name__} changed while it was read")


def put_lists(put_item: Put, usual: type = list, rows_of: Callable[[Any], list[Any]] = as_list) -> Put:
    """Returns the put of lists, or of sets if `usual` is ``set``: lengths, then all items.

    Another thread may change the lists, and an item that it moves from one to another must arrive once: so lengths
    and items are read by one expression that runs no Python code in between. If something comes between nevertheless
    (a collection, before Python 3.12), the lengths show it. Without a GIL the lists are copied first.

    Args:
        put_item: writes the items.
        usual: the class for which the values need no conversion.
        rows_of: converts a value of another class to a list of its items.
    """

    def put(out: Output, values: list[Any]) -> None:
        is_usual = _HAS_GIL and countOf(map(type, values), usual) == len(values)
        rows = values if is_usual else [*map(rows_of, values)]
        lengths, items = map(list, (map(len, rows), chain.from_iterable(rows)))
        _need_unchanged(values, lengths)
        if len(items) != sum(lengths):
            raise RuntimeError(f"a {usual.__name__} changed while it was read")
        out.append(struct.pack(f"{len(lengths)}Q", *lengths))
        put_item(out, items)

    return put


def get_lists(get_item: Get, container: type) -> Get:
    """Returns the get of lists, tuples, sets or frozensets: of instances of `container`."""

    def get(source: Input, n: int) -> list[Any]:
        values: list[Any] = []
        lengths = source.lengths(n)

        def build() -> None:
            rows = _split(items, lengths)
            values.extend(rows if container is list else map(container, rows))

        source.steps.append(build)
        items = get_item(source, sum(lengths))
        return values

    return get


def put_dicts(put_key: Put, put_value: Put) -> Put:
    """Returns the put of dicts: lengths, then all keys, then all values."""

    def put(out: Output, values: list[Any]) -> None:
        is_usual = countOf(map(type, values), dict) == len(values)
        rows = [*map(dict if is_usual else as_dict, values)]  # copies, as other threads may change them
        _need_unchanged(values, _put_lengths(out, rows))
        put_key(out, [*chain.from_iterable(rows)])
        put_value(out, [*chain.from_iterable(map(dict.values, rows))])

    return put


def get_dicts(get_key: Get, get_value: Get) -> Get:
    """Returns the inverse of `put_dicts`."""

    def get(source: Input, n: int) -> list[Any]:
        values: list[Any] = []
        lengths = source.lengths(n)

        def build() -> None:
            pairs = zip(keys, items)  # consumed one by one: zip reuses its tuple
            values.extend(map(dict, map(islice, repeat(pairs), lengths)))

        source.steps.append(build)
        keys = get_key(source, sum(lengths))
        items = get_value(source, sum(lengths))
        return values

    return get


def put_optionals(put_item: Put) -> Put:
    """Returns the put of optional values: a byte for each, then the values that are not None."""

    def put(out: Output, values: list[Any]) -> None:
        out.append(bytes([value is not None for value in values]))
        put_item(out, [value for value in values if value is not None])

    return put


def put_keys(put_item: Put) -> Put:
    """Returns the put of values of a key that dicts may lack: what `put_optionals` does, but for ABSENT.

    None is a value like others; that `put_optionals` compares with a constant makes it a tenth faster.
    """

    def put(out: Output, values: list[Any]) -> None:
        out.append(bytes([value is not ABSENT for value in values]))
        put_item(out, [value for value in values if value is not ABSENT])

    return put


def get_optionals(get_item: Get, absent: Any = None) -> Get:
    """Returns the inverse of `put_optionals`, or of `put_keys`; `absent` stands for no value."""

    def get(source: Input, n: int) -> list[Any]:
        values: list[Any] = []
        flags = source.take(n)

        def build() -> None:
            take = iter(items).__next__
            values.extend([take() if flag else absent for flag in flags])

        source.steps.append(build)
        items = get_item(source, n - flags.count(0))
        return values

    return get


def put_tuples(put_items: Sequence[Put]) -> Put:
    """Returns the put of tuples: a block for each position."""
    size = len(put_items)

    def put(out: Output, values: list[Any]) -> None:
        values = [as_tuple(value, size) for value in values]
        for position, put_item in enumerate(put_items):
            put_item(out, [value[position] for value in values])
        if not size:
            out.append(bytes(len(values)))

    return put


def get_tuples(get_items: Sequence[Get]) -> Get:
    """Returns the inverse of `put_tuples`."""

    def get(source: Input, n: int) -> list[Any]:
        values: list[Any] = []

        def build() -> None:
            values.extend(zip(*columns))

        if not get_items:
            return [()] * len(source.take(n))
        source.steps.append(build)
        columns = [get_item(source, n) for get_item in get_items]
        return values

    return get


def put_unions(tag_of: Callable[[Any], int], put_items: Sequence[Put]) -> Put:
    """Returns the put of unions: a byte for each value, its tag, then a block for each option."""

    def put(out: Output, values: list[Any]) -> None:
        tags = bytes([*map(tag_of, values)])
        out.append(tags)
        for option, put_item in enumerate(put_items):
            put_item(out, [value for value, tag in zip(values, tags) if tag == option])

    return put


def get_unions(get_items: Sequence[Get]) -> Get:
    """Returns the inverse of `put_unions`."""
    """The inverse of `put_unions`."""

    def get(source: Input, n: int) -> list[Any]:
        values: list[Any] = []
        tags = source.take(n)
        if tags and max(tags) >= len(get_items):
            raise CorruptFrame(f"corrupted frame: tag {max(tags)} of {len(get_items)}")

        def build() -> None:
            takes = [iter(items).__next__ for items in columns]
            values.extend([takes[tag]() for tag in tags])

        source.steps.append(build)
        columns = [get_item(source, tags.count(tag)) for tag, get_item in enumerate(get_items)]
        return values

    return get
