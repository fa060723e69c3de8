"""A function on whose entry no signal handler runs.

CPython looks for signals at the first instruction of a function, before any ``try`` can be: what a handler raises
there, in a callback of ctypes, is printed and gone. But it does not look where a coroutine goes on behind ``await``:
``RESUME`` with an argument of 2 or more (CPython's Python/bytecodes.c: ``RESUME_AFTER_YIELD_FROM``). So the function
gets that argument, and the handler runs a few instructions later, inside its ``try``.

Up to 3.10 there is no such instruction: a function that begins with ``try`` is not interrupted before it (ceval.c
skips ``SETUP_FINALLY``). Where the bytecode is not as expected the function stays as it is.
"""

from __future__ import annotations

import functools
import sys
from opcode import opmap
from typing import Any

_AFTER_AWAIT = 3


def uninterrupted(function: Any) -> Any:
    """Prevents signal handlers on entry of a function that begins with ``try``; returns the function."""
    resume = opmap.get("RESUME")
    if sys.implementation.name == "cpython" and resume is not None:
        code = bytearray(function.__code__.co_code)
        at = next((at for at in range(0, len(code), 2) if code[at] == resume), None)
        if at is not None and not code[at + 1]:
            code[at + 1] = _AFTER_AWAIT
            function.__code__ = function.__code__.replace(co_code=bytes(code))
    return function


def insistent(function: Any) -> Any:
    """Repeats a function until no exception ends it, then raises that; for work that others wait for.

    `function` has to be idempotent, and only signal handlers may raise in it.
    """

    @functools.wraps(function)
    def until_done(*args: Any) -> None:
        try:
            function(*args)
        except BaseException:
            until_done(*args)
            raise

    return uninterrupted(until_done)
