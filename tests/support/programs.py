"""Small programs that call the library gosrc/testlibs/sleeper, run in interpreters of their own."""

from __future__ import annotations

import os
import subprocess
import sys

import libraries

# asyncio's debug mode (-X dev) also tells of slow callbacks, which on a busy machine all are.
HEAD = f"""\
import sys
sys.path[:0] = {[str(libraries.ROOT), str(libraries.ROOT / "tests" / "support")]}
import asyncio, atexit, gobind, libraries, logging, multiprocessing, os, signal, threading, time
logging.getLogger("asyncio").setLevel(logging.ERROR)
contract = libraries.contract_of("sleeper")
"""
LOAD = 'sleeper = libraries.load("sleeper", contract.Sleeper)\n'


def command(text: str, *options: str, load: bool = True) -> list[str]:
    """The command line of a program that has the sleeper as ``sleeper``; warnings are errors."""
    return [sys.executable, "-W", "error", *options, "-c", HEAD + (LOAD if load else "") + text]


def run(
    text: str, *options: str, load: bool = True, timeout: float = 120, **environ: str
) -> tuple[int, str, str]:
    """Status, output and errors of a program."""
    line = command(text, *options, load=load)
    done = subprocess.run(
        line, capture_output=True, text=True, timeout=timeout, env={**os.environ, **environ}
    )
    return done.returncode, done.stdout, done.stderr
