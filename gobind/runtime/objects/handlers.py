"""Handlers: generated functions that answer Go's calls of a Python object's methods.

The reverse of `gobind.runtime.call.methods`: unpack the parameters, call the object, pack the result.
"""

from __future__ import annotations

import contextlib
import itertools
import struct
import sys
import types
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain, starmap
from time import monotonic_ns
from typing import Any

from gobind import protocol
from gobind.codec.frames import Output
from gobind.codec.layout import layout_of, record_layout
from gobind.codec.records import RecordReader, RecordWriter, make_struct
from gobind.codec.registry import Blocks
from gobind.codec.source import Source
from gobind.contract.scalars import SCALARS, Scalar
from gobind.contract.types import CallableType, InterfaceType, ListType, Method, Node, StreamType, StructType
from gobind.contract.validate import check
from gobind.forklock import fork_lock
from gobind.runtime.call.methods import is_direct
from gobind.runtime.interrupts.ownership import Unsent, exhaust
from gobind.runtime.interrupts.uninterrupted import insistent, uninterrupted
from gobind.runtime.objects.upcalls import (
    Answer,
    ExportedObject,
    HandleTable,
    is_answered,
    memories,
    memory_at,
    put_answer,
)

QUICK = 1_000_000
"""Nanoseconds after which a batch of an iterator is sent as it is."""


