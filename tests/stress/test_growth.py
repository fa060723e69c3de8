"""What must not grow: memory held for calls that are over. Each in a process of its own, so that its peak is known."""

from __future__ import annotations

import sys

import pytest
from programs import run

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="resource is Unix only")]

HEAD = """
import gc, itertools, resource, weakref
from gobind import _debug
contract = libraries.contract_of("storm")
storm = libraries.load("storm", contract.Storm)
runtime = libraries.load("storm").runtime
MIB = 1 << 20

class Memory(bytearray):  # can be referred to weakly

    made = []  # and no WeakSet: what removes from that is Python, and a signal's exception may strike it

    __hash__ = object.__hash__
    __eq__ = object.__eq__

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.made.append(weakref.ref(self))

def memories():  # how many are alive
    return sum(each() is not None for each in Memory.made)

class Held:
    alive = most = 0

    def __init__(self, mib=1):
        self.memory = b"x" * (mib * MIB)
        Held.alive += 1
        Held.most = max(Held.most, Held.alive)

    def __del__(self):
        Held.alive -= 1

    def __call__(self, n):
        return n

    def __iter__(self):
        return self

    def __next__(self):
        raise StopIteration

def peak():  # MiB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

def settle(is_done):
    for _ in range(100):
        if is_done():
            return True
        gc.collect()
        runtime.gc()
        time.sleep(0.01)
    return False

def check_left():
    assert settle(lambda: not _debug.live() and not _debug.exported()), (_debug.live(), _debug.exported())
"""

GROWTH = {
    # Row 18: Go cannot tell what it needs no more but by collecting, which is asked of it as the process grows.
    "callbacks that hold 1 MiB each": """
gc.disable()
storm.call(Held(), 1, 0)
before = peak()
for _ in range(4000):
    storm.call(Held(), 1, 0)
assert peak() < before + 150, (Held.most, peak() - before)
check_left()
""",
    "callbacks of blocking calls": """
gc.disable()
for _ in range(2000):
    storm.call_blocking(Held(), 1, 0)
assert peak() < 300, (Held.most, peak())
check_left()
""",
    "callbacks of awaited calls": """
async def main():
    for _ in range(2000):
        await storm.call_later(Held(), 1, 0)
gc.disable()
asyncio.run(main())
assert peak() < 300, (Held.most, peak())
check_left()
""",
    "iterators that hold 1 MiB each": """
gc.disable()
for _ in range(2000):
    storm.total(Held(), 1, 0)
assert peak() < 300, (Held.most, peak())
check_left()
""",
    "objects with methods": """
class Visitor:
    def __init__(self): self.held = Held()
    def visit(self, n): return 1
    def rename(self, name): return name
    def open(self, n): return box
box = storm.box(1)
gc.disable()
for _ in range(2000):
    storm.call_visitor(Visitor(), 1, 0)
assert peak() < 300, (Held.most, peak())
box.close()
check_left()
""",
    "exceptions that hold 1 MiB each": """
class Mine(Exception): pass
def f(n):
    error = Mine()
    error.held = Held()
    raise error
gc.disable()
for _ in range(2000):
    try: storm.call(f, 1, 1)
    except Mine as error: error.__traceback__ = None
assert peak() < 300, (Held.most, peak())
check_left()
""",
    "exceptions that Go drops": """
class Mine(Exception): pass
def f(n):
    error = Mine()
    error.held = Held()
    try: raise error
    finally: error = None
for _ in range(400):
    storm.call_tolerant(f, 1, 10)
assert Held.most < 500 and peak() < 800, (Held.most, peak())
check_left()
""",
    # Row 18: what Go has kept and dropped needs a collection in Go, which the pressure here starts.
    "callbacks that Go keeps and drops": """
for _ in range(4000):
    storm.keep(Held())
assert Held.most < 1000 and peak() < 1200, (Held.most, peak())
storm.keep(None)
check_left()
""",
    "objects of Go that are never closed": """
def make():
    return storm.adder(1)
for _ in range(200_000):
    make()
assert peak() < 200, peak()
check_left()
""",
    # Row 16: Go's cancellation reaches async callbacks, those that the loop has not begun too.
    "cancelled async callbacks": """
counts = {"begun": 0, "ended": 0}
class Callback(Held):
    async def __call__(self, n):
        counts["begun"] += 1
        try: await asyncio.sleep(3600)
        finally: counts["ended"] += 1
async def main():
    for i in range(2000):
        task = asyncio.ensure_future(storm.call_awaiting(Callback(), 1, 1))
        for _ in range(i % 7):
            await asyncio.sleep(0)
        if i % 3 == 0: time.sleep(0.0003)  # Go asks, and the loop has not begun
        task.cancel()
        await asyncio.wait([task])
    for _ in range(1000):
        if counts["begun"] == counts["ended"] and len(asyncio.all_tasks()) == 1: break
        await asyncio.sleep(0.01)
    assert counts["begun"] == counts["ended"] > 0, counts
    assert len(asyncio.all_tasks()) == 1, len(asyncio.all_tasks())
asyncio.run(main())
assert Held.most < 500 and peak() < 1000, (Held.most, peak())
check_left()
""",
    # Row 19: buffers of calls in flight when their loop closes.
    "buffers in flight when the loop closes": """
async def begin():
    for _ in range(3):
        asyncio.ensure_future(storm.fill_later(Memory(MIB), 1, 1000))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
for _ in range(300):
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda *_: None)  # tasks destroyed while they wait
    loop.run_until_complete(begin())
    loop.close()
    del loop
# Nobody is told that a loop is closed, nor when its calls have ended: the first call of the next loop asks.
async def ask(): await storm.fill_later(bytearray(1), 1, 0)
assert settle(lambda: asyncio.run(ask()) or not memories()), memories()
assert peak() < 500, peak()
check_left()
""",
    "buffers of calls that were cancelled": """
async def main():
    for _ in range(500):
        task = asyncio.ensure_future(storm.fill_later(Memory(MIB), 1, 500))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        del task
    for _ in range(100):
        if not memories(): break
        gc.collect()
        await asyncio.sleep(0.01)
    assert not memories(), memories()
asyncio.run(main())
assert peak() < 500, peak()
check_left()
""",
    "buffers of calls that a second exception has left": """
class Stop(Exception): pass
count = 0
def stop(*_):
    global count
    count += 1
    if count < 2:
        signal.setitimer(signal.ITIMER_REAL, 0.0002)
    raise Stop
signal.signal(signal.SIGALRM, stop)
def left():
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.0005)
        storm.fill_blocking(Memory(MIB), 1, 20_000)
    finally:
        while count < 2: pass
for _ in range(300):
    count = 0
    try:
        try: left()
        except Stop: pass
        while count < 2: pass
    except Stop: pass
signal.signal(signal.SIGALRM, signal.SIG_IGN)
time.sleep(0.1)
storm.fill_blocking(Memory(1), 1, 0)  # takes the endings
assert settle(lambda: not memories()), memories()
assert peak() < 600, peak()
check_left()
""",
    # Row 17: responses hang in no cycle.
    "nested lists without the collector": """
gc.disable()
rows = [[*range(i, i + 100)] for i in range(2000)]
storm.nested(rows)
before = peak()
for _ in range(60):
    assert storm.nested(rows) == rows
assert peak() < before + 60, peak() - before
""",
}


