"""Loads a library in a process of its own first: Go that panics in an init function would end the kernel, and all that it holds."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import gobind
from gobind.errors import LoadError
from gobind.tool.notebook.cell import CellText

_LOADED = 77  # an exit status that Go's own code is not likely to choose

_PROGRAM = f"""\
import os, sys
sys.path.insert(0, sys.argv[2])
import gobind
try:
    gobind.load(sys.argv[1])
except gobind.LoadError:
    pass  # the kernel will say why
os._exit({_LOADED})
"""


def check_loads(path: Path, file: str, cell: CellText) -> None:
    """Loads the library `path` in another Python.

    Args:
        file: the name of the cell's Go file.
        cell: the cell.

    Raises:
        LoadError: the process ended before the library was loaded.
    """
    if not sys.executable:
        return
    command = [sys.executable, "-c", _PROGRAM, str(path), str(Path(gobind.__file__).parents[1])]
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ},
    )
    if done.returncode == _LOADED:
        return
    text = done.stderr.decode(errors="replace")
    reason = re.search(r"^(?:panic|fatal error): .*(?:\n\t.*)*", text, re.MULTILINE)
    said = reason[0] if reason else f"the process ended with status {done.returncode}"
    place = re.search(rf"{re.escape(file)}:(\d+)", text)
    where = cell.place(int(place[1])) if place else cell.name
    raise LoadError(f"{where}: Go ends the process while it starts: {said}")
