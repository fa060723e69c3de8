"""Where Go cannot live, and files that are no libraries: one clear message each."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import libraries
import pytest
from programs import run

import gobind
from gobind.runtime.process import platforms

REFUSED = """
try: libraries.load("sleeper")
except gobind.LoadError as error: print(error)
else: raise AssertionError
"""


def refusal(path: Path) -> str:
    with pytest.raises(gobind.LoadError) as caught:
        gobind.load(str(path))
    return str(caught.value)


def test_a_python_on_musl_is_refused() -> None:
    text = """
def confstr(name):
    assert name == "CS_GNU_LIBC_VERSION"
    raise OSError(22, "Invalid argument")  # as musl answers: it has the number of the name, and no more
os.confstr = confstr
"""
    message = (
        "this Python uses musl, which cannot load Go shared libraries (golang/go #54805); "
        "use a Python with glibc\n"
    )
    assert run(text + REFUSED, load=False) == (0, message, "")


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_a_second_go_runtime(system: str) -> None:
    text = f"""
libraries.load("echo")
from gobind.runtime.process import platforms
class System:
    def __getattr__(self, name): return {system!r} if name == "platform" else getattr(sys, name)
platforms.sys = System()
libraries.load("echo")
"""
    message = (
        "a second Go library cannot live in one process here: two Go runtimes crash each other "
        "(golang/go #65050, #22192); build all contracts into one library\n"
    )
    assert run(text + REFUSED, load=False) == (0, message, "")


@pytest.mark.parametrize("change", ["struct.calcsize = lambda text: 4", "sys.byteorder = 'big'"])
def test_32_bit_and_big_endian(change: str) -> None:
    text = (
        f"import struct\n{change}\n"
        + """
from gobind.runtime.process.platforms import check_process
try: check_process(0)
except gobind.LoadError as error: print(error)
"""
    )
    message = "gobind needs a 64-bit little-endian Python: frames are made for that\n"
    assert run(text, load=False) == (0, message, "")


SUBINTERPRETER = """
try: import _interpreters as interpreters
except ImportError: import _xxsubinterpreters as interpreters
path = sys.path
code = f'''
import sys
sys.path[:] = {path!r}
try: import ctypes
except ImportError: print("no ctypes here")  # Python refuses before gobind can
else:
    import gobind
    try: gobind.load({str(libraries.path_of("sleeper"))!r})
    except gobind.LoadError as error: print(error)
'''
made = interpreters.create("legacy") if sys.version_info >= (3, 13) else interpreters.create()
problem = interpreters.run_string(made, code)
assert problem is None, problem
interpreters.destroy(made)
assert sleeper.echo(1) == 1
"""


def test_subinterpreters_are_refused() -> None:
    status, output, errors = run(SUBINTERPRETER, "-W", "ignore")
    message = "gobind works in the main interpreter only: a Go library belongs to the whole process\n"
    assert (status, errors) == (0, "")
    assert output in (message, "no ctypes here\n")


OWN = platforms.own_target()


def elf(machine: int, byte_order: str = "<") -> bytes:
    head = b"\x7fELF\2" + (b"\1" if byte_order == "<" else b"\2") + bytes(10)
    return head + struct.pack(byte_order + "HH", 3, machine) + bytes(100)


def pe(machine: int) -> bytes:
    return (
        b"MZ".ljust(60, b"\0") + struct.pack("<I", 64) + b"PE\0\0" + struct.pack("<H", machine) + bytes(100)
    )


def macho(machine: int) -> bytes:
    return b"\xcf\xfa\xed\xfe" + struct.pack("<I", machine) + bytes(100)


@pytest.mark.parametrize(
    ("content", "target"),
    [
        (elf(183), "linux/arm64"),
        (elf(62), "linux/amd64"),
        (elf(3), "linux/386"),
        (elf(22, ">"), "linux/s390x"),
        (elf(12345), "linux/machine 12345"),
        (pe(0x8664), "windows/amd64"),
        (pe(0xAA64), "windows/arm64"),
        (macho(0x01000007), "darwin/amd64"),
        (macho(0x0100000C), "darwin/arm64"),
    ],
)
def test_a_library_for_something_else(tmp_path: Path, content: bytes, target: str) -> None:
    assert platforms.target_of(content) == target
    if target == OWN:
        return
    path = tmp_path / "libother.so"
    path.write_bytes(content)
    assert refusal(path) == f"{path} is for {target}, this process is {OWN}: build it with --target {OWN}"


@pytest.mark.parametrize("content", [b"", b"MZ", b"\x7fELF", b"#!/bin/sh\n" * 20, b"\xcf\xfa\xed\xfe"])
def test_a_file_that_is_no_library(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "libtext.so"
    path.write_bytes(content)
    assert refusal(path) == f"{path} is not a shared library"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="an ELF file says how long it is")
@pytest.mark.parametrize("part", [0.001, 0.5, 0.99])
def test_a_library_that_was_cut_short(tmp_path: Path, part: float) -> None:
    path = tmp_path / "libcut.so"
    whole = libraries.path_of("sleeper").read_bytes()
    path.write_bytes(whole[: int(part * len(whole))])
    assert refusal(path) == f"{path} was cut short: {int(part * len(whole))} bytes of {len(whole)}"


def test_a_folder_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "libfolder.so"
    path.mkdir()
    assert str(path) in refusal(path)


def test_the_refusal_leaves_other_libraries_alone(tmp_path: Path) -> None:
    path = tmp_path / "libtext.so"
    path.write_text("no library")
    for _ in range(2):
        assert "is not a shared library" in refusal(path)
    assert libraries.load("sleeper").interfaces[0] == "Sleeper"
