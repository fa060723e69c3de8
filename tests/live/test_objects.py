"""Objects of Go in Python and of Python in Go: identity, ownership, and what happens to closed ones."""

from __future__ import annotations

import asyncio
import copy
import functools
import gc
import pickle
import re
import shutil
import sys
import threading
import types
import unittest.mock
import warnings
import weakref
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import libraries
import pytest
from crossing import (
    Merger,
    PythonStore,
    Shelf,
    User,
    collect_until,
    dies,
    load,
    nothing_is_left,
    objects_py,
)

import gobind
from gobind import _debug

__all__ = ["nothing_is_left"]


def collect_all() -> None:
    """Collect, and what that leaves: PyPy finalizes an object in one collection and what it owned in the next."""
    for _ in range(5):
        gc.collect()


def close_all(*stores: Any) -> None:
    for store in stores:
        store.close()


# Identity


def test_objects_keep_their_identity_wherever_they_stand() -> None:
    stores = load("Stores")
    a, b, c = stores.many(3)
    assert stores.echo(a) is a and stores.same(a, a) and not stores.same(a, b)
    assert stores.by_name({"a": a, "b": b}) == {"a": a, "b": b}
    assert stores.maybe(None) is None and stores.maybe(c) is c
    first, second = stores.shelve([Shelf("one", a, b), Shelf("two", c)])
    assert first.store is a and first.spare is b and second.store is c and second.spare is None
    a.set("name", "x")
    assert stores.pair(a) == (a, "x")
    assert stores.is_go(a)
    close_all(a, b, c)


def test_values_without_a_pointer_are_one_object() -> None:
    logger = load("Stores").plain_logger()  # a struct without fields: each is the same value
    assert load("Stores").plain_logger() is logger and logger.enabled(2) and not logger.enabled(1)


def test_what_go_keeps_comes_back_as_another_object_when_the_first_is_gone() -> None:
    stores = load("Stores")
    with stores.open("x") as store:
        store.set("a", "b")
        stores.keep(store)
        first = weakref.ref(store)
        store._release()
    del store
    gc.collect()
    assert first() is None
    again = stores.kept()
    assert again.get("a") == "b" and stores.kept() is again
    again.close()
    stores.keep(None)