class Answers:
    """Makes the handlers of one binding.

    Args:
        contract: the index of the contract in the library.
        errors: the contract's errors.
    """

    def __init__(
        self, table: HandleTable, blocks: Blocks, contract: int, errors: Sequence[StructType]
    ) -> None:
        self._table = table
        self._blocks = blocks
        self._contract = contract
        # By identity: the class of an exception may not be hashable.
        self._errors = {id(error.cls): (index, error) for index, error in enumerate(errors)}
        self._made: dict[int, tuple[Any, list[Answer]]] = {}
        self._failed = self._fail  # one object, so that it has one name in generated functions

    def of(self, node: Node) -> list[Answer]:
        """Returns the handlers for objects passed as `node`, one for each of its methods."""
        if id(node) not in self._made:
            with fork_lock:
                self._made[id(node)] = node, self._make(node)
        return self._made[id(node)][1]

    def _make(self, node: Node) -> list[Answer]:
        if isinstance(node, InterfaceType):
            return [
                self._method(f"{node.text}.{method.name}", f"_exported.value.{method.name}", method)
                for method in node.methods
            ]
        if isinstance(node, CallableType):
            return [self._method(node.text, "_exported.value", node.method)]
        assert isinstance(node, StreamType)
        pack = self._packer(ListType(node.item, list), f"{node.text}: item", node.item)
        if node.is_async:
            return [self._later(_next_async(pack)), self._later(_close_async)]
        return [self._now(_next_items(pack)), self._now(_close)]

    # Methods

    def _method(self, where: str, target: str, method: Method) -> Answer:
        """Compiles the handler of one method; `target` is the expression for what it calls."""
        if method.is_async:
            return self._async_method(where, target, method)
        source, bind = Source(), self._blocks.namespace.bind
        name = f"answer_{method.name}"
        with source.block(f"def {name}(_exported, _address, _size, _reply):"):
            with source.block("try:"):
                values = self._write_arguments(source, method)
                source.line(f"_value = {target}({_passed(method, values)})")
                self._write_result(source, where, method)
            with source.block("except _BaseException as _error:"):
                source.line(f"{bind('fail', self._failed)}(_reply, _error)")
        return source.compile(name, self._blocks.namespace, f"answer {where}")

    def _write_arguments(self, source: Source, method: Method) -> list[str]:
        """Writes the lines that unpack the parameters; returns an expression for each."""
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
        values = [
            reader.read(param.type, offset, param.name)
            for param, offset in zip(method.params, layout.offsets)
        ]
        reader.finish()
        return values

    def _write_result(self, source: Source, where: str, method: Method) -> None:
        """Writes the lines that check the result and answer with it."""
        result, bind = method.result, self._blocks.namespace.bind
        if result is not None and not (isinstance(result, Scalar) and is_direct(result)):
            respond = bind(f"respond_{where}", self._responder(self._packer(result, f"{where}: result")))
            source.line(f"{respond}(_reply, _value)")
            return
        if result is None:
            source.line("_value = 0")
        elif result.text == "bool":
            with source.block("if _value is not True and _value is not False:"):
                source.line(f"_value = {bind(f'checked_{where}', self._checker(where, result))}(_value)")
        else:
            high = min(result.high, SCALARS["int"].high)
            with source.block(f"if _type(_value) is not _int or not {result.low} <= _value <= {high}:"):
                source.line(f"_value = {bind(f'checked_{where}', self._checker(where, result))}(_value)")
        put = f"{bind('put_answer', put_answer)}({bind('memory_at', memory_at)}(_reply), 0, _value"
        source.line(f"{put}, {protocol.ANSWER_VALUE})", "ANSWER_VALUE")

    def _responder(self, packed: Callable[[Any, Unsent], bytes]) -> Callable[[int, Any], None]:
        def respond(reply: int, value: Any) -> None:
            unsent = self._table.unsent()
            self._table.respond(reply, packed(value, unsent), unsent)

        return respond

    def _checker(self, where: str, result: Scalar) -> Callable[[Any], int]:
        return _number_checker(result, f"{where}: result")

    def _async_method(self, where: str, target: str, method: Method) -> Answer:
        source, name = Source(), f"answer_{method.name}"
        with source.block(f"async def {name}(_exported, _arguments, _unsent):"):
            values = [f"_arguments[{position}]" for position in range(len(method.params))]
            source.line(f"_value = {target}({_passed(method, values)})")
            with source.block("if hasattr(_value, '__await__'):"):
                source.line("_value = await _value")
            packed = self._blocks.namespace.bind(f"packed_{where}", self._result(where, method))
            source.line(f"return {packed}(_value, _unsent)")
        call = source.compile(name, self._blocks.namespace, f"answer {where}")
        unpack = self._unpacker(method, where)
        return self._later(
            lambda exported, address, size, unsent: call(exported, unpack(address, size), unsent)
        )

    def _unpacker(self, method: Method, where: str) -> Callable[[int, int], tuple[Any, ...]]:
        """Compiles the function from a request to the arguments."""
        source = Source()
        with source.block("def unpack_arguments(_address, _size):"):
            values = self._write_arguments(source, method)
            source.line(f"return ({', '.join(values)}{',' * bool(values)})")
        return source.compile("unpack_arguments", self._blocks.namespace, f"arguments {where}")

    def _result(self, where: str, method: Method) -> Callable[[Any, Unsent], bytes]:
        """Returns a function that checks the result of an async method and packs it as a frame."""
        result = method.result
        if result is None:
            return lambda value, unsent: struct.pack("<q", 0)
        if isinstance(result, Scalar) and is_direct(result):
            checked = self._checker(where, result)
            return lambda value, unsent: struct.pack("<q", checked(value))
        return self._packer(result, f"{where}: result")

    def _packer(self, node: Node, where: str, item: Node | None = None) -> Callable[[Any, Unsent], bytes]:
        """Returns a function that packs one value as a response; its second argument owns the handles in it.

        If `item` is given, the value is a batch of such items, and `where` the place of each.
        """
        source = Source()
        with source.block("def pack_value(value, _out):"):
            writer = RecordWriter(self._blocks, source, [node], makes_output=False)
            writer.write(node, "value", 0)
            pack = make_struct(writer.slots, layout_of(node).size).pack
            arguments = ", ".join(slot.name for slot in sorted(writer.slots))

            def explain(value: Any) -> None:
                try:
                    if item is None:
                        check(node, value, where)
                    else:  # its place in the batch, whose size Go chose, means nothing
                        for each in value:
                            check(item, each, where)
                except Exception as error:
                    raise error from None

            writer.finish(self._blocks.namespace.bind("explain", explain), "value")
            source.line(
                f"return b''.join([{self._blocks.namespace.bind('pack', pack)}({arguments}), {writer.rest}])"
            )
        pack_value = source.compile("pack_value", self._blocks.namespace, f"result {where}")

        def packed(value: Any, unsent: Unsent) -> bytes:
            out = Output()
            out.unsent = unsent
            try:
                return pack_value(value, out)  # type: ignore[no-any-return]
            except Exception:
                next(unsent)
                explain(value)
                raise

        return packed

    # Ways to answer

    def _now(self, make: Callable[[ExportedObject, int, int, Unsent], bytes]) -> Answer:
        """Returns a handler that answers with the result of `make`."""

        def answer(exported: ExportedObject, address: int, size: int, reply: int) -> None:
            try:
                unsent = self._table.unsent()
                self._table.respond(reply, make(exported, address, size, unsent), unsent)
            except BaseException as error:
                self._fail(reply, error)

        return answer

    def _later(self, start: Callable[[ExportedObject, int, int, Unsent], Any]) -> Answer:
        """Returns a handler that answers by a task on the object's loop; `start` reads the request and makes the
        coroutine."""

        def answer(exported: ExportedObject, address: int, size: int, reply: int) -> None:
            memory = memory_at(reply)
            ticket = int.from_bytes(memory[:8], "little")
            task: Any = None
            try:
                self._check_loop(exported)
                unsent = self._table.unsent()
                task = _Task(self, exported.loop, ticket, start(exported, address, size, unsent), unsent)
                # Registered before Go can cancel it; from here on the task answers.
                self._table.tasks[ticket] = task
                put_answer(memory, 0, 0, protocol.ANSWER_LATER)
                task.post()
            except BaseException as error:
                if not is_answered(memory):
                    self._table.tasks.pop(ticket, None)
                    if task is not None:
                        task.drop()
                    self._fail(reply, error)
                else:
                    task.fail(error)

        return answer

    def _check_loop(self, exported: ExportedObject) -> None:
        if exported.loop is None:
            name, _, what = _spoken(exported.value)
            raise RuntimeError(
                f"{name} was passed to Go where no event loop runs: {what} cannot run; "
                "pass it to an async def method"
            )
        if sys.modules["asyncio.events"]._get_running_loop() is exported.loop:
            _, awaited, _ = _spoken(exported.value)
            raise RuntimeError(
                f"Go waits for {awaited} inside a call on the event loop's own thread: "
                "declare that call async def"
            )

    def send(self, ticket: int, frame: bytes, unsent: Unsent, failed: bool, tickets: list[int]) -> None:
        """Delivers the answer of an async method to Go, and clears `tickets` in the same step."""
        sending = starmap(self._table.native.answer, ((ticket, failed, frame, len(frame)),))
        clearing = map(list.clear, [*unsent.lists, tickets])
        exhaust(chain(sending, clearing, map(self._table.tasks.pop, (ticket,), (None,))))

    @property
    def unsent(self) -> Callable[[], Unsent]:
        """The function that makes the owner of the handles of one frame."""
        return self._table.unsent

    # Exceptions

    def _fail(self, reply: int, error: BaseException) -> None:
        self._table.fail(reply, error, self.exception)

    def exception(self, error: BaseException, unsent: Unsent) -> bytes:
        """Packs the frame of an exception; with its fields if it is one of the contract's."""
        index, fields = -1, b""
        found = self._errors.get(id(type(error)))
        if found is not None:
            try:
                fields, index = self._fields(found[1], error, unsent), found[0]
            except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError, struct.error):
                index = -1  # a field does not fit: Go gets the exception without them
        return self._table.exception(error, unsent, index, self._contract, fields)

    def _fields(self, node: StructType, error: BaseException, unsent: Unsent) -> bytes:
        check(node, error, node.text)
        out = Output()
        out.unsent = unsent
        self._blocks.put(node)(out, [error])
        out.finish()
        return b"".join(out)


