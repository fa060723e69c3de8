"""Using a library on a machine that cannot build one: no go, no cc, nothing installed but typing_extensions."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import libraries
import pytest
import typing_extensions

CODE = """
import sys
import gobind
sys.path.insert(0, {folder!r})
import {contract} as contract
assert "asyncio" not in sys.modules and "json" not in sys.modules
library = gobind.load({path!r})
{use}
loaded = [name for name in sys.modules if name.startswith("gobind.tool") or name.startswith("asyncio")]
assert loaded == [], loaded
missing = {{"pytest", "numpy"}} & set(sys.modules)
assert missing == set(), missing
print("used", gobind.__file__)
"""

ACCOUNTS = """
accounts = library.bind(contract.Accounts)
assert accounts.ping(5) == 5
made = accounts.login(contract.LoginRequest(contract.User(1, ""), "test_psw"))
assert made == contract.LoginResponse(True, "login success", b"\\6\\6\\6")
assert library.Accounts.ping(6) == 6
"""
SEVERAL = """
left = library.bind(contract.Left)
child = contract.Child("n", contract.Named("m"), contract.Shade.DARK)
assert left.left([child]) == [contract.Named("n", contract.Named("m"))]
assert library.Sums.add_up([1, 2]) == 3
"""
PLAIN = """
assert library.exports(contract.Plain).Add(1, 2) == 3
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python in which only typing_extensions is installed."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, with_pip=False, symlinks=True)
    (packages,) = folder.rglob("site-packages")
    shutil.copy(typing_extensions.__file__, packages)
    return folder / "bin" / "python"


@pytest.mark.skipif(sys.platform == "win32", reason="paths of a virtual environment elsewhere")
@pytest.mark.parametrize(
    ("library", "contract", "use"),
    [("accounts", "accounts", ACCOUNTS), ("several", "several", SEVERAL), ("plain", "declared", PLAIN)],
)
def test_no_tool_is_needed(python: Path, tmp_path: Path, library: str, contract: str, use: str) -> None:
    folder = libraries.folder_of(library)
    if contract == "declared":
        folder = tmp_path
        (tmp_path / "declared.py").write_text(
            "from typing import Protocol\nclass Plain(Protocol):\n    def Add(self, a: int, b: int) -> int: ...\n"
        )
    code = CODE.format(folder=str(folder), contract=contract, path=str(libraries.path_of(library)), use=use)
    environ = {"PATH": "", "PYTHONPATH": str(libraries.ROOT), "HOME": str(tmp_path)}
    if "LD_LIBRARY_PATH" in os.environ:  # some Pythons need it to start
        environ["LD_LIBRARY_PATH"] = os.environ["LD_LIBRARY_PATH"]
    done = subprocess.run(
        [str(python), "-W", "error", "-c", code], env=environ, cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"used {libraries.ROOT / 'gobind' / '__init__.py'}\n"


def test_asyncio_is_imported_by_the_first_awaited_method_only(python: Path, tmp_path: Path) -> None:
    code = (
        "import sys, gobind\n"
        f"accounts = gobind.load({str(libraries.path_of('accounts'))!r}).Accounts\n"
        "accounts.ping(1)\n"
        "assert 'asyncio' not in sys.modules\n"
        "accounts.pm_friend\n"
        "assert 'asyncio' in sys.modules\n"
        "assert not any(name.startswith('gobind.tool') for name in sys.modules)\n"
    )
    environ = {"PATH": "", "PYTHONPATH": str(libraries.ROOT)}
    done = subprocess.run(
        [str(python), "-c", code], env=environ, cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
