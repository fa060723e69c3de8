"""Methods: for each a generated Python function that packs the arguments, calls Go once, and unpacks the result."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain
from typing import Any

from gobind import protocol
from gobind.codec.buffers import borrow, format_of
from gobind.codec.diagnose import locate
from gobind.codec.layout import layout_of, record_layout
from gobind.codec.records import RecordReader, RecordWriter, Slot, make_struct
from gobind.codec.records import has_handles as has_handles_in
from gobind.codec.registry import Blocks
from gobind.codec.scatter import scatter
from gobind.codec.source import Source
from gobind.contract.dynamics import checked_by_go
from gobind.contract.scalars import Scalar
from gobind.contract.types import BufferType, Field, InterfaceType, Method, Node
from gobind.contract.validate import check, check_unchanged, root_path
from gobind.errors import GobindError
from gobind.forklock import fork_lock
from gobind.runtime.call import deadline, status

# CPython 3.10: a signal handler may raise where an `except` begins, and another where the next one does.
_TIMES = 3 if sys.version_info < (3, 11) else 1


class LazyMethod:
    """Stands for a method until its first use, then compiles it and replaces itself in the class.

    Attributes:
        name: the name of the method in the class.
    """

    # Not `__set_name__`: up to CPython 3.11 an exception of a signal handler becomes a RuntimeError there.
    def __init__(self, name: str, compile_method: Callable[[], Any]) -> None:
        self.name = name
        self._compile = compile_method

    def __get__(self, instance: Any, owner: type) -> Any:
        with fork_lock:
            function = vars(owner).get(self.name, self)
            if function is self:  # or another thread was faster
                function = self._compile()
                setattr(owner, self.name, function)
        return function.__get__(instance, owner)


def namespace_of(
    node: InterfaceType, first: int, names: list[str], compile_method: Callable[[Method, int, str], Any]
) -> dict[str, Any]:
    """Returns the namespace of a class for an interface: names, docstring, and methods compiled on first use.

    Args:
        node: the interface.
        first: the index of the interface's first method in the library.
        names: the names of all its methods there, in the order of their indexes.
        compile_method: compiles a method, given its index and the interface's name.
    """
    namespace: dict[str, Any] = {
        "__module__": node.cls.__module__,
        "__qualname__": node.cls.__qualname__,
        "__doc__": node.cls.__doc__,
    }
    for method in node.methods:
        index = first + names.index(method.name)
        namespace[method.name] = LazyMethod(method.name, partial(compile_method, method, index, node.text))
    return namespace


def is_direct(result: Node | None) -> bool:
    """Returns True if the integer that a call returns is the result: for None, bool and integers."""
    return result is None or (isinstance(result, Scalar) and result.code not in "fd")


def ring_capacity(method: Method) -> int:
    """Returns how many requests of a method may wait in its ring; 0 without a ring."""
    return protocol.RING_CAPACITY if method.options.ring is True else method.options.ring


def compile_method(
    method: Method, index: int, interface: str, blocks: Blocks, has_receiver: bool = False
) -> Callable[..., Any]:
    """Compiles the function of one method.

    Args:
        method: the method.
        index: the index of the method in the library.
        interface: the name of the interface, for messages.
        blocks: the codec; its namespace has the names that `gobind.codec.linkage` lists.
        has_receiver: True for methods of objects, which have a handle.
    """
    return MethodWriter(method, index, interface, blocks, has_receiver).compile()


class MethodWriter:
    """Writes the text of the function of one method."""

    def __init__(
        self, method: Method, index: int, interface: str, blocks: Blocks, has_receiver: bool
    ) -> None:
        self._method = method
        self._has_receiver = has_receiver
        self._index = index
        self._where = f"{interface}.{method.name}"
        self._blocks = blocks
        self._bind = blocks.namespace.bind
        self._source = Source()
        self._nodes = [param.type for param in method.params]
        self._direct = is_direct(method.result)
        self._ring = ring_capacity(method)
        self._goes_through_queue = method.is_async or (method.options.blocking and not self._ring)
        self._has_unions = checked_by_go(*self._nodes)
        explain = _explainer(method.params)
        self._explain = f"{self._bind(f'explain_{method.name}', explain)}"
        self._names = ", ".join(param.name for param in method.params)

    def compile(self) -> Callable[..., Any]:
        source = self._source
        name = self._method.name
        word = "async def" if self._method.is_async else "def"
        has_handles = any(map(has_handles_in, self._nodes))
        with source.block(f"{word} {name}({self._signature()}):"):
            if has_handles:
                source.line("_unsent = _make_unsent()")
            with source.block("try:"):
                writer = self._write_request()
            with source.block("except _Exception:"):
                if has_handles:
                    source.line("_next(_unsent)")
                source.line(f"{self._explain}({self._names})")
                source.line("raise")
            unsent = "_unsent" if has_handles else ""
            if self._goes_through_queue:
                self._write_awaiting(writer, unsent)
            elif self._ring:
                source.line(f"_send(_frame, {self._ring}{unsent and f', {unsent}'})")
                return self._compiled(name)
            else:
                self._write_call(writer)
            if self._direct:
                self._write_direct()
            else:
                self._write_response(self._method.result)
        return self._compiled(name)

    def _compiled(self, name: str) -> Callable[..., Any]:
        function = self._source.compile(name, self._blocks.namespace, self._where)
        function.__qualname__ = self._where
        function.__doc__ = self._method.doc or None
        return function

    def _signature(self) -> str:
        words = ["self"]
        for param in self._method.params:
            if param.keyword_only and "*" not in words:
                words.append("*")
            default = ""
            if param.has_default:
                default = f"={self._bind(f'default_{param.name}', param.default)}"
            words.append(param.name + default)
        return ", ".join(words)

    def _write_request(self) -> RecordWriter:
        source = self._source
        if self._has_unions and self._ring:  # nobody hears of what Go refuses
            source.line(f"{self._explain}({self._names})")
        layout = record_layout(self._nodes)
        base = protocol.HEADER_SIZE
        writer = RecordWriter(self._blocks, source, self._nodes)
        for param, offset in zip(self._method.params, layout.offsets):
            writer.write(param.type, param.name, base + offset)
        writer.finish(self._explain, self._names)
        slots = [Slot(protocol.METHOD_OFFSET, "I", str(self._index)), *writer.slots]
        if self._has_receiver:
            slots.append(Slot(protocol.RECEIVER_OFFSET, "q", "self._handle"))
        if self._goes_through_queue:
            source.line("_id = _next_id()")
            slots.append(Slot(protocol.REPLY_OFFSET, "Q", "_id"))
        elif not self._direct:
            with source.block("try:"):
                source.line(f"_reply = {self._bind('take_reply', status.take_reply)}()")
            with source.block("except _IndexError:"):
                source.line(f"_reply = {self._bind('new_reply', status.new_reply)}()")
            slots.append(Slot(protocol.REPLY_OFFSET, "Q", "_reply[1]"))
        fixed = base + layout.size
        has_rest = writer.has_blocks or writer.pieces
        if has_rest:
            source.line(f"_size = {fixed} + {writer.rest_size}")
            slots.append(Slot(protocol.SIZE_OFFSET, "Q", "_size"))
        elif self._goes_through_queue or self._ring:  # other requests may follow it
            slots.append(Slot(protocol.SIZE_OFFSET, "Q", str(fixed)))
        pack = self._bind(f"pack_{self._method.name}", make_struct(slots, fixed).pack)
        deadline.watch(self._blocks.namespace.names, pack)
        arguments = ", ".join(slot.name for slot in sorted(slots))
        words = {str(self._index): "method", "_size": "size", "_reply[1]": "reply", "_id": "id"}
        words.update({"self._handle": "receiver", str(fixed): "size"})
        comment = ", ".join(words.get(slot.name) or writer.path_of(slot.name) for slot in sorted(slots))
        source.line(f"_frame = {pack}({arguments})", comment)
        if has_rest:
            self._write_joining(writer)
        return writer

    def _write_joining(self, writer: RecordWriter) -> None:
        source = self._source
        with source.block(f"if _size < {protocol.EXTERNAL_SIZE}:", "EXTERNAL_SIZE"):
            if writer.has_blocks or len(writer.pieces) > 2:
                source.line(f"_frame = b''.join((_frame, {writer.rest}))")
            else:
                source.line(f"_frame += {' + '.join(piece for piece, _ in writer.pieces)}")
        with source.block("else:"):
            source.line(f"_frame = {self._bind('scatter', scatter)}(_frame, [{writer.rest}])")

    def _write_call(self, writer: RecordWriter) -> None:
        source = self._source
        target = "_result" if self._direct else "_size"
        call = "_call" if self._method.options.release_gil else "_call_keeping_gil"
        with self._settling("_frame", "_release_status(_frame)", times=_TIMES):
            if writer.has_handles:
                # Does what `gobind.runtime.interrupts.ownership.send` does, without a call of it.
                chained = (
                    f"{self._bind('chain', chain)}(_map({call}, (_frame,)), _map(_list.clear, _unsent.lists))"
                )
                source.line(f"{target} = [*{chained}][0]")
            else:
                source.line(f"{target} = {call}(_frame)")
            for name in writer.borrowed:
                source.line(f"{name}.release()")
            if self._direct:
                with source.block(f"if _result == {protocol.CHECK_STATUS}:", "CHECK_STATUS"):
                    source.line("_result = _fetch_result(_frame)")
            else:
                with source.block("if _size >= 0:"):
                    source.line("_head = _buf = _reply[0]")
                with source.block("else:"):
                    source.line("_head, _buf, _size = _fetch_response(_frame, _reply)")

    def _write_awaiting(self, writer: RecordWriter, unsent: str) -> None:
        source = self._source
        target = "_result" if self._direct else "_buf"
        more = f", ({', '.join(writer.borrowed)},)" if writer.borrowed else ""
        more += f", unsent={unsent}" if unsent else ""
        if self._method.is_async:
            more += f", ring={self._ring}" if self._ring else ""
            ended, which, times = f"await _submit(_frame, _id{more})", "", 1  # cancelling sees to it itself
        else:
            ended, which, times = f"_wait(_frame, _id{more})", "_wait", _TIMES
        borrowed = writer.borrowed  # up to Python 3.11 the exception's traceback keeps them
        with self._settling(f"_parked{which}(_id)", f"_cancel_call{which}(_id)", borrowed, times):
            source.line(f"{target} = {ended}")
            self._write_opening()

    @contextlib.contextmanager
    def _settling(
        self, key: str, release: str, forgotten: Sequence[str] = (), times: int = 1
    ) -> Iterator[None]:
        """Writes a try statement that settles a call that is left by an exception: tells it of the call's own, releases.

        Args:
            key: the key of the call's status.
            release: the line that releases the status.
            forgotten: variables deleted then.
            times: how many such statements are written, each inside the next.
        """
        source = self._source
        for _ in range(times):
            source.line("try:")
            source.indent()
        yield
        for time in range(times):
            source.dedent()
            with source.block("except _BaseException as _error:"):
                with source.block("try:"):
                    source.line(f"_add_own(_error, {key})")
                with source.block("finally:"):
                    source.line(release)
                if time == times - 1:
                    if forgotten:
                        source.line(f"del {', '.join(forgotten)}")
                    self._write_explaining()
                source.line("raise")

    def _write_explaining(self) -> None:
        """Writes the lines that say what Go has refused: it checks unions, which it reads anyway."""
        if self._has_unions:
            with self._source.block(f"if _type(_error) is {self._bind('GobindError', GobindError)}:"):
                self._source.line(f"{self._explain}({self._names})")

    def _write_opening(self) -> None:
        source = self._source
        if self._direct:
            with source.block("if _type(_result) is not _int:"):
                source.line("_result = _number_of(_result)")
        else:
            with source.block("if _type(_buf) is _bytes:"):
                source.line("_head = _buf")
                source.line("_size = _len(_buf)")
            with source.block("else:"):
                source.line("_head, _buf, _size = _opened(_buf)")

    def _write_direct(self) -> None:
        source, result = self._source, self._method.result
        if result is None:
            return
        if isinstance(result, Scalar) and result.text == "bool":
            source.line("return _result == 1")
        elif isinstance(result, Scalar) and result.text == "u64":
            source.line(f"return _result & {2**64 - 1}")
        else:
            source.line("return _result")

    def _write_response(self, result: Any) -> None:
        source = self._source
        with source.block("try:"):
            reader = RecordReader(self._blocks, source, [result], layout_of(result).size)
            value = reader.read(result, 0, "result")
            reader.finish()
            source.line(f"_result = {value}")
        with source.block("except _Exception as _error:"):
            name = self._bind(f"result_{self._method.name}", (("result", result),))
            source.line(f"raise {self._bind('locate', locate)}({name}, _buf, _size, _error) from None")
        if not self._goes_through_queue:
            source.line(f"{self._bind('give_reply', status.give_reply)}(_reply)")
        source.line("return _result")


def _explainer(params: tuple[Field, ...]) -> Callable[..., None]:
    """Returns a function that raises if something is wrong with the arguments, and says what."""

    def explain(*values: Any) -> None:
        for param, value in zip(params, values):
            try:
                if isinstance(param.type, BufferType):
                    borrow(value, format_of(param.type)).release()
                else:
                    check(param.type, value, root_path(param.type, param.name, value))
            except TypeError as error:
                text = f"{param.name}: {error}" if isinstance(param.type, BufferType) else str(error)
                raise TypeError(text) from None
            except Exception as error:
                raise error from None
        check_unchanged(sys.exc_info()[1])

    return explain
