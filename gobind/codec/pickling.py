"""Streams of dynamic values, by `pickle`. Imported with the first dynamic value: `pickle` takes 2 ms."""

from __future__ import annotations

import io
import pickle
from itertools import chain
from typing import Any

from gobind.codec.dynamic import STREAM_PROTOCOL, NeedsAttached, plain_of
from gobind.codec.frames import CorruptFrame

EXACT_TYPES = frozenset({type(None), bool, int, float, str, bytes, list, tuple, dict})


def dump(values: list[Any], tags: Any) -> tuple[bytes, list[Any]]:
    """Returns the stream of values, which is one list in it, and the attached values.

    Args:
        tags: by class, the tag of values that are attached.

    Raises:
        TypeError, ValueError: a value has no opcodes, or contains itself.
    """
    try:
        return _dump(_Pickler, values, tags)
    except NeedsAttached:
        pass
    except RecursionError:
        return _deep(values, tags)
    try:  # again, asking for each object if it is one to be attached
        return _dump(_AttachingPickler, values, tags)
    except RecursionError:
        return _deep(values, tags)


def _dump(cls: type[_Pickler], values: list[Any], tags: Any) -> tuple[bytes, list[Any]]:
    file = io.BytesIO()
    pickler = cls(file, STREAM_PROTOCOL)  # and no other arguments: PyPy's `__new__` takes them
    pickler.fast = True  # without a memo: each value is written where it stands, and a cycle is refused
    pickler.tags, pickler.attached = tags, []
    pickler.dump(values)
    return file.getvalue(), pickler.attached


class _Pickler(pickle.Pickler):
    """Writes what has opcodes. Of all else it makes what has some, or gives up."""

    tags: Any
    attached: list[Any]
    _writes_list = False

    def reducer_override(self, value: Any) -> Any:
        """Is called for objects that are of no builtin type exactly; by PyPy for all."""
        if type(value) in EXACT_TYPES:
            return NotImplemented
        if value is list and self._writes_list:  # pickle writes what this function returned
            self._writes_list = False
            return NotImplemented
        if self.tags[type(value)] is not None:
            raise NeedsAttached
        made = plain_of(value)
        self._writes_list = True
        return list, (made,)  # of any type: to Go a call of a builtin type is what it is called with


class _AttachingPickler(_Pickler):
    def persistent_id(self, value: Any) -> int | None:
        """Is called for every object."""
        if self.tags[type(value)] is None:
            return None
        self.attached.append(value)
        return len(self.attached) - 1


class _Unpickler(pickle.Unpickler):
    """Makes values of builtin types, and takes the attached ones."""

    attached: list[Any]

    def persistent_load(self, index: Any) -> Any:
        return self.attached[index]

    def find_class(self, module: str, name: str) -> Any:
        raise CorruptFrame(f"corrupted frame: a stream of data names {module}.{name}")


# What `pickle` raises for what is no stream. Anything else comes from elsewhere: a signal's handler may raise any time.
_NO_STREAM = (
    pickle.UnpicklingError,
    EOFError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    OverflowError,
)


def load(stream: bytes, attached: list[Any]) -> Any:
    """Returns the value of a stream.

    Raises:
        CorruptFrame: it is no stream.
    """
    unpickler = _Unpickler(io.BytesIO(stream))
    unpickler.attached = attached
    try:
        return unpickler.load()
    except CorruptFrame:
        raise
    except _NO_STREAM as error:
        raise CorruptFrame(f"corrupted frame: not a stream of values: {error}") from None


# Values too deep for pickle, which recurses


class _Mark:
    """The end of a container that is being written."""

    def __init__(self, opcode: bytes, value: Any) -> None:
        self.opcode = opcode
        self.value = value


def _deep(values: list[Any], tags: Any) -> tuple[bytes, list[Any]]:
    """Does what `dump` does for values of any depth, one value at a time."""
    out: list[bytes] = [_PROTO]
    attached: list[Any] = []
    todo: list[Any] = [values]
    open_ids: set[int] = set()
    while todo:
        value: Any = todo.pop()
        if type(value) is _Mark:
            out.append(value.opcode)
            open_ids.discard(id(value.value))
            continue
        given = value
        while type(value) not in EXACT_TYPES and tags[type(value)] is None:
            value = plain_of(value)
        if type(value) not in EXACT_TYPES:
            out.append(_atom(len(attached)) + pickle.BINPERSID)
            attached.append(value)
            continue
        is_dict = type(value) is dict
        if not is_dict and type(value) not in (list, tuple):
            out.append(_atom(value))
            continue
        if id(given) in open_ids:  # not that of `value`, which may have been made just now
            raise ValueError("the value contains itself")
        open_ids.add(id(given))
        out.append((pickle.EMPTY_DICT if is_dict else pickle.EMPTY_LIST) + pickle.MARK)
        todo.append(_Mark(pickle.SETITEMS if is_dict else pickle.APPENDS, given))
        parts: list[Any] = [*chain.from_iterable(value.items())] if is_dict else [*value]
        todo.extend(reversed(parts))
    return b"".join(out) + pickle.STOP, attached


def _atom(value: Any) -> bytes:
    """Returns the opcodes of one value without parts."""
    file = io.BytesIO()
    pickler = pickle.Pickler(file, STREAM_PROTOCOL)
    pickler.fast = True
    pickler.dump(value)
    opcodes = file.getvalue()[len(_PROTO) : -len(pickle.STOP)]
    return opcodes[_FRAME_SIZE:] if opcodes[:1] == pickle.FRAME else opcodes


_PROTO = pickle.PROTO + bytes([STREAM_PROTOCOL])
_FRAME_SIZE = 9
