"""The vault: BuntDB behind a contract, compared with brute force, and its demo as people run it."""

from __future__ import annotations

import copy
import gc
import math
import os
import random
import re
import subprocess
import sys
import threading
import unicodedata
from pathlib import Path
from typing import Any, Iterator

import pytest

import gobind
from gobind import _debug

VAULT = Path(__file__).parents[2] / "gosrc" / "examples" / "vault"

sys.path.insert(0, str(VAULT))
try:
    import zones
    from vault import Change, Found, NotFound, Place, Vault
finally:
    sys.path.remove(str(VAULT))

MEMORY = ":memory:"
EVERYWHERE = (-90.0, -180.0, 90.0, 180.0)


@pytest.fixture(scope="module")
def vault() -> Vault:
    return gobind.load(str(VAULT / "libvault.so"), Vault)


@pytest.fixture(scope="module")
def world() -> list[Place]:
    return zones.read_table(VAULT / "zone1970.tab")


@pytest.fixture
def store(vault: Vault) -> Iterator[Any]:
    opened = vault.open(MEMORY)
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    yield
    gc.collect()  # an exception that was caught refers to the frames it came through, and they to it
    assert _debug.live() == 0


def metres(here: tuple[float, float], place: Place) -> float:
    """The haversine distance, to the millimetre."""
    a, b = math.radians(here[0]), math.radians(place.latitude)
    across = math.sin(math.radians(place.longitude - here[1]) / 2) ** 2
    squared = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * across
    return math.floor(2 * 6371008.8 * math.asin(min(1.0, math.sqrt(squared))) * 1000 + 0.5) / 1000


def by_brute_force(here: tuple[float, float], places: list[Place]) -> list[tuple[float, str]]:
    return sorted((metres(here, place), place.name) for place in places)


def coordinates(seed: int) -> list[tuple[float, float]]:
    """Coordinates from everywhere, and the corners where a planar index goes wrong."""
    numbers = random.Random(seed)
    corners = [
        (latitude, longitude)
        for latitude in (-90.0, -89.9, -17.5, 0.0, 64.7, 89.9, 90.0)
        for longitude in (-180.0, -179.99, 0.0, 179.99, 180.0)
    ]
    return corners + [
        (math.degrees(math.asin(numbers.uniform(-1, 1))), numbers.uniform(-180, 180)) for _ in range(400)
    ]


def scattered(seed: int, count: int) -> list[Place]:
    """Places made at random, many of them near the poles and the antimeridian."""
    numbers = random.Random(seed)
    places = []
    for i in range(count):
        latitude = numbers.choice(
            [numbers.uniform(-90, 90), numbers.uniform(88, 90), numbers.uniform(-90, -88)]
        )
        longitude = numbers.choice(
            [numbers.uniform(-180, 180), numbers.uniform(179, 180), -179.5, 180.0, -180.0]
        )
        places.append(Place(f"place {i:04}", ["XX"] * (i % 4), latitude, longitude))
    return places


def check_nearest(found: list[Found], here: tuple[float, float], places: list[Place]) -> None:
    expected = by_brute_force(here, places)[: len(found)]
    assert [each.place.name for each in found] == [name for _, name in expected]
    assert [each.metres for each in found] == pytest.approx([far for far, _ in expected], abs=0.0021)


def test_nearest_places_of_the_world_are_those_of_brute_force(store: Any, world: list[Place]) -> None:
    store.load(world)
    for here in coordinates(seed=1):
        found = store.nearest(*here, 10)
        assert len(found) == 10
        check_nearest(found, here, world)


def test_nearest_places_near_poles_and_antimeridian_are_those_of_brute_force(store: Any) -> None:
    places = scattered(seed=2, count=1000)
    store.load(places)
    for here in coordinates(seed=3):
        found = store.nearest(*here, 20)
        assert len(found) == 20
        check_nearest(found, here, places)


