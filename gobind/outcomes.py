"""Tells what work raises each time from what a signal handler has raised meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def outcome(
    work: Callable[[], Any], caught: tuple[type[BaseException], ...] = (Exception, SystemExit)
) -> tuple[Any, BaseException | None]:
    """Returns what `work` returns, and None; or None, and the exception that it raises each time.

    An exception that does not come again when `work` is done again is that of a signal handler: it is raised.

    Args:
        caught: the classes of exceptions that `work` may raise itself.
    """
    try:
        return work(), None
    except caught as error:
        try:
            work()
        except caught as again:
            if type(again) is type(error):
                return None, again
            raise
        raise
