"""Editable installs build again when they have to, whatever Python they are imported in, and only then.

The wheel is unpacked into a folder that Python is told to treat like site-packages: no pip, no environment.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytest.importorskip("pyproject_metadata", reason="fetched by make test")
pytestmark = pytest.mark.skipif(shutil.which("go") is None, reason="go is fetched by make test-fresh")

COUNT = "import mark; print(mark.words.count('a'))"
COUNTED = "[Word(text='a', times=1)]\n"
AGAIN = "gobind: building mark again, its sources have changed ...\n"


class Installed:
    """A project and the folder that it is installed in."""

    def __init__(self, folder: Path) -> None:
        self.root, self.site = folder / "mark", folder / "site"
        self.folder = folder
        self.environ = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(folder / "cache")}
        self.environ.setdefault("GOCACHE", go_cache())
        self.run("-m", "gobind", "new", "mark")
        (self.root / "LICENSE").write_text("licence")
        path = self.root / "pyproject.toml"
        path.write_text(
            path.read_text().replace("[build", '[project.scripts]\nmark-it = "mark:words"\n\n[build', 1)
        )
        self.install()

    def install(self) -> None:
        """Builds the wheel of the editable install, and unpacks it."""
        done = self.run("-c", "import gobind.backend as b; print(b.build_editable('..'))", cwd=self.root)
        with zipfile.ZipFile(self.folder / done.stdout.split()[-1]) as wheel:
            wheel.extractall(self.site)

    def run(self, *words: str, cwd: Path | None = None, ok: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs Python."""
        done = subprocess.run(
            [sys.executable, *words], cwd=cwd or self.folder, env=self.environ, capture_output=True, text=True
        )
        assert (done.returncode == 0) is ok, done.stderr
        return done

    def python(self, code: str, cwd: Path | None = None) -> tuple[str, str]:
        """Runs code where the project is installed; returns stdout and stderr."""
        done = self.run("-c", f"import site; site.addsitedir({str(self.site)!r})\n{code}", cwd=cwd)
        return done.stdout, done.stderr

    def change(self) -> None:
        """Changes the Go sources, not what they do."""
        with open(self.root / "go" / "words.go", "a") as file:
            file.write("\n// changed\n")


