"""The formats of buffers: what the buffer protocol says of memory, and which memory is taken for a list of numbers."""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence

from gobind.contract.scalars import Scalar

_ITEM = r"([<>=@!^]?)(\d*)([a-zA-Z?])"  # compiled for the first buffer: not all programs pass one


def kind_of_code(code: str) -> str:
    """Returns the kind of a format character, without its size."""
    if code in "bhilqn":
        return "int"
    if code in "BHILQNc":
        return "uint"
    return {"e": "float", "f": "float", "d": "float", "?": "bool"}.get(code, code)


def parse(text: str, itemsize: int) -> tuple[bool, list[tuple[int, str, int]]]:
    """Says whether the format of a buffer has explicit gaps, and its fields; what is no number is of no kind.

    Big-endian numbers are none, nor is what has marks of other things: ``&d`` is a pointer, ``(2)d`` an array.
    """
    stripped = re.sub(r":[^:]*:", "", text.replace("T{", "").replace("}", ""))
    fields: list[tuple[int, str, int]] = []
    offset, gaps, order = 0, False, "@"
    if not re.fullmatch(f"(?:{_ITEM}|\\s)*", stripped):
        return gaps, [(0, text, 0)]
    for mark, count, code in re.findall(_ITEM, stripped):
        order = mark or order
        if len(count) > 18 or int(count or 1) > itemsize:  # before any list of so many is made
            return gaps, [(0, text, 0)]
        if code == "x":
            gaps, offset = True, offset + int(count or 1)
            continue
        try:
            size = struct.calcsize(("@" if order in "@^" else "=") + code)
        except struct.error:
            return gaps, [(0, text, 0)]
        kind = kind_of_code(code) if order not in ">!" or size == 1 else "big-endian"
        for _ in range(int(count or 1)):
            fields.append((offset, kind, size))
            offset += size
    return gaps, fields


def is_packed(view: memoryview, item: Scalar, dimensions: int) -> bool:
    """Returns True if the memory holds numbers of the type `item`, in so many dimensions."""
    if view.ndim != dimensions or view.itemsize != item.size:
        return False
    return view.format == item.code or parse(view.format, view.itemsize)[1] == [
        (0, kind_of_code(item.code), item.size)
    ]


def misfit(value: object, item: Scalar, dimensions: int) -> str | None:
    """Returns why a value is not taken as the memory of numbers, for messages, behind the name of its class.

    None for memory that is taken; "" for what is no memory, or is a sequence whose items can be read one by one.
    """
    try:
        view = memoryview(value)  # type: ignore[arg-type]
    except TypeError:
        return ""
    except (ValueError, BufferError) as error:
        return f": {error}"
    with view:
        if is_packed(view, item, dimensions):
            return None
        if view.ndim != dimensions:
            return f" of {view.ndim} dimension{'s' * (view.ndim != 1)}"
        if isinstance(value, Sequence):
            return ""
        advice = f"; use .astype({_name(kind_of_code(item.code), item.size)!r})" * hasattr(value, "astype")
        return f" of format {view.format!r}{_explained(view)}{advice}"


def _explained(view: memoryview) -> str:
    """Returns the name of a number's format in brackets; "" for what is no number."""
    fields = parse(view.format.replace(">", "").replace("!", ""), view.itemsize)[1]
    if len(fields) != 1 or fields[0][1] not in ("int", "uint", "float", "bool"):
        return ""
    order = "big-endian " * (view.itemsize > 1 and view.format[0] in ">!")
    return f" ({order}{_name(*fields[0][1:])})"


def _name(kind: str, size: int) -> str:
    """Returns the name of a number's type as numpy has it."""
    return kind if kind == "bool" else f"{kind}{8 * size}"
