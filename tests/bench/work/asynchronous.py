"""Awaiting Go: one call after another, and many in flight."""

from __future__ import annotations

import asyncio
import importlib
import itertools
import time
from typing import Any, Awaitable, Callable, Dict, List

from tests.bench import peers
from tests.bench.measure import Case, Maker, Row, Timed, Unavailable
from tests.bench.peers import once
from tests.bench.work.common import bench

GROUP = "async"
Call = Callable[[], Awaitable[Any]]


def rows() -> List[Row]:
    found = [_row("add, one after another", 1), _row("add through the ring, one after another", 1, ring=True)]
    for n in (10, 1000, 10_000):
        found.append(_row(f"add, {n:_} in flight".replace("_", " "), n))
        found.append(_row(f"add through the ring, {n:_} in flight".replace("_", " "), n, ring=True))
    return found


def _checked(n: int) -> int:
    """A goroutine that waits to enter Python holds an operating-system thread."""
    if n > 100:
        raise Unavailable("takes a thread for each call in flight")
    return n


@once
def _loop() -> Any:
    return asyncio.new_event_loop()


@once
def _uvloop() -> Any:
    return peers.package("uvloop").new_event_loop()


def _timed(make: Callable[[Any], Call], in_flight: int, open_loop: Callable[[], Any] = _loop) -> Case:
    loop = open_loop()

    async def prepare() -> Call:
        return make(loop)

    call = loop.run_until_complete(prepare())

    async def one_by_one(n: int) -> float:
        begin = time.perf_counter()
        for _ in range(n):
            await call()
        return time.perf_counter() - begin

    async def together(n: int) -> float:
        begin = time.perf_counter()
        for _ in range(n):
            await asyncio.gather(*[call() for _ in range(in_flight)])
        return time.perf_counter() - begin

    work = one_by_one if in_flight == 1 else together
    return Timed(lambda n: float(loop.run_until_complete(work(n))), per=in_flight)


def _row(name: str, n: int, ring: bool = False) -> Row:
    def gobind(loop: Any) -> Call:
        f = bench().add_by_ring if ring else bench().add_later
        return lambda: f(3, 4)

    makers: Dict[str, Maker] = {
        "gobind": lambda: _timed(gobind, n),
        "limit": lambda: _timed(_resolved, n),
        "executor": lambda: _timed(_executor, n),
        "goroutine + threadsafe": lambda: _timed(_threadsafe, _checked(n)),
        "gRPC": lambda: _timed(_grpc, n),
    }
    if not ring:
        makers["gobind on uvloop"] = lambda: _timed(gobind, n, _uvloop)
    return Row(GROUP, name, makers, "a future that the loop resolves")


def _resolved(loop: Any) -> Call:
    async def call() -> Any:
        future = loop.create_future()
        loop.call_soon(future.set_result, 7)
        return await future

    return call


def _executor(loop: Any) -> Call:
    add = peers.byhand().Add
    return lambda: loop.run_in_executor(None, add, 3, 4)


def _threadsafe(loop: Any) -> Call:
    """Go answers from a goroutine by a ctypes callback."""
    lib, futures, numbers = peers.byhand(), {}, itertools.count()

    def resolve(ticket: int, result: int) -> None:
        futures.pop(ticket).set_result(result)

    def done(ticket: int, result: int) -> None:
        loop.call_soon_threadsafe(resolve, ticket, result)

    callback = peers.DONE(done)
    _kept.append(callback)

    async def call() -> Any:
        ticket = next(numbers)
        future = futures[ticket] = loop.create_future()
        lib.AddLater(callback, ticket, 3, 4)
        return await future

    return call


_kept: List[Any] = []


def _grpc(loop: Any) -> Call:
    path = peers.grpc_path()
    importlib.import_module("grpc.aio")
    channel = peers.package("grpc").aio.insecure_channel(f"unix:{path}", options=peers.GRPC_OPTIONS)
    stub = importlib.import_module("bench_pb2_grpc").BenchStub(channel)
    Pair = peers.protobuf().Pair
    _kept.append(channel)

    async def call() -> Any:
        return (await stub.Add(Pair(a=3, b=4))).n

    return call
