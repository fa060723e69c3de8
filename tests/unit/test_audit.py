"""``gobind audit``: what it says about wheels and libraries that are right, and about each mistake."""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import binaries
import pytest
from libraries import GOSRC, path_of

from gobind.runtime.process.platforms import own_target
from gobind.tool.builder.build import build
from gobind.tool.cli import main
from gobind.tool.wheels.audit_library import KNOWN_ON, NEWEST_GO, is_old_go

LINUX = "mark-1.0-py3-none-manylinux_2_17_x86_64.whl"
MODULE = "github.com/yuin/goldmark\tv1.7.0\th1:abc="
LIBRARY = binaries.elf() + binaries.go_info(modules=[MODULE])
GOOD: Mapping[str, bytes] = {
    "mark/__init__.py": b"",
    "mark/libmark.so": LIBRARY,
    "INFO/licenses/LICENSE": b"MIT",
    "INFO/licenses/go/std@go1.99.1/LICENSE": b"Copyright 2009 The Go Authors.",
    "INFO/licenses/go/github.com/yuin/goldmark@v1.7.0/LICENSE": b"MIT License",
    "INFO/sboms/libmark.cdx.json": b"{}",
}


def audited(capsys: Any, *words: object) -> tuple[int, list[str], list[str], str]:
    """Runs the command; returns exit status, problems, the other lines, and what it says on stderr."""
    status = main(["audit", *map(str, words)])
    out, err = capsys.readouterr()
    lines = [line.strip() for line in out.splitlines()]
    problems = [line.removeprefix("problem: ") for line in lines if line.startswith("problem: ")]
    return status, problems, [line for line in lines if not line.startswith("problem: ")], err


def problems_of(
    capsys: Any, folder: Path, name: str, files: Mapping[str, bytes], **options: Any
) -> list[str]:
    """The problems of a wheel that is made of these files."""
    status, problems, _, err = audited(capsys, binaries.wheel(folder, name, files, **options))
    assert (status, err) == (1 if problems else 0, "")
    return problems


def without(*names: str) -> dict[str, bytes]:
    return {name: content for name, content in GOOD.items() if name not in names}


def test_a_wheel_that_is_right(tmp_path: Path, capsys: Any) -> None:
    status, problems, lines, _ = audited(capsys, binaries.wheel(tmp_path, LINUX, GOOD))
    assert (status, problems) == (0, [])
    assert [" ".join(line.split()) for line in lines][1:] == [
        "tags py3-none-manylinux_2_17_x86_64",
        "licences 3 files",
        "SBOM libmark.cdx.json",
        f"mark/libmark.so: linux/amd64, {len(LIBRARY) / 1e3:.1f} kB",
        "needs glibc 2.5, libc.so.6",
        "platform tag manylinux_2_17_x86_64",
        "debug data no",
        "Go go1.99.1, package example.com/mark",
        "Go modules github.com/yuin/goldmark v1.7.0",
        "contract none: not built by gobind",
        "no problems found",
    ]


# Tags


