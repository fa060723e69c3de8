"""Rows of the benchmark, the ways to do each, and how they are timed."""

from __future__ import annotations

import gc
import statistics
import sys
import time
import timeit
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Optional

GOBIND = "gobind"
LIMIT = "limit"

MAXIMUM = 1 << 20
"""How many times a statement is run in one repeat, at most."""


class Unavailable(Exception):
    """A way cannot be measured here; the text says why, in a few words."""


class Case:
    """One way of doing a piece of work: a statement, timed as `timeit` does, but with the cyclic collector on.

    Programs run with it, and it takes half the time of making many objects before CPython 3.12.

    Args:
        statement: of Python.
        per: how many pieces of work the statement does.
        names: what the statement uses.
    """

    def __init__(self, statement: str, *, per: float = 1, **names: Any) -> None:
        self.per = per
        self._timeit = timeit.Timer(statement, "__import__('gc').enable()", globals=names).timeit

    def run(self, n: int) -> float:
        """Seconds that n statements take."""
        return self._timeit(n)

    def settle(self, n: int) -> None:
        """Before a repeat: let the threads of the way before fall asleep, and fill the caches again."""
        time.sleep(0.002)
        self.run(max(1, n // 20))


class Timed(Case):
    """A way that keeps the time itself: ``run(n)`` does the work n times and returns the seconds."""

    def __init__(self, run: Callable[[int], float], *, per: float = 1) -> None:
        self.per = per
        self._run = run

    def run(self, n: int) -> float:
        return self._run(n)


class Once(Timed):
    """A way of which one run at a time is a measurement: processes, memory."""

    def __init__(self, run: Callable[[], float], *, per: float = 1) -> None:
        super().__init__(lambda n: run(), per=per)

    def settle(self, n: int) -> None:
        """A process starts anew anyway."""


Maker = Callable[[], Case]


@dataclass
class Row:
    """A piece of work.

    Attributes:
        name: in few words, unique; bars refer to it.
        makers: what makes each way, by name: ``gobind``, then ``limit`` and peers.
        limit: what cannot be avoided, in words.
        unit: of the results, "s" or "B".
    """

    group: str
    name: str
    makers: Dict[str, Maker]
    limit: str = ""
    unit: str = "s"


@dataclass
class Way:
    """The result of one way: a median, the least, and the ratio of gobind to it."""

    median: float
    least: float
    ratio: float = 1.0  # 0 if the other way takes nothing


@dataclass
class Result:
    """The results of one row."""

    row: Row
    ways: Dict[str, Way] = field(default_factory=dict)
    missing: Dict[str, str] = field(default_factory=dict)


@dataclass
class Effort:
    """How much to measure: how many turns, and how long one way's repeat takes in each."""

    turns: int = 11
    seconds: float = 0.02
    longest: float = 12.0  # for all turns of one way

    @classmethod
    def quick(cls) -> Effort:
        return cls(turns=5, seconds=0.005, longest=2.0)


def measure(row: Row, effort: Effort) -> Result:
    """Measure all ways of a row in turn."""
    result = Result(row)
    cases: Dict[str, Case] = {}
    counts: Dict[str, int] = {}
    for name, make in row.makers.items():
        try:
            case = make()
            counts[name] = _calibrate(case, effort)
            cases[name] = case
        except Exception as error:  # a way that fails is not measured; the others are
            result.missing[name] = _why(error)
    samples: Dict[str, List[float]] = {name: [] for name in cases}
    spent = dict.fromkeys(cases, 0.0)
    gc.collect()
    for turn in range(effort.turns):
        for name, case in cases.items():
            if name in result.missing or (turn >= 3 and spent[name] > effort.longest):
                continue
            begin = time.perf_counter()
            try:
                case.settle(counts[name])
                samples[name].append(case.run(counts[name]) / counts[name] / case.per)
            except Exception as error:
                result.missing[name] = _why(error)
            spent[name] += time.perf_counter() - begin
    for name in result.missing:
        samples.pop(name, None)
    for name, values in samples.items():
        way = result.ways[name] = Way(statistics.median(values), min(values))
        if GOBIND in samples:
            pairs = [own / other for own, other in zip(samples[GOBIND], values) if other > 0]
            way.ratio = statistics.median(pairs) if pairs else 0.0
    return result


def _why(error: Exception) -> str:
    text = str(error) if isinstance(error, Unavailable) else f"{type(error).__name__}: {error}"
    return (text.splitlines() or [""])[0][:100]


def _calibrate(case: Case, effort: Effort) -> int:
    """How often to run a case in one repeat; this warms it up, too."""
    if isinstance(case, Once):
        return 1
    n = 1
    while True:
        taken = case.run(n)
        if taken < effort.seconds:  # what came in between must not make the repeats short
            taken = min(taken, case.run(n), case.run(n))
        if taken >= effort.seconds / 4 or n >= MAXIMUM:
            return max(1, min(MAXIMUM, round(n * effort.seconds / max(taken, 1e-9))))
        n *= 4


class Progress:
    """Says what is being measured: in place on a terminal, nothing in a log."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._shown = sys.stderr.isatty()
        self._done = 0

    def show(self, name: str) -> None:
        self._done += 1
        if self._shown:
            sys.stderr.write(f"\r\x1b[K[{self._done}/{self._total}] {name}")
            sys.stderr.flush()

    def note(self, text: str) -> None:
        if self._shown:
            sys.stderr.write(f"\r\x1b[K{text}")
            sys.stderr.flush()
        else:
            print(text, file=sys.stderr)

    def clear(self) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


@dataclass(frozen=True)
class Bar:
    """How fast gobind has to be: ``time <= ratio * other + plus``.

    Attributes:
        row: its name.
        other: a way of that row; "" if only `plus` counts.
        ratio, plus: see above; `plus` in seconds.
        issue: which asks for it.
    """

    row: str
    other: str
    ratio: float
    issue: int
    plus: float = 0.0

    def meets(self, result: Result, slack: float = 1.0) -> Optional[bool]:
        """Whether a result meets the bar; None if that could not be measured."""
        own = result.ways.get(GOBIND)
        if own is None:
            return None
        if not self.other:
            return own.median <= self.plus * slack
        way = result.ways.get(self.other)
        if way is None:
            return None
        if not self.plus:
            return way.ratio <= self.ratio * slack
        return own.median <= (self.ratio * way.median + self.plus) * slack
