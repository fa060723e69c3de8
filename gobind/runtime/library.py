"""Libraries: opened once for each file, bound to the classes of contracts."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

from gobind.contract.decorators import INTERFACE, kind_of
from gobind.errors import ClosedError, ContractError, LoadError
from gobind.forklock import fork_lock, lazy_import
from gobind.runtime.binding import Binding, CarriedContract, read_description
from gobind.runtime.objects.upcalls import dropped
from gobind.runtime.process.find import find_library
from gobind.runtime.process.loader import File, handle_of, key_of
from gobind.runtime.process.native import Native
from gobind.runtime.process.platforms import check_process
from gobind.runtime.wait import ring

if TYPE_CHECKING:
    from gobind.runtime.cgo import Exports
    from gobind.runtime.process.goruntime import GoRuntime

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


class _Opened:
    """One file in this process, whatever its names: one Go runtime, and one Library until that is closed.

    Two Libraries of one file would hand out two objects for one implementation, and Go would enter Python through the
    second, whose table does not have the objects of the first.

    Attributes:
        is_lost: this is the child of a fork, and the Go runtime is the parent's.
    """

    def __init__(self, native: Native) -> None:
        self.native = native
        self.library: Library | None = None
        self.is_lost = False
        if native.has_glue:
            native.send_environ()

    def connected(self) -> Native:
        """Returns the library as it is open in this process."""
        if self.is_lost and not self.native.has_go:
            self.is_lost = False  # the fork has copied all that it has
        if self.is_lost:
            lost = self.native
            if os.environ.get("GOBIND_AFTER_FORK") == "error":
                raise ClosedError(
                    f"{lost.path}: its Go runtime belongs to the parent process, and GOBIND_AFTER_FORK=error"
                )
            native = lost.copy()
            native.environ = lost.environ
            if native.has_glue:
                native.send_environ()
            self.native, self.is_lost = native, False
        return self.native


# By the file's key, and by the loader's handle: what the loader opened under one handle is one library.
_opened: dict[Any, _Opened] = {}


@overload
def load(path: str | os.PathLike[str]) -> Library: ...
@overload
def load(path: str | os.PathLike[str], interface: Callable[..., T]) -> T: ...
def load(path: str | os.PathLike[str], interface: Any = None) -> Any:
    """Opens a Go shared library; the same object for the same file.

    Args:
        path: a path with a separator is used as it is; a bare name is looked for beside the module
            that calls, then in ``GOBIND_LIBRARY_PATH``, then by the system loader.
        interface: a `gointerface` class; then the result is the Go implementation as an instance of it.

    Raises:
        LoadError: the library cannot be found or opened.
        MismatchError: the class and the contract in the library differ.
        ContractError: the class is not an interface that gobind can represent.
    """
    caller = sys._getframe(1).f_globals
    with fork_lock:
        library = _open(find_library(os.fspath(path), caller))
        return library if interface is None else library.bind(interface)


def _open(path: str) -> Library:
    opened = _opened_of(path)
    library = opened.library
    if library is None or library.is_closed:
        library = opened.library = Library(opened)
    return library


def _opened_of(path: str) -> _Opened:
    """Returns the entry of a file, which is opened if it was not."""
    if os.path.basename(path) == path:  # only the system loader knows where it is
        dll = ctypes.CDLL(path)
        if handle_of(dll) not in _opened:
            check_process(_count())
        return _register(None, Native(path, None, dll))
    with contextlib.suppress(OSError):
        opened = _opened.get(key_of(path, os.stat(path)))
        if opened is not None:
            return opened
    file = File(path)
    opened = _opened.get(file.key)
    if opened is None:
        try:
            check_process(_count())
            file.check()
            is_name_used = any(other.native.path == path for other in _opened.values())
            opened = _register(file.key, Native.of(file, is_name_used))
        except BaseException:
            file.close()
            raise
    # On Windows an open file cannot be renamed, and a loaded one does not leave its inode to others.
    if opened.native.file is not file or sys.platform == "win32":
        file.close()
    return opened


def _register(key: Any, native: Native) -> _Opened:
    handle = handle_of(native.dll)
    opened = _opened.get(handle)
    if opened is None:
        if os.environ.get("GOBIND_DEBUG") == "1":
            lazy_import("gobind.runtime.sanitizer").install()
        if os.environ.get("GOBIND_TRACE") == "1":
            lazy_import("gobind.runtime.trace").install()
        opened = _opened[handle] = _Opened(native)
        if key is not None:
            _opened[key] = opened
    return opened


def _count() -> int:
    return len({*_opened.values()})


def live() -> int:
    """Returns how many of Go's blocks and handles are outstanding in all open libraries."""
    with fork_lock:
        return sum(opened.native.live() for opened in {*_opened.values()} if opened.native.has_glue)