@pytest.mark.parametrize("name", GROWTH)
def test_growth(name: str) -> None:
    assert run(HEAD + GROWTH[name], load=False, timeout=600) == (0, "", "")


CYCLES = """
import gc
echo_py = libraries.contract_of("echo")
echo = libraries.load("echo", echo_py.Echo)
User, Square, Circle, Tree, Color = (getattr(echo_py, n) for n in "User Square Circle Tree Color".split())
user = User(1, "a", 2)
calls = [
    ("echo_strs", ["a"]), ("echo_words", [["a"], []]), ("echo_pages", [[b"a"]]), ("echo_cube", [[[1]]]),
    ("echo_tuples", [(True, ("a", 1))]), ("echo_dict", {"a": 1}), ("echo_deep", {"a": {1: ["b"]}}),
    ("echo_sets", [{Color.RED}]), ("echo_maybes", ["a", None]), ("echo_users", [user]),
    ("echo_shapes", [Square(1.0, ["a"]), Circle(1.0)]), ("echo_forest", [Tree(1, [Tree(2, [], {}, None)], {}, None)]),
    ("echo_user", user), ("echo_bytes", b"x" * 100_000), ("echo_strs", ["x" * 100_000]),
]
for name, value in calls: getattr(echo, name)(value)
gc.collect()
gc.disable()
gc.set_debug(gc.DEBUG_SAVEALL)
bad = []
for name, value in calls:
    getattr(echo, name)(value)
    gc.collect()
    if gc.garbage: bad.append((name, [type(each).__name__ for each in gc.garbage]))
    gc.garbage.clear()
assert not bad, bad
"""


def test_responses_hang_in_no_cycle() -> None:
    assert run(CYCLES, load=False) == (0, "", "")
