"""Ten million frames by chance, or as many as FUZZ says; see `tests.fuzz` for how a failure is replayed."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

import gobind

pytestmark = pytest.mark.slow

ROOT = Path(gobind.__file__).parent.parent
COUNT = int(os.environ.get("FUZZ") or 10_000_000)
WORKERS = os.cpu_count() or 1


def test_damaged_frames_are_refused() -> None:
    seed = random.SystemRandom().randrange(2**32)
    share = -(-COUNT // WORKERS)
    command = [sys.executable, str(ROOT / "tests" / "fuzz.py")]
    workers = [
        subprocess.Popen(
            [*command, str(seed + number), str(share)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        for number in range(WORKERS)
    ]
    outputs = [worker.communicate()[0] for worker in workers]
    for worker, output in zip(workers, outputs):
        assert worker.returncode == 0, f"seed {seed}: {output[-5000:]}"
        print("\n".join(output.splitlines()[-8:]))
