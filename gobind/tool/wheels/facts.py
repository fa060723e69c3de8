"""What the readers of the three formats of shared libraries find."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Facts:
    """What the headers of one library say; `gobind.tool.wheels.binary.Binary` explains the fields."""

    target: str
    needed: list[str] = field(default_factory=list)
    versions: dict[str, tuple[int, ...]] = field(default_factory=dict)
    macos: tuple[int, int] | None = None
    has_debug: bool = False
    build_id: str = ""
    is_signed: bool = False
