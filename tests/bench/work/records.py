"""Lists of structs, and a recursive struct."""

from __future__ import annotations

import json
from functools import lru_cache, partial
from typing import Any, Dict, List

from tests.bench import peers
from tests.bench.measure import Case, Maker, Row
from tests.bench.work.common import bench, contract, msgspec_echo, users

GROUP = "structs"


def rows() -> List[Row]:
    return [_users(10), _users(1000), _users(100_000), _scaling(), _tree("wide", 4), _tree("deep", 1)]


def _limit(n: int) -> Case:
    found = users(n)
    names, ids, ages = [u.name for u in found], [u.id for u in found], [u.age for u in found]
    return Case("[*map(U, i, n, a)]", U=contract.User, i=ids, n=names, a=ages, per=1)


def _users(n: int) -> Row:
    v = partial(users, n)
    makers: Dict[str, Maker] = {
        "gobind": lambda: Case("f(v)", f=bench().echo_users, v=v()),
        "limit": lambda: _limit(n),
        "ctypes + JSON": lambda: Case("f(v)", f=_json_users(), v=v()),
        "ctypes + msgspec": lambda: Case("f(v)", f=_msgspec_users(), v=v()),
        "ctypes + protobuf": lambda: Case("f(v)", f=_protobuf_users(), v=v()),
        "gopy": lambda: Case("f(v)", f=_gopy_users(), v=v()),
        "Unix socket": lambda: Case("f(v)", f=_socket_users(), v=v()),
        "gRPC": lambda: Case("f(v)", f=_grpc_users(), v=v()),
    }
    return Row(GROUP, f"list[User] echo, {n:_}".replace("_", " "), makers, "constructing the same objects")


def _scaling() -> Row:
    many, few = partial(users, 1_000_000), partial(users, 1000)
    makers: Dict[str, Maker] = {
        "gobind": lambda: Case("f(v)", f=bench().echo_users, v=many(), per=1_000_000),
        "1 000 elements": lambda: Case("f(v)", f=bench().echo_users, v=few(), per=1000),
    }
    return Row(GROUP, "list[User] echo, an element of 1 000 000", makers)


def _json_users() -> Any:
    call, loads, dumps, User = (
        peers.through_text(peers.byhand().EchoUsers),
        json.loads,
        json.dumps,
        contract.User,
    )

    def echo(v: Any) -> Any:
        text = dumps([{"id": u.id, "name": u.name, "age": u.age} for u in v]).encode()
        return [User(u["id"], u["name"], u["age"]) for u in loads(call(text))]

    return echo


def _socket_users() -> Any:
    ask, loads, dumps, User = peers.sidecar(), json.loads, json.dumps, contract.User

    def echo(v: Any) -> Any:
        params = [{"id": u.id, "name": u.name, "age": u.age} for u in v]
        text = dumps({"method": "echo_users", "params": params}).encode()
        return [User(u["id"], u["name"], u["age"]) for u in loads(ask(text))]

    return echo


def _msgspec_users() -> Any:
    from tests.bench.work.calls import _resolved

    return msgspec_echo("EchoUsers", List[_resolved(contract.User)])  # type: ignore[misc]


def _protobuf_users() -> Any:
    pb, call, User = peers.protobuf(), peers.through_protobuf("EchoUsers"), contract.User

    def echo(v: Any) -> Any:
        message = pb.Users(users=[pb.User(id=u.id, name=u.name, age=u.age) for u in v])
        found = pb.Users.FromString(call(message.SerializeToString()))
        return [User(u.id, u.name, u.age) for u in found.users]

    return echo


def _gopy_users() -> Any:
    go, User = peers.gopy(), contract.User

    def echo(v: Any) -> Any:
        found = go.EchoUsers(go.Slice_gopybench_User([go.User(ID=u.id, Name=u.name, Age=u.age) for u in v]))
        return [User(u.ID, u.Name, u.Age) for u in found]

    return echo


