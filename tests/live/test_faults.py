"""Go code that is at fault where it is least expected: in an error's own methods, or by ending its goroutine."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from typing import Any, Callable

import libraries
import pytest
from crossing import failures_let_go

import gobind

__all__ = ["failures_let_go"]

failures_py = libraries.contract_of("failures")
NotFound = failures_py.NotFound

NIL = "which Go does not take for nil: return a plain nil where there is no error"


@pytest.fixture(scope="module")
def faults() -> Any:
    return libraries.load("failures", failures_py.Faults)


def plain(faults: Any, kind: str) -> Any:
    return faults.give_plain(faults.kinds().index(kind))


def awaited(name: str) -> Callable[[Any, str], Any]:
    async def call(faults: Any, kind: str) -> Any:
        return await getattr(faults, name)(kind)

    return lambda faults, kind: asyncio.run(call(faults, kind))


def stream(faults: Any, kind: str) -> Any:
    items = faults.stream(kind, 3)
    assert [next(items) for _ in range(3)] == [0, 1, 2]
    next(items, None)
    return kind


def stream_at_once(faults: Any, kind: str) -> Any:
    next(faults.stream(kind, 0), None)
    return kind


def stream_later(faults: Any, kind: str) -> Any:
    async def listed() -> Any:
        return [item async for item in faults.stream_later(kind, 3)]

    assert asyncio.run(listed()) == [0, 1, 2]
    return kind


def giver(faults: Any, kind: str) -> Any:
    return faults.giver()(kind)


def ask_python(faults: Any, kind: str) -> Any:
    """Go calls Python, which calls Go, whose error goes back through both."""
    return faults.ask(faults.give, kind)


def ask_go(faults: Any, kind: str) -> Any:
    return faults.ask(faults.giver(), kind)


ON_THE_CALLERS_THREAD = {
    "give": lambda faults, kind: faults.give(kind),
    "plain": plain,
    "giver": giver,
    "ask_python": ask_python,
    "ask_go": ask_go,
}
ON_A_GOROUTINE = {
    "later": awaited("give_later"),
    "blocking": lambda faults, kind: faults.give_blocking(kind),
    "ring": awaited("give_by_ring"),
    "stream": stream,
    "stream_at_once": stream_at_once,
    "stream_later": stream_later,
}
WAYS = {**ON_THE_CALLERS_THREAD, **ON_A_GOROUTINE}

ERRORS: dict[str, tuple[type, str, str]] = {
    "nil goerror": (gobind.GoError, f"the error is a nil *main.NotFoundError, {NIL}", "*main.NotFoundError"),
    "nil pointer": (gobind.GoError, f"the error is a nil *main.pointerError, {NIL}", "*main.pointerError"),
    "nil list": (gobind.GoError, f"0 errors (the error is a nil main.listError, {NIL})", "main.listError"),
    "wrapped nil": (gobind.GoError, "store: <nil>", "*fmt.wrapError"),
    "Error panics": (
        gobind.GoError,
        "the method Error of *main.scripted panicked: no text",
        "*main.scripted",
    ),
    "Error panics loudly": (
        gobind.GoError,
        "the method Error of *main.scripted panicked: a main.loud, whose own text cannot be made",
        "*main.scripted",
    ),
    "Is panics": (
        gobind.GoError,
        "scripted (the method Is of *main.scripted panicked: no is)",
        "*main.scripted",
    ),
    "As panics": (
        gobind.GoError,
        "scripted (the method As of *main.scripted panicked: no as)",
        "*main.scripted",
    ),
    "Unwrap panics": (
        gobind.GoError,
        "scripted (the method Unwrap of *main.scripted panicked: no unwrap)",
        "*main.scripted",
    ),
    "list panics": (
        gobind.GoError,
        "several (the method Unwrap of *main.several panicked: no list)",
        "*main.several",
    ),
    "circle": (gobind.GoError, "scripted", "*main.scripted"),
    "circle of lists": (gobind.GoError, "several", "*main.several"),
    "error in a list": (NotFound, "several", "*main.several"),
    "deadline in a list": (gobind.errors.GoTimeout, "several", "*main.several"),
    "As finds": (NotFound, "scripted", "*main.scripted"),
}
PANICS = {
    "panic": "it panics",
    "loud panic": "a main.loud, whose own text cannot be made",
    "panic again": "assignment to entry in nil map",
}
EXITS = ["Goexit", "Goexit in Error", "Goexit in Unwrap", "Goexit in panic"]


def test_all_kinds_are_tested(faults: Any) -> None:
    assert {*faults.kinds()} == {"nothing", *ERRORS, *PANICS, *EXITS}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ERRORS)
def test_an_error_whose_own_code_is_at_fault(faults: Any, kind: str, way: str) -> None:
    expected, message, go_type = ERRORS[kind]
    with pytest.raises(gobind.GoError) as caught:
        WAYS[way](faults, kind)
    error = caught.value
    text = re.sub(r"^(Faults\.\w+|Callable\[\[str\], str\]): ", "", error.message)
    assert (type(error), text, error.go_type) == (expected, message, go_type)
    assert (text != error.message) == (text.startswith("the "))
    if kind == "As finds":
        assert error.key == "found"  # type: ignore[attr-defined]
    assert WAYS[way](faults, "nothing") in ("nothing", 0)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", PANICS)
def test_a_panic_whose_value_is_at_fault(faults: Any, kind: str, way: str) -> None:
    with pytest.raises(gobind.GoPanic) as caught:
        WAYS[way](faults, kind)
    assert caught.value.value == PANICS[kind]
    assert "failures/faults.go" in caught.value.go_stack


@pytest.mark.parametrize("way", ON_A_GOROUTINE)
@pytest.mark.parametrize("kind", EXITS)
def test_a_method_that_ends_its_goroutine(faults: Any, kind: str, way: str) -> None:
    for _ in range(3):
        with pytest.raises(gobind.GoPanic) as caught:
            WAYS[way](faults, kind)
        method = {"later": "give_later", "blocking": "give_blocking", "ring": "give_by_ring"}.get(
            way, "stream_later" if way == "stream_later" else "stream"
        )
        assert caught.value.value == (
            "a panic whose text cannot be made: that calls runtime.Goexit"
            if kind == "Goexit in panic"
            else f"runtime.Goexit was called in Faults.{method}: a method has to return "
            "(FailNow, Fatal and Skip of package testing call it, too)"
        )
        assert ("runtime.Goexit(" in caught.value.go_stack) == (kind != "Goexit in panic")
        assert "failures/faults.go" in caught.value.go_stack
        assert WAYS[way](faults, "nothing") == "nothing"


def in_a_process(text: str, timeout: float = 60) -> tuple[int, str, str]:
    """Status, output and errors of a program that has the faults as ``faults``."""
    head = f"""\
