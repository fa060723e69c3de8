"""What each node of the type tree says of itself, so that nobody has to ask what it is."""

from __future__ import annotations

from typing import Any, ClassVar


class Kind:
    """A node of the type tree, with what holds for most of them.

    Attributes:
        is_handle: a value is an object that the other side refers to.
        wire_pattern: what the node is between Python and Go, with "%s" for its children; "" where that is its text.
    """

    __slots__ = ()

    is_handle: ClassVar[bool] = False
    wire_pattern: ClassVar[str] = ""

    @property
    def children(self) -> tuple[Any, ...]:
        """The nodes that values are made of."""
        return ()

    @property
    def references(self) -> tuple[Any, ...]:
        """The nodes that this one cannot be understood without: its children, and what its methods and items are."""
        return self.children

    @property
    def has_blocks(self) -> bool:
        """True if a value in a record needs more behind it than the bytes of strings."""
        return False

    @property
    def is_flat(self) -> bool:
        """True if a value is plain memory of fixed size: numbers, and structs of them."""
        return False
