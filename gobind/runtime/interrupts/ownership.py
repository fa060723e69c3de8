"""Taking and giving up what has to be given back, so that no exception can come in between.

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
    """Keep an object until the process is gone: the interpreter drops what modules refer to while Go still runs."""
    if sys.implementation.name == "cpython":
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(value))


def each_called(functions: Iterator[Callable[..., Any]], arguments: Iterable[Any]) -> tuple[Any, ...]:
    """What to give to `map` so that each of its steps calls the next function with the next argument, in C."""
    if sys.version_info >= (3, 11):
        return operator.call, functions, arguments
    return partial.__call__, map(partial, functions, arguments)


def only_here(function: Callable[[int], Any]) -> Iterator[Callable[[int], Any]]:
    """An endless iterator that gives `function`, but in the child of a fork what does nothing.

    The child collects what its parent's threads owned before it runs any of Python's code, and must not call the
    parent's Go, which does not run there.
    """
    functions = {os.getpid(): function}
    _handed_out.append(functions)
    return map(functions.get, iter(os.getpid, -1), repeat(abs))


_handed_out: list[dict[int, Any]] = []


def stop() -> None:
    """Python is about to end: give nothing up any more.

    What is collected from here on may be so late that the thread has lost what Go needs to run on it.
    """
    for functions in _handed_out:
        functions.clear()


class Owner(map):  # type: ignore[type-arg]
    """A `map` whose next item is taken when the last reference to it goes."""

    __slots__ = ()
    __del__ = map.__next__


class Owned:
    """A handle of Go, or what else a function hands out and another takes back.

    Args:
        releasing: gives the function, `only_here`, that takes the handle back; it is called with 0 if there is none.
        kept: what has to live until then.
    """

    __slots__ = ("_cell", "_owner")

    def __init__(self, releasing: Iterator[Callable[[int], Any]], kept: Any = None) -> None:
        cell: dict[str, Any] = {"kept": kept}
        self._cell = cell
        self._owner = Owner(*each_called(releasing, iter(partial(cell.pop, "handle", 0), None)))

    def take(self, function: Callable[..., int], *arguments: Any) -> int:
        """Call what hands out a handle, and own that; returns it."""
        self._cell.update(zip(("handle",), starmap(function, (arguments,))))
        return self.handle

    @property
    def handle(self) -> int:
        """What is owned; 0: nothing."""
        return self._cell.get("handle", 0)  # type: ignore[no-any-return]

    def release(self) -> Any:
        """Give the handle up now."""
        return next(self._owner)

    def claim(self) -> bool:
        """True the first time, in whichever thread: who is to do what comes before the release."""
        claimed = object()
        return self._cell.setdefault("claimed", claimed) is claimed


class Unsent(Owner):
    """The handles in a frame on its way to Go, which takes them over with the frame; given back if it is never sent.

    Attributes:
        numbers: of Python's objects.
        lists: what is cleared when the frame is sent.
    """

    __slots__ = ("_owner", "_releasing", "lists", "numbers")
    numbers: list[int]
    lists: list[list[int]]
    _releasing: Iterator[Callable[[int], Any]]
    _owner: Owner

    def handles(self) -> list[int]:
        """The list for handles of Go's own objects, which few frames have."""
        if len(self.lists) == 1:
            handles: list[int] = []
            self._owner = Owner(exhaust, repeat(map(*each_called(self._releasing, handles))))
            self.lists.append(handles)
        return self.lists[1]


def make_unsent(forget: Callable[[int, None], Any], releasing: Iterator[Callable[[int], Any]]) -> Unsent:
    """What owns the handles of one frame.

    Args:
        forget: what takes the number of an object of Python's from the table; called with None as second argument.
        releasing: gives the function, `only_here`, that releases a handle of Go's.
    """
    numbers: list[int] = []
    unsent = Unsent(exhaust, repeat(map(forget, numbers, _nones)))
    unsent.numbers = numbers
    unsent.lists = [numbers]
    unsent._releasing = releasing
    return unsent


_nones = repeat(None)


def send(unsent: Unsent, function: Callable[..., Any], *arguments: Any) -> Any:
    """Call what sends a frame; from then on its handles are Go's."""
    return [*chain(starmap(function, (arguments,)), map(list.clear, unsent.lists))][0]


def send_noted(
    sent: dict[int, Any],
    number: int,
    unsents: Iterable[Unsent],
    function: Callable[..., Any],
    *arguments: Any,
    noting: Iterable[Any] = (),
) -> None:
    """Call what sends a frame, and note its number in `sent`: it is there if and only if it was sent.

    Args:
        noting: notes what else there is, in the same step, when it is exhausted.
    """
    sending = map(sent.__setitem__, (number,), starmap(function, (arguments,)))
    clearing = map(list.clear, chain.from_iterable([unsent.lists for unsent in unsents]))
    exhaust(chain(noting, sending, clearing))


def send_batch(
    batch: list[bytes], unsents: list[Unsent], function: Callable[..., Any], *arguments: Any
) -> None:
    """Call what sends all frames of `batch`, and remove them from it: they are in it if and only if they were not sent."""
    sending = starmap(function, (arguments,))
    lists: list[list[Any]] = [*chain.from_iterable(unsent.lists for unsent in unsents), unsents, batch]
    exhaust(chain(sending, map(list.clear, lists)))