@pytest.mark.parametrize(
    "platform, content, expected",
    [
        ("manylinux_2_17_x86_64", binaries.elf(), None),
        ("manylinux_2_17_x86_64.manylinux2014_x86_64", binaries.elf(), None),
        ("manylinux1_x86_64", binaries.elf(), None),
        ("manylinux_2_39_x86_64", binaries.elf(), None),
        ("macosx_11_0_arm64", binaries.macho(), None),
        ("macosx_14_0_arm64", binaries.macho(), None),
        ("win_amd64", binaries.pe(), None),
        ("win_amd64", binaries.pe(0xAA64), "is for windows/arm64: win_arm64 is right"),
        ("manylinux2014_x86_64", binaries.elf(versions={"libc.so.6": ["GLIBC_2.34"]}), "needs glibc 2.34: manylinux_2_34_x86_64 is right"),
        ("manylinux1_x86_64", binaries.elf(versions={"libc.so.6": ["GLIBC_2.14"]}), "needs glibc 2.14: manylinux_2_17_x86_64 is right"),
        ("manylinux_2_17_aarch64", binaries.elf(), "is for linux/amd64: manylinux_2_17_x86_64 is right"),
        ("linux_x86_64", binaries.elf(), "needs a glibc, of which that says nothing, so PyPI refuses it: manylinux_2_17_x86_64 is right"),
        ("win_amd64", binaries.elf(), "is for linux/amd64: manylinux_2_17_x86_64 is right"),
        ("musllinux_1_2_x86_64", LIBRARY, "cannot be loaded by musl, as no Go library can (golang/go #54805)"),
        ("macosx_11_0_arm64", binaries.macho(macos=(12, 0)), "needs macOS 12.0: macosx_12_0_arm64 is right"),
        ("macosx_11_0_x86_64", binaries.macho(), "is for another machine: macosx_11_0_arm64 is right"),
        ("macosx_11_0_arm64", binaries.pe(), "is for windows/amd64: win_amd64 is right"),
    ],
)  # fmt: skip
def test_the_platform_in_the_name_against_the_library(
    tmp_path: Path, capsys: Any, platform: str, content: bytes, expected: str | None
) -> None:
    files = {**GOOD, "mark/libmark.so": content}
    problems = problems_of(capsys, tmp_path, f"mark-1.0-py3-none-{platform}.whl", files)
    assert problems == (
        [f"the file name says {platform}, but mark/libmark.so {expected}"] if expected else []
    )


def test_a_name_that_says_any(tmp_path: Path, capsys: Any) -> None:
    name = "mark-1.0-py3-none-any.whl"
    assert problems_of(capsys, tmp_path, name, GOOD) == [
        "the file name says any, as if it were for each machine, but holds libraries for linux/amd64:"
        " manylinux_2_17_x86_64 is right"
    ]
    assert problems_of(capsys, tmp_path, name, {**GOOD, "mark/mark.dll": binaries.pe()}, purelib=True) == [
        "the file WHEEL says Root-Is-Purelib: true, but the wheel holds libraries: it must be false",
        "the file name says any, as if it were for each machine, but holds libraries for linux/amd64, windows/amd64:"
        " make a wheel for each of them, with its library only",
    ]
    assert problems_of(capsys, tmp_path, name, without("mark/libmark.so"), purelib=True) == []


def test_tags_inside_and_outside_differ(tmp_path: Path, capsys: Any) -> None:
    assert problems_of(capsys, tmp_path, LINUX, GOOD, tags=["py3-none-any", "py2-none-any"]) == [
        "the file WHEEL has the tags py2-none-any, py3-none-any, the file name py3-none-manylinux_2_17_x86_64: pip believes"
        " the name, other tools the file"
    ]


def test_a_name_for_one_python(tmp_path: Path, capsys: Any) -> None:
    name = "mark-1.0-cp312-cp312-manylinux_2_17_x86_64.whl"
    assert problems_of(capsys, tmp_path, name, GOOD) == [
        "the file name says cp312-cp312, but no library in it belongs to one version of Python: py3-none is right, and serves all"
    ]
    extension = {**GOOD, "mark/_speed.cpython-312-x86_64-linux-gnu.so": binaries.elf()}
    assert problems_of(capsys, tmp_path, name, extension) == []


def test_a_wheel_for_one_platform_without_a_library(tmp_path: Path, capsys: Any) -> None:
    assert problems_of(capsys, tmp_path, LINUX, without("mark/libmark.so")) == [
        "the file name is for manylinux_2_17_x86_64, but there is no library in the wheel"
    ]


# Files


def test_what_has_the_name_of_a_library_only(tmp_path: Path, capsys: Any) -> None:
    files = {**GOOD, "mark/libother.so": b"version https://git-lfs.github.com/spec/v1\n"}
    assert problems_of(capsys, tmp_path, LINUX, files) == [
        "mark/libother.so has the name of a library, but is none: 43 bytes of something else"
    ]


def test_a_library_that_was_cut_short(tmp_path: Path, capsys: Any) -> None:
    files = {**GOOD, "mark/libother.so": binaries.elf()[:-100]}
    (problem,) = problems_of(capsys, tmp_path, LINUX, files)
    assert problem.startswith("mark/libother.so is damaged: it was cut short: ")


