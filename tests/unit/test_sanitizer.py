"""Objects as `GOBIND_DEBUG=1` watches them."""

from __future__ import annotations

import atexit
from typing import Any

import pytest

from gobind import ClosedError, protocol
from gobind.runtime import sanitizer
from gobind.runtime.objects import proxies
from gobind.runtime.sanitizer import TracedObject


@pytest.mark.parametrize("end", [protocol.CLOSED_HANDLE, protocol.LOST_HANDLE])
def test_objects_are_watched_until_they_are_closed_or_lost(end: int) -> None:
    thing: Any = TracedObject()
    thing._handle = protocol.CLOSED_HANDLE
    assert thing._handle == protocol.CLOSED_HANDLE
    thing._handle = 5
    assert sanitizer._alive[id(thing)][0] == "TracedObject"
    thing._handle = end
    assert id(thing) not in sanitizer._alive
    assert thing._handle == end
    if end == protocol.CLOSED_HANDLE:
        with pytest.raises(ClosedError, match="released at .*test_sanitizer.py:"):
            thing._handle.__index__()


def test_places_in_no_code_of_the_user_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    assert __file__ in sanitizer._caller()
    monkeypatch.setattr(sanitizer, "_OWN", "")
    assert sanitizer._caller() == "(no code of yours)"


def test_install_is_done_once(monkeypatch: pytest.MonkeyPatch) -> None:
    registered: list[Any] = []
    monkeypatch.setattr(atexit, "register", registered.append)
    monkeypatch.setattr(proxies, "GoObject", TracedObject)
    sanitizer.install()
    assert registered == []
