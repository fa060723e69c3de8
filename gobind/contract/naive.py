"""`naive`: a datetime without a zone.

A module of its own, as `datetime` takes longer to import than most of gobind.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from gobind.contract.leaves import NAIVE

naive = Annotated[datetime, NAIVE]
"""A datetime without a zone: the time on a wall clock. `datetime` itself stands for aware ones."""
