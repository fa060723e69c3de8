"""Memory by reference: the address of a Python buffer, a view over Go's memory.

The only module that gets addresses from CPython's C API (`PyObject_GetBuffer`, through ctypes); other
implementations use `ctypes` alone, which copies read-only memory.
"""

from __future__ import annotations

import ctypes
import re
import struct
import sys
from typing import Any, NamedTuple

from gobind.codec.layout import layout_of
from gobind.codec.memory import Memory, bytes_at
from gobind.codec.mirrors import mirror_of
from gobind.contract.scalars import Scalar
from gobind.contract.types import BufferType, StructType

_IS_CPYTHON = sys.implementation.name == "cpython"


class BufferFormat(NamedTuple):
    """The format of a `Buffer`'s items: ``text`` for messages, ``fields`` as (offset, kind, size).

    ``known`` has the formats, with the sizes of items, that were seen to fit. ``items`` is a ctypes array
    type over as many items as there can ever be. ``flags`` is what is asked of the object.
    """

    text: str
    size: int
    fields: tuple[tuple[int, str, int], ...]
    code: str
    mirror: Any
    known: set[tuple[Any, int]]
    items: Any
    flags: int

    @property
    def is_mutable(self) -> bool:
        """True if Go may write to it."""
        return bool(self.flags & _WRITABLE)


