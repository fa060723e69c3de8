"""For tests and the curious: what is outstanding."""

from __future__ import annotations

from gobind.runtime.library import live
from gobind.runtime.objects.upcalls import exported

__all__ = ["exported", "live"]
