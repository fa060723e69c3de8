"""Single calls: scalars, a small struct, errors and panics."""

from __future__ import annotations

import json
from base64 import b64decode
from functools import partial
from typing import Any, Dict, List

import gobind
from tests.bench import peers
from tests.bench.measure import Case, Maker, Row, Timed
from tests.bench.work.common import bench, contract, noop, upcalls

GROUP = "calls"


def rows() -> List[Row]:
    request = contract.LoginRequest(contract.User(1, "test", 30), "test_psw")
    return [
        Row(GROUP, "add", {"gobind": lambda: Case("f(3, 4)", f=bench().add), **_adders()}, "a no-op foreign call"),
        Row(
            GROUP,
            "add, release_gil=False",
            {
                "gobind": lambda: Case("f(3, 4)", f=bench().add_keeping_gil),
                "limit": lambda: Case("f()", f=peers.byhand_keeping_gil().Nothing),
                "ctypes": lambda: Case("f(3, 4)", f=peers.byhand().Add),
                "ctypes.PyDLL": lambda: Case("f(3, 4)", f=peers.byhand_keeping_gil().Add),
            },
            "a no-op foreign call that keeps the GIL",
        ),
        Row(
            GROUP,
            "method of an object",
            {
                "gobind": lambda: Case("f(3, 4)", f=upcalls().counter().add),
                "limit": noop,
                "method of the root": lambda: Case("f(3, 4)", f=bench().add),
            },
            "a no-op foreign call",
        ),
        Row(
            GROUP,
            "add, blocking=True",
            {
                "gobind": lambda: Case("f(3, 4)", f=bench().add_interruptibly),
                "plain method": lambda: Case("f(3, 4)", f=bench().add),
            },
        ),
        Row(
            GROUP,
            "one-way through the ring",
            {
                "gobind": lambda: Case("f(1)", f=bench().tell),
                "limit": noop,
                "plain method": lambda: Case("f(3, 4)", f=bench().add),
            },
            "a no-op foreign call",
        ),
        Row(
            GROUP,
            "login",
            {
                "gobind": lambda: Case("f(r)", f=bench().login, r=request),
                "limit": lambda: Case(
                    "f(); C(True, m.decode(), t[:])",
                    f=peers.byhand().Nothing, C=contract.LoginResponse, m=b"welcome, test", t=bytearray(b"\6\6\6"),
                ),
                "ctypes + JSON": lambda: Case("f(r)", f=_json_login(), r=request),
                "ctypes + msgspec": lambda: Case("f(r)", f=_msgspec_login(), r=request),
                "ctypes + protobuf": lambda: Case("f(r)", f=_protobuf_login(), r=request),
                "cffi API + JSON": lambda: Case("f(r)", f=_cffi_login(), r=request),
                "gopy": lambda: _gopy_login(request),
                "rust2go, from Rust": lambda: Timed(partial(peers.rust2go(), "login")),
                "Unix socket": lambda: Case("f(r)", f=_socket_login(), r=request),
                "gRPC": lambda: Case("f(r)", f=_grpc_login(), r=request),
            },
            "the no-op, and making the same response",
        ),  # fmt: skip
        Row(
            GROUP,
            "error",
            {
                "gobind": lambda: Case("try: f('k')\nexcept E: pass", f=bench().fail, E=contract.NotFound),
                "limit": lambda: Case(
                    "f()\ntry: raise E('k')\nexcept E: pass", f=peers.byhand().Nothing, E=contract.NotFound
                ),
                "ctypes + JSON": lambda: Case("try: f('k')\nexcept RuntimeError: pass", f=_json_error()),
            },
            "the no-op, and raising the same exception",
        ),
        Row(
            GROUP,
            "panic",
            {"gobind": lambda: Case("try: f('k')\nexcept E: pass", f=bench().panic, E=gobind.GoPanic), "limit": noop},
            "a no-op foreign call; elsewhere a panic ends the process",
        ),
    ]  # fmt: skip


