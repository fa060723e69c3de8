"""Reads the contract that `gobind.build` is given: a file, a module, or classes that stand in no file."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterable
from types import ModuleType
from typing import Any, Union

from gobind.contract.canonical import declared_classes
from gobind.contract.decorators import ERROR, INTERFACE, STRUCT, kind_of
from gobind.contract.resolve import Schema
from gobind.contract.types import Contract
from gobind.errors import ContractError
from gobind.tool.contract_file import read_contract
from gobind.tool.generator.gonames import snake

Source = Union[str, "os.PathLike[str]", ModuleType, type[Any], Iterable[type[Any]]]

_reading = threading.RLock()  # reading a file changes sys.path and sys.modules for a while


def read_source(source: Source) -> tuple[Contract, str]:
    """Returns a contract, and the name for its library.

    Args:
        source: a ``.py`` file, a dotted module, a module, a class or classes.

    Raises:
        ContractError: it cannot be read, or declares no interface.
    """
    if isinstance(source, (str, os.PathLike)):
        contract = _read_file(source)
        return contract, contract.name.rpartition(".")[2]
    if isinstance(source, ModuleType):
        return _read_module(source)
    classes = [source] if isinstance(source, type) else _listed(source)
    for cls in classes:
        if kind_of(cls) not in (INTERFACE, STRUCT, ERROR):
            raise ContractError(
                f"build: expected a @gointerface, @gostruct or @goerror class, got {_told(cls)}; "
                "the other types that these refer to need not be named"
            )
    return read_classes(classes)


def read_classes(classes: Iterable[type[Any]]) -> tuple[Contract, str]:
    """Returns the contract of these classes and all that they refer to, and the name for its library.

    Raises:
        ContractError: there is no interface among them, or one cannot be represented.
    """
    classes = list(dict.fromkeys(classes))
    first = next((cls for cls in classes if kind_of(cls) == INTERFACE), None)
    if first is None:
        names = ", ".join(cls.__name__ for cls in classes) or "no classes"
        raise ContractError(f"{names}: no interface found; decorate a class with @gointerface")
    name = snake(first.__name__)
    # A library tells Python the name of its contract's module. What stands in __main__ is of many programs.
    module = name if first.__module__ == "__main__" else first.__module__
    return Schema().contract(module, "", classes), name


def _read_file(source: str | os.PathLike[str]) -> Contract:
    spec = os.fspath(source)
    if not isinstance(spec, str):
        raise ContractError(f"build: expected a path of text, got {spec!r}")
    if not isinstance(source, str) and not spec.endswith(".py"):
        spec = os.path.join(os.curdir, spec)  # not the name of a module
    with _reading:
        before = [*sys.path]
        try:
            return read_contract(spec)
        finally:
            sys.path[:] = before


def _read_module(module: ModuleType) -> tuple[Contract, str]:
    classes = list(declared_classes(vars(module)))
    if all(kind_of(cls) != INTERFACE for cls in classes):
        raise ContractError(f"{module.__name__}: no interface found; decorate a class with @gointerface")
    if module.__name__ == "__main__":
        return read_classes(classes)
    contract = Schema().contract(module.__name__, module.__doc__ or "", classes)
    return contract, module.__name__.rpartition(".")[2]


def _listed(source: Any) -> list[Any]:
    try:
        return list(source)
    except TypeError:
        raise ContractError(
            f"build: expected a .py file, a dotted module, a module, a class or classes, got {_told(source)}"
        ) from None


def _told(value: Any) -> str:
    return f"the class {value.__name__}" if isinstance(value, type) else repr(value)