def test_equally_distant_places_come_by_name_and_the_limit_does_not_change_which(store: Any) -> None:
    ring = [Place(f"at {longitude:+04}", [], 89.0, float(longitude)) for longitude in range(-180, 180, 7)]
    numbers = random.Random(4)
    store.load(numbers.sample(ring, len(ring)))
    names = sorted(place.name for place in ring)
    for limit in (1, 2, 25, len(ring)):
        found = store.nearest(90.0, 12.0, limit)
        assert [each.place.name for each in found] == names[:limit]
        assert len({each.metres for each in found}) == 1


def test_nearest_takes_any_limit(store: Any, world: list[Place]) -> None:
    assert store.nearest(0, 0, 3) == []
    store.load(world)
    assert store.nearest(0, 0, 0) == []
    everything = store.nearest(0, 0, 2**62)
    assert [each.place.name for each in everything] == [name for _, name in by_brute_force((0, 0), world)]
    assert all(each.place in world for each in everything)


def test_the_distance_to_a_place_itself_is_nothing_and_to_its_opposite_half_a_circle(store: Any) -> None:
    store.load([Place("Berlin", ["DE"], 52.5, 13.375)])
    assert store.nearest(52.5, 13.375, 1)[0].metres == 0
    assert store.nearest(-52.5, 13.375 - 180, 1)[0].metres == pytest.approx(math.pi * 6371008.8, abs=1e-3)


def crosses(place: Place, south: float, west: float, north: float, east: float) -> bool:
    """Whether the place is in the box, by trying its longitude a turn to either side."""
    width = east - west if west <= east else east - west + 360
    inside = (0 <= place.longitude - west + turn <= width for turn in (-360, 0, 360))
    return south <= place.latitude <= north and any(inside)


def test_places_in_a_box_are_those_of_brute_force(store: Any, world: list[Place]) -> None:
    places = world + scattered(seed=5, count=300)
    store.load(places)
    numbers = random.Random(6)
    meridians = [-180.0, 180.0, -179.5, 0.0]
    boxes = [
        EVERYWHERE,
        (-90.0, 180.0, 90.0, -180.0),
        (-90.0, 180.0, 90.0, 180.0),
        (-90.0, -180.0, 90.0, -180.0),
    ]
    for _ in range(300):
        south, north = sorted(numbers.uniform(-90, 90) for _ in range(2))
        west, east = (numbers.choice([numbers.uniform(-180, 180), *meridians]) for _ in range(2))
        boxes.append((south, west, north, east))
    for box in boxes:
        inside = store.inside(*box)
        assert inside == sorted((p for p in places if crosses(p, *box)), key=lambda place: place.name), box


def test_the_border_of_a_box_is_in_it(store: Any) -> None:
    corners = [Place(f"{y} {x}", [], y, x) for y in (-1.0, 2.0) for x in (-3.0, 4.0)]
    store.load(corners)
    assert len(store.inside(-1, -3, 2, 4)) == 4
    assert store.inside(2, 4, 2, 4) == [Place("2.0 4.0", [], 2.0, 4.0)]


def test_places_come_back_as_they_were(store: Any) -> None:
    places = [
        Place("Zürich/🏔", ["CH", "DE", "LI"], 47.38333333333333, 8.533333333333333, "Büsingen <&> \u2028"),
        Place("no comment", [], -0.0, 180.0, None),
        Place("empty\0comment", [""], 5e-324, -180.0, ""),
    ]
    store.load(places)
    assert store.count() == 3
    for place in places:
        assert store.get(place.name) == place


def test_a_place_replaces_one_of_its_name(store: Any) -> None:
    store.load([Place("moving", [], 50, 10)])
    store.load([Place("moving", ["NZ"], -40, 175)])
    assert store.count() == 1
    assert store.get("moving") == Place("moving", ["NZ"], -40, 175)
    assert store.inside(40, 0, 60, 20) == []
    assert [found.metres for found in store.nearest(-40, 175, 5)] == [0]


