"""Answers: the generated functions that do a method of a Python object for Go.

The way back of `gobind.runtime.methods`: unpack the parameters, call the object, pack the result.
Imports `gobind.runtime.upcalls`, `gobind.codec` and before.
"""

from __future__ import annotations

import contextlib
import itertools
import struct
import sys
from collections.abc import Sequence
from time import monotonic_ns
from typing import Any, Callable

from gobind import protocol
from gobind.check import check
from gobind.codec.blocks import Blocks
from gobind.codec.emit import Source
from gobind.codec.frames import Output
from gobind.codec.records import RecordReader, RecordWriter, make_struct
from gobind.forks import whole
from gobind.layout import layout_of, record_layout
from gobind.nodes import CallableType, InterfaceType, ListType, Method, Node, StreamType, StructType
from gobind.runtime.methods import is_direct
from gobind.runtime.upcalls import Answer, Guest, Guests, memories, memory_at
from gobind.words import Scalar

QUICK = 1_000_000
"""Nanoseconds after which a batch of an iterator goes over as it is."""

_PLAIN = 1 << 62
"""Numbers up to this, negative or not, are themselves as the result of an upcall: no word of the protocol is."""


class Answers:
    """Makes the answers of one binding.

    Args:
        contract: the contract's number among the library's.
        errors: the contract's errors.
    """

    def __init__(self, guests: Guests, blocks: Blocks, contract: int, errors: Sequence[StructType]) -> None:
        self._guests = guests
        self._blocks = blocks
        self._contract = contract
        self._errors = {error.cls: (index, error) for index, error in enumerate(errors)}
        self._made: dict[int, tuple[Any, list[Answer]]] = {}
        self._failed = self._fail  # one object, so that it has one name in generated functions
        blocks.namespace.names["_BaseException"] = BaseException

    def of(self, node: Node) -> list[Answer]:
        """The answers for objects passed as `node`, one for each method of it."""
        if id(node) not in self._made:
            with whole:
                self._made[id(node)] = node, self._make(node)
        return self._made[id(node)][1]

    def _make(self, node: Node) -> list[Answer]:
        if isinstance(node, InterfaceType):
            return [
                self._method(f"{node.text}.{method.name}", f"_guest.value.{method.name}", method)
                for method in node.methods
            ]
        if isinstance(node, CallableType):
            return [self._method(node.text, "_guest.value", node.method)]
        assert isinstance(node, StreamType)
        pack = self._packer(ListType(node.item, list), f"{node.text}.items")
        if node.is_async:
            return [self._later(_next_async(pack)), self._later(_close_async)]
        return [self._now(_next_items(pack, self._guests)), self._now(_close)]

    # Methods

    def _method(self, where: str, target: str, method: Method) -> Answer:
        """The answer for one method; `target` is the expression for what is called."""
        if method.is_async:
            return self._async_method(where, target, method)
        source, bind = Source(), self._blocks.namespace.bind
        name = f"answer_{method.name}"
        with source.block(f"def {name}(_guest, _address, _size, _reply):"):
            with source.block("try:"):
                values = self._write_arguments(source, method)
                source.line(f"_value = {target}({_passed(method, values)})")
                self._write_result(source, where, method)
            with source.block("except _BaseException as _error:"):
                source.line(f"return {bind('fail', self._failed)}(_reply, _error)")
        return source.compile(name, self._blocks.namespace, f"answer {where}")

    def _write_arguments(self, source: Source, method: Method) -> list[str]:
        """The lines that unpack the parameters; returns an expression for each."""
        if not method.params:
            return []
        nodes = [param.type for param in method.params]
        layout = record_layout(nodes)
        bind = self._blocks.namespace.bind
        with source.block("try:"):
            source.line(f"_head = _buf = {bind('memories', memories)}[_address]")
        with source.block(f"except {bind('KeyError', KeyError)}:"):
            source.line(f"_head = _buf = {bind('memory_at', memory_at)}(_address)")
        reader = RecordReader(self._blocks, source, nodes, layout.size)
        values = [reader.read(node, offset) for node, offset in zip(nodes, layout.offsets)]
        reader.finish()
        return values

    def _write_result(self, source: Source, where: str, method: Method) -> None:
        """The lines that check the result and hand it over."""
        result, bind = method.result, self._blocks.namespace.bind
        if result is None:
            source.line("return 0")
            return
        respond: Callable[..., int] = self._guests.respond
        if isinstance(result, Scalar) and is_direct(result):
            respond = self._guests.respond_number
            if result.text == "bool":
                with source.block("if _value is True or _value is False:"):
                    source.line("return _value")
            else:
                low, high = max(result.low, -_PLAIN), min(result.high, _PLAIN)
                with source.block(f"if _type(_value) is _int and {low} <= _value <= {high}:"):
                    source.line("return _value")
        packed = bind(f"packed_{where}", self._result(where, method))
        source.line(f"return {bind('respond', respond)}(_reply, {packed}(_value))")

    def _async_method(self, where: str, target: str, method: Method) -> Answer:
        source, name = Source(), f"answer_{method.name}"
        with source.block(f"async def {name}(_guest, _arguments):"):
            values = [f"_arguments[{position}]" for position in range(len(method.params))]
            source.line(f"_value = {target}({_passed(method, values)})")
            with source.block("if hasattr(_value, '__await__'):"):
                source.line("_value = await _value")
            packed = self._blocks.namespace.bind(f"packed_{where}", self._result(where, method))
            source.line(f"return {packed}(_value)")
        call = source.compile(name, self._blocks.namespace, f"answer {where}")
        unpack = self._unpacker(method, where)
        return self._later(lambda guest, address, size: call(guest, unpack(address, size)))

    def _unpacker(self, method: Method, where: str) -> Callable[[int, int], tuple[Any, ...]]:
        """A function from a request to the arguments."""
        source = Source()
        with source.block("def unpack_arguments(_address, _size):"):
            values = self._write_arguments(source, method)
            source.line(f"return ({', '.join(values)}{',' * bool(values)})")
        return source.compile("unpack_arguments", self._blocks.namespace, f"arguments {where}")

    def _result(self, where: str, method: Method) -> Callable[[Any], Any]:
        """A function that checks and packs a result."""
        result = method.result
        if result is None:
            return lambda value: struct.pack("<q", 0) if method.is_async else 0
        if isinstance(result, Scalar) and is_direct(result):
            make = _wide_packer if method.is_async else _number_checker
            return make(result, f"{where}: result")
        return self._packer(result, f"{where}: result")

    def _packer(self, node: Node, where: str) -> Callable[[Any], bytes]:
        """A function that packs one value as a response."""
        source = Source()
        with source.block("def pack_value(value, _out):"):
            writer = RecordWriter(self._blocks, source, [node], makes_output=False)
            writer.write(node, "value", 0)
            pack = make_struct(writer.slots, layout_of(node).size).pack
            arguments = ", ".join(slot.name for slot in sorted(writer.slots))

            def explain(value: Any) -> None:
                check(node, value, where)

            writer.finish(self._blocks.namespace.bind("explain", explain), "value")
            source.line(
                f"return b''.join([{self._blocks.namespace.bind('pack', pack)}({arguments}), {writer.rest}])"
            )
        pack_value = source.compile("pack_value", self._blocks.namespace, f"result {where}")

        def packed(value: Any) -> bytes:
            out = Output()
            try:
                return pack_value(value, out)  # type: ignore[no-any-return]
            except Exception:
                self._blocks.namespace.names["_let_go"](out.lowered)
                explain(value)
                raise

        return packed

    # Ways to answer

    def _now(self, make: Callable[[Guest, int, int], bytes]) -> Answer:
        """An answer that waits for `make`."""

        def answer(guest: Guest, address: int, size: int, reply: int) -> int:
            try:
                return self._guests.respond(reply, make(guest, address, size))
            except BaseException as error:
                return self._fail(reply, error)

        return answer

    def _later(self, start: Callable[[Guest, int, int], Any]) -> Answer:
        """An answer by a task on the guest's loop; `start` reads the request and makes the coroutine."""

        def answer(guest: Guest, address: int, size: int, ticket: int) -> int:
            try:
                self._check_loop(guest)
                begin = _Begin(self, guest, start(guest, address, size), ticket)
            except BaseException as error:
                self.send_error(ticket, error)
                return protocol.UPCALL_LATER
            with contextlib.suppress(RuntimeError):  # the loop is closed, which is what `begin` answers then
                guest.loop.call_soon_threadsafe(begin)
            return protocol.UPCALL_LATER

        return answer

    def _check_loop(self, guest: Guest) -> None:
        name = type(guest.value).__name__
        if guest.loop is None:
            raise RuntimeError(
                f"{name} was passed to Go where no event loop runs: its async methods cannot run"
            )
        if sys.modules["asyncio.events"]._get_running_loop() is guest.loop:
            raise RuntimeError(
                f"Go waits for an async method of {name} inside a call on the event loop's own thread: "
                "declare that call async def"
            )

    def begin(self, loop: Any, coroutine: Any, ticket: int) -> None:
        """On the loop: run an async method, and send what it comes to."""
        task = self._guests.tasks[ticket] = loop.create_task(coroutine)

        def done(task: Any) -> None:
            self._guests.tasks.pop(ticket, None)
            try:
                frame = task.result()
            except BaseException as error:
                self.send_error(ticket, error)
            else:
                self._guests.native.answer(ticket, False, frame, len(frame))

        task.add_done_callback(done)

    def send_error(self, ticket: int, error: BaseException) -> None:
        """Tell Go that an async method has failed."""
        frame = self._exception(error)
        self._guests.native.answer(ticket, True, frame, len(frame))

    # Exceptions

    def _fail(self, reply: int, error: BaseException) -> int:
        response = self._exception(error)
        try:
            return self._guests.respond(reply, response, failed=True)
        except BaseException:  # no memory, or no stack
            *_, number, _ = protocol.EXCEPTION_RECORD.unpack_from(response)
            self._guests.let_go([number & ~protocol.PYTHON_OWNED])
            raise

    def _exception(self, error: BaseException) -> bytes:
        """The response that is an exception; it holds the exception itself."""
        message = _text_of(error).encode("utf-8", "backslashreplace")
        name = type(error).__qualname__.encode("utf-8", "backslashreplace")
        index, fields = -1, b""
        found = self._errors.get(type(error))
        if found is not None:
            try:
                fields, index = self._fields(found[1], error), found[0]
            except Exception:  # a field does not fit: Go gets the exception without them
                index = -1
        flags = 0
        if isinstance(error, TimeoutError) or type(error).__name__ == "TimeoutError":
            flags = protocol.TIMED_OUT
        elif type(error).__name__ == "CancelledError":
            flags = protocol.CANCELLED
        number = self._guests.hold(error, (), BaseException) | protocol.PYTHON_OWNED
        record = protocol.EXCEPTION_RECORD.pack(len(message), len(name), index, flags, number, self._contract)
        return b"".join([record, message, name, fields])

    def _fields(self, node: StructType, error: BaseException) -> bytes:
        check(node, error, node.text)
        out = Output()
        self._blocks.put(node)(out, [error])
        out.finish()
        return b"".join(out)


