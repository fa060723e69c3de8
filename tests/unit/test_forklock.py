"""Late imports: in which thread they run, what they raise."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from gobind.forklock import fork_lock, lazy_import


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    name = "imported_late"
    (tmp_path / f"{name}.py").write_text("import threading\nthread = threading.current_thread()\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, name, raising=False)
    return name


def test_no_signal_handler_can_strike_an_import(module: str) -> None:
    found = lazy_import(module)
    assert found.thread is not threading.main_thread()  # the only one that runs handlers
    assert lazy_import(module) is found is sys.modules[module]


def test_a_thread_imports_by_itself(module: str) -> None:
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(lazy_import(module)))
    thread.start()
    thread.join()
    assert found[0].thread is thread


def test_what_an_import_raises_is_raised(module: str, tmp_path: Path) -> None:
    (tmp_path / f"{module}.py").write_text("1 / 0\n")
    with pytest.raises(ZeroDivisionError):
        lazy_import(module)
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        lazy_import("no_such_module")


def test_an_import_under_the_fork_lock_does_not_wait_for_another_thread(module: str) -> None:
    with fork_lock:
        assert lazy_import(module).thread is threading.main_thread()


def test_a_destructor_may_import_while_python_ends() -> None:
    code = """
import subprocess
import sys
from gobind.forklock import fork_lock, lazy_import
class Last:
    def __del__(self, lazy_import=lazy_import):
        lazy_import("imaplib")
last = Last()
last.circle = last
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, capture_output=True)
