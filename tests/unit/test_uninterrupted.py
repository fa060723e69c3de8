"""The one trick with bytecode: without it the failure is there, with it it is not."""

from __future__ import annotations

import ctypes
import signal
import sys
from collections import deque
from itertools import chain
from typing import Any

import pytest

from gobind.runtime.interrupts.uninterrupted import uninterrupted

pytestmark = pytest.mark.skipif(
    sys.platform == "win32" or sys.implementation.name != "cpython",
    reason="a signal is set by CPython's own C API",
)


class Struck(Exception):
    pass


def call_back_with_a_pending_signal(function: Any) -> None:
    """C code of libc calls `function`, through ctypes, while a signal waits to be handled."""
    callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)(function)
    numbers = (ctypes.c_int * 2)(1, 2)
    # Both in one step of the interpreter, or it would handle the signal in between.
    pending = map(ctypes.pythonapi.PyErr_SetInterruptEx, (int(signal.SIGUSR1),))
    calling = map(ctypes.CDLL(None).qsort, (numbers,), (2,), (4,), (callback,))
    deque(chain(pending, calling), maxlen=0)


@pytest.mark.skipif(not hasattr(ctypes.pythonapi, "PyErr_SetInterruptEx"), reason="since CPython 3.10")
@pytest.mark.parametrize("is_protected", [True, False])
def test_a_signal_on_entry(is_protected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    caught: list[str] = []
    escaped: list[Any] = []

    def function(a: Any, b: Any) -> int:
        try:
            len("")  # a call: behind it signals are handled
        except BaseException as error:
            caught.append(type(error).__name__)
        return 0

    def handler(number: int, frame: Any) -> None:
        raise Struck

    monkeypatch.setattr(
        sys, "unraisablehook", lambda unraisable: escaped.append(unraisable.exc_type.__name__)
    )
    usual = signal.signal(signal.SIGUSR1, handler)
    try:
        call_back_with_a_pending_signal(uninterrupted(function) if is_protected else function)
    finally:
        signal.signal(signal.SIGUSR1, usual)
    if is_protected or sys.version_info < (3, 11):
        assert (caught, escaped) == (["Struck"], [])
    else:
        assert (caught, escaped) == ([], ["Struck"])


def test_functions_are_what_they_were() -> None:
    outer = 1

    @uninterrupted
    def function(a: int, *, b: int = 2) -> tuple[int, ...]:
        try:
            return a, b, outer
        finally:
            pass

    assert function(3) == (3, 2, 1)
