"""Memory and threads: what Go keeps stays right, whatever Python does meanwhile, and the other way round."""

from __future__ import annotations

import asyncio
import gc
import threading
from typing import Any

import libraries
import pytest

import gobind

keeper_py = libraries.contract_of("keeper")
Item = keeper_py.Item


@pytest.fixture(scope="module")
def keeper() -> Any:
    return libraries.load("keeper", keeper_py.Keeper)


def arguments(size: int) -> dict[str, Any]:
    """Arguments whose parts are `size` bytes long; new objects each time."""
    text = "\u00e4" + "n" * size
    return {
        "name": text,
        "data": bytearray(b"d" * size),
        "words": [text, "", "w" * size],
        "item": Item(7, "i" * size, b"b" * size, ["t" * size, "u"], [Item(8, "inner", b"deep", [])]),
        "table": {"one": b"1" * size, "two": b"2" * size, "": b""},
    }


def as_kept(given: dict[str, Any]) -> Any:
    return Item(0, given["name"], bytes(given["data"]), [*given["words"]], [given["item"]])


def wait_for_room() -> None:
    """Use much memory again, so that whoever still looks at freed memory sees something else."""
    gc.collect()
    for size in (10, 1000, 100_000):
        [bytearray(b"\xee" * size) for _ in range(200)]


@pytest.mark.parametrize("size", [0, 1, 100, 70_000])
@pytest.mark.parametrize("method", ["keep", "keep_later"])
def test_go_keeps_its_arguments(keeper: Any, size: int, method: str) -> None:
    given = arguments(size)
    expected, table = as_kept(given), dict(given["table"])
    made = getattr(keeper, method)(**given)
    if method == "keep_later":

        async def main() -> None:
            await made

        asyncio.run(main())
    given["data"][:] = b"x" * size
    given["words"][:] = []
    del given
    wait_for_room()
    keeper.collect("", [])
    assert keeper.kept() == expected
    assert keeper.kept_table() == table
    keeper.forget()


@pytest.mark.parametrize("size", [0, 1, 7, 8, 100, 70_000])
def test_go_changes_what_it_keeps(keeper: Any, size: int) -> None:
    given = arguments(size)
    before = arguments(size)
    keeper.keep(**given)
    keeper.spoil()
    assert given == before  # Python's own values are not touched
    kept = keeper.kept()
    assert kept.data == b"." * size + b"+++++++++"
    assert kept.tags == [*before["words"], "+"]
    (item,) = kept.more
    assert (item.name, item.data) == ("i" * size, b"." * size + b"+++++++++")
    assert item.tags == ["t" * size, "u", "+"]
    assert item.more == [Item(8, "inner", b"....+++++++++", ["+"])]
    assert kept.name == before["name"]
    assert keeper.kept_table() == {key: data + b"+" for key, data in before["table"].items()}
    keeper.forget()


def test_results_are_pythons_own(keeper: Any) -> None:
    keeper.keep(**arguments(100))
    kept = keeper.kept()
    keeper.spoil()
    keeper.collect("", [])
    assert kept.data == b"d" * 100
    keeper.forget()


@pytest.mark.parametrize("count", [0, 1, 100, 3000])
def test_the_collector_inside_a_method(keeper: Any, count: int) -> None:
    items = [
        Item(n, f"name {n}", bytes([n % 256]) * (n % 50), [str(n)] * (n % 5), [] if n % 2 else None)
        for n in range(count)
    ]
    made = keeper.collect("last", items)
    assert made == [*items, Item(0, "last", b"", [])]


def run_together(*functions: Any) -> None:
    """Run functions in threads; the first exception is raised again."""
    failures: list[BaseException] = []

    def guarded(function: Any) -> None:
        try:
            function()
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=guarded, args=(function,)) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


@pytest.mark.parametrize("size", [3, 70_000])
def test_arguments_changed_while_go_works(keeper: Any, size: int) -> None:
    """What the call began with is what Go sees."""
    place = f"changed {size}"
    data, words = bytearray(b"d" * size), ["w" * size, "v"]
    item = Item(1, "n" * size, bytearray(b"e" * size), ["t"])
    found = []

    def change() -> None:
        keeper.await_meeting(place)
        data[:] = b"x" * size
        data.clear()  # a buffer that were still borrowed would refuse this
        words[:] = ["changed"] * 5
        item.name, item.tags = "changed", []
        item.data.extend(b"y" * 1000)
        wait_for_room()
        keeper.send_on(place)

    run_together(lambda: found.append(keeper.meet(place, words, data, item)), change)
    expected = Item(1, "n" * size, b"e" * size, ["t"])
    assert found == [Item(0, place, b"d" * size, ["w" * size, "v"], [expected])]


def test_arguments_of_an_abandoned_call_stay_right(keeper: Any) -> None:
    size, place = 70_000, "abandoned"

    async def main() -> None:
        given = arguments(size)
        task = asyncio.ensure_future(keeper.meet_later(place, given["words"], given["data"], given["item"]))
        await asyncio.sleep(0)
        await asyncio.get_running_loop().run_in_executor(None, keeper.await_meeting, place)
        task.cancel()
        given["data"].clear()
        given.clear()
        wait_for_room()
        with pytest.raises(asyncio.CancelledError):
            await task
        keeper.send_on(place)
        await asyncio.get_running_loop().run_in_executor(None, keeper.await_meeting, f"{place} is over")

    asyncio.run(main())
    kept, given = keeper.kept(), arguments(size)
    assert kept == Item(0, place, b"d" * size, given["words"], [given["item"]])
    keeper.forget()


def test_awaited_calls_are_in_go_at_once(keeper: Any) -> None:
    """Each waits in Go for all others: one after another they would wait for ever."""

    async def main() -> list[int]:
        return await asyncio.gather(*[keeper.rendezvous("together", 99) for _ in range(100)])

    assert asyncio.run(main()) == [100] * 100


def test_threads_are_in_go_at_once(keeper: Any) -> None:
    def meet() -> None:
        assert asyncio.run(keeper.rendezvous("threads", 7)) == 8

    run_together(*[meet] * 8)


def test_eight_threads_mixed_calls(keeper: Any) -> None:
    def work(seed: int) -> None:
        for number in range(seed * 1000, seed * 1000 + 250):
            assert keeper.add(number, -1) == number - 1
            assert keeper.greet(f"thread {number}") == f"hello thread {number}"
            assert keeper.total(range(number)) == number * (number - 1) // 2
            with pytest.raises(gobind.GoError) as caught:
                keeper.refuse(f"not {number}")
            assert caught.value.message == f"not {number}"

    run_together(*[lambda seed=seed: work(seed) for seed in range(8)])


def test_threads_that_share_a_constant_request(keeper: Any) -> None:
    def work() -> None:
        for _ in range(1000):
            with pytest.raises(gobind.GoError):
                keeper.refuse("the same")
            assert keeper.add(1, 1) == 2

    run_together(*[work] * 8)


def test_a_ring_of_one_slot_keeps_the_order(keeper: Any) -> None:
    for number in (1, 2, 3, 4):
        keeper.push(number)
    assert keeper.pushed(4) == [1, 2, 3, 4]
    for number in range(2000):
        keeper.push(number)
    assert keeper.pushed(2000) == [*range(2000)]


def test_a_ring_that_was_idle(keeper: Any) -> None:
    for number in range(50):
        keeper.push_far(number)
        assert keeper.pushed(1) == [number]
    for number in range(5000):
        keeper.push_far(number)
    assert keeper.pushed(5000) == [*range(5000)]
