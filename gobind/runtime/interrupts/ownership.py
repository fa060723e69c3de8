"""Takes and releases handles in single steps, so that no exception can come in between.

A signal handler may raise an exception between any two instructions of Python: after a function of Go has
returned a handle and before that is stored anywhere, within an ``except`` block that gives it back, at the
first instruction of ``__del__``. So none of that is done by instructions here:

- A handle is **taken** by one step in C, `dict.update` over a `starmap`, which calls Go and stores the result in a
  dict that has an owner already.
- It is **given up** by one step in C: the owner is a `map` over what the dict yields, and ``map.__next__`` is both its
  destructor and what releases it early. It does so once, whichever thread comes first.
- What a frame holds is **sent** by one step in C: the call that sends it, and then the clearing of the lists
  that would give it back.
"""

from __future__ import annotations

import ctypes
import operator
import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain, repeat, starmap
from typing import Any

exhaust: Callable[[Iterable[Any]], None] = deque(maxlen=0).extend
"""Run an iterator to its end."""


def keep_to_the_end(value: Any) -> None:
    """Keeps an object until the process ends: the interpreter drops what modules refer to while Go still runs."""
    if sys.implementation.name == "cpython":
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(value))


def each_called(functions: Iterator[Callable[..., Any]], arguments: Iterable[Any]) -> tuple[Any, ...]:
    """Returns arguments for `map` that make each of its steps call the next function with the next argument, in C."""
    if sys.version_info >= (3, 11):
        return operator.call, functions, arguments
    return partial.__call__, map(partial, functions, arguments)


def only_here(function: Callable[[int], Any]) -> Iterator[Callable[[int], Any]]:
    """Returns an endless iterator over `function`; in the child of a fork, over a function that does nothing.

    The child collects what its parent's threads owned before it runs any of Python's code, and must not call the
    parent's Go, which does not run there.
    """
    functions = {os.getpid(): function}
    _handed_out.append(functions)
    return map(functions.get, iter(os.getpid, -1), repeat(abs))


_handed_out: list[dict[int, Any]] = []


def stop() -> None:
    """Stops releasing anything: Python is about to end.

    Objects collected from here on may be collected after the thread has lost what Go needs to run on it.
    """
    for functions in _handed_out:
        functions.clear()


class Owner(map):  # type: ignore[type-arg]
    """A `map` whose next item is taken when the last reference to it goes."""

    __slots__ = ()
    __del__ = map.__next__


class Owned:
    """Owns a handle of Go, or anything that one function hands out and another takes back.

    Args:
        releasing: yields the function, by `only_here`, that takes the handle back; called with 0 if there is none.
        kept: an object that has to live until then.
    """

    __slots__ = ("_cell", "_owner")

    def __init__(self, releasing: Iterator[Callable[[int], Any]], kept: Any = None) -> None:
        cell: dict[str, Any] = {"kept": kept}
        self._cell = cell
        self._owner = Owner(*each_called(releasing, iter(partial(cell.pop, "handle", 0), None)))

    def take(self, function: Callable[..., int], *arguments: Any) -> int:
        """Calls a function that hands out a handle, owns the handle, and returns it."""
        self._cell.update(zip(("handle",), starmap(function, (arguments,))))
        return self.handle

    @property
    def handle(self) -> int:
        """The handle owned; 0: none."""
        return self._cell.get("handle", 0)  # type: ignore[no-any-return]

    def release(self) -> Any:
        """Releases the handle now. No-op if it is released already."""
        return next(self._owner)

    def claim(self) -> bool:
        """Returns True the first time, in whichever thread: that caller does what precedes the release."""
        claimed = object()
        return self._cell.setdefault("claimed", claimed) is claimed


class Unsent(Owner):
    """Owns the handles in a frame until it is sent, when Go takes them over; releases them if it is never sent.

    Attributes:
        ids: the ids of Python's objects in the frame.
        lists: the lists that are cleared when the frame is sent.
    """

    __slots__ = ("_owner", "_releasing", "ids", "lists")
    ids: list[int]
    lists: list[list[int]]
    _releasing: Iterator[Callable[[int], Any]]
    _owner: Owner

    def handles(self) -> list[int]:
        """Returns the list for handles of Go's own objects, which few frames have."""
        if len(self.lists) == 1:
            handles: list[int] = []
            self._owner = Owner(exhaust, repeat(map(*each_called(self._releasing, handles))))
            self.lists.append(handles)
        return self.lists[1]


def make_unsent(forget: Callable[[int, None], Any], releasing: Iterator[Callable[[int], Any]]) -> Unsent:
    """Makes the owner of the handles of one frame.

    Args:
        forget: removes the id of a Python object from the table; called with None as second argument.
        releasing: yields the function, by `only_here`, that releases a handle of Go's.
    """
    ids: list[int] = []
    unsent = Unsent(exhaust, repeat(map(forget, ids, _nones)))
    unsent.ids = ids
    unsent.lists = [ids]
    unsent._releasing = releasing
    return unsent


_nones = repeat(None)


def send(unsent: Unsent, function: Callable[..., Any], *arguments: Any) -> Any:
    """Calls the function that sends a frame; from then on Go owns its handles."""
    return [*chain(starmap(function, (arguments,)), map(list.clear, unsent.lists))][0]


def send_noted(
    sent: dict[int, Any],
    call_id: int,
    unsents: Iterable[Unsent],
    function: Callable[..., Any],
    *arguments: Any,
    noting: Iterable[Any] = (),
) -> None:
    """Sends a frame and notes its call's id in `sent` in one step: it is there if and only if it was sent.

    Args:
        noting: an iterator that, exhausted in the same step, notes what else there is.
    """
    sending = map(sent.__setitem__, (call_id,), starmap(function, (arguments,)))
    clearing = map(list.clear, chain.from_iterable([unsent.lists for unsent in unsents]))
    exhaust(chain(noting, sending, clearing))


def send_batch(
    batch: list[bytes], unsents: list[Unsent], function: Callable[..., Any], *arguments: Any
) -> None:
    """Sends all frames of `batch` and removes them in one step: a frame is in it if and only if it was not sent."""
    sending = starmap(function, (arguments,))
    lists: list[list[Any]] = [*chain.from_iterable(unsent.lists for unsent in unsents), unsents, batch]
    exhaust(chain(sending, map(list.clear, lists)))
