"""Linkage: the global names that generated functions share. All others are bound for one function.

`LINKAGE` lists them all. A name is in the namespace from its moment on; `Namespace.bind` uses none of them for
another value.
"""

from __future__ import annotations

from typing import NamedTuple

# Moments: when a name is set, and by what.
NAMESPACE = "the namespace is made (`gobind.codec.source.Namespace`)"
BINDING = "a class is bound to a library (`gobind.runtime.binding.Binding`)"
CONNECTION = (
    "the binding connects to a library; once more when it is opened anew after a fork (`Binding.connect`)"
)
FIRST_ASYNC = (
    "the first ``async def`` method is compiled; after a fork as at CONNECTION (`Binding._connect_loop`)"
)
FIRST_BLOCKING = "the first ``blocking=True`` method is compiled; likewise (`Binding._connect_wait`)"
FIRST_RING = (
    "the first ``ring=True`` method that is not async is compiled; likewise (`Binding._connect_ring`)"
)

# Roles: the value of a name after the library is closed, and in the child of a fork until it is opened anew.
CONSTANT = "stays as it is"
ENTRY = "raises ClosedError once the library is closed; after a fork it opens the library anew"
CLEANUP = "stays as it is, or does nothing if it was never set; after a fork it does nothing"


class Link(NamedTuple):
    """One name: when it is set, what becomes of it, and what it does."""

    moment: str
    role: str
    what: str


BUILTINS = (
    *(bytes, dict, frozenset, int, len, list, map, next, set, sum, tuple, type, zip),
    *(BaseException, Exception, IndexError, TypeError),
)
"""The builtins in use, by their names with an underscore: a parameter of a contract may have the name without."""

LINKAGE: dict[str, Link] = {
    **{f"_{builtin.__name__}": Link(NAMESPACE, CONSTANT, "the builtin") for builtin in BUILTINS},
    "_next_id": Link(BINDING, CONSTANT, "returns a new id for a call that goes through a queue"),
    "_fetch_result": Link(
        BINDING, CONSTANT, "the integer of a call that answered CHECK_STATUS; raises a failure"
    ),
    "_fetch_response": Link(BINDING, CONSTANT, "the response of such a call; raises a failure"),
    "_number_of": Link(BINDING, CONSTANT, "the integer of a call parked in a queue; raises a failure"),
    "_opened": Link(BINDING, CONSTANT, "the response of a call parked in a queue; raises a failure"),
    "_call": Link(CONNECTION, ENTRY, "calls Go with a frame"),
    "_call_keeping_gil": Link(CONNECTION, ENTRY, "the same without giving up the GIL: ``release_gil=False``"),
    "_make_unsent": Link(CONNECTION, ENTRY, "makes the owner of a frame's handles until it is sent"),
    "_add_own": Link(
        CONNECTION, CLEANUP, "gives an exception the one that the call itself ended with as context"
    ),
    "_release_status": Link(CONNECTION, CLEANUP, "lets Go forget the status of a call"),
    "_submit": Link(
        FIRST_ASYNC, ENTRY, "sends a frame with those of this loop turn; what it returns is awaited"
    ),
    "_parked": Link(FIRST_ASYNC, CLEANUP, "the key of the status of an awaited call"),
    "_cancel_call": Link(FIRST_ASYNC, CLEANUP, "cancels an awaited call, or drops its response"),
    "_wait": Link(FIRST_BLOCKING, ENTRY, "sends a frame and waits so that signals are served"),
    "_parked_wait": Link(FIRST_BLOCKING, CLEANUP, "the key of the status of such a call"),
    "_cancel_call_wait": Link(FIRST_BLOCKING, CLEANUP, "cancels such a call, or drops its response"),
    "_send": Link(FIRST_RING, ENTRY, "puts a frame into the ring of one-way calls"),
}


def names_of(role: str) -> list[str]:
    """Returns the names of one role."""
    return [name for name, link in LINKAGE.items() if link.role == role]


def is_set(names: dict[str, object], moment: str) -> bool:
    """Returns True if the names of a moment are set in a namespace, even if they were replaced since."""
    return all(name in names for name, link in LINKAGE.items() if link.moment == moment)


def check_links(moment: str, values: dict[str, object]) -> None:
    """Asserts that `values` has all names of one moment and no others."""
    wanted = {name for name, link in LINKAGE.items() if link.moment == moment}
    assert values.keys() == wanted, f"linkage: expected {sorted(wanted)}, got {sorted(values)}"
