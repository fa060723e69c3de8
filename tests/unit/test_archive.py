"""Wheels and sdists: the same bytes for the same content, readable by what installs them."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import subprocess
import sys
import tarfile
import zipfile
from base64 import urlsafe_b64encode
from pathlib import Path

import pytest

from gobind.errors import BuildError
from gobind.tool.wheels.archive import Member, member_of, timestamp, write_sdist, write_wheel

INFO = "mark-1.0.dist-info"
MEMBERS = {
    "mark/__init__.py": Member(b"value = 7\n"),
    'mark/odd, "name".txt': Member(b"odd"),
    "mark/libmark.so": Member(b"\x7fELF" * 1000, executable=True),
    f"{INFO}/METADATA": Member(b"Metadata-Version: 2.4\nName: mark\nVersion: 1.0\n"),
    f"{INFO}/WHEEL": Member(b"Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: false\nTag: py3-none-any\n"),
}


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    path = tmp_path / "mark-1.0-py3-none-any.whl"
    write_wheel(path, MEMBERS, INFO)
    return path


def test_the_record_lists_every_file(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        rows = list(csv.reader(io.StringIO(archive.read(f"{INFO}/RECORD").decode())))
        assert [row[0] for row in rows] == names
        for name, digest, size in rows[:-1]:
            content = archive.read(name)
            expected = urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            assert (digest, size) == (f"sha256={expected}", str(len(content)))
        assert rows[-1] == [f"{INFO}/RECORD", "", ""]
        modes = {each.filename: each.external_attr >> 16 & 0o777 for each in archive.infolist()}
    assert modes["mark/libmark.so"] == 0o755 and modes["mark/__init__.py"] == 0o644
    assert names[-3:] == [f"{INFO}/METADATA", f"{INFO}/WHEEL", f"{INFO}/RECORD"]


def test_pip_installs_it(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "installed"
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--target",
        str(target),
    ]
    subprocess.run([*command, str(wheel)], check=True, capture_output=True)
    assert (target / 'mark/odd, "name".txt').read_bytes() == b"odd"
    assert os.access(target / "mark/libmark.so", os.X_OK)


def test_the_same_bytes_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    for place, order in (("a", 1), ("b", -1)):
        members = dict(list(MEMBERS.items())[::order])
        write_wheel(tmp_path / place / "x.whl", members, INFO)
        write_sdist(tmp_path / place / "x.tar.gz", members, "mark-1.0")
        made.append([(tmp_path / place / name).read_bytes() for name in ("x.whl", "x.tar.gz")])
    assert made[0] == made[1]
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1600000000")
    write_wheel(tmp_path / "c.whl", MEMBERS, INFO)
    with zipfile.ZipFile(tmp_path / "c.whl") as archive:
        assert {each.date_time for each in archive.infolist()} == {(2020, 9, 13, 12, 26, 40)}


def test_an_sdist(tmp_path: Path) -> None:
    write_sdist(tmp_path / "mark-1.0.tar.gz", MEMBERS, "mark-1.0")
    with tarfile.open(tmp_path / "mark-1.0.tar.gz") as archive:
        infos = archive.getmembers()
        assert [each.name for each in infos] == sorted(f"mark-1.0/{name}" for name in MEMBERS)
        assert {(each.uid, each.gid, each.uname, each.mtime) for each in infos} == {(0, 0, "", timestamp())}
        assert {each.mode for each in infos} == {0o644, 0o755}


@pytest.mark.parametrize("text", ["yesterday", "-1", "1.5"])
def test_a_date_that_is_none(text: str) -> None:
    with pytest.raises(BuildError, match="SOURCE_DATE_EPOCH: expected seconds since 1970, got"):
        timestamp({"SOURCE_DATE_EPOCH": text})
    assert timestamp({"SOURCE_DATE_EPOCH": "0"}) == timestamp({}) == 315532800  # zip knows no earlier day


def test_what_fails_leaves_nothing(tmp_path: Path) -> None:
    broken: dict[str, Member] = {"x": None}  # type: ignore[dict-item]
    (tmp_path / "old.whl").write_bytes(b"old")
    with pytest.raises(AttributeError):
        write_wheel(tmp_path / "old.whl", broken, INFO)
    assert [path.name for path in tmp_path.iterdir()] == ["old.whl"]
    assert (tmp_path / "old.whl").read_bytes() == b"old"


def test_permissions_are_read(tmp_path: Path) -> None:
    (tmp_path / "run").write_bytes(b"x")
    (tmp_path / "run").chmod(0o700)
    assert member_of(tmp_path / "run") == Member(b"x", executable=True)


@pytest.mark.parametrize("seconds", ["0", "4294967295", "4354819200", "99999999999999999999"])
def test_dates_that_archives_cannot_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: str
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", seconds)
    write_wheel(tmp_path / "x.whl", MEMBERS, INFO)
    write_sdist(tmp_path / "x.tar.gz", MEMBERS, "mark-1.0")
    with zipfile.ZipFile(tmp_path / "x.whl") as archive:
        assert {each.date_time[0] for each in archive.infolist()} == {1980 if seconds == "0" else 2106}
    with tarfile.open(tmp_path / "x.tar.gz") as archive:
        assert {each.mtime for each in archive} == {timestamp()}
