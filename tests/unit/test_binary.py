"""Reading shared libraries of each platform, and the tags of wheels for them."""

from __future__ import annotations

import importlib.util
import random
import subprocess
import sys
from pathlib import Path

import binaries
import pytest
from libraries import path_of

from gobind.errors import BuildError
from gobind.runtime.process.platforms import own_target
from gobind.tool.wheels import binary as binary_module
from gobind.tool.wheels.binary import is_binary, parse_binary, read_binary
from gobind.tool.wheels.tags import claimed_glibc, platform_tag

LINUX_ONLY = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="libraries of this machine are ELF"
)
ZIG = importlib.util.find_spec("ziglang")
WITH_ZIG = pytest.mark.skipif(ZIG is None, reason="needs the package ziglang")


def refusal(content: bytes) -> str:
    """The message by which a file is refused."""
    with pytest.raises(BuildError) as caught:
        parse_binary("lib.so", content)
    return str(caught.value)


def tag(content: bytes, *beside: str) -> str:
    return platform_tag(parse_binary("lib.so", content), beside)


def tag_refusal(content: bytes, *beside: str) -> str:
    with pytest.raises(BuildError) as caught:
        tag(content, *beside)
    return str(caught.value)


# ELF


def test_an_elf_library() -> None:
    content = binaries.elf(
        ["libc.so.6", "libpthread.so.0"],
        {"libc.so.6": ["GLIBC_2.2.5", "GLIBC_2.17", "GLIBC_2.3.2"], "libpthread.so.0": ["GLIBC_2.4"]},
        build_id=bytes(range(20)),
    )
    found = parse_binary("lib.so", content)
    assert (found.target, found.needed) == ("linux/amd64", ("libc.so.6", "libpthread.so.0"))
    assert (found.glibc, found.versions, found.macos) == ((2, 17), {"GLIBC": (2, 17)}, None)
    assert (found.has_debug, found.size, found.go, found.has_glue) == (False, len(content), None, False)
    assert found.build_id == bytes(range(20)).hex()


@pytest.mark.parametrize(
    "machine, wide, order, target",
    [
        (183, True, "<", "linux/arm64"),
        (3, False, "<", "linux/386"),
        (40, False, "<", "linux/arm"),
        (22, True, ">", "linux/s390x"),
        (21, True, "<", "linux/ppc64le"),
        (21, True, ">", "linux/ppc64"),
        (9999, True, "<", "linux/machine 9999"),
    ],
)
def test_an_elf_library_of_another_machine(machine: int, wide: bool, order: str, target: str) -> None:
    found = parse_binary("lib.so", binaries.elf(machine=machine, wide=wide, order=order))
    assert (found.target, found.glibc, found.needed) == (target, (2, 5), ("libc.so.6",))


@pytest.mark.parametrize(
    "section, expected",
    [
        (".debug_info", True),
        (".zdebug_line", True),
        (".symtab", True),
        (".symtab_shndx", False),
        (".gopclntab", False),
    ],
)
def test_debug_sections_of_elf(section: str, expected: bool) -> None:
    assert parse_binary("lib.so", binaries.elf(sections=[section])).has_debug is expected


def test_a_program_without_dynamic_segment_needs_nothing() -> None:
    content = bytearray(binaries.elf(kind=2))
    content[64 + 56] = 0  # PT_DYNAMIC
    found = parse_binary("prog", bytes(content))
    assert (found.needed, found.glibc) == ((), None)


@LINUX_ONLY
def test_the_library_of_an_example() -> None:
    found = read_binary(path_of("vault"))
    assert (found.target, found.has_debug, found.has_glue) == (own_target(), True, True)
    assert found.glibc is not None and "libc.so.6" in found.needed
    assert found.go is not None
    assert {module.path: module.version for module in found.go.modules}[
        "github.com/tidwall/buntdb"
    ] == "v1.3.0"
    assert platform_tag(found).startswith("manylinux_2_")


@LINUX_ONLY
def test_a_library_without_glue() -> None:
    found = read_binary(path_of("plain"))
    assert (found.has_glue, found.go is not None) == (False, True)


# Mach-O


