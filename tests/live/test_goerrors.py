"""What goes wrong in Go: errors, deadlines, panics, and results that Python cannot take."""

from __future__ import annotations

import asyncio
import linecache
import pickle
import re
import subprocess
import sys
import threading
import traceback
from datetime import datetime, timedelta, timezone
from typing import Any

import libraries
import pytest

import gobind
from gobind import _debug
from gobind.protocol import CHECK_STATUS

failures_py = libraries.contract_of("failures")
Record, Color, Access, Strict = (getattr(failures_py, n) for n in ("Record", "Color", "Access", "Strict"))
NotFound, Teapot, Broken = failures_py.NotFound, failures_py.Teapot, failures_py.Broken
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@pytest.fixture(scope="module")
def failures() -> Any:
    return libraries.load("failures", failures_py.Failures)


def raised(error: Any, call: Any, *arguments: Any) -> Any:
    """The exception that a call raises, exactly of a type."""
    with pytest.raises(error) as caught:
        call(*arguments)
    assert type(caught.value) is error
    return caught.value


def awaited(method: Any) -> Any:
    """A function that awaits what an async method gives."""

    async def call(*arguments: Any) -> Any:
        return await method(*arguments)

    return lambda *arguments: asyncio.run(call(*arguments))


# Errors


@pytest.mark.parametrize("message", ["went wrong", "", "a\0b", "\U0001f600 \u00e4", "x" * 100_000])
def test_a_go_error_raises_goerror_with_message_and_type(failures: Any, message: str) -> None:
    error = raised(gobind.GoError, failures.fail, message)
    assert (error.message, str(error), error.go_type) == (message, message, "*errors.errorString")
    again = pickle.loads(pickle.dumps(error))
    assert (again.message, again.go_type) == (error.message, error.go_type)


def test_an_error_of_a_named_type_raises_goerror_with_that_type(failures: Any) -> None:
    error = raised(gobind.GoError, failures.fail_by_type)
    assert error.message == "open /nowhere: file does not exist"
    assert error.go_type == "*fs.PathError"


def test_an_error_drops_the_result(failures: Any) -> None:
    assert raised(gobind.GoError, failures.fail_in_result, "both").message == "both"


WRAPS = [
    ("value", "", "main.NotFoundError"),
    ("pointer", "", "*main.NotFoundError"),
    ("wrapped", "store: ", "*fmt.wrapError"),
    ("wrapped pointer twice", "store: shelf: ", "*fmt.wrapError"),
]


@pytest.mark.parametrize(("how", "before", "go_type"), WRAPS)
@pytest.mark.parametrize(
    ("key", "tried"), [("k", ["a", "b\0c"]), ("", []), ("\U0001f600" * 30_000, ["x" * 70_000])]
)
def test_a_declared_error_raises_its_class_with_its_fields(
    failures: Any, how: str, before: str, go_type: str, key: str, tried: list[str]
) -> None:
    for find in (failures.find, awaited(failures.find_later)):
        error = raised(NotFound, find, key, tried, how)
        assert (error.key, error.tried) == (key, tried)
        assert error.go_type == go_type
        if len(key) < 2:
            assert error.message == f'{before}NotFound: key="{key}"' == str(error)
        assert isinstance(error, gobind.GoError)
        assert find(key, tried, "not at all") == 7


def test_a_declared_error_is_copied_whole(failures: Any) -> None:
    error = raised(NotFound, failures.find, "k", ["t"], "wrapped")
    again = pickle.loads(pickle.dumps(error))
    assert (again.key, again.tried, again.message, again.go_type) == (
        "k",
        ["t"],
        error.message,
        error.go_type,
    )


def test_an_error_without_fields(failures: Any) -> None:
    assert raised(Teapot, failures.boil).message == "kitchen: Teapot"


def test_an_error_with_a_record(failures: Any) -> None:
    assert raised(Broken, failures.breaks, "").record == Record(1, "n", EPOCH, Color.RED)


def test_an_error_whose_fields_cannot_be_sent(failures: Any) -> None:
    error = raised(gobind.GoError, failures.breaks, "moment")
    assert error.message == "Broken (Record.moment: the year of a time must be 1 to 9999, got 10000)"
    assert error.go_type == "main.BrokenError"


def test_an_error_whose_fields_cannot_be_read(failures: Any) -> None:
    error = raised(UnicodeDecodeError, failures.breaks, "name")
    assert (error.object, error.reason) == (b"a\xffb", "Broken.record.name: invalid start byte")
    assert str(raised(ValueError, failures.breaks, "color")) == "Broken.record.color: 77 is not a Color"


