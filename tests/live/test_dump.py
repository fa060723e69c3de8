"""``gobind dump``: descriptions and frames, word for word."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, Optional
from uuid import UUID

import libraries
import pytest

import gobind
from gobind.codec.layout import layout_of
from gobind.contract.resolve import Schema
from gobind.tool import cli, dump

NOW = datetime(2026, 1, 2, tzinfo=timezone.utc)
LIBRARY = str(libraries.path_of("accounts"))

REQUEST = struct.pack("<IIQQqQ", 1, 0, 100, 0x1000, 0, 0) + struct.pack(
    "<I12xQB15xQ4s8s", 1, 4, 7, 8, b"test", b"test_psw"
)
RESPONSE = struct.pack("<?15xQ8xQ2s3s", True, 2, 3, b"ok", b"\1\2\3")

SHOWN_REQUEST = """\
Accounts.login request, 100 bytes
offset  size  field                   type    value
     0     4  method                  u32     1
     4     4  flags                   u32     0
     8     8  size                    u64     100
    16     8  reply                   u64     4096
    24     8  timeout                 i64     0
    32     8  receiver                u64     0
    40     4  LoginRequest.user.id    u32     1
    56     8  LoginRequest.user.name  length  4
    88     4  LoginRequest.user.name  str     'test'
    64     1  LoginRequest.user.age   u8      7
    80     8  LoginRequest.password   length  8
    92     8  LoginRequest.password   str     'test_psw'
"""

SHOWN_RESPONSE = """\
Accounts.login response, 45 bytes
offset  size  field                  type    value
     0     1  LoginResponse.succ     bool    True
    16     8  LoginResponse.message  length  2
    40     2  LoginResponse.message  str     'ok'
    32     8  LoginResponse.token    length  3
    42     3  LoginResponse.token    bytes   b'\\x01\\x02\\x03'
"""


def run(capsys: Any, *words: str) -> tuple[int, str, str]:
    status = cli.main(["dump", LIBRARY, *words])
    said = capsys.readouterr()
    return status, said.out, said.err


@pytest.fixture
def write(tmp_path: Path) -> Any:
    """Write a frame to a file; returns its path."""

    def write(frame: bytes) -> str:
        (tmp_path / "frame").write_bytes(frame)
        return str(tmp_path / "frame")

    return write


def test_dump_shows_the_description_of_a_library(capsys: Any) -> None:
    status, out, err = run(capsys)
    assert (status, err) == (0, "")
    assert out.startswith(
        f"library {LIBRARY}, frame format 3\n\ncontract accounts\n\ninterface Accounts, fingerprint "
    )
    assert (
        "\nindex  method\n    0  ping(n: int) -> int\n    1  login(req: LoginRequest) -> LoginResponse\n"
        in out
    )
    assert (
        """
struct User, 32 bytes
offset  size  field  type
     0     4  id     u32
     8    16  name   str
    24     1  age    u8
