"""Bells: descriptors that Go makes readable when a response comes. Imports nothing of gobind."""

from __future__ import annotations

import os


def open_bell() -> tuple[int, int]:
    """A pair of descriptors: the first becomes readable when 8 bytes are written to the second."""
    if hasattr(os, "eventfd"):
        descriptor = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        return descriptor, descriptor
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    return reading, writing