def test_text_of_an_error_that_is_no_utf_8(failures: Any) -> None:
    error = raised(gobind.GoError, failures.bad_message)
    assert (error.message, error.go_type) == ("a\ufffdb", "*errors.errorString")
    assert raised(gobind.GoError, failures.bad_type).go_type == "main.badlyNamed"


# Deadlines


@pytest.mark.parametrize("wraps", [0, 1, 3])
def test_deadline_exceeded_is_a_timeout(failures: Any, wraps: int) -> None:
    with pytest.raises(TimeoutError) as caught:
        failures.expire(wraps)
    error: Any = caught.value
    assert isinstance(error, gobind.GoError)
    layers = "".join(f"layer {number}: " for number in reversed(range(wraps)))
    assert error.message == str(error) == f"{layers}context deadline exceeded"
    assert error.go_type == ("*fmt.wrapError" if wraps else "context.deadlineExceededError")


def test_gobind_timeout_cancels_go_and_prevents_late_calls(failures: Any) -> None:
    with gobind.timeout(0.01):
        with pytest.raises(TimeoutError) as caught:
            failures.wait()
        assert str(caught.value) == "waited: context deadline exceeded"
        with pytest.raises(TimeoutError) as caught:
            failures.fail("not reached")
        assert str(caught.value) == "the time of gobind.timeout is over: Go was not called"


def test_a_deadline_awaited(failures: Any) -> None:
    async def main() -> None:
        with gobind.timeout(0.01):
            await failures.wait_later()

    with pytest.raises(TimeoutError) as caught:
        asyncio.run(main())
    assert str(caught.value) == "waited: context deadline exceeded"


def test_deadlines_hold_inside_the_block_only(failures: Any) -> None:
    assert failures.has_deadline() is False
    with gobind.timeout(3600):
        assert failures.has_deadline() is True
        with gobind.timeout(0):
            assert str(raised(gobind.errors.GoTimeout, failures.has_deadline)) == (
                "the time of gobind.timeout is over: Go was not called"
            )
        assert failures.has_deadline() is True
        others = []
        thread = threading.Thread(target=lambda: others.append(failures.has_deadline()))
        thread.start()
        thread.join()
        assert others == [False]
    assert failures.has_deadline() is False


def test_a_cancelled_task_cancels_the_context(failures: Any) -> None:
    async def main() -> None:
        task = asyncio.ensure_future(failures.wait_later())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(failures.wait_later(), 0.01)

    asyncio.run(main())


# Panics

PANICS = [
    ("string", "boom"),
    ("error", "wrapped: file already exists"),
    ("nil map", "assignment to entry in nil map"),
    ("index", "runtime error: index out of range [5] with length 1"),
    ("nil pointer", "runtime error: invalid memory address or nil pointer dereference"),
    ("struct", "{1 2}"),
    ("number", "42"),
    ("bad text", "a\ufffdb"),
    ("type", "interface conversion: interface {} is string, not int"),
    ("division", "runtime error: integer divide by zero"),
    ("goerror", 'NotFound: key="k"'),
]


@pytest.mark.parametrize(("kind", "value"), PANICS)
def test_a_panic_raises_gopanic_with_value_and_stack(failures: Any, kind: str, value: str) -> None:
    for call in (failures.panic_with, failures.panic_in_record, awaited(failures.panic_later)):
        panic = raised(gobind.GoPanic, call, kind)
        assert panic.value == value
        assert panic.go_stack.startswith("goroutine ")
        assert "main.explode(" in panic.go_stack and "failures/server.go:" in panic.go_stack
        assert str(panic) == f"{value}\n\n{panic.go_stack}"
        assert not isinstance(panic, gobind.GoError)
        again = pickle.loads(pickle.dumps(panic))
        assert (again.value, again.go_stack) == (panic.value, panic.go_stack)
    assert failures.panic_with("not at all") == 5


def test_panics_leave_nothing_behind(failures: Any) -> None:
    for number in range(1000):
        kind, value = PANICS[number % len(PANICS)]
        assert raised(gobind.GoPanic, failures.panic_with, kind).value == value
        assert _debug.live() == 0  # without a look at the garbage collector

    async def main() -> list[Any]:
        calls = [failures.panic_later("string") for _ in range(1000)]
        return await asyncio.gather(*calls, return_exceptions=True)

    assert [panic.value for panic in asyncio.run(main())] == ["boom"] * 1000


def test_tracebacks_show_the_generated_lines(failures: Any) -> None:
    try:
        failures.find("k", [], "value")
    except NotFound as error:
        text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    assert re.search(r'"<gobind Failures\.find(-\d+)?>", line ', text)
    assert "_result = _fetch_result(_frame)" in text


# Nothing


