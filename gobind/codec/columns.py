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
from functools import lru_cache, partial
from itertools import accumulate, chain, islice, repeat, starmap
from math import prod
from operator import countOf, getitem
from typing import Any

from gobind.codec import collector
from gobind.codec.frames import CorruptFrame, Get, Handles, Input, Output, Put, pack_u64
from gobind.contract.classes import ABSENT
from gobind.contract.formats import is_packed
from gobind.contract.scalars import Scalar

_HAS_GIL = getattr(sys, "_is_gil_enabled", lambda: True)()

# Conversions of one value, before it is written


def as_list(value: Any) -> list[Any]:
    """Returns the items of a sequence as a list; refuses str, which is no list of characters here."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return list(value)
    raise TypeError(f"expected a list, got {type(value).__name__}")


class Packed:
    """A list of numbers, or of lists of such, as a frame holds the numbers: Python has no objects for them.

    Attributes:
        data: the bytes of all numbers.
        shape: the length of the list, of each list in it, and so on.
    """

    __slots__ = ("data", "shape")

    def __init__(self, data: bytes, shape: tuple[int, ...]) -> None:
        self.data = data
        self.shape = shape

    def __len__(self) -> int:
        return self.shape[0]

    def tolist(self, code: str) -> list[Any]:
        """Returns the lists, of numbers whose format character is `code`."""
        items: list[Any] = memoryview(self.data).cast(code).tolist()  # type: ignore[call-overload]
        for level in range(len(self.shape) - 1, 0, -1):
            size, count = self.shape[level], prod(self.shape[:level])
            items = [items[row * size : row * size + size] for row in range(count)]
        return items


_TRUTH = bytes([0] + 255 * [1])  # in memory each bool but 0 is true, in a frame it is 1


@lru_cache(maxsize=None)
def as_numbers(item: Scalar, depth: int) -> Callable[[Any], Any]:
    """Returns the conversion of a list of numbers, or of lists of lists of such: memory that fits becomes `Packed`.

    The memory is copied at once. Other values become lists, as `as_list` makes them.
    """

    def convert(value: Any) -> Any:
        if type(value) in (list, tuple):
            return list(value)
        if type(value) is Packed:
            return value
        try:
            view = memoryview(value)
        except (TypeError, ValueError, BufferError):
            return as_list(value)
        data = view.tobytes() if is_packed(view, item, depth) else None
        shape = view.shape or ()
        view.release()
        if data is None:
            return as_list(value)
        return Packed(data.translate(_TRUTH) if item.code == "?" else data, shape)

    return convert


def put_other(put: Put, put_number: Put, item: Scalar, depth: int) -> Callable[[Output, Any], Any]:
    """Returns a function that writes the block of what is in one such list that is no `list`; it returns its items.

    Args:
        put: the put of the items.
        put_number: the put of the numbers.
        item: the type of the numbers.
        depth: of the list.
    """
    convert = as_numbers(item, depth)

    def put_items(out: Output, value: Any) -> Any:
        rows = convert(value)
        if type(rows) is Packed:
            _put_runs(out, [rows], put_number, item, depth - 1)
        else:
            put(out, rows)
        return rows

    return put_items


def _put_runs(out: Output, runs: list[Any], put: Put, item: Scalar, depth: int) -> None:
    """Writes a block of lists of numbers of which some are memory, each column as one piece.

    Args:
        runs: the lists, each a list of some of them or a `Packed` that stands for as many as it is long.
        put: writes numbers.
        item: the type of the numbers.
        depth: of the lists in a run; with 0 they are numbers.
    """
    while depth:
        convert, lengths, inner = as_numbers(item, depth), [], []
        for run in runs:
            if type(run) is Packed:
                count, size, *sizes = run.shape
                lengths.append(pack_u64(size) * count)
                inner.append(Packed(run.data, (count * size, *sizes)))
            else:
                rows = [*map(convert, run)]
                lengths.append(struct.pack(f"{len(rows)}Q", *map(len, rows)))
                inner += rows
        out.append(b"".join(lengths))
        runs, depth = inner, depth - 1
    pieces: list[bytes] = []
    for run in runs:
        if type(run) is Packed:
            pieces.append(run.data)
        else:
            part = Output()
            put(part, run)
            pieces += part
    out.append(b"".join(pieces))


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


def dict_readers(
    required: Iterable[str], not_required: Iterable[str]
) -> tuple[Callable[[Any], dict[str, Any]], Callable[[list[Any]], list[Any]]]:
    """Returns the functions that make dicts of all keys out of a value, or a list of values, of a TypedDict.

    A key that is missing is ABSENT there. The functions refuse what is no mapping, or has other keys.
    """
    missing = dict.fromkeys(not_required, ABSENT)
    keys = {*required, *missing}

    def as_fields(value: Any) -> dict[str, Any]:
        if type(value) is dict or isinstance(value, Mapping):
            fields = {**missing, **value}
            if fields.keys() == keys:
                return fields
        raise TypeError

    def as_rows(values: list[Any]) -> list[Any]:
        if countOf(map(type, values), dict) == len(values):
            rows = [{**missing, **value} for value in values] if missing else values
            if countOf(map(dict.keys, rows), keys) == len(rows):
                return rows
        return [*map(as_fields, values)]

    return as_fields, as_rows


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


def put_lists(
    put_item: Put,
    usual: type = list,
    rows_of: Callable[[Any], Any] = as_list,
    numbers: tuple[Put, Scalar, int] | None = None,
) -> Put:
    """Returns the put of lists, or of sets if `usual` is ``set``: lengths, then all items.

    Another thread may change the lists, and an item that it moves from one to another must arrive once: so lengths
    and items are read by one expression that runs no Python code in between. If something comes between nevertheless
    (a collection, before Python 3.12), the lengths show it. Without a GIL the lists are copied first.

    Args:
        put_item: writes the items.
        usual: the class for which the values need no conversion.
        rows_of: converts a value of another class to a list of its items.
        numbers: for lists of numbers at any depth the put and type of the numbers and the depth.
    """

    def put(out: Output, values: list[Any]) -> None:
        is_usual = _HAS_GIL and countOf(map(type, values), usual) == len(values)
        rows = values if is_usual else [*map(rows_of, values)]
        if not is_usual:
            if numbers and Packed in map(type, rows):
                _put_runs(out, [rows], *numbers)
                return
            # Memory need not have a length.
            values = [value if hasattr(value, "__len__") else row for value, row in zip(values, rows)]
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
