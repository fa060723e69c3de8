"""For tests and the curious: what is outstanding. Imports `gobind.runtime.library`."""

from __future__ import annotations

from gobind.runtime.library import live
from gobind.runtime.objects.upcalls import guests

__all__ = ["guests", "live"]