def test_nil_and_zero_values_become_empty_ones(failures: Any) -> None:
    assert failures.nil_bytes() == b""
    assert failures.nil_list() == []
    assert failures.nil_dict() == {}
    assert failures.nil_set() == set()
    assert failures.nil_optional() is None
    assert failures.nil_in_optional(False) is failures.nil_in_optional(True) is None
    assert failures.nil_buffer().tolist() == []
    zero = datetime(1, 1, 1, tzinfo=timezone.utc)
    assert failures.zero_record() == Record(0, "", zero, Color.RED)


def test_nil_in_place_of_a_value_is_refused(failures: Any) -> None:
    for name, arguments in {"nil_union": (True,), "nil_in_list": ()}.items():
        error = raised(gobind.GoError, getattr(failures, name), *arguments)
        assert error.message == f"Failures.{name}: expected a DotOrText, got nil"
        assert error.go_type == "*gobind.ValueError"
    assert raised(gobind.GoError, failures.nil_union, False).message == (
        "Failures.nil_union: expected a DotOrText, got nil"
    )


# Values that Python does not know


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("unknown_color", "result: 99 is not a Color"),
        ("unknown_colors", "result[2]: -5 is not a Color"),
        ("unknown_key", "result[0] key: 88 is not a Color"),
        ("unknown_mood", "result: 'sour' is not a Mood"),
        ("unknown_in_record", "result[1].color: 0 is not a Color"),
        ("more_strict", "result[1]: 8 is not a Strict"),
    ],
)
def test_an_unknown_value_of_an_enum(failures: Any, method: str, message: str) -> None:
    assert str(raised(ValueError, getattr(failures, method))) == message


def test_int_flags_keep_unknown_bits(failures: Any) -> None:
    assert failures.more_access() == 65
    assert type(failures.more_access()) is Access


@pytest.mark.parametrize(
    ("method", "arguments", "place"),
    [
        ("bad_str", (), "result"),
        ("bad_strs", (False,), "result[2]"),
        ("bad_strs", (True,), "result[2]"),
        ("bad_words", (), "result[2][1]"),
        ("bad_record", (), "Record.name"),
        ("bad_records", (), "result[1].name"),
        ("bad_key", (), "result[0] key"),
        ("bad_value", (), "result[0]"),
        ("bad_item", (), "result[0]"),
        ("bad_optional", (), "result"),
        ("bad_tuple", (), "result[1]"),
        ("bad_union", (), "result.text"),
    ],
)
def test_text_that_is_no_utf_8(failures: Any, method: str, arguments: Any, place: str) -> None:
    error = raised(UnicodeDecodeError, getattr(failures, method), *arguments)
    assert (error.object, error.start, error.end) == (b"a\xffb", 1, 2)
    assert error.reason == f"{place}: invalid start byte"
    assert str(error) == f"'utf-8' codec can't decode byte 0xff in position 1: {place}: invalid start byte"


@pytest.mark.parametrize("year", [10000, 0, -1, 300_000, -300_000])
def test_times_that_datetime_cannot_hold_are_refused(failures: Any, year: int) -> None:
    for name in ("far_time", "far_times"):
        error = raised(gobind.GoError, getattr(failures, name), year)
        assert error.message == f"Failures.{name}: the year of a time must be 1 to 9999, got {year}"
        assert error.go_type == "*gobind.ValueError"


def test_utc_offsets_of_a_day_or_more_are_refused(failures: Any) -> None:
    for seconds in (1, -1, 86399, -86399, 0, 3601):
        time = failures.odd_offset(seconds)
        assert time == EPOCH and time.utcoffset() == timedelta(seconds=seconds)
    for seconds in (86400, -86400, 100_000):
        assert raised(gobind.GoError, failures.odd_offset, seconds).message == (
            f"Failures.odd_offset: the UTC offset of a time must be less than 24 hours, got {seconds} seconds"
        )


def test_an_interface_that_nothing_implements() -> None:
    nobody = libraries.load("failures", failures_py.Nobody)
    for call in (nobody.anything, nobody.everything, awaited(nobody.something)):
        assert str(raised(gobind.GobindError, call)) == (
            "Nobody is not implemented: call RegisterNobody in an init function"
        )


# Numbers


def test_results_that_look_like_a_status(failures: Any) -> None:
    assert failures.look_int() == failures.look_i64() == CHECK_STATUS
    assert failures.look_i32() == (CHECK_STATUS + 2**31) % 2**32 - 2**31
    assert failures.look_u64() == CHECK_STATUS + 2**64
    assert awaited(failures.look_later)() == CHECK_STATUS
    for distance in range(-20, 21):
        assert failures.near_look(distance) == CHECK_STATUS + distance


