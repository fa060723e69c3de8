"""Go's runtime as operators see it: environment, limits, garbage collection, figures."""

from __future__ import annotations

from typing import Any

import libraries
import pytest
from programs import run

import gobind

sleeper_py = libraries.contract_of("sleeper")
MAX = (1 << 63) - 1


@pytest.fixture(scope="module")
def sleeper() -> Any:
    return libraries.load("sleeper", sleeper_py.Sleeper)


@pytest.fixture(scope="module")
def runtime() -> Any:
    return libraries.load("sleeper").runtime


@pytest.mark.parametrize(
    ("name", "value"), [("gomaxprocs", 3), ("gc_percent", 55), ("gc_percent", -1), ("memory_limit", 1 << 40)]
)
def test_runtime_settings_are_set_and_read_back(runtime: Any, name: str, value: int) -> None:
    before = getattr(runtime, name)
    setattr(runtime, name, value)
    assert getattr(runtime, name) == value
    setattr(runtime, name, before)
    assert getattr(runtime, name) == before


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("gomaxprocs", 0, "gomaxprocs: expected at least 1, got 0"),
        ("memory_limit", -1, "memory_limit: expected a number of bytes, got -1"),
    ],
)
def test_settings_that_cannot_be(runtime: Any, name: str, value: int, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        setattr(runtime, name, value)
    assert str(caught.value) == message


@pytest.mark.parametrize("name", ["gomaxprocs", "gc_percent", "memory_limit"])
def test_settings_of_a_wrong_type(runtime: Any, name: str) -> None:
    with pytest.raises(TypeError) as caught:
        setattr(runtime, name, "1")
    assert str(caught.value) == f"{name}: expected int, got str"


def test_an_unknown_runtime_setting_is_refused(runtime: Any) -> None:
    with pytest.raises(AttributeError):
        runtime.gomaxproc = 1


def test_stats_count_live_handles_and_calls(sleeper: Any, runtime: Any) -> None:
    before = runtime.stats()
    assert before.live == 0 and before.goroutines >= 1 and before.heap > 0
    with sleeper.thing() as thing:
        assert thing.value() == 42
        now = runtime.stats()
        assert (now.live, now.calls) == (1, before.calls + 2)
    assert runtime.stats().live == 0


def test_collecting_garbage(sleeper: Any, runtime: Any) -> None:
    percent = runtime.gc_percent
    runtime.gc_percent = -1
    for _ in range(20):
        sleeper.push_text("x" * 1_000_000)
    assert len(sleeper.pushed(20)) == 20
    full = runtime.stats().heap
    runtime.gc()
    assert runtime.stats().heap < full - 10_000_000
    runtime.gc_percent = percent


def test_setting_the_environment(sleeper: Any, runtime: Any) -> None:
    for value in ("", "plain", "ä=\n\udcff"):
        runtime.setenv("GOBIND_TEST_VARIABLE", value)
        assert sleeper.getenv("GOBIND_TEST_VARIABLE") == value if value.isprintable() else True
    runtime.setenv("GOBIND_TEST_VARIABLE", None)
    assert sleeper.getenv("GOBIND_TEST_VARIABLE") is None
    assert sleeper.getenv("PATH") is not None


def test_the_environment_is_also_that_of_c() -> None:
    """As the docstring of `setenv` says."""
    text = """
import ctypes, subprocess
getenv = ctypes.CDLL(None).getenv
getenv.restype = ctypes.c_char_p
show = ["sh", "-c", "echo $GOBIND_TEST_VARIABLE"]
def seen():
    inherited = subprocess.run(show, capture_output=True, text=True).stdout.strip()
    given = subprocess.run(show, capture_output=True, text=True, env=dict(os.environ)).stdout.strip()
    return getenv(b"GOBIND_TEST_VARIABLE"), inherited, given, os.environ.get("GOBIND_TEST_VARIABLE")
runtime = libraries.load("sleeper").runtime
assert seen() == (None, "", "", None)
runtime.setenv("GOBIND_TEST_VARIABLE", "x")
assert seen() == (b"x", "x", "", None)
assert libraries.load("versions") and libraries.load("sleeper").Sleeper.getenv("GOBIND_TEST_VARIABLE") == "x"
runtime.setenv("GOBIND_TEST_VARIABLE", None)
assert seen() == (None, "", "", None)
"""
    assert run(text) == (0, "", "")


def test_loading_leaves_what_c_libraries_have_set() -> None:
    text = """
import ctypes
libc = ctypes.CDLL(None)
libc.getenv.restype = ctypes.c_char_p
libc.setenv(b"BY_C", b"1", 1)
libc.setenv(b"FROM_BEFORE", b"2", 1)
libraries.load("sleeper")
assert (libc.getenv(b"BY_C"), libc.getenv(b"FROM_BEFORE")) == (b"1", b"2")
"""
    assert run(text, load=False, FROM_BEFORE="1") == (0, "", "")


def test_debug_settings_of_the_runtime_are_read_as_it_starts() -> None:
    text = """
runtime = libraries.load("sleeper").runtime
runtime.setenv("GODEBUG", "gctrace=1")
runtime.gc()
"""
    assert run(text, GODEBUG="") == (0, "", "")
    status, output, errors = run(text, GODEBUG="gctrace=1")
    assert (status, output) == (0, "") and errors.startswith("gc ")


@pytest.mark.parametrize(
    ("name", "value", "error", "message"),
    [
        ("", "x", ValueError, "setenv: '' cannot be in an environment"),
        ("A=B", "x", ValueError, "setenv: 'A=B' cannot be in an environment"),
        ("A\0B", "x", ValueError, "setenv: 'A\\x00B' cannot be in an environment"),
        ("A", "x\0y", ValueError, "setenv: 'x\\x00y' cannot be in an environment"),
        ("A", 1, TypeError, "setenv: expected str, got int"),
        (b"A", "", TypeError, "setenv: expected str, got bytes"),
    ],
)
def test_setenv_refuses_invalid_names_and_values(
    runtime: Any, name: Any, value: Any, error: Any, message: str
) -> None:
    with pytest.raises(error) as caught:
        runtime.setenv(name, value)
    assert str(caught.value) == message


def test_the_environment_at_load_is_handed_over() -> None:
    text = """
os.environ["FOR_GO"] = "as it is then"
del os.environ["FROM_BEFORE"]
os.environ.update(GOGC="37", GOMAXPROCS="3", GOMEMLIMIT="7MiB")
sleeper = libraries.load("sleeper", contract.Sleeper)
runtime = libraries.load("sleeper").runtime
assert sleeper.getenv("FOR_GO") == "as it is then"
assert sleeper.getenv("FROM_BEFORE") is None
assert (runtime.gc_percent, runtime.gomaxprocs, runtime.memory_limit) == (37, 3, 7 << 20)
os.environ["FOR_GO"] = "later"
assert sleeper.getenv("FOR_GO") == "as it is then"
runtime.setenv("GOGC", "off")
assert runtime.gc_percent == -1
runtime.setenv("FOR_GO", None)
assert sleeper.getenv("FOR_GO") is None
"""
    assert run(text, load=False, FROM_BEFORE="1") == (0, "", "")


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("off", MAX),
        ("0", 0),
        ("4096", 4096),
        ("10B", 10),
        ("3KiB", 3 << 10),
        ("2GiB", 2 << 30),
        ("1TiB", 1 << 40),
    ]
    + [(wrong, 1 << 33) for wrong in ("", "x", "-1", "3kb", "9999999TiB", "KiB")],
)
def test_sizes_of_a_memory_limit(runtime: Any, text: str, limit: int) -> None:
    before = runtime.memory_limit
    runtime.memory_limit = 1 << 33
    runtime.setenv("GOMEMLIMIT", text)
    found = runtime.memory_limit
    runtime.setenv("GOMEMLIMIT", None)
    runtime.memory_limit = before
    assert found == limit