@pytest.mark.parametrize("old_style", [False, True])
def test_a_macho_library(old_style: bool) -> None:
    found = parse_binary("lib.dylib", binaries.macho(old_style=old_style, macos=(12, 3)))
    assert (found.target, found.macos) == ("darwin/arm64", (12, 3))
    assert found.needed == ("/usr/lib/libSystem.B.dylib",)
    assert (found.has_debug, found.is_signed, found.glibc) == (False, True, None)


def test_debug_data_of_macho() -> None:
    assert parse_binary("lib.dylib", binaries.macho(debug=True)).has_debug
    assert parse_binary("lib.dylib", binaries.macho(stabs=True)).has_debug


def test_a_universal_library() -> None:
    intel = binaries.macho(0x01000007, ["/usr/lib/a.dylib"], macos=(10, 13), signed=False)
    apple = binaries.macho(0x0100000C, ["/usr/lib/a.dylib", "/usr/lib/b.dylib"], macos=(11, 0))
    found = parse_binary("lib.dylib", binaries.universal(apple, intel))
    assert (found.target, found.macos, found.is_signed) == ("darwin/universal2", (10, 13), True)
    assert found.needed == ("/usr/lib/a.dylib", "/usr/lib/b.dylib")
    newer = binaries.macho(0x0100000C, macos=(13, 0))
    assert parse_binary("lib.dylib", binaries.universal(newer, intel)).macos == (13, 0)
    assert parse_binary("lib.dylib", binaries.universal(apple)).target == "darwin/arm64"
    assert refusal(binaries.universal(apple, apple)) == (
        "lib.so is a universal library of darwin/arm64, darwin/arm64: Python has no name for that"
    )


def test_a_java_class_is_no_library() -> None:
    content = b"\xca\xfe\xba\xbe\x00\x00\x00\x34" + bytes(100)
    assert not is_binary(content)
    assert "is not a shared library" in refusal(content)


# PE


@pytest.mark.parametrize(
    "machine, wide, target", [(0x8664, True, "amd64"), (0xAA64, True, "arm64"), (0x14C, False, "386")]
)
def test_a_pe_library(machine: int, wide: bool, target: str) -> None:
    content = binaries.pe(
        machine, ["KERNEL32.dll", "api-ms-win-crt-heap-l1-1-0.dll"], ["ws2_32.dll"], wide=wide
    )
    found = parse_binary("lib.dll", content)
    assert found.target == f"windows/{target}"
    assert found.needed == ("KERNEL32.dll", "api-ms-win-crt-heap-l1-1-0.dll", "ws2_32.dll")
    assert not found.has_debug


def test_debug_data_of_pe() -> None:
    assert parse_binary(
        "lib.dll", binaries.pe(sections=[".debug_info"])
    ).has_debug  # a long name, in the table of strings
    assert not parse_binary("lib.dll", binaries.pe(sections=[".data_of_go"])).has_debug
    assert parse_binary("lib.dll", binaries.pe(symbols=1)).has_debug
    assert parse_binary("lib.dll", binaries.pe(pdb="C:\\me\\lib.pdb")).has_debug


# Damaged and foreign files

SAMPLES = {
    "elf": binaries.elf(sections=[".text"], build_id=bytes(20)),
    "elf 32": binaries.elf(machine=3, wide=False),
    "elf big-endian": binaries.elf(machine=22, order=">"),
    "macho": binaries.macho(debug=True),
    "universal": binaries.universal(binaries.macho(0x01000007), binaries.macho()),
    "pe": binaries.pe(delayed=["ws2_32.dll"], sections=[".debug_info"], symbols=2, pdb="x.pdb"),
}


def attempt(content: bytes) -> bool:
    """Reads a file, and says whether it was taken; whatever else than BuildError goes through."""
    try:
        found = parse_binary("lib.so", content)
    except BuildError as error:
        assert "\n" not in str(error) and str(error).startswith("lib.so ")
        return False
    try:
        platform_tag(found)
    except BuildError as error:
        assert "\n" not in str(error)
    return True


