"""Lists of strings and numbers, nested lists, dicts."""

from __future__ import annotations

import json
from array import array
from functools import lru_cache, partial
from typing import Any, Dict, List

from tests.bench import peers
from tests.bench.measure import Case, Maker, Row
from tests.bench.work.common import KINDS, NUMBERS, bench, json_echo, msgspec_echo, noop, strings

GROUP = "lists"
JOIN = "'\\0'.join(v).encode()"


def rows() -> List[Row]:
    found: List[Row] = []
    for n in (10, 1000, 100_000):
        for kind in KINDS:
            if n == 1000 or kind == "ASCII":
                found += [_taken(kind, n), _given(kind, n), _echoed(kind, n)]
    return [
        *found,
        _scaling(),
        _nested(),
        _counts(),
        _floats_in(),
        _floats_out(),
        _numpy(1000),
        _numpy(1_000_000),
    ]


def _name(what: str, kind: str, n: int) -> str:
    return f"list[str] {what}, {n:_}".replace("_", " ") + ("" if kind == "ASCII" else f", {kind}")


def _taken(kind: str, n: int) -> Row:
    v = partial(strings, kind, n)
    makers: Dict[str, Maker] = {
        "gobind": lambda: Case("f(v)", f=bench().take_strings, v=v()),
        "limit": lambda: Case(JOIN, v=v()),
        "ctypes + JSON": lambda: Case("f(d(v).encode())", f=peers.byhand().TakeStrings, d=json.dumps, v=v()),
        "ctypes + msgspec": lambda: Case("f(e(v))", f=peers.byhand().TakeStrings, e=peers.msgspec().json.encode, v=v()),
    }  # fmt: skip
    return Row(GROUP, _name("in", kind, n), makers, "one join and encode")


def _given(kind: str, n: int) -> Row:
    number = NUMBERS[kind]

    def limit() -> Case:
        blob = "\0".join(s.replace("\0", "-") for s in strings(kind, n)).encode()
        return Case("b.decode().split('\\0')", b=blob)

    makers: Dict[str, Maker] = {
        "gobind": lambda: Case("f(k, n)", f=bench().give_strings, k=number, n=n),
        "limit": limit,
        "ctypes + JSON": lambda: Case("f(k, n)", f=_json_given(json.loads), k=number, n=n),
        "ctypes + msgspec": lambda: Case(
            "f(k, n)", f=_json_given(peers.msgspec().json.decode), k=number, n=n
        ),
    }
    return Row(GROUP, _name("out", kind, n), makers, "one decode and split")


def _json_given(loads: Any) -> Any:
    lib = peers.byhand()
    return lambda kind, n: loads(peers.through_text(lambda _: lib.GiveStrings(kind, n))(b""))


def _echoed(kind: str, n: int) -> Row:
    v = partial(strings, kind, n)
    makers: Dict[str, Maker] = {
        "gobind": lambda: Case("f(v)", f=bench().echo_strings, v=v()),
        "limit": lambda: Case(f"{JOIN}.decode().split('\\0')", v=v()),
        "ctypes + JSON": lambda: Case("f(v)", f=json_echo("EchoStrings"), v=v()),
        "ctypes + msgspec": lambda: Case("f(v)", f=msgspec_echo("EchoStrings", List[str]), v=v()),
    }
    if kind == "ASCII":
        makers["ctypes + protobuf"] = lambda: Case("f(v)", f=_protobuf_echo(), v=v())
        makers["gopy"] = lambda: Case("list(f(S(v)))", f=peers.gopy().EchoStrings, S=_gopy_slice(), v=v())
        makers["Unix socket"] = lambda: Case("f(v)", f=_socket_echo(), v=v())
        makers["gRPC"] = lambda: Case("f(v)", f=_grpc_echo(), v=v())
    return Row(GROUP, _name("echo", kind, n), makers, "one join, encode, decode and split")


def _protobuf_echo() -> Any:
    pb, call = peers.protobuf(), peers.through_protobuf("EchoStrings")
    return lambda v: [*pb.Strings.FromString(call(pb.Strings(strings=v).SerializeToString())).strings]


def _grpc_echo() -> Any:
    pb, stub = peers.protobuf(), peers.grpc_stub()
    return lambda v: [*stub.EchoStrings(pb.Strings(strings=v)).strings]