def _passed(method: Method, values: list[str]) -> str:
    """Returns the arguments of a call, those by name too."""
    names = [f"{param.name}=" * param.keyword_only for param in method.params]
    return ", ".join(map("".join, zip(names, values)))


class _Task:
    """One async method that Go waits for. If its loop ends before the method begins, it answers with an error.

    Args:
        unsent: owns the handles of its answer.
    """

    __slots__ = (
        "_answers",
        "_coroutines",
        "_is_cancelled",
        "_is_stopped",
        "_loop",
        "_task",
        "_tickets",
        "_unsent",
    )

    def __init__(self, answers: Answers, loop: Any, ticket: int, coroutine: Any, unsent: Unsent) -> None:
        self._answers = answers
        self._loop = loop
        self._tickets = [ticket]  # until it is answered
        self._coroutines = [coroutine]  # until it has begun or failed, in any thread
        self._unsent = unsent
        self._task: Any = None
        self._is_stopped = self._is_cancelled = False

    def post(self) -> None:
        """Schedules the beginning on the loop."""
        try:
            self._loop.call_soon_threadsafe(_Beginning(self.begin))
        except RuntimeError as error:  # the loop is closed
            self.fail(error)

    @uninterrupted
    def begin(self) -> None:
        """Runs the method, on the loop."""
        try:
            coroutine = self._coroutines.pop()
            self._task = self._loop.create_task(coroutine)
            self._task.add_done_callback(self._done)
            if self._is_stopped:
                self._cancel()
        except IndexError:
            return
        except BaseException as error:
            self._abort(error)
            raise

    @insistent
    def _abort(self, error: BaseException) -> None:
        self.drop()
        self._cancel()
        self._send_error(error)

    def stop(self) -> None:
        """Cancels the method, begun or not: Go waits no longer."""
        self._is_stopped = True
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._cancel)

    def _cancel(self) -> None:
        """Cancels the task once: a second time would interrupt what it does about the first."""
        if self._task is not None and not self._is_cancelled:
            self._task.cancel()
            self._is_cancelled = True

    def drop(self) -> bool:
        """Prevents the beginning; False if it has begun, or is dropped already."""
        try:
            self._coroutines.pop().close()
        except IndexError:
            return False
        return True

    def fail(self, error: BaseException) -> None:
        """Prevents the beginning, and answers with the error."""
        if self.drop():
            self._send_error(error)

    @insistent
    def _done(self, task: Any) -> None:
        try:
            frame = task.result()
        except BaseException as error:
            self._send_error(error)
        else:
            self._send(frame, self._unsent)

    @insistent
    def _send_error(self, error: BaseException) -> None:
        unsent = self._answers.unsent()
        self._send(self._answers.exception(error, unsent), unsent, failed=True)

    def _send(self, frame: bytes, unsent: Unsent, failed: bool = False) -> None:
        """Delivers the answer to Go. No-op if it has one."""
        for ticket in self._tickets:
            self._answers.send(ticket, frame, unsent, failed, self._tickets)


