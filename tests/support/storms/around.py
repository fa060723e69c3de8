"""What goes on around the calls: other threads, collections, forks, a watchdog."""

from __future__ import annotations

import faulthandler
import gc
import os
import random
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import libraries

from gobind import _debug

from .calls import KINDS, Caller, mix, name
from .oracle import Oracle
from .weather import Weather

ROUNDS = 200
"""Collections of both sides without a change after which what is left will stay."""


def resident() -> float:
    """MiB of this process that are in RAM."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20


class Company:
    """Threads that make the same kind of calls, undisturbed."""

    def __init__(self, storm: Any, oracle: Oracle, kind: str, seed: int, threads: int) -> None:
        self._stop = threading.Event()
        self.callers = [Caller(storm, oracle, seed + i, sender=10 + i) for i in range(1, threads + 1)]
        works, _ = KINDS[kind]
        self._threads = [threading.Thread(target=self._work, args=(each, works)) for each in self.callers]
        self._oracle = oracle

    def begin(self) -> None:
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _work(self, caller: Caller, names: list[str]) -> None:
        try:
            while not self._stop.is_set():
                make_work(caller, names)()
                if caller.tasks:
                    caller.finish_batch()
                time.sleep(caller.numbers.choice([0.0002, 0.003]))
            caller.close_loop()
        except BaseException as error:
            self._oracle.failures.add(
                f"an undisturbed thread got {type(error).__name__}", traceback.format_exc()
            )


def make_work(caller: Caller, names: list[str]) -> Callable[[], None]:
    """One attempt's work."""
    if names[0].startswith(("later", "ring")):
        return caller.batch([getattr(caller, name) for name in names])
    work: Callable[[], None] = getattr(caller, caller.numbers.choice(names))
    return work


class Surroundings:
    """Collections and forks, between attempts and inside of signal handlers."""

    def __init__(self, storm: Any, oracle: Oracle, weather: Weather, numbers: random.Random) -> None:
        self._storm, self._oracle, self._weather, self._numbers = storm, oracle, weather, numbers
        self.forks = self.collections = 0

    def step(self, rarity: int) -> None:
        """Between attempts: seldom something."""
        chance = self._numbers.randrange(rarity)
        if chance == 0:
            self.fork()
        elif chance < 4:
            self.collections += 1
            gc.collect()
        elif chance == 4:
            gc.freeze()
        elif chance == 5:
            gc.unfreeze()
        elif chance == 6:
            gc.set_threshold(self._numbers.choice([20, 200, 700]))
        elif chance == 7:
            libraries.load("storm").runtime.gc()
        elif chance == 8:
            sys.setswitchinterval(self._numbers.choice([0.000_01, 0.000_1, 0.001]))

    def fork(self) -> None:
        """Fork a child that makes a few calls."""
        oracle, storm = self._oracle, self._storm
        budget, oracle.budget = oracle.budget, 0
        self.forks += 1
        child = os.fork()
        if not child:
            status = 3
            try:
                self._weather.leave_child()
                # Not dump_traceback_later: in a child CPython waits for the thread that the parent's call has started.
                signal.signal(signal.SIGALRM, signal.SIG_DFL)
                faulthandler.register(signal.SIGALRM, all_threads=True, chain=True)
                signal.setitimer(signal.ITIMER_REAL, 10)
                answers = [storm.mix(5), storm.name(6), storm.mix_blocking(7), storm.call(mix, 8, 1)]
                if answers == [mix(5), name(6), mix(7), mix(8)]:
                    status = 0
                else:
                    status = 2
                    print(f"child of a fork: {answers}", file=sys.stderr)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(status)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status:
            kinds = {-signal.SIGALRM: "hangs", 2: "got a wrong value", 3: "got an exception"}
            oracle.failures.add(f"the child of a fork {kinds.get(status, f'ended with {status}')}")
        oracle.budget = budget


class Watchdog:
    """Ends the process, with all stacks, if nothing has moved for so many seconds."""

    def __init__(
        self, seconds: float, moved: Callable[[], Any], hung: Callable[[], None], storm: Any
    ) -> None:
        self._seconds, self._moved, self._hung, self._storm = seconds, moved, hung, storm
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        last, since = None, time.monotonic()
        while True:
            # For what holds the GIL for ever, or keeps this thread from running.
            faulthandler.dump_traceback_later(3 * self._seconds, exit=True)
            time.sleep(0.5)
            moved = self._moved()
            if moved != last:
                last, since = moved, time.monotonic()
            elif time.monotonic() > since + self._seconds:
                faulthandler.dump_traceback(all_threads=True)
                asking = threading.Thread(
                    target=lambda: print(self._storm.stacks(), file=sys.stderr), daemon=True
                )
                asking.start()
                asking.join(5)
                self._hung()
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(70)


def left(tick: Callable[[], None]) -> dict[str, int]:
    """What is left of Go's and of Python's after everything has ended and been collected.

    Args:
        tick: called once a round, for the watchdog.
    """
    runtime = libraries.load("storm").runtime
    gc.unfreeze()
    counts, same = {"live": -1, "exported": -1}, 0
    while any(counts.values()) and same < ROUNDS:
        gc.collect()
        runtime.gc()
        time.sleep(0.001)
        before, counts = counts, {"live": _debug.live(), "exported": _debug.exported()}
        same = same + 1 if counts == before else 0
        tick()
    return counts