def _grpc_users() -> Any:
    pb, stub, User = peers.protobuf(), peers.grpc_stub(), contract.User

    def echo(v: Any) -> Any:
        found = stub.EchoUsers(pb.Users(users=[pb.User(id=u.id, name=u.name, age=u.age) for u in v]))
        return [User(u.id, u.name, u.age) for u in found.users]

    return echo


@lru_cache(maxsize=1)
def make_tree(fan: int, n: int) -> Any:
    """A tree of n nodes, each with `fan` children; fan 1 makes chains of 100 nodes below one root."""
    Tree = contract.Tree
    root = Tree("root", 0, [])
    if fan == 1:
        for chain in range(n // 100):
            at = root
            for depth in range(100):
                at.children.append(Tree(f"node-{chain}-{depth}", depth, []))
                at = at.children[0] if at is not root else at.children[-1]
        return root
    level, count = [root], 1
    while count < n:
        below = []
        for node in level:
            for _ in range(min(fan, n - count)):
                node.children.append(Tree(f"node-{count}", count, []))
                count += 1
            below += node.children
        level = below
    return root


def _tree(name: str, fan: int) -> Row:
    tree = partial(make_tree, fan, 10_000)

    def construct(node: Any) -> Any:
        return contract.Tree(node[0], node[1], [*map(construct, node[2])])

    makers: Dict[str, Maker] = {
        "gobind": lambda: Case("f(v)", f=bench().echo_tree, v=tree()),
        "limit": lambda: Case("f(v)", f=construct, v=_tuples(tree())),
        "ctypes + JSON": lambda: Case("f(v)", f=_json_tree(), v=tree()),
        "ctypes + msgspec": lambda: Case(
            "f(v)", f=_msgspec_tree(), v=_msgspec_value(json.dumps(_plain(tree())))
        ),
        "ctypes + protobuf": lambda: Case("f(v)", f=_protobuf_tree(), v=tree()),
    }
    return Row(GROUP, f"{name} tree of 10 000 nodes, echo", makers, "constructing the same objects")


def _plain(node: Any) -> Any:
    return {"name": node.name, "value": node.value, "children": [*map(_plain, node.children)]}


def _tuples(node: Any) -> Any:
    return node.name, node.value, [*map(_tuples, node.children)]


def _json_tree() -> Any:
    call, loads, dumps, Tree = (
        peers.through_text(peers.byhand().EchoTree),
        json.loads,
        json.dumps,
        contract.Tree,
    )

    def construct(found: Any) -> Any:
        return Tree(found["name"], found["value"], [*map(construct, found["children"] or ())])

    return lambda tree: construct(loads(call(dumps(_plain(tree)).encode())))


def _msgspec_kind() -> Any:
    if "kind" not in _made:
        from typing import ForwardRef

        msgspec = peers.msgspec()
        namespace: Dict[str, Any] = {"__module__": __name__, "__annotations__": {}}
        kind = List[ForwardRef("MsgspecTree")]  # type: ignore[misc]
        namespace["__annotations__"] = {"name": str, "value": int, "children": kind}
        _made["kind"] = globals()["MsgspecTree"] = type(msgspec.Struct)(
            "MsgspecTree", (msgspec.Struct,), namespace
        )
    return _made["kind"]


_made: Dict[str, Any] = {}


def _msgspec_value(text: str) -> Any:
    return peers.msgspec().json.decode(text, type=_msgspec_kind())


def _msgspec_tree() -> Any:
    """msgspec's own Struct instead of a dataclass, its fastest."""
    return msgspec_echo("EchoTree", _msgspec_kind())


def _protobuf_tree() -> Any:
    pb, call, Tree = peers.protobuf(), peers.through_protobuf("EchoTree"), contract.Tree

    def write(node: Any, message: Any) -> None:
        message.name, message.value = node.name, node.value
        for child in node.children:
            write(child, message.children.add())

    def read(message: Any) -> Any:
        return Tree(message.name, message.value, [*map(read, message.children)])

    def echo(tree: Any) -> Any:
        message = pb.Tree()
        write(tree, message)
        return read(pb.Tree.FromString(call(message.SerializeToString())))

    return echo
