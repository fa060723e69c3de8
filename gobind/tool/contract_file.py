"""Finds a contract's module and reads it.

Importing a contract runs it: it is the user's own code. The packages around it are not run, as their
``__init__`` may load the library that is about to be built: while a contract is read, empty modules stand
in for them.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from gobind.contract.canonical import declared_classes
from gobind.contract.decorators import INTERFACE, kind_of
from gobind.contract.resolve import Schema
from gobind.contract.types import Contract
from gobind.errors import ContractError


def read_contract(spec: str) -> Contract:
    """Returns the contract in `spec`: the path of a ``.py`` file or a dotted module name.

    A file is imported under its own name, that of its package in front if it is in one, with the folder of the
    outermost package, or its own, first on ``sys.path``. So a contract spread over several modules imports the
    others, and each type exists once.

    Raises:
        ContractError: there is no such module, it cannot be imported, or it declares no interface.
    """
    path = Path(spec) if spec.endswith(".py") or "/" in spec or "\\" in spec else None
    name = spec if path is None else _place(path)
    with _stand_ins(name, spec, path) as packages:
        module = _known(name, path) or _import(name, spec, packages)
        if path is not None and Path(module.__file__ or "").resolve() != path.resolve():
            raise ContractError(f"{path}: import {name} finds {module.__file__} instead; rename the file")
        classes = list(declared_classes(vars(module)))
        if all(kind_of(cls) != INTERFACE for cls in classes):
            raise ContractError(f"{spec}: no interface found; decorate a class with @gointerface")
        return Schema().contract(module.__name__, module.__doc__ or "", classes)


def _place(path: Path) -> str:
    """Returns the name that a file is imported by; the folder where that begins is put on ``sys.path``."""
    if not path.is_file():
        raise ContractError(f"{path}: no such file; expected a contract: a .py file or a dotted module")
    if not (path.suffix == ".py" and path.stem.isidentifier()):
        raise ContractError(f"{path}: a contract is a .py file whose name can be imported")
    folder = path.resolve().parent
    names = [] if path.stem == "__init__" else [path.stem]
    own = str(folder)
    while (folder / "__init__.py").is_file() and folder.name.isidentifier():
        names.insert(0, folder.name)
        folder = folder.parent
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    if own not in sys.path:
        sys.path.append(own)  # for a contract that imports its neighbours as if it were in no package
    return ".".join(names or [path.stem])


def _known(name: str, path: Path | None) -> ModuleType | None:
    """Returns the module of that name, if it is imported already."""
    known = sys.modules.get(name)
    if known is None or path is None:
        return known
    origin = getattr(known, "__file__", None)
    if origin and Path(origin).resolve() == path.resolve():
        return known
    raise ContractError(
        f"{path}: a module {name} is imported already ({origin or 'built in'}); rename the file"
    )


@contextmanager
def _stand_ins(name: str, spec: str, path: Path | None) -> Iterator[dict[str, ModuleType]]:
    """Puts empty modules in place of the packages around a module for a ``with`` block, and removes all it imported.

    Packages that are imported already serve as they are.
    """
    before = dict(sys.modules)
    made: dict[str, ModuleType] = {}
    bound: list[tuple[ModuleType, str]] = []
    parts = name.split(".")
    folders = [*path.resolve().parents][path.stem == "__init__" :] if path is not None else []
    try:
        for end in range(1, len(parts)):
            package = ".".join(parts[:end])
            if package not in sys.modules:
                made[package] = _stand_in(package, spec)
                sys.modules[package] = made[package]
                if end > 1:
                    bound.append((sys.modules[".".join(parts[: end - 1])], parts[end - 1]))
                    setattr(*bound[-1], made[package])
            elif path is not None and not _holds(sys.modules[package], folders[len(parts) - 1 - end]):
                origin = getattr(sys.modules[package], "__file__", None) or "built in"
                raise ContractError(
                    f"{path}: a module {package} is imported already ({origin}); rename the folder"
                )
        yield made
    finally:
        if made:
            for known in [*sys.modules]:
                if known not in before and any(known == p or known.startswith(f"{p}.") for p in made):
                    del sys.modules[known]
            for parent, attribute in bound:
                vars(parent).pop(attribute, None)


def _stand_in(package: str, spec: str) -> ModuleType:
    importlib.invalidate_caches()
    try:
        found = importlib.util.find_spec(
            package
        )  # which runs nothing: the packages around it stand there already
    except (ImportError, AttributeError, ValueError):
        found = None
    if found is None or found.submodule_search_locations is None:
        raise ContractError(f"{spec}: no such module; expected a .py file or a dotted module")
    module = ModuleType(package)
    module.__spec__ = ModuleSpec(package, None, is_package=True)
    module.__package__ = package
    module.__path__ = [*found.submodule_search_locations]
    return module


def _holds(package: ModuleType, folder: Path) -> bool:
    return folder in [Path(each).resolve() for each in getattr(package, "__path__", ())]


# Where mistakes of a contract come to light but are not made, as a mutable default does in `dataclasses`.
_TOOLS = (f"{os.path.dirname(os.__file__)}{os.sep}", f"{Path(__file__).parent.parent}{os.sep}", "<")


def _import(name: str, spec: str, packages: dict[str, ModuleType]) -> ModuleType:
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
    except (Exception, SystemExit) as error:
        frames = [
            frame for frame in traceback.extract_tb(error.__traceback__) if "importlib" not in frame.filename
        ]
        own = [frame for frame in frames[1:] if not frame.filename.startswith(_TOOLS)] or frames[1:]
        place = f"{own[-1].filename}:{own[-1].lineno}" if own else spec
        package = _needed_of(error, packages)
        if package:
            raise ContractError(
                f"{place}: {error}: the __init__ of {package} is not run while a contract is read, as it may load "
                "the library that is not built yet; move what the contract needs to a module beside it"
            ) from error
        advice = ""
        if isinstance(error, ImportError) and "relative import" in str(error):
            advice = "; put an __init__.py beside the file, or give the dotted module"
        raise ContractError(f"{place}: {type(error).__name__}: {error}{advice}") from error


def _needed_of(error: BaseException, packages: dict[str, ModuleType]) -> str:
    """Returns the package in whose stand-in something was looked for, or ""."""
    if isinstance(error, ImportError):
        return error.name if error.name in packages else ""
    owner = getattr(error, "obj", None) if isinstance(error, AttributeError) else None
    return next((name for name, module in packages.items() if module is owner), "")
