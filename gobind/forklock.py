"""The fork lock: held by what a fork must not cut in two.

The child of a fork has one thread. What another thread was doing stays half done there for ever: a module
that was being imported can never be imported again (its lock belongs to a thread that does not exist), a
library that was being opened is neither open nor closed. So all this happens under one lock, and a fork waits
for it.
"""

from __future__ import annotations

import _thread
import importlib
import os
import sys
import threading
from typing import Any

from gobind.locks import ReentrantLock

fork_lock = ReentrantLock()
"""Held while a module is imported lazily, a function compiled, a library opened; and by a fork."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=fork_lock.acquire, after_in_parent=fork_lock.release, after_in_child=fork_lock.release
    )


def lazy_import(name: str) -> Any:
    """Imports a module that few programs need.

    Not in the main thread where that can be avoided: an exception of a signal handler that strikes importlib may
    leave CPython's import lock locked for ever. Other threads run no handlers.
    """
    if not _is_imported(name) and _can_wait():
        _import_in_thread(name)
    if _is_imported(name):  # up to Python 3.10 importlib takes its lock even then
        return sys.modules[name]
    with fork_lock:
        return importlib.import_module(name)


def _can_wait() -> bool:
    """Returns True in the main thread, unless the import might wait for it: for the fork lock, or while Python ends."""
    is_main = threading.current_thread() is threading.main_thread()
    return is_main and not fork_lock._is_owned() and not sys.is_finalizing()  # type: ignore[attr-defined]


def _is_imported(name: str) -> bool:
    spec = getattr(sys.modules.get(name), "__spec__", None)
    return spec is not None and not getattr(spec, "_initializing", False)


def _import_in_thread(name: str) -> None:
    """Imports a module in a thread and waits for it. The next import raises what this one raised."""
    done = _thread.allocate_lock()
    done.acquire()

    def work() -> None:
        try:
            with fork_lock:
                importlib.import_module(name)
        except Exception:
            pass
        finally:
            done.release()

    try:
        _thread.start_new_thread(work, ())
    except RuntimeError:  # no more threads, or Python is about to end
        return
    done.acquire()
