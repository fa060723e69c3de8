"""The interpreter ends, whatever goes on: the right status, nothing on stderr."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Callable

import pytest
from programs import run

KINDS = {
    "idle": "assert sleeper.echo(1) == 1",
    "goroutines calling Python": """
sleeper.keep_calling(lambda n: n, 8)
while sleeper.calls_made() < 500: time.sleep(0.001)
""",
    "goroutines calling slow Python": """
def slow(n):
    time.sleep(0.002)
    return n
sleeper.keep_calling(slow, 8)
while sleeper.calls_made() < 20: time.sleep(0.001)
""",
    "futures pending": """
async def main():
    for i in range(1000): asyncio.ensure_future(sleeper.sleep_later(i % 60))
    await asyncio.sleep(0.005)
loop = asyncio.new_event_loop()
loop.run_until_complete(main())
for task in asyncio.all_tasks(loop): task._log_destroy_pending = False  # asyncio's own warning, which is right
""",
    "futures pending in a thread": """
async def main():
    started.set()
    await asyncio.gather(*[sleeper.sleep_later(i % 30) for i in range(1000)])
started = threading.Event()
threading.Thread(target=lambda: asyncio.run(main()), daemon=True).start()
started.wait()
""",
    "an open stream": """
stream = sleeper.numbers(10**9)
assert next(stream) == 0
""",
    "open streams in a loop": """
async def main():
    streams = [sleeper.numbers_later(10**9) for _ in range(5)]
    for stream in streams:
        assert await stream.__anext__() == 0
    await asyncio.gather(*[stream.aclose() for stream in streams[1:]])
    return streams
streams = asyncio.run(main())
""",
    "an object in a global": "thing = sleeper.numbers(5); kept = [thing]; kept.append(kept)",
    "daemon threads inside Go": """
def work():
    while True:
        sleeper.sleep(3)
        sleeper.echo(1)
        sleeper.repeat_blocking("x", 1000)
for _ in range(8): threading.Thread(target=work, daemon=True).start()
time.sleep(0.02)
""",
    "a daemon thread that stays inside Go": """
threading.Thread(target=sleeper.sleep, args=(60_000,), daemon=True).start()
threading.Thread(target=sleeper.sleep_blocking, args=(60_000,), daemon=True).start()
while sleeper.counts().started < 2: time.sleep(0.001)
""",
    "exit handlers that call Go": """
def last():
    assert sleeper.echo(1) == 1
    assert sleeper.echo_blocking(2) == 2
    assert asyncio.run(sleeper.echo_later(3)) == 3
    sleeper.push_by_1024(4)
    assert sleeper.pushed(1) == [4]
    assert [*sleeper.numbers(5)] == [*range(5)]
    before = sleeper.calls_made()
    sleeper.keep_calling(lambda n: n, 2)
    while sleeper.calls_made() < before + 50: time.sleep(0.001)
atexit.register(last)
""",
    "exit handlers from before": "",
    "destructors that call Go": """
class Last:
    def __del__(self): sleeper.echo(1)
last = Last()
last.itself = last
""",
    "one-way calls": """
sleeper.push_slowly(1, 50)
for i in range(1000): sleeper.push_by_1024(i)
""",
}
PROMISED = ["idle", "goroutines calling Python", "futures pending", "an open stream"]
BEFORE = """
def last():
    sleeper.keep_calling(lambda n: n, 2)
    while sleeper.calls_made() < 50: time.sleep(0.001)
atexit.register(last)
sleeper = libraries.load("sleeper", contract.Sleeper)
"""


def leave(kind: str, times: int, note: "Callable[[str], None] | None" = None) -> None:
    """End interpreters that way, two at a time, with different statuses."""

    def once(number: int) -> None:
        status = number % 7
        before = kind == "exit handlers from before"
        text = (BEFORE if before else KINDS[kind]) + f"\nsys.exit({status})"
        assert run(text, load=not before) == (status, "", ""), (kind, number)
        if note is not None and number % 50 == 49:
            note(f"{kind}: {number + 1} exits")

    with ThreadPoolExecutor(2) as pool:
        for _ in pool.map(once, range(times)):
            pass


@pytest.mark.parametrize("kind", KINDS)
def test_exit(kind: str) -> None:
    leave(kind, 10 if kind in PROMISED else 3)


def test_objects_that_outlive_the_modules() -> None:
    text = """
thing, stream = sleeper.thing(), sleeper.numbers(10**9)
assert next(stream) == 0
del sys.modules["__mp_main__"]  # a second name for this program, by which it would be emptied first
sys.kept = [*sys.modules.values()]  # so none is collected: they are emptied one by one, gobind's before this one
"""
    # On free-threaded builds a daemon thread's frame is enough for that.
    assert run(text, "-W", "ignore::ResourceWarning") == (0, "", "")


@pytest.mark.parametrize(
    "way", ["raise KeyboardInterrupt", "raise RuntimeError", "os._exit(3)", "os.abort()"]
)
def test_exit_in_other_ways(way: str) -> None:
    statuses = {"raise KeyboardInterrupt": -2, "raise RuntimeError": 1, "os._exit(3)": 3, "os.abort()": -6}
    status, _, errors = run(KINDS["futures pending in a thread"] + way)
    assert status == statuses[way]
    assert "gobind" not in errors and "panic" not in errors and "runtime error" not in errors
