"""What holds for every live test: nothing of Go's is left behind."""

from __future__ import annotations

import gc
import shutil
from collections.abc import Iterator
from pathlib import Path

import libraries
import pytest

from gobind import _debug


@pytest.fixture(autouse=True)
def nothing_stays_alive() -> Iterator[None]:
    """After the test no block and no handle of Go is outstanding."""
    yield
    for _ in range(5):  # PyPy's collector comes to some objects only when it comes again
        if _debug.live():
            gc.collect()  # an exception that was caught refers to the frames it came through, and they to it
    assert _debug.live() == 0


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the library of versions, which nothing else has loaded."""
    return Path(shutil.copy(libraries.path_of("versions"), tmp_path / "libcopied.so")).resolve()
