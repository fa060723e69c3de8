"""Wheels and sdists hold what people have written for others, all of it, and nothing that belongs to one machine."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from gobind.errors import BuildError
from gobind.tool.wheels.contents import built_from, package_files, source_files
from gobind.tool.wheels.project import read_project
from gobind.tool.wheels.sdist import check

pytest.importorskip("pyproject_metadata", reason="fetched by make test")

PYPROJECT = """
[project]
name = "mark"
version = "1.0"

[tool.gobind]
{table}

[[tool.gobind.library]]
contract = "mark.contract"
go = "{go}"
output = "mark/libmark.so"
"""


class Tree:
    """A project in a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.table, self.go = "", "go"
        self.write("src/mark/__init__.py", "src/mark/contract.py", "go/mark.go")
        self.write("go/go.mod", text="module mark\n")

    def write(self, *names: str, text: str = "") -> None:
        """Writes files."""
        for name in names:
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text or f"// {name}\npackage main\n")

    def wheel(self) -> set[str]:
        """Returns the names of the packages' files in the wheel."""
        self._configure()
        return set(package_files(read_project(self.root)))

    def sdist(self) -> set[str]:
        """Returns the names of the files of the sdist."""
        self._configure()
        return set(source_files(read_project(self.root)))

    def _configure(self) -> None:
        (self.root / "pyproject.toml").write_text(PYPROJECT.format(table=self.table, go=self.go))

    def refused(self, sdist: bool = False) -> str:
        """Returns why a wheel, or an sdist, is refused."""
        with pytest.raises(BuildError) as caught:
            self.sdist() if sdist else self.wheel()
        assert "\n" not in str(caught.value)
        return str(caught.value)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path / "project")


OWN = {"mark/__init__.py", "mark/contract.py"}
SOURCES = {"pyproject.toml", "src/mark/__init__.py", "src/mark/contract.py", "go/mark.go", "go/go.mod"}


def test_packages_called_build_and_dist_are_there(tree: Tree) -> None:
    tree.write("src/mark/build/__init__.py", "src/mark/dist/x.py", "src/mark/venv/x.py", "go/build/x.go")
    assert tree.wheel() == OWN | {"mark/build/__init__.py", "mark/dist/x.py", "mark/venv/x.py"}
    assert "go/build/x.go" in tree.sdist()


def test_what_is_private_is_not(tree: Tree) -> None:
    for name in (".env", ".git", ".DS_Store", "x.py~", ".x.py.swp", ".#x.py", "#x.py#", "id_rsa", "x.pyc"):
        tree.write(f"src/mark/{name}", f"go/{name}")
    tree.write("src/mark/.idea/x.xml", "src/mark/__pycache__/x.txt", "src/mark/sub/.git/config")
    assert tree.wheel() == OWN
    assert tree.sdist() == SOURCES


needs_links = pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")


