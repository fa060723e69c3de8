"""Rare cases, found by `make coverage`: branches of the contract and the codec that no other unit test reaches."""

from __future__ import annotations

import types
from dataclasses import field
from typing import Any

import pytest

import gobind
from gobind import (
    Buffer,
    ContractError,
    MutableBuffer,
    from_mirror,
    gointerface,
    gomethod,
    gostruct,
    to_mirror,
    u8,
)
from gobind.contract.canonical import contract_text, read_text
from gobind.contract.resolve import Schema
from gobind.contract.validate import check
from gobind.runtime.cgo import Exports


def refusal(cls: Any) -> str:
    """What `Schema` says against an interface."""
    with pytest.raises(ContractError) as caught:
        Schema().interface(gointerface(cls))
    return str(caught.value)


def test_parameters_that_begin_with_an_underscore_are_refused() -> None:
    class Odd:
        def f(self, _n: u8) -> None: ...

    message = "Odd.f: parameter _n: a name must not begin with an underscore"
    assert refusal(Odd).endswith(message)


def test_rings_are_refused_for_methods_that_wait_for_a_result_and_for_buffers() -> None:
    class Result:
        @gomethod(ring=True)
        def f(self) -> int: ...

    class Lending:
        @gomethod(ring=True)
        def f(self, data: Buffer[u8]) -> None: ...

    assert refusal(Result).endswith("Result.f: ring needs an async def method, or one that returns None")
    message = "Lending.f: a Buffer cannot be passed one-way: it would end before Go reads it"
    assert refusal(Lending).endswith(message)


@pytest.mark.parametrize("ring", [-1, "8", None])
def test_rings_of_no_capacity_are_refused(ring: Any) -> None:
    with pytest.raises(ContractError) as caught:
        gomethod(ring=ring)
    assert str(caught.value) == f"gomethod: ring: expected True or a number of requests, got {ring!r}"


def test_text_of_a_contract_with_mutable_buffers_is_a_contract_again() -> None:
    class Filler:
        def fill(self, data: MutableBuffer[u8]) -> None: ...

    schema = Schema()
    text = contract_text(schema.contract("filler", "", [gointerface(Filler)]))
    assert "from gobind import MutableBuffer\n" in text
    assert contract_text(read_text(text, "filler")) == text


@gostruct(kw_only=True)
class Named:
    a: u8
    b: u8 = field(init=False, default=2)


def test_mirrors_set_keyword_only_fields_and_those_without_init() -> None:
    named = Named(a=1)
    named.b = 3
    assert from_mirror(to_mirror(named)) == named


@gointerface
class Sink:
    def put(self, n: int) -> None: ...


class Meta(type):
    __hash__ = None  # type: ignore[assignment]


def test_objects_whose_class_cannot_be_hashed_are_accepted_if_they_fit() -> None:
    node = Schema().interface(Sink)
    fits = types.new_class(
        "Fits", (), {"metaclass": Meta}, lambda names: names.update(put=lambda self, n: None)
    )
    differs = types.new_class("Differs", (), {"metaclass": Meta})
    for _ in range(2):
        check(node, fits(), "value")
        with pytest.raises(TypeError, match="^value: expected Sink, got Differs, "):
            check(node, differs(), "value")


def test_classes_that_fit_are_remembered_up_to_a_limit() -> None:
    node = Schema().interface(Sink)
    for number in range(1100):
        check(node, type(f"Sink{number}", (), {"put": lambda self, n: None})(), "value")
    assert 0 < len(node.fitting) <= 1000


def test_objects_are_not_flattened() -> None:
    with pytest.raises(ContractError) as caught:
        gobind.flatten([], list[Sink])
    assert str(caught.value) == "Sink: an object means nothing outside a library: it cannot be flattened"


def test_exports_takes_classes_only() -> None:
    exports: Any = Exports(types.SimpleNamespace(path="lib.so"))  # type: ignore[arg-type]
    with pytest.raises(ContractError) as caught:
        exports.bind(3)
    assert str(caught.value) == "exports: expected a class, got int"
