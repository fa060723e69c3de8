"""Types of several.py."""

import enum

from gobind import gostruct


class Shade(enum.Enum):
    LIGHT = "light"
    DARK = "dark"


@gostruct
class Named:
    name: str
    inner: "Named | None" = None
