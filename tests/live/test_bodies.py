"""Streams inside structs, containers and other streams."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from typing import Any

import libraries
import pytest
from crossing import collect_until

import gobind
from gobind import _debug

bodies = libraries.contract_of("bodies")
Request, Response, Feed = bodies.Request, bodies.Response, bodies.Feed


@pytest.fixture
def clients() -> Iterator[Any]:
    """The interface; after the test nothing is left on either side, and no stream's context goes on."""
    library = libraries.load("bodies")
    made = library.bind(bodies.Clients)
    live = _debug.live()
    yield made

    assert collect_until(lambda: _debug.live() == live and _debug.exported() == made.contexts() == 0)


@pytest.fixture
def client(clients: Any) -> Iterator[Any]:
    with clients.open() as made:
        yield made


def chunks(n: int) -> list[bytes]:
    return [str(i).encode() for i in range(n)]


def test_a_response_carries_its_body(client: Any) -> None:
    response = client.get("/a", 10_000)
    assert (response.status, response.headers) == (200, {"url": "/a"})
    assert next(response.body) == b"0"
    assert list(response.body) == chunks(10_000)[1:]
    assert list(response.body) == []


def test_bodies_are_taken_in_any_order(client: Any) -> None:
    first, second = client.get("/1", 100), client.get("/2", 50)
    assert list(second.body) == chunks(50)
    assert list(first.body) == chunks(100)


def test_a_body_that_fails_gives_what_came_before(client: Any) -> None:
    taken = []
    with pytest.raises(gobind.GoError, match=r"^chunk 3 is broken$"):
        for chunk in client.get("/", -3).body:
            taken.append(chunk)
    assert taken == chunks(3)


def test_a_body_that_nobody_wants_ends_with_its_response(clients: Any, client: Any) -> None:
    response = client.get("/", 1_000_000)
    assert clients.contexts() == 1
    del response
    assert collect_until(lambda: clients.contexts() == 0)
    response = client.get("/", 1_000_000)
    assert next(response.body) == b"0"
    del response
    assert collect_until(lambda: clients.contexts() == 0)


def test_the_context_of_a_call_ends_with_the_last_of_its_streams(clients: Any, client: Any) -> None:
    responses = client.many(1000)
    assert [len(list(response.body)) for response in responses[1:]] == [i % 5 for i in range(1, 1000)]
    assert clients.contexts() == 1
    assert list(responses[0].body) == []
    assert collect_until(lambda: clients.contexts() == 0)


def test_a_response_without_streams_keeps_no_context(clients: Any, client: Any) -> None:
    assert client.maybe(0) is None
    assert client.many(0) == [] and client.by_name([]) == {}
    assert collect_until(lambda: clients.contexts() == 0)


def test_streams_in_tuples_dicts_and_options(client: Any) -> None:
    count, items = client.pair(7)
    assert (count, list(items)) == (7, [*range(7)])
    assert list(client.maybe(3)) == [0, 1, 2]
    streams = client.by_name(["ab", "", "cde"])
    assert {name: list(stream) for name, stream in streams.items()} == {
        "ab": ["a", "b"],
        "": [],
        "cde": ["c", "d", "e"],
    }


def test_streams_of_streams(clients: Any, client: Any) -> None:
    pages = client.crawl(50)
    responses = list(pages)  # the outer stream has ended, the inner ones go on
    assert [len(list(response.body)) for response in responses] == [*range(50)]
    assert [list(row) for row in client.rows([2, 0, 3])] == [[0, 1], [], [0, 1, 2]]
    for number, response in enumerate(client.crawl(100)):
        if number == 5:
            assert list(response.body) == chunks(5)
            break
    del response, responses, pages
    assert collect_until(lambda: clients.contexts() == 0)


def test_items_in_memory_that_is_used_again(client: Any) -> None:
    """As bufio.Scanner.Bytes gives them: each is as it was when it was yielded."""
    assert list(client.lines(20_000)) == chunks(20_000)

    def record(n: int) -> Any:
        anything = {"list": [n, None]}
        return bodies.Record(n, [str(n)], {"n": n}, n, anything, n.to_bytes(8, "little"))

    assert list(client.records(5000)) == [*map(record, range(5000))]

    async def main() -> None:
        assert [each async for each in await client.records_later(3000)] == [*map(record, range(3000))]

    asyncio.run(main())


def test_a_tree_whose_branches_are_streams(client: Any) -> None:
    def leaves(tree: Any) -> int:
        return sum(map(leaves, tree.below)) if tree.depth else 1

    assert leaves(client.tree(5)) == 120


