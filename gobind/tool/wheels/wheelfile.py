"""Reads a wheel: its names, metadata, RECORD and files. The format is that of the "Binary distribution format" (PEP 427)."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import Parser
from itertools import product
from pathlib import Path

from gobind.errors import BuildError

_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OSError,
)
_SIGNATURES = ("RECORD.jws", "RECORD.p7s")


@dataclass(frozen=True)
class Tags:
    """The tags in the file name of a wheel, each a list that is joined by dots there."""

    pythons: tuple[str, ...]
    abis: tuple[str, ...]
    platforms: tuple[str, ...]

    def expanded(self) -> set[str]:
        """Returns each combination, as the lines ``Tag:`` of the file WHEEL have them."""
        return {"-".join(each) for each in product(self.pythons, self.abis, self.platforms)}


class WheelFile:
    """An opened wheel.

    Attributes:
        name: of the file.
        tags: those of the file name.
        size: bytes of the file.
        files: the names of all files in it, in its order; one that is there twice, twice.
        info: the folder of metadata: ``mark-1.0.dist-info``.

    Raises:
        BuildError: it is not a wheel, or damaged.
    """

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self.tags = _tags_of(path.name)
        try:
            self.size = path.stat().st_size
            self._archive = zipfile.ZipFile(path)
        except _UNREADABLE as error:
            reason = getattr(error, "strerror", None) or error
            raise BuildError(f"{path} cannot be read as a wheel: {reason}") from None
        self.files = [entry.filename for entry in self._archive.infolist() if not entry.is_dir()]
        found = {
            name.partition("/")[0] for name in self.files if re.fullmatch(r"[^/]+\.dist-info/WHEEL", name)
        }
        if len(found) != 1:
            what = (
                "has no folder .dist-info with a file WHEEL"
                if not found
                else "has several folders .dist-info"
            )
            self.close()
            raise BuildError(f"{path} is not a wheel: it {what}")
        self.info = found.pop()

    def close(self) -> None:
        """Closes the file."""
        self._archive.close()

    def read(self, name: str, size: int = -1) -> bytes:
        """Returns the bytes of a file in the wheel; with `size`, the first ones.

        Raises:
            BuildError: they are damaged, or more than memory holds.
        """
        try:
            with self._archive.open(name) as file:
                return file.read(size)
        except (*_UNREADABLE, KeyError, MemoryError) as error:
            raise BuildError(f"{self.name} is damaged: {name}: {error or type(error).__name__}") from None

    def text(self, name: str) -> str:
        """Returns a file of the metadata as text; empty if there is none."""
        path = f"{self.info}/{name}"
        return self.read(path).decode("utf-8", "replace") if path in self.files else ""

    def headers(self, name: str) -> Message:
        """Returns the headers of WHEEL or METADATA."""
        return Parser().parsestr(self.text(name), headersonly=True)

    def under(self, folder: str) -> list[str]:
        """Returns the names of the files in a folder of the metadata."""
        return [name for name in self.files if name.startswith(f"{self.info}/{folder}/")]

    def record_problems(self) -> Iterator[str]:
        """Yields what is wrong with RECORD, which pip checks installed files against: one line for each file."""
        own = f"{self.info}/RECORD"
        if own not in self.files:
            yield f"there is no {own}"
            return
        rows = [row for row in csv.reader(io.StringIO(self.text("RECORD"))) if row]
        listed = {row[0]: row for row in rows}
        if len(listed) < len(rows):
            yield "RECORD lists a file twice"
        for name in sorted({name for name in self.files if self.files.count(name) > 1}):
            yield f"{name} is in the wheel twice"
        for name in dict.fromkeys(self.files):
            if name == own or name in (f"{self.info}/{each}" for each in _SIGNATURES):
                continue
            if name not in listed:
                yield f"RECORD does not list {name}"
            elif problem := self._difference(name, listed[name]):
                yield f"RECORD has another {problem} for {name}"
        for name in listed.keys() - set(self.files):
            yield f"RECORD lists {name}, which is not there"

    def _difference(self, name: str, row: list[str]) -> str | None:
        """Returns what of a file differs from its row in RECORD."""
        content = self.read(name)
        kind, _, digest = (row[1] if len(row) > 1 else "").partition("=")
        if kind not in ("sha256", "sha384", "sha512"):
            return "kind of hash than sha256"
        found = base64.urlsafe_b64encode(hashlib.new(kind, content).digest()).rstrip(b"=").decode()
        if found != digest.rstrip("="):
            return "hash"
        return "size" if len(row) > 2 and row[2] not in ("", str(len(content))) else None


def _tags_of(name: str) -> Tags:
    parts = name.removesuffix(".whl").split("-")
    if not name.endswith(".whl") or len(parts) not in (5, 6) or not all(parts):
        raise BuildError(
            f"{name} is not the file name of a wheel: expected NAME-VERSION-PYTHON-ABI-PLATFORM.whl"
        )
    pythons, abis, platforms = (tuple(part.split(".")) for part in parts[-3:])
    return Tags(pythons, abis, platforms)
