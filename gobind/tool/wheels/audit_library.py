"""What `gobind audit` says about one library."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import gobind
from gobind.errors import BuildError, LoadError
from gobind.runtime.process.platforms import check_process, own_target
from gobind.tool.wheels.binary import Binary
from gobind.tool.wheels.buildinfo import BuildInfo, GoModule
from gobind.tool.wheels.tags import platform_tag

NEWEST_GO, KNOWN_ON = (1, 27), "2026-11-25"
"""The newest release line of Go, and when that was so. Go's authors fix faults in two: https://go.dev/doc/devel/release."""

_SUPPORTED = 2  # release lines
_LOAD_SECONDS = 60
# Run by a process of its own: what a library does when it is loaded must not reach this one.
_DESCRIBE = """
import json, sys, gobind
library = gobind.load(sys.argv[1])
print(json.dumps({name: len(found[2]) for each in library._contracts for name, found in each.interfaces.items()}))
"""


@dataclass
class Audit:
    """What was found.

    Attributes:
        title: of what; empty: of the file that was named.
        facts: what there is, each with its label.
        problems: what is wrong, a sentence each; without the library's name, so that those of several libraries can be told at once.
        binary: the library, if it is one.
        tag: the platform tag it needs; None: there is none.
    """

    title: str
    facts: list[tuple[str, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    binary: Binary | None = None
    tag: str | None = None


def audit_library(binary: Binary, path: Path | None, beside: Collection[str] = ()) -> Audit:
    """Returns what there is to say about a library.

    Args:
        path: where it lies, to load it from; None: it is not loaded.
        beside: the file names of the other libraries in its wheel.
    """
    audit = Audit(f"{binary.name}: {binary.target}, {megabytes(binary.size)}", binary=binary)
    if path is not None and str(path) == binary.name:
        audit.title = f"{binary.target}"
    try:
        audit.tag = platform_tag(binary, beside)
    except BuildError as error:
        audit.problems.append(str(error).removeprefix(f"{binary.name} "))
    audit.facts.append(("needs", ", ".join(_needs(binary)) or "nothing"))
    audit.facts.append(("platform tag", audit.tag or "none fits"))
    audit.facts.append(("debug data", "yes" if binary.has_debug else "no"))
    if binary.has_debug:
        how = "build it with -ldflags '-s -w', as gobind wheel does" if binary.go else "strip it"
        audit.problems.append(f"holds debug data: {how}")
    if binary.target in ("darwin/arm64", "darwin/universal2") and not binary.is_signed:
        audit.problems.append(
            "is not signed: Macs with Apple silicon do not load it; run: codesign -s - FILE"
        )
    if binary.go is None:
        audit.facts.append(("Go", "none: built by something else, or by a Go before 1.18"))
    else:
        _audit_go(audit, binary.go)
    _audit_contract(audit, binary, path)
    return audit


def megabytes(size: int) -> str:
    """Returns a number of bytes for people: ``1.4 MB``."""
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"


def is_old_go(version: str) -> bool:
    """Says whether the release line of a Go of `version` (``go1.21.3``) was known to be out of support on `KNOWN_ON`."""
    match = re.match(r"go(\d{1,4})(?:\.(\d{1,4}))?", version)
    return match is not None and (int(match[1]), int(match[2] or 0)) <= (
        NEWEST_GO[0],
        NEWEST_GO[1] - _SUPPORTED,
    )


def _needs(binary: Binary) -> Iterator[str]:
    if binary.glibc:
        yield f"glibc {'.'.join(map(str, binary.glibc))}"
    if binary.macos:
        yield f"macOS {'.'.join(map(str, binary.macos))}"
    yield from binary.needed


def _audit_go(audit: Audit, info: BuildInfo) -> None:
    newest = [".".join(map(str, (NEWEST_GO[0], NEWEST_GO[1] - at))) for at in range(_SUPPORTED)]
    old = is_old_go(info.version)
    package = f", package {info.path}" if info.path and info.path != "command-line-arguments" else ""
    audit.facts.append(("Go", f"{info.version}{package}"))
    if old:
        audit.problems.append(
            f"was built by {info.version}, whose faults are no longer fixed: Go's authors do that for"
            f" {' and '.join(newest)} (known on {KNOWN_ON}); build it with one of these"
        )
    settings = info.settings
    if settings.get("-trimpath") != "true":
        audit.problems.append(
            "holds paths of the machine that built it: build it with -trimpath, as gobind does"
        )
    if settings.get("-race") == "true":
        audit.problems.append(
            "was built with the race detector, which few processes can load: leave out -race"
        )
    level = settings.get("GOAMD64", "v1")
    if level != "v1":
        audit.problems.append(
            f"needs a processor of level x86-64-{level}, which no tag can say: build it with GOAMD64=v1"
        )
    modules = [_shown(module) for module in info.modules]
    audit.facts.append(("Go modules", modules[0] if modules else "none but its own"))
    audit.facts.extend(("", module) for module in modules[1:])


def _shown(module: GoModule) -> str:
    replaced = f" => {' '.join(filter(None, module.replaced))}" if module.replaced else ""
    return f"{module.path} {module.version}{replaced}"


def _audit_contract(audit: Audit, binary: Binary, path: Path | None) -> None:
    if not binary.has_glue:
        audit.facts.append(("contract", "none: not built by gobind"))
    elif path is None:
        audit.facts.append(("contract", "not read: that would mean to load the library"))
    elif binary.target != own_target():
        audit.facts.append(
            ("contract", f"not read: that would mean to load the library, and this machine is {own_target()}")
        )
    else:
        try:
            check_process(0)
        except LoadError as error:
            audit.facts.append(("contract", f"not read: {error}"))
            return
        found = _describe(path)
        if isinstance(found, str):
            audit.problems.append(f"does not load on this machine: {found}")
            return
        methods = [f"{interface} ({count} method{'s' * (count != 1)})" for interface, count in found.items()]
        audit.facts.append(("contract", ", ".join(methods) or "no interfaces"))


def _describe(path: Path) -> dict[str, int] | str:
    """Returns the interfaces of a library with the numbers of their methods, or why it does not load."""
    folder = str(Path(gobind.__file__).resolve().parents[1])
    environ = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [folder, os.environ.get("PYTHONPATH")])),
    }
    with tempfile.TemporaryDirectory(
        prefix="gobind-"
    ) as empty:  # Python looks for modules in the current folder
        try:
            done = subprocess.run(
                [sys.executable, "-c", _DESCRIBE, str(path.resolve())],
                cwd=empty,
                env=environ,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_LOAD_SECONDS,
            )
        except subprocess.TimeoutExpired:
            return f"nothing came of it in {_LOAD_SECONDS} s"
        except OSError as error:
            return f"{sys.executable} cannot be run: {error.strerror or error}"
    lines = done.stdout.decode(errors="replace").splitlines()
    if done.returncode or not lines:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        return said[-1] if said else f"Python ended with status {done.returncode}"
    found: dict[str, int] = json.loads(lines[-1])
    return found
