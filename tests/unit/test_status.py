"""Statuses and the memory that they refer to, with a library that only notes what is released."""

from __future__ import annotations

import ctypes
import gc
import random
from typing import Any

import pytest

from gobind import CorruptFrame, protocol
from gobind.codec.frames import Input
from gobind.codec.registry import Blocks
from gobind.runtime.call.status import Held, Status, Statuses, ask_status, new_reply
from gobind.runtime.interrupts.ownership import only_here


class Released:
    """Stands for a library: it has one status to write, with segments in its own memory or in the caller's."""

    def __init__(self, *segments: bytes, held: int = 7, copies: bool = False) -> None:
        self.released: list[int] = []
        self.releasing = only_here(self._release)
        self._copies = copies
        self._held = held
        self._memory = [ctypes.create_string_buffer(segment, len(segment)) for segment in segments]
        pairs = [word for memory in self._memory for word in (ctypes.addressof(memory), len(memory))]
        self._pairs = (ctypes.c_uint64 * len(pairs))(*pairs)

    def _release(self, held: int) -> None:
        if held:
            self.released.append(held)

    def status(self, frame: bytes, address: int) -> int:
        count = len(self._memory)
        first, size = (*self._pairs, 0, 0)[:2] if count <= 1 else (ctypes.addressof(self._pairs), 0)
        if self._copies:
            ctypes.memmove(address + protocol.STATUS_SIZE, first, size)
            first = address + protocol.STATUS_SIZE
        head = protocol.STATUS.pack(protocol.RESPONSE, 0, count, first, size)
        ctypes.memmove(address, head, len(head))
        return self._held


def status_of(library: Any) -> Status:
    found = ask_status(library, b"", new_reply())
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("start", "stop", "expected"),
    [
        (0, 3, b"abc"),
        (1, 2, b"b"),
        (3, 5, b"de"),
        (3, 3, b""),
        (5, 9, b"fghi"),
        (6, 8, b"gh"),
        (2, 4, None),  # it crosses into another segment
        (8, 10, None),  # there is no more
    ],
)
def test_pieces_of_segments(start: int, stop: int, expected: bytes | None) -> None:
    library: Any = Released(b"abc", b"de", b"fghi")
    kind, _, response = status_of(library)
    assert isinstance(response, Held)
    assert (kind, len(response), response.head) == (protocol.RESPONSE, 9, b"abc")
    if expected is None:
        with pytest.raises(CorruptFrame, match="no segment has them"):
            response[start:stop]
    else:
        assert response[start:stop] == expected
    assert not library.released
    del response
    gc.collect()
    assert library.released == [7]


def test_what_lies_behind_the_head_is_not_copied_before_it_is_asked_for() -> None:
    data = bytes(range(256)) * 1024
    library: Any = Released(data)
    _, _, response = status_of(library)
    assert isinstance(response, Held)
    assert response.head == data[: protocol.REPLY_CAPACITY] and len(response) == len(data)
    assert response[protocol.REPLY_CAPACITY - 5 : len(data)] == data[protocol.REPLY_CAPACITY - 5 :]
    response.release()
    response.release()
    assert library.released == [7]


def test_a_status_without_segments_has_an_empty_response() -> None:
    assert status_of(Released(held=0))[2] == b""


def test_a_small_status_is_the_callers_own() -> None:
    assert status_of(Released(b"abc", held=0, copies=True)) == (protocol.RESPONSE, 0, b"abc")
    library: Any = Released(b"abc", copies=True)
    reply = new_reply()
    found = ask_status(library, b"", reply)
    ctypes.memset(reply[1], 0, protocol.REPLY_CAPACITY)
    assert found is not None
    assert isinstance(found[2], Held) and found[2].head == found[2][0:3] == b"abc"
    del found
    gc.collect()
    assert library.released == [7]


def test_large_pieces_are_shown_where_they_are() -> None:
    """A piece is what one segment has; of what none has there is nothing."""
    first, second = b"ab" + bytes(69_998), b"cd" + bytes(69_998)
    library: Any = Released(first, second)
    held = status_of(library)[2]
    assert isinstance(held, Held) and len(held) == 140_000
    assert held[0:2] == b"ab" and held[70_000:70_002] == b"cd"
    assert held.view(70_000, 140_000) == second and held.view(1, 70_000) == first[1:]
    for start, stop in ((0, 70_001), (69_999, 70_001), (70_000, 140_001), (140_000, 140_001)):
        for read in (lambda s: held[s], lambda s: held.view(s.start, s.stop)):
            with pytest.raises(
                CorruptFrame, match=f"{stop - start} bytes expected at {start}, no segment has them"
            ):
                read(slice(start, stop))
    source = Input(held, 0, len(held))
    assert source.view(70_000) == first and source.position == 70_000
    with pytest.raises(CorruptFrame, match="70001 bytes expected at 70000, 70000 are there"):
        source.view(70_001)


def test_failures_by_chance() -> None:
    """Whatever the bytes of a failure: it is told, or refused as corrupted."""
    numbers = random.Random(7)
    exceptions = {5: ValueError("five")}
    replies = Statuses(Any, Blocks(None), [], exceptions.__getitem__, lambda: None)  # type: ignore[arg-type]
    refused = 0
    for _ in range(20_000):
        sizes = [numbers.choice([0, 1, 3, 1 << 40, numbers.getrandbits(64)]) for _ in range(2)]
        index = numbers.choice([-1, 0, 1, 5, -(1 << 63), (1 << 63) - 1])
        flags = numbers.choice([0, 1, 2, 4, 8, 16, numbers.getrandbits(64)])
        frame = protocol.FAILURE.pack(*sizes, index, flags) + numbers.randbytes(
            numbers.choice([0, 1, 3, 6, 40])
        )
        frame = frame[: numbers.choice([len(frame), len(frame), numbers.randrange(len(frame))])]
        kind = numbers.choice([protocol.ERROR, protocol.PANIC, protocol.REFUSED, protocol.CLOSED])
        try:
            assert isinstance(replies._failure(kind, frame, b""), Exception)
        except CorruptFrame:
            refused += 1
    assert 1000 < refused < 19_000