class Library:
    """An opened shared library. Make one with `load`.

    The interfaces in its contract are its attributes: ``library.Accounts.ping(5)``.
    """

    def __init__(self, opened: _Opened) -> None:
        self._opened = opened
        self._native = native = opened.connected()
        self._contracts = read_description(native) if native.has_glue else []
        self._bindings: dict[Any, Binding] = {}
        self._exports: Exports | None = None
        self.is_closed = False
        self._is_lost = False

    def __repr__(self) -> str:
        return f"<gobind.Library {self.path}>"

    @property
    def path(self) -> str:
        """The path of the file."""
        return self._native.path

    @property
    def interfaces(self) -> tuple[str, ...]:
        """The names of the interfaces in the library's contracts."""
        return tuple(name for contract in self._contracts for name in contract.interfaces)

    @property
    def contract(self) -> str:
        """The source of the contracts inside the library; "" if there is none."""
        return "\n\n".join(contract.text for contract in self._contracts)

    @property
    def runtime(self) -> GoRuntime:
        """Go's runtime: environment, limits, garbage collection, figures."""
        self._check_open()
        if not self._native.has_glue:
            raise LoadError(f"{self.path} was not built by gobind: its Go runtime cannot be reached")
        return lazy_import("gobind.runtime.process.goruntime").GoRuntime(self._connected)  # type: ignore[no-any-return]

    @property
    def dropped(self) -> int:
        """The number of calls of one-way functions (`OneWay`) that have been dropped since the library was loaded."""
        return dropped(self._connected())

    def _connected(self) -> Native:
        """Returns the library as it is open in this process."""
        self._check_open()
        if self._is_lost:
            self._reopen()
        return self._native

    def bind(self, interface: Callable[..., T]) -> T:
        """Returns the implementation of an interface in this library; the same object for the same class.

        Raises:
            LoadError: the library has no such interface.
            MismatchError: the class and the contract in the library differ.
        """
        native = self._connected()
        cls: Any = interface
        if kind_of(cls) != INTERFACE:
            name = getattr(cls, "__name__", repr(cls))
            raise ContractError(f"{name}: not an interface; decorate it with @gointerface")
        with fork_lock:
            if cls not in self._bindings:
                self._bindings[cls] = Binding(native, self._carrier(cls.__name__), cls)
            return cast(T, self._bindings[cls].root)

    @overload
    def export(self, function: F, *, free: str | None = "free") -> F: ...
    @overload
    def export(self, *, free: str | None = "free") -> Callable[[F], F]: ...
    def export(self, function: Any = None, *, free: str | None = "free") -> Any:
        """Calls a function that a cgo library without contract exports: a decorator for its declaration.

        Args:
            free: what frees a ``cstr`` result once it is copied: the C library's ``free``, a function of
                the library by name, or None to keep it.

        Raises:
            LoadError: the library exports no function of that name.
            ContractError: an annotation has no C representation.
        """
        return self._cgo().export(function, free)

    def exports(self, interface: Callable[..., T]) -> T:
        """Returns an object whose methods are the exported functions that a class declares."""
        return self._cgo().bind(interface)  # type: ignore[no-any-return]

    def _cgo(self) -> Exports:
        """Returns what calls functions by C's rules; imported here, as most programs never use it."""
        native = self._connected()
        exports = self._exports
        if exports is None:
            exports = self._exports = lazy_import("gobind.runtime.cgo").Exports(native)
        return exports

    def close(self) -> None:
        """Closes the library: later calls raise `ClosedError`. The file stays mapped, as Go requires."""
        with fork_lock:
            self.is_closed = True
            for binding in self._bindings.values():
                binding.close(f"{self.path} is closed")
            if self._exports:
                self._exports.close()

    def _after_fork(self) -> None:
        """In the child of a fork, where the parent's Go does not run: makes the next call open a copy."""
        if self._exports:
            self._exports.after_fork(self._reopen)
        for binding in self._bindings.values():
            if not self.is_closed:
                binding.after_fork(self._reopen)
        self._is_lost = True

    def _reopen(self) -> None:
        with fork_lock:
            if self._is_lost:
                self._native = native = self._opened.connected()
                for binding in self._bindings.values():
                    binding.connect(native)
                if self._exports:
                    self._exports.connect(native)
                self._is_lost = False  # last: if a handler raises before, the next call connects the rest

    def __enter__(self) -> Library:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self.interfaces:
            raise AttributeError(f"{self!r} has no interface {name}; it has {self._offer()}")
        return self.bind(self._carrier(name).interface(name).cls)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.interfaces]

    def _offer(self) -> str:
        return ", ".join(self.interfaces) or "none"

    def _carrier(self, name: str) -> CarriedContract:
        for contract in self._contracts:
            if name in contract.interfaces:
                return contract
        if not self._native.has_glue:
            raise LoadError(
                f"{self.path} carries no contract: it was not built by gobind; "
                "declare its functions with Library.export"
            )
        raise LoadError(f"{self.path} has no interface {name}; it has {self._offer()}")

    def _check_open(self) -> None:
        if self.is_closed:
            raise ClosedError(f"{self.path} is closed")


def _after_fork() -> None:
    """Runs in the child of every fork."""
    ring.after_fork()
    aio = sys.modules.get("gobind.runtime.wait.asyncio_loop")
    if aio is not None:
        aio.after_fork()
    for opened in {*_opened.values()}:
        opened.is_lost = True
        if opened.native.has_glue:
            opened.native.after_fork()
        if opened.library is not None:
            opened.library._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
