"""Python functions made from text: written line by line, compiled once, visible in tracebacks."""

from __future__ import annotations

import linecache
import re
from collections.abc import Callable
from typing import Any

from gobind.codec import linkage

# Names that generated functions give to locals, besides a letter and a number.
_LOCALS = frozenset(
    "_arguments _address _buf _error _exported _frame _head _id _notes _out _reply _result _size _source"
    " _unsent _value".split()
)


class Namespace:
    """The globals of generated functions, with names that are unique and readable.

    They begin with an underscore, as do all locals, so that a contract's parameter, which keeps its name, hides no
    name that the function needs; builtins are bound that way too.
    The names are those of `gobind.codec.linkage`, and those of `bind`.

    Attributes:
        names: the functions' globals. A dict, not a subclass: CPython's lookups are fast for dict only.
    """

    def __init__(self) -> None:
        self.names: dict[str, Any] = {}
        self.link(linkage.NAMESPACE, **{f"_{builtin.__name__}": builtin for builtin in linkage.BUILTINS})

    def link(self, moment: str, **values: Any) -> None:
        """Sets the names that `linkage.LINKAGE` has for a moment: all of them, in one step."""
        linkage.check_links(moment, values)
        self.names.update(values)

    def is_linked(self, moment: str) -> bool:
        """Returns True if the names of a moment are set."""
        return linkage.is_set(self.names, moment)

    def bind(self, name: str, value: Any) -> str:
        """Binds `value` to `name`, or a name like it; returns the name to use in text."""
        base = "_" + re.sub(r"\W+", "_", name).strip("_")
        name, number = base, 1
        while self._is_taken(name, value):
            number += 1
            name = f"{base}_{number}"
        self.names[name] = value
        return name

    def _is_taken(self, name: str, value: Any) -> bool:
        if name in _LOCALS or name in linkage.LINKAGE or re.fullmatch(r"_\w*_", name):
            return True
        return name in self.names and self.names[name] is not value


LONGEST_PLACE = 60
"""Characters of a path that are part of a local's name."""


class Source:
    """The text of one function, growing."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._indent = ""
        self._names: set[str] = set()

    def line(self, text: str, comment: str = "") -> None:
        """Adds a line at the present indentation.

        Args:
            comment: for who reads the line in a traceback; left out where the line says so itself.
        """
        if comment and comment not in text:
            text += f"  # {comment}"
        self.lines.append(self._indent + text)

    def fresh(self, word: str, path: str = "") -> str:
        """Returns a new local name, made of what it is and of the path that it stands for.

        It begins and ends with an underscore, as neither parameters nor bound names do.

        >>> source = Source()
        >>> source.fresh("len", "req.user.name"), source.fresh("", "users[0]"), source.fresh("", "users[0]")
        ('_len_req_user_name_', '_users_0_', '_users_0_2_')
        """
        place = re.sub(r"[^A-Za-z0-9_]+", "_", path).strip("_")[-LONGEST_PLACE:]
        base = "_".join(filter(None, [word, place])) or "value"
        name, number = f"_{base}_", 1
        while name in self._names:
            number += 1
            name = f"_{base}_{number}_"
        self._names.add(name)
        return name

    def block(self, head: str, comment: str = "") -> _Block:
        """Adds `head` and indents the lines added inside ``with``."""
        self.line(head, comment)
        return _Block(self)

    def indent(self) -> None:
        """Indents by one step."""
        self._indent += "    "

    def dedent(self) -> None:
        """Dedents by one step."""
        self._indent = self._indent[4:]

    def compile(self, name: str, namespace: Namespace, title: str) -> Callable[..., Any]:
        """Runs the text in `namespace` and returns the function `name`.

        The text stays in `linecache` under ``<gobind TITLE>`` so that tracebacks and debuggers show it; another
        text of the same title is numbered.
        """
        text = "\n".join(self.lines) + "\n"
        made: dict[str, Any] = {}
        exec(compile(text, _keep(text, title), "exec", dont_inherit=True), namespace.names, made)
        function: Callable[..., Any] = made[name]
        return function


def _keep(text: str, title: str) -> str:
    """Returns the file name under which `linecache` has `text`."""
    lines, number = text.splitlines(keepends=True), 1
    while True:
        filename = f"<gobind {title}{f'-{number}' if number > 1 else ''}>"
        entry = (len(text), None, lines, filename)
        if linecache.cache.setdefault(filename, entry) == entry:  # one step: threads compile at the same time
            return filename
        number += 1


class _Block:
    def __init__(self, source: Source) -> None:
        self._source = source

    def __enter__(self) -> None:
        self._source.indent()

    def __exit__(self, *_: object) -> None:
        self._source.dedent()