class _Beginning(partial):  # type: ignore[type-arg]
    """The call by which the loop begins a task; if the loop drops it instead, the task fails."""

    def __del__(self) -> None:
        task: _Task = self.func.__self__  # type: ignore[attr-defined]
        task.fail(RuntimeError("Event loop is closed"))


def _spoken(value: Any) -> tuple[str, str, str]:
    """Returns how messages name a value, what Go waits for, and what is async."""
    if isinstance(value, (types.FunctionType, types.MethodType)):
        return value.__qualname__, value.__qualname__, "it"
    name = type(value).__name__
    return name, f"an async method of {name}", "its async methods"


def _number_checker(node: Scalar, where: str) -> Callable[[Any], int]:
    def checked(value: Any) -> int:
        check(node, value, where)
        number: int = value.__index__()
        return number - (1 << 64) if number >> 63 > 0 else number

    return checked


# Iterators: method 0 fetches items, method 1 closes


def _wanted(address: int, size: int) -> int:
    return int.from_bytes(memory_at(address)[:8], "little")


class _Sequence:
    """What may take its time to give an item, and need not look like it."""

    def __getitem__(self, index: int) -> int:
        raise IndexError


_MEMORY: tuple[Any, ...] = (
    *(
        [],
        (),
        range(0),
        range(1 << 70),
        {},
        {}.values(),
        {}.items(),
        set(),
        "",
        "\xe4",
        b"",
        bytearray(),
        deque(),
    ),
    *(reversed([]), reversed({}), itertools.count(), itertools.repeat(0)),
)
_READY = frozenset(type(iter(value)) for value in _MEMORY) - {type(iter(_Sequence()))}
"""Iterators over memory, whose next item is there already. All others may wait, as a generator that yields what is in
a buffer and then reads more."""


def _next_items(pack: Callable[[Any, Unsent], bytes]) -> Callable[[ExportedObject, int, int, Unsent], bytes]:
    """Fetches items of an iterator; none at its end.

    Nothing can interrupt an iterator that waits, and Go, whose thread it is, gets no item before the iterator
    returns. So an item never shares a batch with one that has to be waited for, even if those before came quickly.
    """

    def fetch(exported: ExportedObject, address: int, size: int, unsent: Unsent) -> bytes:
        iterator = exported.value
        if type(iterator) not in _READY:
            for item in iterator:
                return pack([item], unsent)
            return pack([], unsent)
        if exported.kept is not None:
            error, exported.kept = exported.kept, None
            raise error
        items: list[Any] = []
        try:
            items.extend(itertools.islice(iterator, _wanted(address, size)))
        except BaseException as error:
            if not items:
                raise
            exported.kept = error  # it comes after the items before it
        return pack(items, unsent)

    return fetch


