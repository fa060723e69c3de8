"""Tasks by which async methods answer Go, on a loop that is interrupted, stopped or closed; with a loop that is none."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from gobind.runtime.objects.tasks import Task


class Loop:
    """A loop that creates tasks, or raises."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error
        self.cancelled = 0
        self.posted: list[Any] = []

    def create_task(self, coroutine: Any) -> Any:
        if self.error:
            raise self.error
        return self

    def add_done_callback(self, function: Any) -> None: ...

    def cancel(self) -> None:
        self.cancelled += 1

    def call_soon_threadsafe(self, function: Any) -> None:
        if self.error:
            raise self.error
        self.posted.append(function)


class Answers:
    """What sends answers to Go."""

    def __init__(self) -> None:
        self.sent: list[Any] = []

    def unsent(self) -> Any:
        return None

    def exception(self, error: BaseException, unsent: Any) -> Any:
        return error

    def send(self, ticket: int, frame: Any, unsent: Any, failed: bool, tickets: list[int]) -> None:
        self.sent.append((ticket, frame, failed))
        tickets.clear()


class Coroutine:
    closed = 0

    def close(self) -> None:
        self.closed += 1


def task_on(loop: Loop) -> tuple[Any, Answers, Coroutine]:
    answers, coroutine = Answers(), Coroutine()
    return Task(answers, loop, 7, coroutine, None), answers, coroutine  # type: ignore[arg-type]


def test_a_task_that_cannot_begin_answers_with_the_error() -> None:
    error = MemoryError()
    task, answers, _ = task_on(Loop(error))
    with pytest.raises(MemoryError):
        task.begin()
    assert answers.sent == [(7, error, True)]
    task.fail(ValueError("later"))
    task.begin()
    assert len(answers.sent) == 1


def test_a_task_that_was_stopped_before_it_begins_is_cancelled_once() -> None:
    loop = Loop()
    task, answers, _ = task_on(loop)
    task.stop()
    task.begin()
    assert loop.cancelled == 1
    for function in loop.posted:
        function()
    assert loop.cancelled == 1 and not answers.sent


def test_a_task_on_a_closed_loop_answers_with_the_error() -> None:
    error = RuntimeError("Event loop is closed")
    task, answers, coroutine = task_on(Loop(error))
    task.stop()
    task.post()
    assert answers.sent == [(7, error, True)] * 1 and coroutine.closed == 1
    assert not task.drop()


def test_an_answer_is_sent_once() -> None:
    task, answers, _ = task_on(Loop())
    result: Any = SimpleNamespace(result=lambda: b"frame")
    task._done(result)
    task._done(result)
    assert answers.sent == [(7, b"frame", False)]
