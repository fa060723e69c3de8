"""The libraries of the live tests: where they are built, and their contracts as modules.

``GOBIND_TEST_LIBRARIES`` names another folder of built libraries than gosrc (``make test-go``); each has its own folder
in there.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import Any

import gobind

if "coverage" in sys.modules:
    import measured

    measured.measure_threads_of_go()

ROOT = Path(__file__).resolve().parents[2]
GOSRC = ROOT / "gosrc"
BUILT = os.environ.get("GOBIND_TEST_LIBRARIES")
SUFFIX = {"darwin": ".dylib", "win32": ".dll"}.get(sys.platform, ".so")


def folder_of(name: str) -> Path:
    """The sources of a library: gosrc/testlibs/NAME or gosrc/examples/NAME."""
    found = next(
        (GOSRC / kind / name for kind in ("testlibs", "examples") if (GOSRC / kind / name).is_dir()), None
    )
    assert found is not None, f"there is no library {name}"
    return found


def path_of(name: str) -> Path:
    """The built library of that name."""
    path = (Path(BUILT).absolute() / name if BUILT else folder_of(name)) / f"lib{name}{SUFFIX}"
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not built; run: make build")
    return path


def contract_of(name: str) -> Any:
    """The contract NAME.py in the folder of the library NAME, imported as NAME; ``several/clock`` as ``clock``."""
    folder = str(folder_of(name))
    sys.path.insert(0, folder)
    try:
        return importlib.import_module(name.rpartition("/")[2])
    finally:
        sys.path.remove(folder)


def load(name: str, interface: Any = None) -> Any:
    """What `gobind.load` gives for the library of that name."""
    if interface is None:
        return gobind.load(str(path_of(name)))
    return gobind.load(str(path_of(name)), interface)
