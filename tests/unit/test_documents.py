"""README and CONTRIBUTING agree with the code: tables are complete, files that are named exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = {path: path.read_text(encoding="utf-8") for path in (ROOT / "gobind").rglob("*.py")}


def section(title: str) -> str:
    """The part of the README under a heading."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.split(r"^## ", text.partition(f"\n## {title}\n")[2], maxsplit=1, flags=re.M)[0]


def first_cells(text: str) -> str:
    return "\n".join(re.findall(r"^\| (.*?) \|", text, re.M))


def error_classes() -> set[str]:
    """The names of gobind's error classes, with those that derive from them."""
    bases = {
        node.name: {ast.unparse(base) for base in node.bases}
        for text in SOURCES.values()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ClassDef)
    }
    found = {"GobindError"}
    while more := {name for name, of in bases.items() if of & found} - found:
        found |= more
    return found


def test_the_readme_lists_each_error_class() -> None:
    names = error_classes()
    assert {"GoPanic", "MismatchError", "BuildError", "CorruptFrame"} < names
    text = section("Errors")
    missing = {name for name in names if f"`{name}`" not in text and name != "GoTimeout"}
    assert not missing  # GoTimeout is not public: it is a GoError and a TimeoutError
    assert "`GoError` that is a `TimeoutError`" in first_cells(text)


def test_the_readme_lists_each_environment_variable() -> None:
    names = {name for text in SOURCES.values() for name in re.findall(r"\bGOBIND_[A-Z_]+\b", text)}
    listed = set(re.findall(r"\bGOBIND_[A-Z_]+\b", first_cells(section("Environment variables"))))
    assert {"GOBIND_DEBUG", "GOBIND_LIBRARY_PATH"} <= names <= listed


def test_contributing_names_files_that_exist() -> None:
    text = (ROOT / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([\w/]+/\w+\.(?:py|go))`", text))
    assert len(named) > 10
    places = (ROOT, ROOT / "gobind", ROOT / "gosrc" / "gobind")
    assert not {name for name in named if not any((place / name).exists() for place in places)}
