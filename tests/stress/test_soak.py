"""Everything at once for as long as the variable SOAK says, in seconds (make stress)."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import subprocess
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any, Callable

import libraries
import pytest
from programs import command

import gobind
from gobind import _debug

pytestmark = pytest.mark.slow

SOAK = float(os.environ.get("SOAK") or 60)
THREADS = 16
SETTLED = 10
"""Seconds until memory counts as settled."""

FORK = """
import warnings; warnings.filterwarnings("ignore", category=DeprecationWarning)
sleeper.echo(1)
for _ in range(20):
    child = os.fork()
    if not child:
        ok = sleeper.echo(2) == 2 and asyncio.run(sleeper.echo_later(3)) == 3
        os._exit(0 if ok else 1)
    assert os.waitpid(child, 0)[1] == 0
"""


def resident() -> float:
    """MiB of this process that are in RAM."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20


class Soak:
    """The threads that call, and what they count."""

    def __init__(self, sleeper: Any) -> None:
        self.sleeper = sleeper
        self.stop = threading.Event()
        self.counts: Counter[str] = Counter()
        self.failures: list[BaseException] = []

    def work(self, seed: int) -> None:
        numbers = random.Random(seed)
        kinds = [self.calls, self.calls, self.awaits, self.panics, self.objects, self.buffers, self.one_way]
        kinds += [self.fork] if seed == 0 else [self.collect] if seed == 1 else []
        try:
            while not self.stop.is_set():
                kind: Callable[[random.Random], None] = numbers.choice(kinds)
                kind(numbers)
                self.counts[kind.__name__] += 1  # racy, and only for the eye
        except BaseException as failure:
            self.failures.append(failure)
            self.stop.set()

    def calls(self, numbers: random.Random) -> None:
        for i in range(100):
            assert self.sleeper.echo(i) == i
            assert self.sleeper.echo_blocking(i) == i
        n = numbers.choice([0, 10, 10_000])
        assert self.sleeper.repeat_blocking("x" * 30, n) == ["x" * 30] * n
        try:
            with gobind.timeout(0.001):
                self.sleeper.sleep(50)
            raise AssertionError("it slept")
        except TimeoutError:
            pass

    def awaits(self, numbers: random.Random) -> None:
        async def main() -> None:
            sleeper = self.sleeper
            echoes = [sleeper.echo_later, sleeper.echo_by_ring, sleeper.echo_by_ring_of_1]
            tasks = [asyncio.ensure_future(echoes[i % 3](i)) for i in range(100)]
            sleeps = [sleeper.sleep_later, sleeper.sleep_by_ring, sleeper.sleep_deaf_later]
            sleeping = [asyncio.ensure_future(sleeps[i % 3](i % 5)) for i in range(30)]
            await asyncio.sleep(numbers.choice([0, 0.001]))
            for task in numbers.sample(sleeping, 20):
                task.cancel()
            assert await asyncio.gather(*tasks) == [*range(100)]
            await asyncio.gather(*sleeping, return_exceptions=True)

        asyncio.run(main())

    def panics(self, numbers: random.Random) -> None:
        for how, expected in [
            ("panic", gobind.GoPanic),
            ("error", gobind.GoError),
            ("refused", gobind.GoError),
        ]:
            try:
                self.sleeper.fail_blocking(how)
                raise AssertionError("it did not fail")
            except expected:
                pass

    def objects(self, numbers: random.Random) -> None:
        with self.sleeper.thing() as thing:
            assert thing.value() == 42
        assert [*self.sleeper.numbers(100)] == [*range(100)]
        for n in self.sleeper.numbers(10**9):
            if n == 50:
                break

    def buffers(self, numbers: random.Random) -> None:
        async def main() -> None:
            gate = f"gate {threading.get_ident()}"
            data = bytearray(b"\1" * numbers.choice([0, 10, 100_000]))
            task = asyncio.ensure_future(self.sleeper.fill_after(gate, data, 2))
            await asyncio.sleep(0)
            await asyncio.to_thread(self.sleeper.wait_started, gate, 1)
            if numbers.random() < 0.5:
                task.cancel()
            self.sleeper.open_gate(gate)
            await asyncio.gather(task, return_exceptions=True)

        asyncio.run(main())

    def one_way(self, numbers: random.Random) -> None:
        for i in range(50):
            self.sleeper.push(i)
            self.sleeper.push_by_1024(i)
        self.sleeper.pushed(0)  # whatever has come

    def fork(self, numbers: random.Random) -> None:
        assert subprocess.run(command(FORK)).returncode == 0

    def collect(self, numbers: random.Random) -> None:
        gc.collect()
        libraries.load("sleeper").runtime.gc()


def test_soak() -> None:
    sleeper = libraries.load("sleeper", libraries.contract_of("sleeper").Sleeper)
    soak = Soak(sleeper)
    threads = [threading.Thread(target=soak.work, args=(seed,)) for seed in range(THREADS)]
    for thread in threads:
        thread.start()
    start, settled, high = time.monotonic(), 0.0, 0.0
    try:
        while time.monotonic() < start + SOAK and not soak.stop.wait(1):
            passed = time.monotonic() - start
            if passed >= SETTLED:
                settled = max(settled, resident()) if passed < SETTLED + 3 else settled
            if int(passed) % 5 == 0:
                stats = libraries.load("sleeper").runtime.stats()
                print(f"\n{passed:4.0f} s  {resident():5.0f} MiB  {stats}", end="", flush=True)
    finally:
        soak.stop.set()
        for thread in threads:
            thread.join()
    high = resident()
    print(
        f"\n{dict(soak.counts)}; {settled:.0f} MiB after {SETTLED} s, {high:.0f} MiB at the end", flush=True
    )
    assert soak.failures == []
    sleeper.pushed(0)
    gc.collect()
    assert _debug.live() == 0
    assert not settled or high < 1.1 * settled
