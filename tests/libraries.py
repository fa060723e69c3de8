"""The libraries of the live tests: where they are built, and their contracts as modules.

``GOBIND_TEST_LIBRARIES`` names another folder of built libraries than gosrc (``make test-go``).
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import Any

import gobind

ROOT = Path(__file__).resolve().parents[1]
GOSRC = ROOT / "gosrc"
BUILT = Path(os.environ.get("GOBIND_TEST_LIBRARIES") or GOSRC).absolute()
SUFFIX = {"darwin": ".dylib", "win32": ".dll"}.get(sys.platform, ".so")


def path_of(name: str) -> Path:
    """The built library gosrc/NAME."""
    path = BUILT / name / f"lib{name}{SUFFIX}"
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not built; run: make build")
    return path


def contract_of(name: str) -> Any:
    """The contract gosrc/NAME/NAME.py, imported as NAME."""
    folder = str(GOSRC / name)
    sys.path.insert(0, folder)
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(folder)


def load(name: str, interface: Any = None) -> Any:
    """What `gobind.load` gives for the library gosrc/NAME."""
    if interface is None:
        return gobind.load(str(path_of(name)))
    return gobind.load(str(path_of(name)), interface)
