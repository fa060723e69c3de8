"""A reentrant lock that the exception of a signal handler cannot leave locked.

Two versions of CPython lose the ``__exit__`` of a ``with``: 3.14 runs signal handlers behind the call of ``__enter__``,
where the block has not begun (in a loop of ``with lock: pass``, one exception in seven left the lock locked); up to
3.10 they run between an exception and the call of ``__exit__``, so that a second exception leaves without it. The
others do not (see tests/unit/test_locks.py).
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable
from itertools import repeat
from typing import TYPE_CHECKING, Any

_exhaust = deque[Any](maxlen=0).extend

if TYPE_CHECKING or sys.implementation.name != "cpython" or sys.version_info[:2] not in ((3, 10), (3, 14)):
    ReentrantLock = threading.RLock
else:
    _RLock = type(threading.RLock())

    class _Held(map):
        """Stands for ``__exit__``; releases the lock when the last reference to it goes.

        That is the interpreter's own stack's, which it clears before any other instruction runs: behind the call at the
        end of the block, and when an exception leaves the block, however many come.
        """

        __slots__ = ()
        __del__ = map.__next__

        @staticmethod
        def __call__(*error: Any) -> None:
            pass

    class ReentrantLock(_RLock):
        """What `threading.RLock` makes; its ``with`` is safe from signal handlers."""

        def __enter__(self) -> bool:
            return (
                True  # `__exit__`, which a with statement looks up before it calls this, has taken the lock
            )

        @property
        def __exit__(self) -> Callable[..., None]:  # noqa: PLE0302
            taken: list[Any] = []
            return (  # nothing but the stack refers to `_Held`: a variable would, in a frame that a handler keeps
                _Held(_exhaust, repeat(map(_RLock.release, taken))),
                taken.extend(filter(_RLock.acquire, (self,))),  # one step: taken, or not
            )[0]