def test_libraries_that_need_each_other(tmp_path: Path, capsys: Any) -> None:
    files = {**GOOD, "mark.libs/libz-1.so": binaries.elf(), "mark/libb.so": binaries.elf(["libz-1.so"])}
    assert problems_of(capsys, tmp_path, LINUX, files) == []
    files = {**GOOD, "mark/libb.so": binaries.elf(["libz-1.so"]), "mark/libc.so": binaries.elf(["libz-1.so"])}
    assert problems_of(capsys, tmp_path, LINUX, files) == [
        "mark/libb.so, mark/libc.so: needs libz-1.so, which Linux systems need not have: link that statically"
        " (-extldflags=-static-libgcc, LIB.a instead of -lLIB), or do without it; auditwheel repair puts it into the wheel"
    ]


def test_record(tmp_path: Path, capsys: Any) -> None:
    wrong = {
        "mark/__init__.py": "",
        "mark/libmark.so": binaries.record_line("mark/libmark.so", LIBRARY[1:]),
        "mark-1.0.dist-info/licenses/LICENSE": "mark-1.0.dist-info/licenses/LICENSE,md5=abc,3",
        "mark-1.0.dist-info/METADATA": "mark/gone.py,sha256=abc,3",
    }
    assert problems_of(capsys, tmp_path, LINUX, GOOD, record=wrong) == [
        "RECORD does not list mark/__init__.py",
        "RECORD has another hash for mark/libmark.so",
        "RECORD has another kind of hash than sha256 for mark-1.0.dist-info/licenses/LICENSE",
        "RECORD does not list mark-1.0.dist-info/METADATA",
        "RECORD lists mark/gone.py, which is not there",
    ]
    size = {"mark/libmark.so": binaries.record_line("mark/libmark.so", LIBRARY).rpartition(",")[0] + ",7"}
    assert problems_of(capsys, tmp_path, LINUX, GOOD, record=size) == [
        "RECORD has another size for mark/libmark.so"
    ]


def test_a_wheel_without_record(tmp_path: Path, capsys: Any) -> None:
    path = binaries.wheel(tmp_path, LINUX, GOOD)
    other = tmp_path / "other"
    other.mkdir()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(other / LINUX, "w") as new:
        for name in old.namelist():
            if not name.endswith("RECORD"):
                new.writestr(name, old.read(name))
    assert audited(capsys, other / LINUX)[1] == ["there is no mark-1.0.dist-info/RECORD"]


def test_a_record_that_is_no_table(tmp_path: Path, capsys: Any) -> None:
    path = binaries.wheel(tmp_path, LINUX, GOOD, record={"mark/__init__.py": "x" * 200_000})
    status, _, _, err = audited(capsys, path)
    assert (status, err) == (
        2,
        f"gobind: error: {LINUX} is damaged: RECORD is not a table: field larger than field limit (131072)\n",
    )


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_file_that_is_there_twice(tmp_path: Path, capsys: Any) -> None:
    path = binaries.wheel(
        tmp_path, LINUX, GOOD, record={"mark/__init__.py": "mark/__init__.py,,\nmark/__init__.py,,"}
    )
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("mark/libmark.so", LIBRARY)
    assert audited(capsys, path)[1] == [
        "RECORD lists a file twice",
        "RECORD has another kind of hash than sha256 for mark/__init__.py",
        "mark/libmark.so is in the wheel twice",
    ]


def test_metadata_of_another_version(tmp_path: Path, capsys: Any) -> None:
    good = binaries.wheel(tmp_path, LINUX, GOOD)
    other = good.rename(tmp_path / LINUX.replace("1.0", "2.0"))
    assert audited(capsys, other)[1] == [
        "the folder mark-1.0.dist-info belongs to another project or version than the file name: pip refuses that"
    ]
    other = other.rename(tmp_path / LINUX.replace("mark", "Mark"))
    assert audited(capsys, other)[1] == []


