"""Libraries without a contract: exported cgo functions, called by C's rules, declared by annotations.

Only here values are passed as C arguments.
"""

from __future__ import annotations

import ctypes
import functools
import inspect
import sys
import typing
from collections.abc import Callable
from typing import Annotated, Any, NamedTuple, Union

from gobind.codec.buffers import borrow, format_of
from gobind.codec.memory import bytes_at
from gobind.codec.mirrors import NUMBERS, from_mirror, mirror_of, to_mirror_of
from gobind.contract.annotations import Scope
from gobind.contract.leaves import BYTES, STR
from gobind.contract.resolve import Schema, evaluate
from gobind.contract.scalars import BufferOf, CString, Scalar
from gobind.contract.types import BufferType, Node, StructType
from gobind.contract.validate import check, root_path
from gobind.errors import ClosedError, ContractError, LoadError
from gobind.runtime.process.native import Native

_STARRED = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


class GoString(ctypes.Structure):
    """``_GoString_`` of cgo's header: an address and a length in bytes, which is a Go int."""

    _fields_ = [("p", ctypes.c_void_p), ("n", ctypes.c_ssize_t)]


class GoSlice(ctypes.Structure):
    """``GoSlice`` of cgo's header."""

    _fields_ = [("data", ctypes.c_void_p), ("len", ctypes.c_longlong), ("cap", ctypes.c_longlong)]


class _Type(NamedTuple):
    """How one annotation is passed in C.

    Attributes:
        ctype: the C type of argument or result.
        to_c: converts a value, given its name, to the C argument and what has to live as long.
        from_c: converts the C result to the value.
    """

    ctype: Any
    to_c: Callable[[Any, str], tuple[Any, Any]]
    from_c: Callable[[Any], Any]


class Exports:
    """Makes functions of one library callable."""

    def __init__(self, native: Native) -> None:
        self._native = native
        self._is_closed = False
        self._reopen: Callable[[], None] | None = None

    def export(self, function: Any, free: str | None) -> Any:
        """Returns a callable for a declared function; without one, a decorator."""
        if function is None:
            return functools.partial(self.export, free=free)
        if not inspect.isfunction(function):
            raise ContractError(f"export: expected a function, got {type(function).__name__}")
        return self._make(function, function.__name__, free, Scope.of_function(function))

    def bind(self, cls: Any) -> Any:
        """Returns an object with a callable for each function that a class declares."""
        if not isinstance(cls, type):
            raise ContractError(f"exports: expected a class, got {type(cls).__name__}")
        namespace: dict[str, Any] = {"__module__": cls.__module__, "__doc__": cls.__doc__}
        for base in reversed(cls.__mro__):
            for name, member in list(vars(base).items()):
                if base not in (object, typing.Protocol, typing.Generic) and inspect.isfunction(member):
                    if not name.startswith("_"):
                        made = self._make(member, name, "free", Scope.of_class(base), is_method=True)
                        namespace[name] = staticmethod(made)
        return object.__new__(type(cls)(cls.__name__, (cls,), namespace))

    def close(self) -> None:
        """Makes calls raise `ClosedError`."""
        self._is_closed = True

    def after_fork(self, reopen: Callable[[], None]) -> None:
        """In the child of a fork: makes the first call open the library again."""
        self._reopen = reopen

    def connect(self, native: Native) -> None:
        """Directs calls to `native`."""
        self._native, self._reopen = native, None

    def _make(self, function: Any, name: str, free: Any, scope: Scope, is_method: bool = False) -> Any:
        if inspect.iscoroutinefunction(function):
            raise ContractError(f"{name}: an exported function cannot be awaited; declare it with def")
        self._function(name)
        signature = inspect.signature(function)
        if is_method:
            signature = signature.replace(parameters=list(signature.parameters.values())[1:])
        if any(parameter.kind in _STARRED for parameter in signature.parameters.values()):
            raise ContractError(f"{name}: *args and **kwargs cannot be passed to Go; name each parameter")
        kinds = {
            parameter.name: _read(parameter.annotation, scope, f"{name}: parameter {parameter.name}")
            for parameter in signature.parameters.values()
        }
        release = self._freeing(free)
        result = _read_result(signature.return_annotation, scope, f"{name}: result", release)
        argtypes = [kind.ctype for kind in kinds.values()]
        restype = result.ctype if result else None
        found: dict[Native, Any] = {}

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            if self._is_closed:
                raise ClosedError(f"{self._native.path} is closed")
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            made = [kinds[key].to_c(value, key) for key, value in bound.arguments.items()]
            if self._reopen is not None:
                self._reopen()
            native = found.get(self._native)
            if native is None:
                native = found[self._native] = self._function(name)
                native.argtypes, native.restype = argtypes, restype
            raw = native(*[argument for argument, _ in made])
            value = result.from_c(raw) if result else None
            del made  # what the arguments point to lives until here: a result may point there too
            return value

        return call

    def _function(self, name: str) -> Any:
        """Returns a new function object: another declaration of the same function may differ."""
        try:
            return self._native.dll[name]
        except AttributeError:
            raise LoadError(f"{self._native.path} exports no function {name}") from None

    def _freeing(self, free: str | None) -> Callable[[int], Any]:
        """Returns what frees the memory of a C string."""
        if free is None:
            return lambda address: None
        if free != "free":
            self._function(free)

        def release(address: int) -> None:
            function = _libc()["free"] if free == "free" else self._function(free)
            function.argtypes, function.restype = [ctypes.c_void_p], None
            function(address)

        return release


