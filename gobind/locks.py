"""A reentrant lock that the exception of a signal handler cannot leave locked.

CPython 3.14 runs signal handlers behind the call of ``__enter__``, where ``__exit__`` is not sure yet to be called: in a
loop of ``with lock: pass``, one exception in seven left the lock locked. Older and newer versions do not (see
tests/unit/test_locks.py).
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from itertools import starmap
from typing import TYPE_CHECKING, Any

_exhaust = deque[Any](maxlen=0).extend

if TYPE_CHECKING or sys.implementation.name != "cpython" or sys.version_info[:2] != (3, 14):
    ReentrantLock = threading.RLock
else:

    class ReentrantLock(type(threading.RLock())):
        """What `threading.RLock` makes; its ``with`` is safe from signal handlers.

        No handler runs behind the return of a function that is written in Python, and none before the call of an
        ``__exit__`` that is not.
        """

        def __enter__(self) -> bool:
            taken: list[bool] = []
            try:
                _exhaust(map(taken.append, starmap(self.acquire, ((),))))  # one step: taken, or not
            except BaseException:
                if taken:
                    self.release()
                raise
            return True
