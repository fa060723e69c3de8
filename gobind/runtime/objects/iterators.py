"""Iterators that Go fetches items from in batches: method 0 fetches, method 1 closes."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable
from typing import Any

from gobind.runtime.interrupts.ownership import Unsent
from gobind.runtime.objects.upcalls import ExportedObject, memory_at

_END: Any = object()


def wanted(address: int, size: int) -> int:
    """Returns how many items a request asks for at most."""
    return int.from_bytes(memory_at(address)[:8], "little")


class _Sequence:
    """What may take its time to give an item, and need not look like it."""

    def __getitem__(self, index: int) -> int:
        raise IndexError


_MEMORY: tuple[Any, ...] = (
    *(
        [],
        (),
        range(0),
        range(1 << 70),
        {},
        {}.values(),
        {}.items(),
        set(),
        "",
        "\xe4",
        b"",
        bytearray(),
        deque(),
    ),
    *(reversed([]), reversed({}), itertools.count(), itertools.repeat(0)),
)
_READY = frozenset(type(iter(value)) for value in _MEMORY) - {type(iter(_Sequence()))}
"""Iterators over memory, whose next item is there already. All others may wait, as a generator that yields what is in
a buffer and then reads more."""


def next_items(pack: Callable[[Any, Unsent], bytes]) -> Callable[[ExportedObject, int, int, Unsent], bytes]:
    """Fetches items of an iterator; none at its end.

    Nothing can interrupt an iterator that waits, and Go, whose thread it is, gets no item before the iterator
    returns. So an item never shares a batch with one that has to be waited for, even if those before came quickly.
    """

    def fetch(exported: ExportedObject, address: int, size: int, unsent: Unsent) -> bytes:
        iterator = exported.value
        if type(iterator) not in _READY:
            item = next(iterator, _END)  # not `for`, which wants an `__iter__` of it
            return pack([] if item is _END else [item], unsent)
        if exported.kept is not None:
            error, exported.kept = exported.kept, None
            raise error
        items: list[Any] = []
        try:
            items.extend(itertools.islice(iterator, wanted(address, size)))
        except BaseException as error:
            if not items:
                raise
            exported.kept = error  # it comes after the items before it
        return pack(items, unsent)

    return fetch


def close(exported: ExportedObject, address: int, size: int, unsent: Unsent) -> bytes:
    """Closes an iterator, if it can be closed."""
    method = getattr(exported.value, "close", None)
    if method is not None:
        method()
    return b""
