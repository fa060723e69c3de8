"""Proxies: the Python objects that stand for Go's objects; and handles for Python objects passed to Go."""

from __future__ import annotations

import threading
import warnings
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from functools import partial
from operator import index
from typing import Any
from weakref import ref

from gobind import protocol
from gobind.contract.decorators import MethodOptions
from gobind.contract.types import CallableType, InterfaceType, ListType, Method, Node, StreamType
from gobind.contract.validate import implements, is_single_item, misfit_of_function
from gobind.errors import ClosedError
from gobind.forklock import fork_lock
from gobind.locks import ReentrantLock
from gobind.runtime.call.methods import LazyMethod, namespace_of
from gobind.runtime.interrupts.ownership import Owned, Unsent
from gobind.runtime.objects.handlers import Handlers
from gobind.runtime.objects.posts import refuse_async
from gobind.runtime.objects.upcalls import HandleTable
from gobind.runtime.process.native import Native

CLOSED = protocol.CLOSED_HANDLE
_NO_OBJECT = {
    protocol.CLOSED_HANDLE: "the object is closed",
    protocol.LOST_HANDLE: "the object belongs to the parent process",
}

Compile = Callable[[Method, int, str], Any]
"""Compiles a method with a receiver, given the method, its index, and the name of its interface."""


class GoObject:
    """A proxy: stands for an object of Go, and owns one count of its handle.

    Closing, leaving a ``with`` block or collection releases it, once.
    """

    _handle = CLOSED
    _native: Native
    _owned: Owned

    # A destructor finds what it needs through the class: when Python ends, an object may outlive the globals of its
    # module (a module emptied later, or a thread's frame, refers to it).
    _closed = CLOSED
    _no_object = _NO_OBJECT
    _warn = staticmethod(warnings.warn)

    def _release(self) -> None:
        self._handle = self._closed
        self._owned.release()

    def __repr__(self) -> str:
        state = "closed " if self._handle in self._no_object else ""
        return f"<{state}{type(self).__name__} of {self._native.path}>"

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError(f"cannot copy or pickle {type(self).__name__}: it stands for an object of Go")


class _Reference(ref):  # type: ignore[type-arg]
    """A weak reference to an object, with its key in the table."""

    __slots__ = ("key",)
    key: tuple[int, Any]


class _Alive:
    """The live proxies of one library, by handle and the node they were lifted as.

    The lock prevents two threads that lift one handle from making two proxies. It is reentrant: collection may run a
    destructor at any time, which may lift a handle itself.

    Not a `weakref.WeakValueDictionary`: it runs Python code when an object is collected, and an exception that a
    signal handler raises there is lost. Here the reference goes into a list, which is processed later.
    """

    def __init__(self) -> None:
        self.lock = ReentrantLock()
        self._references: dict[tuple[int, Any], _Reference] = {}
        self._dead: deque[_Reference] = deque()

    def find(self, key: tuple[int, Any]) -> GoObject | None:
        """Returns the object of a key, if it is alive."""
        reference = self._references.get(key)
        return None if reference is None else reference()

    def add(self, key: tuple[int, Any], value: GoObject) -> None:
        """Keeps an object in the table as long as it lives."""
        while self._dead:  # not iterated over: without the GIL other threads append to it meanwhile
            # A signal handler that runs meanwhile may remove it.
            with suppress(IndexError, ValueError):
                dead = self._dead[0]
                if self._references.get(dead.key) is dead:
                    self._references.pop(dead.key, None)
                self._dead.remove(dead)
        reference = _Reference(value, self._dead.append)
        reference.key = key
        self._references[key] = reference

    def all(self) -> list[GoObject]:
        """Returns the objects that are alive."""
        found = [reference() for reference in [*self._references.values()]]
        return [value for value in found if value is not None]


_tables: dict[Native, _Alive] = {}


