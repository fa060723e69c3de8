"""Reads of go.mod and go.work what gobind needs: the module's path and the folders that take part in a build."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gobind.errors import BuildError

_WORD = re.compile(r'"[^"]*"|`[^`]*`|[()]|[^\s()"`]+')


@dataclass(frozen=True)
class ModFile:
    """A go.mod or go.work: the module's path (empty in go.work) and the local folders it names."""

    module: str
    folders: tuple[Path, ...]


def module_root(directory: Path) -> Path | None:
    """Returns the nearest folder upward from `directory` that holds a go.mod; None if there is none."""
    directory = Path(os.path.abspath(directory))
    for folder in (directory, *directory.parents):
        if (folder / "go.mod").is_file():
            return folder
    return None


def work_file(module: Path) -> Path | None:
    """Returns the go.work that a module belongs to: the nearest upward from its folder; None if there is none."""
    return next(
        (each / "go.work" for each in (module, *module.parents) if (each / "go.work").is_file()), None
    )


def read(root: Path) -> ModFile:
    """Reads the go.mod of `root`.

    Raises:
        BuildError: it names no module.
    """
    found = parse(root / "go.mod")
    if not found.module:
        raise BuildError(f"{root / 'go.mod'} has no module line; expected: module NAME")
    return found


def parse(path: Path) -> ModFile:
    """Reads a go.mod or go.work: its ``module``, ``use`` and ``replace ... => ./folder`` directives."""
    module, folders = "", []
    for words in _directives(path.read_text(encoding="utf-8")):
        if words[0] == "module" and len(words) > 1:
            module = words[1]
        elif words[0] == "use" and len(words) > 1:
            folders.append(path.parent / words[1])
        elif words[0] == "replace" and "=>" in words[:-1]:
            target = words[words.index("=>") + 1]
            if (
                target.startswith(("./", "../", ".\\", "..\\"))
                or target in (".", "..")
                or os.path.isabs(target)
            ):
                folders.append(path.parent / target)
    return ModFile(module, tuple(folders))


def _directives(text: str) -> Iterator[list[str]]:
    """Yields each directive as words; a line of a block with the block's verb in front."""
    verb: list[str] = []
    for line in text.splitlines():
        words = [word.strip('"`') for word in _WORD.findall(line.split("//")[0])]
        if words[1:] == ["("]:
            verb = words[:1]
        elif words == [")"]:
            verb = []
        elif words:
            yield verb + words