def test_a_name_that_is_not_there(store: Any) -> None:
    with pytest.raises(NotFound, match='^NotFound: key="Atlantis"$') as caught:
        store.get("Atlantis")
    assert caught.value.key == "Atlantis"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (Place("far north", [], 90.5, 0), "places[1]: latitude must be -90 to 90, got 90.5"),
        (Place("far east", [], 0, 181), "places[1]: longitude must be -180 to 180, got 181"),
        (Place("nowhere", [], math.nan, 0), "places[1]: latitude must be -90 to 90, got NaN"),
        (Place("", [], 0, 0), "places[1]: a place needs a name"),
    ],
)
def test_one_invalid_place_loads_none(store: Any, wrong: Place, message: str) -> None:
    with pytest.raises(gobind.GoError) as caught:
        store.load([Place("right", [], 0, 0), wrong])
    assert str(caught.value) == message
    assert store.count() == 0


def test_queries_out_of_range_are_refused(vault: Vault, store: Any) -> None:
    def refused(call: Any, *arguments: Any) -> str:
        with pytest.raises(gobind.GoError) as caught:
            call(*arguments)
        return str(caught.value)

    assert refused(store.nearest, -91, 0, 1) == "latitude must be -90 to 90, got -91"
    assert refused(store.nearest, 0, math.inf, 1) == "longitude must be -180 to 180, got +Inf"
    assert refused(store.nearest, 0, 0, -1) == "limit must be 0 or more, got -1"
    assert refused(store.inside, 1, 0, 0, 0) == "south must not be greater than north, got 1 and 0"
    assert refused(store.inside, 0, 0, 0, -180.5) == "longitude must be -180 to 180, got -180.5"


def test_stores_in_memory_are_separate_and_close_once(vault: Vault) -> None:
    one, other = vault.open(MEMORY), vault.open(MEMORY)
    one.load([Place("here", [], 0, 0)])
    assert (one.count(), other.count()) == (1, 0)
    one.close()
    one.close()
    with pytest.raises(gobind.ClosedError, match="^Store.count: the object is closed$"):
        one.count()
    assert other.count() == 0
    other.close()


def test_a_file_keeps_the_places(vault: Vault, world: list[Place], tmp_path: Path) -> None:
    path = tmp_path / "plätze.db"
    store = vault.open(str(path))
    assert vault.open(str(path)) is store
    store.load(world)
    store.close()
    store = vault.open(str(path))
    assert store.count() == len(world)
    assert store.inside(*EVERYWHERE) == sorted(world, key=lambda place: place.name)
    check_nearest(store.nearest(52.52, 13.405, 5), (52.52, 13.405), world)
    store.close()


def test_a_store_is_a_context_manager(vault: Vault, tmp_path: Path) -> None:
    path = str(tmp_path / "places.db")
    for count in range(3):
        with vault.open(path) as store:
            assert store.count() == count
            store.load([Place(f"{count}", [], 0, 0)])
    with pytest.raises(TypeError, match="^cannot copy or pickle Store: it stands for an object of Go$"):
        copy.copy(store)


def test_a_scan_is_a_stream(store: Any) -> None:
    places = [Place(f"{kind}/{n:04}", [], 0, 0) for kind in "abc" for n in range(700)]
    store.load(random.Random(7).sample(places, len(places)))
    assert [*store.scan("b/")] == places[700:1400]
    assert [*store.scan("")] == places and [*store.scan("d")] == []
    assert next(store.scan("c/0699")) == places[-1]


def test_a_store_can_be_written_while_it_is_scanned(store: Any) -> None:
    """No lock of the database is held while Python looks at a place."""
    store.load([Place(f"{n:04}", [], 0, 0) for n in range(0, 2000, 2)])
    seen = []
    for place in store.scan(""):
        seen.append(place.name)
        if int(place.name) % 2 == 0:
            store.load([Place(f"{int(place.name) + 1001:04}", [], 0, 0)])
    assert seen == sorted(set(seen)) and len(seen) > 1000


def test_a_scan_of_a_store_that_is_closed_meanwhile_fails(vault: Vault) -> None:
    with vault.open(MEMORY) as store:
        store.load([Place(f"{n:05}", [], 0, 0) for n in range(3000)])
        scan = store.scan("")
        assert next(scan).name == "00000"
    with pytest.raises(gobind.ClosedError, match="^Store.scan: the stream is closed, as its object is$"):
        list(scan)


