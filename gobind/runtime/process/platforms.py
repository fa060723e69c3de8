"""Where Go libraries cannot live, and why a file is not one."""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Callable

from gobind.errors import LoadError
from gobind.forklock import lazy_import

_ELF_MACHINES = {3: "386", 40: "arm", 62: "amd64", 183: "arm64", 243: "riscv64", 21: "ppc64", 22: "s390x"}
_PE_MACHINES = {0x14C: "386", 0x8664: "amd64", 0xAA64: "arm64"}
_MACHO_MACHINES = {0x01000007: "amd64", 0x0100000C: "arm64"}
_SEGMENT, _PT_LOAD = struct.Struct("<IIQQQQQQ"), 1  # of an ELF file
_OWN_MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "i686": "386", "i386": "386"}
_OWN_SYSTEMS = {"win32": "windows", "cygwin": "windows"}  # where Go's name is another than Python's

SUFFIXES = {"linux": ".so", "darwin": ".dylib", "windows": ".dll"}


def check_process(others: int) -> None:
    """Refuses processes that no Go library can run in.

    Args:
        others: how many Go libraries this process has already.

    Raises:
        LoadError: with the reason.
    """
    if struct.calcsize("P") != 8 or sys.byteorder != "little":
        raise LoadError("gobind needs a 64-bit little-endian Python: frames are made for that")
    if is_musl():
        raise LoadError(
            "this Python uses musl, which cannot load Go shared libraries (golang/go #54805); "
            "use a Python with glibc"
        )
    if others and sys.platform in ("darwin", "win32"):
        raise LoadError(
            "a second Go library cannot live in one process here: two Go runtimes crash each other "
            "(golang/go #65050, #22192); build all contracts into one library"
        )
    if _in_subinterpreter():
        raise LoadError(
            "gobind works in the main interpreter only: a Go library belongs to the whole process"
        )


def is_musl() -> bool:
    """Returns True if the C library of this process is musl: its `os.confstr` refuses to tell glibc's version."""
    try:
        return sys.platform.startswith("linux") and not os.confstr("CS_GNU_LIBC_VERSION")
    except OSError:
        return True


def _in_subinterpreter() -> bool:
    api = getattr(ctypes, "pythonapi", None)
    if api is None:
        return False  # PyPy has no subinterpreters either
    own, main = api["PyInterpreterState_Get"], api["PyInterpreterState_Main"]
    own.restype = main.restype = ctypes.c_void_p
    return bool(own() != main())


def own_suffix() -> str:
    """Returns the suffix of shared libraries on this platform."""
    return SUFFIXES.get(_OWN_SYSTEMS.get(sys.platform, sys.platform), ".so")


def own_target() -> str:
    """Returns the platform of this process, as Go's OS/ARCH."""
    machine = (os.uname().machine if hasattr(os, "uname") else lazy_import("platform").machine()).lower()
    return f"{_OWN_SYSTEMS.get(sys.platform, sys.platform)}/{_OWN_MACHINES.get(machine, machine)}"


def explain_file(path: str, head: bytes, error: OSError) -> str:
    """Says why a file could not be opened as a library.

    Args:
        head: the file's first bytes.
    """
    target = target_of(head)
    if target is None:
        return f"{path} is not a shared library"
    if target != own_target():
        return (
            f"{path} is for {target}, this process is {own_target()}: build it with --target {own_target()}"
        )
    return f"cannot open {path}: {error}"


def check_length(path: str, size: int, read: Callable[[int, int], bytes]) -> None:
    """Refuses a library that was cut short: the loader of Linux would crash on it.

    Args:
        read: reads a number of bytes of the file at an offset.

    Raises:
        LoadError: it is shorter than its headers say.
    """
    head = read(64, 0)
    if len(head) < 64 or head[:6] != b"\x7fELF\x02\x01":
        return  # the loader says what is wrong
    segments, sections = struct.unpack_from("<QQ", head, 32)
    segment_size, count, section_size, section_count = struct.unpack_from("<HHHH", head, 54)
    end = max(segments + segment_size * count, sections + section_size * section_count)
    table = read(segment_size * count, segments) if end <= size and segment_size == _SEGMENT.size else b""
    for kind, _, offset, _, _, length, _, _ in _SEGMENT.iter_unpack(table):
        if kind == _PT_LOAD:
            end = max(end, offset + length)
    if size < end:
        raise LoadError(f"{path} was cut short: {size} bytes of {end}")


def target_of(head: bytes) -> str | None:
    """Returns OS/ARCH of a library by its first bytes; None if it is no library."""
    if head[:4] == b"\x7fELF" and len(head) >= 20:
        machine = int.from_bytes(head[18:20], "little" if head[5] == 1 else "big")
        return f"linux/{_ELF_MACHINES.get(machine, f'machine {machine}')}"
    if head[:4] == b"\xcf\xfa\xed\xfe" and len(head) >= 8:
        machine = int.from_bytes(head[4:8], "little")
        return f"darwin/{_MACHO_MACHINES.get(machine, f'machine {machine}')}"
    if head[:2] == b"MZ" and len(head) >= 64:
        at = int.from_bytes(head[60:64], "little")
        machine = int.from_bytes(head[at + 4 : at + 6], "little")
        return f"windows/{_PE_MACHINES.get(machine, f'machine {machine}')}"
    return None


def peak_memory() -> int:
    """Returns the peak memory of this process in bytes; 0 where the system does not say."""
    try:
        resource = lazy_import("resource")
    except ImportError:  # Windows
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * unit
