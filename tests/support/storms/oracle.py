"""The oracle: injects exceptions, catches them, and knows what became of each one.

An attempt is a few calls of Go during which a signal handler may raise, a limited number of times. Whatever it
raised must come out of the attempt: as the exception itself, as the context of a later injected one, as an error that
Go has seen, or in a report of Python's (of a destructor, of the event loop). An injected exception that is none of
these has been lost, and an attempt that ends with any other exception has failed.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, Optional

MARK = "struck #"
FOLDER = os.path.dirname(__file__)
NAMELESS = "did not answer", "(its text cannot be made)", "raised as the answer was given"
"""Texts of errors in Go that do not say which exception of Python's they are."""


class Struck(BaseException):
    """What all injected exceptions are, each with a number of its own."""

    serial = 0


class Alarm(Struck, Exception):
    """Injected by SIGALRM."""


class Interrupt(Struck, KeyboardInterrupt):
    """Injected by SIGINT."""


class Late(Struck, Exception):
    """Injected by SIGUSR1, after a call that its handler made."""


class Bare(Struck, BaseException):
    """Not an Exception, as those of anyio, trio and pytest are not."""


class Unhashable(type):
    """A metaclass whose classes cannot be hashed."""

    __hash__ = None  # type: ignore[assignment]


class Odd(Struck, Exception, metaclass=Unhashable):
    """An exception that does what exceptions seldom do."""

    def __str__(self) -> str:
        raise SystemExit(f"{MARK}{self.serial}")

    def __eq__(self, other: object) -> bool:
        raise SystemExit(f"{MARK}{self.serial}")


