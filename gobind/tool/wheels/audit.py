"""``gobind audit``: says what a wheel or a library holds, and what is wrong with it for those who will install it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from gobind.errors import BuildError
from gobind.tool.wheels.audit_library import Audit, audit_library, megabytes
from gobind.tool.wheels.audit_wheel import audit_wheel
from gobind.tool.wheels.binary import read_binary
from gobind.tool.wheels.wheelfile import WheelFile

_ZIP = b"PK\x03\x04"
_LISTED = 5
"""Libraries with the same problem that are named."""


def audit(files: Sequence[Path], load: bool = True) -> int:
    """Prints what wheels and libraries hold, problems first.

    Args:
        load: load a library that gobind built for this machine, in a process of its own, to read its contract: Go makes
            the description when it is asked, so that no other way leads to it.

    Returns:
        the exit status: 0: nothing is wrong. 1: there are problems. 2: a file cannot be read.
    """
    status = 0
    for number, path in enumerate(files):
        if number:
            print()
        try:
            found = _audit_file(path, load)
        except BuildError as error:
            print(f"gobind: error: {error}", file=sys.stderr)
            status = 2
            continue
        for line in _lines(path, found):
            print(line)
        status = max(status, 1 if any(part.problems for part in found) else 0)
    return status


def _audit_file(path: Path, load: bool) -> list[Audit]:
    """Returns what was found: of the wheel, then of each library in it."""
    if not path.is_file():
        raise BuildError(
            f"{path} {'is a folder' if path.is_dir() else 'does not exist'}: expected a wheel or a library"
        )
    try:
        with path.open("rb") as file:
            head = file.read(len(_ZIP))
    except OSError as error:
        raise BuildError(f"{path} cannot be read: {error.strerror or error}") from None
    if head == _ZIP or path.suffix == ".whl":
        wheel = WheelFile(path)
        try:
            return audit_wheel(wheel, load)
        finally:
            wheel.close()
    return [audit_library(read_binary(path), path if load else None)]


def _lines(path: Path, found: Sequence[Audit]) -> Iterator[str]:
    yield f"{path.name}, {megabytes(path.stat().st_size)}"
    problems = [*_problems(found)]
    for problem in problems:
        yield f"  problem: {problem}"
    for part in found:
        if part.title:
            yield f"  {part.title}"
        width = max((len(label) for label, _ in part.facts), default=0)
        for label, text in part.facts:
            yield f"    {label.ljust(width)}  {text}"
    count = len(problems)
    yield f"  {count} problem{'s' * (count != 1)}" if count else "  no problems found"


def _problems(found: Sequence[Audit]) -> Iterator[str]:
    """Yields each problem once, with the libraries that have it."""
    owners: dict[str, list[str]] = {}
    for part in found:
        for problem in part.problems:
            owners.setdefault(problem, []).append(part.binary.name if part.binary else "")
    for problem, names in owners.items():
        shown = [name for name in names if name]
        more = f" and {len(shown) - _LISTED} more" if len(shown) > _LISTED else ""
        yield f"{', '.join(shown[:_LISTED])}{more}: {problem}" if shown else problem