def test_threads_that_get_one_value_at_once_get_one_object() -> None:
    stores = load("Stores")
    with pytest.warns(ResourceWarning):
        stores.keep(stores.open("x"))
        gc.collect()
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(100):
            got: list[Any] = []
            begin = threading.Barrier(4)

            def work(got: list[Any] = got, begin: threading.Barrier = begin) -> None:
                begin.wait()
                got.append(stores.kept())

            threads = [threading.Thread(target=work) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert len({*map(id, got)}) == 1 and len(got) == 4
            got[0]._release()
    finally:
        sys.setswitchinterval(interval)
    stores.keep(None)


def test_an_object_is_an_instance_of_its_interface() -> None:
    with load("Stores").open("x") as store:
        assert objects_py.Store in type(store).__mro__ and type(store).__name__ == "Store"
        assert type(store).__module__ == "objects"
        assert re.fullmatch(r"<Store of .*libobjects\.\w+>", repr(store))
    assert re.fullmatch(r"<closed Store of .*libobjects\.\w+>", repr(store))


def test_an_async_method_gives_an_object() -> None:
    import asyncio

    async def main() -> None:
        with await load("Stores").open_later("later") as store:
            store.set("a", "b")
            assert store.get("a") == "b"

    asyncio.run(main())


# Closing


def test_a_closed_object_says_so() -> None:
    stores = load("Stores")
    with stores.open("x") as closed:
        assert _debug.live() > 0
    assert collect_until(lambda: _debug.live() == 0)
    for call in (closed.count, lambda: closed.get("a"), lambda: closed.scan("")):
        with pytest.raises(gobind.ClosedError, match="^Store.[a-z]+: the object is closed$"):
            call()
    with pytest.raises(gobind.ClosedError, match="^Store: the object is closed$"):
        stores.echo(closed)


def test_a_closed_object_and_one_of_python_in_one_call() -> None:
    stores = load("Stores")
    with stores.open("x") as closed:
        pass
    for arguments in ((closed, PythonStore()), (PythonStore(), closed)):
        with pytest.raises(gobind.ClosedError, match="^Store: the object is closed$"):
            stores.same(*arguments)
    assert _debug.exported() == 0  # what had been passed before the closed one was found


def test_closing_twice_calls_go_once() -> None:
    store = load("Stores").open("x")
    with store:
        store.close()  # Go's Close fails the second time
    store.close()


def test_close_releases_even_if_go_close_fails() -> None:
    stores = load("Stores")
    store = stores.open("x")
    stores.keep(store)
    store.close()
    again = stores.kept()
    assert again is not store
    with pytest.raises(gobind.GoError, match="^x is closed already$"):
        again.close()
    again.close()
    stores.keep(None)
    assert collect_until(lambda: _debug.live() == 0)


def test_warnings_that_are_errors_do_not_keep_anything() -> None:
    store, said = load("Stores").open("x"), []
    hook, sys.unraisablehook = sys.unraisablehook, lambda what: said.append(what.exc_type)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            del store
            collect_all()
    finally:
        sys.unraisablehook = hook
    assert said == [ResourceWarning] and _debug.live() == 0


def test_collection_warns_and_nothing_else_does() -> None:
    stores = load("Stores")
    store = stores.open("x")
    with pytest.warns(ResourceWarning, match=r"^unclosed <Store of .*>$"):
        del store
        collect_all()
    collect_all()  # the warning, too, had the object
    assert _debug.live() == 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with stores.open("y"):
            pass
        close_all(*stores.many(3))
        add = load("Functions").adder(1)  # not closable: collection is the way
        assert add(1) == 2
        del add
        next(load("Streams").ints(3))
        collect_all()


def test_an_exception_in_the_block_closes() -> None:
    with pytest.raises(KeyError), load("Stores").open("x") as store:
        raise KeyError
    with pytest.raises(gobind.ClosedError):
        store.count()


def test_a_stale_handle_is_never_another_object() -> None:
    stores = load("Stores")
    with stores.open("x") as store:
        stale = store._handle
    for _ in range(1000):
        with stores.open("y") as other:  # takes the same slot
            assert other._handle != stale
            if sys.implementation.name == "cpython":  # elsewhere slots come free later
                assert other._handle & 0xFFFFFFFF == stale & 0xFFFFFFFF
            other._native.release(stale)  # of nobody's
            assert other.count() == 0
            handle = other._handle
            other._handle = stale
            with pytest.raises(gobind.ClosedError, match="^Store.count: the object is closed$"):
                other.count()
            with pytest.raises(gobind.ClosedError, match="^Store: the object is closed$"):
                stores.echo(other)
            other._handle = handle


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickle.dumps])
def test_objects_cannot_be_duplicated(duplicate: Any) -> None:
    message = "cannot copy or pickle Store: it stands for an object of Go"
    with load("Stores").open("x") as store:
        for value in (store, [Shelf("a", store)]):
            if duplicate is copy.copy and value is not store:
                continue  # the same object in another list
            with pytest.raises(TypeError) as caught:
                duplicate(value)
            assert str(caught.value) == message  # `match` sees the notes of Python 3.14's pickle, too
        assert store.count() == 0


def test_closing_while_others_call() -> None:
    stores, failures = load("Stores"), []
    for _ in range(200):
        store, begun = stores.open("x"), threading.Barrier(3)

        def work(store: Any = store, begun: threading.Barrier = begun) -> None:
            begun.wait()
            try:
                while True:
                    store.set("a", "b")
                    stores.same(store, store)
            except gobind.ClosedError:
                pass
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        begun.wait()
        store.close()
        for thread in threads:
            thread.join()
    assert failures == [] and collect_until(lambda: _debug.live() == 0)


def test_a_call_under_way_keeps_what_it_uses() -> None:
    """The last reference goes while Go still runs the function."""
    functions, entered, leave = load("Functions"), threading.Event(), threading.Event()

    def wait(n: int) -> int:
        entered.set()
        assert leave.wait(60)
        return n

    slow, results = functions.compose([wait, wait]), []
    thread = threading.Thread(target=lambda call: results.append(call(7)), args=(slow.__call__,))
    thread.start()
    assert entered.wait(60)
    slow._release()
    del slow
    gc.collect()
    load("Machine").gc()
    leave.set()
    thread.join()
    assert results == [7]


