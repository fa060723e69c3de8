"""Makes many objects at once without running the cyclic collector in between.

Before CPython 3.12 the collector runs whenever 700 more containers are made than freed, also within a primitive that
makes 100,000: it visits each of them three or four times, which takes twice as long as making them.
From 3.12 on it waits for the interpreter's next instruction. `extend` brings that to older versions: one expression
switches the collector off, makes the objects, and switches it on again.

No Python code runs in between, so no signal handler, no other thread and no fork can see it switched off. So the
objects must not be made by Python code either: ``object.__new__``, ``list.__getitem__``, not a class that defines
one of them itself.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from itertools import chain, compress, starmap
from typing import Any

IS_NEEDED = sys.implementation.name == "cpython" and sys.version_info < (3, 12)

MANY = 1000
"""For fewer objects the collector runs once or not at all."""


def extend(values: list[Any], made: Iterator[Any], count: int) -> None:
    """Does ``values.extend(made)`` for `count` objects, without the collector in between."""
    if not IS_NEEDED or count < MANY:
        values.extend(made)
        return
    was_on: list[bool] = []
    # Each calls a C function in turn, and yields nothing: the function returns None.
    note: Iterator[Any] = filter(None, map(was_on.append, starmap(gc.isenabled, [()])))
    switch_off: Iterator[Any] = filter(None, starmap(gc.disable, [()]))
    switch_on: Iterator[Any] = filter(None, starmap(gc.enable, compress([()], was_on)))
    try:
        values.extend(chain(note, switch_off, made, switch_on))
    except BaseException:  # no memory
        if was_on == [True]:
            gc.enable()
        raise