def _adders() -> Dict[str, Maker]:
    return {
        "limit": noop,
        "ctypes": lambda: Case("f(3, 4)", f=peers.byhand().Add),
        "cffi API": lambda: Case("f(3, 4)", f=peers.cffi_api().Add),
        "cffi ABI": lambda: Case("f(3, 4)", f=peers.cffi_abi().Add),
        "gopy": lambda: Case("f(3, 4)", f=peers.gopy().Add),
        "rust2go's ping, from Rust": lambda: Timed(partial(peers.rust2go(), "ping")),
        "Unix socket": lambda: Case("loads(f(b'{\"method\":\"add\",\"params\":[3,4]}'))", f=peers.sidecar(), loads=json.loads),
        "gRPC": _grpc_add,
    }  # fmt: skip


def _grpc_add() -> Case:
    return Case("f(P(a=3, b=4)).n", f=peers.grpc_stub().Add, P=peers.protobuf().Pair)


def _request_of(req: Any) -> Dict[str, Any]:
    user = req.user
    return {"user": {"id": user.id, "name": user.name, "age": user.age}, "password": req.password}


def _response_of(text: bytes) -> Any:
    found = json.loads(text)
    return contract.LoginResponse(found["succ"], found["message"], b64decode(found["token"]))


def _json_login() -> Any:
    call, dumps = peers.through_text(peers.byhand().Login), json.dumps
    return lambda req: _response_of(call(dumps(_request_of(req)).encode()))


def _socket_login() -> Any:
    ask, dumps = peers.sidecar(), json.dumps
    return lambda req: _response_of(ask(dumps({"method": "login", "params": _request_of(req)}).encode()))


def _msgspec_login() -> Any:
    msgspec = peers.msgspec()
    call = peers.through_text(peers.byhand().Login)
    encode, decode = (
        msgspec.json.Encoder().encode,
        msgspec.json.Decoder(_resolved(contract.LoginResponse)).decode,
    )
    return lambda req: decode(call(encode(req)))


def _resolved(cls: Any) -> Any:
    """A plain dataclass like a gostruct, with annotations that msgspec reads."""
    import dataclasses

    kinds = {"bool": bool, "str": str, "bytes": bytes, "u8": int, "u32": int}
    fields = [(field.name, kinds[str(field.type)]) for field in dataclasses.fields(cls)]
    slots: Any = {"slots": True} if hasattr(dataclasses, "KW_ONLY") else {}
    return dataclasses.make_dataclass(cls.__name__, fields, **slots)


def _protobuf_login() -> Any:
    pb, call = peers.protobuf(), peers.through_protobuf("Login")

    def login(req: Any) -> Any:
        user = req.user
        message = pb.LoginRequest(
            user=pb.User(id=user.id, name=user.name, age=user.age), password=req.password
        )
        found = pb.LoginResponse.FromString(call(message.SerializeToString()))
        return contract.LoginResponse(found.succ, found.message, found.token)

    return login


def _grpc_login() -> Any:
    pb, stub = peers.protobuf(), peers.grpc_stub()

    def login(req: Any) -> Any:
        user = req.user
        message = pb.LoginRequest(
            user=pb.User(id=user.id, name=user.name, age=user.age), password=req.password
        )
        found = stub.Login(message)
        return contract.LoginResponse(found.succ, found.message, found.token)

    return login


def _cffi_login() -> Any:
    lib, ffi = peers.cffi_api(), peers.package("byhand_cffi").ffi
    string, dumps = ffi.string, json.dumps

    def login(req: Any) -> Any:
        answer = lib.Login(dumps(_request_of(req)).encode())
        try:
            return _response_of(string(answer))
        finally:
            lib.Free(answer)

    return login


def _gopy_login(request: Any) -> Case:
    go = peers.gopy()

    def login(req: Any) -> Any:
        user = go.User(ID=req.user.id, Name=req.user.name, Age=req.user.age)
        found = go.Login(go.LoginRequest(User=user, Password=req.password))
        return contract.LoginResponse(found.Succ, found.Message, bytes(found.Token))

    return Case("f(r)", f=login, r=request)


def _json_error() -> Any:
    call = peers.through_text(peers.byhand().Fail)

    def fail(key: str) -> None:
        found = json.loads(call(key.encode()))
        if found is not None and "error" in found:
            raise RuntimeError(found["error"])

    return fail
