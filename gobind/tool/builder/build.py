"""Builds a library: generates the glue, then runs go build, unless the library is up to date.

The docstring of `gobind.tool.builder.cache` says when a library counts as up to date.

The library is built in a folder beside its final place and then moved there: a library that a process has
open must not be written over, and a build that fails or is interrupted leaves the old one as it was.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from gobind.contract.types import Contract
from gobind.errors import BuildError
from gobind.runtime.process.platforms import SUFFIXES
from gobind.tool.builder import cache, gomod, macho
from gobind.tool.builder.exclusive import exclusive
from gobind.tool.builder.report import Console, Report
from gobind.tool.builder.toolchain import Toolchain, find_toolchain, identity
from gobind.tool.generator import writer


def build(
    contract: str | Contract,
    directory: Path,
    output: Path,
    target: str | None = None,
    cc: str | None = None,
    race: bool = False,
    arguments: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
    report: Report | None = None,
) -> Path:
    """Generates the glue of `contract` into `directory` and builds the library `output`; returns its path.

    Args:
        contract: a ``.py`` path, a dotted module, or a contract that is read already.
        directory: the folder of the Go package ``main``.
        output: the library; ``.so``, ``.dylib`` and ``.dll`` are exchanged for what the target uses, as at
            load.
        target: ``OS/ARCH``; None is this machine.
        cc: the C compiler's command line; None: found.
        race: build with Go's race detector.
        arguments: passed on to go build.
        environ: what go and the C compiler are looked for and run in; None: the process's environment.
        report: where progress and go's messages are told; None: on stderr.

    Raises:
        ContractError: the contract cannot be read.
        BuildError: a tool is missing, or go build fails.
    """
    report = report or Console()
    toolchain = find_toolchain(target, cc, environ, directory)
    output = place(output, toolchain.target)
    with exclusive(directory, report):
        return _build(contract, directory, output, toolchain, race, arguments, report)


def _build(
    contract: str | Contract,
    directory: Path,
    output: Path,
    toolchain: Toolchain,
    race: bool,
    arguments: Sequence[str],
    report: Report,
) -> Path:
    writer.plan(contract, directory).apply()
    command = ["build", "-buildmode=c-shared", "-trimpath", *(["-race"] if race else []), *arguments]
    if not any(word.lstrip("-").startswith("buildvcs") for word in arguments):
        # A commit would make a library stale that is built from the same sources; and go fails in a checkout
        # that belongs to another user, as they do in containers.
        command.insert(1, "-buildvcs=false")
    facts = identity(toolchain, directory)
    root = gomod.module_root(directory)
    assert root is not None  # gen has seen to it
    key = cache.key(root, directory, output, facts.get("GOWORK", ""), facts, command)
    record = cache.Record(output)
    if cache.trackable([*arguments, *facts.get("GOFLAGS", "").split()]) and record.up_to_date(key):
        report.say(f"{output.name} is up to date")
        return output
    compile_library(toolchain, directory, output, command, record, key, report)
    if race and toolchain.target.startswith("linux/"):
        # Its shadow memory covers low addresses only; a shared library is normally mapped at high ones.
        report.say("to load a library with the race detector, start Python as: setarch -L python ...")
    return output


def place(output: Path, target: str) -> Path:
    """Returns `output` with the target's own suffix.

    Raises:
        BuildError: `output` is a folder.
    """
    if output.is_dir():
        raise BuildError(
            f"-o {output} is a folder; expected the file name of the library, such as libaccounts.so"
        )
    if output.suffix in SUFFIXES.values():
        output = output.with_suffix(SUFFIXES.get(target.split("/")[0], output.suffix))
    return output


def compile_library(
    toolchain: Toolchain,
    directory: Path,
    output: Path,
    command: Sequence[str],
    record: cache.Record,
    key: str,
    report: Report,
) -> None:
    """Runs go build and puts the library in place.

    Raises:
        BuildError: go build failed; `report` tells go's own messages.
    """
    started = time.monotonic()
    output.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=cache.TEMPORARY, dir=output.parent))
    try:
        built = folder.resolve() / output.name
        line = [toolchain.go, *command, "-o", str(built), "."]
        with tempfile.TemporaryFile() as messages:
            doubt = f" (experimental: {toolchain.doubt})" if toolchain.doubt else ""
            task = f"building {output.name}{doubt}"
            status = run(line, directory, toolchain, messages, task, report)
            messages.seek(0)
            text = relative_messages(messages.read().decode(errors="replace"), directory)
        if status or not built.exists():
            raise report.failure(
                f"go build of {writer.display(directory)} failed; {writer.display(output)} was not built",
                text,
            )
        if toolchain.is_zig and toolchain.target.startswith("darwin/"):
            macho.settle(built)
        if text:
            report.messages(text)
        sha256 = cache.file_hash(built)
        os.replace(built, output)
        record.write(key, sha256)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    report.say(f"built {output.name} in {time.monotonic() - started:.1f} s")


def run(
    line: list[str], directory: Path, toolchain: Toolchain, messages: IO[bytes], task: str, report: Report
) -> int:
    """Runs go, collecting what it prints, and shows that it is alive; returns its exit status."""
    started = time.monotonic()
    interval = report.interval()
    report.working(task, 0)
    try:
        process = subprocess.Popen(
            line,
            cwd=directory,
            env=dict(toolchain.env),
            stdin=subprocess.DEVNULL,
            stdout=messages,
            stderr=messages,
            start_new_session=True,  # so that the compilers that go has started can be ended with it
        )
    except OSError as error:
        report.finished()
        raise BuildError(f"{line[0]} cannot be run: {error.strerror}") from None
    try:
        while True:
            try:
                return process.wait(interval)
            except subprocess.TimeoutExpired:
                report.working(task, time.monotonic() - started)
    except BaseException:
        _end(process)
        raise
    finally:
        report.finished()


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends go and the compilers that it has started, as Ctrl-C does: go then removes its temporary files."""
    if sys.platform == "win32":
        process.terminate()
        process.wait()
        return
    for number in (signal.SIGINT, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
            return


def relative_messages(text: str, directory: Path) -> str:
    """Rewrites the file names in go's messages relative to the current folder instead of the package's."""

    def seen_from_here(match: re.Match[str]) -> str:
        path = directory / match[2]
        return f"{match[1]}{writer.display(path)}:" if path.exists() else match[0]

    return re.sub(
        r"^(\t?)([^\s:#][^\s:]*\.(?:go|c|h|cc|cpp|s|S|mod)):(?=\d)", seen_from_here, text, flags=re.MULTILINE
    )


def command_line(command: str, contract: str, directory: Path, *rest: str) -> str:
    """Returns the gobind command to tell people to run."""
    return shlex.join(["python", "-m", "gobind", command, contract, writer.display(directory), *rest])