def _passed(method: Method, values: list[str]) -> str:
    """The arguments of a call, those by name too."""
    names = [f"{param.name}=" * param.keyword_only for param in method.params]
    return ", ".join(map("".join, zip(names, values)))


class _Begin:
    """The beginning of an async method, on its way to the loop. If the loop ends first, that is the answer."""

    __slots__ = ("_answers", "_coroutine", "_guest", "_ticket")

    def __init__(self, answers: Answers, guest: Guest, coroutine: Any, ticket: int) -> None:
        self._answers = answers
        self._guest = guest
        self._coroutine = coroutine
        self._ticket = ticket

    def __call__(self) -> None:
        coroutine, self._coroutine = self._coroutine, None
        self._answers.begin(self._guest.loop, coroutine, self._ticket)

    def __del__(self) -> None:
        if self._coroutine is not None:
            self._coroutine.close()
            self._answers.send_error(self._ticket, RuntimeError("Event loop is closed"))


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return "(its text cannot be made)"


def _number_checker(node: Scalar, where: str) -> Callable[[Any], int]:
    def checked(value: Any) -> int:
        check(node, value, where)
        number: int = value.__index__()
        return number - (1 << 64) if number >> 63 > 0 else number

    return checked


def _wide_packer(node: Scalar, where: str) -> Callable[[Any], bytes]:
    """Results that are numbers come back as 8 bytes where they cannot be returned."""
    checked = _number_checker(node, where)
    return lambda value: struct.pack("<q", checked(value))


