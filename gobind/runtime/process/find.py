"""Finds a library by its name."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from typing import Any

from gobind.errors import LoadError
from gobind.runtime.process.loader import path_of
from gobind.runtime.process.platforms import SUFFIXES, own_suffix

PATH_VARIABLE = "GOBIND_LIBRARY_PATH"


def find_library(name: str, caller: dict[str, Any]) -> str:
    """Returns the path of a library; a bare name if only the system loader knows it.

    A path with a separator is used as it is. A bare name is looked for beside the module that asks,
    then in the folders of ``GOBIND_LIBRARY_PATH``, then by the system loader; never in the current
    folder, except from a prompt, which has no folder of its own. The suffixes .so, .dylib and .dll
    are exchanged for the platform's own.

    Args:
        caller: the globals of the module that asks.

    Raises:
        LoadError: it was not found; the message lists every place tried.
    """
    tried = []
    if os.path.basename(name) != name:
        for path in dict.fromkeys([name, _exchange(name)]):
            tried.append(os.path.abspath(path))
            if os.path.isfile(path):
                return os.path.realpath(path)
    else:
        name = _exchange(name)
        for folder in _folders(caller):
            path = os.path.join(folder, name)
            tried.append(path)
            if os.path.isfile(path):
                return os.path.realpath(path)
        try:
            library = ctypes.CDLL(name) if name else None  # the loader's "" is the program itself
        except (OSError, ValueError):  # a NUL in the name
            library = None
        if library is not None:
            found = path_of(library)
            return found if found and os.path.isfile(found) else name
        tried.append("the system loader")
    raise LoadError(f"cannot find {name}; tried: {', '.join(tried)}")


def _exchange(name: str) -> str:
    stem, suffix = os.path.splitext(name)
    return stem + own_suffix() if suffix in SUFFIXES.values() else name


def _folders(caller: dict[str, Any]) -> Iterator[str]:
    source = caller.get("__file__")
    yield os.path.dirname(os.path.abspath(source)) if source else os.getcwd()
    for folder in os.environ.get(PATH_VARIABLE, "").split(os.pathsep):
        if folder:
            yield os.path.abspath(folder)
