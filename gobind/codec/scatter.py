"""Scattered frames: a table of segments instead of a copy, large pieces by reference."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Any

from gobind.codec.buffers import pin
from gobind.protocol import EXTERNAL_SIZE, FLAGS_OFFSET, HEADER_SIZE, SCATTERED, SIZE_OFFSET


class ScatteredFrame(bytes):
    """A frame that refers to memory elsewhere, and keeps it alive."""

    segments: list[Any]


def scatter(head: bytes, pieces: Sequence[bytes]) -> ScatteredFrame:
    """Returns the frame that consists of `head` (header and record) and of `pieces`.

    Small pieces are joined; those of `EXTERNAL_SIZE` bytes and more stay where they are.
    """
    segments = [*_segments(head[HEADER_SIZE:], pieces)]
    pinned = [pin(segment) for segment in segments]
    table = [len(segments)]
    for segment, (address, _) in zip(segments, pinned):
        table += address, len(segment)
    header = bytearray(head[:HEADER_SIZE])
    struct.pack_into("<I", header, FLAGS_OFFSET, SCATTERED)
    struct.pack_into("<Q", header, SIZE_OFFSET, HEADER_SIZE + 8 * len(table))
    frame = ScatteredFrame(bytes(header) + struct.pack(f"<{len(table)}Q", *table))
    frame.segments = [kept for _, kept in pinned]
    return frame


def _segments(record: bytes, pieces: Sequence[bytes]) -> Iterator[bytes]:
    small = [record]
    for piece in pieces:
        if len(piece) < EXTERNAL_SIZE:
            small.append(piece)
        else:
            yield b"".join(small)
            yield piece
            small = []
    if small:
        yield b"".join(small)