def format_of(node: BufferType) -> BufferFormat:
    """Returns the format that a buffer must have to be passed as `node`."""
    item, flags = node.item, _FORMAT_AND_C_CONTIGUOUS | (_WRITABLE if node.is_mutable else 0)
    if isinstance(item, Scalar):
        fields: Any = ((0, _kind(item.code), item.size),)
        return BufferFormat(node.text, item.size, fields, item.code, None, set(), Memory, flags)
    mirror, size = mirror_of(item), layout_of(item).size
    items = mirror * (sys.maxsize // size)
    return BufferFormat(node.text, size, tuple(_fields(item, 0)), "", mirror, set(), items, flags)


def _fields(node: StructType, start: int) -> Any:
    for field, offset in zip(node.fields, layout_of(node).offsets):
        if isinstance(field.type, StructType):
            yield from _fields(field.type, start + offset)
        else:
            assert isinstance(field.type, Scalar)  # the struct is flat
            yield start + offset, _kind(field.type.code), field.type.size


def _kind(code: str) -> str:
    """Returns the kind of a format character, without its size."""
    if code in "bhilqn":
        return "int"
    if code in "BHILQNc":
        return "uint"
    return {"f": "float", "d": "float", "?": "bool"}.get(code, code)


_ITEM = r"([<>=@!^]?)(\d*)([a-zA-Z?])"  # compiled for the first buffer: not all programs pass one


def _parse(text: str, itemsize: int) -> tuple[bool, list[tuple[int, str, int]]]:
    """Says whether the format of a buffer has explicit gaps, and its fields; what is no number is of no kind.

    Big-endian numbers are none, nor is what has marks of other things: ``&d`` is a pointer, ``(2)d`` an array.
    """
    stripped = re.sub(r":[^:]*:", "", text.replace("T{", "").replace("}", ""))
    fields: list[tuple[int, str, int]] = []
    offset, gaps, order = 0, False, "@"
    if not re.fullmatch(f"(?:{_ITEM}|\\s)*", stripped):
        return gaps, [(0, text, 0)]
    for mark, count, code in re.findall(_ITEM, stripped):
        order = mark or order
        if len(count) > 18 or int(count or 1) > itemsize:  # before any list of so many is made
            return gaps, [(0, text, 0)]
        if code == "x":
            gaps, offset = True, offset + int(count or 1)
            continue
        try:
            size = struct.calcsize(("@" if order in "@^" else "=") + code)
        except struct.error:
            return gaps, [(0, text, 0)]
        kind = _kind(code) if order not in ">!" or size == 1 else "big-endian"
        for _ in range(int(count or 1)):
            fields.append((offset, kind, size))
            offset += size
    return gaps, fields


def _fits(found: str, itemsize: int, wanted: BufferFormat) -> bool:
    if itemsize != wanted.size:
        return False
    gaps, fields = _parse(found, itemsize)
    if gaps or len(fields) == 1:
        return tuple(fields) == wanted.fields
    return [field[1:] for field in fields] == [field[1:] for field in wanted.fields]


def _refuse(value: Any, wanted: BufferFormat, found: str) -> TypeError:
    return TypeError(f"expected {wanted.text}, got {type(value).__name__} {found}".rstrip())


class _PyBuffer(ctypes.Structure):
    """``Py_buffer`` of CPython's Include/cpython/pybuffer.h."""

    _fields_ = [
        ("buf", ctypes.c_void_p),
        ("obj", ctypes.c_void_p),
        ("len", ctypes.c_ssize_t),
        ("itemsize", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int),
        ("ndim", ctypes.c_int),
        ("format", ctypes.c_char_p),
        ("shape", ctypes.c_void_p),
        ("strides", ctypes.c_void_p),
        ("suboffsets", ctypes.c_void_p),
        ("internal", ctypes.c_void_p),
    ]


# PyBUF_WRITABLE; PyBUF_FORMAT | PyBUF_C_CONTIGUOUS; PyBUF_FULL_RO, which refuses no memory there is.
_WRITABLE, _FORMAT_AND_C_CONTIGUOUS, _ANY = 0x1, 0x4 | 0x38, 0x100 | 0x18 | 0x4

if _IS_CPYTHON:
    _get_buffer = ctypes.pythonapi.PyObject_GetBuffer
    _get_buffer.argtypes = [ctypes.py_object, ctypes.POINTER(_PyBuffer), ctypes.c_int]
    _release_buffer = ctypes.pythonapi.PyBuffer_Release
    _release_buffer.argtypes = [ctypes.POINTER(_PyBuffer)]
    _release_buffer.restype = None
    # A method in C, which no signal handler's exception can interrupt: it releases once, whoever calls it first.
    _method = ctypes.pythonapi.PyInstanceMethod_New
    _method.argtypes, _method.restype = [ctypes.py_object], ctypes.py_object
    _PyBuffer.__del__ = _PyBuffer.release = _method(_release_buffer)  # type: ignore[attr-defined]


def _why_refused(value: Any, wanted: BufferFormat) -> str:
    """Says what is wrong with an object that has buffers, but none that fits."""
    view = _PyBuffer()
    try:
        _get_buffer(value, view, _ANY)
    except (BufferError, ValueError) as error:
        is_released = isinstance(value, memoryview) and "released" in str(error)
        return "that is released" if is_released else f"without memory: {error}"
    is_read_only = view.readonly and wanted.is_mutable
    _release_buffer(view)
    return "that is read-only" if is_read_only else "that is not C-contiguous"


class Borrowed:
    """A buffer of Python that Go may use until `release`: ``address`` and ``count`` of items.

    Its view owns the export of the buffer, which keeps the memory where it is.
    """

    __slots__ = ("_view", "address", "count", "release")

    def __init__(self, value: Any, wanted: BufferFormat) -> None:
        # Owned before it is taken. Releasing is a no-op if it was not taken, or is released already.
        self._view = view = _PyBuffer()
        self.release = view.release
        try:
            _get_buffer(value, view, wanted.flags)
        except (BufferError, ValueError):
            raise _refuse(value, wanted, _why_refused(value, wanted)) from None
        except TypeError:
            raise _refuse(value, wanted, "") from None
        found, size = view.format, view.itemsize
        if (found, size) not in wanted.known:
            text = (found or b"B").decode(errors="backslashreplace")
            if not _fits(text, size, wanted):
                self.release()
                raise _refuse(value, wanted, f"of format {text!r}")
            wanted.known.add((found, size))
        self.count = count = view.len // size
        self.address = view.buf if count else 0


class _Copied:
    """`Borrowed` where ctypes cannot get the address of read-only buffers: writable ones are borrowed, others
    copied."""

    __slots__ = ("_memory", "address", "count")

    def __init__(self, value: Any, wanted: BufferFormat) -> None:
        try:
            view = memoryview(value)
        except (TypeError, ValueError) as error:
            raise _refuse(value, wanted, f"without memory: {error}" * isinstance(error, ValueError)) from None
        if view.readonly and wanted.is_mutable:
            raise _refuse(value, wanted, "that is read-only")
        if not view.c_contiguous:
            raise _refuse(value, wanted, "that is not C-contiguous")
        if not _fits(view.format, view.itemsize, wanted):
            raise _refuse(value, wanted, f"of format {view.format!r}")
        memory = ctypes.c_char * view.nbytes
        self._memory: Any = memory.from_buffer_copy(view) if view.readonly else memory.from_buffer(view)
        self.count = view.nbytes // view.itemsize
        self.address = ctypes.addressof(self._memory) if self.count else 0

    def release(self) -> None:
        """Releases the memory."""
        self._memory = None


borrow = Borrowed if _IS_CPYTHON else _Copied


def _address_of(piece: bytes) -> int:
    return ctypes.cast(ctypes.c_char_p(piece), ctypes.c_void_p).value or 0


_PROBE = b"gobind"
# Of the data in a bytes object: behind its header, which counts the closing NUL.
_BYTES_OFFSET = bytes.__basicsize__ - 1 if _IS_CPYTHON else 0
_OFFSET_HOLDS = _IS_CPYTHON and id(_PROBE) + _BYTES_OFFSET == _address_of(_PROBE)


def pin(piece: bytes) -> tuple[int, Any]:
    """Returns the address of a bytes object's data, and what has to live as long as it is used.

    The address is computed where the layout of bytes objects was verified; where ctypes makes copies, it is that of a
    copy.
    """
    if _OFFSET_HOLDS:
        return id(piece) + _BYTES_OFFSET, piece
    if _IS_CPYTHON:
        return _address_of(piece), piece
    memory = ctypes.create_string_buffer(piece, len(piece) or 1)
    return ctypes.addressof(memory), memory


def view(owner: Any, address: int, count: int, wanted: BufferFormat) -> Any:
    """Returns a memoryview over `count` items at `address`; `owner` lives as long as any view of it.

    If the owner is memory that owns nothing, the view is over a copy: a Python method that Go calls may keep its
    view, and Go's memory does not outlive that call.
    """
    if not count:
        empty: Any = memoryview(bytearray())
        return empty.cast(wanted.code or "B")
    if isinstance(owner, Memory):
        copy = ctypes.create_string_buffer(bytes_at(address, count * wanted.size), count * wanted.size)
        owner, address = copy, ctypes.addressof(copy)
    items = wanted.items
    if not _IS_CPYTHON:  # there a part of a view does not keep the owner, so this has to be all of it
        items = wanted.mirror * count if wanted.mirror else ctypes.c_char * (count * wanted.size)
    memory: Any = items.from_address(address)
    memory._gobind_owner = owner
    shown: Any = memoryview(memory)
    if _IS_CPYTHON:
        shown = shown[: count if wanted.mirror else count * wanted.size]
    if wanted.mirror:
        return shown
    raw = shown.cast("B")
    return raw if wanted.code == "B" else raw.cast(wanted.code)