# Objects of Python


def test_go_keeps_objects_of_python() -> None:
    stores = load("Stores")
    store = PythonStore()
    reference = weakref.ref(store)
    stores.keep(store)
    del store
    gc.collect()
    load("Machine").gc()
    kept = stores.kept()
    assert kept is reference() and stores.echo(kept) is kept
    assert not stores.is_go(kept) and stores.pair(kept) == (kept, "name!")
    stores.keep(None)
    del kept
    assert dies(reference)


def test_many_python_objects_are_released_by_go_collection() -> None:
    stores: Any = load("Stores")
    dead: list[Any] = []
    for _ in range(300):
        store = PythonStore()
        weakref.finalize(store, dead.append, 1)
        stores.maybe(store)
        stores.by_name({"a": store, "b": store})
    del store
    assert collect_until(lambda: len(dead) == 300)


def test_an_object_of_python_is_held_while_the_call_lasts_and_not_longer() -> None:
    held = []

    class Watched(Merger):
        def weigh(self, number: int, factor: float) -> float:
            held.append(_debug.exported())
            return factor

    assert load("Calls").weigh(Watched(), 1, 2.0) == 2.0
    assert held == [1] and collect_until(lambda: not _debug.exported())


def test_python_answers_with_an_object_that_nobody_else_holds() -> None:
    stores = load("Stores")

    class Fresh(Merger):
        def pick(self, stores_by_name: dict[str, Any]) -> Any:
            return stores.open("fresh")

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        picked = load("Calls").pick(Fresh(), {})
    if sys.implementation.name == "cpython":  # elsewhere the first one is still there, and comes back
        assert [warning.category for warning in said] == [ResourceWarning]
    said.clear()  # a warning has the object it is about
    picked.set("a", "b")
    assert picked.get("a") == "b"
    picked.close()


def test_python_picks_one_of_gos_objects() -> None:
    a, b = load("Stores").many(2)
    assert load("Calls").pick(Merger(), {"a": a, "b": b}) is b
    close_all(a, b)


class Halfway:
    def log(self, level: int, message: str) -> None: ...


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: load("Calls").weigh(Halfway(), 1, 2.0),
            "merger: expected Merger, got Halfway, which has no method merge",
        ),
        (
            lambda: load("Calls").set_logger(Halfway()),
            "logger: expected Logger, got Halfway, which has no method enabled",
        ),
        (
            lambda: load("Stores").by_name({"a": PythonStore(), "b": 7}),
            "stores['b']: expected Store, got int, which has no method set",
        ),
        (
            lambda: load("Stores").shelve([Shelf("a", PythonStore(), Halfway())]),
            "shelves[0].spare: expected Store, got Halfway, which has no method set",
        ),
        (lambda: load("Stores").echo(None), "store: expected Store, got NoneType, which has no method set"),
        (lambda: load("Functions").apply(3, 4), "f: expected Callable[[int], int], got int"),
        (lambda: load("Streams").sum(3), "numbers: expected Iterable[int], got int"),
    ],
)
def test_objects_that_do_not_match_the_interface_are_refused(call: Any, message: str) -> None:
    with pytest.raises(TypeError) as caught:
        call()
    assert str(caught.value) == message
    assert _debug.exported() == 0


def logger(**methods: Any) -> Any:
    """An object with the methods of `Logger`, or others instead."""
    usual = {"log": lambda self, level, message: None, "enabled": lambda self, level: True}
    return type("Mine", (), {**usual, **methods})()


async def async_log(self: Any, level: int, message: str) -> None: ...


async def async_items(self: Any, level: int) -> Any:
    yield level


def needs_more(self: Any, level: int, *, why: str) -> bool:
    return True


def of_instance(function: Any) -> Any:
    made = logger()
    made.enabled = function
    return made


async def async_double(n: int) -> int:
    return 2 * n


