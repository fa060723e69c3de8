"""Libraries without a contract: hand-written cgo, and one that knows nothing of Go."""

from __future__ import annotations

import array
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional, Protocol, Tuple

import libraries
import pytest

import gobind
from gobind import Buffer, MutableBuffer, cstr, f32, f64, gostruct, i8, i16, i32, i64, u8, u16, u32, u64


@gostruct
class Position:
    x: f64
    y: f32
    tag: u8
    n: i16


@gostruct
class Segment:
    a: Position
    b: Position


class Plain(Protocol):
    def Add(self, a: int, b: int = 3) -> int: ...
    def Nothing(self) -> None: ...
    def Half(self, x: float) -> float: ...
    def HalfSingle(self, x: f32) -> f32: ...
    def Not(self, b: bool) -> bool: ...
    def NotGo(self, b: bool) -> bool: ...
    def NextI8(self, n: i8) -> i8: ...
    def NextI16(self, n: i16) -> i16: ...
    def NextI32(self, n: i32) -> i32: ...
    def NextI64(self, n: i64) -> i64: ...
    def NextU8(self, n: u8) -> u8: ...
    def NextU16(self, n: u16) -> u16: ...
    def NextU32(self, n: u32) -> u32: ...
    def NextU64(self, n: u64) -> u64: ...
    def Length(self, text: str) -> int: ...
    def Count(self, text: str, part: str) -> int: ...
    def Constant(self) -> str: ...
    def Empty(self) -> str: ...
    def Sum(self, data: bytes) -> int: ...
    def Fill(self, buffer: MutableBuffer[f64], value: float) -> None: ...
    def DivMod(self, a: int, b: int) -> Tuple[int, int]: ...
    def Mixed(self, n: int) -> Tuple[i8, float, bool, cstr]: ...
    def Upper(self, text: cstr) -> cstr: ...
    def IsNull(self, text: Optional[cstr]) -> bool: ...
    def Find(self, text: cstr, part: cstr) -> Optional[cstr]: ...
    def Mirrored(self, p: Position) -> Position: ...
    def Reversed(self, s: Segment) -> Segment: ...


@pytest.fixture(scope="module")
def library() -> Any:
    return libraries.load("plain")


@pytest.fixture(scope="module")
def plain(library: Any) -> Any:
    return library.exports(Plain)


@pytest.fixture
def closable(tmp_path: Path) -> Iterator[Any]:
    """A library of its own that a test may close."""
    path = shutil.copy(libraries.path_of("plain"), tmp_path)
    yield gobind.load(str(path))


def test_a_library_without_a_contract(library: Any) -> None:
    assert library.interfaces == ()
    assert library.contract == ""


def test_the_example_of_the_design(library: Any) -> None:
    @library.export
    def Add(a: int, b: int) -> int:
        """Adds."""

    assert Add(5, 3) == 8
    assert Add(b=1, a=-5) == -4
    assert (Add.__name__, Add.__doc__) == ("Add", "Adds.")


def test_numbers_are_passed_and_returned(plain: Any) -> None:
    assert plain.Add(2**62, -1) == 2**62 - 1
    assert plain.Add(4) == 7
    assert plain.Nothing() is None
    assert plain.Half(3) == 1.5 and plain.Half(-0.5) == -0.25
    assert plain.HalfSingle(0.5) == 0.25
    for negate in (plain.Not, plain.NotGo):
        assert negate(True) is False and negate(False) is True
    for bits in (8, 16, 32, 64):
        low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
        assert getattr(plain, f"NextI{bits}")(low) == low + 1
        assert getattr(plain, f"NextI{bits}")(high) == low
        assert getattr(plain, f"NextU{bits}")(2**bits - 2) == 2**bits - 1
        assert getattr(plain, f"NextU{bits}")(2**bits - 1) == 0


