"""The functions that a library with gobind's glue exports, as ctypes sees them."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Mapping
from typing import Any

from gobind.codec.memory import bytes_at
from gobind.errors import LoadError
from gobind.protocol import CHECK_STATUS, FEATURES, NONE, RESPONSE, VALUE
from gobind.runtime.interrupts.ownership import only_here
from gobind.runtime.process import advice
from gobind.runtime.process.head import read_head
from gobind.runtime.process.loader import File, has_go, open_copy, open_library


class Native:
    """One opened shared library. It stays open: a Go runtime cannot be unloaded.

    Attributes:
        path: of the file.
        file: the file, kept open; None if only the system loader knows it.
        environ: variables set with `GoRuntime.setenv`, in addition to the process's environment; None: unset.
        description: the frame that describes the library's contracts.
        abi, features: its frame format, and what it can do beyond that: `gobind.runtime.process.head.Head`.
        has_glue: False for a library that gobind did not generate the glue of.
        has_go: False for a library that was not built by Go.
        call, call_keeping_gil: ``gobind_call``, without and with the GIL held.
        releasing, closing_queue, closing_ring: for `gobind.runtime.interrupts.ownership.Owned`.
    """

    def __init__(self, path: str, file: File | None, dll: Any) -> None:
        self.path = path
        self.file = file
        self.environ: dict[str, str | None] = {}
        self.dll = dll
        kind = getattr(ctypes, "PyDLL", ctypes.CDLL)  # PyPy has one kind only
        self._keeping_gil = kind(path, handle=dll._handle)
        self.has_glue = hasattr(self.dll, "gobind_describe")
        self.has_go = self.has_glue or has_go(dll, file)
        if self.has_glue:
            address = _function(self.dll, "gobind_describe", ctypes.c_void_p)()
            text = ctypes.string_at(address)
            self.abi, self.features = read_head(path, text)
            try:
                self._read_functions()
            except AttributeError as error:
                raise LoadError(f"{path} is damaged: {error}; {advice.again(path)}") from None
            address += len(text) + 1
            size = int.from_bytes(bytes_at(address, 8), "little")
            self.description = bytes_at(address + 8, size)

    def _read_functions(self) -> None:
        self.call = _function(self.dll, "gobind_call", ctypes.c_int64)
        self.call_keeping_gil = _function(self._keeping_gil, "gobind_call", ctypes.c_int64)
        asking = (ctypes.c_char_p, ctypes.c_uint64)
        self.status = _function(self.dll, "gobind_status", ctypes.c_uint64, *asking)
        self.release_status = _function(self._keeping_gil, "gobind_release_status", None, ctypes.c_char_p)
        self.release = _function(self._keeping_gil, "gobind_release", None, ctypes.c_uint64)
        if sys.implementation.name != "cpython":
            self.call, self.call_keeping_gil, self.status, self.release_status = _with_stable_addresses(
                self.call, self.call_keeping_gil, self.status, self.release_status
            )
        self.retain = _function(self._keeping_gil, "gobind_retain", ctypes.c_uint64, ctypes.c_uint64)
        self.releasing = only_here(self.release)
        self.set_upcall = _function(self.dll, "gobind_set_upcall", None, ctypes.c_void_p)
        answer = (ctypes.c_uint64, ctypes.c_int64, ctypes.c_char_p, ctypes.c_uint64)
        self.answer = _function(self.dll, "gobind_answer", None, *answer)
        self.block_upcalls = _function(self.dll, "gobind_block_upcalls", ctypes.c_int64, ctypes.c_int64)
        self.live = _function(self._keeping_gil, "gobind_live", ctypes.c_int64)
        self.open_queue = _function(self.dll, "gobind_open_queue", ctypes.c_uint64)
        self.queue_wakeup_fd = _function(
            self._keeping_gil, "gobind_queue_wakeup_fd", ctypes.c_int64, ctypes.c_uint64
        )
        self.close_queue = _function(self.dll, "gobind_close_queue", ctypes.c_int64, ctypes.c_uint64)
        self.closing_queue = only_here(self.close_queue)
        word = ctypes.c_uint64
        self.completion = _function(self.dll, "gobind_completion", word, word, word, word)
        self.wait_queue = _function(self.dll, "gobind_wait_queue", ctypes.c_int64, ctypes.c_uint64)
        self.cancel = _function(self._keeping_gil, "gobind_cancel", None, ctypes.c_uint64, ctypes.c_uint64)
        submit = (ctypes.c_uint64, ctypes.c_char_p, ctypes.c_uint64)
        self.submit = _function(self.dll, "gobind_submit", None, *submit)
        drain = (ctypes.c_uint64, ctypes.c_void_p, ctypes.c_uint64)
        self.drain = _function(self._keeping_gil, "gobind_drain", None, *drain)
        ids = (ctypes.c_uint64, ctypes.c_uint64)
        self.open_ring = _function(self.dll, "gobind_open_ring", ctypes.c_uint64, *ids, ctypes.c_uint64)
        self.close_ring = _function(self.dll, "gobind_close_ring", None, ctypes.c_uint64)
        self.closing_ring = only_here(self.close_ring)
        self.wake_ring = _function(self._keeping_gil, "gobind_wake_ring", None, ctypes.c_uint64)
        self.publish_ring = _function(self._keeping_gil, "gobind_publish_ring", None, *ids)
        self.wait_ring = _function(self.dll, "gobind_wait_ring", None, *ids)

        self._set_environ = _function(self.dll, "gobind_environ", None, ctypes.c_char_p, ctypes.c_uint64)
        control = (ctypes.c_int64, ctypes.c_int64)
        self.control = _function(self.dll, "gobind_control", ctypes.c_int64, *control)
        self.stats = _function(self.dll, "gobind_stats", None, ctypes.c_void_p)

    def send_environ(self) -> None:
        """Sets Go's environment to `os.environ` and the variables that were set for Go alone."""
        self.set_variables({**os.environ, **self.environ}, b"\0")

    def set_variables(self, variables: Mapping[str, str | None], head: bytes = b"") -> None:
        """Sets environment variables of Go, after unsetting all if `head` says so; None unsets one."""
        text = [head]
        for name, value in variables.items():
            text += os.fsencode(name), b"\0" if value is None else b"=" + os.fsencode(value) + b"\0"
        packed = b"".join(text)
        self._set_environ(packed, len(packed))

    @classmethod
    def of(cls, file: File, is_name_used: bool) -> Native:
        """Opens the library in a file, as the loader has it for this process.

        Args:
            is_name_used: another file had the name when it was opened.
        """
        return cls(file.path, file, open_library(file, is_name_used))

    def copy(self) -> Native:
        """Opens a private copy of the library, with a Go runtime of its own.

        Raises:
            LoadError: the file has changed since it was opened.
        """
        if self.file is None:
            raise LoadError(f"{self.path} cannot be copied: the system's loader does not tell where it is")
        return Native(self.path, self.file, open_copy(self.file))

    def after_fork(self) -> None:
        """In the child of a fork, where the parent's Go runtime does not run: stops all calls of Go."""
        for name, value in list(vars(self).items()):
            if name not in ("dll", "_keeping_gil") and isinstance(value, ctypes._CFuncPtr):  # type: ignore[attr-defined]
                setattr(self, name, _nothing)

    def need(self, feature: str, what: str) -> None:
        """Refuses a library that an older gobind has built.

        Args:
            feature: what the library must be able to do.
            what: what needs it, as users call it.

        Raises:
            LoadError: the library has no such feature.
        """
        if feature not in self.features:
            raise LoadError(
                f"{what} needs a library that gobind {FEATURES[feature]} or newer has built, {self.path} is older; "
                f"{advice.newer(self.path)}"
            )


