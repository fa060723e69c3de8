"""The free names of generated functions: each is in the table of `gobind.codec.linkage`, or bound."""

from __future__ import annotations

import builtins
import dis
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, SimpleNamespace
from typing import Any, Protocol

import pytest

from gobind import gointerface
from gobind.codec import linkage
from gobind.codec.registry import Blocks
from gobind.codec.source import _LOCALS, Namespace, Source
from gobind.contract.resolve import Schema
from gobind.contract.types import CallableType, InterfaceType, StreamType, references, walk
from gobind.runtime.call.methods import compile_method
from gobind.runtime.objects.answers import Answers
from gobind.runtime.objects.handlers import Handlers
from gobind.tool.contract_file import read_contract

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = sorted(
    path
    for path in ROOT.glob("gosrc/*/**/*.py")
    if "@gointerface" in path.read_text(encoding="utf-8") and not path.stem.endswith("_types")
) + [Path(__file__).with_name("wide_contract.py")]


class Handles:
    """Stands for the objects of a library."""

    def lower(self, node: Any, value: Any, unsent: Any) -> int:
        raise NotImplementedError

    def lift(self, node: Any, handle: int) -> Any:
        raise NotImplementedError


def generated(path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Callable[..., Any], Namespace]]:
    """All functions that a contract's methods, objects, callbacks and streams need."""
    made: list[tuple[Callable[..., Any], Namespace]] = []
    compile_source = Source.compile

    def compile_noted(source: Source, name: str, namespace: Namespace, title: str) -> Callable[..., Any]:
        made.append((compile_source(source, name, namespace, title), namespace))
        return made[-1][0]

    monkeypatch.setattr(Source, "compile", compile_noted)
    contract = read_contract(str(path))
    blocks = Blocks(Handles())
    table: Any = SimpleNamespace(unsent=None, respond=None, fail=None, native=None, tasks={})
    handlers = Handlers(blocks, Answers(table, blocks, 0, contract.errors))
    for node in walk(*contract.interfaces, into=references):
        if isinstance(node, InterfaceType):
            for method in node.methods:
                for has_receiver in (False, True):
                    compile_method(method, 1, node.text, blocks, has_receiver)
        if isinstance(node, CallableType):
            compile_method(node.method, 1, node.text, blocks, True)
        if isinstance(node, (InterfaceType, CallableType, StreamType)):
            handlers.of(node)
    assert made
    return made


def codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from codes(constant)


def free_names(function: Callable[..., Any]) -> set[str]:
    return {
        instruction.argval
        for code in codes(function.__code__)
        for instruction in dis.get_instructions(code)
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME")
    }


def locals_of(function: Callable[..., Any]) -> set[str]:
    return {name for code in codes(function.__code__) for name in (*code.co_varnames, *code.co_cellvars)}


@pytest.mark.parametrize("path", CONTRACTS, ids=lambda path: path.stem)
def test_every_free_name_is_listed_or_bound(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bound: dict[int, set[str]] = {}
    bind = Namespace.bind

    def bind_noted(namespace: Namespace, name: str, value: Any) -> str:
        found = bind(namespace, name, value)
        bound.setdefault(id(namespace), set()).add(found)
        return found

    monkeypatch.setattr(Namespace, "bind", bind_noted)
    for function, namespace in generated(path, monkeypatch):
        mine = bound[id(namespace)]
        assert not mine & linkage.LINKAGE.keys()
        unknown = free_names(function) - mine - linkage.LINKAGE.keys()
        if not function.__code__.co_varnames[:1] == ("self",):  # else parameters have names of the contract
            unknown -= vars(builtins).keys()
        assert not unknown, f"{function.__code__.co_filename}: {unknown}"


@pytest.mark.parametrize("path", CONTRACTS, ids=lambda path: path.stem)
def test_no_local_has_the_name_of_a_link_or_could_be_bound(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for function, namespace in generated(path, monkeypatch):
        hidden = {name for name in locals_of(function) if name.startswith("_")} - {"_"}
        assert not hidden & linkage.LINKAGE.keys()
        assert all(namespace._is_taken(name, object()) for name in hidden), hidden


def test_the_contracts_use_the_whole_table(monkeypatch: pytest.MonkeyPatch) -> None:
    used: set[str] = set()
    for path in CONTRACTS:
        for function, _ in generated(path, monkeypatch):
            used |= free_names(function)
        monkeypatch.undo()
    unused = linkage.LINKAGE.keys() - used
    assert unused <= {"_bytes", "_set", "_sum"}, unused


def test_what_is_bound_takes_no_name_of_the_table() -> None:
    """A contract's class `send` was once the `_send` of the namespace, until the first ring replaced it."""
    namespace = Namespace()
    for name in linkage.LINKAGE:
        assert namespace.bind(name, object()) == f"{name}_2"
    for name in _LOCALS:
        assert namespace.bind(name, object()) == f"{name}_2"


def test_links_are_set_all_at_once() -> None:
    namespace = Namespace()
    assert namespace.is_linked(linkage.NAMESPACE) and not namespace.is_linked(linkage.FIRST_RING)
    with pytest.raises(AssertionError) as caught:
        namespace.link(linkage.FIRST_RING, _send=None, _call=None)
    assert str(caught.value).startswith("linkage: expected ['_send'], got ['_call', '_send']")
    namespace.link(linkage.FIRST_RING, _send=None)
    assert namespace.is_linked(linkage.FIRST_RING)


def test_each_link_says_what_it_is() -> None:
    moments = {
        vars(linkage)[name]
        for name in "NAMESPACE BINDING CONNECTION FIRST_ASYNC FIRST_BLOCKING FIRST_RING".split()
    }
    roles = {linkage.CONSTANT, linkage.ENTRY, linkage.CLEANUP}
    for name, link in linkage.LINKAGE.items():
        assert name.startswith("_") and link.moment in moments and link.role in roles and link.what


def test_parameters_named_like_builtins_hide_nothing() -> None:
    namespace = {"Protocol": Protocol, "__name__": __name__}
    exec(
        "class Odd(Protocol):\n def check(self, TypeError: bool, Exception: int, IndexError: str) -> str: ...",
        namespace,
    )
    cls: Any = namespace["Odd"]
    method = Schema().interface(gointerface(cls)).methods[0]
    check: Any = compile_method(method, 1, "Odd", Blocks())
    with pytest.raises(TypeError) as caught:
        check(None, 1, 2, "")
    assert str(caught.value) == "TypeError: expected bool, got int"
