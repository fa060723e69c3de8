"""The types that contracts are written with: sized numbers, `Buffer`, `MutableBuffer`, `OneWay`, `cstr`, `JSON`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, ForwardRef, NamedTuple, ParamSpec, Protocol, TypeVar, Union

from gobind.contract.kinds import Kind

__all__ = ["JSON", "Buffer", "MutableBuffer", "OneWay", "cstr", "f32", "f64"]
__all__ += ["i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64"]


class _Row(NamedTuple):
    text: str
    go: str
    code: str
    size: int
    low: int
    high: int


class Scalar(_Row, Kind):
    """A fixed-size number: a leaf of the type tree, and the marker inside `u8`, `f32` ...

    Attributes:
        text: the word used in contracts and messages.
        go: the Go type.
        code: the format character of `struct` and `array` (standard sizes, little-endian).
        size: bytes.
        low, high: the smallest and largest value; both 0 for floats and bool.
    """

    __slots__ = ()

    @property
    def align(self) -> int:
        """The alignment of a value inside a record, in bytes."""
        return self.size

    @property
    def is_flat(self) -> bool:
        """True: a number."""
        return True


def _integer(text: str, go: str, code: str, size: int) -> Scalar:
    bits = size * 8
    if text.startswith("u"):
        return Scalar(text, go, code, size, 0, 2**bits - 1)
    return Scalar(text, go, code, size, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


SCALARS: dict[str, Scalar] = {
    scalar.text: scalar
    for scalar in (
        Scalar("bool", "bool", "?", 1, 0, 0),
        _integer("int", "int", "q", 8),
        Scalar("float", "float64", "d", 8, 0, 0),
        _integer("i8", "int8", "b", 1),
        _integer("i16", "int16", "h", 2),
        _integer("i32", "int32", "i", 4),
        _integer("i64", "int64", "q", 8),
        _integer("u8", "uint8", "B", 1),
        _integer("u16", "uint16", "H", 2),
        _integer("u32", "uint32", "I", 4),
        _integer("u64", "uint64", "Q", 8),
        Scalar("f32", "float32", "f", 4, 0, 0),
        Scalar("f64", "float64", "d", 8, 0, 0),
    )
}

i8 = Annotated[int, SCALARS["i8"]]
i16 = Annotated[int, SCALARS["i16"]]
i32 = Annotated[int, SCALARS["i32"]]
i64 = Annotated[int, SCALARS["i64"]]
u8 = Annotated[int, SCALARS["u8"]]
u16 = Annotated[int, SCALARS["u16"]]
u32 = Annotated[int, SCALARS["u32"]]
u64 = Annotated[int, SCALARS["u64"]]
f32 = Annotated[float, SCALARS["f32"]]
f64 = Annotated[float, SCALARS["f64"]]


class CString:
    """The marker inside `cstr`."""


cstr = Annotated[str, CString()]
"""A C ``char *`` of UTF-8 text that ends with a NUL, for `Library.export` only."""

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")
P = ParamSpec("P")

if TYPE_CHECKING:
    from typing import TypeAlias

    class Buffer(Protocol[T_co]):
        """Memory passed by reference: any object with the buffer protocol."""

        def __buffer__(self, flags: int, /) -> memoryview: ...

    class MutableBuffer(Protocol[T_co]):
        """Memory passed by reference, to be written to: type checkers refuse `bytes`, which has no items to set."""

        def __buffer__(self, flags: int, /) -> memoryview: ...

        def __setitem__(self, key: Any, value: Any, /) -> None: ...

    OneWay: TypeAlias = Callable[P, T | Awaitable[T]]

else:

    class Buffer:
        """Memory passed by reference: ``Buffer[T]``, T a sized scalar or a flat gostruct.

        As an argument it takes any C-contiguous buffer of that format (numpy, `array`, `memoryview`,
        `bytes` for ``u8``), which is never copied and valid in Go during the call only. Go promises to
        read it only, as it may be a constant; memory to be written to is a `MutableBuffer`. As a result
        it is a `memoryview` over memory of Go that is freed with its last view.
        """

        def __class_getitem__(cls, item: Any) -> Any:
            return BufferOf(item, False)

    class MutableBuffer:
        """Memory passed by reference that Go may write to: ``MutableBuffer[T]``, T as for `Buffer`.

        For arguments only, which must be writable: `bytes` is refused.
        """

        def __class_getitem__(cls, item: Any) -> Any:
            return BufferOf(item, True)

    class OneWay:
        """A function that Go calls without waiting for it: ``OneWay[[A, B], None]``, in Go a ``func(A, B)``.

        Calls are delivered in order: one after another by one thread of the library, or on the event loop that was
        running where the function was passed, where ``async def`` functions become tasks. While
        `protocol.ONE_WAY_CAPACITY` calls wait, new ones are dropped, which `Library.dropped` counts. An exception goes
        to `threading.excepthook`, on a loop to the loop's exception handler.
        """

        def __class_getitem__(cls, item: Any) -> Any:
            return OneWayOf(item)


class _Subscripted:
    """What a name of this module with brackets evaluates to at run time."""

    def __init__(self, word: str, item: Any) -> None:
        self.word = word
        self.item = item

    def __repr__(self) -> str:
        return f"gobind.{self.word}[{self.item!r}]"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Subscripted) and (self.word, self.item) == (other.word, other.item)

    def __hash__(self) -> int:
        return hash(repr(self))  # the item may be a list

    def __call__(self) -> None:  # typing accepts only callables inside Optional[...], list[...]
        raise TypeError(f"{self.word}[...] is an annotation, not a value")


class BufferOf(_Subscripted):
    """``Buffer[item]``, or ``MutableBuffer[item]``."""

    def __init__(self, item: Any, is_mutable: bool) -> None:
        super().__init__("MutableBuffer" if is_mutable else "Buffer", item)
        self.is_mutable = is_mutable


class OneWayOf(_Subscripted):
    """``OneWay[item]``: the item is ``([A, B], None)``."""

    def __init__(self, item: Any) -> None:
        super().__init__("OneWay", item)

    def __or__(self, other: Any) -> Any:
        return Union[self, other]

    def __ror__(self, other: Any) -> Any:
        return Union[other, self]


if TYPE_CHECKING:
    JSON: TypeAlias = "None | bool | int | float | str | list[JSON] | dict[str, JSON]"
    """What JSON has; in Go an ``any``."""
else:
    _json = ForwardRef("JSON", module=__name__)
    JSON = Union[None, bool, int, float, str, list[_json], dict[str, _json]]
