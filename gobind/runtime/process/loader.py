"""Opens libraries by the system's loader: the file that was meant, or a private copy of it.

The loader compares names first: a name it has opened before means the same library, even if another file has the name
now. Then it compares device and inode. So a file in use is kept open, or another file could get its inode; a file
whose name was another's is opened as a copy; and each copy gets a new name.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import stat
import sys
from collections.abc import Iterator
from typing import Any

from gobind.errors import LoadError
from gobind.forklock import lazy_import
from gobind.runtime.process.platforms import check_length, explain_file

_PIECE = 1 << 20
_BUILD_INFO = b"\xff Go buildinf:"  # at a multiple of 16 bytes; see Go's debug/buildinfo
_RTLD_DI_LINKMAP = 2
_numbers = itertools.count()
_is_child = False


def _after_fork() -> None:
    global _is_child
    _is_child = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def key_of(path: str, found: os.stat_result) -> Any:
    """Returns the identity of a file: device and inode; its path where there are none."""
    return (found.st_dev, found.st_ino) if found.st_ino else path


class File:
    """The file of a library, kept open: copies are made of this file, even if another has its name by now.

    Attributes:
        path: where it was when it was opened.
        key: its identity; see `key_of`.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            self._descriptor = _open(path)
        except OSError as error:
            raise LoadError(f"cannot open {path}: {error}") from None
        self._stat = os.fstat(self._descriptor)
        self.key: Any = key_of(path, self._stat)

    def close(self) -> None:
        """Closes the file."""
        os.close(self._descriptor)

    def check(self) -> None:
        """Refuses a file that the system's loader would crash on, or wait for.

        Raises:
            LoadError: it is no file, or was cut short.
        """
        if not stat.S_ISREG(self._stat.st_mode):
            raise LoadError(f"{self.path} is not a file")
        check_length(self.path, self._stat.st_size, self.read)

    def read(self, size: int, offset: int) -> bytes:
        """Reads bytes of the file; fewer at its end."""
        if hasattr(os, "pread"):  # parent and child of a fork share the position
            return os.pread(self._descriptor, size, offset)
        os.lseek(self._descriptor, offset, os.SEEK_SET)
        return os.read(self._descriptor, size)

    def copy_to(self, target: int) -> None:
        """Writes the file's bytes to a descriptor."""
        # Not shutil: the child of a fork, which needs this first, should not import anything.
        for piece in self._pieces():
            while piece:
                piece = piece[os.write(target, piece) :]

    def has_go(self) -> bool:
        """Returns True if there is a Go program in the file."""
        return any(_BUILD_INFO in piece for piece in self._pieces())

    def _pieces(self) -> Iterator[bytes]:
        offset = 0
        while piece := self.read(_PIECE, offset):
            yield piece
            offset += len(piece)

    def check_unchanged(self) -> None:
        """Checks that this is still the file that was opened.

        Raises:
            LoadError: it has changed."""
        try:
            found = os.fstat(self._descriptor)
            if not os.path.samestat(found, self._stat):
                raise OSError
        except OSError:  # the process has closed all descriptors, as daemons do
            try:
                self._descriptor = _open(self.path)
                found = os.fstat(self._descriptor)
            except OSError as error:
                raise LoadError(f"{self.path} cannot be opened again: {error}") from None
        if _version(found) != _version(self._stat):
            raise LoadError(f"{self.path} has changed since it was opened: a copy of it may not be the same")


def open_library(file: File, is_name_used: bool = False) -> Any:
    """Opens a file by the loader.

    Args:
        is_name_used: another file had the name when it was opened.

    Raises:
        LoadError: the loader cannot open it.
    """
    if is_name_used or _is_another(file):
        return open_copy(file)
    try:
        library = ctypes.CDLL(file.path)
    except OSError as error:
        raise LoadError(explain_file(file.path, file.read(4096, 0), error)) from None
    try:
        is_replaced = file.key != key_of(file.path, os.stat(file.path))
    except OSError:
        is_replaced = True
    return open_copy(file) if is_replaced else library  # it may be one or the other


def open_copy(file: File) -> Any:
    """Opens a private copy of a file, with a Go runtime of its own.

    Raises:
        LoadError: the file has changed, or there is no place for a copy.
    """
    file.check_unchanged()
    reasons = []
    for place, copies in ("in memory", _copy_in_memory), ("in a temporary file", _copy_in_folder):
        try:
            with copies(file) as names:
                # The loader would return again what it has opened under that name.
                return ctypes.CDLL(next(name for name in names if _loaded(name) is None))
        except OSError as error:
            reasons.append(f"{place}: {error}")
    why = OSError(f"no private copy of it can be opened; {'; '.join(reasons)}")
    raise LoadError(explain_file(file.path, file.read(4096, 0), why))


