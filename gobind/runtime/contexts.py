"""Contexts: several exceptions are under way at once, and only one of them can be raised.

Imports nothing of gobind.
"""

from __future__ import annotations


def add_context(error: BaseException, earlier: BaseException) -> None:
    """Put an exception into the chain of contexts of a later one, before what was its own context."""
    known = _chain_of(earlier)
    chain = _chain_of(error)
    if id(earlier) not in chain and id(error) not in known:
        ends = (each for each in chain.values() if each.__context__ is None or id(each.__context__) in known)
        next(ends, error).__context__ = earlier


def _chain_of(error: BaseException | None) -> dict[int, BaseException]:
    """An exception, its context, the context of that, and so on, by their ids."""
    chain: dict[int, BaseException] = {}
    while error is not None and id(error) not in chain:
        chain[id(error)] = error
        error = error.__context__
    return chain
