"""Upcalls that fail where the next exception is raised while the last one is told; with a library that is none."""

from __future__ import annotations

import ctypes
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from gobind import protocol
from gobind.runtime.interrupts.ownership import only_here
from gobind.runtime.objects import upcalls
from gobind.runtime.objects.upcalls import HandleTable


class Table(HandleTable):
    """A table whose `fail` is interrupted a number of times before it does its work."""

    interruptions: list[BaseException]

    def __init__(self) -> None:
        self.interruptions = []
        library: Any = SimpleNamespace(releasing=only_here(abs), set_upcall=lambda callback: None)
        super().__init__(library)

    def fail(self, reply: int, error: BaseException, make: Any = None) -> None:
        if self.interruptions:
            raise self.interruptions.pop(0)
        super().fail(reply, error, make)


class Reply:
    """The memory that Go gives for an answer."""

    def __init__(self) -> None:
        self._memory: Any = (ctypes.c_char * (protocol.ANSWER_SIZE + protocol.REPLY_CAPACITY))()
        self.address = ctypes.addressof(self._memory)

    @property
    def kind(self) -> int:
        return int(protocol.ANSWER.unpack(self._memory[:16])[1])

    def error(self, table: HandleTable) -> Any:
        """The exception answered with."""
        assert self.kind == protocol.ANSWER_EXCEPTION
        record = protocol.EXCEPTION_RECORD.unpack_from(self._memory[protocol.ANSWER_SIZE :])
        return table.value_of(record[4] & ~protocol.PYTHON_OWNED)

    def late(self, table: HandleTable) -> Any:
        """The exception that came when there was an answer already."""
        end = protocol.LATE_OFFSET + 8
        number = int.from_bytes(self._memory[protocol.LATE_OFFSET : end], "little")
        return table.value_of(number & ~protocol.PYTHON_OWNED)


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Table:
    monkeypatch.setattr(upcalls, "_catch_escapes", lambda: None)
    return Table()


@pytest.mark.parametrize("count", [0, 1, 2])
def test_the_last_of_several_exceptions_is_the_answer(table: Table, count: int) -> None:
    errors: list[BaseException] = [ValueError(number) for number in range(count)]
    table.interruptions = [*errors]
    reply = Reply()
    table._enter(99, 0, 0, 0, reply.address)  # no object has that number
    answered = reply.error(table)
    assert answered is errors[-1] if errors else type(answered) is KeyError


def test_an_exception_that_escapes_is_the_answer_of_the_upcall_it_escaped_from(table: Table) -> None:
    errors: list[BaseException] = [ValueError(number) for number in range(3)]
    table.interruptions = [*errors]
    reply = Reply()
    with pytest.raises(ValueError) as caught:
        table._enter(99, 0, 0, 0, reply.address)
    assert caught.value is errors[-1] and not reply.kind
    table.caught(caught.value)
    assert reply.error(table) is errors[-1]
    elsewhere = ValueError("elsewhere")
    table.caught(elsewhere)
    assert table.escaped == {threading.get_ident(): elsewhere}


def test_escaped_exceptions_are_those_of_the_function_that_go_calls(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    others: list[Any] = []
    monkeypatch.setattr(upcalls, "_previous_hook", others.append)
    monkeypatch.setattr(upcalls, "_tables", {"library": table})
    error, enter = ValueError("escaped"), table._enter
    message = f"Exception ignored on calling ctypes callback function {enter!r}"
    for ours in (
        SimpleNamespace(object=enter, err_msg=None, exc_value=error),
        SimpleNamespace(object=None, err_msg=message, exc_value=error),
    ):
        table.escaped.clear()
        upcalls._unraisable(ours)
        assert table.escaped == {threading.get_ident(): error} and not others
    foreign = SimpleNamespace(object=print, err_msg=message, exc_value=error)
    without = SimpleNamespace(object=enter, err_msg=None, exc_value=None)
    for unraisable in (foreign, without):
        upcalls._unraisable(unraisable)
    assert others == [foreign, without]


def test_exceptions_after_the_answer_are_told_together(table: Table) -> None:
    reply, errors = Reply(), [ValueError(number) for number in range(3)]
    for error in errors:
        table.fail(reply.address, error)
    assert reply.error(table) is errors[0]
    assert reply.late(table) is errors[2] and errors[2].__context__ is errors[1]
    assert len(table) == 2


def test_an_exception_that_cannot_be_packed_is_not_kept(table: Table) -> None:
    def make(error: BaseException, unsent: Any) -> bytes:
        table.hold(error, (), unsent)
        raise ZeroDivisionError

    reply = Reply()
    with pytest.raises(ZeroDivisionError) as caught:
        table.fail(reply.address, ValueError(), make)
    assert len(table) == 0 and not reply.kind
    assert caught.tb is not None  # which keeps the frames


def test_unknown_methods_of_gobind_itself_do_nothing(table: Table) -> None:
    reply = Reply()
    table._enter(0, 99, 0, 0, reply.address)
    assert reply.kind == protocol.ANSWER_VALUE


class Once(Exception):
    """An exception whose text is interrupted once, or cannot be made in two ways."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = [*errors]

    def __str__(self) -> str:
        if self.errors:
            raise self.errors.pop(0)
        return "text"


@pytest.mark.parametrize("second", [(), (KeyError("second"),)])
def test_what_interrupts_the_text_of_an_exception_is_raised(second: Any) -> None:
    first = ValueError("first")
    with pytest.raises((ValueError, KeyError)) as caught:
        upcalls._text_of(Once(first, *second))
    assert caught.value is first or caught.value.__context__ is first


def test_text_that_cannot_be_made_is_replaced() -> None:
    assert upcalls._text_of(Once(ValueError(), ValueError())) == "(its text cannot be made)"
    assert upcalls._text_of(Once()) == "text"


def test_memories_are_forgotten_when_there_are_many() -> None:
    memory = ctypes.create_string_buffer(2000)
    first = ctypes.addressof(memory)
    for address in range(first, first + 1500):
        assert ctypes.addressof(upcalls.memory_at(address)) == address
    assert len(upcalls.memories) <= 1000