def test_names_do_not_reach_the_terminal_as_they_are(tmp_path: Path, capsys: Any) -> None:
    files = {**GOOD, "mark/\x1b[2J.so": b"text"}
    assert (
        "mark/\\x1b[2J.so has the name of a library, but is none: 4 bytes of something else"
        in problems_of(capsys, tmp_path, LINUX, files)
    )


def test_many_wrong_files_are_not_all_told(tmp_path: Path, capsys: Any) -> None:
    files = {**GOOD, **{f"mark/{number}.py": b"" for number in range(9)}}
    problems = problems_of(
        capsys, tmp_path, LINUX, files, record={f"mark/{number}.py": "" for number in range(9)}
    )
    assert problems[4:] == ["RECORD does not list mark/4.py", "and 4 more like these"]


# Licences and the list of parts


@pytest.mark.parametrize(
    "left_out, expected",
    [
        (
            ["INFO/licenses/go/std@go1.99.1/LICENSE"],
            "Go's own licence is not in mark-1.0.dist-info/licenses: parts of Go are in each library that it builds",
        ),
        (
            ["INFO/licenses/go/github.com/yuin/goldmark@v1.7.0/LICENSE"],
            "there is no licence file in mark-1.0.dist-info/licenses of 1 of 1 Go modules, whose licences ask for it:"
            " github.com/yuin/goldmark",
        ),
        (
            ["INFO/sboms/libmark.cdx.json"],
            "there is no list of what the libraries are made of: a CycloneDX or SPDX file in mark-1.0.dist-info/sboms (PEP 770)",
        ),
    ],
)
def test_what_is_missing_beside_the_library(
    tmp_path: Path, capsys: Any, left_out: list[str], expected: str
) -> None:
    assert problems_of(capsys, tmp_path, LINUX, without(*left_out)) == [expected]


def test_licences_that_are_named_otherwise(tmp_path: Path, capsys: Any) -> None:
    own = "INFO/licenses/go/github.com/yuin/goldmark@v1.7.0/LICENSE"
    for name, content in (
        ("INFO/licenses/vendor/github.com/yuin/goldmark/LICENSE.txt", b"MIT"),
        ("INFO/THIRD_PARTY_NOTICES", b"github.com/yuin/goldmark: MIT"),
    ):
        assert problems_of(capsys, tmp_path, LINUX, {**without(own), name: content}) == []
    files = {**without(own), "INFO/licenses/github.com/yuin/goldmark/v2@v2.0.0/LICENSE": b"of another module"}
    assert len(problems_of(capsys, tmp_path, LINUX, files)) == 1


def test_a_licence_that_metadata_names(tmp_path: Path, capsys: Any) -> None:
    assert problems_of(capsys, tmp_path, LINUX, GOOD, metadata="License-File: LICENSE") == []
    assert problems_of(capsys, tmp_path, LINUX, GOOD, metadata="License-File: COPYING") == [
        "METADATA names the licence file COPYING, which is not there"
    ]


# Libraries


def library_problems(capsys: Any, folder: Path, content: bytes) -> list[str]:
    path = folder / "libmark.so"
    path.write_bytes(content)
    status, problems, _, _ = audited(capsys, path)
    assert status == (1 if problems else 0)
    return [problem.removeprefix(f"{path}: ") for problem in problems]


@pytest.mark.parametrize(
    "info, expected",
    [
        (binaries.go_info(), []),
        (binaries.go_info("devel go1.99-abc"), []),
        (binaries.go_info("go1.21.3"), [
            "was built by go1.21.3, whose faults are no longer fixed: Go's authors do that for 1.27 and 1.26 (known on 2026-11-25);"
            " build it with one of these"
        ]),
        (binaries.go_info(settings=[]), [
            "holds paths of the machine that built it: build it with -trimpath, as gobind does"
        ]),
        (binaries.go_info(settings=["-trimpath=true", "-race=true"]), [
            "was built with the race detector, which few processes can load: leave out -race"
        ]),
        (binaries.go_info(settings=["-trimpath=true", "GOAMD64=v3"]), [
            "needs a processor of level x86-64-v3, which no tag can say: build it with GOAMD64=v1"
        ]),
    ],
)  # fmt: skip
def test_what_go_says_of_the_build(tmp_path: Path, capsys: Any, info: bytes, expected: list[str]) -> None:
    assert library_problems(capsys, tmp_path, binaries.elf() + info) == expected


