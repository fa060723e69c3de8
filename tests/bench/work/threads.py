"""Several threads at once."""

from __future__ import annotations

import os
import threading
import time
from typing import Any, Dict, List

from tests.bench import peers
from tests.bench.measure import Case, Maker, Row, Timed
from tests.bench.work.common import bench

GROUP = "threads"
ROUNDS = 20_000
"""Steps of the generator that a call of some 30 microseconds does."""


def rows() -> List[Row]:
    return [
        *[_row("add", (3, 4), "add", "add_keeping_gil", "Add", threads) for threads in (1, 2, 4)],
        *[
            _row("30 µs of work", (ROUNDS,), "work", "work_keeping_gil", "Work", threads)
            for threads in (1, 2, 4)
        ],
    ]


def _row(name: str, args: Any, method: str, keeping: str, exported: str, threads: int) -> Row:
    cores = min(threads, os.cpu_count() or 1)
    makers: Dict[str, Maker] = {
        "gobind": lambda: _timed(getattr(bench(), method), args, threads),
        "limit": lambda: _timed(getattr(peers.byhand(), exported), args, 1, per=cores),
        "ctypes": lambda: _timed(getattr(peers.byhand(), exported), args, threads),
        "gobind, release_gil=False": lambda: _timed(getattr(bench(), keeping), args, threads),
    }
    if name == "add":
        del makers["limit"]
    title = f"{name}, {threads} thread{'s' if threads > 1 else ''}"
    return Row(GROUP, title, makers, "one thread's, divided among the cores")


def _timed(function: Any, args: Any, threads: int, per: float = 0) -> Case:
    """Seconds a call, all threads together."""

    def run(n: int) -> float:
        start = threading.Barrier(threads + 1)

        def work() -> None:
            function(*args)  # Go gets to know the thread
            start.wait()
            for _ in range(n):
                function(*args)

        workers = [threading.Thread(target=work) for _ in range(threads)]
        for worker in workers:
            worker.start()
        begin = time.perf_counter()
        start.wait()
        for worker in workers:
            worker.join()
        return time.perf_counter() - begin

    return Timed(run, per=per or threads)