class Objects:
    """Lifts handles to objects and lowers objects to handles, for one binding.

    Args:
        index_of: returns the index of the first method of an interface or callable in the library.
    """

    def __init__(
        self,
        compile_method: Compile,
        index_of: Callable[[InterfaceType | CallableType], int],
        methods_of: Callable[[InterfaceType], list[str]],
    ) -> None:
        self._compile = compile_method
        self._index_of = index_of
        self._methods_of = methods_of
        self._classes: dict[int, tuple[Node, Any]] = {}
        self._reopen: Callable[[], None] | None = None

    def connect(self, native: Native, table: HandleTable, handlers: Handlers) -> None:
        """Sets the library that objects belong to."""
        self._native, self._table, self._handlers = native, table, handlers
        # All bindings of a library share them: an object is the same whichever interface it came from.
        self._alive = _tables.setdefault(native, _Alive())
        self._reopen = None

    def after_fork(self, reopen: Callable[[], None]) -> None:
        """Closes all objects without telling Go, which runs in the parent process.

        Args:
            reopen: opens the library again in this process, and connects to it.
        """
        for value in self._alive.all():
            value._handle = protocol.LOST_HANDLE
        self._reopen = reopen

    def exception_of(self, object_id: int) -> BaseException:
        """Returns the exception with that id, which Go holds; KeyError if there is none."""
        found: BaseException = self._table.value_of(object_id)
        return found

    def escaped(self) -> BaseException | None:
        """Returns the exception that escaped from an upcall of this thread; None if it is not known."""
        return self._table.escaped.get(threading.get_ident())

    # Go's objects

    def lift(self, node: Node, handle: int) -> Any:
        """Returns the object that a handle stands for: the same one while it is alive."""
        if handle & protocol.PYTHON_OWNED:
            return self._table.value_of(handle & ~protocol.PYTHON_OWNED)
        key = handle, getattr(node, "cls", node.text)
        known = self._alive.find(key)
        if known is not None and known._handle == handle:
            return known
        cls = self._class_of(node)  # not under the lock: no lock is taken while it is held
        with self._alive.lock:
            known = self._alive.find(key)
            if known is None or known._handle != handle:  # closed, while a frame still held the handle
                known = self._make(cls, node, handle)
                self._alive.add(key, known)
        if isinstance(node, StreamType):
            return _items_async(known) if node.is_async else _items(known)
        return known

    def _make(self, cls: type[GoObject], node: Node, handle: int) -> GoObject:
        made = object.__new__(cls)
        made._native = self._native
        made._owned = Owned(self._native.releasing)
        if not made._owned.take(self._native.retain, handle):
            raise ClosedError(f"{node.text}: the object is closed")
        made._handle = handle
        return made

    def _class_of(self, node: Node) -> Any:
        if id(node) not in self._classes:
            with fork_lock:
                if id(node) not in self._classes:
                    self._classes[id(node)] = node, self._make_class(node)
        return self._classes[id(node)][1]

    def _make_class(self, node: Node) -> Any:
        if isinstance(node, StreamType):
            fetch = Method("fetch", (), ListType(node.item, list), node.is_async, MethodOptions(), "")
            compiled = LazyMethod("fetch", partial(self._compile, fetch, protocol.STREAM_NEXT, node.text))
            return type(node.text, (GoObject,), {"fetch": compiled})
        if isinstance(node, CallableType):
            compiled = LazyMethod(
                "__call__", partial(self._compile, node.method, self._index_of(node), node.text)
            )
            return type(node.text, (GoObject,), {"__call__": compiled})
        assert isinstance(node, InterfaceType), node.text
        first, names = self._index_of(node), self._methods_of(node)
        namespace = namespace_of(node, first, names, self._compile)
        closing = next((m for m in node.methods if m.name == "close" and not m.params), None)
        if closing is not None:
            _add_closing(namespace, closing.is_async)
        return type(node.cls)(node.text, (GoObject, node.cls), namespace)

    # Python's objects

    def lower(self, node: Node, value: Any, unsent: Unsent) -> int:
        """Returns the handle of an object; `unsent` owns it until the frame is sent.

        Raises:
            ClosedError: it is an object of Go that is closed.
            TypeError: it cannot be passed as `node`.
        """
        if self._reopen is not None:
            self._reopen()
        if isinstance(value, GoObject) and value._native is self._native:
            handle, handles = value._handle, unsent.handles()
            if handle not in _NO_OBJECT:
                handles.extend(map(self._native.retain, (handle,)))  # one step, as `Owned.take` is
            if handle in _NO_OBJECT or not handles[-1]:
                index(handle)  # a handle that `gobind.runtime.sanitizer` replaced raises here
                why = _NO_OBJECT.get(handle, "the object is closed")
                raise ClosedError(f"{type(value).__name__}: {why}")
            return handle
        if isinstance(node, StreamType):
            items: Any = value
            if is_single_item(node, value):
                raise TypeError(f"expected {node.text}, got {type(value).__name__}")
            value = items.__aiter__() if node.is_async else iter(items)
        elif isinstance(node, CallableType):
            if not callable(value) or misfit_of_function(value, node):
                raise TypeError(f"expected {node.text}, got {type(value).__name__}")
            if node.is_one_way:
                refuse_async(value)
        elif isinstance(node, InterfaceType) and not implements(value, node):
            raise TypeError(f"expected {node.text}, got {type(value).__name__}")
        return self._table.hold(value, self._handlers.of(node), unsent) | protocol.PYTHON_OWNED


def _items(stream: Any) -> Iterator[Any]:
    """Yields the items of a stream of Go; leaving the loop early, or collection, stops the stream."""
    try:
        while True:
            items = stream.fetch()
            if not items:
                return
            yield from items
    finally:
        stream._release()


async def _items_async(stream: Any) -> AsyncIterator[Any]:
    try:
        while True:
            items = await stream.fetch()
            if not items:
                return
            for item in items:
                yield item
    finally:
        stream._release()


def _add_closing(namespace: dict[str, Any], is_async: bool) -> None:
    """Makes ``close`` release the object, once, and the class a context manager; adds the warning for objects not
    closed."""
    namespace["__del__"] = _warn_unclosed
    closing: LazyMethod = namespace.pop("close")
    closing.name = "_close_in_go"
    namespace[closing.name] = closing
    if is_async:
        namespace.update(close=_close_async, __aenter__=_enter_async, __aexit__=_exit_async)
    else:
        namespace.update(close=_close, __enter__=_enter, __exit__=_exit)


def _warn_unclosed(self: Any) -> None:
    if self._handle not in self._no_object:
        self._warn(f"unclosed {self!r}", ResourceWarning, source=self, stacklevel=2)


def _close(self: Any) -> Any:
    if self._handle != CLOSED and self._owned.claim():
        try:
            return self._close_in_go()
        finally:
            _end(self)


async def _close_async(self: Any) -> Any:
    if self._handle != CLOSED and self._owned.claim():
        try:
            return await self._close_in_go()
        finally:
            _end(self)


def _end(self: Any) -> None:
    """Closes the streams that have come from an object, and releases it."""
    try:
        if self._handle not in _NO_OBJECT:
            self._native.control(protocol.CONTROL_CLOSE_STREAMS, self._handle)
    finally:
        self._release()


def _enter(self: Any) -> Any:
    return self


def _exit(self: Any, *_: object) -> None:
    self.close()


async def _enter_async(self: Any) -> Any:
    return self


async def _exit_async(self: Any, *_: object) -> None:
    await self.close()
