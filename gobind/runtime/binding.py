"""Binds a user's class to an interface of a library: the result is an object with methods."""

from __future__ import annotations

import sys
import typing
from collections.abc import Callable, Iterator
from typing import Any

from gobind.codec import linkage
from gobind.codec.columns import get_dicts, get_i64, get_lists, get_str, get_tuples, get_u64
from gobind.codec.frames import Input
from gobind.codec.layout import layout_of
from gobind.codec.registry import Blocks
from gobind.contract.canonical import read_text
from gobind.contract.compatibility import differences, struct_differences
from gobind.contract.decorators import ERROR, STRUCT, kind_of
from gobind.contract.fingerprint import fingerprint, reachable, struct_fingerprint
from gobind.contract.resolve import Schema
from gobind.contract.types import CallableType, Contract, InterfaceType, Method, StructType
from gobind.errors import ClosedError, LoadError, MismatchError
from gobind.forklock import fork_lock, lazy_import
from gobind.outcomes import outcome
from gobind.runtime.call.methods import compile_method, namespace_of
from gobind.runtime.call.status import Statuses, next_id
from gobind.runtime.objects.answers import Answers
from gobind.runtime.objects.handlers import Handlers
from gobind.runtime.objects.proxies import Objects
from gobind.runtime.objects.upcalls import table_of
from gobind.runtime.process import advice
from gobind.runtime.process.head import unreadable
from gobind.runtime.process.native import Native
from gobind.runtime.wait.ring import RingSender

_get_strings = get_lists(get_str, list)
_get_interfaces = get_dicts(get_str, get_tuples([get_str, get_i64, _get_strings]))
_get_indexes = get_dicts(get_str, get_i64)
_get_layouts = get_dicts(get_str, get_lists(get_u64, list))
_get_contract = get_tuples(
    [get_str, get_str, _get_interfaces, get_dicts(get_str, get_str), _get_indexes, _get_layouts]
)


class CarriedContract:
    """One contract inside a library, as the library describes it.

    Attributes:
        interfaces: fingerprint, index of the first method and names of the methods, by name.
        errors: fingerprints, by name.
        callables: indexes of the methods, by annotation.
        layouts: size and offsets of structs' records, by name.
    """

    name: str
    text: str
    interfaces: dict[str, tuple[str, int, list[str]]]
    errors: dict[str, str]
    callables: dict[str, int]
    layouts: dict[str, list[int]]

    def __init__(self, path: str, index: int, entry: tuple[Any, ...]) -> None:
        self.path = path
        self.index = index
        self.name, self.text, self.interfaces, self.errors, self.callables, self.layouts = entry
        self._parsed: Contract | None = None

    def parsed(self) -> Contract:
        """Returns the contract with classes of its own, made from its text.

        Raises:
            LoadError: the text cannot be read.
        """
        with fork_lock:  # two libraries of one contract make a module of one name
            if self._parsed is None:
                parsed, error = outcome(lambda: read_text(self.text, self.name))
                if error is not None:
                    raise LoadError(unreadable(self.path, "contract", error)) from error
                self._parsed = typing.cast(Contract, parsed)
            return self._parsed

    def index_of(self, node: InterfaceType | CallableType) -> int:
        """Returns the index of the first method of an interface or callable in the library."""
        return self.callables[node.text] if isinstance(node, CallableType) else self.interfaces[node.text][1]

    def methods_of(self, node: InterfaceType) -> list[str]:
        """Returns the names of an interface's methods in the order of their indexes."""
        return self.interfaces[node.text][2]

    def interface(self, name: str) -> InterfaceType:
        """Returns one interface of `parsed`."""
        return next(node for node in self.parsed().interfaces if node.text == name)


def read_description(native: Native) -> list[CarriedContract]:
    """Reads the contracts inside a library.

    Raises:
        LoadError: the library's parts do not fit together.
    """

    def read() -> tuple[list[str], list[Any]]:
        source = Input(native.description, 0, len(native.description))
        problems, contracts = _get_strings(source, 1), get_lists(_get_contract, list)(source, 1)
        source.finish()
        return problems[0], contracts[0]

    found, error = outcome(read)
    if error is not None:
        raise LoadError(unreadable(native.path, "contract", error)) from error
    problems, contracts = found
    if problems:
        raise LoadError(f"{native.path}: {'; '.join(problems)}")
    return [CarriedContract(native.path, *entry) for entry in enumerate(contracts)]


