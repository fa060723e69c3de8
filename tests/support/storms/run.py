"""Storms in processes of their own."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
PATH = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "support")])
"""Where `storms` and gobind are found."""


def run(
    kind: str, weather: str, calls: int, seed: int | None = None, timeout: float = 3600, *options: str
) -> dict[str, Any]:
    """The report of one storm; ``failures`` in it is empty if nothing was wrong.

    A crash or a hang is a failure like the others; ``stderr`` then has the stacks.
    """
    seed = random.randrange(1 << 30) if seed is None else seed
    arguments = [kind, weather, "--calls", str(calls), "--seed", str(seed), *options]
    environ = {**os.environ, "PYTHONPATH": PATH}
    # Files, not pipes: children that hang would keep those open.
    with (
        tempfile.TemporaryFile("w+", errors="replace") as out,
        tempfile.TemporaryFile("w+", errors="replace") as err,
    ):
        done = subprocess.Popen(
            [sys.executable, "-m", "storms", *arguments],
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
        is_late = False
        try:
            done.wait(timeout)
        except subprocess.TimeoutExpired:
            is_late = True
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(done.pid, signal.SIGKILL)  # with children that hang
        done.wait()
        out.seek(0)
        err.seek(0)
        output, errors = out.read(), err.read()
    if is_late:
        errors += "\nkilled: it took too long"
    report: dict[str, Any] = {"kind": kind, "weather": weather, "seed": seed, "failures": {}, "calls": 0}
    for line in output.splitlines():
        if line.startswith("{"):
            report = json.loads(line)
    progress = [line for line in errors.splitlines() if line.startswith(f"{kind} {weather} ")]
    report["stderr"] = "\n".join(line for line in errors.splitlines() if line not in progress)
    report["replay"] = f"PYTHONPATH=tests/support:. python -m storms {' '.join(arguments)}"
    if done.returncode not in (0, 1, 70) or not report.get("seconds"):
        how = f"signal {-done.returncode}" if done.returncode < 0 else f"status {done.returncode}"
        is_stuck = "Timeout (" in errors or "it took too long" in errors
        at = progress[-1] if progress else "at the beginning"
        report["failures"]["hang" if is_stuck else f"crash: {how}"] = [1, f"{at}; {_end_of(errors)}"]
    return report


def _end_of(errors: str) -> str:
    for mark in ("Fatal Python error", "fatal error", "panic:", "SIGSEGV", "Timeout (", "Traceback"):
        at = errors.find(mark)
        if at >= 0:
            return errors[at : at + 1500]
    return errors[-1500:]


def text_of(report: dict[str, Any]) -> str:
    """What a failed test shows."""
    lines = [f"{report['kind']} {report['weather']}, replay: {report['replay']}"]
    lines += [
        f"  {n:6} x {kind}\n           {first[:1500]}" for kind, (n, first) in report["failures"].items()
    ]
    return "\n".join([*lines, report["stderr"][-6000:]])


def table(calls: int, seeds: int, patience: float) -> int:
    """Run all storms and print how each went: kind, weather, calls, injected exceptions, storms that failed."""
    from .calls import KINDS
    from .weather import WEATHERS

    failed = 0
    options = ["--patience", str(patience)]
    for kind in KINDS:
        for weather in WEATHERS:
            counts: Counter[str] = Counter()
            first: dict[str, str] = {}
            made = injected = bad = 0
            for _ in range(seeds):
                report = run(kind, weather, calls, None, 600, *options)
                made += report["calls"]
                injected += report.get("injected", 0)
                bad += bool(report["failures"])
                for what, (n, text) in report["failures"].items():
                    counts[what] += n
                    first.setdefault(what, f"{text[:300]} ({report['replay']})")
            failed += bad
            print(f"| {kind} | {weather} | {made} | {injected} | {bad} of {seeds} |", flush=True)
            for what, n in counts.most_common():
                print(f"    {n:5} x {what}: {first[what]}", flush=True)
    return 1 if failed else 0
