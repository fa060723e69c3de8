"""Go calls Python; streams."""

from __future__ import annotations

from array import array
from typing import Dict, List

from tests.bench import peers
from tests.bench.measure import Case, Maker, Row
from tests.bench.work.common import upcalls

GROUP = "callbacks and streams"
N = 1000


def increment(n: int) -> int:
    return n + 1


def rows() -> List[Row]:
    return [
        Row(
            GROUP,
            "callback on the calling thread",
            {
                "gobind": lambda: Case("g(f, n)", g=upcalls().call, f=increment, n=N, per=N),
                "limit": lambda: Case("f(3)", f=increment),
                "CFUNCTYPE": lambda: Case("g(f, n)", g=peers.byhand().CallBack, f=peers.CALLBACK(increment), n=N, per=N),
            },
            "calling the Python function",
        ),
        *[_from_goroutines(goroutines) for goroutines in (1, 4)],
        _stream_out(),
        Row(
            GROUP,
            "stream of int in, an item",
            {"gobind": lambda: Case("f(v)", f=upcalls().total, v=range(100_000), per=100_000), "limit": _packed},
            'array("q", items)',
        ),
    ]  # fmt: skip


def _packed() -> Case:
    return Case("a('q', v)", a=array, v=range(100_000), per=100_000)


def _from_goroutines(goroutines: int) -> Row:
    n = N // goroutines
    makers: Dict[str, Maker] = {
        "gobind": lambda: Case(
            "g(f, n, k)", g=upcalls().call_from_goroutines, f=increment, n=n, k=goroutines, per=n * goroutines
        ),
        "limit": lambda: Case("f(3)", f=increment),
        "CFUNCTYPE": lambda: Case(
            "g(f, n, k)",
            g=peers.byhand().CallBackFromGoroutines, f=peers.CALLBACK(increment), n=n, k=goroutines, per=n * goroutines,
        ),
    }  # fmt: skip
    name = "callback from a goroutine" if goroutines == 1 else f"callback from {goroutines} goroutines"
    return Row(GROUP, name, makers, "calling the Python function")


def _stream_out() -> Row:
    makers: Dict[str, Maker] = {
        "gobind": lambda: Case("for _ in f(n): pass", f=upcalls().numbers, n=100_000, per=100_000),
        "limit": lambda: Case("for _ in a.tolist(): pass", a=array("q", range(100_000)), per=100_000),
        "one call an item": lambda: Case("f()", f=upcalls().counter().next),
    }
    return Row(GROUP, "stream of int out, an item", makers, "array.tolist() and a loop")
