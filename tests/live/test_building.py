"""Contracts that are built for real: inside a package, in an empty folder, for the oldest glibc."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import libraries
import pytest

from gobind.runtime.process import platforms
from gobind.tool.builder import toolchain

pytestmark = pytest.mark.skipif(not shutil.which("go"), reason="builds with go from PATH")

# The package loads the library that is built from a module of its own.
PACKAGE = {
    "tally/__init__.py": """\
from pathlib import Path
import gobind
from .contract import Tally
from .words import Item
tally = gobind.load(str(Path(__file__).with_name("libtally.so")), Tally)
""",
    "tally/words.py": "from gobind import gostruct\n@gostruct\nclass Item:\n    name: str\n    n: int\n",
    "tally/contract.py": """\
from __future__ import annotations
from collections.abc import Iterable, Iterator
from typing import Protocol
from gobind import gointerface
from .words import Item
@gointerface
class Tally(Protocol):
    def total(self, items: Iterable[Item]) -> int: ...
    def names(self, items: Iterable[Item]) -> Iterator[str]: ...
    def ask(self, reader: Reader) -> str: ...
    async def ask_later(self, reader: Later) -> str: ...
@gointerface
class Reader(Protocol):
    def read(self, n: int, *, wait: bool = False, name: str) -> str: ...
@gointerface
class Later(Protocol):
    async def read(self, n: int, *, wait: bool = False, name: str) -> str: ...
""",
    # Ranges over streams, and has a variable for each turn of a loop: Go 1.23 and newer.
    "go/server.go": """\
package main

import "context"

type server struct{}

func (server) Total(ctx context.Context, items func(yield func(Item, error) bool)) (int, error) {
	var later []func() int
	for item, err := range items {
		if err != nil {
			return 0, err
		}
		later = append(later, func() int { return item.N })
	}
	total := 0
	for i := 0; i < len(later); i++ {
		defer func() { _ = later[i] }()
		total += later[i]()
	}
	return total, nil
}

func (server) Names(ctx context.Context, items func(yield func(Item, error) bool)) (func(yield func(string, error) bool), error) {
	return func(yield func(string, error) bool) {
		for item, err := range items {
			if !yield(item.Name, err) {
				return
			}
		}
	}, nil
}

func (server) Ask(ctx context.Context, reader Reader) (string, error) {
	return reader.Read(ctx, 5, true, "x")
}

func (server) AskLater(ctx context.Context, reader Later) (string, error) {
	return reader.Read(ctx, 5, true, "x")
}

func init() { RegisterTally(server{}) }
""",
}
KEYWORDS = """
import asyncio, tally
class Reader:
    def read(self, n, *, wait, name, more=()): return f"{n} {wait} {name}"
class Later:
    async def read(self, n, *, name, wait): return f"{n} {wait} {name}"
async def main(): print(await tally.tally.ask_later(Later()), await tally.tally.ask_later(Reader()))
print(tally.tally.ask(Reader()))
asyncio.run(main())
"""
USE = "import tally; items = [tally.Item('a', 5), tally.Item('b', 37)]; print(tally.tally.total(items), [*tally.tally.names(items)])"


def run(folder: Path, *arguments: str, **environ: str) -> str:
    """What a Python says in a folder, with gobind and the folder's modules at hand."""
    path = os.pathsep.join([str(folder), str(libraries.ROOT), *environ.pop("PYTHONPATH", "").split()])
    env = {**os.environ, "PYTHONPATH": path, **environ}
    done = subprocess.run([sys.executable, *arguments], cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def write(folder: Path) -> None:
    for name, text in PACKAGE.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


@pytest.mark.skipif(toolchain.go_version(Path()) < (1, 23), reason="ranging over functions came with Go 1.23")
@pytest.mark.parametrize("contract", ["tally/contract.py", "tally.contract"])
def test_a_package_that_loads_its_own_library_is_built_in_an_empty_folder(
    tmp_path: Path, contract: str
) -> None:
    write(tmp_path)
    run(tmp_path, "-m", "gobind", "build", contract, "go", "-o", "tally/libtally.so")
    assert run(tmp_path, "-c", USE) == "42 ['a', 'b']\n"
    assert run(tmp_path, "-c", KEYWORDS) == "5 True x\n5 True x 5 True x\n"
    assert re.search(r"^go 1\.(2[3-9]|[3-9]\d)$", (tmp_path / "go" / "go.mod").read_text(), re.M)


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc is Linux's")
@pytest.mark.skipif(
    platforms.own_target() not in toolchain.TARGETS, reason="zig builds for the targets of gobind only"
)
def test_a_library_for_a_named_target_needs_an_old_glibc_only(tmp_path: Path) -> None:
    """Also where the target is this machine, whose own compiler needs the machine's own glibc."""
    site = tmp_path / "site"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(site), "ziglang"]
    fetched = subprocess.run(command, capture_output=True, text=True)
    if fetched.returncode:
        pytest.skip(f"ziglang cannot be installed here: {fetched.stderr.strip().splitlines()[-1]}")
    write(tmp_path)
    arguments = ["tally/contract.py", "go", "-o", "tally/libtally.so", "--target", platforms.own_target()]
    run(tmp_path, "-m", "gobind", "build", *arguments, PYTHONPATH=str(site))
    content = (tmp_path / "tally" / "libtally.so").read_bytes()
    needed = {tuple(map(int, found.split(b"."))) for found in re.findall(rb"\0GLIBC_([\d.]+)(?=\0)", content)}
    assert needed and max(needed) <= (2, 17)
    assert run(tmp_path, "-c", USE) == "42 ['a', 'b']\n"
