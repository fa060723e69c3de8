"""Objects of Go that are closed by an ``async def`` method, methods with keyword-only parameters, and layouts that differ."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from gobind import ClosedError, MismatchError, gointerface, gostruct, u8
from gobind.codec.registry import Blocks
from gobind.contract.fingerprint import fingerprint
from gobind.contract.resolve import Schema
from gobind.runtime.binding import Binding
from gobind.runtime.call.methods import LazyMethod, compile_method
from gobind.runtime.interrupts.ownership import Owned, only_here
from gobind.runtime.objects.proxies import GoObject, Objects, _add_closing, _Alive


def test_objects_whose_close_is_async_are_closed_once() -> None:
    calls: list[str] = []
    released: list[int] = []

    async def close(self: Any) -> str:
        calls.append("closed")
        return "result"

    namespace: dict[str, Any] = {"close": LazyMethod("close", lambda: close)}
    _add_closing(namespace, True)
    thing: Any = type("Thing", (GoObject,), namespace)()
    thing._native = SimpleNamespace(path="lib.so", control=lambda what, handle: calls.append("streams"))
    thing._owned = Owned(only_here(released.append))
    thing._handle = thing._owned.take(lambda: 5)

    async def use() -> Any:
        async with thing as same:
            assert same is thing and not calls
        return await thing.close()

    assert asyncio.run(use()) is None
    assert (calls, released, repr(thing)) == (["closed", "streams"], [5], "<closed Thing of lib.so>")


def test_handles_that_go_has_given_up_are_closed_objects() -> None:
    objects: Any = SimpleNamespace(_native=SimpleNamespace(releasing=only_here(abs), retain=lambda handle: 0))
    node: Any = SimpleNamespace(text="Thing")
    with pytest.raises(ClosedError, match="^Thing: the object is closed$"):
        Objects._make(objects, GoObject, node, 5)


@gostruct
class Point:
    x: u8


@gointerface
class Drawing:
    def draw(self, point: Point, *, size: int = 3, name: str) -> None: ...


def test_methods_have_the_signature_of_their_declaration() -> None:
    method = Schema().interface(Drawing).methods[0]
    made = compile_method(method, 1, "Drawing", Blocks())
    assert str(inspect.signature(made)) == "(self, point, *, size=3, name)"


def test_layouts_that_differ_are_refused() -> None:
    node = Schema().interface(Drawing)
    binding: Any = object.__new__(Binding)
    binding.node = node
    binding._carried = SimpleNamespace(
        interfaces={"Drawing": (fingerprint(node), 1, ["draw"])}, layouts={"Point": [1, 0]}
    )
    native: Any = SimpleNamespace(path="lib.so")
    binding._verify(native)
    binding._carried.layouts["Point"] = [8, 4]
    with pytest.raises(MismatchError) as caught:
        binding._verify(native)
    assert "Point: Go lays it out as size and offsets [8, 4], Python as [1, 0]" in str(caught.value)


def test_a_handler_that_makes_proxies_while_one_is_made() -> None:
    """What `_Alive.add` does for objects that have died may be done by a handler between any two of its steps."""
    code = _Alive.add.__code__

    def new(alive: _Alive, key: int) -> GoObject:
        made = object.__new__(GoObject)
        alive.add((key, "node"), made)
        return made

    def add_disturbed(step: int) -> bool:
        """Adds an object after others have died, and one more after so many instructions; False if there are fewer."""
        alive, steps, kept = _Alive(), 0, []
        for key in range(3):
            new(alive, key)  # dies at once

        def trace(frame: Any, event: str, _: Any) -> Any:
            nonlocal steps
            if frame.f_code is not code:
                return None
            frame.f_trace_opcodes = True
            if event == "opcode":
                steps += 1
                if steps == step:
                    sys.settrace(None)
                    kept.append(new(alive, 10))
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            kept.append(new(alive, 11))
        finally:
            sys.settrace(before)
        assert set(alive.all()) == set(kept)
        new(alive, 12)
        assert len(alive._references) <= len(kept) + 1
        return steps >= step

    steps = itertools.takewhile(add_disturbed, itertools.count(1))
    assert sum(1 for _ in steps) > 20