def test_debug_data_and_signatures(tmp_path: Path, capsys: Any) -> None:
    content = binaries.elf(sections=[".debug_info"])
    assert library_problems(capsys, tmp_path, content) == ["holds debug data: strip it"]
    assert library_problems(capsys, tmp_path, content + binaries.go_info()) == [
        "holds debug data: build it with -ldflags '-s -w', as gobind wheel does"
    ]
    assert library_problems(capsys, tmp_path, binaries.macho(signed=False)) == [
        "is not signed: Macs with Apple silicon do not load it; run: codesign -s - FILE"
    ]
    assert library_problems(capsys, tmp_path, binaries.macho(0x01000007, signed=False)) == []


def test_which_go_is_old() -> None:
    newest, before, old = (f"go{NEWEST_GO[0]}.{NEWEST_GO[1] - at}" for at in range(3))
    assert not any(
        map(is_old_go, [newest, f"{newest}.9", before, f"{before}rc1", "devel go1.30-abc", "go2.0", "go2"])
    )
    assert all(map(is_old_go, [old, f"{old}.9", "go1.18", "go1"]))
    assert len(KNOWN_ON) == len("2026-11-25")


def test_modules_that_are_replaced(tmp_path: Path, capsys: Any) -> None:
    info = binaries.go_info(
        modules=["a.org/x\tv1.0.0\n=>\tb.org/x\tv1.1.0\th1:a=", "a.org/y\tv0.1.0\n=>\t../y\t\t"]
    )
    (tmp_path / "libmark.so").write_bytes(binaries.elf() + info)
    _, _, lines, _ = audited(capsys, tmp_path / "libmark.so")
    assert "a.org/y v0.1.0 => ../y" in lines
    assert any(line.endswith("a.org/x v1.0.0 => b.org/x v1.1.0") for line in lines)


# Real libraries


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: Any) -> Path:
    """A library of gobind, built as for a wheel."""
    folder = GOSRC / "testlibs" / "versions"
    output = tmp_path_factory.mktemp("shipped") / "mark" / "libversions.so"
    return build(str(folder / "versions.py"), folder, output, arguments=["-ldflags=-s -w"])


def lasting(problems: Sequence[str]) -> list[str]:
    """The problems but for an old Go, which the tests may be run with."""
    return [problem for problem in problems if "no longer fixed" not in problem]


def test_the_contract_of_a_library_of_this_machine(shipped: Path, capsys: Any) -> None:
    _, problems, lines, _ = audited(capsys, shipped)
    assert lasting(problems) == []
    assert lines[1] == own_target()
    (contract,) = [line for line in lines if line.startswith("contract")]
    assert contract.split(maxsplit=1)[1].startswith("Versions (")
    _, _, lines, _ = audited(capsys, shipped, "--no-load")
    assert any(line.endswith("not read: that would mean to load the library") for line in lines)


def test_a_library_of_gobind_in_a_wheel(tmp_path: Path, shipped: Path, capsys: Any) -> None:
    from gobind.tool.wheels.binary import read_binary
    from gobind.tool.wheels.tags import platform_tag

    name = f"mark-1.0-py3-none-{platform_tag(read_binary(shipped))}.whl"
    files = {**GOOD, "mark/libmark.so": shipped.read_bytes()}
    _, problems, lines, _ = audited(capsys, binaries.wheel(tmp_path, name, files))
    assert lasting(problems) == [
        "METADATA has no Requires-Dist: gobind, without which nobody can load the library"
    ]
    asking = binaries.wheel(tmp_path, name, files, metadata="Requires-Dist: gobind>=0.1\n")
    _, problems, lines, _ = audited(capsys, asking)
    assert lasting(problems) == []
    assert any(line.startswith("contract") and "Versions (" in line for line in lines)


