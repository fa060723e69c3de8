"""Each step: an exception injected at every place of a call where CPython looks for signals, one after another.

``python -m storms.steps WORK ...`` (a name in `storms.calls.KINDS`, or a method of `Caller`). What storms meet by
chance this goes through: for k = 0, 1 ... the same work is done once more and is struck at its k-th step, until it has
none. ``--second N`` injects another one N steps behind the first; ``--nested WORK`` makes other calls there instead. A step is what stands behind an instruction after
which CPython runs signal handlers (a call, the entry of a function, a jump back), in gobind's own code. Calls are
made in one thread.

Prints each place that failed, once for each way to fail.
"""

from __future__ import annotations

import argparse
import dis
import faulthandler
import gc
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any, Optional

import libraries

from gobind import _debug

from .around import Watchdog, make_work
from .calls import GOBIND, KINDS, Caller, contract
from .oracle import Alarm, Bare, Failures, Oracle

BEHIND = ("CALL", "RESUME", "JUMP_BACKWARD", "JUMP_ABSOLUTE", "SEND", "YIELD", "WITH_EXCEPT")
"""Beginnings of the names of instructions after which signals are handled."""

BEHIND_310 = ("CALL", "JUMP_ABSOLUTE", "POP_JUMP")
"""The same for CPython 3.10, which handles them also where a function or a handler of exceptions begins."""

NOT_BEFORE_310 = ("SETUP_FINALLY", "SETUP_WITH", "BEFORE_ASYNC_WITH", "YIELD_FROM")
"""Names of instructions before which CPython 3.10 never does (its Python/ceval.c)."""


class Stepper:
    """Strikes at steps by their numbers, as a trace function.

    Attributes:
        count: the steps so far.
        places: where it has struck.
    """

    def __init__(
        self, oracle: Oracle, steps: list[int], cls: Any, nested: Optional[Callable[[], None]]
    ) -> None:
        self._oracle, self._steps, self._cls, self._nested = oracle, steps, cls, nested
        self._last: dict[FrameType, int] = {}
        self._names: dict[CodeType, dict[int, str]] = {}
        self.count = 0
        self.places: list[str] = []

    def __call__(self, frame: FrameType, event: str, arg: Any) -> Any:
        if not frame.f_code.co_filename.startswith(("<gobind", GOBIND)):
            return None
        frame.f_trace_lines = False
        frame.f_trace_opcodes = True
        if event == "opcode":
            before = self._last.get(frame)
            self._last[frame] = frame.f_lasti
            if self._is_step(frame.f_code, before, frame.f_lasti):
                self._step(frame)
        elif event == "exception":
            self._last[frame] = -1  # what comes is not behind the instruction that has raised it
        elif event == "return":
            self._last.pop(frame, None)
        return self

    def profile(self, frame: Any, event: str, arg: Any) -> None:
        """Go on: a trace function that has raised is removed by CPython, a profile function is not."""
        if sys.gettrace() is None and self.count <= max(self._steps, default=-1):
            sys.settrace(self)
            while frame is not None:
                frame.f_trace = self(frame, "again", None)
                self._last[frame] = frame.f_lasti
                frame = frame.f_back

    def _is_step(self, code: CodeType, before: Optional[int], at: int) -> bool:
        if code not in self._names:
            self._names[code] = {
                each.offset: each.opname
                for each in dis.get_instructions(code)
                if each.opname != "RESUME" or not (each.arg or 0) >= 2  # no signals there
            }
        if sys.version_info < (3, 11):
            begins = before is None or before < 0
            behind = begins or self._names[code].get(before, "").startswith(BEHIND_310)
            return behind and self._names[code].get(at) not in NOT_BEFORE_310
        if before is None:
            return "RESUME" in self._names[code].values()
        return self._names[code].get(before, "").startswith(BEHIND)

    def _step(self, frame: FrameType) -> None:
        number, self.count = self.count, self.count + 1
        if number in self._steps:
            name = frame.f_code.co_filename.rsplit("/", 1)[-1]
            self.places.append(f"{name}:{frame.f_lineno} {frame.f_code.co_name} (at {frame.f_lasti})")
            if number == max(self._steps):
                sys.settrace(None)
            if self._nested is not None:
                self._nested()
            else:
                self._oracle.strike(self._cls, frame)


