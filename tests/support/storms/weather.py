"""Weathers: which signals come, and what their handlers do.

Each sends process-directed signals at random intervals, 0.05 to 3 ms; only the main thread runs handlers.
"""

from __future__ import annotations

import math
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, Optional

from .oracle import Alarm, Bare, Interrupt, Late, Odd, Oracle

SHORTEST, LONGEST = 0.000_05, 0.003
SENDER = """
import math, os, random, sys, time
pid, number, seed = map(int, sys.argv[1:])
r = random.Random(seed)
while os.getppid() == pid:
    time.sleep(math.exp(r.uniform(math.log(0.00005), math.log(0.003))))
    os.kill(pid, number)
"""


class Weather:
    """The signals of one storm.

    Args:
        nested: what the handler of SIGUSR1 does: a call of Go, whose answer it checks.

    Attributes:
        budget: how many exceptions an attempt may get.
        signals: how many have been handled.
        depth: how many handlers of SIGUSR1 are running, one inside the other; whoever begins an attempt sets it to 0.
    """

    def __init__(self, name: str, oracle: Oracle, numbers: random.Random, nested: Callable[[], None]) -> None:
        self.name = name
        self.budget = 3 if name in ("double", "all") else 1
        self.signals = 0
        self._oracle, self._numbers, self._nested = oracle, numbers, nested
        self._stop = threading.Event()
        self._senders: list[Any] = []
        self.depth = 0

    def begin(self) -> None:
        """Let it begin."""
        name = self.name
        if name in ("alarm", "double", "odd", "all"):
            signal.signal(signal.SIGALRM, self._alarm)
            self._set_timer()
        if name in ("interrupt", "all"):
            signal.signal(signal.SIGINT, self._interrupt)
            self._senders.append(threading.Thread(target=self._send_interrupts, daemon=True))
            self._senders[-1].start()
        if name in ("nested", "all"):
            signal.signal(signal.SIGUSR1, self._usr1)
            arguments = [str(os.getpid()), str(int(signal.SIGUSR1)), str(self._numbers.randrange(1 << 30))]
            self._senders.append(subprocess.Popen([sys.executable, "-S", "-E", "-c", SENDER, *arguments]))

    def end(self) -> None:
        """Let it end."""
        self._stop.set()
        for number in (signal.SIGALRM, signal.SIGINT, signal.SIGUSR1):
            signal.signal(number, signal.SIG_IGN)
        signal.setitimer(signal.ITIMER_REAL, 0)
        for sender in self._senders:
            if isinstance(sender, threading.Thread):
                sender.join()
            else:
                sender.kill()
                sender.wait()

    def leave_child(self) -> None:
        """This is the child of a fork: no signals here."""
        for number in (signal.SIGALRM, signal.SIGINT, signal.SIGUSR1):
            signal.signal(number, signal.SIG_IGN)
        signal.setitimer(signal.ITIMER_REAL, 0)  # set by a handler that was due when the parent forked

    def _interval(self) -> float:
        return math.exp(self._numbers.uniform(math.log(SHORTEST), math.log(LONGEST)))

    def _set_timer(self) -> None:
        # A second exception right behind the first, into the handling of it.
        soon = self.name == "double" and 0 < self._oracle.budget < self.budget
        # The second argument: an exception may strike before this is reached the next time.
        signal.setitimer(
            signal.ITIMER_REAL, self._numbers.uniform(1e-5, 8e-5) if soon else self._interval(), LONGEST
        )

    def _alarm(self, number: int, frame: Optional[FrameType]) -> None:
        self.signals += 1
        try:
            cls: Any = Alarm if self._numbers.random() < 0.7 else Bare
            self._oracle.strike(Odd if self.name == "odd" else cls, frame)
        finally:
            self._set_timer()

    def _interrupt(self, number: int, frame: Optional[FrameType]) -> None:
        self.signals += 1
        self._oracle.strike(Interrupt, frame)

    def _send_interrupts(self) -> None:
        main, numbers = threading.main_thread().ident, random.Random(self._numbers.random())
        assert main is not None
        while not self._stop.is_set():
            time.sleep(math.exp(numbers.uniform(math.log(SHORTEST), math.log(LONGEST))))
            if numbers.random() < 0.5:
                os.kill(os.getpid(), signal.SIGINT)  # whatever thread the system takes, Go's too
            else:
                signal.pthread_kill(main, signal.SIGINT)

    def _usr1(self, number: int, frame: Optional[FrameType]) -> None:
        self.signals += 1
        oracle = self._oracle
        if oracle.budget <= 0 or self.depth > 1 or not oracle.may(frame):
            return
        self.depth += 1
        try:
            self._nested()
            if self._numbers.random() < 0.5:
                oracle.strike(Late, frame)
        finally:
            self.depth -= 1


WEATHERS = ["alarm", "interrupt", "nested", "double", "odd", "all"]
