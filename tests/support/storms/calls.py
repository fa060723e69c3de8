"""The calls, by kind, each with the answer that it must have.

A `Caller` makes the calls of one thread. Its methods named like calls are the *work* of attempts: an injected exception
may leave any line of them, so they keep no state that half a method would damage. What they find wrong they tell the
oracle at once.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from array import array
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, Optional

import libraries

import gobind

from .oracle import NAMELESS, Oracle, Struck, place_of

contract = libraries.contract_of("storm")
Item, Odd, Row = contract.Item, contract.Odd, contract.Row
MASK = (1 << 64) - 1
CHECK_STATUS = -0x2F0B1ED5
"""A number that the protocol gives a meaning to: it must come back like any other."""
SIZES = [0, 10, 10, 1000, 1000, 65_500, 70_000]
"""Of payloads: with and without room in the buffer for responses."""
GOBIND = str(Path(gobind.__file__).parent)
ASYNCIO = str(Path(asyncio.__file__).parent)
IMPORTLIB = "<frozen importlib"


def wrapped(n: int) -> int:
    """What is left of a number in 64 bits."""
    n &= MASK
    return n - (1 << 64) if n >> 63 else n


def mix(n: int) -> int:
    """A scrambled number, as gosrc/testlibs/storm scrambles it."""
    m = n * 6364136223846793005 + 1442695040888963407 & MASK
    return wrapped(m ^ m >> 29)


def name(n: int) -> str:
    return f"name {n} \u00e9 {mix(n)}"


COUNT = bytes(range(256)) * 300


def payload(n: int, size: int) -> bytes:
    return COUNT[n & 255 :][:size]


def item(n: int) -> Any:
    return Item(n, name(n), float(mix(n) >> 12), [name(n + 1), ""])


def total(n: int, times: int) -> int:
    return wrapped(sum(map(mix, range(n, n + times))))


class Lane:
    """One-way messages of one kind from one thread: what was sent, and whether the send has returned."""

    def __init__(self, send: Callable[[int], None]) -> None:
        self.send = send
        self.log: list[list[Any]] = []


class Visitor:
    """A Python object for Go."""

    def __init__(self, storm: Any, base: int) -> None:
        self._storm, self.base = storm, base

    def visit(self, n: int) -> int:
        return mix(n)

    def rename(self, name: str) -> str:
        return name[::-1]

    def open(self, n: int) -> Any:
        return self._storm.box(n)


class Caller:
    """Makes the calls of one thread.

    Args:
        sender: the number of the thread, 0 for the main one.

    Attributes:
        calls: how many have been made.
    """

    def __init__(self, storm: Any, oracle: Oracle, seed: int, sender: int = 0) -> None:
        self.storm, self.oracle, self.sender = storm, oracle, sender
        self.numbers = random.Random(seed)
        self.calls = 0
        self._next = itertools.count(1).__next__
        self.lanes = [
            Lane(lambda n: storm.post_by_1(n, mix(n))),
            Lane(lambda n: storm.post_by_2(n, mix(n))),
            Lane(lambda n: storm.post_by_1024(n, mix(n))),
            Lane(lambda n: storm.post_text(n, name(n) * (1 + (n & 3)))),
        ]
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        self.tasks: list[asyncio.Task[None]] = []
        self.limit: Optional[float] = (
            None  # of waiting for tasks; the watchdog sees those that hang without it
        )

    def number(self) -> int:
        """A number, seldom one that could be special."""
        numbers = self.numbers
        n = numbers.randrange(1 << 30)
        return (
            n
            if n & 63
            else numbers.choice(
                [0, -1, CHECK_STATUS, CHECK_STATUS + 1, -(1 << 63), (1 << 62), -(1 << 40), 1 << 40]
            )
        )

    def small(self) -> int:
        """A number that others can be counted up from."""
        return self.numbers.randrange(1 << 30)

    def expect(self, got: Any, wanted: Any, what: str) -> None:
        self.calls += 1
        if got != wanted:
            self.oracle.expect(got, wanted, what)

    def caught(self, error: BaseException) -> None:
        """Look at an exception that is the right answer: an injected one may be its context, if what looked for the
        reason of the injected one has found the reason of this."""
        self.oracle.found(error, f"context of the {type(error).__name__} that was due")

    # Synchronous

    def sync_numbers(self) -> None:
        storm, expect = self.storm, self.expect
        for _ in range(10):
            n = self.number()
            expect(storm.mix(n), mix(n), "mix")
            expect(storm.echo_number(n), n, "echo_number")
            expect(storm.mix_keeping_gil(n), mix(n), "mix_keeping_gil")
            expect(storm.is_odd(n), n & 1 == 1, "is_odd")

    def sync_name(self) -> None:
        for _ in range(5):
            n = self.number()
            self.expect(self.storm.name(n), name(n), "name")

    def sync_payload(self) -> None:
        n, size = self.small(), self.numbers.choice(SIZES)
        self.expect(self.storm.payload(n, size), payload(n, size), "payload")

    def sync_items(self) -> None:
        n, count = self.small(), self.numbers.choice([0, 1, 3, 20, 700])
        made = [item(i & 0xFFFF) for i in range(n, n + count)]
        self.expect(self.storm.turn(made), made[::-1], "turn")
        rows = [[n, 1], [], [*range(count)]]
        self.expect(self.storm.nested(rows), rows, "nested")

    def sync_fail(self) -> None:
        n = self.number()
        try:
            self.expect(self.storm.fail(n), "an error", "fail")
        except Odd as error:
            self.caught(error)
            self.expect((error.number, error.go_type), (n, "*fmt.wrapError"), "fail")

    def sync_panic(self) -> None:
        n = self.number()
        try:
            self.expect(self.storm.panic(n), "a panic", "panic")
        except gobind.GoPanic as error:
            self.caught(error)
            self.expect(error.value, name(n), "panic")

    def sync_timeout(self) -> None:
        n = self.number()
        with gobind.timeout(100):
            self.expect(self.storm.mix(n), mix(n), "mix before a deadline")

    def sync_refused(self) -> None:
        try:
            self.expect(self.storm.turn([item(1), None]), "TypeError", "turn")
        except TypeError as error:
            self.caught(error)
            self.expect(str(error), "items[1]: expected Item, got NoneType", "turn refused")

    # Blocking

    def blocking_numbers(self) -> None:
        for _ in range(5):
            n = self.number()
            self.expect(self.storm.mix_blocking(n), mix(n), "mix_blocking")

    def blocking_nap(self) -> None:
        n, time = self.number(), self.numbers.choice([0, 10, 100, 1000])
        self.expect(self.storm.nap_blocking(n, time), mix(n), "nap_blocking")

    def blocking_deaf(self) -> None:
        n, time = self.number(), self.numbers.choice([0, 10, 100, 500])
        self.expect(self.storm.nap_deaf(n, time), mix(n), "nap_deaf")

    def blocking_payload(self) -> None:
        n, size = self.small(), self.numbers.choice(SIZES)
        self.expect(self.storm.payload_blocking(n, size), payload(n, size), "payload_blocking")

    def blocking_items(self) -> None:
        n, count = self.small(), self.numbers.choice([0, 3, 20, 700])
        made = [item(i & 0xFFFF) for i in range(n, n + count)]
        self.expect(self.storm.turn_blocking(made), made[::-1], "turn_blocking")

    def blocking_fail(self) -> None:
        n = self.number()
        try:
            self.expect(self.storm.fail_blocking(n), "an error", "fail_blocking")
        except Odd as error:
            self.caught(error)
            self.expect(error.number, n, "fail_blocking")

    # Awaited: a batch of tasks on a loop that lives as long as the storm

    async def later_numbers(self) -> None:
        n = self.number()
        self.expect(await self.storm.mix_later(n), mix(n), "mix_later")

    async def later_nap(self) -> None:
        n, time = self.number(), self.numbers.choice([0, 10, 100, 1000])
        self.expect(await self.storm.nap_later(n, time), mix(n), "nap_later")

    async def later_payload(self) -> None:
        n, size = self.small(), self.numbers.choice(SIZES)
        self.expect(await self.storm.payload_later(n, size), payload(n, size), "payload_later")

    async def later_items(self) -> None:
        n, count = self.small(), self.numbers.choice([0, 3, 20])
        made = [item(i & 0xFFFF) for i in range(n, n + count)]
        self.expect(await self.storm.turn_later(made), made[::-1], "turn_later")

    async def later_fail(self) -> None:
        n = self.number()
        try:
            self.expect(await self.storm.fail_later(n), "an error", "fail_later")
        except Odd as error:
            self.caught(error)
            self.expect(error.number, n, "fail_later")

    async def later_cancelled(self) -> None:
        n = self.number()
        task = asyncio.ensure_future(self.storm.nap_later(n, 10_000))
        await asyncio.sleep(0)
        task.cancel()
        try:
            self.expect(await task, "a cancellation", "nap_later")
        except asyncio.CancelledError:
            self.calls += 1

    async def ring_numbers(self) -> None:
        n = self.number()
        self.expect(await self.storm.mix_by_ring(n), mix(n), "mix_by_ring")

    async def ring_of_2(self) -> None:
        n = self.number()
        self.expect(await self.storm.mix_by_ring_of_2(n), mix(n), "mix_by_ring_of_2")

    async def ring_payload(self) -> None:
        n, size = self.small(), self.numbers.choice(SIZES)
        self.expect(await self.storm.payload_by_ring(n, size), payload(n, size), "payload_by_ring")

    async def ring_fail(self) -> None:
        n = self.number()
        try:
            self.expect(await self.storm.fail_by_ring(n), "an error", "fail_by_ring")
        except Odd as error:
            self.caught(error)
            self.expect(error.number, n, "fail_by_ring")

    async def later_callback(self) -> None:
        n, times = self.small(), self.numbers.choice([1, 3])
        self.expect(await self.storm.call_later(mix, n, times), total(n, times), "call_later")

    async def later_awaitable(self) -> None:
        async def f(n: int) -> int:
            if n & 1:
                await asyncio.sleep(0)
            return mix(n)

        n, times = self.small(), self.numbers.choice([1, 3])
        self.expect(await self.storm.call_awaiting(f, n, times), total(n, times), "call_awaiting")

    async def later_stream(self) -> None:
        n, times = self.small(), self.numbers.choice([0, 1, 10, 300])
        i = n
        async for each in self.storm.count_later(n, times):
            self.expect(each, mix(i), "count_later")
            i += 1
        self.expect(i - n, times, "count_later's items")

    async def later_iterable(self) -> None:
        n, times = self.small(), self.numbers.choice([0, 1, 10, 100])

        async def numbers() -> AsyncIterator[int]:
            for i in range(n, n + times):
                yield mix(i)

        self.expect(await self.storm.total_later(numbers(), n, times), total(n, times), "total_later")

    async def later_object(self) -> None:
        n = self.small()
        with await self.storm.box_later(n) as box:
            self.expect(box.value(), n, "box_later")

    async def later_buffer(self) -> None:
        n, size, time = (
            self.numbers.randrange(256),
            self.numbers.choice([0, 100, 10_000]),
            self.numbers.choice([0, 200]),
        )
        data = bytearray([n]) * size
        self.expect(await self.storm.fill_later(data, n ^ 255, time), n * size, "fill_later")
        self.expect(data, bytes([n ^ 255]) * size, "fill_later's buffer")
        made = await self.storm.make_later(n, 100)
        self.expect(made.tolist(), [*map(mix, range(n, n + 100))], "make_later")

    def batch(self, works: list[Callable[[], Any]]) -> Callable[[], None]:
        """The work of an attempt: tasks on the loop, some at once. Its tasks are begun and finished by `around`."""
        loop = self.loop()
        tasks = [
            loop.create_task(self.numbers.choice(works)()) for _ in range(self.numbers.choice([1, 3, 30]))
        ]
        self.tasks = tasks

        def work() -> None:
            loop.run_until_complete(asyncio.wait(tasks, timeout=self.limit))

        return work

    def finish_batch(self) -> None:
        """Wait for what is left of the batch, and note what its tasks came to."""
        tasks, oracle = self.tasks, self.oracle
        if tasks:
            self._run_on(tasks)
            stuck = [task for task in tasks if not task.done()]
            if stuck:
                oracle.failures.add("hang: a task is not woken")
                for task in stuck:
                    task.cancel()
                self._run_on(stuck)
        for task in tasks:
            error = None if task.cancelled() else task.exception()
            if isinstance(error, Struck):
                oracle.found(error, "raised by the task that was running")
            elif error is not None:
                oracle.failures.add(f"a task raised {type(error).__name__}", repr(error))
        self.tasks = []
        # What the loop has kept for the next turn, abandoned calls among it.
        self.loop().run_until_complete(asyncio.sleep(0))

    def _run_on(self, tasks: list[asyncio.Task[None]]) -> None:
        while True:
            try:
                self.loop().run_until_complete(asyncio.wait(tasks, timeout=self.limit))
                return
            except BaseException as error:  # a task has awaited another one that a Ctrl-C has ended
                if not isinstance(error, Struck):
                    raise
                self.oracle.found(error, "raised by the loop for a task that awaited another")

    def loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._loop.set_exception_handler(self._note_loop_error)
        return self._loop

    def close_loop(self) -> None:
        if self._loop is not None:
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()
            self._loop = None

    def _note_loop_error(self, loop: Any, context: dict[str, Any]) -> None:
        error: Any = context.get("exception")
        if isinstance(error, Struck):
            self.oracle.found(error, f"reported by the event loop, from {place_of(error)}")
        else:
            self.oracle.failures.add(f"the event loop: {context['message'][:60]}", repr(context))

    # One-way messages

    def post(self) -> None:
        for lane in self.numbers.choices(self.lanes, k=5):
            n = self._next() << 8 | self.sender
            entry = [n, False]
            lane.log.append(entry)
            lane.send(n)
            entry[1] = True
            self.calls += 1

    def check_lanes(self, received: list[list[int]]) -> None:
        """Compare what has come with what was sent: in order; once if the send returned, at most once if not."""
        for number, lane in enumerate(self.lanes):
            got = [n for n in received[number] if n & 255 == self.sender]
            at = 0
            for n, is_sent in lane.log:
                if at < len(got) and got[at] == n:
                    at += 1
                elif is_sent:
                    where = "later" if n in got[at:] else "earlier" if n in got[:at] else "never"
                    self.oracle.wrong(
                        f"lane {number}, message missing: {n} was sent and has come {where}; {got[at : at + 5]} are next"
                    )
                    break
            else:
                if at < len(got):
                    kind = "twice" if got[at] in got[:at] else "but not in order"
                    self.oracle.wrong(f"lane {number}, message too many: {got[at]} has come {kind}")
            lane.log = []

    # Callbacks

    def callback_numbers(self) -> None:
        n, times = self.small(), self.numbers.choice([1, 3, 10])
        self.expect(self.storm.call(mix, n, times), total(n, times), "call")

    def callback_looping(self) -> None:
        def f(n: int) -> int:
            for _ in range(30):
                pass
            return mix(n)

        n, times = self.small(), self.numbers.choice([1, 3, 10])
        self.expect(self.storm.call(f, n, times), total(n, times), "call")

    def callback_blocking(self) -> None:
        n, times = self.small(), self.numbers.choice([1, 3])
        self.expect(self.storm.call_blocking(mix, n, times), total(n, times), "call_blocking")

    def callback_goroutines(self) -> None:
        n, times = self.small(), self.numbers.choice([1, 3])
        self.expect(self.storm.call_goroutines(mix, n, times, 3), total(n, 3 * times), "call_goroutines")

    def callback_truth(self) -> None:
        n, times = self.small(), self.numbers.choice([1, 3, 10])
        wanted = len([i for i in range(n, n + times) if i & 1])
        self.expect(self.storm.call_truth(lambda i: i & 1 == 1, n, times), wanted, "call_truth")

    def callback_text(self) -> None:
        n, times = self.small(), self.numbers.choice([1, 3])
        wanted = sum(len(name(i).encode()) for i in range(n, n + times))
        self.expect(self.storm.call_text(lambda text: text[::-1], n, times), wanted, "call_text")

    def callback_payload(self) -> None:
        n, size = self.small(), self.numbers.choice(SIZES)
        self.expect(self.storm.call_payload(payload, n, size), size, "call_payload")

    def callback_tolerant(self) -> None:
        n, times = self.small(), 5
        tally = self.storm.call_tolerant(mix, n, times)
        if not tally.errors:  # else `finish` sees which
            self.expect(tally.total, total(n, times), "call_tolerant")

    def finish(self) -> None:
        """What an attempt has left to do, undisturbed: wait for its tasks, and note what errors Go has swallowed."""
        if self._loop is not None:
            self.finish_batch()
        texts = self.storm.swallowed()
        # Those first that say which exception they are of.
        for text in sorted(texts, key=lambda text: any(each in text for each in NAMELESS)):
            if not self.oracle.found_text(text, "seen by Go as an error"):
                self.oracle.wrong(f"call_tolerant: Go was told {text!r}")

    def callback_visitor(self) -> None:
        n, times = self.small(), 2
        wanted = wrapped(total(n, times) + n)
        self.expect(self.storm.call_visitor(Visitor(self.storm, n), n, times), wanted, "call_visitor")

    def callback_kept(self) -> None:
        n = self.small()
        if self.sender:  # one function is kept for all
            return self.callback_numbers()
        self.storm.keep(mix if n & 1 else lambda i: mix(i))
        self.expect(self.storm.call_kept(n, 2), total(n, 2), "call_kept")
        self.storm.keep(None)

    def callback_raising(self) -> None:
        """An exception of the callback's own comes back as the very same object."""
        mine = ValueError("mine")

        def f(n: int) -> int:
            raise mine

        try:
            self.expect(self.storm.call(f, 1, 1), "ValueError", "a callback that raises")
        except ValueError as error:
            self.caught(error)
            self.expect(error is mine, True, "a callback's own exception")

    def callback_nested(self) -> None:
        def f(n: int) -> int:
            self.expect(self.storm.name(n), name(n), "name in a callback")
            self.expect(self.storm.call(mix, n, 1), mix(n), "call in a callback")
            return mix(n)

        n = self.small()
        self.expect(self.storm.call(f, n, 2), total(n, 2), "call of a callback that calls")

    # Streams

    def stream_numbers(self) -> None:
        n, times = self.small(), self.numbers.choice([0, 1, 10, 300])
        i = n
        for each in self.storm.count(n, times):
            self.expect(each, mix(i), "count")
            i += 1
        self.expect(i - n, times, "count's items")

    def stream_left(self) -> None:
        n = self.small()
        for each in self.storm.count(n, 1 << 40):
            self.expect(each, mix(n), "count, left early")
            break

    def stream_items(self) -> None:
        n, times = self.numbers.randrange(1 << 16), self.numbers.choice([0, 1, 10, 100])
        self.expect([*self.storm.items(n, times)], [*map(item, range(n, n + times))], "items")

    def stream_boxes(self) -> None:
        n, times = self.small(), self.numbers.choice([0, 1, 10])
        got = []
        for box in self.storm.boxes(n, times):
            with box:
                got.append(box.value())
        self.expect(got, [*range(n, n + times)], "boxes")

    def stream_to_go(self) -> None:
        n, times = self.small(), self.numbers.choice([0, 1, 10, 300])
        wanted = total(n, times)
        self.expect(self.storm.total(map(mix, range(n, n + times)), n, times), wanted, "total")

    def stream_generator(self) -> None:
        n, times = self.small(), self.numbers.choice([0, 1, 10, 100])

        def numbers() -> Iterator[int]:
            for i in range(n, n + times):
                yield mix(i)

        self.expect(self.storm.total(numbers(), n, times), total(n, times), "total of a generator")

    def stream_echo(self) -> None:
        n, times = self.small(), self.numbers.choice([0, 1, 10, 100])
        got = [*self.storm.echo(iter(range(n, n + times)))]
        self.expect(got, [*range(n, n + times)], "echo")

    def stream_rows(self) -> None:
        n, count, times = self.small(), self.numbers.choice([0, 1, 10]), self.numbers.choice([0, 1, 100])
        rows = self.storm.rows(n, count, times)
        self.expect([row.n for row in rows], [*range(n, n + count)], "rows")
        for row in rows[::2]:  # nobody takes the items of the others
            self.expect([*row.items], [*map(mix, range(row.n, row.n + times))], "a row's items")

    def stream_rows_to_go(self) -> None:
        n, count, times = self.small(), self.numbers.choice([0, 1, 10]), self.numbers.choice([0, 1, 100])
        rows = [Row(i, map(mix, range(i, i + times))) for i in range(n, n + count)]
        wanted = wrapped(sum(total(i, times) for i in range(n, n + count)))
        self.expect(self.storm.total_of_rows(rows, times), wanted, "total_of_rows")

    # Objects

    def object_streaming(self) -> None:
        n = self.small()
        box = self.storm.box(n)
        items = box.count()
        self.expect(next(items), mix(n), "a box's stream")
        box.close()
        try:
            for _ in items:
                self.calls += 1
            self.expect("the end", "ClosedError", "a closed box's stream")
        except gobind.ClosedError as error:
            self.caught(error)

    def object_with(self) -> None:
        n = self.small()
        with self.storm.box(n) as box:
            self.expect(box.value(), n, "value")
            self.expect(box.add(5), n + 5, "add")
        try:
            self.expect(box.value(), "ClosedError", "a closed box")
        except gobind.ClosedError as error:
            self.caught(error)
            self.calls += 1

    def object_closed(self) -> None:
        n = self.small()
        box = self.storm.box(n)
        try:
            self.expect(self.storm.look_into(box), n, "look_into")
            self.expect(self.storm.same(box) is box, True, "same")
        finally:
            box.close()

    def object_collected(self) -> None:
        n = self.small()
        adder = self.storm.adder(n)
        self.expect(adder(3), n + 3, "adder")
        self.expect(self.storm.call(adder, n, 0), 0, "call of a Go function")

    def object_list(self) -> None:
        n, count = self.small(), self.numbers.choice([0, 1, 3, 20])
        boxes = self.storm.box_list(n, count)
        try:
            self.expect([box.value() for box in boxes], [*range(n, n + count)], "box_list")
            self.expect(self.storm.sum_boxes(boxes), sum(range(n, n + count)), "sum_boxes")
        finally:
            for box in boxes:
                box.close()

    def object_refused(self) -> None:
        with self.storm.box(1) as box:
            try:
                self.expect(self.storm.sum_boxes([box, box, "no box"]), "TypeError", "sum_boxes")
            except TypeError as error:
                self.caught(error)
                self.expect("boxes[2]" in str(error), True, "sum_boxes refused")

    # Buffers

    def buffer_filled(self) -> None:
        n, size = self.numbers.randrange(256), self.numbers.choice([0, 1, 100, 10_000])
        data = bytearray([n]) * size
        self.expect(self.storm.fill(data, n ^ 255), n * size, "fill")
        self.expect(data, bytes([n ^ 255]) * size, "fill's buffer")
        data.append(1)  # nobody holds it any more

    def buffer_blocking(self) -> None:
        n, size, time = (
            self.numbers.randrange(256),
            self.numbers.choice([0, 100, 10_000]),
            self.numbers.choice([0, 200]),
        )
        data = bytearray([n]) * size
        self.expect(self.storm.fill_blocking(data, n ^ 255, time), n * size, "fill_blocking")
        self.expect(data, bytes([n ^ 255]) * size, "fill_blocking's buffer")

    def buffer_weighed(self) -> None:
        data = array("d", range(self.numbers.choice([0, 1, 1000])))
        self.expect(self.storm.weigh(data), float(sum(data)), "weigh")

    def buffer_made(self) -> None:
        n, count = self.small(), self.numbers.choice([0, 1, 100, 10_000])
        made = self.storm.make(n, count)
        wanted = [*map(mix, range(n, n + min(count, 100)))]
        self.expect((len(made), made[:100].tolist()), (count, wanted), "make")
        slice = made[count // 2 :]
        del made
        self.expect(slice[:1].tolist(), [mix(n + count // 2)] if count else [], "make's slice")


SYNC = [
    "sync_numbers",
    "sync_name",
    "sync_payload",
    "sync_items",
    "sync_fail",
    "sync_timeout",
    "sync_refused",
]
BLOCKING = [
    "blocking_numbers",
    "blocking_nap",
    "blocking_deaf",
    "blocking_payload",
    "blocking_items",
    "blocking_fail",
]
CALLBACK = [
    *["callback_numbers", "callback_looping", "callback_blocking", "callback_goroutines", "callback_truth"],
    *["callback_text", "callback_payload", "callback_tolerant", "callback_visitor", "callback_kept"],
    *["callback_raising", "callback_nested"],
]
STREAM = ["stream_numbers", "stream_left", "stream_items", "stream_boxes", "stream_to_go", "stream_generator"]
STREAM += ["stream_echo", "stream_rows", "stream_rows_to_go"]
OBJECT = [
    "object_with",
    "object_closed",
    "object_collected",
    "object_list",
    "object_refused",
    "object_streaming",
]
BUFFER = ["buffer_filled", "buffer_blocking", "buffer_weighed", "buffer_made"]
ASYNC = ["later_numbers", "later_nap", "later_payload", "later_items", "later_fail", "later_cancelled"]
RING = ["ring_numbers", "ring_of_2", "ring_payload", "ring_fail"]
AWAITED = [
    "later_callback",
    "later_awaitable",
    "later_stream",
    "later_iterable",
    "later_object",
    "later_buffer",
]

KINDS: dict[str, tuple[list[str], list[str]]] = {
    "sync": ([*SYNC, "sync_panic"], SYNC),
    "blocking": (BLOCKING, [*BLOCKING, "sync_numbers"]),
    "post": (["post"], ["post", "sync_numbers"]),
    "callback": (CALLBACK, [*CALLBACK, "sync_numbers"]),
    "stream": (STREAM, [*STREAM, "sync_numbers"]),
    "object": (OBJECT, [*OBJECT, "sync_numbers"]),
    "buffer": (BUFFER, [*BUFFER, "sync_numbers"]),
    "async": (ASYNC, ["sync_numbers", "sync_name", "blocking_numbers"]),
    "ring": (RING, ["sync_numbers", "sync_name", "blocking_numbers", "post"]),
    "awaited": (AWAITED, ["sync_numbers", "callback_numbers", "stream_numbers", "object_with"]),
}
"""By name: the work of attempts, and what the handler of a signal calls. Work that is `async def` runs in tasks."""


def in_gobind(frame: Optional[FrameType]) -> bool:
    """True if a signal has interrupted gobind or a task of the storm's, not asyncio or importlib: those lose what they
    were doing when an exception strikes them, a task's next step or the import lock."""
    while frame is not None:
        file = frame.f_code.co_filename
        if frame.f_code is in_gobind.__code__:  # a second signal, while it is found out about the first
            frame = frame.f_back
            continue
        if file.startswith((ASYNCIO, IMPORTLIB)) or frame.f_code is Caller._note_loop_error.__code__:
            return False
        if file.startswith(("<gobind", GOBIND)) or file == __file__:
            return True
        frame = frame.f_back
    return False
