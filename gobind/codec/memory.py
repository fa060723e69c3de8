"""Memory at an address, read in any size."""

from __future__ import annotations

import ctypes
import sys
from typing import Any

IS_CPYTHON = sys.implementation.name == "cpython"

Memory: Any = ctypes.c_char * sys.maxsize
"""An array type over memory of any size: making a type for each size would take longer than a call. The caller slices
it within the memory; the array itself reads nothing."""


def bytes_at(address: int, size: int) -> bytes:
    """Returns a copy of `size` bytes of memory.

    `ctypes.string_at` takes its size as a C int: of 4 GiB and 7 bytes it gives 7. A slice of an array has no
    such limit, and is no slower. On PyPy it is the other way round: sizes are not cut, slices made byte by byte.
    """
    if not IS_CPYTHON:
        return ctypes.string_at(address, size)
    piece: bytes = Memory.from_address(address)[:size]
    return piece


def readable(buffer: Any) -> Any:
    """Returns `buffer` as `struct.unpack_from` accepts it: PyPy's refuses ctypes arrays."""
    return buffer if IS_CPYTHON else memoryview(buffer)
