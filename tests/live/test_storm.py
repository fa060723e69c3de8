"""A short storm of each kind: signals into calls, with an oracle that knows each answer. Long ones: make stress."""

from __future__ import annotations

import sys

import pytest
from storms.run import run, text_of

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are sent with os.kill")

CALLS = 3000
KINDS = ["sync", "blocking", "post", "object", "buffer"]
NOT_YET = ["callback", "stream", "async", "ring", "awaited"]
"""Not part of the ordinary run: they do not pass each time."""


@pytest.mark.parametrize("kind", [*KINDS, *(pytest.param(kind, marks=pytest.mark.slow) for kind in NOT_YET)])
def test_a_short_storm(kind: str) -> None:
    report = run(kind, "all", CALLS)
    assert not report["failures"], text_of(report)
