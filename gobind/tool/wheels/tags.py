"""The platform tag of a wheel, by what the library in it needs.

The tag says where a library loads, and pip believes it. So it is what the library needs, never what it was meant for. The names are
those of PEP 600 (``manylinux_2_17_x86_64``), which pip knows since 20.3 of 2020; the older names (``manylinux2014_x86_64``) say the
same to pips that no supported Python comes with.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import PurePosixPath

from gobind.errors import BuildError
from gobind.tool.wheels.binary import Binary

LEGACY: Mapping[str, tuple[int, int]] = {
    "manylinux1": (2, 5),
    "manylinux2010": (2, 12),
    "manylinux2014": (2, 17),
}
"""The glibc that the names before PEP 600 stand for."""

OLDEST_GLIBC = (2, 17)
"""The oldest glibc in a tag: Go needs a Linux of that time, and no older one is in use."""

_LINUX = {"amd64": "x86_64", "arm64": "aarch64", "386": "i686", "arm": "armv7l"}
_LINUX.update({name: name for name in ("riscv64", "ppc64le", "s390x")}, loong64="loongarch64")
_MACOS = {"amd64": "x86_64", "arm64": "arm64", "universal2": "universal2"}
_WINDOWS = {"amd64": "win_amd64", "arm64": "win_arm64", "386": "win32"}

# The first glibc that each machine has a manylinux for, where that is newer than `OLDEST_GLIBC`.
_OLDEST_OF = {"riscv64": (2, 31), "loongarch64": (2, 36)}

# What each Linux with glibc has, by manylinux' policy: auditwheel 6.8, policy/manylinux-policy.json.
_ON_LINUX = frozenset(
    "libatomic.so.1 libgcc_s.so.1 libstdc++.so.6 libm.so.6 libanl.so.1 libdl.so.2 librt.so.1 libc.so.6 libnsl.so.1 libutil.so.1"
    " libpthread.so.0 libX11.so.6 libXext.so.6 libXrender.so.1 libICE.so.6 libSM.so.6 libGL.so.1 libgobject-2.0.so.0"
    " libgthread-2.0.so.0 libglib-2.0.so.0 libresolv.so.2 libz.so.1 libexpat.so.1".split()
)
_LIBMVEC, _HAS_LIBMVEC = "libmvec.so.1", (2, 24)
_LOADER = re.compile(r"ld-linux[\w-]*\.so\.\d+|ld64\.so\.\d+|ld\.so\.\d+")

# The glibc of the manylinux whose libraries have these versions of their symbols, in order, from the same policy.
_VERSIONS: Mapping[str, tuple[tuple[tuple[int, ...], tuple[int, int]], ...]] = {
    "GLIBCXX": (
        ((3, 4, 8), (2, 5)),
        ((3, 4, 13), (2, 12)),
        ((3, 4, 19), (2, 17)),
        ((3, 4, 22), (2, 24)),
        ((3, 4, 24), (2, 27)),
        ((3, 4, 28), (2, 31)),
        ((3, 4, 29), (2, 34)),
        ((3, 4, 30), (2, 35)),
        ((3, 4, 33), (2, 39)),
    ),
    "CXXABI": (
        ((1, 3, 1), (2, 5)),
        ((1, 3, 3), (2, 12)),
        ((1, 3, 7), (2, 17)),
        ((1, 3, 10), (2, 24)),
        ((1, 3, 11), (2, 27)),
        ((1, 3, 12), (2, 31)),
        ((1, 3, 13), (2, 34)),
        ((1, 3, 15), (2, 39)),
    ),
    "GCC": (
        ((4, 2, 0), (2, 5)),
        ((4, 3, 0), (2, 12)),
        ((4, 8, 0), (2, 17)),
        ((7, 0, 0), (2, 27)),
        ((12, 0, 0), (2, 35)),
        ((14, 0, 0), (2, 39)),
    ),
    "LIBATOMIC": (((1, 0), (2, 17)), ((1, 2), (2, 24))),
    "ZLIB": (((1, 2, 2, 4), (2, 12)), ((1, 2, 5, 2), (2, 17)), ((1, 2, 9), (2, 27)), ((1, 2, 12), (2, 37))),
}

# Parts of Windows that libraries are linked against, Go's and C's: a selection. What is called api-ms-win-... is of Windows, too.
_ON_WINDOWS = frozenset(
    "advapi32 avrt bcrypt bcryptprimitives cfgmgr32 combase comctl32 comdlg32 credui crypt32 cryptbase d2d1 d3d9 d3d11 d3d12 dbghelp"
    " dnsapi dsound dwmapi dwrite dxgi fwpuclnt gdi32 hid httpapi imm32 iphlpapi kernel32 kernelbase mf mfplat mpr msimg32 msvcrt"
    " mswsock ncrypt netapi32 normaliz ntdll ole32 oleaut32 opengl32 pdh powrprof propsys psapi rpcrt4 secur32 setupapi shcore"
    " shell32 shlwapi sspicli ucrtbase user32 userenv uxtheme version virtdisk wevtapi wininet winhttp winmm winspool wintrust"
    " wldap32 ws2_32 wsock32 wtsapi32 xinput1_4".split()
)
# What comes with Python for Windows: https://learn.microsoft.com/cpp/windows/determining-which-dlls-to-redistribute
_WITH_PYTHON = re.compile(r"vcruntime140(_1)?\.dll|python\d+t?\.dll")
_OF_MINGW = re.compile(r"lib(gcc_s|winpthread|stdc\+\+|ssp|gomp)[\w-]*\.dll")


def platform_tag(binary: Binary, beside: Collection[str] = ()) -> str:
    """Returns the platform tag of a wheel with this library.

    Args:
        beside: the file names of the other libraries in the wheel.

    Raises:
        BuildError: there is none: the message says why, and what to do.
    """
    system, _, arch = binary.target.partition("/")
    table = {"linux": _LINUX, "darwin": _MACOS, "windows": _WINDOWS}.get(system, {})
    if arch not in table:
        raise BuildError(f"{binary.name} is for {binary.target}: wheels have no name for that")
    if system == "linux":
        return _linux_tag(binary, table[arch], beside)
    if system == "darwin":
        return _macos_tag(binary, table[arch], beside)
    _check_dlls(binary, beside)
    return table[arch]


def claimed_glibc(tag: str) -> tuple[tuple[int, int], str] | None:
    """Returns the glibc and the machine that a manylinux tag promises to do with; None: it is no such tag."""
    match = re.fullmatch(r"manylinux_(\d+)_(\d+)_(\w+)", tag, re.ASCII)
    if match:
        return (int(match[1]), int(match[2])), match[3]
    name, _, machine = tag.partition("_")
    return (LEGACY[name], machine) if name in LEGACY else None


# Linux


def _linux_tag(binary: Binary, machine: str, beside: Collection[str]) -> str:
    if any(name == "libc.so" or name.startswith(("libc.musl-", "ld-musl-")) for name in binary.needed):
        raise BuildError(
            f"{binary.name} is linked against musl, which cannot load Go's shared libraries (golang/go #54805); build it"
            " against glibc: with --target, or on a Linux with glibc"
        )
    missing = [name for name in binary.needed if not _is_on_linux(name) and name not in beside]
    if missing:
        raise BuildError(
            f"{binary.name} needs {_listed(missing)}, which Linux systems need not have: link that statically"
            " (-extldflags=-static-libgcc, LIB.a instead of -lLIB), or do without it; auditwheel repair puts it into the wheel"
        )
    glibc = max(OLDEST_GLIBC, _OLDEST_OF.get(machine, OLDEST_GLIBC), needed_glibc(binary))
    return f"manylinux_{glibc[0]}_{glibc[1]}_{machine}"


def needed_glibc(binary: Binary) -> tuple[int, int]:
    """Returns the oldest glibc of a Linux that has all versions of symbols that a library needs; (0, 0) if it needs none.

    Raises:
        BuildError: no manylinux has them.
    """
    unknown = [name for name in binary.versions if name.startswith("GLIBC_")]
    if unknown:
        raise BuildError(
            f"{binary.name} needs {_listed(unknown)}, which no manylinux has: build it against an older glibc, or with zig"
        )
    glibc = binary.glibc or (0, 0)
    if _LIBMVEC in binary.needed:
        glibc = max(glibc, _HAS_LIBMVEC)
    for family in _VERSIONS.keys() & binary.versions.keys():
        needed = binary.versions[family]
        fitting = next((found for version, found in _VERSIONS[family] if needed <= version), None)
        if fitting is None:
            raise BuildError(
                f"{binary.name} needs {family}_{'.'.join(map(str, needed))}, which no manylinux has: link that library"
                " statically (-extldflags='-static-libgcc -static-libstdc++'), or build with an older compiler, or zig"
            )
        glibc = max(glibc, fitting)
    return glibc


def _is_on_linux(name: str) -> bool:
    return name in _ON_LINUX or name == _LIBMVEC or _LOADER.fullmatch(name) is not None


# macOS


def _macos_tag(binary: Binary, machine: str, beside: Collection[str]) -> str:
    missing = [name for name in binary.needed if not _is_on_macos(name, beside)]
    if missing:
        raise BuildError(
            f"{binary.name} needs {_listed(missing)}, which is no part of macOS: link that statically, or do without it;"
            " delocate puts it into the wheel"
        )
    if binary.macos is None:
        raise BuildError(
            f"{binary.name} does not say which macOS it is for; build it with -mmacosx-version-min, or with gobind build"
        )
    major, minor = binary.macos
    if machine == "arm64":
        major, minor = max((major, minor), (11, 0))
    if major >= 11:  # the names of those have no minor version: the next macOS that has all it needs
        major, minor = major + (minor > 0), 0
    return f"macosx_{major}_{minor}_{machine}"


def _is_on_macos(name: str, beside: Collection[str]) -> bool:
    if name.startswith("@"):  # relative to the library, to what loads it, or to its own list of folders
        return PurePosixPath(name).name in beside
    return name.startswith(("/usr/lib/", "/System/Library/"))


# Windows


def _check_dlls(binary: Binary, beside: Collection[str]) -> None:
    """Refuses a library that needs what is no part of Windows.

    Raises:
        BuildError: it does.
    """
    others = {name.lower() for name in beside}
    missing = [
        name for name in binary.needed if not _is_on_windows(name.lower()) and name.lower() not in others
    ]
    if not missing:
        return
    if any(_OF_MINGW.fullmatch(name.lower()) for name in missing):
        advice = "link it statically (-extldflags=-static), or build with zig, which does"
    else:
        advice = "link it statically, or do without it; delvewheel puts it into the wheel"
    raise BuildError(
        f"{binary.name} needs {_listed(missing)}, which is not known as a part of Windows: {advice}"
    )


def _is_on_windows(name: str) -> bool:
    if name.startswith(("api-ms-win-", "ext-ms-")) or _WITH_PYTHON.fullmatch(name):
        return True
    stem, _, suffix = name.rpartition(".")
    return suffix in ("dll", "drv") and stem in _ON_WINDOWS


def _listed(names: Collection[str]) -> str:
    return " and ".join(filter(None, [", ".join([*names][:-1]), [*names][-1]]))
