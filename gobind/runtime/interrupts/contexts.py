"""Contexts of exceptions: of several at once only one can be raised; the others become its context."""

from __future__ import annotations

import sys
from typing import NoReturn


def add_context(error: BaseException, earlier: BaseException) -> None:
    """Puts an exception into the chain of contexts of a later one, before what was its own context."""
    known = _chain_of(earlier)
    chain = _chain_of(error)
    if id(earlier) not in chain and id(error) not in known:
        ends = (each for each in chain.values() if each.__context__ is None or id(each.__context__) in known)
        next(ends, error).__context__ = earlier


def raise_anew(error: BaseException) -> NoReturn:
    """Raises an exception that may have been raised before.

    ``raise`` replaces the context by the exception being handled (PyPy's keeps it); here the previous context stays, and
    the exception being handled is added at its end.
    """
    context, handled = error.__context__, sys.exc_info()[1]
    try:
        raise error
    finally:
        if context is not None and handled is not context:
            error.__context__ = context
            if handled is not None:
                add_context(error, handled)


def _chain_of(error: BaseException | None) -> dict[int, BaseException]:
    """Returns an exception, its context, the context of that, and so on, by their ids."""
    chain: dict[int, BaseException] = {}
    while error is not None and id(error) not in chain:
        chain[id(error)] = error
        error = error.__context__
    return chain
