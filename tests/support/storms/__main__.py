"""``python -m storms KIND WEATHER [--calls N] [--seed N]``: one storm; prints a report, and exits 1 if anything failed.

``python -m storms table [--calls N] [--seeds N]``: all of them, each in a process of its own, as a table.
"""

from __future__ import annotations

import argparse
import faulthandler
import gc
import json
import random
import sys
import time
import warnings
from collections.abc import Sequence
from typing import Optional

import libraries

from .around import Company, Surroundings, Watchdog, left, make_work, resident
from .calls import KINDS, Caller, contract, in_gobind
from .oracle import Failures, Oracle
from .weather import WEATHERS, Weather

TENTHS = 10
ROOM = 12
"""MiB that memory may grow by, beside a tenth: fragments, and Go's heap between two collections."""


class Storm:
    """One storm in this process."""

    def __init__(self, kind: str, weather: str, calls: int, seed: int, threads: int, patience: float) -> None:
        self.kind, self.wanted, self.seed = kind, calls, seed
        self.storm = libraries.load("storm", contract.Storm)
        self.failures = Failures()
        self.oracle = Oracle(self.failures)
        self.numbers = random.Random(seed)
        self.works, self._nested_works = KINDS[kind]
        self.caller = Caller(self.storm, self.oracle, self.numbers.randrange(1 << 30))
        self.nested_callers = [
            Caller(self.storm, self.oracle, self.numbers.randrange(1 << 30), sender=i) for i in (1, 2)
        ]
        self.is_async = self.works[0].startswith(("later", "ring"))
        if self.is_async:
            self.oracle.may = in_gobind
        self.weather = Weather(weather, self.oracle, random.Random(seed + 1), self.nested)
        self.around = Surroundings(self.storm, self.oracle, self.weather, random.Random(seed + 2))
        self.company = Company(self.storm, self.oracle, kind, seed + 3, threads)
        self.memory: list[float] = []
        self.attempts = self.ticks = 0
        self.lanes: list[list[int]] = [[] for _ in self.caller.lanes]
        self.left: dict[str, int] = {}
        self.begun = time.monotonic()
        self.patience = patience

    @property
    def calls(self) -> int:
        """How many calls have been made in the main thread: answered, or interrupted."""
        answered = self.caller.calls + sum(each.calls for each in self.nested_callers)
        return answered + self.oracle.interrupted

    def nested(self) -> None:
        """What the handler of SIGUSR1 does."""
        caller = self.nested_callers[self.weather.depth - 1 & 1]
        if caller.numbers.random() < 0.005:
            self.around.fork()
        else:
            getattr(caller, caller.numbers.choice(self._nested_works))()

    def run(self) -> None:
        """Make the calls, then see what is left."""
        Watchdog(self.patience, lambda: (self.attempts, self.calls, self.ticks), self.hung, self.storm)
        self.company.begin()
        self.weather.begin()
        try:
            self._make_calls()
        finally:
            self.weather.end()
            self.company.end()
        self._check()

    def _make_calls(self) -> None:
        rarity = max(200, self.wanted // 100)
        wanted_strikes = self.wanted // 100
        while self.calls < self.wanted or self.oracle.serial < wanted_strikes:
            self.attempts += 1
            work = make_work(self.caller, self.works)
            self.weather.depth = 0
            self.oracle.attempt(work, self.weather.budget, self.caller.finish)
            self.around.step(rarity)
            if self.attempts % 500 == 0:
                self._check_answers(False)
                print(f"{self.kind} {self.weather.name} {self.calls} calls", file=sys.stderr, flush=True)
            done = min(self.calls / self.wanted, self.oracle.serial / wanted_strikes if wanted_strikes else 1)
            if done * TENTHS >= len(self.memory) + 1:
                self._measure()

    def _tick(self) -> None:
        self.ticks += 1

    def _measure(self) -> None:
        self._tick()
        gc.collect()
        libraries.load("storm").runtime.gc()
        self.memory.append(round(resident(), 1))

    def _check_answers(self, is_last: bool) -> None:
        """What Go has found wrong, and what has come of the one-way messages."""
        for text in self.storm.wrongs():
            self.oracle.wrong(f"Go: {text}")
        if self.kind in ("post", "ring"):
            self._check_lanes(is_last)

    def _check_lanes(self, is_last: bool) -> None:
        callers = [self.caller, *self.nested_callers]
        for lane in self.caller.lanes:  # the last message of each lane: what comes before it has come
            n = self.caller._next() << 8
            lane.log.append([n, True])
            lane.send(n)
        end = time.monotonic() + 10
        for number, received in enumerate(self.lanes):
            while True:
                received += self.storm.posted(number)
                mine = [n for n in received[-2000:] if n & 255 == 0]
                if mine and mine[-1] == self.caller.lanes[number].log[-1][0]:
                    break
                self._tick()
                if time.monotonic() > end:
                    self.oracle.wrong(f"lane {number}, the last message has not come: the ring does not move")
                    break
                time.sleep(0.0005)
        for caller in callers:
            caller.check_lanes(self.lanes)
        if is_last:
            for caller in self.company.callers:
                caller.check_lanes(self.lanes)
        for received in self.lanes:
            received[:] = [n for n in received if n & 255 >= 10 and not is_last]

    def _check(self) -> None:
        self._check_answers(True)
        self.caller.close_loop()
        self.storm.keep(None)
        self.left = left(self._tick)
        for name, count in self.left.items():
            if count:
                self.failures.add(f"left: {name}", str(count))
        active = self.storm.active()
        if active:
            self.failures.add("left: streams that run", str(active))
        half = len(self.memory) // 2
        first, second = max(self.memory[1:half], default=0), max(self.memory[half:], default=0)
        if first and second > 1.1 * first + ROOM:
            self.failures.add("memory grows", str(self.memory))

    def hung(self) -> None:
        self.failures.add("hang", f"after {self.attempts} attempts, {self.calls} calls")
        self.report()

    def report(self) -> None:
        """Print what happened, as the last line."""
        print(
            json.dumps(
                {
                    "kind": self.kind,
                    "weather": self.weather.name,
                    "seed": self.seed,
                    "python": sys.version.split()[0],
                    "seconds": round(time.monotonic() - self.begun, 1),
                    "calls": self.calls,
                    "company_calls": sum(each.calls for each in self.company.callers),
                    "attempts": self.attempts,
                    "injected": self.oracle.serial,
                    "interrupted": self.oracle.interrupted,
                    "signals": self.weather.signals,
                    "forks": self.around.forks,
                    "explained": self.oracle.explained,
                    "failures": {
                        kind: [n, self.failures.first[kind]] for kind, n in self.failures.counts.items()
                    },
                    "left": self.left,
                    "memory": self.memory,
                }
            ),
            flush=True,
        )


def main(arguments: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m storms")
    parser.add_argument("kind", choices=[*KINDS, "table"])
    parser.add_argument("weather", choices=WEATHERS, nargs="?", default="all")
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--seeds", type=int, default=1, help="of the table: how many storms of each sort")
    parser.add_argument("--threads", type=int, default=2, help="that make calls, undisturbed")
    parser.add_argument("--patience", type=float, default=15, help="seconds without progress that are a hang")
    options = parser.parse_args(arguments)
    if options.kind == "table":
        from .run import table

        return table(options.calls, options.seeds, options.patience)
    warnings.simplefilter(
        "ignore"
    )  # forks beside threads; objects that an exception has kept from being closed
    faulthandler.enable()
    sys.setswitchinterval(0.000_1)  # the default is as long as thousands of calls
    storm = Storm(
        options.kind, options.weather, options.calls, options.seed, options.threads, options.patience
    )
    storm.run()
    storm.report()
    sys.stdout.flush()
    return 1 if storm.failures.counts else 0


if __name__ == "__main__":
    sys.exit(main())
