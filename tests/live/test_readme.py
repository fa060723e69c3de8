"""The README's own example, as it stands there: built, run, and read by the type checkers."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def snippets() -> dict[str, str]:
    """The files that the README shows, by the names it gives them."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return dict(re.findall(r"`([\w/]+\.(?:py|go))`:\n\n```\w+\n(.*?)```", text, re.S))


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("readme")
    for name, content in snippets().items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    return folder


def run(folder: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={**__import__("os").environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_readme_shows_three_files() -> None:
    assert sorted(snippets()) == ["greeter.py", "greeter/greeter.go", "hello.py"]


def test_the_example_works_as_written(example: Path) -> None:
    command = re.search(
        r"^python (-m gobind build .*)$", (ROOT / "README.md").read_text(encoding="utf-8"), re.M
    )
    assert command is not None
    run(example, *command[1].split())
    greetings = ["Hello Ada, 36 years young!", "Hello Grace, 85 years young!"]
    assert run(example, "hello.py") == f"{greetings}\n"


def test_the_commands_it_names_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^make (\w+)", (ROOT / "README.md").read_text(encoding="utf-8"), re.M):
        assert re.search(rf"^{target}:", makefile, re.M), target
