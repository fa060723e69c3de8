"""Says how to get another library: its author builds it again, the user of an installed package has pip do it."""

from __future__ import annotations

import os
import sys

from gobind.forklock import lazy_import


def again(path: str, contract: str = "CONTRACT") -> str:
    """Returns how to get the library anew that stands at `path`.

    Args:
        contract: the contract's file, as the command line takes it.
    """
    package = package_of(path)
    if package is None:
        return f"to build it again, run: python -m gobind build {contract} DIR -o {lazy_import('shlex').quote(path)}"
    if not package:
        return "install again what it came with"
    return f"to install it again, run: pip install --force-reinstall {package}"


def newer(path: str) -> str:
    """Returns how to get a library in the place of one that an older gobind has built."""
    package = package_of(path)
    if package is None:
        return again(path)
    if not package:
        return "install a newer version of what it came with"
    return f"for a newer one, run: pip install -U {package}"


def package_of(path: str) -> str | None:
    """Returns the installed package that a file belongs to; "" if only that it is installed is known, else None.

    A file is installed if the ``RECORD`` of a ``.dist-info`` in a folder above lists it, as wheels' installers write it
    (PEP 376, PEP 427). That of an editable install does not list the files in the source tree.
    """
    if os.path.basename(path) == path:
        return None  # only the system's loader knows where it is
    path = os.path.abspath(path)
    is_installed = hasattr(sys, "frozen")  # PyInstaller and its like
    folder = os.path.dirname(path)
    while True:
        package = _listed(folder, os.path.relpath(path, folder).replace(os.sep, "/"))
        if package is not None:
            return package
        is_installed = is_installed or os.path.basename(folder) in ("site-packages", "dist-packages")
        if os.path.dirname(folder) == folder:
            return "" if is_installed else None
        folder = os.path.dirname(folder)


def _listed(folder: str, name: str) -> str | None:
    """Returns the name of the package whose record, in `folder`, lists a file."""
    try:
        entries = sorted(entry for entry in os.listdir(folder) if entry.endswith(".dist-info"))
    except OSError:
        return None
    for entry in entries:
        try:
            with open(os.path.join(folder, entry, "RECORD"), encoding="utf-8", errors="replace") as record:
                if any(line.rpartition(",")[0].rpartition(",")[0].strip('"') == name for line in record):
                    return entry.partition("-")[0]
        except OSError:
            continue
    return None
