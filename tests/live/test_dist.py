"""gobind's own wheel and sdist: the same bytes each time, complete, and usable in an environment with nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import libraries
import pytest

import gobind

ROOT = Path(__file__).parents[2]

for name in ("build", "twine", "check_wheel_contents"):
    pytest.importorskip(name, reason="fetched by make test")


def made(folder: Path) -> dict[str, bytes]:
    """What `make dist` makes of a copy of this tree in `folder`, by names."""
    clone = folder / "gobind"
    ignored = shutil.ignore_patterns(
        ".git", ".venv", ".*_cache", "build", "dist", "*.so", "*.egg-info", "__pycache__"
    )
    shutil.copytree(ROOT, clone, ignore=ignored)
    environ = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}
    command = [sys.executable, ".ci/dist.py"]
    done = subprocess.run(command, cwd=clone, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.split() == sorted(str(Path("dist", path.name)) for path in (clone / "dist").iterdir())
    return {path.name: path.read_bytes() for path in (clone / "dist").iterdir()}


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return made(tmp_path_factory.mktemp("dist"))


def test_the_same_bytes_each_time(dist: dict[str, bytes], tmp_path: Path) -> None:
    (tmp_path / "another folder").mkdir()
    again = made(tmp_path / "another folder")
    assert sorted(again) == sorted(dist)
    for name in dist:
        assert again[name] == dist[name], name


def test_what_is_in_them(dist: dict[str, bytes], tmp_path: Path) -> None:
    version = gobind.__version__
    assert sorted(dist) == [f"gobind-{version}-py3-none-any.whl", f"gobind-{version}.tar.gz"]
    for name, content in dist.items():
        (tmp_path / name).write_bytes(content)
    with zipfile.ZipFile(tmp_path / f"gobind-{version}-py3-none-any.whl") as archive:
        names = set(archive.namelist())
        metadata = archive.read(f"gobind-{version}.dist-info/METADATA").decode()
    own = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "gobind").rglob("*.py")
        if "__pycache__" not in path.parts
    }
    assert own | {"gobind/py.typed", "gobind/tool/gosrc/call.go", "gobind/tool/gosrc/entry/entry.go"} <= names
    assert not [name for name in names if name.endswith("_test.go") or name.startswith(("tests", "gosrc"))]
    required = [line for line in metadata.splitlines() if line.startswith("Requires-Dist")]
    assert required == ["Requires-Dist: typing_extensions", 'Requires-Dist: pytest; extra == "test"']
    with tarfile.open(tmp_path / f"gobind-{version}.tar.gz") as archive_of_sources:
        names = {name.partition("/")[2] for name in archive_of_sources.getnames()}
    assert own | {"setup.cfg", "pyproject.toml", "README.md", "LICENSE", "gosrc/gobind/call.go"} <= names


def test_an_environment_with_nothing_else(dist: dict[str, bytes], tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    bin_folder = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin")
    name = next(name for name in dist if name.endswith(".whl"))
    (tmp_path / name).write_bytes(dist[name])
    run = [str(bin_folder / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*run, str(tmp_path / name)], check=True, capture_output=True)
    code = f"import gobind; print(gobind.load({str(libraries.path_of('accounts'))!r}).Accounts.ping(5))"
    for command in ([str(bin_folder / "python"), "-c", code], [str(bin_folder / "gobind"), "--version"]):
        done = subprocess.run(command, cwd=tmp_path, env={"PATH": ""}, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, ""), done
        assert done.stdout in ("5\n", f"gobind {gobind.__version__}\n")


def test_the_version_is_written_in_one_place() -> None:
    written = [
        path.relative_to(ROOT).as_posix()
        for folder in ("gobind", ".ci")
        for path in (ROOT / folder).rglob("*")
        if path.is_file()
        and path.suffix in ("", ".py", ".cfg", ".toml")
        and b"__version__ = " in path.read_bytes()
    ]
    assert written == ["gobind/version.py"]
    for name in ("setup.cfg", "pyproject.toml", "Makefile"):
        assert gobind.__version__ not in (ROOT / name).read_text(encoding="utf-8")