def test_a_library_without_glue_has_no_runtime() -> None:
    path = str(libraries.path_of("plain"))
    with pytest.raises(gobind.LoadError) as caught:
        gobind.load(path).runtime  # noqa: B018
    assert str(caught.value) == f"{path} was not built by gobind: its Go runtime cannot be reached"


# GOBIND_DEBUG=1


def test_debug_tells_where_an_object_was_released() -> None:
    text = """
thing = sleeper.thing()
thing.close()
for use in (thing.value, lambda: str(thing)):
    try: print(use())
    except gobind.ClosedError as error: print(error)
"""
    status, output, errors = run(text, GOBIND_DEBUG="1")
    assert (status, errors) == (0, "")
    first, second = output.splitlines()
    assert first.startswith("Thing: the object is closed, released at <string>:")
    assert first.endswith(" in <module>") and second.startswith("<closed Thing of ")
    assert run(text)[1].startswith("Thing.value: the object is closed\n<closed Thing of ")


def test_debug_lists_what_was_never_released() -> None:
    text = """
def make(): return sleeper.thing()
one, other = make(), make()
other.close()
stream = sleeper.numbers(5)
sleeper.numbers(6)  # is collected, which releases it
sys.exit(3)
"""
    status, output, errors = run(text, GOBIND_DEBUG="1")
    assert (status, output) == (3, "")
    head, *lines = errors.splitlines()
    assert head == "gobind: 2 objects of Go never released:"
    assert lines[0].startswith("  Iterator[int], made at <string>:") and lines[0].endswith(" in <module>")
    assert lines[1].startswith("  Thing, made at <string>:") and lines[1].endswith(" in make")
    assert run("pass", GOBIND_DEBUG="1") == (0, "", "")


def test_debug_poisons_released_memory() -> None:
    text = """
from gobind.runtime.call import status
keeper = libraries.contract_of("buffers")
assert [*sleeper.numbers(3)] == [0, 1, 2]
assert set(status._pool[0][0].raw) == {0xDB}
from gobind.runtime.sanitizer import _quarantine
data = bytearray(b"\\1" * 1000)
async def main():
    task = asyncio.ensure_future(sleeper.fill_after("gate", data, 9))
    while not _quarantine and not task.done():
        await asyncio.sleep(0.01)
        if not task.done() and data[0] == 1: sleeper.open_gate("gate"); break
    assert await task == 1000
asyncio.run(main())
assert data == b"\\t" * 1000
assert set(_quarantine[0].raw) == {0xDB}
"""
    assert run(text, GOBIND_DEBUG="1") == (0, "", "")


@pytest.mark.parametrize("name", ["echo", "keeper"])
def test_debug_changes_no_result(name: str) -> None:
    text = f"""
import pytest
tests = str(libraries.ROOT / "tests" / "live" / "test_{name}.py")
sys.exit(pytest.main(["-q", "-x", "-p", "no:cacheprovider", tests]))
"""
    status, output, errors = run(text, "-W", "ignore", load=False, GOBIND_DEBUG="1")
    assert status == 0, output + errors