def test_async_streams_in_structs(client: Any) -> None:
    async def source(n: int) -> AsyncIterator[int]:
        for i in range(n):
            await asyncio.sleep(0)
            yield i

    async def main() -> None:
        feed = await client.feed(1000)
        assert feed.name == "1000"
        assert [item async for item in feed.items] == [*range(1000)]
        feeds = [Feed(str(n), source(n)) for n in (3, 0, 100)]
        assert await client.feeds(feeds) == [3, 0, 4950]
        async with aclosing((await client.feed(1_000_000)).items) as items:
            async for item in items:
                if item == 3:
                    break

    asyncio.run(main())


def test_python_gives_streams_inside_values(client: Any) -> None:
    assert list(client.post(Request("/", iter([b"a", b"b"]))).body) == [b"a", b"b"]
    assert list(client.post(Request("/", [b"a"] * 1000)).body) == [b"a"] * 1000
    assert client.post(Request("/")).status == 204
    given = {"a": range(10), "none": None, "generator": (n * n for n in range(4)), "empty": ()}
    assert client.totals(given) == {"a": 45, "none": -1, "generator": 14, "empty": 0}
    assert client.grandtotal((range(n) for n in range(10))) == 120
    assert client.grandtotal([client.pair(3)[1], [4]]) == 7


def test_a_body_read_as_from_a_reader(client: Any) -> None:
    def body() -> Iterator[bytes]:
        yield from chunks(1000)

    whole = b"".join(chunks(1000))
    assert client.read(Request("/", body()), 1 << 20) == whole
    assert client.read(Request("/", [whole] * 3), 10) == whole[:10]

    def broken() -> Iterator[bytes]:
        yield b"abc"
        raise LookupError("no more")

    with pytest.raises(LookupError, match="no more"):
        client.read(Request("/", broken()), 10)


def test_a_second_loop_over_an_iterator_loses_nothing(client: Any) -> None:
    assert client.twice([1, 2, 3, 4], 9) == [1, 2, 3, 4]
    assert client.twice(iter([]), 1) == []
    for items in ([1, 2, 3, 4], (n for n in range(4))):
        with pytest.raises(gobind.GoError, match="closed when the last loop over it was left"):
            client.twice(items, 2)


def test_an_exception_of_a_stream_inside_a_value_comes_back(client: Any) -> None:
    def broken() -> Iterator[bytes]:
        yield b"a"
        raise LookupError("no more")

    with pytest.raises(LookupError, match="no more"):
        client.post(Request("/", broken()))


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        (lambda client: client.post(Request("/", 5)), "Request.body: expected Iterable[bytes], got int"),
        (
            lambda client: client.totals({"a": [1], "b": 5}),
            "streams['b']: expected Iterator[int], got int",
        ),
        (
            lambda client: client.post(Request("/", b"ab")),
            "Request.body: expected Iterable[bytes], got bytes, whose items are int; pass [data]",
        ),
        (lambda client: client.post(Request("/", ["a"])), "item: expected bytes, got str"),
        (lambda client: client.grandtotal([[1], ["a"]]), "expected int, got str"),
        (
            lambda client: client.grandtotal([[1], 2]),
            "Iterable[Iterable[int]]: item: expected Iterable[int], got int",
        ),
        (
            lambda client: asyncio.run(client.feeds([Feed("a", [1])])),
            "feeds[0].items: expected AsyncIterator[int], got list",
        ),
    ],
)
def test_refused_streams(client: Any, call: Any, problem: str) -> None:
    with pytest.raises(TypeError) as caught:
        call(client)
    assert problem in str(caught.value)
    del caught


def test_a_nil_stream_is_refused_by_name_and_those_beside_it_are_released(clients: Any, client: Any) -> None:
    with pytest.raises(gobind.GoError) as caught:
        client.some(100, 70)
    assert "Response.body: expected a stream, got nil" in str(caught.value)
    assert collect_until(lambda: clients.contexts() == 0)


def test_callbacks_take_and_return_streams_inside_structs(client: Any) -> None:
    def handler(request: Any) -> Any:
        return Response(200, {}, (chunk.upper() + b"," for chunk in request.body))

    assert client.serve(handler, 5) == b"0,1,2,3,4,"
    with pytest.raises(TypeError, match=r"body: expected Iterator\[bytes\], got int"):
        client.serve(lambda request: Response(200, {}, 5), 5)
    with pytest.raises(gobind.GoError, match="chunk 2 is broken"):
        client.serve(handler, -2)


