"""Which libraries the cells of this process have loaded, and what they keep: Go libraries are never unloaded."""

from __future__ import annotations

import os
from dataclasses import dataclass

OFTEN = 10


@dataclass
class Loaded:
    """The libraries that have been loaded for one cell's interfaces."""

    count: int = 0
    bytes: int = 0
    threads: int = 0

    def add(self, before: tuple[int, int], after: tuple[int, int]) -> str:
        """Counts one more; returns a note when there are `OFTEN` reloads more, else ""."""
        self.count += 1
        self.bytes += max(0, after[0] - before[0])
        self.threads += max(0, after[1] - before[1])
        if self.count == 1 or (self.count - 1) % OFTEN:
            return ""
        kept = "its memory and threads"
        if self.bytes:
            kept = f"about {self.bytes / self.count / 1e6:.1f} MB and {self.threads / self.count:.0f} threads"
        return (
            f"{self.count} versions of this cell's library are loaded, as Go libraries cannot be unloaded; "
            f"each keeps {kept} until the kernel is restarted"
        )


def held() -> tuple[int, int]:
    """Returns the bytes of memory and the threads of this process; 0 where the system does not say."""
    try:
        with open("/proc/self/statm") as file:
            pages = int(file.read().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE"), len(os.listdir("/proc/self/task"))
    except (OSError, ValueError, AttributeError):
        return 0, 0
