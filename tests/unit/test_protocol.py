"""The worked bytes in the text of `gobind.protocol` are what the generated functions write and read."""

from __future__ import annotations

import ctypes
import re
from typing import Any, Protocol

from gobind import gointerface, gostruct, protocol, u16, u32
from gobind.codec import linkage
from gobind.codec.registry import Blocks
from gobind.contract.resolve import Schema
from gobind.runtime.call.methods import compile_method


@gostruct
class User:
    id: u32
    name: str


@gointerface
class Greeter(Protocol):
    def greet(self, user: User, times: list[u16]) -> list[str]: ...


def worked(name: str) -> bytes:
    """The bytes of the frame of that name, whose offsets are checked."""
    table = (protocol.__doc__ or "").split(f"    offset  {name} ")[1].split("\n\n")[0]
    frame = b""
    for offset, digits in re.findall(r"^ +(\d+)  ((?:[0-9a-f]{2} )+) ", table, re.M):
        assert int(offset) == len(frame)
        frame += bytes.fromhex(digits)
    return frame


def test_the_worked_frames_are_those_of_a_call() -> None:
    request, response = worked("request"), worked("response")
    assert (len(request), len(response)) == (87, 29)

    def call(frame: bytes) -> int:
        reply = slice(protocol.REPLY_OFFSET, protocol.REPLY_OFFSET + 8)
        ctypes.memmove(int.from_bytes(frame[reply], "little"), response, len(response))
        assert frame[: reply.start] + request[reply] + frame[reply.stop :] == request
        return len(response)

    blocks = Blocks()
    entries: Any = dict.fromkeys(linkage.names_of(linkage.ENTRY), call)
    blocks.namespace.names.update(entries)
    greet: Any = compile_method(Schema().interface(Greeter).methods[0], 1, "Greeter", blocks)
    assert greet(None, User(7, "Eve"), [1, 2]) == ["hi", "ho"]
