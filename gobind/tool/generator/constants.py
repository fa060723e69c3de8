"""The constants of the runtime in Go: a Go file with the integers and texts of `gobind.protocol`.

For gobind's own repository: ``python -m gobind.tool.generator.constants gosrc/gobind/constants.go`` writes the
file if it is stale, and with ``--check`` only reports that. `make` runs both.
"""

from __future__ import annotations

import sys
from pathlib import Path

from gobind import protocol
from gobind.tool.generator.gosource import HEADER, aligned, quote
from gobind.tool.generator.writer import write_atomically

_STATUSES = ("VALUE", "RESPONSE", "ERROR", "PANIC", "REFUSED", "CLOSED", "NONE")


def constants_go() -> str:
    """Returns the text of the runtime's ``constants.go``."""
    rows = []
    for name, value in vars(protocol).items():
        if not name.startswith("_") and type(value) in (int, str):
            go = f"Status{name.capitalize()}" if name in _STATUSES else _constant(name)
            rows.append((go, f"= {value if isinstance(value, int) else quote(value)}"))
    lines = [
        HEADER,
        "",
        "package gobind",
        "",
        "// What Python and Go agree on, generated from gobind/protocol.py, which explains it.",
        "const (",
    ]
    return "\n".join([*lines, *aligned(rows), ")", ""])


def _constant(name: str) -> str:
    return name if len(name) < 4 else name.title().replace("_", "")


def main(words: list[str]) -> int:
    """Writes the file that `words` name, or with ``--check`` compares it; returns the exit status."""
    check = "--check" in words
    (path,) = (Path(word) for word in words if word != "--check")
    made = constants_go().encode()
    if path.is_file() and path.read_bytes() == made:
        return 0
    if check:
        print(f"{path}: stale; run: make gen")
        return 1
    write_atomically(path, made)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