def test_a_library_that_does_not_load_here(tmp_path: Path, capsys: Any) -> None:
    if own_target() != "linux/amd64":
        pytest.skip("the sample is for linux/amd64")
    (problem,) = library_problems(capsys, tmp_path, binaries.elf() + b"gobind_describe\0")
    assert problem.startswith("does not load on this machine: ")


def test_a_library_of_gobind_for_another_machine(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "mark.dll").write_bytes(binaries.pe() + b"gobind_describe\0")
    status, _, lines, _ = audited(capsys, tmp_path / "mark.dll")
    if own_target() != "windows/amd64":
        assert (status, " ".join(lines[-2].split())) == (
            0,
            f"contract not read: that would mean to load the library, and this machine is {own_target()}",
        )


def test_the_library_of_an_example_holds_debug_data(capsys: Any) -> None:
    _, problems, lines, _ = audited(capsys, path_of("vault"))
    assert lasting(problems) == [
        f"{path_of('vault')}: holds debug data: build it with -ldflags '-s -w', as gobind wheel does"
    ]
    assert any("github.com/tidwall/buntdb v1.3.0" in line for line in lines)
    assert any("Store (9 methods)" in line for line in lines)


# What cannot be read


def test_what_cannot_be_read(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "a.txt").write_text("hello")
    (tmp_path / LINUX).write_bytes(b"PK\x03\x04 cut short")
    (tmp_path / "mark.whl").write_bytes(b"PK\x03\x04")
    with zipfile.ZipFile(tmp_path / "mark-2.0-py3-none-any.whl", "w") as archive:
        archive.writestr("mark/__init__.py", "")
    for name, message in (
        ("missing.so", f"{tmp_path / 'missing.so'} does not exist: expected a wheel or a library"),
        ("", f"{tmp_path} is a folder: expected a wheel or a library"),
        ("a.txt", f"{tmp_path / 'a.txt'} is not a shared library: expected an ELF, Mach-O or PE file"),
        (LINUX, f"{tmp_path / LINUX} cannot be read as a wheel: File is not a zip file"),
        (
            "mark.whl",
            "mark.whl is not the file name of a wheel: expected NAME-VERSION-PYTHON-ABI-PLATFORM.whl",
        ),
        (
            "mark-2.0-py3-none-any.whl",
            f"{tmp_path / 'mark-2.0-py3-none-any.whl'} is not a wheel: it has no folder .dist-info with a file WHEEL",
        ),
    ):
        assert audited(capsys, tmp_path / name) == (2, [], [], f"gobind: error: {message}\n")


def test_a_wheel_whose_content_is_damaged(tmp_path: Path, capsys: Any) -> None:
    path = binaries.wheel(tmp_path, LINUX, GOOD)
    content = bytearray(path.read_bytes())
    content[content.index(b"Copyright 2009")] ^= 1
    path.write_bytes(content)
    status, _, _, err = audited(capsys, path)
    assert status == 2 and err.count("\n") == 1
    assert "is damaged: mark-1.0.dist-info/licenses/go/std@go1.99.1/LICENSE: Bad CRC-32" in err


@pytest.mark.skipif(sys.platform == "win32", reason="an archive that is cut may stay open there")
def test_a_wheel_that_is_cut_anywhere_or_changed(tmp_path: Path, capsys: Any) -> None:
    content = binaries.wheel(tmp_path, LINUX, GOOD).read_bytes()
    folder = tmp_path / "cut"
    folder.mkdir()
    for at in range(0, len(content), 23):
        changed = bytearray(content)
        changed[at] ^= 0xFF
        for damaged in (content[:at], bytes(changed)):
            (folder / LINUX).write_bytes(damaged)
            status, problems, _, err = audited(capsys, folder / LINUX, "--no-load")
            assert status in (0, 1, 2) and err.count("\n") == (status == 2)


def test_several_files(tmp_path: Path, capsys: Any) -> None:
    good = binaries.wheel(tmp_path, LINUX, GOOD)
    status, problems, lines, err = audited(capsys, good, tmp_path / "none.whl", good)
    assert (status, problems, err.count("\n")) == (2, [], 1)
    assert sum(line.startswith(LINUX) for line in lines) == 2