def test_a_watch_sees_each_change(store: Any) -> None:
    seen: list[Change] = []
    first, second = Place("a", [], 1, 1), Place("a", ["NZ"], 2, 2)
    store.load([first])
    with store.watch(seen.append):
        store.load([second, Place("b", [], 3, 3)])
        store.load([second])  # which changes nothing
        with pytest.raises(gobind.GoError):
            store.load([Place("c", [], 0, 0), Place("", [], 0, 0)])
    store.load([first])
    assert seen == [Change(second, first), Change(Place("b", [], 3, 3), None)]


def test_a_watch_may_use_the_store_and_end_itself(store: Any) -> None:
    seen: list[Any] = []
    watches: list[Any] = []

    def changed(change: Change) -> None:
        assert store.get(change.place.name) == change.place
        seen.append(change.place.name)
        if change.place.longitude:
            store.load([Place(change.place.name, [], 0, change.place.longitude - 1)])
        else:
            watches.pop().close()

    watches.append(store.watch(changed))
    store.load([Place("a", [], 0, 20)])
    assert seen == ["a"] * 21 and watches == []


def test_exception_of_a_watch_is_raised_by_the_change(store: Any) -> None:
    error = KeyError("no")

    def changed(change: Change) -> None:
        raise error

    with store.watch(changed), pytest.raises(KeyError) as caught:
        store.load([Place("a", [], 0, 0)])
    assert caught.value is error and store.count() == 1
    error.__traceback__ = None


class Rule:
    """Keeps all country codes."""

    def merge(self, old: Place, new: Place) -> Place:
        return Place(new.name, [*old.country_codes, *new.country_codes], new.latitude, new.longitude)


def test_python_decides_what_becomes_of_two_places(store: Any) -> None:
    store.load([Place("a", ["DE"], 0, 0)])
    moved = [Place("a", ["NZ"], 1, 1), Place("b", ["FR"], 2, 2), Place("b", ["IT"], 3, 3)]
    assert store.merge(moved, Rule()) == 2
    assert store.get("a") == Place("a", ["DE", "NZ"], 1, 1)
    assert store.get("b") == Place("b", ["FR", "IT"], 3, 3)
    assert store.merge([], Rule()) == 0


def test_failed_merge_changes_nothing(store: Any) -> None:
    store.load([Place("a", [], 0, 0), Place("b", [], 0, 0)])

    class Wrong(Rule):
        def merge(self, old: Place, new: Place) -> Place:
            return old if old.name == "a" else Place("c", [], 0, 0)

    with pytest.raises(gobind.GoError, match='^the rule made "c" of two places named "b"$'):
        store.merge([Place("a", [], 5, 5), Place("b", [], 5, 5)], Wrong())
    with pytest.raises(TypeError, match="^rule: expected Rule, got object, which has no method merge$"):
        store.merge([], object())
    assert store.get("a") == Place("a", [], 0, 0) and store.count() == 2


def test_merges_of_many_threads_lose_nothing(store: Any) -> None:
    """A rule runs with nothing locked; what has changed meanwhile is decided again."""

    def work(number: int) -> None:
        for n in range(50):
            store.merge([Place("a", [f"{number}.{n}"], 0, 0)], Rule())

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = sorted(f"{number}.{n}" for number in range(4) for n in range(50))
    assert sorted(store.get("a").country_codes) == expected


def test_closing_while_python_decides(vault: Vault) -> None:
    store, deciding, closed = vault.open(MEMORY), threading.Event(), threading.Event()
    store.load([Place("a", [], 0, 0)])

    class Slow(Rule):
        def merge(self, old: Place, new: Place) -> Place:
            deciding.set()
            assert closed.wait(60)
            return new

    failures: list[BaseException] = []

    def work() -> None:
        try:
            store.merge([Place("a", [], 1, 1)], Slow())
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    assert deciding.wait(60)
    store.close()
    closed.set()
    thread.join()
    assert [str(failure) for failure in failures] == ["database closed"]
    failures.clear()


