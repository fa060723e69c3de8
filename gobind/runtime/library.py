"""Libraries: opened once for each file, bound to the classes of contracts.

Imports `gobind.runtime.bind`, `gobind.runtime.find` and before; `gobind.runtime.exports`,
`gobind.runtime.control` and `gobind.runtime.debug` only if they are asked for.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

from gobind.contract import INTERFACE, kind_of
from gobind.errors import ClosedError, ContractError, LoadError
from gobind.forks import late, whole
from gobind.runtime import ring
from gobind.runtime.bind import Binding, CarriedContract, read_description
from gobind.runtime.find import find_library
from gobind.runtime.native import Native
from gobind.runtime.platforms import check_process

if TYPE_CHECKING:
    from gobind.runtime.control import GoRuntime
    from gobind.runtime.exports import Exports

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

# Opening is rare and must happen once for each file: two Libraries of one file would hand out two
# objects for one implementation.
_natives: dict[tuple[str, int, int], Native] = {}
_libraries: dict[tuple[str, int, int], Library] = {}


@overload
def load(path: str | os.PathLike[str]) -> Library: ...
@overload
def load(path: str | os.PathLike[str], interface: Callable[..., T]) -> T: ...
def load(path: str | os.PathLike[str], interface: Any = None) -> Any:
    """Open a Go shared library; the same object for the same file.

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
    with whole:
        library = _open(find_library(os.fspath(path), caller))
        return library if interface is None else library.bind(interface)


def _open(path: str) -> Library:
    try:
        stat = os.stat(path)
        key = (path, stat.st_dev, stat.st_ino)
    except OSError:  # found by the system loader
        key = (path, 0, 0)
    library = _libraries.get(key)
    if library is None or library.is_closed:
        if os.environ.get("GOBIND_DEBUG") == "1":
            late("gobind.runtime.debug").install()
        if key not in _natives:
            check_process(len(_natives))
            # Where another file was before, the system's loader would open that again: it goes by the path.
            is_replaced = any(known == path for known, *_ in _natives)
            native = _natives[key] = Native.private(path) if is_replaced else Native(path)
            if native.has_glue:
                native.send_environ()
        library = _libraries[key] = Library(_natives[key])
    return library


def live() -> int:
    """How many blocks and handles of Go are outstanding, in all open libraries together."""
    with whole:
        return sum(native.live() for native in _natives.values() if native.has_glue)


class Library:
    """An opened shared library. Make one with `load`.

    The interfaces in its contract are its attributes: ``library.Accounts.ping(5)``.
    """

    def __init__(self, native: Native) -> None:
        self._native = native
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
        return late("gobind.runtime.control").GoRuntime(self._connected)  # type: ignore[no-any-return]

    def _connected(self) -> Native:
        """The library as it is open in this process."""
        self._check_open()
        if self._is_lost:
            self._reopen()
        return self._native

    def bind(self, interface: Callable[..., T]) -> T:
        """The implementation of an interface in this library; the same object for the same class.

        Raises:
            LoadError: the library has no such interface.
            MismatchError: the class and the contract in the library differ.
        """
        native = self._connected()
        cls: Any = interface
        if kind_of(cls) != INTERFACE:
            name = getattr(cls, "__name__", repr(cls))
            raise ContractError(f"{name}: not an interface; decorate it with @gointerface")
        with whole:
            if cls not in self._bindings:
                self._bindings[cls] = Binding(native, self._carrier(cls.__name__), cls)
            return cast(T, self._bindings[cls].root)

    @overload
    def export(self, function: F, *, free: str | None = "free") -> F: ...
    @overload
    def export(self, *, free: str | None = "free") -> Callable[[F], F]: ...
    def export(self, function: Any = None, *, free: str | None = "free") -> Any:
        """Call a function that a plain cgo library exports: a decorator for its declaration.

        Args:
            free: what frees a ``cstr`` result once it is copied: the C library's ``free``, a function of
                the library by name, or None to keep it.

        Raises:
            LoadError: the library exports no function of that name.
            ContractError: an annotation has no C representation.
        """
        return self._plain().export(function, free)

    def exports(self, interface: Callable[..., T]) -> T:
        """An object whose methods are the exported functions that a class declares."""
        return self._plain().bind(interface)  # type: ignore[no-any-return]

    def _plain(self) -> Exports:
        """What calls functions by C's rules; loaded here, as most programs never ask for it."""
        native = self._connected()
        exports = self._exports
        if exports is None:
            exports = self._exports = late("gobind.runtime.exports").Exports(native)
        return exports

    def close(self) -> None:
        """Let go of the library: later calls raise `ClosedError`. The file stays mapped, as Go requires."""
        with whole:
            self.is_closed = True
            for binding in self._bindings.values():
                binding.close(f"{self.path} is closed")
            if self._exports:
                self._exports.close()

    def _after_fork(self) -> None:
        """This is the child of a fork: the parent's Go is dead here, and the next call opens a copy."""
        if self._native.has_glue:
            self._native.die()
        if self._exports:
            self._exports.after_fork(self._reopen)
        for binding in self._bindings.values():
            if not self.is_closed:
                binding.interrupt(self._reopen)
        self._is_lost = True

    def _reopen(self) -> None:
        if os.environ.get("GOBIND_AFTER_FORK") == "error":
            raise ClosedError(
                f"{self.path}: its Go runtime belongs to the parent process, and GOBIND_AFTER_FORK=error"
            )
        with whole:
            if self._is_lost:
                lost, self._native = self._native, self._native.copy()
                self._native.environ = lost.environ
                self._is_lost = False
                if self._native.has_glue:
                    self._native.send_environ()
                for binding in self._bindings.values():
                    binding.connect(self._native)
                if self._exports:
                    self._exports.connect(self._native)
                for key, library in _libraries.items():
                    if library is self:
                        _natives[key] = self._native

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
    aio = sys.modules.get("gobind.runtime.aio")
    if aio is not None:
        aio.after_fork()
    for library in _libraries.values():
        library._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