def test_direct_results_at_the_limits_of_their_type(failures: Any) -> None:
    assert (failures.least_i8(), failures.least_i16(), failures.least_i32()) == (-(2**7), -(2**15), -(2**31))
    assert (failures.most_u8(), failures.most_u16(), failures.most_u32()) == (2**8 - 1, 2**16 - 1, 2**32 - 1)
    assert failures.least_f32() == 2.0**-149


# Requests that cannot be sent

FINE = Record(1, "", EPOCH, Color.RED)
WRONG = [
    (("\ud800", 1, [], None), UnicodeEncodeError, "text: surrogates not allowed"),
    ((b"", 1, [], None), TypeError, "text: expected str, got bytes"),
    (("", 256, [], None), OverflowError, "small: 256 does not fit u8"),
    (("", -1, [], None), OverflowError, "small: -1 does not fit u8"),
    (("", "1", [], None), TypeError, "small: expected u8, got str"),
    (("", 1.0, [], None), TypeError, "small: expected u8, got float"),
    (("", 1, None, None), TypeError, "records: expected list[Record], got NoneType"),
    (("", 1, [FINE, 5], None), TypeError, "records[1]: expected Record, got int"),
    (
        ("", 1, [FINE, Record(1, "", datetime(2000, 1, 1), Color.RED)], None),
        TypeError,
        "records[1].moment: expected an aware datetime, got a naive one: 2000-01-01 00:00:00",
    ),
    (("", 1, [Record(1, "", EPOCH, 1)], None), TypeError, "records[0].color: expected Color, got int"),
    (
        ("", 1, [Record(1, "\udfff", EPOCH, Color.RED)], None),
        UnicodeEncodeError,
        "records[0].name: surrogates not allowed",
    ),
    (("", 1, [], 5), TypeError, "maybe: expected Color, got int"),
]


@pytest.mark.parametrize(("arguments", "error", "message"), WRONG)
def test_a_request_that_cannot_be_sent_has_no_effect(
    failures: Any, arguments: Any, error: Any, message: str
) -> None:
    before = failures.counted()
    found = raised(error, failures.count, *arguments)
    assert (found.reason if error is UnicodeEncodeError else str(found)) == message
    if not arguments[2:] == ([], None):
        assert failures.counted() == before
        return
    raised(error, awaited(failures.count_later), *arguments[:2])
    assert failures.counted() == before
    failures.count("", 1, [FINE], Color.GREEN)
    assert failures.counted() == before + 1


def test_missing_and_unknown_arguments_raise_typeerror(failures: Any) -> None:
    with pytest.raises(
        TypeError, match=re.escape("missing 2 required positional arguments: 'records' and 'maybe'")
    ):
        failures.count("", 1)
    with pytest.raises(TypeError, match="got an unexpected keyword argument 'other'"):
        failures.count("", 1, [], None, other=1)


class Stop(Exception):
    """What a signal handler raises."""


@pytest.mark.parametrize(
    ("library", "method", "arguments", "live"),
    [
        ("failures", "fail", ("no",), 1),
        ("failures", "fail", ("x" * 100_000,), 1),
        ("failures", "panic_in_record", ("string",), 1),
        ("failures", "nil_bytes", (), 0),
        ("buffers", "make", (10, 0.5), 1),
        ("buffers", "list_u8", (bytes(100_000),), 1),
        ("sleeper", "thing", (), 2),  # the object, and the status that tells of it
    ],
)
def test_a_signal_between_a_call_and_its_status(library: str, method: str, arguments: Any, live: int) -> None:
    reached = []

    def interrupt(frame: Any, event: str, _: Any) -> Any:
        line = linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
        if event == "line" and line in (f"if _result == {CHECK_STATUS}:  # CHECK_STATUS", "if _size >= 0:"):
            reached.append(_debug.live())
            raise Stop
        return interrupt if frame.f_code.co_filename.startswith("<gobind ") else None

    module = libraries.contract_of(library)
    function = getattr(libraries.load(library, getattr(module, library.capitalize())), method)
    before = sys.gettrace()
    sys.settrace(interrupt)
    try:
        with pytest.raises(Stop):
            function(*arguments)
    finally:
        sys.settrace(before)
    assert reached == [live]
    assert _debug.live() == 0


def test_an_unhandled_panic_ends_python_as_any_exception_does() -> None:
    code = (
        f"import sys; sys.path[:0] = {[str(libraries.ROOT), str(libraries.ROOT / 'tests' / 'support')]!r}\n"
        "import libraries\n"
        "libraries.load('failures').Failures.panic_with('string')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert "\ngobind.errors.GoPanic: boom\n\ngoroutine " in done.stderr
