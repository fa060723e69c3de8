"""The decorators of contracts. They record options; nothing is resolved here."""

from __future__ import annotations

import dataclasses
import sys
import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, overload

from gobind.errors import ContractError, GoError

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform
elif sys.version_info >= (3, 11):
    from typing import dataclass_transform
else:
    from typing_extensions import dataclass_transform

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

MARK = "__gobind__"  # in a class's own namespace: what the class is declared as
STRUCT, INTERFACE, ERROR = "struct", "interface", "error"

_scopes: dict[tuple[str, str], dict[str, Any]] = {}


class MethodOptions(NamedTuple):
    """The options of a method, as given to `gomethod`."""

    name: str | None = None
    release_gil: bool = True
    blocking: bool = False
    by_value: bool = False
    ring: bool | int = False


def kind_of(cls: Any) -> str | None:
    """Returns what `cls` itself (not a base) is declared as: "struct", "interface", "error" or None."""
    return cls.__dict__.get(MARK) if isinstance(cls, type) else None


def scope_of(cls: type) -> dict[str, Any]:
    """Returns the names that annotations of a class made inside a function may use besides its module's."""
    return _scopes.get(_scope_key(cls), {})


def _scope_key(cls: type) -> tuple[str, str]:
    return cls.__module__, cls.__qualname__.rpartition(".")[0]


def _declare(cls: type, kind: str) -> None:
    setattr(cls, MARK, kind)
    frame: Any = sys._getframe(2)
    while frame.f_globals.get("__name__") == __name__:
        frame = frame.f_back
    if "<locals>" in cls.__qualname__:
        # Names of a function's scope are out of reach later: keep those that a class can refer to.
        names = _scopes.setdefault(_scope_key(cls), {})
        names.update(frame.f_locals)
        names[cls.__name__] = cls
    elif frame.f_globals is not getattr(sys.modules.get(cls.__module__), "__dict__", None):
        _scopes[_scope_key(cls)] = frame.f_globals  # run by exec, or as a doctest: no module has its names
    else:
        _scopes.pop(_scope_key(cls), None)  # of a module of that name which was run before


@overload
def gostruct(cls: type[T], /) -> type[T]: ...
@overload
def gostruct(*, frozen: bool = False, kw_only: bool = False) -> Callable[[type[T]], type[T]]: ...
@dataclass_transform(field_specifiers=(dataclasses.field,))
def gostruct(cls: type | None = None, /, *, frozen: bool = False, kw_only: bool = False) -> Any:
    """Makes a class a dataclass with slots that Go sees as a struct.

    Args:
        frozen: instances cannot be changed, and hash by value.
        kw_only: the constructor takes keyword arguments only.

    Everything that works with `dataclasses` works: defaults, `fields`, `replace`, `asdict`, equality,
    repr, pattern matching, copy, pickle, inheritance.

    >>> @gostruct
    ... class Point:
    ...     x: float
    ...     y: float = 0.0
    >>> Point(1.5)
    Point(x=1.5, y=0.0)
    """

    def decorate(cls: type) -> type:
        if not isinstance(cls, type):
            raise ContractError(f"gostruct: expected a class, got {type(cls).__name__}")
        made = _slotted_dataclass(cls, frozen, kw_only)
        _declare(made, STRUCT)
        return made

    return decorate if cls is None else decorate(cls)


def _slotted_dataclass(cls: type, frozen: bool, kw_only: bool) -> type:
    own_init = cls.__dict__.get("__init__")
    made: type = dataclasses.dataclass(frozen=frozen, kw_only=kw_only, slots=True)(cls)
    _move_class_cells(cls, made)
    made.__gobind_init__ = None if own_init else made.__init__  # type: ignore[attr-defined, misc]
    return made


def only_sets_fields(cls: Any) -> bool:
    """Returns True if making an instance of a `gostruct` does nothing but set its fields."""
    return (
        cls.__init__ is cls.__dict__.get("__gobind_init__")
        and not hasattr(cls, "__post_init__")
        and cls.__new__ is object.__new__
        and cls.__setattr__ is object.__setattr__
    )


def _move_class_cells(old: type, new: type) -> None:
    """Makes ``super()`` in methods find the new class that slots need (CPython #90562)."""
    todo = list(new.__dict__.values())
    while todo:
        member = todo.pop()
        if isinstance(member, property):
            todo += member.fget, member.fset, member.fdel
        elif isinstance(member, (classmethod, staticmethod)):
            todo.append(member.__func__)
        elif isinstance(member, types.FunctionType):
            todo.append(member.__dict__.get("__wrapped__"))
            for cell in member.__closure__ or ():
                try:
                    if cell.cell_contents is old:
                        cell.cell_contents = new
                except ValueError:  # an empty cell
                    continue


def gointerface(cls: type[T]) -> type[T]:
    """Declares a class whose methods Go implements.

    Make it a `typing.Protocol` so that type checkers take its ``...`` bodies; a class without it works just
    as well at run time. Methods whose name starts with an underscore are left alone.
    """
    if not isinstance(cls, type):
        raise ContractError(f"gointerface: expected a class, got {type(cls).__name__}")
    _declare(cls, INTERFACE)
    return cls


