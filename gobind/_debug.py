"""Counts of what is outstanding, for tests and debugging."""

from __future__ import annotations

from gobind.runtime.library import live
from gobind.runtime.objects.upcalls import exported

__all__ = ["exported", "live"]
