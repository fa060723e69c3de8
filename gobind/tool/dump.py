"""``gobind dump``: prints a library's description, or one frame, field by field with offsets.

Frames are read by `gobind.codec.diagnose`, which also finds the mistakes in frames of a running program.
"""

from __future__ import annotations

import io
import os
import re
import struct
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import gobind
from gobind import protocol
from gobind.codec.diagnose import Walker
from gobind.codec.frames import CorruptFrame
from gobind.codec.layout import layout_of, record_layout
from gobind.contract.types import InterfaceType, Method, Node
from gobind.contract.validate import Place
from gobind.errors import GobindError
from gobind.runtime.binding import CarriedContract
from gobind.runtime.call.methods import is_direct

MOST_SHOWN = 60
"""How many characters or bytes of a value are shown."""

_HEADER = (
    *(("method", "I"), ("flags", "I"), ("size", "Q"), ("reply", "Q"), ("timeout", "q"), ("receiver", "Q")),
)
_TYPES = {"I": "u32", "Q": "u64", "q": "i64"}

Row = Sequence[Any]


def dump(library: Path, method: str | None, request: str | None, response: str | None) -> int:
    """Prints a description, a method's records, or a frame; returns the exit status.

    Args:
        library: the path of the library.
        method: ``Interface.method``; None for the whole library.
        request, response: the file with the frame, "-" for stdin.

    Raises:
        GobindError: there is no such library, method or frame.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(
            errors="backslashreplace"
        )  # values may have characters that the terminal's encoding lacks
    contracts = _contracts_of(library)
    if method is None:
        if request is not None or response is not None:
            raise GobindError("a frame is of a method: name it as Interface.method behind the library")
        _print_library(library, contracts)
        return 0
    carried, node, found = _find(library, contracts, method)
    index = carried.index_of(node) + carried.methods_of(node).index(found.name)
    if request is not None:
        return _print_request(method, index, found, _read(request))
    if response is not None:
        return _print_response(method, found, _read(response))
    _print_records(method, index, found)
    return 0


def _contracts_of(library: Path) -> list[CarriedContract]:
    opened = gobind.load(os.path.abspath(library))
    if not opened._contracts:
        raise GobindError(
            f"{library} holds no contract: it was not built by gobind, and its calls have no frames"
        )
    return opened._contracts


def _find(
    library: Path, contracts: list[CarriedContract], name: str
) -> tuple[CarriedContract, InterfaceType, Method]:
    interface, _, last = name.partition(".")
    for carried in contracts:
        if interface in carried.interfaces:
            node = carried.interface(interface)
            for method in node.methods:
                if method.name == last:
                    return carried, node, method
            names = ", ".join(carried.methods_of(node))
            what = f"has no method {last}" if last else "is an interface: name a method of it"
            raise GobindError(f"{library}: {interface} {what}; it has {names}")
    offer = ", ".join(each for carried in contracts for each in carried.interfaces)
    raise GobindError(f"{library} has no interface {interface}; it has {offer}")


LARGEST = 4 << 20
"""Bytes of the largest input that is read: a value takes a line of some hundred bytes."""


def _read(name: str) -> bytes:
    """Reads a frame from a file or stdin, as bytes or as hexadecimal digits."""
    where = "stdin" if name == "-" else name
    if name == "-" and sys.stdin is None:
        raise GobindError("stdin is closed")
    with sys.stdin.buffer if name == "-" else open(name, "rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise GobindError(f"{where} has more than {LARGEST >> 20} MiB: that is more than can be shown")
    digits = data.translate(None, b" \t\r\n")
    if digits and not len(digits) % 2 and not digits.translate(None, b"0123456789abcdefABCDEF"):
        return bytes.fromhex(digits.decode())
    if not data:
        raise GobindError(f"{where} is empty; expected a frame, raw or as hexadecimal digits")
    if re.fullmatch(rb"[\s!-~]+", data):  # a raw frame has NULs
        raise GobindError(
            f"{where} is text, but not pairs of hexadecimal digits; expected a frame, raw or as those"
        )
    return data


# Descriptions


def _print_library(library: Path, contracts: list[CarriedContract]) -> None:
    native = gobind.load(os.path.abspath(library))._native
    print(", ".join([f"library {library}", f"frame format {native.abi}", *sorted(native.features)]))
    for carried in contracts:
        print(f"\ncontract {carried.name}")
        parsed = carried.parsed()
        for name, (fingerprint, first, names) in carried.interfaces.items():
            methods = {method.name: method for method in carried.interface(name).methods}
            rows: list[Row] = [(first + at, _signature(methods[each])) for at, each in enumerate(names)]
            _print_table(f"\ninterface {name}, fingerprint {fingerprint}", ("index", "method"), rows)
        for text, index in carried.callables.items():
            print(f"\ncallable {text}, index {index}")
        for struct_node in (*parsed.structs, *parsed.errors):
            size, *offsets = carried.layouts.get(struct_node.text) or [layout_of(struct_node).size]
            fields = zip(offsets or layout_of(struct_node).offsets, struct_node.fields)
            rows = [(at, layout_of(f.type).size, f.name, f.type.text) for at, f in fields]
            kind = "error" if struct_node in parsed.errors else "struct"
            _print_table(
                f"\n{kind} {struct_node.text}, {size} bytes", ("offset", "size", "field", "type"), rows
            )


def _signature(method: Method) -> str:
    params = ", ".join(f"{param.name}: {param.type.text}" for param in method.params)
    result = "None" if method.result is None else method.result.text
    return f"{'async ' * method.is_async}{method.name}({params}) -> {result}"


def _print_records(name: str, index: int, method: Method) -> None:
    nodes = [param.type for param in method.params]
    layout = record_layout(nodes)
    columns = ("offset", "size", "field", "type")
    rows: list[Row] = [(at, size, word, _TYPES[code]) for word, code, at, size in _header_fields()]
    for param, at in zip(method.params, layout.offsets):
        rows.append((protocol.HEADER_SIZE + at, layout_of(param.type).size, param.name, param.type.text))
    size = protocol.HEADER_SIZE + layout.size
    _print_table(f"{name}, index {index}: request, {size} bytes and columns", columns, rows)
    result = method.result
    if result is None or is_direct(result):
        print(f"\n{name}: no response, the call's own integer is the result")
    else:
        size = layout_of(result).size
        _print_table(
            f"\n{name}: response, {size} bytes and columns", columns, [(0, size, "result", result.text)]
        )


def _header_fields() -> Iterator[tuple[str, str, int, int]]:
    at = 0
    for word, code in _HEADER:
        size = struct.calcsize(f"<{code}")
        yield word, code, at, size
        at += size


# Frames


class _Recorder(Walker):
    """A walker that adds a row for each value that it reads."""

    def __init__(self, source: bytes, start: int, rows: list[Row]) -> None:
        super().__init__(source, len(source), start)
        self._rows = rows

    def note(self, offset: int, size: int, path: Place, text: str, value: Any) -> None:
        self.reached = offset
        self._rows.append((offset, size, str(path), text, _shown(value, text)))


def _print_request(name: str, index: int, method: Method, frame: bytes) -> int:
    rows: list[Row] = []
    problems: list[tuple[int, str]] = []
    header: dict[str, int] = {}
    for word, code, at, size in _header_fields():
        if at + size > len(frame):
            problems.append((at, f"the header is {protocol.HEADER_SIZE} bytes, {len(frame)} are there"))
            return _print_frame(f"{name} request", frame, rows, problems)
        (header[word],) = struct.unpack_from(f"<{code}", frame, at)
        rows.append((at, size, word, _TYPES[code], header[word]))
    if header["method"] != index:
        problems.append((protocol.METHOD_OFFSET, f"{name} is method {index}, not {header['method']}"))
    if header["flags"] & protocol.SCATTERED:
        _add_segments(frame, rows, problems)
        return _print_frame(f"{name} request", frame, rows, problems)
    if header["size"] not in (0, len(frame)):
        problems.append(
            (protocol.SIZE_OFFSET, f"the header says {header['size']} bytes, {len(frame)} are there")
        )
    fields = [(param.name, param.type) for param in method.params]
    _walk(frame, protocol.HEADER_SIZE, fields, rows, problems)
    return _print_frame(f"{name} request", frame, rows, problems)


def _print_response(name: str, method: Method, frame: bytes) -> int:
    result = method.result
    if result is None or is_direct(result):
        raise GobindError(f"{name} has no response: the call's own integer is the result")
    rows: list[Row] = []
    problems: list[tuple[int, str]] = []
    _walk(frame, 0, [("result", result)], rows, problems)
    return _print_frame(f"{name} response", frame, rows, problems)


def _walk(
    frame: bytes,
    start: int,
    fields: list[tuple[str, Node]],
    rows: list[Row],
    problems: list[tuple[int, str]],
) -> None:
    """Reads a record and its columns as far as possible; adds to `rows` and `problems`."""
    walker = _Recorder(frame, start, rows)
    try:
        walker.record(fields)
    except UnicodeDecodeError as error:
        problems.append((walker.reached + error.start, error.reason))
    except (CorruptFrame, ValueError, OverflowError) as error:
        problems.append((walker.reached, str(error)))
    except MemoryError:
        problems.append((walker.reached, "corrupted frame: an impossible length"))


def _add_segments(frame: bytes, rows: list[Row], problems: list[tuple[int, str]]) -> None:
    """Adds the list of segments of a large request; the segments lie in the memory of the process that sent it."""
    at = protocol.HEADER_SIZE
    words = [value for (value,) in struct.iter_unpack("<Q", frame[at : len(frame) // 8 * 8])]
    rows.extend(
        (at + 8 * index, 8, f"segment[{(index - 1) // 2}]" if index else "segments", text, word)
        for index, word in enumerate(words)
        for text in ("u64" if not index else "length" if index % 2 == 0 else "address",)
    )
    found = max(0, len(words) - 1) // 2
    if not words or len(words) != 1 + 2 * words[0]:
        problems.append((at, f"{words[0] if words else 'some'} segments expected, {found} are there"))


def _shown(value: Any, text: str) -> str:
    if isinstance(value, (bytes, str)):
        if text in ("str", "Decimal", "Path") and isinstance(value, bytes):
            value = value.decode("utf-8", "backslashreplace")
        shown = repr(value[:MOST_SHOWN])
        return shown if len(value) <= MOST_SHOWN else f"{shown}... ({len(value)})"
    return str(value)


def _print_frame(title: str, frame: bytes, rows: list[Row], problems: list[tuple[int, str]]) -> int:
    _print_table(f"{title}, {len(frame)} bytes", ("offset", "size", "field", "type", "value"), rows)
    for offset, text in problems:
        print(f"wrong at offset {offset}: {text}")
    return 1 if problems else 0


def _print_table(title: str, heads: Sequence[str], rows: Sequence[Row]) -> None:
    """Prints columns under their heads: offsets, sizes and indexes right-aligned, all else left-aligned."""
    lines = [[str(cell) for cell in row] for row in (heads, *rows)]
    widths = [max(map(len, column)) for column in zip(*lines)]
    print(title)
    for line in lines:
        cells = [
            cell.rjust(width) if head in ("offset", "size", "index") else cell.ljust(width)
            for cell, width, head in zip(line, widths, heads)
        ]
        print("  ".join(cells).rstrip())