MISFITS = [
    (logger(log=async_log), "method log is async; expected a plain one"),
    (logger(enabled=async_items), "method enabled is async; expected a plain one"),
    (logger(log=staticmethod(async_double)), "method log is async; expected a plain one"),
    (logger(enabled=lambda self: True), "method enabled takes 0 arguments; Go passes 1"),
    (logger(enabled=lambda: True), "method enabled has no parameter for self"),
    (logger(enabled=lambda self, level, more: True), "method enabled takes 2 arguments; Go passes 1"),
    (logger(log=lambda self, level=1: None), "method log takes 0 to 1 arguments; Go passes 2"),
    (logger(log=staticmethod(lambda level: None)), "method log takes 1 argument; Go passes 2"),
    (
        logger(enabled=classmethod(lambda cls, level, more: True)),
        "method enabled takes 2 arguments; Go passes 1",
    ),
    (logger(enabled=needs_more), "method enabled needs why=, which Go does not pass"),
    (of_instance(async_double), "method enabled is async; expected a plain one"),
    (of_instance(lambda: True), "method enabled takes 0 arguments; Go passes 1"),
]


@pytest.mark.parametrize(("value", "why"), MISFITS, ids=[why for _, why in MISFITS])
def test_objects_with_another_method_signature_are_refused(value: Any, why: str) -> None:
    for _ in range(2):
        with pytest.raises(TypeError) as caught:
            load("Calls").set_logger(value)
        assert str(caught.value) == f"logger: expected Logger, got Mine, whose {why}"
    assert _debug.exported() == 0


def test_a_class_in_place_of_its_instance() -> None:
    class Mine:
        def log(self, level: int, message: str = "") -> None: ...

        def enabled(self, level: int = 0) -> bool:
            return True

    class Whole:
        log = classmethod(lambda cls, level, message: None)
        enabled = staticmethod(lambda level: True)

    calls = load("Calls")
    calls.set_logger(Mine())
    calls.set_logger(Whole)
    with pytest.raises(TypeError) as caught:
        calls.set_logger(Mine)
    name = "test_a_class_in_place_of_its_instance.<locals>.Mine"
    assert str(caught.value) == (
        f"logger: expected Logger, got type, which is the class {name} itself; pass an instance of it"
    )
    calls.set_logger(None)


def test_a_subclass_is_looked_at_too() -> None:
    class Async(objects_py.Logger):  # type: ignore[name-defined,misc]
        async def enabled(self, level: int) -> bool:
            return False

    with pytest.raises(TypeError) as caught:
        load("Calls").set_logger(Async())
    assert str(caught.value) == (
        "logger: expected Logger, got Async, whose method enabled is async; expected a plain one"
    )


@pytest.mark.parametrize(
    ("function", "got"),
    [
        (async_double, "function that is async; expected a plain one"),
        (lambda: 5, "function that takes 0 arguments; Go passes 1"),
        (lambda n, m: 5, "function that takes 2 arguments; Go passes 1"),
        (logger(log=async_log).log, "method that is async; expected a plain one"),
        (logger().log, "method that takes 2 arguments; Go passes 1"),
    ],
)
def test_functions_with_another_signature_are_refused(function: Any, got: str) -> None:
    with pytest.raises(TypeError) as caught:
        load("Functions").apply(function, 1)
    assert str(caught.value) == f"f: expected Callable[[int], int], got {got}"
    assert _debug.exported() == 0


def test_callables_with_a_fitting_signature_are_accepted() -> None:
    class Callable:
        def __call__(self, *values: Any) -> Any:
            return values[-1]

    @functools.wraps(async_double)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return 7

    for function in (
        wrapped,
        Callable(),
        lambda *n: 7,
        lambda n, m=1, *, o=2: 7,
        functools.partial(max, 7),
        int,
    ):
        assert load("Functions").apply(function, 7) == 7
    fine = [
        logger(),
        logger(enabled=lambda self, *levels: True),
        logger(enabled=lambda self, level, more=1, *, most=2: True),
        logger(enabled=staticmethod(lambda level: True), log=classmethod(lambda cls, level, message: None)),
        logger(enabled=Callable(), log=functools.partialmethod(print, "x")),
        of_instance(lambda level: True),
        types.SimpleNamespace(enabled=lambda level: True, log=lambda level, message: None),
        unittest.mock.Mock(),
    ]
    for value in fine:
        load("Calls").set_logger(value)
        load("Calls").set_logger(None)