def gomethod(
    _function: None = None,
    /,
    *,
    name: str | None = None,
    release_gil: bool = True,
    blocking: bool = False,
    by_value: bool = False,
    ring: bool | int = False,
) -> Callable[[F], F]:
    """Sets options of one method of an interface.

    Args:
        name: its name in Go, if not the default; methods that have one name and signature in Go, say ``get`` and
            ``aget``, share the Go method.
        release_gil: False for a method that returns in well under a microsecond.
        blocking: True for a method that may take long: Ctrl-C cancels Go's context, and is raised when the method
            returns. It serves the call, not the items of an `Iterator` that it returns.
        by_value: structs are passed to Go by value, not as ``*T``.
        ring: True or a number of requests that may wait: requests travel through shared memory. For ``async
            def`` methods, and for one-way ones: without a result, they return as soon as the request is queued.
    """

    if _function is not None:
        raise ContractError("gomethod: write @gomethod() or @gomethod(blocking=True), with parentheses")
    if not isinstance(ring, int) or ring < 0:
        raise ContractError(f"gomethod: ring: expected True or a number of requests, got {ring!r}")

    def decorate(function: F) -> F:
        function.__gomethod__ = MethodOptions(name, release_gil, blocking, by_value, ring)  # type: ignore[attr-defined]
        return function

    return decorate


@dataclass_transform(field_specifiers=(dataclasses.field,))
def goerror(cls: type[T]) -> type[T]:
    """Declares an error that Go returns as a type of its own and Python raises with its fields.

    >>> @goerror
    ... class NotFound(GoError):
    ...     key: str
    >>> NotFound(key="k").key
    'k'

    Raises:
        ContractError: the class is no GoError, or a field has the name of something that all exceptions have.
    """
    if not (isinstance(cls, type) and issubclass(cls, GoError)):
        name = getattr(cls, "__name__", repr(cls))
        raise ContractError(f"{name}: an error must be a subclass of gobind.GoError: class {name}(GoError)")
    own = {name: cls.__dict__[name] for name in ("__repr__", "__reduce__") if name in cls.__dict__}
    made: Any = dataclasses.dataclass(eq=False, repr=False)(cls)
    for field in dataclasses.fields(made):
        _check_error_field(made, field.name)
    made.__init__ = _error_init(made.__init__)
    made.__reduce__ = own.get("__reduce__", _reduce_error)
    made.__repr__ = own.get("__repr__", _repr_error)
    _declare(made, ERROR)
    return made  # type: ignore[no-any-return]


def _error_init(set_fields: Any) -> Any:
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        set_fields(self, *args, **kwargs)
        GoError.__init__(self, repr(self))

    __init__.__wrapped__ = set_fields  # type: ignore[attr-defined]
    return __init__


def error_fields(error: Any) -> dict[str, Any]:
    """Returns the declared fields of a `goerror` instance, by name."""
    return {field.name: getattr(error, field.name) for field in dataclasses.fields(error)}


def _repr_error(self: Any) -> str:
    fields = ", ".join(f"{name}={value!r}" for name, value in error_fields(self).items())
    return f"{type(self).__name__}({fields})"


def _check_error_field(cls: type, name: str) -> None:
    """Refuses a field whose name is an attribute that all exceptions have, with a meaning of its own."""
    meaning = _MEANINGS.get(name)
    for base in cls.__mro__:
        if meaning is None and base.__module__ in ("builtins", GoError.__module__) and name in vars(base):
            meaning = f"{base.__name__}.{name}"
    if meaning is None and name.startswith("__") and name.endswith("__"):
        meaning = "Python's own"
    if meaning is not None:
        raise ContractError(
            f"{cls.__name__}.{name}: a field of an error cannot have this name: {name} is {meaning}; rename the field"
        )


_MEANINGS = {
    "message": "the text of Go's error",
    "go_type": "the type of Go's error",
    "args": "BaseException.args",
    "add_note": "BaseException.add_note",  # since Python 3.11, but a contract is for all
}


def _reduce_error(self: Any) -> tuple[Any, ...]:
    # Without the constructor: it may take other arguments than the fields, and would make a new message.
    return _blank_error, (type(self), self.args), {**vars(self)}


def _blank_error(cls: Any, args: tuple[Any, ...] = ()) -> Any:
    """Returns an instance of a `goerror` class without its fields."""
    builtin = next(base for base in cls.__mro__ if base.__module__ == "builtins")
    error = builtin.__new__(cls)
    error.args = args
    return error


def maker_of(cls: Any) -> Callable[..., Any]:
    """Returns the function that makes instances of a `goerror` class without a message: Go's own is set
    afterwards."""
    new, set_fields = cls.__new__, cls.__init__.__wrapped__

    def make(*args: Any, **kwargs: Any) -> Any:
        error = new(cls, *args, **kwargs)
        set_fields(error, *args, **kwargs)
        return error

    return make


def make_error(cls: Any, fields: dict[str, Any], message: str, go_type: str) -> Any:
    """Returns an instance of a `goerror` class as Go's own error describes itself."""
    error = _blank_error(cls)
    for name, value in fields.items():
        setattr(error, name, value)
    GoError.__init__(error, message, go_type)
    return error