class Binding:
    """One class bound to one interface of a library.

    It owns the codec and the generated functions, and sets the names in their namespace that
    `gobind.codec.linkage` lists: some of them are what `close` and a fork change.
    """

    def __init__(self, native: Native, carried: CarriedContract, cls: Any) -> None:
        self._schema = Schema()
        self._carried = carried
        self.node = self._schema.interface(cls)
        self._errors = [self._error(*entry, cls, native.path) for entry in carried.errors.items()]
        self._verify(native)
        structs = self._schema.structs
        structs.names = sorted({*carried.layouts} - {*carried.errors})
        structs.find, structs.verify = self._struct_of, self._verify_struct
        if any(method.options.blocking for method in self.node.methods):
            # Imported now: a signal handler that calls one during the import would find half a module.
            lazy_import("gobind.runtime.wait.blocking")
        self.objects = Objects(self._compile_for_object, carried.index_of, carried.methods_of)
        self.blocks = Blocks(self.objects, structs)
        self._statuses = statuses = Statuses(
            self, self.blocks, self._errors, self.objects.exception_of, self.objects.escaped
        )
        self.blocks.namespace.link(
            linkage.BINDING,
            _next_id=next_id,
            _fetch_result=statuses.fetch_result,
            _fetch_response=statuses.fetch_response,
            _number_of=statuses.number,
            _opened=statuses.opened,
        )
        self.connect(native)
        self.root: Any = object.__new__(self._make_class(cls, native.path))

    def connect(self, native: Native) -> None:
        """Directs calls to `native`."""
        self.native = native
        table = table_of(native)
        answers = Answers(table, self.blocks, self._carried.index, self._errors)
        self.objects.connect(native, table, Handlers(self.blocks, answers))
        namespace = self.blocks.namespace
        namespace.link(
            linkage.CONNECTION,
            _call=native.call,
            _call_keeping_gil=native.call_keeping_gil,
            _add_own=self._statuses.add_own,
            _release_status=native.release_status,
            _make_unsent=table.unsent,
        )
        for moment, connect in self._connecting.items():
            if namespace.is_linked(moment):
                connect()

    @property
    def _connecting(self) -> dict[str, Callable[[], None]]:
        """By moment, the functions that set the names that only some kinds of methods need."""
        return {
            linkage.FIRST_ASYNC: self._connect_loop,
            linkage.FIRST_RING: self._connect_ring,
            linkage.FIRST_BLOCKING: self._connect_wait,
        }

    def _connect_loop(self) -> None:
        dispatcher = lazy_import("gobind.runtime.wait.asyncio_loop").dispatcher_of(self.native)
        self.blocks.namespace.link(
            linkage.FIRST_ASYNC,
            _submit=dispatcher.submit,
            _cancel_call=dispatcher.cancel,
            _parked=dispatcher.parked,
        )

    def _connect_ring(self) -> None:
        self.blocks.namespace.link(linkage.FIRST_RING, _send=RingSender(self.native).send)

    def _connect_wait(self) -> None:
        waiters = lazy_import("gobind.runtime.wait.blocking").Waiters(self.native)
        self.blocks.namespace.link(
            linkage.FIRST_BLOCKING,
            _wait=waiters.wait,
            _cancel_call_wait=waiters.cancel,
            _parked_wait=waiters.parked,
        )

    def close(self, message: str) -> None:
        """Makes calls raise `ClosedError`."""

        def refuse(*_: Any) -> Any:
            raise ClosedError(message)

        self._replace_entry_points(lambda name: refuse)

    def after_fork(self, reopen: Callable[[], None]) -> None:
        """In the child of a fork: makes the first call, of any kind, open the library again.

        The objects of the parent's Go are closed.
        """
        self.objects.after_fork(reopen)
        namespace = self.blocks.namespace.names

        def stub(name: str) -> Callable[..., Any]:
            def first_call(*args: Any, **kwargs: Any) -> Any:
                reopen()
                return namespace[name](*args, **kwargs)

            return first_call

        self._replace_entry_points(stub)
        # What a call leaves behind if the library cannot be opened anew would be forgotten in the parent's Go.
        namespace.update(dict.fromkeys(linkage.names_of(linkage.CLEANUP), _nothing))

    def _replace_entry_points(self, make: Callable[[str], Callable[..., Any]]) -> None:
        # All of them: a method compiled later would connect to the library as it was.
        namespace = self.blocks.namespace.names
        for name in linkage.names_of(linkage.CLEANUP):
            namespace.setdefault(name, _nothing)
        for name in linkage.names_of(linkage.ENTRY):
            namespace[name] = make(name)

    def _make_class(self, cls: Any, path: str) -> Any:
        first, names = self._carried.index_of(self.node), self._carried.methods_of(self.node)
        namespace = namespace_of(self.node, first, names, self._compile)
        namespace["__repr__"] = lambda self: f"<{cls.__name__} of {path}>"
        namespace["__reduce_ex__"] = _refuse_pickling
        return type(cls)(cls.__name__, (cls,), namespace)

    def _compile_for_object(self, method: Method, index: int, name: str) -> Any:
        return self._compile(method, index, name, has_receiver=True)

    def _compile(self, method: Method, index: int, name: str, has_receiver: bool = False) -> Any:
        moment = _moment_of(method)
        if moment is not None and not self.blocks.namespace.is_linked(moment):
            self._connecting[moment]()
        return compile_method(method, index, name, self.blocks, has_receiver)

    # Verification

    def _verify(self, native: Native) -> None:
        node, carried = self.node, self._carried
        if fingerprint(node) != carried.interfaces[node.text][0]:
            lines = differences(carried.interface(node.text), node)
            if lines:
                raise _mismatch(native.path, node, lines)
        lines = [*self._layout_differences(native)]
        if lines:
            raise _mismatch(native.path, node, lines)

    def _layout_differences(self, native: Native) -> Iterator[str]:
        """Yields where the C layout computed here differs from Go's sizes and offsets; never, if both are right."""
        for node in reachable(self.node):
            if isinstance(node, StructType):
                found = self._carried.layouts.get(node.text)
                layout = layout_of(node)
                wanted = [layout.size, *layout.offsets]
                if found is not None and found != wanted:
                    yield f"{node.text}: Go lays it out as size and offsets {found}, Python as {wanted}"

    def _struct_of(self, name: str) -> StructType:
        """Returns a struct that the interface refers to, else one of its module, else the library's."""
        for node in reachable(self.node):
            if isinstance(node, StructType) and node.text == name:
                return node
        found: Any = getattr(sys.modules.get(self.node.cls.__module__), name, None)
        if kind_of(found) == STRUCT:
            return self._schema.struct(found)
        return next(node for node in self._carried.parsed().structs if node.text == name)

    def _verify_struct(self, node: StructType) -> None:
        """Compares a struct that a dynamic value holds with the library's.

        Raises:
            MismatchError: they differ.
        """
        library = next(other for other in self._carried.parsed().structs if other.text == node.text)
        if struct_fingerprint(library) != struct_fingerprint(node):
            raise _mismatch(self.native.path, node, struct_differences(library, node))

    def _error(self, name: str, expected: str, cls: type, path: str) -> StructType:
        """Returns the node of one of the contract's errors: from the user's module, else from the library."""
        found = next((c for c in _errors_near(cls) if c.__name__ == name), None)
        own = None
        if found is not None:
            node = self._schema.struct(found)
            if struct_fingerprint(node) == expected:
                return node
            own = node
        library = next(node for node in self._carried.parsed().errors if node.text == name)
        if own is None:
            return library
        lines = struct_differences(library, own)
        if lines:
            raise _mismatch(path, own, lines)
        return own  # another gobind may make another fingerprint of the same


