"""``GOBIND_TRACE=1``: a line on stderr for each call, and never a value."""

from __future__ import annotations

import re

import pytest
from programs import run

HEAD = """
import asyncio, gobind, libraries
accounts_py, sleeper_py, objects_py = map(libraries.contract_of, ["accounts", "sleeper", "objects"])
accounts = libraries.load("accounts", accounts_py.Accounts)
sleeper = libraries.load("sleeper", sleeper_py.Sleeper)
calls, functions, stores, streams = [
    libraries.load("objects", getattr(objects_py, name)) for name in "Calls Functions Stores Streams".split()
]
"""

SYNC = """
assert accounts.ping(5) == 5
accounts.login(accounts_py.LoginRequest(accounts_py.User(1, "secret"), "secret"))
try:
    accounts.ping("secret")
except TypeError:
    pass
gobind.load(libraries.path_of("accounts")).close()
try:
    accounts.ping(5)
except gobind.ClosedError:
    pass
"""
SYNC_LINES = """
Accounts.ping request=48 response=8 ok
Accounts.login request=100 response=# ok
Accounts.ping request=- response=- TypeError
Accounts.ping request=48 response=- ClosedError
"""

QUEUED = """
sleeper.echo_blocking(3)
sleeper.repeat_blocking("secret", 2)
try:
    sleeper.fail_blocking("error")
except gobind.GoError:
    pass
async def main():
    await sleeper.echo_later(3)
    await sleeper.echo_by_ring(3)
    await sleeper.repeat("secret", 100_000)
    await asyncio.gather(sleeper.fail("error"), return_exceptions=True)
    task = asyncio.ensure_future(sleeper.sleep_later(60_000))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
asyncio.run(main())
sleeper.push(7)
sleeper.pushed(1)
"""
QUEUED_LINES = """
Sleeper.echo_blocking request=48 response=8 ok
Sleeper.repeat_blocking request=70 response=# ok
Sleeper.fail_blocking request=61 response=- GoError
Sleeper.echo_later request=48 response=8 ok
Sleeper.echo_by_ring request=48 response=8 ok
Sleeper.repeat request=70 response=# ok
Sleeper.fail request=61 response=- GoError
Sleeper.sleep_later request=48 response=- CancelledError
Sleeper.push request=48 response=- ok
Sleeper.pushed request=48 response=# ok
"""

OBJECTS = """
with stores.open("secret") as store:
    store.set("secret", "secret")
assert functions.apply(lambda n: n + 1, 3) == 4
assert functions.describe(lambda user: "secret", objects_py.User("secret", 1)) == "secret"
def fail(n):
    raise KeyError("secret")
try:
    functions.apply(fail, 3)
except KeyError:
    pass
async def later(n):
    return n
async def fail_later(n):
    raise KeyError("secret")
async def main():
    await functions.apply_later(later, 3)
    await asyncio.gather(functions.apply_later(fail_later, 3), return_exceptions=True)
asyncio.run(main())
assert functions.adder(1)(2) == 3
assert list(streams.ints(1)) == [0]  # of more, how many come at once is chance
"""
OBJECTS_LINES = """
Stores.open request=62 response=# ok
Store.set request=84 response=8 ok
Store.close request=40 response=8 ok
from Go: Callable[[int], int] request=8 response=8 ok
Functions.apply request=56 response=8 ok
from Go: Callable[[User], str] request=# response=22 ok
Functions.describe request=# response=# ok
from Go: Callable[[int], int] request=8 response=# KeyError
Functions.apply request=56 response=- KeyError
from Go: Callable[[int], Awaitable[int]] request=8 response=8 ok
Functions.apply_later request=56 response=8 ok
from Go: Callable[[int], Awaitable[int]] request=8 response=# KeyError
Functions.apply_later request=56 response=- KeyError
Functions.adder request=48 response=8 ok
Callable[[int], int].call request=48 response=8 ok
Streams.ints request=48 response=8 ok
Iterator[int].fetch request=40 response=# ok
Iterator[int].fetch request=40 response=# ok
"""


@pytest.mark.parametrize(
    ("program", "lines"),
    [(SYNC, SYNC_LINES), (QUEUED, QUEUED_LINES), (OBJECTS, OBJECTS_LINES)],
    ids=["sync", "queued", "objects"],
)
def test_each_call_is_a_line(program: str, lines: str) -> None:
    status, out, err = run(HEAD + program, load=False, GOBIND_TRACE="1")
    assert (status, out) == (0, ""), err
    assert "secret" not in err
    found, wanted = err.splitlines(), lines.strip().splitlines()
    for line, expected in zip(found, wanted):
        head, _, outcome = re.escape(f"gobind: {expected}").replace("\\#", r"\d+").rpartition("\\ ")
        assert re.fullmatch(rf"{head} us=\d+ {outcome}", line), f"{line!r} is not {expected!r}"
    assert len(found) == len(wanted), found


def test_nothing_is_printed_or_imported_unless_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOBIND_TRACE", raising=False)
    program = HEAD + "accounts.ping(5)\nimport sys\nassert 'gobind.runtime.trace' not in sys.modules\n"
    assert run(program, load=False) == (0, "", "")
