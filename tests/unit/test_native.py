"""The functions of a library where ctypes copies bytes objects, as PyPy's does."""

from __future__ import annotations

import ctypes
from typing import Any

import pytest

from gobind import protocol
from gobind.runtime.call.status import new_reply
from gobind.runtime.process.native import _with_stable_addresses


class Statuses:
    """Keeps a status for each request, by its address, as Go does."""

    def __init__(self, kind: int) -> None:
        self.kind = kind
        self.waiting: set[int] = set()

    def call(self, memory: Any) -> int:
        self.waiting.add(ctypes.addressof(memory))
        return protocol.CHECK_STATUS

    def status(self, memory: Any, buffer: int) -> int:
        is_known = memory is not None and ctypes.addressof(memory) in self.waiting
        kind = self.kind if is_known else protocol.NONE
        ctypes.c_uint64.from_address(buffer).value = kind
        if kind in (protocol.VALUE, protocol.RESPONSE):
            self.waiting.remove(ctypes.addressof(memory))
        return 0

    def release(self, memory: Any) -> None:
        self.waiting.discard(ctypes.addressof(memory))


@pytest.mark.parametrize("kind", [protocol.VALUE, protocol.RESPONSE, protocol.ERROR, protocol.PANIC])
def test_the_status_of_a_failure_can_be_fetched_again_and_is_released(kind: int) -> None:
    go, frame = Statuses(kind), b"request"
    buffer, address = new_reply()
    call, _, ask, drop = _with_stable_addresses(go.call, go.call, go.status, go.release)
    is_failure = kind in (protocol.ERROR, protocol.PANIC)
    for _ in range(2):  # the second request has the same id
        assert call(frame) == protocol.CHECK_STATUS
        ask(frame, address)
        assert buffer[0] == bytes([kind])
        ask(frame, address)
        assert buffer[0] == bytes([kind if is_failure else protocol.NONE])
        assert len(go.waiting) == is_failure
        drop(frame)
        assert not go.waiting
        ask(frame, address)
        assert buffer[0] == bytes([protocol.NONE])
