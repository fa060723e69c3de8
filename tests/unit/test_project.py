"""What a pyproject.toml says is read once and checked: each mistake is told by its place."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gobind.errors import BuildError
from gobind.tool.wheels.project import normalised, read_project
from gobind.tool.wheels.wheel import metadata_text

pytest.importorskip("pyproject_metadata", reason="fetched by make test")

PROJECT = """
[project]
name = "My.Mark"
version = "1.0"
license = "MIT"
"""

LIBRARY = """
[[tool.gobind.library]]
contract = "my_mark.contract"
go = "go"
output = "my_mark/libmark.so"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a project without its pyproject.toml."""
    (tmp_path / "src" / "my_mark").mkdir(parents=True)
    (tmp_path / "src" / "my_mark" / "__init__.py").touch()
    (tmp_path / "src" / "my_mark" / "contract.py").touch()
    (tmp_path / "go").mkdir()
    (tmp_path / "LICENSE").write_text("text")
    return tmp_path


def refused(folder: Path, text: str) -> str:
    (folder / "pyproject.toml").write_text(text)
    with pytest.raises(BuildError) as caught:
        read_project(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_defaults(folder: Path) -> None:
    (folder / "pyproject.toml").write_text(PROJECT + LIBRARY)
    project = read_project(folder)
    assert (project.name, project.distribution, project.version) == ("My.Mark", "my_mark", "1.0")
    assert project.python_source == folder / "src"
    assert project.packages == ("my_mark",)
    assert project.license_files == (Path("LICENSE"),)
    (library,) = project.libraries
    assert library.contract == str(folder / "src" / "my_mark" / "contract.py")
    assert (library.go, library.output) == (folder / "go", Path("my_mark/libmark.so"))
    assert not (library.version or library.tags or project.vendor or project.include or project.inner_backend)


def test_everything_that_can_be_said(folder: Path) -> None:
    table = (
        '[tool.gobind]\npython-source = "src"\npackages = ["my_mark"]\ninclude = ["go/*.md"]\nvendor = true\n'
    )
    (folder / "pyproject.toml").write_text(
        PROJECT + table + LIBRARY + 'version = "main.version"\ntags = ["fast", "small"]\n'
    )
    project = read_project(folder)
    assert project.vendor and project.include == ("go/*.md",)
    assert project.libraries[0].version == "main.version"
    assert project.libraries[0].tags == ("fast", "small")


def test_a_version_is_written_as_python_writes_it(folder: Path) -> None:
    (folder / "pyproject.toml").write_text(PROJECT.replace("1.0", "1.0-RC.1") + LIBRARY)
    assert read_project(folder).version == "1.0rc1"


@pytest.mark.parametrize(
    "table, message",
    [
        (
            "[tool.gobind]\nvendored = true",
            "tool.gobind.vendored: unknown key; expected one of inner-backend, ",
        ),
        ('[tool.gobind]\nvendor = "yes"', "tool.gobind.vendor: expected true or false, got the string 'yes'"),
        ("[tool.gobind]\nvendor = 1", "tool.gobind.vendor: expected true or false, got the integer 1"),
        (
            '[tool.gobind]\npackages = "x"',
            "tool.gobind.packages: expected a list of strings, got the string 'x'",
        ),
        ("[tool.gobind]\npackages = [1]", "tool.gobind.packages[0]: expected a string, got the integer 1"),
        (
            '[tool.gobind]\npackages = ["other"]\n' + LIBRARY,
            "tool.gobind.packages: there is no package other in src/;",
        ),
        ('[tool.gobind]\npython-source = "lib"', "tool.gobind.python-source: there is no folder lib"),
        (
            '[tool.gobind]\npython-source = ".."',
            "tool.gobind.python-source: expected a folder inside the project",
        ),
        ("[tool]\ngobind = 3", "tool.gobind: expected a table, got the integer 3"),
        ("", "tool.gobind.library: expected [[tool.gobind.library]] with contract, go and output"),
        ("[[tool.gobind.library]]", "tool.gobind.library[0].contract is missing: a dotted module such as"),
        (LIBRARY.replace("output", "out"), "tool.gobind.library[0].output is missing: a path such as"),
        (
            LIBRARY + "name = 'x'",
            "tool.gobind.library[0].name: unknown key; expected one of contract, go, output,",
        ),
        (LIBRARY.replace('"go"', '"golang"'), "tool.gobind.library[0].go: there is no folder golang"),
        (
            LIBRARY.replace('"go"', '"/"'),
            "tool.gobind.library[0].go: expected a folder inside the project, got '/'",
        ),
        (
            LIBRARY.replace("my_mark/lib", "../lib"),
            "tool.gobind.library[0].output: expected a path below the Python",
        ),
        (
            LIBRARY.replace(".so", ".txt"),
            "tool.gobind.library[0].output: expected a path below the Python packages",
        ),
        (
            LIBRARY + 'version = "version"',
            "tool.gobind.library[0].version: expected a Go variable such as main.version",
        ),
        (LIBRARY + LIBRARY, "tool.gobind.library[1].output: my_mark/libmark.so is there twice"),
    ],
)
def test_mistakes_are_told_by_their_place(folder: Path, table: str, message: str) -> None:
    assert refused(folder, PROJECT + table).startswith(message)


@pytest.mark.parametrize(
    "text, message",
    [
        ("[project", "pyproject.toml: "),
        (LIBRARY, "pyproject.toml has no [project] with name and version"),
        ('[project]\nname = "my-mark"\n' + LIBRARY, 'pyproject.toml: Field "project.version" missing'),
        (
            '[project]\nname = "my-mark"\ndynamic = ["version"]\n' + LIBRARY,
            "project.dynamic: gobind does not find",
        ),
        (
            '[project]\nname = "my-mark"\nversion = "one"\n' + LIBRARY,
            '"project.version" is an invalid PEP 440 version string',
        ),
    ],
)
def test_mistakes_outside_of_gobinds_table(folder: Path, text: str, message: str) -> None:
    assert message in refused(folder, text)


def test_no_project(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="pyproject.toml is missing; expected the folder of a project"):
        read_project(tmp_path)


@pytest.mark.parametrize("name, file", [("a-b.c", "a_b_c"), ("A__b", "a_b"), ("x", "x")])
def test_names_of_files(name: str, file: str) -> None:
    assert normalised(name) == file


@pytest.mark.parametrize(
    "more, message",
    [
        ('dynamic = ["dependencies"]', "project.dynamic: gobind does not find out 'dependencies'"),
        ('readme = "../README.md"', "project.readme: expected a file inside the project"),
        ('readme = "LATIN.md"', "pyproject.toml names a file that is not UTF-8: "),
        (
            '[project.entry-points.console_scripts]\na = "b:c"',
            "project.entry-points.console_scripts: write that as",
        ),
    ],
)
def test_metadata_that_would_be_lost(folder: Path, more: str, message: str) -> None:
    (folder.parent / "README.md").write_text("text")
    (folder / "LATIN.md").write_bytes(b"\xe9")
    assert refused(folder, PROJECT + more + LIBRARY).startswith(message)


def test_a_licence_that_is_unknown(folder: Path) -> None:
    pytest.importorskip("packaging.licenses", reason="since packaging 24.2")
    message = refused(folder, PROJECT.replace('"MIT"', '"NO-SUCH"') + LIBRARY)
    assert message.startswith("project.license: ") and message.endswith(
        "expected an SPDX expression such as MIT"
    )


@pytest.mark.filterwarnings("ignore:Set .project.license")
def test_a_licence_is_inside_the_project(folder: Path) -> None:
    text = PROJECT.replace('"MIT"', '{file = "../OTHER"}') + LIBRARY
    (folder.parent / "OTHER").write_text("text")
    assert refused(folder, text).startswith("project.license.file: expected a file inside the project")


@pytest.mark.filterwarnings("ignore:Set .project.license")
@pytest.mark.parametrize("license", ['{file = "LICENSE"}', '{text = "my own"}', '"MIT"'])
def test_each_way_to_say_the_licence(folder: Path, license: str) -> None:
    (folder / "pyproject.toml").write_text(PROJECT.replace('"MIT"', license) + LIBRARY)
    project = read_project(folder)
    assert project.license_files == (Path("LICENSE"),)
    lines = metadata_text(project, ["LICENSE", "go/LICENSE"], ["License-File"]).decode().splitlines()
    assert [line for line in lines if "License-File" in line] == [
        "License-File: LICENSE",
        "License-File: go/LICENSE",
        "Dynamic: License-File",
    ]
    assert str(folder) not in "".join(lines)


@pytest.mark.parametrize(
    "text, message",
    [
        ("tool = 3", "tool.gobind: expected a table, got the integer 3"),
        (LIBRARY.replace('"go"', '"g\\u0000"'), "tool.gobind.library[0].go: expected a string without NUL"),
        (
            LIBRARY.replace("my_mark.contract", "../contract.py"),
            "tool.gobind.library[0].contract: expected a file inside the project, got '../contract.py'",
        ),
    ],
)
def test_odd_values(folder: Path, text: str, message: str) -> None:
    assert refused(folder, text).startswith(message)


@pytest.mark.skipif(sys.version_info >= (3, 11), reason="has a TOML reader of its own")
def test_what_tomli_has_read_is_read_again_without_it(tmp_path: Path) -> None:
    """An editable install builds at import in an environment that has neither tomli nor pip."""
    (tmp_path / "pyproject.toml").write_text(f'[project]\nname = "{tmp_path.name}"\nday = 2026-01-02\n')
    code = (
        "import pathlib, sys; {}; from gobind.tool.wheels.project import read_toml;"
        " print(read_toml(pathlib.Path(sys.argv[1]))['project']['name'])"
    )
    without = code.format("sys.modules.update(tomli=None, pip=None)")
    environ = {
        **os.environ,
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }

    def read(program: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", program, str(tmp_path)]
        return subprocess.run(command, env=environ, capture_output=True, text=True)

    assert "run: pip install tomli" in read(without).stderr
    assert read(code.format("pass")).stdout == f"{tmp_path.name}\n"
    assert read(without).stdout == f"{tmp_path.name}\n"
