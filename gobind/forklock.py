"""The fork lock: held by what a fork must not cut in two.

The child of a fork has one thread. What another thread was doing stays half done there for ever: a module
that was being imported can never be imported again (its lock belongs to a thread that does not exist), a
library that was being opened is neither open nor closed. So all this happens under one lock, and a fork waits
for it.
"""

from __future__ import annotations

import importlib
import os
import threading
from typing import Any

fork_lock = threading.RLock()
"""Held while a module is imported lazily, a function compiled, a library opened; and by a fork."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=fork_lock.acquire, after_in_parent=fork_lock.release, after_in_child=fork_lock.release
    )


def lazy_import(name: str) -> Any:
    """Imports and returns a module that few programs need."""
    with fork_lock:
        return importlib.import_module(name)
