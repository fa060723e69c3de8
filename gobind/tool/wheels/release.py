"""Builds a library to be shipped: small, without traces of the machine, the same bytes wherever it is built.

It is built as `gobind build` builds it, with these differences:

* Go leaves out symbols, debug data and build id; the C compiler makes no debug data (zig's holds its own path).
* zig compiles and links for every target that is named, and on Linux for the machine itself, too, if it is installed: the
  library then needs no newer glibc than 2.17. Elsewhere, and without zig, it is the machine's own compiler.
* Variables of Go are set.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from gobind.errors import BuildError
from gobind.runtime.process.platforms import own_target
from gobind.tool.builder import apple, gomod
from gobind.tool.builder.build import build
from gobind.tool.builder.report import say
from gobind.tool.builder.toolchain import (
    TARGETS,
    Toolchain,
    ask_go,
    find_toolchain,
    has_zig,
    release_of,
    split_command,
)

# Flags of `go build` that may not stand in GOFLAGS: they would be lost, or make another library than is shipped.
_REFUSED_FLAGS = frozenset(
    "ldflags race msan asan cover covermode coverpkg buildmode linkshared compiler toolexec overlay n o".split()
)
_FLAGS = ("CGO_CFLAGS", "CGO_CXXFLAGS", "CGO_FFLAGS", "CGO_LDFLAGS")
_NAME = re.compile(r"([^\s'\"=]+)\.([^\W\d]\w*)")
_TAG = re.compile(r"[\w.]+")
_COMMENTS = re.compile(r"//[^\n]*|/\*[\s\S]*?\*/")


def build_release(
    contract: str,
    directory: Path,
    output: Path,
    target: str | None = None,
    *,
    variables: Mapping[str, str] = {},
    tags: Sequence[str] = (),
) -> Path:
    """Builds the library `output` of `contract` and the Go package in `directory` to be shipped; returns its path.

    Args:
        contract: a ``.py`` path or a dotted module.
        directory: the folder of the Go package ``main``.
        output: the library; its suffix becomes the target's.
        target: ``OS/ARCH``; None is this machine.
        variables: values for Go variables of type string: ``{"main.version": "1.0"}``.
        tags: Go build tags.

    Raises:
        ContractError: the contract cannot be read.
        BuildError: a tool is missing, go build fails, a variable does not exist, GOFLAGS stands in the way.
    """
    if target is None and sys.platform.startswith("linux") and own_target() in TARGETS and has_zig():
        target = own_target()
    toolchain = find_toolchain(target, directory=directory)
    known = ask_go(toolchain.go, ["GOVERSION", "GOFLAGS", *_FLAGS], toolchain.env, directory)
    _check_flags(known["GOFLAGS"], tags)
    arguments = ["-ldflags=" + linker_flags(toolchain, variables)]
    arguments += tag_flags(tags)
    environ = {**os.environ, **compiler_flags(toolchain, known)}
    for variable in variables:
        check_variable(variable, directory, toolchain, arguments[1:])
    built = build(contract, directory, output, target, arguments=arguments, environ=environ)
    _look_for_paths(built, toolchain, directory)
    return built


def linker_flags(toolchain: Toolchain, variables: Mapping[str, str]) -> str:
    """Returns the value of go's ``-ldflags``.

    Raises:
        BuildError: a name or value cannot be passed to Go.
    """
    words = ["-s", "-w", "-buildid="]
    if toolchain.is_zig:  # it ignores the -s that go passes
        words.append("-extldflags=-Wl,--strip-all")
        if toolchain.target.startswith("linux/"):
            words[-1] += ",--no-gc-sections"  # nothing refers to what an old Go writes about its modules
    return " ".join([*words, *variable_flags(variables)])


def variable_flags(variables: Mapping[str, str]) -> list[str]:
    """Returns the words of ``-ldflags`` that set Go variables.

    Raises:
        BuildError: a name or value cannot be passed to Go.
    """
    words = []
    for name, value in sorted(variables.items()):
        if not _NAME.fullmatch(name):
            raise BuildError(f"a Go variable is PACKAGE.NAME, such as main.version; got {name!r}")
        words += ["-X", _quoted(name, value)]
    return words


def compiler_flags(toolchain: Toolchain, known: Mapping[str, str]) -> dict[str, str]:
    """Returns go's variables with flags of the C compiler, from what is `known` to ``go env``; the last flag counts.

    Apple's compiler builds for the macOS that it runs on unless it is told another.
    """
    more = {"CGO_CFLAGS": "-g0", "CGO_CXXFLAGS": "-g0", "CGO_FFLAGS": "-g0", "CGO_LDFLAGS": ""}
    told = toolchain.is_zig or toolchain.env.get("MACOSX_DEPLOYMENT_TARGET")
    if toolchain.target.startswith("darwin/") and not told:
        oldest = apple.oldest_macos(release_of(known["GOVERSION"]))
        more = {name: f"{flags} -mmacosx-version-min={oldest}".strip() for name, flags in more.items()}
    return {name: f"{known[name]} {flags}".strip() for name, flags in more.items()}


def _quoted(name: str, value: str) -> str:
    """Returns ``name=value`` as one word of ``-ldflags``: go knows both quotes, but nothing that escapes one."""
    if any(character < " " or character == "\x7f" for character in value):
        raise BuildError(
            f"the value of {name} has control characters, which go cannot be told; got {value!r}"
        )
    quote = "'" if "'" not in value else '"'
    if quote in value:
        raise BuildError(f"the value of {name} has both ' and \", which go cannot be told; got {value!r}")
    return f"{quote}{name}={value}{quote}"


def tag_flags(tags: Sequence[str]) -> list[str]:
    """Returns the arguments that tell go about build tags: one or none.

    Raises:
        BuildError: one is no build tag.
    """
    for tag in tags:
        if not _TAG.fullmatch(tag):
            raise BuildError(f"a Go build tag has letters, digits, underscores and dots; got {tag!r}")
    return ["-tags=" + ",".join(tags)] if tags else []


def _check_flags(goflags: str, tags: Sequence[str]) -> None:
    """Checks that GOFLAGS does not say otherwise.

    Raises:
        BuildError: a flag would be lost, or change what is shipped.
    """
    for word in split_command(goflags):
        flag = word.lstrip("-").partition("=")[0]
        if flag in _REFUSED_FLAGS or flag == "tags" and tags:
            raise BuildError(
                f"GOFLAGS has {word}, and a library for a wheel is built with its own -{flag}; take it out of GOFLAGS"
                " (go env -u GOFLAGS, if it was written there)"
            )


def check_variable(variable: str, directory: Path, toolchain: Toolchain, arguments: Sequence[str]) -> None:
    """Checks that a Go variable exists: go says nothing when it does not.

    Raises:
        BuildError: the package has no such name.
    """
    package, name = _NAME.fullmatch(variable).groups()  # type: ignore[union-attr]  # linker_flags has checked it
    if gomod.module_root(directory) is None:
        return  # there is no Go yet; go build will say so
    template = '{{$d := .Dir}}{{range .GoFiles}}{{$d}}/{{.}}{{"\\n"}}{{end}}{{range .CgoFiles}}{{$d}}/{{.}}{{"\\n"}}{{end}}'
    where = "." if package == "main" else package
    command = [toolchain.go, "list", "-e", *arguments, "-f", template, where]
    done = subprocess.run(command, cwd=directory, env=dict(toolchain.env), capture_output=True, text=True)
    if package == "main" and not done.stdout.strip():
        return  # something is wrong with the package that go build says better
    declared = re.compile(rf"^[ \t]*(?:var\b[ \t(]*)?(?:\w+[ \t]*,[ \t]*)*{name}\b(?!\s*(?:\(|\.|:=))", re.M)
    for line in done.stdout.splitlines():
        try:
            source = Path(line).read_text(encoding="utf-8")
        except OSError:
            continue
        if declared.search(_COMMENTS.sub("", source)):
            return
    raise BuildError(
        f"the Go package {package} has no variable {name} for the value of {variable}; write there: var {name} string"
    )


def _look_for_paths(library: Path, toolchain: Toolchain, directory: Path) -> None:
    """Warns if a library holds paths of this machine: C code that names its own file, or flags with paths, leave them."""
    content = library.read_bytes()
    known = ask_go(toolchain.go, ["GOROOT", "GOMODCACHE", "GOCACHE"], toolchain.env, directory)
    root = gomod.module_root(directory) or directory
    folders = {*known.values(), str(root.resolve()), str(root), os.path.expanduser("~")}
    for folder in sorted(folders):
        # A short one such as /root or /src may be a word of the program itself.
        if len(Path(folder).parts) > 2 and os.fsencode(folder) in content:
            say(f"warning: {library.name} holds the path {folder} of this machine")
