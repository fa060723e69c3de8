"""Where the Go of cells lies: beside the notebook if its author says so, else in the user's cache folder."""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from gobind.tool.builder import cache
from gobind.tool.generator.writer import new_module, write_atomically

KEPT = 4  # libraries of one cell that stay on disk: those of other notebooks, and of the last changes

_temporary: list[Path] = []


def folder_for(name: str, chosen: str | None) -> Path:
    """Returns the folder for the Go package of the cell whose first interface has that name; it is made.

    Notebooks of one folder share it, and each holds its lock while it works there.

    Args:
        chosen: the folder that the cell names, in which each cell's package has one of its own.
    """
    if chosen is not None:
        directory = Path(chosen).expanduser() / name
        directory.mkdir(parents=True, exist_ok=True)
        return directory
    directory = _base() / hashlib.sha256(os.fsencode(os.getcwd())).hexdigest()[:16] / name
    directory.mkdir(parents=True, exist_ok=True)
    if not (directory / "go.mod").is_file():
        # All of one name: go compiles the runtime, which is part of the module, once for all cells.
        write_atomically(directory / "go.mod", new_module("notebook", directory))
    return directory


def _base() -> Path:
    base = cache.cache_folder() / "notebooks"
    try:
        base.mkdir(parents=True, exist_ok=True)
        if os.access(base, os.W_OK):
            return base
    except OSError:
        pass
    if not _temporary:
        _temporary.append(Path(tempfile.mkdtemp(prefix="gobind-notebook-")))
        atexit.register(shutil.rmtree, _temporary[0], ignore_errors=True)
    return _temporary[0]


def remove_old(newest: Path, pattern: str) -> None:
    """Removes all but `KEPT` of the files beside `newest` that match; those that are loaded stay so."""
    others = [path for path in newest.parent.glob(pattern) if path != newest]
    with contextlib.suppress(OSError):
        others.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in others[KEPT - 1 :]:
        with contextlib.suppress(OSError):
            path.unlink()
