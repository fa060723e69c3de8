"""gobind calls Go from Python. Annotated Python classes are the only interface definition there is.

>>> import gobind
>>> @gobind.gostruct
... class User:
...     id: gobind.u32
...     name: str
>>> gobind.unflatten(gobind.flatten([User(1, "ada")], list[User]), list[User])
[User(id=1, name='ada')]
"""

from typing import TYPE_CHECKING, Any

from gobind.codec.flatten import flatten, unflatten
from gobind.codec.frames import CorruptFrame
from gobind.codec.mirrors import from_mirror, mirror, to_mirror
from gobind.contract.decorators import goerror, gointerface, gomethod, gostruct
from gobind.contract.leaves import bigint
from gobind.contract.scalars import (
    JSON,
    Buffer,
    MutableBuffer,
    OneWay,
    cstr,
    f32,
    f64,
    i8,
    i16,
    i32,
    i64,
    u8,
    u16,
    u32,
    u64,
)
from gobind.errors import (
    BuildError,
    ClosedError,
    ContractError,
    GobindError,
    GoError,
    GoPanic,
    LoadError,
    MismatchError,
)
from gobind.forklock import lazy_import
from gobind.ondemand import build
from gobind.ondemand import load_ipython_extension as load_ipython_extension
from gobind.ondemand import unload_ipython_extension as unload_ipython_extension
from gobind.runtime.call.deadline import timeout
from gobind.runtime.library import Library, load
from gobind.version import __version__ as __version__

if TYPE_CHECKING:
    from gobind import _debug as _debug
    from gobind.contract.naive import naive
else:  # or type checkers would believe that there is everything

    def __getattr__(name: str) -> Any:
        """Imports ``gobind._debug`` and ``gobind.naive`` on first use: few programs need them."""
        if name == "naive":
            return lazy_import("gobind.contract.naive").naive
        if name == "_debug":
            return lazy_import("gobind._debug")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "JSON",
    "Buffer",
    "BuildError",
    "ClosedError",
    "ContractError",
    "CorruptFrame",
    "GoError",
    "GoPanic",
    "GobindError",
    "Library",
    "LoadError",
    "MismatchError",
    "MutableBuffer",
    "OneWay",
    "bigint",
    "build",
    "cstr",
    "f32",
    "f64",
    "flatten",
    "from_mirror",
    "goerror",
    "gointerface",
    "gomethod",
    "gostruct",
    "i8",
    "i16",
    "i32",
    "i64",
    "load",
    "mirror",
    "naive",
    "timeout",
    "to_mirror",
    "u8",
    "u16",
    "u32",
    "u64",
    "unflatten",
]