import sys
sys.path[:0] = {[str(libraries.ROOT), str(libraries.ROOT / "tests" / "support")]}
import libraries, threading
faults = libraries.load("failures", libraries.contract_of("failures").Faults)
"""
    line = [sys.executable, "-W", "error", "-c", head + text]
    done = subprocess.run(line, capture_output=True, text=True, timeout=timeout)
    return done.returncode, done.stdout, done.stderr


def test_one_way_calls_that_are_at_fault_are_logged_and_the_next_are_made() -> None:
    """Most of them end the ring's goroutine, and the ring is full all the time."""
    kinds = ["nothing", "nil goerror", "loud panic", *EXITS, "Error panics loudly", "nothing"] * 20
    status, output, errors = in_a_process(f"""
kinds = {kinds}
for kind in kinds: faults.post(kind)
assert faults.posted(len(kinds)) == kinds
print("done")
""")
    assert (status, output) == (0, "done\n"), errors
    lines = [line.partition("gobind: ")[2] for line in errors.splitlines() if "gobind: " in line]
    head = "one-way call of Faults.post failed: "
    exited = (
        "runtime.Goexit was called in Faults.post: a method has to return "
        "(FailNow, Fatal and Skip of package testing call it, too)"
    )
    assert (
        lines
        == [
            head + text
            for text in [
                f"Faults.post: the error is a nil *main.NotFoundError, {NIL}",
                "a main.loud, whose own text cannot be made",
                exited,
                exited,
                exited,
                "a panic whose text cannot be made: that calls runtime.Goexit",
                "Faults.post: the method Error of *main.scripted panicked: a main.loud, whose own text cannot be made",
            ]
        ]
        * 20
    )


def test_many_producers_into_a_ring_whose_goroutine_ends_all_the_time() -> None:
    status, output, errors = in_a_process("""
def produce(): [faults.post("Goexit") for _ in range(200)]
threads = [threading.Thread(target=produce) for _ in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(len(faults.posted(800)))
""")
    assert (status, output) == (0, "800\n"), errors[-2000:]


@pytest.mark.parametrize(
    "call", ["faults.give('Goexit')", "faults.give_plain(faults.kinds().index('Goexit'))"]
)
def test_a_goroutine_that_python_waits_in_cannot_be_ended(call: str) -> None:
    """Go itself ends the process then: what gobind can do is to say which method it was."""
    status, output, errors = in_a_process(call)
    assert status != 0 and output == ""
    assert "gobind: runtime.Goexit was called in Faults.give" in errors
    assert "On the thread of a synchronous call that ends the process" in errors