def handle_of(library: Any) -> Any:
    """Returns the loader's handle of a library: the same for one opened twice."""
    if isinstance(library._handle, int) or not hasattr(library, "gobind_describe"):
        return library._handle
    return _address_of_description(library)  # PyPy makes a new object for each handle


def _address_of_description(library: Any) -> int | None:
    return ctypes.cast(library.gobind_describe, ctypes.c_void_p).value


def has_go(library: Any, file: File | None) -> bool:
    """Returns True if a library has a Go runtime."""
    return hasattr(library, "crosscall2") or (file is not None and file.has_go())


def path_of(library: Any) -> str | None:
    """Returns the path at which the loader found a library; None if it does not say."""
    if _link_map(library) is not None:
        name = _link_map(library).name
    elif (
        sys.platform != "win32"
        and hasattr(library, "gobind_describe")
        and hasattr(ctypes.CDLL(None), "dladdr")
    ):
        found = _Symbol()
        address = ctypes.c_void_p(_address_of_description(library))
        name = found.file if ctypes.CDLL(None).dladdr(address, ctypes.byref(found)) else None
    else:
        name = None
    return os.path.realpath(os.fsdecode(name)) if name else None


class _LinkMap(ctypes.Structure):
    """The beginning of ``struct link_map`` of <link.h>."""

    _fields_ = [("shift", ctypes.c_void_p), ("name", ctypes.c_char_p), ("dynamic", ctypes.c_void_p)]


class _Symbol(ctypes.Structure):
    """``Dl_info`` of <dlfcn.h>."""

    _fields_ = [
        ("file", ctypes.c_char_p),
        ("base", ctypes.c_void_p),
        ("name", ctypes.c_char_p),
        ("address", ctypes.c_void_p),
    ]


def _link_map(library: Any) -> Any:
    """Returns the loader's entry for a library; None where there is none."""
    if not sys.platform.startswith("linux") or not isinstance(library._handle, int):
        return None
    found = ctypes.POINTER(_LinkMap)()
    dlinfo = ctypes.CDLL(None).dlinfo
    failed = dlinfo(ctypes.c_void_p(library._handle), _RTLD_DI_LINKMAP, ctypes.byref(found))
    return None if failed else found.contents


def _loaded(name: str) -> Any:
    """Returns the library that the loader has under a name, or of the file there; None if it has none."""
    if not hasattr(os, "RTLD_NOLOAD"):
        return None
    try:
        return ctypes.CDLL(name, os.RTLD_NOLOAD | os.RTLD_NOW)
    except OSError:
        return None


def _is_another(file: File) -> bool:
    """Returns True if another file was opened under this name, or may have been before a fork."""
    library = _loaded(file.path)
    if library is None:
        return False
    if _is_child and has_go(library, file):
        return True
    found = _link_map(library)
    if found is None:
        return False
    try:
        with open("/proc/self/maps") as lines:
            for line in lines:
                start, end = (int(number, 16) for number in line.partition(" ")[0].split("-"))
                if start <= found.dynamic < end:
                    return int(line.split()[4]) != file._stat.st_ino
    except OSError:
        pass
    return False


@contextlib.contextmanager
def _copy_in_memory(file: File) -> Iterator[Iterator[str]]:
    """Yields names of a copy in memory, without a file."""
    if not hasattr(os, "memfd_create"):
        raise OSError("this system has no memfd_create")
    descriptor = os.memfd_create("gobind", os.MFD_CLOEXEC)
    try:
        file.copy_to(descriptor)
        if not os.path.samestat(os.stat(f"/proc/self/fd/{descriptor}"), os.fstat(descriptor)):
            raise OSError("/proc is another process's")
        yield (f"/proc/self/fd/{_detour(number)}{descriptor}" for number in _numbers)
    finally:
        os.close(descriptor)


def _detour(number: int) -> str:
    """Returns a path from a folder to itself, a different one for each number."""
    return f"{number:b}".replace("0", "./").replace("1", "/")


@contextlib.contextmanager
def _copy_in_folder(file: File) -> Iterator[Iterator[str]]:
    """Yields names of a copy in a temporary file."""
    descriptor, name = lazy_import("tempfile").mkstemp(".so", "gobind")
    try:
        try:
            file.copy_to(descriptor)
        finally:
            os.close(descriptor)
        folder, base = os.path.split(name)
        yield (f"{folder}/{_detour(number)}{base}" for number in _numbers)
    finally:
        os.unlink(name)


def _open(path: str) -> int:
    # Without waiting for the writer of a pipe.
    return os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))


def _version(found: os.stat_result) -> tuple[int, ...]:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
