"""Finds a contract's module and reads it.

Imports `gobind.contract`, `gobind.errors`, `gobind.schema`, `gobind.text`.

Importing a contract runs it: it is the user's own code.
"""

from __future__ import annotations

import importlib
import sys
import traceback
from pathlib import Path
from types import ModuleType

from gobind.contract import INTERFACE, kind_of
from gobind.errors import ContractError
from gobind.nodes import Contract
from gobind.schema import Schema
from gobind.text import declared_classes


def read_contract(spec: str) -> Contract:
    """The contract in `spec`: the path of a ``.py`` file or a dotted module name.

    A file is imported under its own name with its folder first on ``sys.path``, so that a contract
    spread over several modules imports the others, and each type exists once.

    Raises:
        ContractError: there is no such module, it cannot be imported, or it declares no interface.
    """
    if spec.endswith(".py") or "/" in spec or "\\" in spec:
        module = _import_file(Path(spec))
    else:
        module = _import(spec, spec)
    classes = list(declared_classes(vars(module)))
    if all(kind_of(cls) != INTERFACE for cls in classes):
        raise ContractError(f"{spec}: no interface found; decorate a class with @gointerface")
    return Schema().contract(module.__name__, module.__doc__ or "", classes)


def _import_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise ContractError(f"{path}: no such file; expected a contract: a .py file or a dotted module")
    name = path.stem
    if not (path.suffix == ".py" and name.isidentifier()):
        raise ContractError(f"{path}: a contract is a .py file whose name can be imported")
    known = sys.modules.get(name)
    if known is not None:
        origin = getattr(known, "__file__", None)
        if origin and Path(origin).resolve() == path.resolve():
            return known
        raise ContractError(
            f"{path}: a module {name} is imported already ({origin or 'built in'}); rename the file"
        )
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    module = _import(name, str(path))
    if Path(module.__file__ or "").resolve() != path.resolve():
        raise ContractError(f"{path}: import {name} finds {module.__file__} instead; rename the file")
    return module


def _import(name: str, spec: str) -> ModuleType:
    importlib.invalidate_caches()
    try:
        return importlib.import_module(name)
    except SyntaxError as error:
        place = f"{error.filename}:{error.lineno}" if error.filename else spec
        raise ContractError(f"{place}: {error.msg}") from error
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(error.name + ".")):
            raise ContractError(f"{spec}: no such module; expected a .py file or a dotted module") from error
        raise ContractError(f"{spec}: {error}") from error
    except ContractError:
        raise
    except Exception as error:
        frames = [
            frame for frame in traceback.extract_tb(error.__traceback__) if "importlib" not in frame.filename
        ]
        place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames[1:] else spec
        raise ContractError(f"{place}: {type(error).__name__}: {error}") from error
