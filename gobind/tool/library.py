"""What `gobind.build` does: a contract from anywhere, a library, and exceptions that hold go's messages."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gobind.contract.types import Contract
from gobind.errors import BuildError, GobindError
from gobind.runtime.process.platforms import own_suffix
from gobind.tool.builder import build as builder
from gobind.tool.builder.report import Report
from gobind.tool.contract_source import Source, read_source
from gobind.tool.generator.writer import display


def build(
    source: Source, folder: str | os.PathLike[str], output: str | os.PathLike[str] | None = None
) -> Path:
    """Builds a library unless it is up to date; returns its absolute path. See `gobind.build`."""
    directory = Path(folder)
    contract, name = read_source(source)
    place = directory / f"lib{name}{own_suffix()}" if output is None else Path(output)
    return build_contract(contract, directory, place, Report())


def build_contract(contract: Contract, directory: Path, output: Path, report: Report) -> Path:
    """Builds the library of a contract; returns its absolute path.

    Raises:
        BuildError: a tool is missing, a file cannot be written, or go build fails.
    """
    if output.is_dir():
        raise BuildError(f"output {display(output)} is a folder; expected the file name of the library")
    with told_as_build_errors():
        return Path(os.path.abspath(builder.build(contract, directory, output, report=report)))


@contextmanager
def told_as_build_errors() -> Iterator[None]:
    """Raises errors of the operating system as `BuildError` in a ``with`` block."""
    try:
        yield
    except GobindError:  # LoadError is one of both
        raise
    except OSError as error:
        place = f"{display(Path(error.filename))}: " if isinstance(error.filename, (str, os.PathLike)) else ""
        advice = ""
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            advice = "; build into a folder that can be written"
            if sys.platform == "win32":
                advice += ", and close what has loaded the library"
        raise BuildError(f"{place}{error.strerror or error}{advice}") from error