def test_str_and_bytes_are_passed_as_go_strings_and_slices(plain: Any) -> None:
    assert plain.Length("") == 0
    assert plain.Length("a\0\u00e4\U0001f600") == 8
    assert plain.Length("x" * 10**6) == 10**6
    assert plain.Count("a\0b\0", "\0") == 2
    assert plain.Constant() == "text of Go: \u00e4\0."
    assert plain.Empty() == ""
    assert plain.Sum(b"") == 0
    assert (
        plain.Sum(b"\1\2\xff")
        == plain.Sum(bytearray(b"\1\2\xff"))
        == plain.Sum(memoryview(b"\1\2\xff"))
        == 258
    )


def test_a_buffer_is_borrowed_for_the_call_only(plain: Any) -> None:
    numbers = array.array("d", [1, 2, 3, 4])
    plain.Fill(memoryview(numbers)[1:3], 0.5)
    assert numbers.tolist() == [1, 0.5, 0.5, 4]
    numbers.append(5)  # nothing is borrowed any more
    with pytest.raises(TypeError) as caught:
        plain.Fill(b"12345678", 0.5)
    assert str(caught.value) == "buffer: expected MutableBuffer[f64], got bytes that is read-only"


def test_a_result_that_lies_in_an_argument(plain: Any) -> None:
    library = gobind.load(str(libraries.path_of("plain")))

    @library.export
    def Same(data: bytes) -> bytes: ...

    @library.export
    def SameText(text: str) -> str: ...

    for size in (1, 10, 24, 100, 1000, 100_000, 1_000_000):
        data = b"\xa5" * size
        assert Same(data) == data
        assert SameText("x" * size) == "x" * size


def test_several_results_become_a_tuple(plain: Any) -> None:
    assert plain.DivMod(17, 5) == (3, 2)
    assert plain.Mixed(9) == (9, 3.0, True, "m" * 9)
    assert plain.Mixed(0) == (0, 0.0, False, "")


def test_cstr_is_converted_in_both_directions(plain: Any) -> None:
    assert plain.Upper("") == ""
    assert plain.Upper("a \u00e4 \U0001f600") == "A \u00c4 \U0001f600"
    assert plain.Upper("\u00e4bc") == "\u00c4BC"
    assert plain.Upper("x" * 10**6) == "X" * 10**6
    assert plain.IsNull(None) is True and plain.IsNull("") is False
    assert plain.Find("key=value", "=") == "key|value"
    assert plain.Find("key", "=") is None


def test_structs_are_passed_and_returned_by_value(plain: Any) -> None:
    assert plain.Mirrored(Position(1.5, -2.5, 5, -300)) == Position(-1.5, 2.5, 250, 300)
    a, b = Position(1, 2, 3, 4), Position(-5, -6, 7, -8)
    assert plain.Reversed(Segment(a, b)) == Segment(b, a)


@pytest.mark.parametrize(
    ("name", "arguments", "error", "message"),
    [
        ("Add", ("1", 2), TypeError, "a: expected int, got str"),
        ("Add", (1, 2.0), TypeError, "b: expected int, got float"),
        ("Add", (2**63, 0), OverflowError, "a: 9223372036854775808 does not fit int"),
        ("NextU8", (256,), OverflowError, "n: 256 does not fit u8"),
        ("NextU8", (-1,), OverflowError, "n: -1 does not fit u8"),
        ("Half", ("x",), TypeError, "x: expected float, got str"),
        ("Not", (1,), TypeError, "b: expected bool, got int"),
        ("Length", (b"x",), TypeError, "text: expected str, got bytes"),
        ("Sum", ("x",), TypeError, "data: expected bytes, got str"),
        ("Upper", ("a\0b",), ValueError, "text: a C string cannot hold a NUL character"),
        ("Upper", (None,), TypeError, "text: expected str, got NoneType"),
        ("Mirrored", (Position(1, 2, 256, 0),), OverflowError, "Position.tag: 256 does not fit u8"),
        ("Mirrored", (5,), TypeError, "p: expected Position, got int"),
    ],
)
def test_wrong_arguments_are_refused_with_the_parameter(
    plain: Any, name: str, arguments: Any, error: Any, message: str
) -> None:
    with pytest.raises(error) as caught:
        getattr(plain, name)(*arguments)
    assert str(caught.value) == message


