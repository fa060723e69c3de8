"""Every exception that gobind raises."""

from __future__ import annotations

from typing import Any


class GobindError(Exception):
    """The base of all exceptions of gobind."""


class ContractError(GobindError, TypeError):
    """A contract cannot be read: the message names class, field, annotation and what is accepted."""


class LoadError(GobindError, OSError):
    """A library cannot be found, opened or used."""


class BuildError(GobindError):
    """A library or a wheel cannot be built: a tool is missing, too old or failed, or a file is in the way.

    The message says what, and what to do.
    """


class MismatchError(LoadError):
    """The class and the contract inside the library differ: one line for each difference."""


class ClosedError(GobindError):
    """The object is closed, or lives in another process."""


class GoError(GobindError):
    """Go returned an error.

    Attributes:
        message: the text of Go's ``err.Error()``; if that panics, or the error is a nil pointer (which is not a nil
            error to Go), a sentence that says so.
        go_type: the Go type of the error, as ``%T`` prints it (``*fs.PathError``).
    """

    message: str
    go_type: str

    def __init__(self, message: str = "", go_type: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.go_type = go_type

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.message, self.go_type), {**vars(self)}  # which may hold notes


class GoTimeout(GoError, TimeoutError):
    """Go returned ``context.DeadlineExceeded``, wrapped or not."""


class GoPanic(GobindError):
    """A Go method panicked, or ended its goroutine by ``runtime.Goexit``; the process lives on.

    On the thread of a synchronous call Goexit ends the process: Go cannot end a goroutine that C waits for.

    Attributes:
        value: the panic's value, as Go prints it; for Goexit a sentence that names the method.
        go_stack: the stack of the goroutine that panicked.
    """

    value: str
    go_stack: str

    def __init__(self, value: str = "", go_stack: str = "") -> None:
        super().__init__(value)
        self.value = value
        self.go_stack = go_stack

    def __str__(self) -> str:
        return f"{self.value}\n\n{self.go_stack}" if self.go_stack else self.value

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.value, self.go_stack), {**vars(self)}
