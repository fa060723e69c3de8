"""Rare cases, found by `make coverage`: branches of the contract and the codec that no other unit test reaches."""

from __future__ import annotations

import ctypes
import enum
import gc
import importlib
import types
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import field
from typing import Annotated, Any
from uuid import UUID

import pytest
from typing_extensions import TypeAliasType

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
    u64,
)
from gobind.codec import buffers, collector
from gobind.codec.columns import get_u8, put_lists
from gobind.codec.diagnose import locate, locate_value
from gobind.codec.frames import CorruptFrame, Input, Output
from gobind.contract import canonical, fingerprint, formats
from gobind.contract.annotations import Scope
from gobind.contract.canonical import contract_text, own_doc, read_text
from gobind.contract.compatibility import differences
from gobind.contract.resolve import Schema, annotations_of
from gobind.contract.types import BufferType, InterfaceType
from gobind.contract.validate import check
from gobind.protocol import EXTERNAL_SIZE
from gobind.runtime import cgo
from gobind.runtime.call import deadline
from gobind.runtime.cgo import Exports
from gobind.runtime.wait import blocking


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


def test_gomethod_without_brackets_is_refused() -> None:
    with pytest.raises(ContractError) as caught:
        gomethod(lambda self: None)  # type: ignore[arg-type]
    assert str(caught.value) == "gomethod: write @gomethod() or @gomethod(blocking=True), with parentheses"


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


# Contracts


def test_names_of_a_scope_are_those_of_the_function_and_of_the_module() -> None:
    assert dict(Scope({"a": 1, "b": 2}, {"b": 3})) == {"a": 1, "b": 3}


def test_leaves_that_the_first_version_did_not_have_are_imported_where_they_are_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Keys:
        def key(self) -> UUID: ...

    line = "from uuid import UUID\n"
    monkeypatch.setattr(canonical, "_IMPORTS", canonical._IMPORTS.replace(line, ""))
    assert contract_text(Schema().contract("keys", "", [gointerface(Keys)])).count(line) == 1
    assert line not in contract_text(Schema().contract("sink", "", [Sink]))


def test_docstrings_made_by_enum_are_none_of_the_contract() -> None:
    for doc, own in (("An enumeration.", ""), ("A choice.", "A choice.")):
        assert own_doc(enum.Enum("Choice", {"A": 1, "__doc__": doc})) == own


def nested(result: Any) -> InterfaceType:
    """An interface with a method that gives another, whose method has that result."""

    class Inner:
        def f(self) -> result: ...  # type: ignore[valid-type]

    class Outer:
        def inner(self) -> Inner: ...

    Inner.f.__annotations__["return"] = result
    Inner = gointerface(Inner)  # type: ignore[misc]
    Outer.inner.__annotations__["return"] = Inner
    return Schema().interface(gointerface(Outer))


def test_methods_of_interfaces_that_an_interface_refers_to_are_compared() -> None:
    assert differences(nested(int), nested(str)) == ["Inner.f: result: library has int, class has str"]
    assert differences(nested(int), nested(int)) == []


def test_methods_of_structs_may_refer_to_what_is_defined_later() -> None:
    @gostruct
    class Early:
        a: u8

        def f(self) -> int:
            return self.a + later

    later = 1
    assert Early(2).f() == 3


def test_fingerprints_are_the_same_without_cpythons_own_module(monkeypatch: pytest.MonkeyPatch) -> None:
    node, importing = Schema().interface(Sink), importlib.import_module
    expected, asked = fingerprint.fingerprint(node), []

    def import_module(name: str) -> Any:
        asked.append(name)
        if name.startswith("_"):
            raise ImportError(name)
        return importing(name)

    monkeypatch.setattr(fingerprint, "import_module", import_module)
    assert fingerprint.fingerprint(node) == expected
    assert asked[1:] == ["hashlib"]


def test_private_annotations_of_an_interface_are_ignored() -> None:
    class Private:
        _kept: complex

        def f(self) -> None: ...

    assert [method.name for method in Schema().interface(gointerface(Private)).methods] == ["f"]


def test_names_of_types_stand_for_what_they_name() -> None:
    assert Schema().node(TypeAliasType("Number", u8)).text == "u8"

    def value(alias: Any) -> Any:
        raise NameError("name 'Gone' is not defined")

    alias = type("TypeAliasType", (), {"__name__": "Lost", "__value__": property(value)})()
    with pytest.raises(ContractError) as caught:
        Schema().node(alias)
    assert str(caught.value) == "annotation: cannot evaluate Lost: NameError: name 'Gone' is not defined"


def test_results_that_are_streams_have_to_be_iterators() -> None:
    class Odd:
        def f(self) -> Iterable[int]: ...

    assert refusal(Odd).endswith("Odd.f: result: a stream as a result is an Iterator[...]")


def test_annotations_that_raise_are_refused() -> None:
    class Odd:
        @property
        def __annotations__(self) -> Any:  # type: ignore[override]
            raise ZeroDivisionError("no")

    with pytest.raises(ContractError) as caught:
        annotations_of(Odd(), "Odd.f")
    assert str(caught.value) == "Odd.f: cannot evaluate the annotations: ZeroDivisionError: no"