@pytest.mark.parametrize("name", SAMPLES)
def test_a_library_that_is_cut_anywhere_is_refused_or_read(name: str) -> None:
    content = SAMPLES[name]
    taken = [attempt(content[:size]) for size in range(len(content) + 1)]
    assert taken[-1]
    assert not any(taken[: len(content) // 2])


@pytest.mark.parametrize("name", SAMPLES)
def test_a_library_with_bytes_changed_is_refused_or_read(name: str) -> None:
    rng = random.Random(name)
    for _ in range(3000):
        content = bytearray(SAMPLES[name])
        for _ in range(rng.choice((1, 1, 2, 8))):
            content[rng.randrange(len(content))] = rng.choice((0, 0xFF, 0x80, rng.randrange(256)))
        attempt(bytes(content))


@LINUX_ONLY
def test_a_real_library_that_is_damaged_is_refused_or_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        binary_module, "find_build_info", lambda content: None
    )  # looks at all bytes, and has no part in it
    whole = path_of("vault").read_bytes()
    rng = random.Random(5)
    assert attempt(whole) and not attempt(whole[:-1000])
    for size in (*range(0, 1200, 7), *(rng.randrange(len(whole)) for _ in range(50))):
        attempt(whole[:size])
    for _ in range(300):
        content = bytearray(whole)
        for _ in range(4):
            content[rng.randrange(4096)] = rng.randrange(256)
            content[-1 - rng.randrange(4096)] = rng.randrange(256)
        attempt(bytes(content))


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "lib.so is empty"),
        (b"#!/bin/sh\n", "lib.so is not a shared library: expected an ELF, Mach-O or PE file"),
        (b"\x7fELF", "lib.so is damaged: the ELF header would end at byte 6 of 4"),
        (
            b"\x7fELF\x07\x01" + bytes(60),
            "lib.so is damaged: its ELF header says neither 32 nor 64 bit, or no byte order",
        ),
        (binaries.elf(kind=1), "lib.so is an ELF file, but no shared library: an object file or a core dump"),
        (binaries.macho(kind=1), "lib.so is a Mach-O file, but no shared library"),
        (b"\xce\xfa\xed\xfe" + bytes(60), "lib.so is a 32-bit Mach-O file: macOS loads none since 10.15"),
        (
            binaries.elf(versions={"libc.so.6": ["GLIBC_2"]}),
            "lib.so is damaged: the version of glibc that it needs has one number",
        ),
        (
            binaries.macho()[:36] + bytes(4) + binaries.macho()[40:],  # else a loop of any length
            "lib.so is damaged: a load command has 0 bytes",
        ),
        (b"MZ" + bytes(200), "lib.so is not a shared library: expected an ELF, Mach-O or PE file"),
    ],
)
def test_what_is_no_library_is_refused(content: bytes, message: str) -> None:
    assert refusal(content) == message


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"lib\.so cannot be read: No such file or directory"):
        read_binary(tmp_path / "lib.so")
    with pytest.raises(BuildError, match="cannot be read"):
        read_binary(tmp_path)


# Tags


@pytest.mark.parametrize(
    "content, expected",
    [
        (binaries.elf(), "manylinux_2_17_x86_64"),
        (binaries.elf([], {}), "manylinux_2_17_x86_64"),
        (binaries.elf(versions={"libc.so.6": ["GLIBC_2.34", "GLIBC_2.4"]}), "manylinux_2_34_x86_64"),
        (binaries.elf(versions={"libc.so.6": ["GLIBC_2.29"]}, machine=183), "manylinux_2_29_aarch64"),
        (binaries.elf(versions={"libc.so.6": ["GLIBC_2.27"]}, machine=243), "manylinux_2_31_riscv64"),
        (binaries.elf(machine=3, wide=False), "manylinux_2_17_i686"),
        (binaries.elf(machine=22, order=">"), "manylinux_2_17_s390x"),
        (binaries.elf(["libstdc++.so.6"], {"libstdc++.so.6": ["GLIBCXX_3.4.21"]}), "manylinux_2_24_x86_64"),
        (binaries.elf(["libstdc++.so.6"], {"libstdc++.so.6": ["CXXABI_1.3.13"]}), "manylinux_2_34_x86_64"),
        (binaries.elf(["libgcc_s.so.1"], {"libgcc_s.so.1": ["GCC_3.0"]}), "manylinux_2_17_x86_64"),
        (binaries.elf(["libmvec.so.1"]), "manylinux_2_24_x86_64"),
        (binaries.elf(versions={"libc.so.6": ["GLIBC_ABI_DT_RELR", "GLIBC_2.5"]}), "manylinux_2_36_x86_64"),
        (binaries.elf(["libc.so.6", "ld-linux-x86-64.so.2"]), "manylinux_2_17_x86_64"),
        (binaries.macho(), "macosx_11_0_arm64"),
        (binaries.macho(macos=(10, 15)), "macosx_11_0_arm64"),
        (binaries.macho(macos=(11, 3)), "macosx_12_0_arm64"),
        (binaries.macho(0x01000007, macos=(10, 13)), "macosx_10_13_x86_64"),
        (binaries.macho(0x01000007, macos=(12, 0)), "macosx_12_0_x86_64"),
        (
            binaries.universal(binaries.macho(0x01000007, macos=(10, 13)), binaries.macho()),
            "macosx_10_13_universal2",
        ),
        (binaries.pe(), "win_amd64"),
        (binaries.pe(0xAA64), "win_arm64"),
        (binaries.pe(0x14C, wide=False), "win32"),
        (
            binaries.pe(needed=["python312.dll", "VCRUNTIME140.dll", "UCRTBASE.dll", "WINSPOOL.DRV"]),
            "win_amd64",
        ),
    ],
)
def test_the_tag_is_what_the_library_needs(content: bytes, expected: str) -> None:
    assert tag(content) == expected