def test_streams_inside_dynamic_values(client: Any) -> None:
    made = client.anything(Request("/", [b"a", b"b"]))
    assert type(made["response"]) is Response and list(made["response"].body) == [b"a", b"b"]
    assert client.anything({"a": [1, None]}) == {"a": [1, None]}
    with pytest.raises(TypeError, match=r"expected Iterable\[bytes\], got int"):
        client.anything({"request": [Request("/", 5)]})


@pytest.mark.parametrize(
    ("label", "values", "problem"),
    [
        (1.5, None, "label: expected int | str, got float"),
        ("\ud800", None, "surrogates not allowed"),
        ("a", {1}, "values: expected Any, got set; Go has no dynamic sets, pass a list"),
        (
            "a",
            [Request("/", [b"a"]), {(): 1}],
            "values[1]: a key must be str, a number, None or UUID, got tuple",
        ),
    ],
)
def test_streams_behind_a_dynamic_value_that_go_refuses_are_released(
    client: Any, label: Any, values: Any, problem: str
) -> None:
    with pytest.raises((TypeError, UnicodeError)) as caught:
        client.labelled(label, values, range(3))
    assert problem in str(caught.value)
    assert client.labelled("a", 1 << 70, range(3)) == 3


def test_iterators_without_iter_are_taken_as_for_takes_them(client: Any) -> None:
    class Three:
        left = 3

        def __next__(self) -> int:
            if not self.left:
                raise StopIteration
            self.left -= 1
            return self.left

    class Numbers:
        def __iter__(self) -> Any:
            return Three()

    assert client.totals({"a": Numbers()}) == {"a": sum(Numbers())} == {"a": 3}


def test_closing_the_object_closes_its_streams(clients: Any) -> None:
    client, other = clients.open(), clients.open()
    body, nested, kept = client.get("/", 1_000_000).body, client.crawl(100), other.get("/", 100).body
    whole, page = client.get("/", 3).body, next(nested)
    page = next(nested).body
    assert next(body) == b"0" and list(whole) == chunks(3)
    client.close()
    assert collect_until(lambda: clients.contexts() == 1)
    with pytest.raises(gobind.ClosedError, match=r"^Response.body: the stream is closed, as its object is$"):
        list(body)
    with pytest.raises(gobind.ClosedError, match=r"^Client.crawl: the stream is closed, as its object is$"):
        list(nested)
    with pytest.raises(gobind.ClosedError, match=r"^Response.body: the stream is closed"):
        list(page)
    assert list(whole) == [] and list(body) == []
    assert list(kept) == chunks(100)
    other.close()


def test_closing_the_object_wakes_who_waits_for_its_streams(clients: Any) -> None:
    client = clients.open()
    bodies, raised = [response.body for response in client.hangs(30)], []
    assert {next(body) for body in bodies} == {b"begun"}

    def take(body: Any) -> None:
        try:
            next(body)
        except gobind.GobindError as error:
            raised.append(str(error))

    threads = [threading.Thread(target=take, args=(body,)) for body in bodies]
    for thread in threads:
        thread.start()
    client.close()
    for thread in threads:
        thread.join()
    assert raised == ["Response.body: the stream is closed, as its object is"] * 30


def test_closing_the_object_closes_the_streams_of_calls_under_way(clients: Any) -> None:
    client = clients.open()
    response = client.get_late(client.close, 1_000_000)
    with pytest.raises(gobind.ClosedError, match=r"^Response.body: the stream is closed, as its object is$"):
        next(response.body)


def test_collecting_the_object_leaves_streams_inside_its_streams(clients: Any) -> None:
    with pytest.warns(ResourceWarning):
        pages = clients.open().crawl(5)
        gc.collect()
    assert [len(list(page.body)) for page in pages] == [0, 1, 2, 3, 4]


def test_collecting_the_object_leaves_its_streams(clients: Any) -> None:
    with pytest.warns(ResourceWarning):
        body = clients.open().get("/", 10_000).body
        gc.collect()
    assert list(body) == chunks(10_000)


def test_a_deadline_ends_a_body(clients: Any, client: Any) -> None:
    with gobind.timeout(0.05):
        body = client.get("/", 1 << 60).body
    with pytest.raises(TimeoutError):
        for _ in body:
            pass
    with gobind.timeout(0.05):
        letters = client.by_name(["a" * (1 << 20)])["a" * (1 << 20)]
    assert next(letters) == "a"
    while clients.contexts():
        pass
    with pytest.raises(TimeoutError):  # by a stream that only returns
        list(letters)
