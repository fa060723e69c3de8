"""The worked bytes in the text of `gobind.protocol` are what the generated functions write and read."""

from __future__ import annotations

import ctypes
import linecache
import re
import sys
from typing import Any, Protocol

import pytest

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


GREET = """\
def greet(self, user, times):
    try:
        _out = _Output()
        if _type(user) is not _User:
            _require((user,), _User)
        _bytes_user_name_ = _encode(user.name)
        _len_user_name_ = _len(_bytes_user_name_)
        _out.append(_bytes_user_name_)
        if _type(times) is _list:
            _items_times_ = _tuple(times)
            _put_u16(_out, _items_times_)
        else:
            _items_times_ = _put_other_u16(_out, times)
        _len_times_ = _len(_items_times_)
        try:
            _reply = _take_reply()
        except _IndexError:
            _reply = _new_reply()
        _size = 80 + _sum(_map(_len, _out))
        _frame = _pack_greet(1, _size, _reply[1], user.id, _len_user_name_, _len_times_)  # method, size, reply, user.id, len(user.name), len(times)
        if _size < 65536:  # EXTERNAL_SIZE
            _frame = b''.join((_frame, *_out))
        else:
            _frame = _scatter(_frame, [*_out])
    except _Exception:
        _explain_greet(user, times)
        raise
    try:
        _size = _call(_frame)
        if _size >= 0:
            _head = _buf = _reply[0]
        else:
            _head, _buf, _size = _fetch_response(_frame, _reply)
    except _BaseException as _error:
        try:
            _add_own(_error, _frame)
        finally:
            _release_status(_frame)
        raise
    try:
        _len_result_, = _unpack__8xQ(_head)
        _source = _Input(_buf, 16, _size)
        _items_result_ = _get_str(_source, _len_result_)  # result
        _source.finish()
        _result = _items_result_
    except _Exception as _error:
        raise _locate(_result_greet, _buf, _size, _error) from None
    _give_reply(_reply)
    return _result
"""  # noqa: E501


@pytest.mark.skipif(sys.version_info < (3, 11), reason="3.10 gets the same try statement three times")
def test_the_generated_method_says_what_its_lines_are_about() -> None:
    greet: Any = compile_method(Schema().interface(Greeter).methods[0], 1, "Greeter", Blocks())
    assert "".join(linecache.getlines(greet.__code__.co_filename)) == GREET


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
