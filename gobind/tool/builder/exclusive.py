"""Lets one build at a time work in a folder: of all threads, and of all processes of this user.

Two contracts that are built into one folder at once would otherwise get each other's glue.
"""

from __future__ import annotations

import hashlib
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gobind.tool.builder import cache
from gobind.tool.builder.report import Report

_locks: dict[str, _FolderLock] = {}
_guard = threading.RLock()  # of `_locks`


def _after_fork() -> None:
    """Forgets, in the child of a fork, what the parent's other threads hold: nobody would release it."""
    global _guard
    _guard = threading.RLock()
    _locks.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class _FolderLock:
    """The lock of one folder: of this process's threads, then of processes."""

    def __init__(self, folder: str) -> None:
        self.threads = threading.RLock()
        self.depth = 0
        self.descriptor: int | None = None
        name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:32]
        self.path = cache.cache_folder() / "locks" / f"{name}.lock"


@contextmanager
def exclusive(directory: Path, report: Report) -> Iterator[None]:
    """Holds the lock of a folder for a ``with`` block; a thread that holds it already goes on.

    Where the user's cache folder cannot be written, other processes are not kept out.
    """
    folder = os.path.realpath(directory)
    with _guard:
        lock = _locks.setdefault(f"{cache.cache_folder()}\n{folder}", _FolderLock(folder))
    with lock.threads:
        if not lock.depth:
            lock.descriptor = _locked(lock.path, f"waiting for another build in {directory}", report)
        lock.depth += 1
        try:
            yield
        finally:
            lock.depth -= 1
            if not lock.depth and lock.descriptor is not None:
                _unlock(lock.descriptor)
                lock.descriptor = None


def _locked(path: Path, waiting: str, report: Report) -> int | None:
    """Returns a descriptor of the file, which is locked; None if there is no place for it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError:
        return None
    try:
        if not _try_lock(descriptor):
            report.say(waiting)
            while not _try_lock(descriptor):  # not one call that waits: Windows has none that Ctrl-C ends
                time.sleep(0.05)
    except OSError:  # a file system without locks
        os.close(descriptor)
        return None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)
        os.close(descriptor)

else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        fcntl.flock(
            descriptor, fcntl.LOCK_UN
        )  # closing alone would leave it to a child that was forked meanwhile
        os.close(descriptor)
