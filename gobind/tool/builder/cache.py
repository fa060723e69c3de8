"""Decides whether a library is up to date. Never by dates: by the contents of everything that it is made of.

The rule. A library is up to date when

* the **key** of now equals the key recorded when it was built, and
* the sha256 of the library file equals the one recorded then (so one that was replaced, cut short or edited
  is rebuilt).

The key is the sha256 over

* the toolchain: everything of `toolchain.identity`, and the arguments of go build;
* the contents and relative paths of **all** files of the module (the folder of go.mod and everything under
  it, whatever the suffix: C headers, embedded files and vendored packages count), of the folders that local
  ``replace`` lines name, and of go.work and the modules it uses. The contract counts through the Go text
  generated from it, which is written before the key is taken. Downloaded modules are fixed by go.sum, which
  is one of the files.

Not counted: version control folders (go refuses to embed them), virtual environments and the caches of
Python's tools, shared libraries that Go itself built from the same module (they are outputs), and, unless a
package above them embeds files, Go tests and the Go files of any other package main, which cannot be
imported. Editing one library therefore leaves the others of the module alone. The one limit is go's own: C
headers and libraries of the system are not looked at (``-- -a`` rebuilds).

The key is taken before go runs: whatever is edited during a build differs from it, and is built the next
time. The record lives in the user's cache folder, under the output's path. If it cannot be written there,
nothing is recorded and every build runs; go's own cache keeps that to about a second.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gobind.tool.builder import gomod

_SKIPPED_FOLDERS = frozenset(
    ".git .hg .svn .bzr __pycache__ .mypy_cache .pytest_cache .ruff_cache .tox .nox".split()
)
TEMPORARY = ".gobind-"  # how the names of gobind's own temporary files and folders begin

# The heads of ELF, PE and Mach-O (64 bit, then universal) files.
_BINARIES = (b"\x7fELF", b"MZ", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")

# What go writes into a library that it built with this build mode.
_C_SHARED = b"build\t-buildmode=c-shared\n"

# One space or comment of a Go file (or its byte order mark), and the clause that follows the last of them.
_BLANK = re.compile(rb"\s+|//[^\n]*|/\*[\s\S]*?\*/|\xef\xbb\xbf")
_PACKAGE_MAIN = re.compile(rb"package\s+main\b")

# Arguments by which the library comes to depend on files or facts that the key does not see, or that ask for
# a build.
_UNTRACKED = ("overlay", "modfile", "toolexec", "buildvcs", "pgo", "a", "n", "x", "work")


def trackable(arguments: Sequence[str]) -> bool:
    """Says whether the key covers what go build reads when given `arguments` (GOFLAGS' words included)."""
    flags = (word.lstrip("-") for word in arguments if word.startswith("-"))
    return not any(flag.split("=")[0] in _UNTRACKED for flag in flags if flag != "buildvcs=false")


def key(
    module_root: Path,
    package: Path,
    output: Path,
    go_work: str,
    facts: Mapping[str, str],
    arguments: Sequence[str],
) -> str:
    """Returns the key of the build of the library `output` from the folder `package` of the module `module_root`.

    `go_work` is the path of the go.work in force (empty: none), `facts` the toolchain's identity, `arguments`
    those of go build.
    """
    own_package = os.path.realpath(package)
    total = hashlib.sha256(json.dumps([own_package, sorted(facts.items()), list(arguments)]).encode())
    marker = f"path\t{gomod.read(module_root).module}".encode()
    own = os.path.join(os.path.realpath(output.parent), output.name)
    for folder in _folders(module_root, go_work):
        total.update(f"\n{folder}\n".encode())
        for path, digest in _tree(folder, own_package, marker):
            if path == own:
                continue  # whatever it is now, it is about to be written
            name = os.path.relpath(path, folder)
            total.update(f"{digest} {name}\n".encode(errors="surrogateescape"))
    if os.path.isfile(go_work):
        total.update(Path(go_work).read_bytes())
    return total.hexdigest()


def _folders(module_root: Path, go_work: str) -> list[Path]:
    """Returns the folders of local source: the module, go.work's, what they replace; none inside another."""
    modules = [module_root]
    folders = [module_root]
    if os.path.isfile(go_work):
        named = gomod.parse(Path(go_work)).folders
        modules += [folder for folder in named if (folder / "go.mod").is_file()]
        folders += named
    for module in modules:
        folders += gomod.parse(module / "go.mod").folders
    found = sorted({Path(os.path.realpath(folder)) for folder in folders})
    return [folder for folder in found if not any(other in folder.parents for other in found)]


def _tree(root: Path, package: str, marker: bytes) -> Iterator[tuple[str, str]]:
    """Yields path and sha256 of each file under `root` that counts for `package`, a folder, in a fixed order."""
    seen = set()  # links to folders count, as go imports through them; they may lead in a circle
    embedding: list[str] = []  # folders whose packages embed files, of which any below may be one
    for folder, subfolders, names in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            subfolders[:] = []
            yield folder, "linked twice"
            continue
        seen.add(real)
        subfolders[:] = sorted(name for name in subfolders if _counts(folder, name))
        contents = dict(_contents(folder, names))
        if any(b"//go:embed" in content for path, content in contents.items() if path.endswith(".go")):
            embedding.append(os.path.join(folder, ""))
        embedded = any(os.path.join(folder, "").startswith(above) for above in embedding)
        for path, content in contents.items():
            if path.endswith(".go") and not embedded and _is_elsewhere(path, content, real == package):
                continue
            if not (content.startswith(_BINARIES) and _is_output(content, marker)):
                yield path, hashlib.sha256(content).hexdigest()


def _contents(folder: str, names: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """Yields path and content of each file of `folder` that may count."""
    for name in sorted(names):
        path = os.path.join(folder, name)
        if name.startswith(TEMPORARY) or name.endswith(".pyc") or not os.path.isfile(path):
            continue
        try:
            with open(path, "rb") as file:
                yield path, file.read()
        except OSError:  # gone meanwhile, or unreadable: go could not have read it either
            continue


def _is_elsewhere(path: str, content: bytes, own: bool) -> bool:
    """Says whether a Go file cannot be part of the library: a test, or of another package main than its `own`."""
    return path.endswith("_test.go") or not own and _is_main(content)


def _is_main(content: bytes) -> bool:
    """Says whether a Go file says ``package main``."""
    start = 0
    while True:
        blank = _BLANK.match(content, start)
        if blank is None:
            return _PACKAGE_MAIN.match(content, start) is not None
        start = blank.end()


def _counts(folder: str, name: str) -> bool:
    if name in _SKIPPED_FOLDERS or name.startswith(TEMPORARY):
        return False
    return not os.path.exists(os.path.join(folder, name, "pyvenv.cfg"))


def _is_output(content: bytes, marker: bytes) -> bool:
    """Says whether this file is a shared library that go built from a package of this module."""
    found = content.find(marker)
    while found >= 0:
        after = found + len(marker)
        if content[after : after + 1] in (b"/", b"\n") and content.find(_C_SHARED, after) > 0:
            return True
        found = content.find(marker, after)
    return False


class Record:
    """What is remembered about one output file: the key it was built under and the sha256 of its contents."""

    def __init__(self, output: Path) -> None:
        output = Path(os.path.realpath(output.parent), output.name)
        self._output = output
        name = hashlib.sha256(os.fsencode(output)).hexdigest()[:32]
        self._path = cache_folder() / "built" / f"{name}.json"

    def up_to_date(self, key: str) -> bool:
        """Says whether the output is, byte for byte, what a build under `key` made."""
        try:
            known: dict[str, str] = json.loads(self._path.read_bytes())
            return known["key"] == key and known["sha256"] == file_hash(self._output)
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def write(self, key: str, sha256: str) -> bool:
        """Remembers a build; returns whether that was possible."""
        return remember(self._path, {"output": str(self._output), "key": key, "sha256": sha256})


def remember(path: Path, value: Any) -> bool:
    """Writes a value as JSON, in one step, for a later run to read; returns whether that was possible.

    What JSON does not have becomes text.
    """
    temporary = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(value, default=str), encoding="utf-8")
        os.replace(temporary, path)
    except OSError:
        return False
    return True


def file_hash(path: Path) -> str:
    """Returns the sha256 of a file's contents, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def cache_folder(environ: Mapping[str, str] | None = None) -> Path:
    """Returns gobind's folder in the user's cache folder of the platform; it need not exist."""
    environ = os.environ if environ is None else environ
    if environ.get("XDG_CACHE_HOME"):
        base = Path(environ["XDG_CACHE_HOME"])
    elif sys.platform == "win32":
        base = Path(environ.get("LOCALAPPDATA") or os.path.expanduser("~"))
    elif sys.platform == "darwin":
        base = Path(os.path.expanduser("~/Library/Caches"))
    else:
        base = Path(os.path.expanduser("~/.cache"))
    return base / "gobind"