def test_lone_surrogates_are_refused_with_the_parameter(plain: Any) -> None:
    for call in (plain.Length, plain.Upper):
        with pytest.raises(UnicodeEncodeError) as caught:
            call("a\ud800")
        assert caught.value.reason == "text: surrogates not allowed"


def test_a_string_that_is_not_there(library: Any) -> None:
    @library.export
    def Find(text: cstr, part: cstr) -> cstr: ...

    assert Find("a=b", "=") == "a|b"
    with pytest.raises(ValueError) as caught:
        Find("ab", "=")
    assert (
        str(caught.value) == "Find: result: expected cstr, got NULL; if that is meant, declare Optional[cstr]"
    )


def test_c_strings_are_freed_once(library: Any) -> None:
    @library.export(free="GiveBack")
    def Lend(text: cstr) -> cstr: ...

    @library.export
    def Lent() -> Tuple[int, int]: ...

    borrowed, back = Lent()
    for number in range(1000):
        assert Lend(f"text {number}") == f"text {number}"
    assert Lent() == (borrowed + 1000, back + 1000)


def test_c_strings_that_are_no_utf_8_are_freed(library: Any) -> None:
    @library.export
    def Latin() -> cstr: ...

    with pytest.raises(UnicodeDecodeError):
        Latin()


def test_c_strings_that_stay(library: Any) -> None:
    @library.export(free=None)
    def Kept() -> cstr: ...

    assert [Kept() for _ in range(1000)] == ["kept by the library"] * 1000


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_nothing_leaks(library: Any) -> None:
    @library.export
    def Upper(text: cstr) -> cstr: ...

    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

    text = "x" * 1_000_000
    for _ in range(20):
        Upper(text)
    before = resident()
    for _ in range(200):
        Upper(text)
    assert resident() - before < 100 * len(text)


def no_such_function() -> int: ...


def Add(a, b: int) -> int: ...  # type: ignore[no-untyped-def]


class Wrong:
    """Declarations of Add that cannot be."""

    @staticmethod
    def untyped() -> Any:
        return Add

    @staticmethod
    def no_result() -> Any:
        def Add(a: int, b: int): ...  # type: ignore[no-untyped-def]

        return Add

    @staticmethod
    def a_list() -> Any:
        def Add(a: "list[int]", b: int) -> int: ...

        return Add

    @staticmethod
    def a_dict_result() -> Any:
        def Add(a: int, b: int) -> "dict[str, int]": ...

        return Add

    @staticmethod
    def unknown_name() -> Any:
        def Add(a: Missing, b: int) -> int: ...  # type: ignore[name-defined]  # noqa: F821

        return Add

    @staticmethod
    def unknown_result() -> Any:
        def Add(a: int, b: int) -> Missing: ...  # type: ignore[name-defined]  # noqa: F821

        return Add

    @staticmethod
    def a_buffer_result() -> Any:
        def Add(a: int, b: int) -> Buffer[f64]: ...

        return Add

    @staticmethod
    def starred() -> Any:
        def Add(*a: int) -> int: ...

        return Add

    @staticmethod
    def awaited() -> Any:
        async def Add(a: int, b: int) -> int: ...

        return Add

    @staticmethod
    def no_function() -> Any:
        return 5

    @staticmethod
    def an_optional() -> Any:
        def Add(a: Optional[int], b: int) -> int: ...

        return Add


NO_C = "has no C representation; expected numbers, bool, str, bytes, cstr, Buffer or a @gostruct of numbers"


