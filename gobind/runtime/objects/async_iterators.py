"""Async iterators that Go fetches items from in batches: method 0 fetches, method 1 closes.

Each is run by a task of its own, so items are there before Go asks for them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from time import monotonic_ns
from typing import Any

from gobind.runtime.interrupts.ownership import Unsent
from gobind.runtime.interrupts.uninterrupted import insistent
from gobind.runtime.objects.iterators import wanted
from gobind.runtime.objects.upcalls import ExportedObject

QUICK = 1_000_000
"""Nanoseconds after which a batch of an iterator is sent as it is."""


class _Source:
    """An async iterator that Go fetches items from, run by a task of its own.

    Items are sent as soon as the iterator waits for something, or after a millisecond.

    Attributes:
        items: those that Go has not fetched yet.
        is_over: no more items will come.
    """

    def __init__(self, iterator: Any, loop: Any) -> None:
        self.items: list[Any] = []
        self.is_over = False
        self._iterator = iterator
        self._loop = loop
        self._error: BaseException | None = None
        self._wanted = 0  # more items are requested until this many have come
        self._end = 0  # and the time is not over
        self._wake: Any = None  # the future that the iterator's task waits for: more items are wanted
        self._waiting: list[Any] = []  # the futures that calls of `fetch` wait for: items have come
        self._task: Any = None

    async def fetch(self, wanted: int) -> list[Any]:
        """Returns at most `wanted` items, and at least one unless it has ended."""
        if self._task is None:
            self._task = self._loop.create_task(self._run())
            self._task.add_done_callback(self._finish)
        while not self.items and not self.is_over:  # another call with the same iterator may have taken them
            self._wanted, self._end = wanted, monotonic_ns() + QUICK
            _tell(self._wake)
            came = self._loop.create_future()
            self._waiting.append(came)
            try:
                await came
            finally:
                self._waiting.remove(came)
                if not self._waiting:
                    self._wanted = 0
        if self._error is not None and not self.items:
            error, self._error = self._error, None
            raise error
        items, self.items = self.items, []
        return items

    @insistent
    def stop(self) -> None:
        """Stops the iterator, once: to be cancelled again would interrupt what it does about the first time."""
        if self._task is not None and not self.is_over:
            self._task.cancel()
        self._finish()

    async def wait(self) -> None:
        """Waits until the iterator has stopped."""
        if self._task is not None and not self._task.done():
            ended = self._loop.create_future()
            self._task.add_done_callback(partial(_tell, ended))
            await ended

    async def _run(self) -> None:
        step = self._iterator.__anext__
        while True:
            while len(self.items) >= self._wanted or (self.items and monotonic_ns() >= self._end):
                self._wake = self._loop.create_future()
                await self._wake
            try:
                item = await step()  # meanwhile the items before it may be fetched
            except StopAsyncIteration:
                return
            if self.is_over:  # stopped, but the iterator has gone on
                return
            self.items.append(item)
            _tell(*self._waiting)

    @insistent
    def _finish(self, task: Any = None) -> None:
        if task is not None and not self.is_over:  # else asyncio reports what it raises
            try:
                task.result()
            except BaseException as error:
                self._error = error  # it comes after the items before it
        self.is_over = True
        key = id(self._iterator), id(self._loop)
        if _sources.get(key) is self:
            _sources.pop(key, None)
        _tell(*self._waiting)


# By iterator and loop: two calls that get the same iterator share its items.
_sources: dict[tuple[int, int], _Source] = {}


def _source_of(iterator: Any, loop: Any) -> _Source:
    key = id(iterator), id(loop)
    if key not in _sources:
        _sources[key] = _Source(iterator, loop)
    return _sources[key]


@insistent
def _tell(*futures: Any) -> None:
    for future in futures:
        if future is not None and not future.done():
            future.set_result(None)


def next_items(pack: Callable[[Any, Unsent], bytes]) -> Callable[[ExportedObject, int, int, Unsent], Any]:
    def start(exported: ExportedObject, address: int, size: int, unsent: Unsent) -> Any:
        return fetch(exported, wanted(address, size), unsent)

    async def fetch(exported: ExportedObject, wanted: int, unsent: Unsent) -> bytes:
        try:
            if exported.kept is None:
                exported.kept = _source_of(exported.value, sys.modules["asyncio.events"].get_running_loop())
            return pack(await exported.kept.fetch(wanted), unsent)
        except BaseException:
            if exported.kept is not None:
                exported.kept.stop()  # Go asks for no more
            raise

    return start


def close(exported: ExportedObject, address: int, size: int, unsent: Unsent) -> Any:
    async def close() -> bytes:
        if exported.kept is not None:
            exported.kept.stop()
            await exported.kept.wait()
        aclose = getattr(exported.value, "aclose", None)
        if aclose is not None:
            await aclose()
        return b""

    return close()
