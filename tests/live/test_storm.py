"""A short storm of each kind: signals into calls, with an oracle that knows each answer. Long ones: make stress."""

from __future__ import annotations

import sys

import pytest
from storms.run import run, text_of

# Not yet part of the ordinary run: the calls do not pass.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="signals are sent with os.kill"),
]

CALLS = 3000
KINDS = ["sync", "blocking", "post", "callback", "stream", "object", "buffer", "async", "ring", "awaited"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_short_storm(kind: str) -> None:
    report = run(kind, "all", CALLS)
    assert not report["failures"], text_of(report)