def go_cache() -> str:
    return subprocess.run(["go", "env", "GOCACHE"], capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return Installed(tmp_path_factory.mktemp("editable"))


def test_nothing_is_built_that_is_as_installed(installed: Installed) -> None:
    installed.install()
    assert installed.python(COUNT) == (COUNTED, "")  # the licence counts for neither


def test_scripts_and_licences_are_installed(installed: Installed) -> None:
    info = installed.site / "mark-0.1.0.dist-info"
    assert (info / "entry_points.txt").read_text() == "[console_scripts]\nmark-it = mark:words\n"
    assert (info / "licenses" / "LICENSE").read_text() == "licence"
    assert "License-File: LICENSE\n" in (info / "METADATA").read_text()


def test_no_finder_is_missed(installed: Installed) -> None:
    """A list that gets shorter while importlib goes through it hides an item from it."""
    code = "import sys; before = list(sys.meta_path); import mark; assert sys.meta_path == before"
    installed.python(code)


def test_the_current_folder_hides_nothing(installed: Installed, tmp_path: Path) -> None:
    for name in ("gobind", "json", "random"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('hidden')")
    (tmp_path / "more").mkdir()
    script = tmp_path / "more" / "script.py"
    script.write_text(f"import site; site.addsitedir({str(installed.site)!r})\n{COUNT}")
    installed.change()
    done = installed.run(str(script), cwd=tmp_path)
    assert (done.stdout, done.stderr) == (COUNTED, AGAIN)


@pytest.mark.skipif(sys.platform == "win32", reason="closed by a shell of POSIX")
def test_without_stderr_stdout_is_as_it_was(installed: Installed) -> None:
    code = f"import site; site.addsitedir({str(installed.site)!r})\n{COUNT}"
    for where in ("2>&-", "2>/dev/full") if os.path.exists("/dev/full") else ("2>&-",):
        installed.change()
        command = ["sh", "-c", f'exec "$0" -c "$1" {where}', sys.executable, code]
        done = subprocess.run(
            command, env=installed.environ, cwd=installed.folder, stdout=subprocess.PIPE, text=True
        )
        assert done.stdout == COUNTED


def test_a_build_does_not_read_what_is_the_programs(installed: Installed) -> None:
    contract = installed.root / "src" / "mark" / "contract.py"
    text = contract.read_text()
    contract.write_text(f"import sys\n\nsys.stdin and sys.stdin.read()\n{text}")
    code = (
        f"import site, sys; site.addsitedir({str(installed.site)!r})\nfrom importlib.util import find_spec\n"
    )
    try:
        done = subprocess.run(
            [sys.executable, "-c", code + "find_spec('mark'); print(sys.stdin.read())"],
            env=installed.environ,
            cwd=installed.folder,
            input="kept",
            capture_output=True,
            text=True,
        )
    finally:
        contract.write_text(text)
    assert (done.stdout, done.stderr) == ("kept\n", AGAIN)
    installed.python("import mark")


def test_a_python_that_does_not_know_its_program(installed: Installed) -> None:
    installed.change()
    for value in ("''", "None"):
        stdout, stderr = installed.python(f"import sys; sys.executable = {value}\n{COUNT}")
        assert stdout == COUNTED and "this Python does not know its own program (sys.executable)" in stderr
    assert installed.python(COUNT) == (COUNTED, AGAIN)


def test_after_a_failure_the_next_import_tries_again(installed: Installed) -> None:
    go = installed.root / "go" / "words.go"
    text = go.read_text()
    go.write_text(text + "broken\n")
    code = f"""
try:
    import mark
except Exception as error:
    assert "words.go" in str(error), error
open({str(go)!r}, "w").write({text + "// mended"!r})
{COUNT}"""
    assert installed.python(code) == (COUNTED, AGAIN * 2)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_an_interrupted_build_leaves_nothing(installed: Installed, tmp_path: Path) -> None:
    """The signal strikes the process that imports only, while the contract waits for it."""
    contract = installed.root / "src" / "mark" / "contract.py"
    text = contract.read_text()
    ready, ended = tmp_path / "ready", tmp_path / "ended"
    os.mkfifo(ready)
    wait = f"""
import time
open({str(ready)!r}, "w").close()
try:
    time.sleep(60)
finally:
    open({str(ended)!r}, "w").close()
"""
    contract.write_text(wait + text)
    code = f"import site; site.addsitedir({str(installed.site)!r})\nimport mark"
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        env=installed.environ,
        cwd=installed.folder,
        stderr=subprocess.PIPE,
        text=True,
    )
    open(ready).close()
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=30)
    contract.write_text(text)
    assert "KeyboardInterrupt" in stderr
    assert ended.exists()  # the build has come to its end itself
    assert installed.python(COUNT)[0] == COUNTED


def test_go_outside_of_the_project_counts(installed: Installed) -> None:
    other = installed.folder / "other"
    other.mkdir()
    (other / "go.mod").write_text("module example.com/other\n\ngo 1.18\n")
    (other / "other.go").write_text('package other\n\nconst Mark = "x"\n')
    with open(installed.root / "go" / "go.mod", "a") as file:
        file.write("require example.com/other v0.0.0\nreplace example.com/other => ../../other\n")
    go = installed.root / "go" / "words.go"
    text = go.read_text().replace("Text: word}", "Text: word + other.Mark}")
    go.write_text(text.replace('"strings"', '"strings"\n\t"example.com/other"'))
    assert installed.python(COUNT) == (COUNTED.replace("'a'", "'ax'"), AGAIN)
    (other / "other.go").write_text('package other\n\nconst Mark = "y"\n')
    assert installed.python(COUNT) == (COUNTED.replace("'a'", "'ay'"), AGAIN)
