"""Where a build tells how far it is, and how it tells go's messages: commands on stderr, functions in their exceptions."""

from __future__ import annotations

import re
import sys

from gobind.errors import BuildError


def say(text: str) -> None:
    """Prints one line of progress on stderr."""
    if sys.stderr is not None:  # else print would take stdout
        print(f"gobind: {text}", file=sys.stderr, flush=True)


class Report:
    """Keeps silent about progress; go's messages go into the exception of a build that fails."""

    def interval(self) -> float | None:
        """Returns the seconds between calls of `working`; None: it is called once, when the work begins."""
        return None

    def say(self, text: str) -> None:
        """Tells one line."""

    def working(self, task: str, seconds: float) -> None:
        """Tells that `task` is going on, since `seconds`."""

    def finished(self) -> None:
        """Tells that the task has ended, well or not."""

    def messages(self, text: str) -> None:
        """Tells what go said in a build that succeeded: warnings of the C compiler."""

    def failure(self, summary: str, messages: str) -> BuildError:
        """Returns the exception for a build that failed; `messages` is what go said, with paths seen from here."""
        lines = re.sub(r"^# .*\n", "", messages, flags=re.MULTILINE)  # the package, which the paths tell
        return BuildError(f"{summary}\n{lines.rstrip()}" if lines.strip() else summary)


class Console(Report):
    """Tells all on stderr, where a terminal shows seconds passing."""

    def interval(self) -> float | None:
        """Returns the seconds between calls of `working`; None where stderr is no terminal."""
        return 0.2 if sys.stderr.isatty() else None

    def say(self, text: str) -> None:
        """Prints one line."""
        say(text)

    def working(self, task: str, seconds: float) -> None:
        """Prints the task; on a terminal over what was printed before."""
        if self.interval() is None:
            self.say(f"{task} ...")
        else:
            print(f"\rgobind: {task} ... {seconds:.0f} s", end="", file=sys.stderr, flush=True)

    def finished(self) -> None:
        """Clears the line of a terminal."""
        if self.interval() is not None:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)

    def messages(self, text: str) -> None:
        """Prints go's messages as they are."""
        print(text, end="", file=sys.stderr)

    def failure(self, summary: str, messages: str) -> BuildError:
        """Prints go's messages; returns an exception of one line."""
        print(messages, end="", file=sys.stderr)
        return BuildError(summary)