class Walk:
    """All steps of one work."""

    def __init__(
        self, name: str, second: int, bare: bool, first: int, only: int, patience: float, nested: str = ""
    ) -> None:
        self.name, self.second, self.cls, self.nested = name, second, Bare if bare else Alarm, nested
        self.number, self.end = first, first + only if only else 1 << 60
        self.storm = libraries.load("storm", contract.Storm)
        self.runtime = libraries.load("storm").runtime
        self.stepper: Any = None
        self.found: set[str] = set()
        self.failed = 0
        Watchdog(patience, lambda: self.number, self.hung, self.storm)

    def hung(self) -> None:
        print(f"STUCK {self.number} hang: {self.name} struck at {' and '.join(self.stepper.places)}")

    def run(self) -> None:
        self.step([])  # compiled, opened ...
        self.step([])
        while self.number < self.end:
            steps = [self.number] + [self.number + self.second] * bool(self.second)
            self.step(steps)
            if not self.stepper.places:
                break
            self.number += 1
        print(f"{self.name}: {self.number} steps, {self.failed} failed", flush=True)

    def step(self, steps: list[int]) -> None:
        failures = Failures()
        oracle = Oracle(failures)
        inner = Caller(self.storm, oracle, 6, sender=1)
        nested = getattr(inner, self.nested) if self.nested else None
        self.stepper = stepper = Stepper(oracle, steps, self.cls, nested)
        caller = Caller(self.storm, oracle, 5)
        caller.limit = 2
        work = make_work(caller, [self.name])
        traced = self._traced(work, stepper)
        oracle.attempt(traced, 2, caller.finish)
        stepper._last.clear()
        for lane in caller.lanes if self.name == "post" else ():
            n = caller._next() << 8
            lane.log.append([n, True])
            lane.send(n)
        if self.name == "post":
            self.check_lanes(caller, inner)
        for text in self.storm.wrongs():
            oracle.wrong(f"Go: {text}")
        self.storm.keep(None)
        caller.close_loop()
        del work, traced, caller
        oracle.settle(None)  # and the exceptions are gone, whose tracebacks keep what was being taken
        self.check_left(failures)
        for kind, first in failures.first.items():
            self.failed += 1
            text = f"{kind}: {self.name} struck at {' and '.join(stepper.places)}"
            if text not in self.found:
                self.found.add(text)
                print(f"{self.number:5} {text}\n          {first[:600]}", flush=True)

    def _traced(self, work: Callable[[], None], stepper: Stepper) -> Callable[[], None]:
        def traced() -> None:
            sys.settrace(stepper)
            if len(stepper._steps) > 1:
                sys.setprofile(stepper.profile)
            try:
                work()
            finally:
                sys.setprofile(None)
                sys.settrace(None)

        return traced

    def check_lanes(self, caller: Caller, inner: Caller) -> None:
        received: list[list[int]] = []
        for number, lane in enumerate(caller.lanes):
            got: list[int] = []
            end = time.monotonic() + 2
            while (not got or got[-1] != lane.log[-1][0]) and time.monotonic() < end:
                got += self.storm.posted(number)
            received.append(got)
        caller.check_lanes(received)
        inner.check_lanes(received)

    def check_left(self, failures: Failures) -> None:
        end = time.monotonic() + 1
        gc.collect()
        while _debug.live() or _debug.exported():
            gc.collect()
            self.runtime.gc()
            if time.monotonic() > end:
                failures.add(
                    f"left: {_debug.live() - self.leaks[0]} live, {_debug.exported() - self.leaks[1]} exported"
                )
                self.leaks = _debug.live(), _debug.exported()
                return
            if (_debug.live(), _debug.exported()) == self.leaks:
                return

    leaks = 0, 0


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m storms.steps")
    parser.add_argument("works", nargs="+", help="names of works, or of kinds of them")
    parser.add_argument("--second", type=int, default=0, help="strike again so many steps behind the first")
    parser.add_argument("--bare", action="store_true", help="inject what is no Exception")
    parser.add_argument("--nested", default="", help="a work that a handler does there, instead of raising")
    parser.add_argument("--first", type=int, default=0, help="begin with that step")
    parser.add_argument("--only", type=int, default=0, help="so many steps; all of them if it is not given")
    parser.add_argument("--patience", type=float, default=15)
    parser.add_argument("--here", action="store_true", help="in this process")
    options = parser.parse_args()
    if options.here:
        warnings.simplefilter("ignore")
        faulthandler.enable()
        Walk(
            options.works[0],
            options.second,
            options.bare,
            options.first,
            options.only,
            options.patience,
            options.nested,
        ).run()
        return
    for work in options.works:
        for name in KINDS[work][0] if work in KINDS else [work]:
            walk(name, options)


def walk(name: str, options: Any) -> None:
    """All steps of a work, in a process of its own; a new one goes on behind a step that hangs."""
    first = options.first
    while True:
        arguments = [name, "--here", f"--second={options.second}", f"--first={first}"]
        arguments += [
            f"--patience={options.patience}",
            f"--only={options.only}",
            f"--nested={options.nested}",
        ] + ["--bare"] * options.bare
        done = subprocess.run(
            [sys.executable, "-m", "storms.steps", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        stuck = [line for line in done.stdout.splitlines() if line.startswith("STUCK")]
        for line in done.stdout.splitlines():
            if line not in stuck:
                print(line, flush=True)
        if stuck:
            print(f"{stuck[0][6:]}", flush=True)
            first = int(stuck[0].split()[1]) + 1
        else:
            if done.returncode:
                print(f"{name}: ended with {done.returncode}: {done.stderr[-1500:]}", flush=True)
            return


if __name__ == "__main__":
    main()
