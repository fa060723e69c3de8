"""The rows of the benchmark, by subject."""

from __future__ import annotations

from typing import List

from tests.bench.measure import Row
from tests.bench.work import asynchronous, calls, lists, memory, records, starting, threads, upcalls


def rows() -> List[Row]:
    """All rows, in the order of the table."""
    parts = (calls, lists, records, memory, asynchronous, upcalls, threads, starting)
    return [row for part in parts for row in part.rows()]