def test_a_plain_method_may_stand_for_an_async_one() -> None:
    class Plain:
        def fetch(self, url: str) -> Any:
            return url.encode()

        def size(self, url: str) -> Any:
            async def later() -> int:
                return len(url)

            return later()

        async def open(self, url: str) -> Any: ...

    async def main() -> None:
        assert await load("Calls").fetch(Plain(), "abc") == b"abc"
        assert await load("Calls").fetch_size(Plain(), "abc") == 3

    asyncio.run(main())


def test_a_subclass_of_the_interface_is_one() -> None:
    class Half(objects_py.Logger):  # type: ignore[name-defined,misc]
        def enabled(self, level: int) -> bool:
            return False

    load("Calls").set_logger(Half())
    load("Calls").log(1, 3)
    load("Calls").set_logger(None)


def test_an_object_of_another_library_is_an_object_of_python(tmp_path: Path) -> None:
    path = libraries.path_of("objects")
    copied = tmp_path / path.name
    shutil.copy(path, copied)
    others = gobind.load(str(copied), objects_py.Stores)
    stores = load("Stores")
    with others.open("other") as other:
        other.set("name", "there")
        assert stores.echo(other) is other and not stores.is_go(other)
        assert stores.pair(other) == (other, "there")
    with libraries.load("bench", libraries.contract_of("bench").Upcalls).counter() as counter:
        with pytest.raises(TypeError, match="^store: expected Store, got Counter, which has no method set$"):
            stores.echo(counter)


@pytest.mark.skipif(sys.platform == "win32", reason="the copy is open")
def test_a_struct_keeps_its_object_alive() -> None:
    shelf = load("Stores").shelve([Shelf("a", PythonStore(), None)])[0]
    store = load("Stores").open("x")
    shelf.store = store
    shelves = load("Stores").shelve([shelf, shelf])
    assert [each.store is store for each in shelves] == [True, True]
    store.close()
    assert shelf.name == "a" and User("n", 1) == User("n", 1)


# Two names of one Go method


class PythonCell:
    """A Cell in Python; notes which of its methods Go calls."""

    def __init__(self) -> None:
        self.called: list[str] = []

    def get(self, key: str) -> str:
        self.called.append("get")
        return f"py {key}"

    async def aget(self, key: str) -> str:
        raise AssertionError("Go calls get")

    async def acount(self, by: int) -> int:
        raise AssertionError("Go calls count")

    def count(self, by: int) -> int:
        self.called.append("count")
        return 10 * by

    async def ascan(self, n: int) -> AsyncIterator[int]:
        raise AssertionError("Go calls scan")
        yield n

    def scan(self, n: int) -> Iterator[int]:
        self.called.append("scan")
        return iter(range(n))

    async def aonly(self) -> int:
        self.called.append("aonly")
        return 7


def test_two_methods_of_python_call_one_of_go() -> None:
    async def main(cell: Any) -> None:
        assert await cell.aget("b") == "<b>"
        assert await cell.acount(5) == 6 and cell.count(1) == 7
        assert [item async for item in cell.ascan(3)] == [0, 1, 2]
        assert await cell.aonly() == await load("Cells").wait(cell) == 1

    cell = load("Cells").open()
    assert cell.get("a") == "<a>" and cell.count(1) == 1 and [*cell.scan(2)] == [0, 1]
    asyncio.run(main(cell))
    assert load("Cells").use(cell, "k") == ["<k>", "9", "0", "1", "2"]
    cell._release()


def test_go_calls_the_method_that_needs_no_event_loop() -> None:
    cell = PythonCell()
    assert load("Cells").use(cell, "k") == ["py k", "20", "0", "1", "2"]
    assert cell.called == ["get", "count", "scan"]

    async def main() -> int:
        return int(await load("Cells").wait(cell))

    assert asyncio.run(main()) == 7 and cell.called[3:] == ["aonly"]
