"""Coverage in threads that Go starts: coverage.py sees to those that Python starts.

A trace function belongs to a thread. `HandleTable` keeps the state of a thread of Go from its first entry on, so
tracing that begins there lasts.
"""

from __future__ import annotations

import sys
import threading

from gobind.runtime.objects.upcalls import HandleTable


def measure_threads_of_go() -> None:
    """Makes threads of Go call the trace function that threads of Python begin with, if there is one."""
    pin_thread = HandleTable._pin_thread

    def pin_measured(self: HandleTable) -> None:
        begin = threading.gettrace()
        if begin is not None and sys.gettrace() is None:
            sys.settrace(begin)
        pin_thread(self)

    if threading.gettrace() is not None:
        setattr(HandleTable, "_pin_thread", pin_measured)  # noqa: B010
