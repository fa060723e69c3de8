"""The attributes that all nodes of the type tree have: code that uses them needs no `isinstance`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar


class Kind:
    """The base of all nodes of the type tree, with the values that most of them have.

    Attributes:
        is_handle: values are passed by handle.
        is_nilable: the Go type has a nil, which means None: ``Optional`` of the node is that Go type itself.
        wire_pattern: the text of the node on the wire, with "%s" for its children; "" where it equals ``text``.
    """

    __slots__ = ()

    is_handle: ClassVar[bool] = False
    is_nilable: ClassVar[bool] = False
    wire_pattern: ClassVar[str] = ""

    text: Any  # of each node, its canonical annotation

    def spelled(self, spell: Callable[[Any], str]) -> str:
        """Returns the annotation; `spell` returns those of the nodes inside."""
        made: str = self.text
        return made

    @property
    def children(self) -> tuple[Any, ...]:
        """The nodes that values are made of."""
        return ()

    @property
    def references(self) -> tuple[Any, ...]:
        """The nodes that this one refers to: its children, and the types of its methods and items."""
        return self.children

    @property
    def has_blocks(self) -> bool:
        """True if a value in a record has blocks behind the record, not only the bytes of strings."""
        return False

    @property
    def is_flat(self) -> bool:
        """True if a value is memory of fixed size without references: a number, or a struct of numbers."""
        return False
