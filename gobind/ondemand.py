"""What `gobind` offers of its tools: imported when it is called, so that using a library loads no generator."""

from __future__ import annotations

import os
from collections.abc import Iterable
from types import ModuleType
from typing import TYPE_CHECKING, Any

from gobind.forklock import lazy_import

if TYPE_CHECKING:
    from pathlib import Path


def build(
    contract: str | os.PathLike[str] | ModuleType | type[Any] | Iterable[type[Any]],
    folder: str | os.PathLike[str],
    output: str | os.PathLike[str] | None = None,
) -> Path:
    """Writes the glue of a contract into a Go package and builds the library, unless it is up to date.

    Args:
        contract: a ``.py`` file, a dotted module, a module, a class or several classes. Classes may be those of a script,
            a prompt or a notebook; what they refer to is part of the contract. Errors, to which nothing refers, are
            named: ``build([Accounts, NotFound], "go")``. A module that is imported already is taken as it is.
        folder: the folder of the Go package ``main``; seen from the current folder, created if missing.
        output: the library; None: ``lib`` and the name of the module or first interface, in `folder`.

    Returns:
        The absolute path of the library. ``gobind.load(gobind.build(Adder, "go"), Adder)`` takes the same classes.

    Nothing is printed. Several threads and processes may build in one folder: one after the other does.

    Raises:
        ContractError: the contract cannot be read.
        BuildError: Go or a C compiler is missing, a file cannot be written, or go build fails; then the message holds go's
            messages, with paths seen from the current folder.
    """
    return lazy_import("gobind.tool.library").build(contract, folder, output)  # type: ignore[no-any-return]


def load_ipython_extension(shell: Any) -> None:
    """Gives IPython the cell magic ``%%go``; what ``%load_ext gobind`` calls."""
    lazy_import("gobind.tool.notebook.extension").load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """Takes it away again; what ``%unload_ext gobind`` calls."""
    lazy_import("gobind.tool.notebook.extension").unload(shell)