@pytest.mark.parametrize(
    "content, message",
    [
        (
            binaries.elf(["libc.musl-x86_64.so.1"], {}),
            "lib.so is linked against musl, which cannot load Go's shared libraries (golang/go #54805); build it against"
            " glibc: with --target, or on a Linux with glibc",
        ),
        (
            binaries.elf(["libc.so.6", "libfoo.so.3", "libssl.so.3"]),
            "lib.so needs libfoo.so.3 and libssl.so.3, which Linux systems need not have: link that statically"
            " (-extldflags=-static-libgcc, LIB.a instead of -lLIB), or do without it; auditwheel repair puts it into the wheel",
        ),
        (
            binaries.elf(["libstdc++.so.6"], {"libstdc++.so.6": ["GLIBCXX_3.4.99"]}),
            "lib.so needs GLIBCXX_3.4.99, which no manylinux has: link that library statically"
            " (-extldflags='-static-libgcc -static-libstdc++'), or build with an older compiler, or zig",
        ),
        (
            binaries.elf(versions={"libc.so.6": ["GLIBC_PRIVATE"]}),
            "lib.so needs GLIBC_PRIVATE, which no manylinux has: build it against an older glibc, or with zig",
        ),
        (
            binaries.macho(
                needed=["/usr/lib/libSystem.B.dylib", "/opt/homebrew/lib/libz.dylib", "@rpath/libfoo.dylib"]
            ),
            "lib.so needs /opt/homebrew/lib/libz.dylib and @rpath/libfoo.dylib, which is no part of macOS: link that"
            " statically, or do without it; delocate puts it into the wheel",
        ),
        (
            binaries.macho(macos=None),
            "lib.so does not say which macOS it is for; build it with -mmacosx-version-min, or with gobind build",
        ),
        (
            binaries.pe(needed=["KERNEL32.dll", "libwinpthread-1.dll"]),
            "lib.so needs libwinpthread-1.dll, which is not known as a part of Windows: link it statically"
            " (-extldflags=-static), or build with zig, which does",
        ),
        (
            binaries.pe(needed=["zlib1.dll"]),
            "lib.so needs zlib1.dll, which is not known as a part of Windows: link it statically, or do without it;"
            " delvewheel puts it into the wheel",
        ),
        (binaries.elf(machine=9999), "lib.so is for linux/machine 9999: wheels have no name for that"),
    ],
)
def test_a_library_that_no_tag_fits_is_refused(content: bytes, message: str) -> None:
    assert tag_refusal(content) == message


def test_libraries_beside_are_no_miss() -> None:
    assert tag(binaries.elf(["libfoo.so.3"]), "libfoo.so.3") == "manylinux_2_17_x86_64"
    assert tag(binaries.macho(needed=["@rpath/libfoo.dylib"]), "libfoo.dylib") == "macosx_11_0_arm64"
    assert tag(binaries.pe(needed=["Zlib1.dll"]), "zlib1.dll") == "win_amd64"