@needs_links
def test_a_link_to_the_outside_is_refused(tree: Tree, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s")
    (tree.root / "src" / "mark" / "x.txt").symlink_to(tmp_path / "secret")
    for message in (tree.refused(), tree.refused(sdist=True)):
        assert "x.txt is a link to " in message and "outside of the project; put a copy" in message
    (tree.root / "src" / "mark" / "x.txt").unlink()
    (tree.root / "src" / "mark" / "folder").symlink_to(tmp_path)
    assert "folder is a link to " in tree.refused()


@needs_links
def test_a_link_inside_is_followed(tree: Tree) -> None:
    tree.write("data/a.txt")
    (tree.root / "src" / "mark" / "data").symlink_to(tree.root / "data")
    assert tree.wheel() == OWN | {"mark/data/a.txt"}
    (tree.root / "data" / "again").symlink_to(tree.root / "data")
    assert "leads back to a folder around it" in tree.refused()


@needs_links
def test_what_is_no_file_is_refused(tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tree.root / "src" / "mark"
    os.mkfifo(place / "pipe")
    assert "pipe is no file with a content" in tree.refused()
    (place / "pipe").unlink()
    monkeypatch.chdir(place)  # as the path of a socket is short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("door")
        assert "door is no file with a content" in tree.refused(sdist=True)
    (place / "door").unlink()
    (place / "gone").symlink_to(place / "nothing")
    assert "gone: No such file" in tree.refused()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems refuse such names themselves")
@pytest.mark.parametrize("name", [b"\xff.txt", b"a\\b.txt", b"a\nb.txt"])
def test_a_name_that_archives_cannot_hold(tree: Tree, name: bytes) -> None:
    (tree.root / "src" / "mark" / os.fsdecode(name)).touch()
    assert "has a name that archives cannot hold" in tree.refused()
    assert "has a name that archives cannot hold" in tree.refused(sdist=True)


def test_go_in_the_packages_own_folder(tree: Tree) -> None:
    tree.go = "src/mark"
    tree.write("src/mark/mark.go", "src/mark/mark.c", "src/mark/mark.h", "src/mark/gobind/run.go")
    tree.write("src/mark/go.mod", text="module mark\n")
    tree.write("src/mark/data/kept.h", "src/mark/data/kept.c")
    assert tree.wheel() == OWN | {"mark/data/kept.h", "mark/data/kept.c"}
    assert {"src/mark/mark.go", "src/mark/mark.h", "src/mark/go.mod"} <= tree.sdist()


def test_go_inside_a_package_and_around_it(tree: Tree) -> None:
    tree.go = "src/mark/native"
    tree.write("src/mark/native/mark.go", "src/mark/native/notes.txt")
    assert tree.wheel() == OWN
    tree.go = "src"
    assert tree.wheel() == OWN | {"mark/native/notes.txt"}


def test_a_module_in_the_projects_own_folder(tree: Tree) -> None:
    (tree.root / "go" / "go.mod").unlink()
    tree.write("go.mod", text="module mark\n")
    tree.write(
        "internal/x/x.go",
        text='package x\n\nimport "embed"\n\n//go:embed a.txt "b c" all:d\nvar f embed.FS\n',
    )
    inside = {f"internal/x/{name}" for name in ("x.go", "x.h", "x.c", "a.txt", "b c", "d/e.txt")}
    tree.write(*(inside - {"internal/x/x.go"}), "vendor/modules.txt", "vendor/y/LICENSE", "vendor/y/y.go")
    tree.write(
        ".venv/lib/gobind/run.go", "env/lib/run.go", "env/pyvenv.cfg", "notes.txt", "internal/x/notes.txt"
    )
    tree.write("build/x.go", "node_modules/y/y.go")
    vendored = {"vendor/modules.txt", "vendor/y/LICENSE", "vendor/y/y.go"}
    assert tree.sdist() == (SOURCES - {"go/go.mod"}) | inside | vendored | {"go.mod"}
    tree.go = "."
    assert tree.sdist() == (SOURCES - {"go/go.mod"}) | inside | vendored | {"go.mod"}
    (tree.root / "go.mod").unlink()  # the build will write it
    tree.write("mark.go")
    assert "mark.go" in tree.sdist()


def test_modules_and_namespace_packages(tree: Tree) -> None:
    tree.table = 'packages = ["mark", "space.inner", "single"]'
    tree.write("src/space/inner/x.py", "src/space/other/x.py", "src/single.py", "src/single.pyi")
    assert tree.wheel() == OWN | {"space/inner/x.py", "single.py", "single.pyi"}


def test_a_package_that_is_empty_beside_one_of_similar_name(tree: Tree) -> None:
    tree.table = 'packages = ["mark", "mar"]'
    (tree.root / "src" / "mar").mkdir()
    assert tree.refused() == "tool.gobind.packages: mar has no files"


@pytest.mark.parametrize(
    "table, message",
    [
        ('include = ["../*"]', "tool.gobind.include[0]: expected a pattern of files inside the project"),
        ('include = ["/etc/*"]', "tool.gobind.include[0]: expected a pattern of files inside the project"),
        ('packages = ["/etc"]', "tool.gobind.packages: expected the name of a package or module"),
        ('packages = ["../go"]', "tool.gobind.packages: expected the name of a package or module"),
        ('packages = ["a..b"]', "tool.gobind.packages: expected the name of a package or module"),
    ],
)
def test_nothing_outside_is_named(tree: Tree, table: str, message: str) -> None:
    tree.table = table
    assert tree.refused().startswith(message)


def test_what_libraries_are_built_from_does_not_depend_on_the_metadata(tree: Tree) -> None:
    tree.write("LICENSE", "README.txt")
    tree.wheel()
    first, second = (built_from(read_project(tree.root, metadata=read)) for read in (True, False))
    assert first == second
    assert "LICENSE" in tree.sdist()


def test_local_modules_are_in_the_sdist(tree: Tree) -> None:
    tree.write(
        "go/go.mod", text="module mark\n\nreplace example.com/a => ../a\n\nreplace example.com/b => ./b\n"
    )
    tree.write("go.work", text="use (\n\t./go\n\t./c\n)\n")
    local = {"a/go.mod", "a/x.txt", "go/b/go.mod", "c/go.mod", "c/c.go"}
    tree.write(*local)
    assert tree.sdist() == SOURCES | local | {"go.work"}
    check(read_project(tree.root))


@pytest.mark.parametrize("name, text", [("go/go.mod", "replace a => ../../x"), ("go.work", "use ../x")])
def test_modules_elsewhere_are_not(tree: Tree, name: str, text: str) -> None:
    tree.write(name, text=f"module mark\n\n{text}\n")
    tree.wheel()
    with pytest.raises(BuildError, match="which an sdist cannot hold: publish that module, or move it into"):
        check(read_project(tree.root))


def test_a_workspace_around_the_project_stays_behind(tree: Tree) -> None:
    (tree.root.parent / "go.work").write_text("use ./elsewhere\n")
    tree.wheel()
    check(read_project(tree.root))
