"""`Buffer`, the one annotation that is an object of gobind's own."""

from __future__ import annotations

from typing import Any, Optional

import pytest

from gobind import Buffer, MutableBuffer, u8, u16
from gobind.contract.scalars import SCALARS


def test_equal_annotations_are_equal() -> None:
    assert Buffer[u8] == Buffer[u8] != Buffer[u16]
    assert hash(Buffer[u8]) == hash(Buffer[u8])
    assert Buffer[u8] != u8  # type: ignore[comparison-overlap]
    assert MutableBuffer[u8] == MutableBuffer[u8] != Buffer[u8]
    assert len({Buffer[u8], MutableBuffer[u8], MutableBuffer[u8]}) == 2
    assert len({Buffer[u8], Buffer[u8], Buffer[float]}) == 2  # type: ignore[arg-type]


def test_the_repr_of_a_buffer_annotation_names_its_item() -> None:
    assert repr(Buffer[float]) == "gobind.Buffer[<class 'float'>]"
    assert repr(MutableBuffer[float]) == "gobind.MutableBuffer[<class 'float'>]"


def test_typing_accepts_a_buffer_annotation() -> None:
    nested: Any = Optional[Buffer[u8]]
    assert nested.__args__[0] == Buffer[u8]


def test_a_buffer_annotation_cannot_be_called() -> None:
    made: Any = Buffer[u8]
    with pytest.raises(TypeError, match=r"^Buffer\[\.\.\.\] is an annotation, not a value$"):
        made()


@pytest.mark.parametrize("name", [name for name in SCALARS if name[0] in "iu"])
def test_ranges_of_integers(name: str) -> None:
    scalar = SCALARS[name]
    assert scalar.high - scalar.low == 256**scalar.size - 1
    assert scalar.low == (0 if name[0] == "u" else -scalar.high - 1)