"""
        in out
    )


def test_the_records_of_a_method(capsys: Any) -> None:
    status, out, err = run(capsys, "Accounts.login")
    assert (status, err) == (0, "")
    assert out.startswith("Accounts.login, index 1: request, 88 bytes and columns\n")
    assert "\n    40    48  req       LoginRequest\n" in out
    assert out.endswith(
        "response, 40 bytes and columns\noffset  size  field   type\n     0    40  result  LoginResponse\n"
    )
    _, out, _ = run(capsys, "Accounts.ping")
    assert out.endswith("\n\nAccounts.ping: no response, the call's own integer is the result\n")


def test_dump_shows_a_request_field_by_field(capsys: Any, write: Any) -> None:
    assert run(capsys, "Accounts.login", "--request", write(REQUEST)) == (0, SHOWN_REQUEST, "")


def test_a_request_as_digits_from_stdin(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    digits = REQUEST.hex(" ", 4).upper().encode() + b"\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(digits)))
    assert run(capsys, "Accounts.login", "--request", "-") == (0, SHOWN_REQUEST, "")


def test_dump_shows_a_response_field_by_field(capsys: Any, write: Any) -> None:
    assert run(capsys, "Accounts.login", "--response", write(RESPONSE)) == (0, SHOWN_RESPONSE, "")


@pytest.mark.parametrize(
    ("frame", "rows", "wrong"),
    [
        (REQUEST[:95], 11, ["8: the header says 100 bytes, 95 are there"]
         + ["92: corrupted frame: 8 bytes expected at 92 of 95"]),
        (REQUEST[:20], 3, ["16: the header is 40 bytes, 20 are there"]),
        (REQUEST[:60], 6, ["8: the header says 100 bytes, 60 are there"]
         + ["40: corrupted frame: 48 bytes expected at 40 of 60"]),
        (REQUEST[:8] + bytes(8) + REQUEST[16:] + b"x", 12, ["100: corrupted frame: it should end at 100 bytes, not at 101"]),
        (b"\2" + REQUEST[1:], 12, ["0: Accounts.login is method 1, not 2"]),
        (REQUEST[:90] + b"\xff" + REQUEST[91:], 9, ["90: LoginRequest.user.name: invalid start byte"]),
    ],
    ids=["cut in a column", "cut in the header", "cut in the record", "too long", "another method", "no UTF-8"],
)  # fmt: skip
def test_a_damaged_request_shows_as_far_as_it_can_be_read(
    capsys: Any, write: Any, frame: bytes, rows: int, wrong: list[str]
) -> None:
    status, out, err = run(capsys, "Accounts.login", "--request", write(frame))
    lines = out.splitlines()
    assert (status, err) == (1, "")
    assert lines[0] == f"Accounts.login request, {len(frame)} bytes"
    assert lines[2 + rows :] == [f"wrong at offset {text}" for text in wrong]


def test_a_large_request_shows_its_segments(capsys: Any, write: Any) -> None:
    head = struct.pack("<IIQQqQ", 1, 1, 70_000, 0, 0, 0)
    status, out, _ = run(
        capsys, "Accounts.login", "--request", write(head + struct.pack("<3Q", 1, 4096, 70_000))
    )
    assert status == 0
    assert out.splitlines()[-3:] == [
        "    40     8  segments    u64      1",
        "    48     8  segment[0]  address  4096",
        "    56     8  segment[0]  length   70000",
    ]
    status, out, _ = run(capsys, "Accounts.login", "--request", write(head + struct.pack("<2Q", 1, 4096)))
    assert (status, out.splitlines()[-1]) == (1, "wrong at offset 40: 1 segments expected, 0 are there")


def test_columns_show_each_item(capsys: Any, write: Any) -> None:
    frame = struct.pack("<8xQ2IQ5s2B", 2, 10, 20, 5 << 1, b"Al\0Bo", 30, 40)
    status, out, _ = run(capsys, "Accounts.add_friends", "--response", write(frame))
    assert status == 0
    assert out.splitlines()[2:] == [
        "     8     8  FriendsListResponse.users          length  2",
        "    16     4  FriendsListResponse.users[0].id    u32     10",
        "    20     4  FriendsListResponse.users[1].id    u32     20",
        "    24     8  FriendsListResponse.users[0].name  head    10",
        "    32     2  FriendsListResponse.users[0].name  str     'Al'",
        "    35     2  FriendsListResponse.users[1].name  str     'Bo'",
        "    37     1  FriendsListResponse.users[0].age   u8      30",
        "    38     1  FriendsListResponse.users[1].age   u8      40",
    ]


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (list[int], [1, 2, 3]),
        (list[str], ["a", "b\0c", ""]),
        (list[bytes], [b"", b"abc"]),
        (tuple[datetime, timedelta, UUID, bool], (NOW, timedelta(1), UUID(int=5), True)),
        (list[tuple[datetime, timedelta, UUID, bool]], [(NOW, timedelta(1), UUID(int=5), True)] * 3),
        (
            list[tuple[date, time, gobind.naive, gobind.bigint]],
            [(date(1, 1, 1), time(), datetime(1, 1, 1), -300)] * 2,
        ),
        (tuple[Decimal, Path, Literal["a"], Literal[1]], (Decimal("1.5"), Path("x"), "a", 1)),
        (dict[str, Optional[list[int]]], {"a": None, "b": [1, 2], "c": []}),
        (Optional[set[int]], {1, 2}),
        (list[tuple[dict[int, bytes], Optional[str]]], [({1: b"x"}, None), ({}, "y")]),
    ],
    ids=str,
)
def test_each_byte_behind_the_record_is_shown_once(annotation: Any, value: Any) -> None:
    block, node = gobind.flatten(value, annotation), Schema().node(annotation)
    rows: list[Any] = []
    recorder = dump._Recorder(block, 0, rows)
    recorder.record([("value", node)])
    seen = [0] * len(block)
    for offset, size, *_ in rows:
        for at in range(offset, offset + size):
            seen[at] += 1
    missed = [at for at in range(layout_of(node).size, len(block)) if seen[at] == 0]
    assert max(seen) == 1
    assert all(block[at] == 0 for at in missed), "what joins strings"
    assert str in (annotation, *getattr(annotation, "__args__", ())) or not missed


def test_long_values_are_cut(capsys: Any, write: Any) -> None:
    frame = struct.pack("<?15xQ8xQ100s", True, 100, 0, b"a" * 100)
    _, out, _ = run(capsys, "Accounts.login", "--response", write(frame))
    assert f"    str     '{'a' * 60}'... (100)\n".lstrip() in out


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["Accounts.logni"], f"{LIBRARY}: Accounts has no method logni; it has ping, login, logout, add_friends, "
         "delete_friends, pm_friend, multi_param_test"),
        (["Banks.login"], f"{LIBRARY} has no interface Banks; it has Accounts"),
        (["Accounts.login", "--request", "nowhere"], "nowhere: No such file or directory"),
        (["--request", "x"], "a frame is of a method: name it as Interface.method behind the library"),
        (["Accounts.ping", "--response", "A FRAME"],
         "Accounts.ping has no response: the call's own integer is the result"),
        (["Accounts.login", "--request", "a", "--response", "b"],
         "argument --response: not allowed with argument --request (see: gobind dump --help)"),
    ],
)  # fmt: skip
def test_errors_are_one_line(capsys: Any, write: Any, words: list[str], text: str) -> None:
    words = [write(bytes(24)) if word == "A FRAME" else word for word in words]
    assert run(capsys, *words) == (2, "", f"gobind: error: {text}\n")


def test_an_empty_file_is_refused(capsys: Any, write: Any) -> None:
    path = write(b"")
    text = f"gobind: error: {path} is empty; expected a frame, raw or as hexadecimal digits\n"
    assert run(capsys, "Accounts.login", "--request", path) == (2, "", text)


def test_a_plain_library_has_no_frames(capsys: Any) -> None:
    plain = str(libraries.path_of("plain"))
    assert cli.main(["dump", plain]) == 2
    text = f"gobind: error: {plain} holds no contract: it was not built by gobind, and its calls have no frames\n"
    assert capsys.readouterr() == ("", text)


def test_text_that_is_not_hexadecimal_is_refused(capsys: Any, tmp_path: Path) -> None:
    frame = tmp_path / "frame"
    frame.write_text("00000000: 0100 zz")
    assert run(capsys, "Accounts.login", "--request", str(frame)) == (
        2,
        "",
        f"gobind: error: {frame} is text, but not pairs of hexadecimal digits; expected a frame, raw or as those\n",
    )


def test_a_reader_that_has_seen_enough() -> None:
    command = f"{sys.executable} -m gobind dump {libraries.path_of('echo')} | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) in (("141\n", ""), ("0\n", ""))