def _errors_near(cls: type) -> Iterator[type]:
    """Yields the error classes that the modules which define an interface and its bases refer to."""
    for base in cls.__mro__:
        for value in list(vars(sys.modules.get(base.__module__, object)).values()):
            if kind_of(value) == ERROR:
                yield value


def _mismatch(path: str, node: InterfaceType | StructType, lines: list[str]) -> MismatchError:
    from shlex import quote

    file = getattr(sys.modules.get(node.cls.__module__), "__file__", None)
    package = advice.package_of(path)
    if package and (file is None or advice.package_of(file) != package):
        what_to_do = f"change the class, or install the version of {package} that it is for"
    else:
        what_to_do = advice.again(path, quote(file or node.cls.__module__))
    return MismatchError("\n".join([f"{node.text} differs from the contract in {path}:", *lines, what_to_do]))


def _moment_of(method: Method) -> str | None:
    """Returns the moment when the names are set that a method needs and others do not."""
    if method.is_async:
        return linkage.FIRST_ASYNC
    if method.options.ring:
        return linkage.FIRST_RING
    return linkage.FIRST_BLOCKING if method.options.blocking else None


def _nothing(*_: Any) -> None:
    """Does nothing: the cleanup after a call that was not made."""


def _refuse_pickling(self: Any, protocol: Any) -> Any:
    raise TypeError(f"cannot copy or pickle {type(self).__name__}: it lives in a library of this process")