def test_a_file_that_was_cut_short_keeps_what_came_before(vault: Vault, tmp_path: Path) -> None:
    path = tmp_path / "cut.db"
    store = vault.open(str(path))
    store.load([Place(f"place {i}", [], i, i) for i in range(9)])
    store.close()
    path.write_bytes(path.read_bytes()[:-5])
    store = vault.open(str(path))
    left = [place.name for place in store.inside(*EVERYWHERE)]
    assert len(left) == 8 and set(left) < {f"place {i}" for i in range(9)}  # written in any order
    store.close()


@pytest.mark.parametrize(
    "content",
    [b"notes without an end of line", b"# notes\n", b"*3\r\n$3\r\nset\r\n$1\r\na\r\n$1\r\nb\r\n"],
    ids=["text", "lines", "a database of something else"],
)
def test_a_file_that_is_no_store_is_refused_and_left_alone(
    vault: Vault, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(gobind.GoError, match=re.escape(f"{path} is not a store of places")):
        vault.open(str(path))
    assert path.read_bytes() == content


def test_paths_that_cannot_be(vault: Vault, tmp_path: Path) -> None:
    missing = tmp_path / "missing" / "store.db"
    with pytest.raises(gobind.GoError, match=re.escape(f"open {missing}: ")):
        vault.open(str(missing))
    with pytest.raises(gobind.GoError, match="^a store needs a path, or :memory:$"):
        vault.open("")


@pytest.mark.skipif(sys.platform == "win32", reason="files are not locked there")
def test_a_store_belongs_to_one_process(vault: Vault, tmp_path: Path) -> None:
    path = str(tmp_path / "mine.db")
    store = vault.open(path)
    done = run_demo("--store", path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"demo.py: error: {path} is in use by another program: ")
    store.close()
    assert run_demo("--store", path).returncode == 0


def test_threads_share_a_store(store: Any, world: list[Place]) -> None:
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for place in world[number::4]:
                store.load([place])
                assert store.get(place.name) == place
                assert store.nearest(place.latitude, place.longitude, 1)[0].metres == 0
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert store.count() == len(world)


@pytest.mark.parametrize(
    ("text", "latitude", "longitude"),
    [
        ("+5230+01322", 52.5, 13 + 22 / 60),
        ("-3436-05827", -34.6, -58.45),
        ("-0015-00030", -0.25, -0.5),
        ("+404251-0740023", 40 + 42 / 60 + 51 / 3600, -(74 + 23 / 3600)),
        ("-0000+18000", 0.0, 180.0),
        ("+9000-18000", 90.0, -180.0),
    ],
)
def test_positions_in_iso_6709(text: str, latitude: float, longitude: float) -> None:
    assert zones.parse_position(text) == pytest.approx((latitude, longitude), abs=1e-12)


@pytest.mark.parametrize(
    "text", ["", "+5230", "5230+01322", "+5230+0132200", "+523012+01322", "+5260+01322", "+9001+00000"]
)
def test_positions_that_are_none(text: str) -> None:
    with pytest.raises(ValueError):
        zones.parse_position(text)


def test_the_zone_table_is_read_and_mistakes_are_named_with_their_line(
    tmp_path: Path, world: list[Place]
) -> None:
    assert len(world) > 300
    assert len({place.name for place in world}) == len(world)
    by_name = {place.name: place for place in world}
    assert by_name["Europe/Zurich"] == Place(
        "Europe/Zurich", ["CH", "DE", "LI"], 47 + 23 / 60, 8 + 32 / 60, "Büsingen"
    )
    assert by_name["Europe/Andorra"].comment is None
    wrong = tmp_path / "zone.tab"
    wrong.write_text("# a comment\nDE\t+5230\tEurope/Berlin\n", encoding="utf-8")
    with pytest.raises(ValueError, match=re.escape(f"{wrong}:2: expected a position like +5230+01322 or ")):
        zones.read_table(wrong)


def test_the_copy_is_read_where_the_machine_has_no_table(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, world: list[Place]
) -> None:
    monkeypatch.setattr(zones, "folders", lambda: iter([tmp_path]))
    assert zones.find_table() == VAULT / "zone1970.tab"
    (tmp_path / "zone.tab").touch()
    assert zones.find_table() == tmp_path / "zone.tab"


def run_demo(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    root = str(VAULT.parents[2])
    variables = {**os.environ, "PYTHONPATH": root, "PYTHONUTF8": "1", "PYTHONTZPATH": "", **environment}
    command = [sys.executable, str(VAULT / "demo.py"), *arguments]
    return subprocess.run(command, capture_output=True, encoding="utf-8", env=variables)


def columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else not unicodedata.combining(c) for c in text)


def test_the_demo_finds_the_second_time_what_it_loaded_the_first(tmp_path: Path) -> None:
    path = str(tmp_path / "places.db")
    first, second = run_demo("--store", path), run_demo("--store", path)
    assert (first.returncode, first.stderr, second.returncode, second.stderr) == (0, "", 0, "")
    assert re.search(r"^  \d{3} places loaded into the store  ", first.stdout, re.MULTILINE)
    assert re.search(r"^  \d{3} places are there already, nothing to load  ", second.stdout, re.MULTILINE)
    assert "loaded" not in second.stdout
    for text in (first.stdout, second.stdout):
        assert re.search(r"^ +3\.4 km  Europe/Berlin +52\.50°N  13\.37°E  DE ", text, re.MULTILINE)
        assert "NotFound: there is no such place in the store" in text
        assert re.search(r"^The first three of a stream of America/Argentina/… ", text, re.MULTILINE)
        assert re.search(r"^  moved  ship +55\.70°N  12\.60°E +Kiel → Copenhagen$", text, re.MULTILINE)
        assert max(map(columns, text.splitlines())) <= 90
        assert not re.search(r" $", text, re.MULTILINE)


def test_the_demo_keeps_its_store_in_the_cache_folder(tmp_path: Path) -> None:
    cache = {"XDG_CACHE_HOME": str(tmp_path), "HOME": str(tmp_path), "LOCALAPPDATA": str(tmp_path)}
    assert run_demo(**cache).returncode == 0
    assert [path.name for path in tmp_path.rglob("*.db")] == ["gobind-places.db"]


@pytest.mark.parametrize("here", [("-17.5", "179.9"), ("90", "0"), ("-90", "-180"), ("0", "-150")])
def test_the_demo_goes_anywhere(here: tuple[str, str]) -> None:
    done = run_demo(*here, "--store", MEMORY, "--limit", "3")
    assert (done.returncode, done.stderr) == (0, "")
    assert max(map(columns, done.stdout.splitlines())) <= 90


def test_the_demo_aligns_its_columns() -> None:
    """Names that end in m, distances of three lengths, comments that are not ASCII, one too long."""
    for here in (("-36.85", "174.76"), ("47.6", "8.6"), ("20.9", "-89.6"), ("41.3", "-95.9")):
        blocks = run_demo(*here, "--store", MEMORY).stdout.split("\n\n")[1:3]
        for block in blocks:
            rows = block.splitlines()[1:]
            assert len({columns(row[: row.index("°")]) for row in rows}) == 1
            assert all(re.match(r" +[\d.,]+ k?m  \w|  \w", row) for row in rows)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["52"], "a latitude and a longitude are needed, got only 52"),
        (["north", "0"], "latitude must be a number from -90 to 90, got 'north'"),
        (["0", "-180.1"], "longitude must be a number from -180 to 180, got '-180.1'"),
        (["nan", "0"], "latitude must be a number from -90 to 90, got 'nan'"),
        (["1", "2", "3"], "unrecognized arguments: 3"),
        (["--limit", "-1"], "argument --limit: must be a whole number of 0 or more, got '-1'"),
        (["--store", ""], "a store needs a path, or :memory:"),
        (["--store", __file__], f"{__file__} is not a store of places"),
    ],
)
def test_the_demo_refuses_bad_arguments_in_one_line(arguments: list[str], message: str) -> None:
    done = run_demo(*arguments)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"demo.py: error: {message}\n")