def _libc() -> Any:
    return ctypes.CDLL("msvcrt") if sys.platform == "win32" else ctypes.CDLL(None)


def _read_result(annotation: Any, scope: Scope, where: str, free: Callable[[int], Any]) -> _Type | None:
    """Returns how a result is passed; None for no result. A tuple stands for cgo's several results."""
    if annotation is inspect.Signature.empty:
        raise ContractError(f"{where} has no annotation; write -> None if there is none")
    hint = evaluate(annotation, scope, where)
    if hint in (None, type(None)):
        return None
    if typing.get_origin(hint) is tuple:
        kinds = [_read_one_result(item, scope, where, free) for item in typing.get_args(hint)]
        fields = [(f"r{position}", kind.ctype) for position, kind in enumerate(kinds)]
        ctype = type("GoResults", (ctypes.Structure,), {"_fields_": fields})

        def from_c(raw: Any) -> Any:
            return tuple(kind.from_c(getattr(raw, name)) for (name, _), kind in zip(fields, kinds))

        return _Type(ctype, _no_argument, from_c)
    return _read_one_result(hint, scope, where, free)


def _read_one_result(hint: Any, scope: Scope, where: str, free: Callable[[int], Any]) -> _Type:
    if isinstance(hint, BufferOf):
        raise ContractError(f"{where}: a plain cgo library cannot return a Buffer: nobody would own it")
    return _read(hint, scope, where, free)


def _read(annotation: Any, scope: Scope, where: str, free: Any = None) -> _Type:
    """Returns how the annotation of a parameter or a result is passed."""
    if annotation is inspect.Parameter.empty:
        raise ContractError(f"{where} has no annotation")
    hint = evaluate(annotation, scope, where)
    if _is_cstring(hint):
        return _cstring(where, free, may_be_null=False)
    options = [option for option in typing.get_args(hint) if option is not type(None)]
    if typing.get_origin(hint) is Union and len(options) == 1 and _is_cstring(options[0]):
        return _cstring(where, free, may_be_null=True)
    node = Schema().node(hint, scope, where)
    if isinstance(node, Scalar):
        return _scalar(node)
    if node is STR or node is BYTES or isinstance(node, BufferType):
        return _memory(node)
    if isinstance(node, StructType) and node.is_flat:
        return _struct(node)
    raise ContractError(
        f"{where}: {node.text} has no C representation; expected numbers, bool, str, bytes, cstr, Buffer "
        "or a @gostruct of numbers"
    )


def _is_cstring(hint: Any) -> bool:
    return typing.get_origin(hint) is Annotated and any(isinstance(m, CString) for m in hint.__metadata__)


def _no_argument(value: Any, name: str) -> tuple[Any, Any]:
    raise TypeError(f"{name}: a tuple can only be a result")


def _scalar(node: Scalar) -> _Type:
    def to_c(value: Any, name: str) -> tuple[Any, Any]:
        check(node, value, name)
        return (value if node.code in "?fd" else value.__index__()), None

    return _Type(NUMBERS[node.code], to_c, lambda raw: raw)


def _struct(node: StructType) -> _Type:
    def to_c(value: Any, name: str) -> tuple[Any, Any]:
        check(node, value, root_path(node, name, value))
        return to_mirror_of(node, value), None

    return _Type(mirror_of(node), to_c, from_mirror)


def _memory(node: Node) -> _Type:
    """Returns how ``str`` is passed as GoString, ``bytes`` and ``Buffer`` as GoSlice."""

    def text(value: Any, name: str) -> tuple[Any, Any]:
        check(node, value, name)
        data = value.encode()
        kept = ctypes.create_string_buffer(data, len(data) or 1)
        return GoString(ctypes.addressof(kept) if data else None, len(data)), kept

    def data(value: Any, name: str) -> tuple[Any, Any]:
        if isinstance(node, BufferType):
            try:
                borrowed = borrow(value, format_of(node))
            except TypeError as error:
                raise TypeError(f"{name}: {error}") from None
            return GoSlice(borrowed.address or None, borrowed.count, borrowed.count), borrowed
        check(node, value, name)
        copy = bytes(memoryview(value))
        kept = ctypes.create_string_buffer(copy, len(copy) or 1)
        return GoSlice(ctypes.addressof(kept) if copy else None, len(copy), len(copy)), kept

    if node is STR:
        return _Type(GoString, text, lambda raw: bytes_at(raw.p, raw.n).decode() if raw.n else "")
    if isinstance(node, BufferType):
        return _Type(GoSlice, data, lambda raw: None)  # only ever a parameter
    return _Type(GoSlice, data, lambda raw: bytes_at(raw.data, raw.len) if raw.len else b"")


def _cstring(where: str, free: Any, may_be_null: bool) -> _Type:
    def to_c(value: Any, name: str) -> tuple[Any, Any]:
        if value is None and may_be_null:
            return None, None
        check(STR, value, name)
        text: str = value or ""
        data = text.encode()
        if b"\0" in data:
            raise ValueError(f"{name}: a C string cannot hold a NUL character")
        kept = ctypes.create_string_buffer(data)
        return ctypes.addressof(kept), kept

    def from_c(raw: Any) -> Any:
        if not raw:
            if may_be_null:
                return None
            raise ValueError(f"{where}: expected cstr, got NULL; if that is meant, declare Optional[cstr]")
        data = ctypes.string_at(raw)
        free(raw)
        return data.decode()

    return _Type(ctypes.c_void_p, to_c, from_c)
