"""The tests of tests/live that get better the more often they run, run often (make stress)."""

from __future__ import annotations

import time
from pathlib import Path

import libraries
import pytest
from programs import run

from tests.live import test_async, test_exit, test_fork
from tests.live.test_exit import KINDS

pytestmark = pytest.mark.slow


def resident() -> int:
    """Bytes of this process's memory that are in RAM."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def note(text: str) -> None:
    print(f"\n{time.strftime('%H:%M:%S')} {text}", end="", flush=True)


def test_a_million_calls_with_random_cancellations() -> None:
    sleeper = libraries.load("sleeper", libraries.contract_of("sleeper").Sleeper)
    test_async.cancel_in_threads(sleeper, 10_000)
    before = resident()
    for hundredth in range(10):
        ended = test_async.cancel_in_threads(sleeper, 25_000)
        assert set(ended) == {"done", "cancelled", "ended"} and ended["ended"] == 100_000
        note(f"{(hundredth + 1) * 100_000} calls, {dict(ended)}, {resident() >> 20} MiB")
    assert resident() < before * 1.1 + (8 << 20)


@pytest.mark.parametrize("kind", KINDS)
def test_exits(kind: str) -> None:
    test_exit.leave(kind, 500, note)


@pytest.mark.parametrize("way", test_async.LEAVING)
def test_leaving_with_calls_in_flight(way: str) -> None:
    for number in range(200):
        text = test_async.LEAVING[way] + f"\nsys.exit({number % 7})\n"
        assert run(text, "-X", "dev") == (number % 7, "", ""), number
    note(f"{way}: 200 exits")


def test_forks_from_busy_threads() -> None:
    for hundred in range(10):
        assert run(test_fork.forks_from_busy_threads(100), timeout=600) == (0, "", "")
        note(f"{(hundred + 1) * 100} forks")


def test_gunicorn(tmp_path: Path) -> None:
    test_fork.serve_with_gunicorn(tmp_path, 10_000)
