"""The loader where the system lacks or refuses something, and functions of a library where ctypes copies."""

from __future__ import annotations

import ctypes
import io
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gobind import LoadError
from gobind.codec.columns import put_lists, put_str
from gobind.codec.frames import CorruptFrame, Output, pack_u64
from gobind.runtime import binding
from gobind.runtime.call.status import _found
from gobind.runtime.interrupts.uninterrupted import uninterrupted
from gobind.runtime.process import loader, native, platforms
from gobind.runtime.process.loader import File
from gobind.runtime.wait.asyncio_loop import LoopCalls
from gobind.runtime.wait.completions import Queue

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="as the loader of Linux does")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    return path


def refuse(*_: Any) -> Any:
    raise OSError("refused")


def test_files_are_read_without_pread(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = File(str(path))
    monkeypatch.delattr(os, "pread")
    assert (file.read(3, 4), file.read(3, 9), file.read(2, 0)) == (b"456", b"9", b"01")
    file.close()


def test_a_closed_file_that_is_gone_cannot_be_opened_again(path: Path) -> None:
    file = File(str(path))
    file.close()
    path.unlink()
    with pytest.raises(LoadError, match=f"^{path} cannot be opened again: .*No such file"):
        file.check_unchanged()


def test_a_file_that_goes_while_it_is_opened_is_opened_as_a_copy(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = File(str(path))
    monkeypatch.setattr(loader, "_is_another", lambda file: False)
    monkeypatch.setattr(loader, "open_copy", lambda file: "the copy")
    monkeypatch.setattr(ctypes, "CDLL", lambda path: "the file")
    assert loader.open_library(file) == "the file"
    path.unlink()
    assert loader.open_library(file) == "the copy"
    file.close()


def test_libraries_whose_handles_are_objects_are_told_apart_by_an_address() -> None:
    """As on PyPy."""
    libc = ctypes.CDLL(None)
    one, other = (SimpleNamespace(_handle=object(), gobind_describe=libc.strlen) for _ in range(2))
    assert loader.handle_of(one) == loader.handle_of(other) == ctypes.cast(libc.strlen, ctypes.c_void_p).value
    assert "libc" in (loader.path_of(one) or "")
    assert loader.path_of(SimpleNamespace(_handle=object())) is None


def test_without_noload_no_library_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    assert loader._loaded("libc.so.6") is not None
    monkeypatch.delattr(os, "RTLD_NOLOAD")
    assert loader._loaded("libc.so.6") is None


@pytest.mark.parametrize("read", [refuse, lambda path: io.StringIO("")])
def test_a_name_is_not_anothers_where_the_system_does_not_say(
    path: Path, read: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = File(str(path))
    monkeypatch.setattr(loader, "_loaded", lambda name: ctypes.CDLL("libc.so.6"))
    assert loader._is_another(file)  # libc is another file
    monkeypatch.setattr(loader, "open", read, raising=False)
    assert not loader._is_another(file)
    monkeypatch.setattr(loader, "_link_map", lambda library: None)
    assert not loader._is_another(file)
    file.close()


def test_a_copy_in_memory_needs_the_own_proc(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = File(str(path))
    monkeypatch.setattr(os.path, "samestat", lambda one, other: False)
    with pytest.raises(OSError, match="^/proc is another process's$"):
        with loader._copy_in_memory(file):
            pass
    file.close()


def test_processes_that_use_musl_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "confstr", refuse)
    with pytest.raises(LoadError, match="^this Python uses musl, "):
        platforms.check_process(0)


def test_platforms_without_an_api_have_no_subinterpreters_and_no_figures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert platforms.peak_memory() > 0

    def lazy_import(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(platforms, "lazy_import", lazy_import)
    monkeypatch.delattr(ctypes, "pythonapi")
    assert platforms.peak_memory() == 0
    assert not platforms._in_subinterpreter()


def test_a_library_that_only_the_system_knows_is_not_copied() -> None:
    library: Any = object.__new__(native.Native)
    library.path, library.file = "libodd.so", None
    with pytest.raises(LoadError) as caught:
        library.copy()
    assert str(caught.value) == "libodd.so cannot be copied: the system's loader does not tell where it is"


def test_problems_in_a_description_are_told() -> None:
    out = Output()
    put_lists(put_str)(out, [["one", "two"]])
    data = b"".join(out) + pack_u64(0)
    described: Any = SimpleNamespace(path="lib.so", description=data)
    with pytest.raises(LoadError) as caught:
        binding.read_description(described)
    assert str(caught.value) == "lib.so: one; two"


def test_a_status_that_is_missing_is_told() -> None:
    with pytest.raises(CorruptFrame, match="^Go knows of no status of a call that has one$"):
        _found(None)


def test_functions_are_protected_once() -> None:
    def function() -> int:
        try:
            return 1
        finally:
            pass

    code = uninterrupted(function).__code__.co_code
    assert uninterrupted(function).__code__.co_code == code and function() == 1


def test_queues_without_a_wakeup_fd_are_waited_for_otherwise() -> None:
    """As on Windows."""
    queue: Any = object.__new__(Queue)
    queue.wakeup_fd = -1
    queue.wait(100)
    calls: Any = SimpleNamespace(queue=queue)
    assert LoopCalls._watch(calls, None) is False  # type: ignore[arg-type]


class Waiting:
    """What `LoopCalls` has where a thread waits."""

    def __init__(self, loop: Any) -> None:
        self._native = SimpleNamespace(wait_queue=lambda number: True)
        self.loop = lambda: loop
        self.steps: list[str] = []
        self._drained = SimpleNamespace(
            clear=lambda: self.steps.append("clear"), set=lambda: self.steps.append("set")
        )
        self._drain = None


def test_the_waiting_thread_ends_with_its_loop() -> None:
    def closed(function: Any) -> None:
        raise RuntimeError("Event loop is closed")

    for loop, steps in ((None, []), (SimpleNamespace(call_soon_threadsafe=closed), ["clear"])):
        waiting: Any = Waiting(loop)
        LoopCalls._wait(waiting, 1)
        assert waiting.steps == steps


def test_the_waiting_thread_goes_on_after_an_error() -> None:
    waiting: Any = Waiting(None)
    waiting._fetch = refuse
    with pytest.raises(OSError):
        LoopCalls._drain(waiting)
    assert waiting.steps == ["set"]