def test_values_that_fit_are_not_refused() -> None:
    class Feed:
        def items(self) -> AsyncIterator[int]: ...

    class Given:
        async def items(self) -> AsyncIterator[int]:
            yield 1

    check(Schema().node(Callable[[int], int]), lambda n: n, "value")
    check(Schema().interface(gointerface(Feed)), Given(), "value")
    check(Schema().node(Buffer[u8]), b"", "value")


# The codec


def format_of(annotation: Any) -> buffers.BufferFormat:
    node = Schema().node(annotation)
    assert isinstance(node, BufferType)
    return buffers.format_of(node)


def test_buffers_of_what_has_no_size_are_refused() -> None:
    with pytest.raises(TypeError) as caught:
        buffers.Borrowed((ctypes.py_object * 2)(), format_of(Buffer[u64]))
    assert str(caught.value) == "expected Buffer[u64], got py_object_Array_2 of format '<O'"


def test_gaps_that_a_format_names_are_no_fields() -> None:
    assert formats.parse("<B3xI", 8) == (True, [(0, "uint", 1), (4, "uint", 4)])


@pytest.mark.parametrize("is_cpython", [True, False])
@pytest.mark.parametrize("piece", [b"", b"gobind", bytes(range(256))])
def test_addresses_where_the_layout_of_bytes_is_unknown(
    piece: bytes, is_cpython: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buffers, "_OFFSET_HOLDS", False)
    monkeypatch.setattr(buffers, "_IS_CPYTHON", is_cpython)
    address, kept = buffers.pin(piece)
    assert ctypes.string_at(address, len(piece)) == piece
    assert (kept is piece) == is_cpython


@pytest.mark.parametrize("is_on", [True, False])
def test_collector_stays_as_it_was_after_an_error(is_on: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def made() -> Iterator[int]:
        yield 1
        raise MemoryError

    monkeypatch.setattr(collector, "IS_NEEDED", True)
    (gc.enable if is_on else gc.disable)()
    try:
        with pytest.raises(MemoryError):
            collector.extend([], made(), collector.MANY)
        assert gc.isenabled() == is_on
    finally:
        gc.enable()


def test_lists_whose_items_are_not_as_many_as_they_say_are_refused() -> None:
    class Odd(list):  # type: ignore[type-arg]
        def __len__(self) -> int:
            return 3

    put = put_lists(lambda out, values: out.append(bytes(values)), Odd)
    with pytest.raises(RuntimeError, match="^a Odd changed while it was read$"):
        put(Output(), [Odd([1, 2])])


class Short:
    """The source of a frame that gives less than it should."""

    def __getitem__(self, piece: slice) -> bytes:
        return b"x"

    def view(self, start: int, stop: int) -> bytes:
        return b"xy"


class Endless:
    """The source of a frame with more in it than there is memory."""

    def __getitem__(self, piece: slice) -> bytes:
        raise MemoryError


def test_sources_that_give_less_than_they_should_are_refused() -> None:
    source: Any = Input(Short(), 0, 2 * EXTERNAL_SIZE)
    with pytest.raises(CorruptFrame, match="^corrupted frame: 8 bytes expected at 0, 1 are there$"):
        source.take(8)
    with pytest.raises(CorruptFrame, match=f"^corrupted frame: {EXTERNAL_SIZE} bytes .* 8, 2 are there$"):
        source.view(EXTERNAL_SIZE)
    assert get_u8(Input(b"ab", 0, 2), 2) == [97, 98]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (Short(), "corrupted frame: 8 bytes expected at 0, 1 are there"),
        (Endless(), "corrupted frame: an impossible length"),
    ],
)
def test_what_is_wrong_with_a_source_is_told(source: Any, message: str) -> None:
    found = locate([("value", Schema().node(int))], source, 8, ValueError("unclear"))
    assert (type(found), str(found)) == (CorruptFrame, message)


def test_annotations_that_cannot_be_hashed_are_flattened() -> None:
    annotation: Any = Annotated[list[int], []]
    with pytest.raises(TypeError):
        hash(annotation)
    assert gobind.unflatten(gobind.flatten([1, 2], annotation), annotation) == [1, 2]


def test_errors_of_the_fast_reader_stay_where_nothing_is_wrong() -> None:
    error = ValueError("the fast reader's")
    assert locate_value(Schema().node(int), bytes(8), 0, 8, error) is error
    assert locate([("data", Schema().node(Buffer[u8]))], bytes(16), 16, error) is error


# The runtime


def test_several_results_of_a_function_are_no_argument() -> None:
    read = cgo._read_result(tuple[int, int], Scope({}, {}), "f: result", lambda address: None)
    assert read is not None
    with pytest.raises(TypeError) as caught:
        read.to_c((1, 2), "pair")
    assert str(caught.value) == "pair: a tuple can only be a result"


def test_deadlines_are_armed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    names: dict[str, Any] = {"pack": bytes}
    monkeypatch.setattr(deadline, "_packs", [(names, "pack")])
    for is_armed in (True, False):
        monkeypatch.setattr(deadline, "_is_armed", is_armed)
        deadline._arm()
        assert (names["pack"] is bytes) == is_armed


def test_threads_that_wait_for_nothing_have_nothing_to_cancel() -> None:
    native: Any = types.SimpleNamespace()
    blocking.Waiters(native).cancel(1)
    waiter: Any = object.__new__(blocking.Waiter)  # interrupted before it had a queue
    waiter._calls, waiter._ended = {}, {}
    waiter._hand_out(1, 5)
    assert not waiter._ended
    del waiter
