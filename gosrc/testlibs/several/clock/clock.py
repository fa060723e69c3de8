"""A contract of its own in the library several."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

from gobind import GoError, goerror, gointerface, gostruct


@gostruct
class Named:
    """Another struct of the same name as one of several.py."""

    span: timedelta


@goerror
class Stopped(GoError):
    after: timedelta


@gointerface
class Clock(Protocol):
    def double(self, named: Named) -> Named: ...
    def stop(self, after: timedelta) -> None: ...
