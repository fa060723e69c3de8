"""What the rows share: gobind's library, the no-op, JSON."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any, Callable

from tests.bench import peers
from tests.bench.measure import Case
from tests.bench.peers import once
from tests.support import libraries

KINDS = {"ASCII": "user-%06d", "non-ASCII": "Nutzer-ü-%06d", "with NUL": "user\0%06d"}
NUMBERS = {"ASCII": 0, "non-ASCII": 1, "with NUL": 2}

contract = libraries.contract_of("bench")


@once
def bench() -> Any:
    """gobind's way: the implementation of the contract gosrc/testlibs/bench."""
    return libraries.load("bench", contract.Bench)


@once
def upcalls() -> Any:
    return libraries.load("bench", contract.Upcalls)


def noop() -> Case:
    """A foreign call with no argument and no result."""
    return Case("f()", f=peers.byhand().Nothing)


@lru_cache(maxsize=1)
def strings(kind: str, n: int) -> list[str]:
    """Strings, none shared; kept while the row that needs them is measured."""
    pattern = KINDS[kind]
    return [pattern % number for number in range(n)]


@lru_cache(maxsize=1)
def users(n: int) -> Any:
    """Users, kept while the row that needs them is measured."""
    return [contract.User(number, f"user-{number:06}", number % 100) for number in range(n)]


def json_echo(name: str) -> Callable[[Any], Any]:
    """A value to Go and back as JSON, for values that JSON has."""
    call, loads, dumps = peers.through_text(getattr(peers.byhand(), name)), json.loads, json.dumps
    return lambda value: loads(call(dumps(value).encode()))


def msgspec_echo(name: str, kind: Any) -> Callable[[Any], Any]:
    """The same by msgspec, which builds values of that type; Go decodes with encoding/json all the same."""
    msgspec = peers.msgspec()
    call = peers.through_text(getattr(peers.byhand(), name))
    encode, decode = msgspec.json.Encoder().encode, msgspec.json.Decoder(kind).decode
    return lambda value: decode(call(encode(value)))