def _socket_echo() -> Any:
    ask, loads, dumps = peers.sidecar(), json.loads, json.dumps
    return lambda v: loads(ask(dumps({"method": "echo_strings", "params": v}).encode()))


def _gopy_slice() -> Any:
    return peers.gopy().go.Slice_string


def _scaling() -> Row:
    many, few = partial(strings, "ASCII", 1_000_000), partial(strings, "ASCII", 1000)
    makers: Dict[str, Maker] = {
        "gobind": lambda: Case("f(v)", f=bench().echo_strings, v=many(), per=1_000_000),
        "limit": lambda: Case(f"{JOIN}.decode().split('\\0')", v=many(), per=1_000_000),
        "1 000 elements": lambda: Case("f(v)", f=bench().echo_strings, v=few(), per=1000),
    }
    return Row(GROUP, "list[str] echo, an element of 1 000 000", makers, "one join, encode, decode and split")


def _nested() -> Row:
    flat = strings("ASCII", 1000)
    v = [flat[i : i + 10] for i in range(0, 1000, 10)]
    makers: Dict[str, Maker] = {
        "gobind": lambda: Case("f(v)", f=bench().echo_nested, v=v),
        "limit": lambda: Case(f"{JOIN}.decode().split('\\0')", v=flat),
        "ctypes + JSON": lambda: Case("f(v)", f=json_echo("EchoNested"), v=v),
        "ctypes + msgspec": lambda: Case("f(v)", f=msgspec_echo("EchoNested", List[List[str]]), v=v),
    }
    return Row(GROUP, "list[list[str]] echo, 100 of 10", makers, "one join, encode, decode and split")


def _counts() -> Row:
    v = {name: number for number, name in enumerate(strings("ASCII", 1000))}
    makers: Dict[str, Maker] = {
        "gobind": lambda: Case("f(v)", f=bench().echo_counts, v=v),
        "limit": lambda: Case(
            f"a('q', v.values()); dict(zip({JOIN}.decode().split('\\0'), b.tolist()))", v=v, a=array, b=array("q", v.values())
        ),
        "ctypes + JSON": lambda: Case("f(v)", f=json_echo("EchoCounts"), v=v),
        "ctypes + msgspec": lambda: Case("f(v)", f=msgspec_echo("EchoCounts", Dict[str, int]), v=v),
    }  # fmt: skip
    return Row(GROUP, "dict[str, int] echo, 1 000", makers, "join, encode, decode, split; an array; a dict")


@lru_cache(maxsize=1)
def _floats(n: int) -> List[float]:
    return [number / 7 for number in range(n)]


def _floats_in() -> Row:
    v = partial(_floats, 1_000_000)
    makers: Dict[str, Maker] = {
        "gobind": lambda: Case("f(v)", f=bench().take_floats, v=v()),
        "limit": lambda: Case("a('d', v)", a=array, v=v()),
        "ctypes": lambda: Case(
            "f((T * len(v))(*v), len(v))", f=peers.byhand().LendFloats, T=_double(), v=v()
        ),
        "ctypes + JSON": lambda: Case("f(d(v).encode())", f=peers.byhand().TakeFloats, d=json.dumps, v=v()),
    }
    return Row(GROUP, "list[float] in, 1 000 000", makers, 'array("d", list)')


def _double() -> Any:
    import ctypes

    return ctypes.c_double


def _floats_out() -> Row:
    makers: Dict[str, Maker] = {
        "gobind": lambda: Case("f(1000000)", f=bench().give_floats),
        "limit": lambda: Case("v.tolist()", v=array("d", bytes(8_000_000))),
    }
    return Row(GROUP, "list[float] out, 1 000 000", makers, "array.tolist()")


def _numpy(n: int) -> Row:
    def pointer() -> Case:
        lib, v = peers.byhand(), peers.numpy().zeros(n)
        return Case("f(v.ctypes.data, v.size)", f=lib.LendFloats, v=v)

    makers: Dict[str, Maker] = {
        "gobind": lambda: Case("f(v)", f=bench().lend_floats, v=peers.numpy().zeros(n)),
        "limit": noop,
        "ctypes": pointer,
    }
    return Row(GROUP, f"numpy float64 in, {n:_}".replace("_", " "), makers, "a no-op foreign call")
