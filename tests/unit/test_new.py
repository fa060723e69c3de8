"""Names of new projects: those that would not work are refused, in one line, before anything is written."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from gobind.errors import BuildError
from gobind.tool.wheels.new import new

PARTS = "a B 9 - _ . é / \\ \n \0 con nul go test internal x ~ @PACKAGE@ % $ None gobind".split(" ")


@pytest.mark.parametrize("name", ["nul", "CON", "com1", "typing-extensions", "conftest", "a" * 300])
def test_names_that_would_not_work(name: str, tmp_path: Path) -> None:
    with pytest.raises(BuildError):
        new(name, tmp_path)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["std", "all", "tool", "work", "fmt", "cmd_x", "main"])
def test_no_module_of_go_is_hidden(name: str, tmp_path: Path) -> None:
    module = (new(name, tmp_path) / "go" / "go.mod").read_text().split()[1]
    assert module == (name if name in ("cmd_x", "main") else f"{name}_module")


def test_names_by_chance(tmp_path: Path) -> None:
    chance = random.Random(13)
    made = 0
    for number in range(300):
        name = "".join(chance.choice(PARTS) for _ in range(chance.choice([1, 1, 2, 3, 5, 60])))
        folder = tmp_path / str(number)
        folder.mkdir()
        try:
            made += (new(name, folder) / "pyproject.toml").is_file()
        except BuildError as error:
            assert "\n" not in str(error) and not any(folder.iterdir())
    assert made > 20