# Iterators: method 0 fetches items, method 1 closes


def _wanted(address: int, size: int) -> int:
    return int.from_bytes(memory_at(address)[:8], "little")


def _next_items(pack: Callable[[Any], bytes], guests: Guests) -> Callable[[Guest, int, int], bytes]:
    def fetch(guest: Guest, address: int, size: int) -> bytes:
        if guest.kept is not None:
            error, guest.kept = guest.kept, None
            raise error
        items: list[Any] = []
        try:
            items.extend(itertools.islice(guest.value, _wanted(address, size)))
        except BaseException as error:
            if not items:
                raise
            guest.kept = error  # it comes after the items before it
        return pack(items)

    return fetch


def _close(guest: Guest, address: int, size: int) -> bytes:
    close = getattr(guest.value, "close", None)
    if close is not None:
        close()
    return b""


def _next_async(pack: Callable[[Any], bytes]) -> Callable[[Guest, int, int], Any]:
    def start(guest: Guest, address: int, size: int) -> Any:
        return fetch(guest, _wanted(address, size))

    async def fetch(guest: Guest, wanted: int) -> bytes:
        if guest.kept is not None:
            error, guest.kept = guest.kept, None
            raise error
        items: list[Any] = []
        end = monotonic_ns() + QUICK
        try:
            while len(items) < wanted and (not items or monotonic_ns() < end):
                items.append(await guest.value.__anext__())
        except StopAsyncIteration:
            pass
        except BaseException as error:
            if not items:
                raise
            guest.kept = error
        return pack(items)

    return start


def _close_async(guest: Guest, address: int, size: int) -> Any:
    async def close() -> bytes:
        aclose = getattr(guest.value, "aclose", None)
        if aclose is not None:
            await aclose()
        return b""

    return close()
