"""Follows a page of instructions: runs its commands, writes its files, compares what it says comes out.

Blocks of ``sh`` are commands, run one after another in one shell; of ``text`` what the block before has printed last; of
``python``, ``go`` and ``toml`` files, named in their first line by a comment. Others are not followed.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
_NAME = re.compile(r"(?:#|//) (\S+)\n")


class Block(NamedTuple):
    """A block of code, and the line of the page where it begins."""

    kind: str
    text: str
    line: int


def blocks_of(page: str) -> Iterator[Block]:
    """Yields the blocks of a page in Markdown."""
    for found in _BLOCK.finditer(page):
        yield Block(found[1], found[2], page.count("\n", 0, found.start()) + 1)


class Follower:
    """Follows a page in a folder.

    Args:
        folder: where the first command runs.
        environ: of the commands.

    Attributes:
        folder: where the next command will run.
    """

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self.folder = folder
        self._environ = dict(environ)
        self._state = folder.parent / "state.sh"
        self._state.write_text("")
        self._printed = ""

    def follow(self, block: Block) -> None:
        """Does what one block says.

        Raises:
            AssertionError: a command fails, or prints something else.
        """
        if block.kind == "sh":
            self._run(block)
        elif block.kind == "text":
            assert self._printed.strip().endswith(block.text.strip()), f"line {block.line}: {self._printed}"
        elif block.kind in ("python", "go", "toml"):
            name = _NAME.match(block.text)
            assert name is not None, f"line {block.line}: the file has no name"
            path = self.folder / name[1]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text[name.end() :], encoding="utf-8")

    def _run(self, block: Block) -> None:
        # The next block goes on in the folder, and with the variables, that this one has ended with.
        script = f". '{self._state}'\nset -e\n{block.text}\nexport -p > '{self._state}'; echo \"cd '$PWD'\" >> '{self._state}'\n"
        done = subprocess.run(
            ["bash", "-c", script], cwd=self.folder, env=self._environ, capture_output=True, text=True
        )
        assert done.returncode == 0, f"line {block.line}:\n{block.text}\n{done.stdout}{done.stderr}"
        self._printed = done.stdout
        self.folder = Path(self._state.read_text().rpartition("cd '")[2].rstrip("'\n"))


def clean_environment(home: Path, links: Path) -> dict[str, str]:
    """Returns the environment of somebody who has never used gobind, where pip finds gobind's wheel in `links`."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(("PIP_", "SSL_", "GOPROXY", "GOMODCACHE", "GOCACHE", "GOFLAGS"))
    }
    home.mkdir(exist_ok=True)
    return {
        **kept,
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "PIP_FIND_LINKS": str(links),
    }