def test_what_a_manylinux_tag_promises() -> None:
    assert claimed_glibc("manylinux_2_17_x86_64") == ((2, 17), "x86_64")
    assert claimed_glibc("manylinux2014_aarch64") == ((2, 17), "aarch64")
    assert claimed_glibc("manylinux1_i686") == ((2, 5), "i686")
    assert claimed_glibc("linux_x86_64") is None and claimed_glibc("win_amd64") is None


# By compilers, and against auditwheel

SOURCE = "#include <stdlib.h>\n#include <string.h>\nint answer(char *s) { return (int)strlen(s) + rand(); }\n"


def compiled(folder: Path, target: str, name: str, *arguments: str) -> Path:
    """A C library of zig's for `target`."""
    source = folder / "answer.c"
    source.write_text(SOURCE)
    command = [sys.executable, "-m", "ziglang", "cc", "-target", target, "-shared", "-o", str(folder / name)]
    subprocess.run([*command, *arguments, str(source)], check=True, capture_output=True, cwd=folder)
    return folder / name


@WITH_ZIG
@pytest.mark.parametrize(
    "triple, name, expected",
    [
        ("x86_64-linux-gnu.2.17", "lib.so", "manylinux_2_17_x86_64"),
        ("aarch64-linux-gnu.2.17", "lib.so", "manylinux_2_17_aarch64"),
        ("aarch64-macos.11.0", "lib.dylib", "macosx_11_0_arm64"),
        ("x86_64-macos.11.0", "lib.dylib", "macosx_11_0_x86_64"),
        pytest.param("x86_64-windows-gnu", "lib.dll", "win_amd64", marks=pytest.mark.slow),
    ],
)
def test_what_zig_links(tmp_path: Path, triple: str, name: str, expected: str) -> None:
    stripped = read_binary(compiled(tmp_path, triple, name, "-s"))
    assert platform_tag(stripped) == expected
    assert not stripped.has_debug
    if (
        "linux" in triple
    ):  # zig would compile all of mingw once more; on macOS debug data stays in the object files
        debug = read_binary(compiled(tmp_path, triple, name, "-g"))
        assert debug.has_debug and platform_tag(debug) == expected


@LINUX_ONLY
@pytest.mark.parametrize("library", ["vault", "hcl", "plain"])
def test_auditwheel_agrees(tmp_path: Path, library: str) -> None:
    if importlib.util.find_spec("auditwheel") is None:
        pytest.skip("needs the package auditwheel")
    path = path_of(library)
    machine = platform_tag(read_binary(path)).split("_", 3)[3]
    wheel = binaries.wheel(tmp_path, f"a-1-py3-none-linux_{machine}.whl", {"a/liba.so": path.read_bytes()})
    done = subprocess.run(
        [sys.executable, "-m", "auditwheel", "show", str(wheel)], capture_output=True, text=True
    )
    said = " ".join(done.stdout.split())
    # Ours is never older than 2.17.
    older = f'"manylinux_2_5_{machine}"' in said or f'"manylinux_2_12_{machine}"' in said
    assert f'"{platform_tag(read_binary(path))}"' in said or older, said + done.stderr


def test_the_samples_are_what_file_says(tmp_path: Path) -> None:
    """The builders of the tests make what another program takes for such files, too."""

    def run(name: str) -> str:
        command = ["file", "-b", str(tmp_path / name)]
        return subprocess.run(command, capture_output=True, text=True).stdout

    for name, content in SAMPLES.items():
        (tmp_path / name).write_bytes(content)
    try:
        found = {name: run(name) for name in SAMPLES}
    except FileNotFoundError:
        pytest.skip("needs the program file")
    assert "ELF 64-bit LSB shared object, x86-64" in found["elf"]
    assert "ELF 32-bit LSB shared object, Intel" in found["elf 32"]
    assert "ELF 64-bit MSB shared object, IBM S/390" in found["elf big-endian"]
    assert "Mach-O 64-bit arm64 dynamically linked shared library" in found["macho"]
    assert "Mach-O universal binary with 2 architectures" in found["universal"]
    assert "PE32+ executable" in found["pe"] and "DLL" in found["pe"]
