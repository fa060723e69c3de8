"""Handlers: generated functions that answer Go's calls of a Python object's methods.

The reverse of `gobind.runtime.call.methods`: unpack the parameters, call the object, pack the result.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from gobind import protocol
from gobind.codec.dynamic import SET_OPCODES
from gobind.codec.frames import Output
from gobind.codec.layout import layout_of, record_layout
from gobind.codec.records import RecordReader, RecordWriter, make_struct
from gobind.codec.registry import Blocks
from gobind.codec.source import Source
from gobind.contract.dynamics import are_unions, checked_by_go
from gobind.contract.scalars import SCALARS, Scalar
from gobind.contract.types import CallableType, InterfaceType, ListType, Method, Node, StreamType
from gobind.contract.validate import check
from gobind.forklock import fork_lock
from gobind.runtime.call.methods import is_direct
from gobind.runtime.interrupts.ownership import Unsent
from gobind.runtime.objects import async_iterators, iterators
from gobind.runtime.objects.answers import Answers
from gobind.runtime.objects.posts import posted
from gobind.runtime.objects.tasks import later
from gobind.runtime.objects.upcalls import Answer, memories, memory_at, put_answer


class Handlers:
    """Makes the handlers of one binding.

    Args:
        answers: what they answer with.
    """

    def __init__(self, blocks: Blocks, answers: Answers) -> None:
        self._blocks = blocks
        self._answers = answers
        self._made: dict[int, tuple[Any, list[Answer]]] = {}
        self._fail = answers.fail  # one object, so that it has one name in generated functions

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
        if isinstance(node, CallableType) and node.is_one_way:
            return [posted(self._answers.table, self._unpacker(node.method, node.text))]
        if isinstance(node, CallableType):
            return [self._method(node.text, "_exported.value", node.method)]
        assert isinstance(node, StreamType)
        pack = self._packer(ListType(node.item, list), f"{node.text}: item", node.item)
        if node.is_async:
            fetch, close = async_iterators.next_items(pack), async_iterators.close
            return [later(self._answers, fetch), later(self._answers, close)]
        return [self._answers.now(iterators.next_items(pack)), self._answers.now(iterators.close)]

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
                source.line(f"{bind('fail', self._fail)}(_reply, _error)")
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
            packed = self._packer(result, f"{where}: result")
            respond = bind(f"respond_{where}", self._answers.responder(packed))
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
        return later(
            self._answers,
            lambda exported, address, size, unsent: call(exported, unpack(address, size), unsent),
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

        def explain(value: Any) -> None:
            try:
                if item is None:
                    check(node, value, where)
                else:  # its place in the batch, whose size Go chose, means nothing
                    for each in value:
                        check(item, each, where)
            except Exception as error:
                raise error from None

        source, bind = Source(), self._blocks.namespace.bind
        with source.block("def pack_value(value, _out):"):
            if are_unions(node):  # the object gets the error; Go would only drop the answer
                source.line(f"{bind('explain', explain)}(value)")
            writer = RecordWriter(self._blocks, source, [node], makes_output=False)
            writer.write(node, "value", 0)
            pack = make_struct(writer.slots, layout_of(node).size).pack
            arguments = ", ".join(slot.name for slot in sorted(writer.slots))
            writer.finish(bind("explain", explain), "value")
            source.line(f"return b''.join([{bind('pack', pack)}({arguments}), {writer.rest}])")
        pack_value = source.compile("pack_value", self._blocks.namespace, f"result {where}")

        may_hold_sets = checked_by_go(node)

        def packed(value: Any, unsent: Unsent) -> bytes:
            out = Output()
            out.unsent = unsent
            try:
                frame: bytes = pack_value(value, out)
                if may_hold_sets and any(opcode in frame for opcode in SET_OPCODES):
                    explain(value)  # Go would only drop the answer
                return frame
            except Exception:
                next(unsent)
                explain(value)
                raise

        return packed


def _passed(method: Method, values: list[str]) -> str:
    """Returns the arguments of a call, those by name too."""
    names = [f"{param.name}=" * param.keyword_only for param in method.params]
    return ", ".join(map("".join, zip(names, values)))


def _number_checker(node: Scalar, where: str) -> Callable[[Any], int]:
    def checked(value: Any) -> int:
        check(node, value, where)
        number: int = value.__index__()
        return number - (1 << 64) if number >> 63 > 0 else number

    return checked