def _close(exported: ExportedObject, address: int, size: int, unsent: Unsent) -> bytes:
    close = getattr(exported.value, "close", None)
    if close is not None:
        close()
    return b""


class _Source:
    """An async iterator that Go fetches items from, run by a task of its own.

    Items are sent as soon as the iterator waits for something, or after a millisecond.

    Attributes:
        items: those that Go has not fetched yet.
        is_over: no more items will come.
    """

    def __init__(self, iterator: Any, loop: Any) -> None:
        self.items: list[Any] = []
        self.is_over = False
        self._iterator = iterator
        self._loop = loop
        self._error: BaseException | None = None
        self._wanted = 0  # more items are requested until this many have come
        self._end = 0  # and the time is not over
        self._wake: Any = None  # the future that the iterator's task waits for: more items are wanted
        self._waiting: list[Any] = []  # the futures that calls of `fetch` wait for: items have come
        self._task: Any = None

    async def fetch(self, wanted: int) -> list[Any]:
        """Returns at most `wanted` items, and at least one unless it has ended."""
        if self._task is None:
            self._task = self._loop.create_task(self._run())
            self._task.add_done_callback(self._finish)
        while not self.items and not self.is_over:  # another call with the same iterator may have taken them
            self._wanted, self._end = wanted, monotonic_ns() + QUICK
            _tell(self._wake)
            came = self._loop.create_future()
            self._waiting.append(came)
            try:
                await came
            finally:
                self._waiting.remove(came)
                if not self._waiting:
                    self._wanted = 0
        if self._error is not None and not self.items:
            error, self._error = self._error, None
            raise error
        items, self.items = self.items, []
        return items

    @insistent
    def stop(self) -> None:
        """Stops the iterator, once: to be cancelled again would interrupt what it does about the first time."""
        if self._task is not None and not self.is_over:
            self._task.cancel()
        self._finish()

    async def wait(self) -> None:
        """Waits until the iterator has stopped."""
        if self._task is not None and not self._task.done():
            ended = self._loop.create_future()
            self._task.add_done_callback(partial(_tell, ended))
            await ended

    async def _run(self) -> None:
        step = self._iterator.__anext__
        while True:
            while len(self.items) >= self._wanted or (self.items and monotonic_ns() >= self._end):
                self._wake = self._loop.create_future()
                await self._wake
            try:
                item = await step()  # meanwhile the items before it may be fetched
            except StopAsyncIteration:
                return
            if self.is_over:  # stopped, but the iterator has gone on
                return
            self.items.append(item)
            _tell(*self._waiting)

    @insistent
    def _finish(self, task: Any = None) -> None:
        if task is not None and not self.is_over:  # else asyncio reports what it raises
            try:
                task.result()
            except BaseException as error:
                self._error = error  # it comes after the items before it
        self.is_over = True
        key = id(self._iterator), id(self._loop)
        if _sources.get(key) is self:
            _sources.pop(key, None)
        _tell(*self._waiting)


# By iterator and loop: two calls that get the same iterator share its items.
_sources: dict[tuple[int, int], _Source] = {}


def _source_of(iterator: Any, loop: Any) -> _Source:
    key = id(iterator), id(loop)
    if key not in _sources:
        _sources[key] = _Source(iterator, loop)
    return _sources[key]


@insistent
def _tell(*futures: Any) -> None:
    for future in futures:
        if future is not None and not future.done():
            future.set_result(None)


def _next_async(pack: Callable[[Any, Unsent], bytes]) -> Callable[[ExportedObject, int, int, Unsent], Any]:
    def start(exported: ExportedObject, address: int, size: int, unsent: Unsent) -> Any:
        return fetch(exported, _wanted(address, size), unsent)

    async def fetch(exported: ExportedObject, wanted: int, unsent: Unsent) -> bytes:
        try:
            if exported.kept is None:
                exported.kept = _source_of(exported.value, sys.modules["asyncio.events"].get_running_loop())
            return pack(await exported.kept.fetch(wanted), unsent)
        except BaseException:
            if exported.kept is not None:
                exported.kept.stop()  # Go asks for no more
            raise

    return start


def _close_async(exported: ExportedObject, address: int, size: int, unsent: Unsent) -> Any:
    async def close() -> bytes:
        if exported.kept is not None:
            exported.kept.stop()
            await exported.kept.wait()
        aclose = getattr(exported.value, "aclose", None)
        if aclose is not None:
            await aclose()
        return b""

    return close()
