"""Several interfaces, spread over modules; two more contracts are packages of the same library."""

from __future__ import annotations

from typing import Protocol

from several_types import Named, Shade

from gobind import gointerface, gostruct


@gostruct
class Child(Named):
    """A struct that inherits from one of another module."""

    shade: Shade = Shade.LIGHT


@gointerface
class Base(Protocol):
    def where(self) -> str: ...
    def shared(self, child: Child) -> Child: ...


@gointerface
class Left(Base, Protocol):
    def left(self, children: list[Child]) -> list[Named]: ...


@gointerface
class Right(Base, Protocol):
    def right(self, named: Named) -> Child: ...