@pytest.mark.parametrize(
    ("declaration", "message"),
    [
        ("untyped", "Add: parameter a has no annotation"),
        ("no_result", "Add: result has no annotation; write -> None if there is none"),
        ("a_list", f"Add: parameter a: list[int] {NO_C}"),
        ("a_dict_result", f"Add: result: dict[str, int] {NO_C}"),
        (
            "unknown_name",
            "Add: parameter a: cannot evaluate Missing: NameError: name 'Missing' is not defined",
        ),
        ("unknown_result", "Add: result: cannot evaluate Missing: NameError: name 'Missing' is not defined"),
        ("a_buffer_result", "Add: result: a plain cgo library cannot return a Buffer: nobody would own it"),
        ("starred", "Add: *args and **kwargs cannot be passed to Go; name each parameter"),
        ("awaited", "Add: an exported function cannot be awaited; declare it with def"),
        ("no_function", "export: expected a function, got int"),
        ("an_optional", f"Add: parameter a: Optional[int] {NO_C}"),
    ],
)
def test_wrong_declarations(library: Any, declaration: str, message: str) -> None:
    with pytest.raises(gobind.ContractError) as caught:
        library.export(getattr(Wrong, declaration)())
    assert str(caught.value) == message


def test_what_is_not_exported(library: Any) -> None:
    path = libraries.path_of("plain")
    with pytest.raises(gobind.LoadError) as caught:
        library.export(no_such_function)
    assert str(caught.value) == f"{path} exports no function no_such_function"

    def Lend(text: cstr) -> cstr: ...

    with pytest.raises(gobind.LoadError) as caught:
        library.export(free="NoSuchFree")(Lend)
    assert str(caught.value) == f"{path} exports no function NoSuchFree"

    class Missing(Protocol):
        def Absent(self) -> int: ...

    with pytest.raises(gobind.LoadError) as caught:
        library.exports(Missing)
    assert str(caught.value) == f"{path} exports no function Absent"


def test_a_plain_library_has_no_interfaces(library: Any) -> None:
    accounts_py = libraries.contract_of("accounts")
    path = libraries.path_of("plain")
    with pytest.raises(gobind.LoadError) as caught:
        library.bind(accounts_py.Accounts)
    assert str(caught.value) == (
        f"{path} carries no contract: it was not built by gobind; declare its functions with Library.export"
    )
    with pytest.raises(AttributeError) as missing:
        library.Accounts  # noqa: B018
    assert str(missing.value) == f"<gobind.Library {path}> has no interface Accounts; it has none"


def test_functions_of_a_closed_library_raise_closederror(closable: Any) -> None:
    bound = closable.exports(Plain)

    @closable.export
    def Add(a: int, b: int) -> int: ...

    assert Add(1, 2) == bound.Add(1, 2) == 3
    closable.close()
    for call in (Add, bound.Add):
        with pytest.raises(gobind.ClosedError) as caught:
            call(1, 2)
        assert str(caught.value) == f"{closable.path} is closed"
    for ask in (closable.export, closable.exports):
        with pytest.raises(gobind.ClosedError) as caught:
            ask(Plain)
        assert str(caught.value) == f"{closable.path} is closed"


def test_a_library_with_a_contract_exports_too() -> None:
    library = libraries.load("accounts")

    @library.export
    def gobind_live() -> i64: ...

    assert gobind_live() == 0


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the name of its C library")
def test_a_library_that_is_not_go_at_all() -> None:
    libc = gobind.load("libc.so.6")
    assert libc.path.endswith("/libc.so.6")

    @libc.export
    def abs(n: i32) -> i32: ...

    @libc.export
    def labs(n: int) -> int: ...

    @libc.export(free=None)
    def getenv(name: cstr) -> Optional[cstr]: ...

    @libc.export
    def strdup(text: cstr) -> cstr: ...

    assert abs(-5) == 5 and labs(-(2**40)) == 2**40
    assert getenv("GOBIND_NO_SUCH_VARIABLE") is None
    assert strdup("copied \u00e4") == "copied \u00e4"
    assert gobind.load("libc.so.6") is libc
