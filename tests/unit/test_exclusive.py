"""One build at a time works in a folder."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gobind.tool.builder.exclusive import exclusive
from gobind.tool.builder.report import Report

ROOT = Path(__file__).parents[2]


class Told(Report):
    """Keeps what it is told, and says when it is."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.event = threading.Event()

    def say(self, text: str) -> None:
        self.lines.append(text)
        self.event.set()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder


def test_threads_wait(tmp_path: Path) -> None:
    order: list[str] = []
    entered = threading.Event()

    def second() -> None:
        entered.set()
        with exclusive(tmp_path / "x" / "..", Report()):  # the same folder
            order.append("second")

    thread = threading.Thread(target=second)
    with exclusive(tmp_path, Report()):
        with exclusive(tmp_path, Report()):  # who has it goes on
            thread.start()
            entered.wait()
        thread.join(0.2)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_another_process_keeps_it_until_it_ends(tmp_path: Path) -> None:
    """However it ends, and without a child that was forked meanwhile keeping it."""
    code = f"""
import sys
from pathlib import Path
from gobind.tool.builder.exclusive import exclusive
from gobind.tool.builder.report import Report
with exclusive(Path({str(tmp_path)!r}), Report()):
    print("held", flush=True)
    sys.stdin.read()
"""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-c", code], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin and process.stdout
    assert process.stdout.readline() == "held\n"
    told = Told()
    got = threading.Event()

    def wait() -> None:
        with exclusive(tmp_path, told):
            got.set()

    thread = threading.Thread(target=wait)
    thread.start()
    assert told.event.wait(60)
    assert not got.is_set()
    process.kill()
    thread.join()
    assert told.lines == [f"waiting for another build in {tmp_path}"]
    process.communicate()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_forked_child_does_not_keep_it(tmp_path: Path) -> None:
    read, write = os.pipe()
    with exclusive(tmp_path, Report()):
        child = os.fork()
        if not child:
            os.close(write)
            os.read(read, 1)  # until the parent closes its end
            os._exit(0)
    told = Told()
    with exclusive(tmp_path, told):
        pass
    os.close(write)
    os.close(read)
    os.waitpid(child, 0)
    assert told.lines == []


def test_without_a_cache_folder_only_threads_are_kept_out(tmp_path: Path, cache: Path) -> None:
    cache.write_text("a file")
    with exclusive(tmp_path, Report()), exclusive(tmp_path, Report()):
        pass
