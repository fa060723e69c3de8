"""Some frames by chance; ``make stress`` decodes ten million, see `tests.stress.fuzz`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import gobind

PROGRAM = Path(gobind.__file__).parent.parent / "tests" / "stress" / "fuzz.py"


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="protects pages, and reads how much memory it took"
)
@pytest.mark.skipif(sys.implementation.name != "cpython", reason="slices ctypes arrays without end")
def test_damaged_frames_are_refused() -> None:
    done = subprocess.run(
        [sys.executable, PROGRAM, "7", "20000"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "decoded" in done.stdout and "CorruptFrame" in done.stdout