class Failures:
    """What was wrong: by kind, how often, and the first of each."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.first: dict[str, str] = {}

    def add(self, kind: str, text: str = "") -> None:
        """Count a failure."""
        self.counts[kind] += 1
        if kind not in self.first:
            self.first[kind] = text


class Oracle:
    """Injects exceptions into attempts, and accounts for them.

    Attributes:
        budget: how many exceptions may still be injected into this attempt; 0 outside of one.
        pending: those injected into this attempt, by number.
        serial: the number of the last one.
        seen: numbers of those found somewhere else than in the attempt's outcome.
        explained: what became of exceptions that did not end their attempt, counted.
        may: decides by the frame that a signal has interrupted; true: inject.
    """

    def __init__(self, failures: Failures) -> None:
        self.failures = failures
        self.budget = 0
        self.pending: dict[int, BaseException] = {}
        self.serial = 0
        self.spared = 0
        self.seen: set[int] = set()
        self.explained: Counter[str] = Counter()
        self.answered = self.interrupted = 0
        self.may: Callable[[Optional[FrameType]], bool] = lambda frame: True
        self._busy = False
        # A function in C: an exception would strike one in Python on its entry, and both would be gone.
        self._unraisable: list[Any] = []
        sys.unraisablehook = self._unraisable.append

    def strike(self, cls: Any, frame: Optional[FrameType]) -> None:
        """Raise an exception if the attempt may get one: called by signal handlers, in the main thread."""
        if self.budget <= 0 or self._busy:
            self.spared += 1
            return
        self._busy = True  # another signal's handler may run inside this one
        try:
            if not self.may(frame):
                self.spared += 1
                return
            self.budget -= 1
            self.serial += 1
            error = cls(f"{MARK}{self.serial}")
            error.serial = self.serial
            self.pending[self.serial] = error
            raise error
        finally:
            self._busy = False

    def attempt(self, work: Callable[[], None], budget: int, finish: Callable[[], None]) -> None:
        """Do some work, into which so many exceptions may be injected, and account for them.

        Args:
            finish: what the work has left to do, undisturbed.
        """
        outcome = self._guard(work, budget, budget + 1)
        finish()
        self.settle(outcome)
        outcome = None  # frames of exceptions that Go holds lead here, and on to what this one's frames own

    def _guard(self, work: Callable[[], None], budget: int, level: int) -> Optional[BaseException]:
        """What ends the work, if anything does. Each level takes one exception that strikes the one below it."""
        try:
            if level:
                return self._guard(work, budget, level - 1)
            self.budget = budget
            work()
            self.budget = 0
            return None
        except BaseException as error:
            self.budget = 0
            return error

    def settle(self, outcome: Optional[BaseException]) -> None:
        """Account for what was injected, given how the attempt ended. Nothing is injected meanwhile."""
        self.budget = 0
        while self._unraisable:
            self._note_unraisable(self._unraisable.pop())
        if outcome is None:
            self.answered += 1
        else:
            self.interrupted += 1
            chain = [*chain_of(outcome)]
            found = {error.serial for error in chain if isinstance(error, Struck)}
            if not isinstance(outcome, Struck):
                name = f"{type(outcome).__name__}: {_text(outcome)}"
                if found or self.pending:
                    self.failures.add(f"replaced by {type(outcome).__name__}", _where(outcome))
                else:
                    self.failures.add(f"raised {name[:80]}", _where(outcome))
            elif self.pending.get(outcome.serial) is not outcome:
                self.failures.add("stale exception", _where(outcome))
            self.seen |= found
        for serial, error in self.pending.items():
            if serial not in self.seen:
                how = "answered" if outcome is None else f"ended with {type(outcome).__name__}"
                self.failures.add(f"lost {type(error).__name__}: the attempt {how}", _where(error))
        if len(self.pending) > 1:
            self.explained["more than one in an attempt"] += 1
        self.pending.clear()
        self.seen.clear()

    def found(self, error: Optional[BaseException], where: str) -> None:
        """Note that an injected exception has come out elsewhere than at the end of the attempt."""
        for each in chain_of(error):
            if isinstance(each, Struck):
                self.seen.add(each.serial)
                self.explained[where] += 1

    def found_text(self, text: str, where: str) -> bool:
        """Note that an error's text that Go has seen is of an injected exception; False: it is of none."""
        unseen = [serial for serial in self.pending if serial not in self.seen]
        if unseen and any(each in text for each in NAMELESS):  # one of them, whichever
            self.found(self.pending[unseen[-1]], f"{where}, without its text")
            return True
        head, mark, tail = text.rpartition(MARK)
        number = tail[: len(tail) - len(tail.lstrip("0123456789"))]
        if not (mark and number):
            return False
        self.found(self.pending.get(int(number)), where)
        return True

    def expect(self, got: Any, wanted: Any, what: str) -> None:
        """Compare an answer with what is known."""
        if got != wanted:
            self.wrong(f"{what}: expected {_short(wanted)}, got {_short(got)}")

    def wrong(self, text: str) -> None:
        """Note a wrong value; called in any thread."""
        self.failures.add(f"wrong value: {text.split(':')[0]}", text)

    def _note_unraisable(self, args: Any) -> None:
        where = f"{args.err_msg or 'Exception ignored in'} {getattr(args.object, '__qualname__', '')}".strip()
        error: Any = args.exc_value
        names = " < ".join(
            f"{entry.name} {entry.filename.rsplit('/', 1)[-1]}:{entry.lineno}"
            for entry in traceback.extract_tb(args.exc_traceback)[-4:]
        )
        if not isinstance(error, Struck):
            self.failures.add(f"unraisable {args.exc_type.__name__}: {where}", f"{_text(error)} in {names}")
            self.found(error, f"context of what Python printed: {where}")
        elif "ctypes" not in where:
            self.found(error, f"reported by Python: {where}")
        else:  # which is no way to report it: it must come out of the attempt too
            self.explained[f"printed by ctypes: {where}"] += 1


def chain_of(error: Optional[BaseException]) -> Iterator[BaseException]:
    """An exception, and all that are its cause or context."""
    todo, known = [error], set()
    while todo:
        each = todo.pop()
        if each is not None and id(each) not in known:
            known.add(id(each))
            todo += [each.__cause__, each.__context__]
            yield each


def place_of(error: BaseException) -> str:
    """The place that an injected exception has struck."""
    places = [e for e in traceback.extract_tb(error.__traceback__) if not e.filename.startswith(FOLDER)]
    return (
        f"{places[-1].filename.rsplit('/', 1)[-1]}:{places[-1].lineno} {places[-1].name}" if places else "?"
    )


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 200 else f"{text[:200]} ... ({len(text)} characters)"


def _text(error: Optional[BaseException]) -> str:
    try:
        return str(error)
    except BaseException:
        return "(no text)"


def _where(error: BaseException) -> str:
    """The innermost places that an exception has come through, innermost last, for each of its chain."""
    lines = []
    for each in chain_of(error):
        places = [
            f"{e.filename.rsplit('/', 1)[-1]}:{e.lineno} {e.name}"
            for e in traceback.extract_tb(each.__traceback__)
        ]
        lines.append(f"{type(each).__name__}: {_text(each)[:200]} [{' > '.join(places[-8:])}]")
    return " | ".join(lines[:5])
