"""The storm: signals into every kind of call, with an oracle that knows each answer (make stress; `tests/support/storms`).

``STORM`` says how many calls of each kind are made, 100 000 if it is not set; each weather has its part of them.
"""

from __future__ import annotations

import os
import sys

import pytest
from storms.run import run, text_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="signals are sent with os.kill"),
]

KINDS = ["sync", "blocking", "post", "callback", "stream", "object", "buffer", "async", "ring", "awaited"]
WEATHERS = ["alarm", "interrupt", "nested", "double", "odd", "all"]
CALLS = int(os.environ.get("STORM") or 100_000) // len(WEATHERS)


@pytest.mark.parametrize("weather", WEATHERS)
@pytest.mark.parametrize("kind", KINDS)
def test_storm(kind: str, weather: str) -> None:
    report = run(kind, weather, CALLS)
    print(
        f"\n{report['calls']} calls, {report.get('injected')} exceptions, {report.get('seconds')} s", end=""
    )
    assert not report["failures"], text_of(report)