def _nothing(*_: Any) -> int:
    return 0


_FETCHED_ONCE = (VALUE, RESPONSE, NONE)  # kinds of statuses; all others stay in Go until they are released


def _with_stable_addresses(call: Any, call_keeping_gil: Any, status: Any, forget: Any) -> tuple[Any, ...]:
    """Wraps the functions where ctypes passes a new copy of a bytes object for each call.

    A status is fetched, and released if it is that of a failure, by the address of its request: the copy of a request
    is kept until then.
    """
    kept: dict[int, Any] = {}  # by id of a request, which lives as long as its caller may fetch a status

    def wrap(function: Any) -> Any:
        def call(frame: bytes) -> Any:
            memory = kept[id(frame)] = ctypes.create_string_buffer(frame, len(frame))
            result = function(memory)
            if result != CHECK_STATUS:
                del kept[id(frame)]
            return result

        return call

    def ask(frame: bytes, buffer: int) -> Any:
        handle = status(kept.get(id(frame)), buffer)
        if ctypes.c_uint64.from_address(buffer).value in _FETCHED_ONCE:
            kept.pop(id(frame), None)
        return handle

    def drop(frame: bytes) -> None:
        memory = kept.pop(id(frame), None)
        if memory is not None:
            forget(memory)

    return wrap(call), wrap(call_keeping_gil), ask, drop


def _function(dll: Any, name: str, restype: Any, *argtypes: Any) -> Any:
    """Returns a function of the library; without argtypes it takes a frame.

    ctypes passes the address of a bytes object without a declared type, at a third of the cost; on PyPy a declared
    type is cheaper.
    """
    function = getattr(dll, name)
    function.restype = restype
    if argtypes:
        function.argtypes = argtypes
    elif name == "gobind_call" and sys.implementation.name != "cpython":
        function.argtypes = [ctypes.c_char_p]
    return function
