"""Archives whose bytes depend on nothing but what is put into them: wheels (zip) and sdists (tar.gz)."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import os
import stat
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gobind.errors import BuildError

_EARLIEST = 315532800  # 1980-01-01, the first day that a zip can name
_LATEST = 4294967294  # 2106-02-07, the last even second that a gzip can name; a zip names days until 2107


@dataclass(frozen=True)
class Member:
    """A file of an archive."""

    content: bytes
    executable: bool = False


def member_of(path: Path) -> Member:
    """Reads a file as a member."""
    return Member(path.read_bytes(), bool(path.stat().st_mode & stat.S_IXUSR))


def timestamp(environ: Mapping[str, str] | None = None) -> int:
    """Returns the date of all members in seconds: SOURCE_DATE_EPOCH (reproducible-builds.org), else 1980-01-01.

    A date that archives cannot name becomes the nearest that they can.

    Raises:
        BuildError: SOURCE_DATE_EPOCH is no number.
    """
    text = (os.environ if environ is None else environ).get("SOURCE_DATE_EPOCH", "")
    if text and not text.isdecimal():
        raise BuildError(f"SOURCE_DATE_EPOCH: expected seconds since 1970, got {text!r}")
    return _LATEST if len(text.lstrip("0")) > 10 else min(max(int(text or 0), _EARLIEST), _LATEST)


def write_wheel(path: Path, members: Mapping[str, Member], info: str) -> None:
    """Writes a wheel: `members` by their names, and the RECORD in the folder `info`, ``NAME-VERSION.dist-info``."""
    moment = time.gmtime(timestamp())[:6]
    record = f"{info}/RECORD"
    lines = [f"{_field(name)},{_record_of(members[name].content)}\n" for name in _ordered(members, info)]
    with _replacing(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in _ordered(members, info):
            _add(archive, name, members[name], moment)
        _add(archive, record, Member("".join([*lines, f"{_field(record)},,\n"]).encode()), moment)


def _ordered(members: Mapping[str, Member], info: str) -> list[str]:
    """Returns the names in order, those of the metadata last, as the wheel format recommends."""
    return sorted(members, key=lambda name: (name.startswith(f"{info}/"), name))


def _field(name: str) -> str:
    """Returns a name as a field of RECORD, which is CSV."""
    return '"' + name.replace('"', '""') + '"' if set(name) & set(',"\n\r') else name


def _record_of(content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
    return f"sha256={digest.decode()},{len(content)}"


def _add(archive: zipfile.ZipFile, name: str, member: Member, moment: tuple[int, ...]) -> None:
    year, month, day, hour, minute, second = moment
    info = zipfile.ZipInfo(name, (year, month, day, hour, minute, second))
    info.compress_type = zipfile.ZIP_DEFLATED
    info.create_system = 3  # Unix, on every machine: the permissions are Unix's
    info.external_attr = (stat.S_IFREG | (0o755 if member.executable else 0o644)) << 16
    archive.writestr(info, member.content)


def write_sdist(path: Path, members: Mapping[str, Member], folder: str) -> None:
    """Writes an sdist: a tar.gz of `members` by their names below `folder`, ``NAME-VERSION``."""
    moment = timestamp()
    with _replacing(path) as temporary, open(temporary, "wb") as file:
        with gzip.GzipFile("", "wb", fileobj=file, mtime=moment) as packed:
            with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
                for name in sorted(members):
                    info = tarfile.TarInfo(f"{folder}/{name}")
                    info.size = len(members[name].content)
                    info.mtime = moment
                    info.mode = 0o755 if members[name].executable else 0o644
                    archive.addfile(info, io.BytesIO(members[name].content))


class _replacing:
    """A temporary file beside `path` that takes its place at the end of a ``with``; what fails leaves nothing."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> str:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        number, self._temporary = tempfile.mkstemp(prefix=".gobind-", dir=self._path.parent)
        os.close(number)
        return self._temporary

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        if kind is not None:
            os.unlink(self._temporary)
            return
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(self._temporary, 0o666 & ~mask)  # mkstemp's files are for their owner only
        os.replace(self._temporary, self._path)
