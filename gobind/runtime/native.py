"""The functions that a library with gobind's glue exports, as ctypes sees them.

Imports `gobind.errors`.
"""

from __future__ import annotations

import ctypes
import platform
from typing import Any

from gobind.errors import LoadError


class Native:
    """One opened shared library. It stays open: a Go runtime cannot be unloaded.

    Attributes:
        path: of the file.
        has_glue: False for a library that gobind did not generate the glue of.
        call, call_keeping_gil: ``gobind_call``, without and with the GIL held.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            self.dll = ctypes.CDLL(path)
            self._keeping_gil = ctypes.PyDLL(path)
        except OSError as error:
            raise LoadError(f"cannot open {path}: {error}") from None
        self.has_glue = hasattr(self.dll, "gobind_describe")
        if self.has_glue:
            self.call = _function(self.dll, "gobind_call", ctypes.c_int64)
            self.call_keeping_gil = _function(self._keeping_gil, "gobind_call", ctypes.c_int64)
            self.status = _function(self.dll, "gobind_status", ctypes.c_void_p)
            self.release = _function(self._keeping_gil, "gobind_release", None, ctypes.c_uint64)
            self.live = _function(self._keeping_gil, "gobind_live", ctypes.c_int64)
            self._describe = _function(self.dll, "gobind_describe", ctypes.c_char_p)

    def describe(self) -> bytes:
        """The JSON text in which the library tells what it holds."""
        return self._describe() or b"{}"


def _function(dll: Any, name: str, restype: Any, *argtypes: Any) -> Any:
    """A function of the library; without argtypes it takes a frame.

    ctypes hands over the address of a bytes object without being told its type, and at a third of the
    cost; on PyPy it is the other way round.
    """
    function = getattr(dll, name)
    function.restype = restype
    if argtypes:
        function.argtypes = argtypes
    elif name in ("gobind_call", "gobind_status") and platform.python_implementation() != "CPython":
        function.argtypes = [ctypes.c_char_p]
    return function
