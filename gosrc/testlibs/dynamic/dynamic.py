"""Values whose type only the value knows."""

from __future__ import annotations

from typing import Any, Callable, Protocol, Union

from gobind import JSON, gointerface, gomethod, gostruct, u8

Scalar = Union[int, str, None]
Tree = Union[None, bool, int, float, str, "list[Tree]", "dict[str, Tree]"]


@gostruct
class User:
    id: int
    name: str


@gostruct
class Box:
    value: Any
    more: list[Any]
    tree: Tree


@gostruct
class Hidden:
    """No annotation refers to it: only dynamic values hold it."""

    x: u8


@gointerface
class Dynamic(Protocol):
    def echo(self, value: Any) -> Any: ...
    def echo_object(self, value: object) -> object: ...
    def echo_json(self, value: JSON) -> JSON: ...
    def echo_scalar(self, value: Scalar) -> Scalar: ...
    def echo_unnamed(self, value: list[int | str]) -> list[int | str]: ...
    def echo_numbers(self, value: dict[int, float] | str) -> dict[int, float] | str: ...
    def echo_box(self, box: Box) -> Box: ...
    def echo_mixed(self, value: User | str) -> User | str: ...
    def echo_table(self, value: dict[str, Any]) -> dict[str, Any]: ...
    @gomethod(ring=True)
    def keep(self, value: JSON) -> None: ...
    def kept(self) -> JSON: ...
    async def echo_later(self, value: JSON) -> JSON: ...
    @gomethod(blocking=True)
    def echo_blocking(self, value: JSON) -> JSON: ...
    def go_type(self, value: Any) -> str:
        """The Go types of a value and of what it holds."""

    def make(self, what: str) -> Any:
        """One of the values that only Go has."""

    def make_json(self, what: str) -> JSON: ...
    def call(self, f: Callable[[Any], Any], value: Any) -> Any: ...
    def call_json(self, f: Callable[[JSON], JSON], value: JSON) -> JSON: ...
    def text_of(self, text: str) -> str:
        """JSON text through the package encoding/json."""
