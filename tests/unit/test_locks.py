from __future__ import annotations

import random
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from gobind.locks import ReentrantLock


class Struck(Exception):
    """What the signal handler raises."""


@pytest.fixture
def alarms() -> Iterator[None]:
    """Signals raise `Struck`."""

    def strike(number: int, frame: Any) -> None:
        raise Struck

    usual = signal.signal(signal.SIGALRM, strike)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, usual)


@pytest.mark.skipif(
    sys.platform == "win32" or sys.implementation.name != "cpython",
    reason="no timers; PyPy runs handlers between any two instructions",
)
def test_a_signal_handlers_exception_never_leaves_the_lock_locked(alarms: None) -> None:
    """With `threading.RLock` this fails on CPython 3.14."""
    lock: Any = ReentrantLock()
    struck = 0
    while struck < 1000:
        try:
            signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-6, 3e-5))
            for _ in range(1000):
                with lock, lock:
                    pass
        except Struck:
            struck += 1
        assert not lock._is_owned()


@pytest.mark.skipif(
    sys.platform == "win32" or sys.implementation.name != "cpython",
    reason="no signals; PyPy runs handlers between any two instructions",
)
def test_a_second_exception_does_not_skip_the_release(alarms: None) -> None:
    """With `threading.RLock` this fails on CPython 3.10: a signal is pending where the first exception leaves."""
    lock: Any = ReentrantLock()
    for _ in range(100):
        with pytest.raises((Struck, TypeError)):
            with lock:
                fail_with_a_signal_pending()
        assert not lock._is_owned()


def fail_with_a_signal_pending() -> None:
    """Sends this process a signal from the last step in C before an exception, so that its handler runs behind that."""
    results: Any = map(signal.raise_signal, (signal.SIGALRM,))
    next(map(int, results))


@pytest.mark.skipif(sys.platform == "win32", reason="no timers")
def test_a_signal_handlers_exception_ends_the_waiting(alarms: None) -> None:
    lock: Any = ReentrantLock()
    locked, over = threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            locked.set()
            over.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    locked.wait()
    with pytest.raises(Struck):
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        with lock:
            pass
    over.set()
    thread.join()
    with lock, lock:
        assert lock._is_owned()
    assert not lock._is_owned()
