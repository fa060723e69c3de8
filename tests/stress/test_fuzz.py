"""Ten million frames by chance, or as many as FUZZ says: responses, and as many requests.

`tests.stress.fuzz` says how a failure of a response is replayed; Go writes what failed to ``testdata``, and says how.
"""

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


def test_responses() -> None:
    seed = random.SystemRandom().randrange(2**32)
    share = -(-COUNT // WORKERS)
    command = [sys.executable, str(Path(__file__).with_name("fuzz.py"))]
    workers = [
        subprocess.Popen(
            [*command, str(seed + number), str(share)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for number in range(WORKERS)
    ]
    outputs = [worker.communicate()[0] for worker in workers]
    for worker, output in zip(workers, outputs):
        assert worker.returncode == 0, f"seed {seed}: {output[-5000:]}"
        print("\n".join(output.splitlines()[-8:]))


@pytest.mark.parametrize(
    ("package", "target"),
    [("gobind", "FuzzReader"), ("gobind", "FuzzRequest"), ("testlibs/echo", "FuzzEcho")],
)
def test_requests(package: str, target: str) -> None:
    tool = [sys.executable, "-m", "gobind.tool.builder.toolchain", "go"]
    options = [
        "-run",
        "^$",
        "-fuzz",
        f"^{target}$",
        "-fuzztime",
        f"{-(-COUNT // 3)}x",
        "-parallel",
        str(WORKERS),
    ]
    done = subprocess.run(
        [*tool, "test", *options, "."],
        cwd=ROOT / "gosrc" / package,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:]
    print("\n".join(done.stdout.splitlines()[-3:]))
