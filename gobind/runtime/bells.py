"""Bells: descriptors that Go makes readable when a response comes. Imports nothing of gobind."""

from __future__ import annotations

import os
import select
import time


def open_bell() -> tuple[int, int]:
    """A pair of descriptors: the first becomes readable when 8 bytes are written to the second."""
    if hasattr(os, "eventfd"):
        descriptor = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        return descriptor, descriptor
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    return reading, writing


def wait_for_bell(descriptor: int, milliseconds: int) -> None:
    """Wait until a bell has been rung, and silence it. Signal handlers run meanwhile."""
    if not hasattr(select, "poll"):  # Windows, where nobody rings: look again soon
        time.sleep(0.001)
        return
    poll = select.poll()  # and not select(), which knows only the first 1024 descriptors
    poll.register(descriptor, select.POLLIN)
    if poll.poll(milliseconds):
        silence_bell(descriptor)


def silence_bell(descriptor: int) -> None:
    """Make the descriptor unreadable until the bell is rung again."""
    try:
        os.read(descriptor, 1024)
    except BlockingIOError:
        pass
