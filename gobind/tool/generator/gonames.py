"""The spelling of Python's names in Go.

``user_id`` is ``UserID`` as a field and ``userID`` as a parameter: words are capitalised, and Go's
initialisms (the list of golint) keep one case.
"""

from __future__ import annotations

import re
import unicodedata

from gobind.errors import ContractError

INITIALISMS = frozenset(
    "ACL API ASCII CPU CSS DNS EOF GUID HTML HTTP HTTPS ID IP JSON LHS QPS RAM RHS RPC SLA SMTP SQL SSH TCP "
    "TLS TTL UDP UI UID UUID URI URL UTF8 VM XML XMPP XSRF XSS".split()
)

KEYWORDS = frozenset(
    "break case chan const continue default defer else fallthrough for func go goto if import interface map "
    "package range return select struct switch type var".split()
)

PREDECLARED = frozenset(
    "any bool byte comparable complex64 complex128 error float32 float64 int int8 int16 int32 int64 rune "
    "string uint uint8 uint16 uint32 uint64 uintptr true false iota nil append cap clear close complex copy "
    "delete imag len make max min new panic print println real recover".split()
)

IMPORTED = frozenset("context gobind time unsafe".split())
"""Names that the signatures of generated Go may use, besides the context parameter."""

_SEPARATORS = " -_./:"
_WORDS = re.compile(r"[A-Z]{2,}s(?![a-z])|[A-Z]+(?![a-z])[0-9]*|[A-Z]?[^A-Z_]+|[A-Z]+")


def exported(name: str, where: str = "") -> str:
    """Returns the Go spelling of a field, method or class; `where` begins the message for a name Go does not take.

    >>> exported("user_ids"), exported("userId"), exported("HTTPServer"), exported("x2")
    ('UserIDs', 'UserID', 'HTTPServer', 'X2')
    """
    made = "".join(_capitalised(word) for word in _WORDS.findall(name))
    if not made[:1].isupper():
        made = "X" + made
    return _checked(made, name, where)


def parameter(name: str, where: str = "") -> str:
    """Returns the Go spelling of a parameter.

    >>> parameter("user_ids"), parameter("url_path"), parameter("type"), parameter("ctx")
    ('userIDs', 'urlPath', 'type_', 'ctx_')
    """
    words = _WORDS.findall(name) or ["x"]
    made = words[0].lower() + "".join(_capitalised(word) for word in words[1:])
    if not (made[0].isalpha()):
        made = "x" + made
    if made in KEYWORDS or made in PREDECLARED or made in IMPORTED or made in ("ctx", "_"):
        made += "_"
    return _checked(made, name, where)


def snake(name: str) -> str:
    """Returns a class's name as a Python variable is spelled.

    >>> snake("Adder"), snake("HTTPServer"), snake("UserIDs"), snake("X2")
    ('adder', 'http_server', 'user_ids', 'x2')
    """
    return "_".join(word.lower() for word in _WORDS.findall(name)) or name


def constant(name: str, where: str = "") -> str:
    """Returns the Go spelling of an enum's member, without the enum's name: ``DARK_RED`` is ``DarkRed``."""
    return exported(name.lower() if name.isupper() else name, where)


def word_of(value: int | str) -> str:
    """Returns the part of a Go name for a value of a Literal.

    What cannot stand in a name separates words in a value that has letters or digits; elsewhere, and where it is no
    usual separator, it goes by the name that Unicode has for it.

    >>> word_of("asc"), word_of("USER_ID"), word_of("text/html"), word_of("c++"), word_of("<"), word_of(""), word_of(-1)
    ('Asc', 'UserID', 'TextHTML', 'CPlusSignPlusSign', 'LessThanSign', 'Empty', 'Minus1')
    """
    if isinstance(value, int):
        return f"Minus{-value}" if value < 0 else str(value)
    is_named = any(map(_fits, value))
    text = "".join(
        char if _fits(char) else "_" if is_named and char in _SEPARATORS else f"_{_spoken(char)}_"
        for char in value
    )
    made = "".join(_capitalised(word) for word in _WORDS.findall(text.lower() if text.isupper() else text))
    return made or "Empty"


def _spoken(char: str) -> str:
    return re.sub(r"\W", "_", unicodedata.name(char, f"U{ord(char):04X}").lower())


def class_name(name: str, where: str = "") -> str:
    """Returns the Go spelling of a class: `name` itself, if Go exports it and it has no underscores."""
    if name[:1].isupper() and "_" not in name:
        return _checked(name, name, where)
    return exported(name, where)


def method_name(name: str, where: str) -> str:
    """Returns `name`, an option of `gomethod`; refuses what Go does not export."""
    if not name.isidentifier() or not name[:1].isupper():
        raise ContractError(f"{where}: name must be an exported Go name such as Ping, got {name!r}")
    return _checked(name, name, where)


def _capitalised(word: str) -> str:
    upper = word.upper()
    if upper in INITIALISMS:
        return upper
    if upper.endswith("S") and upper[:-1] in INITIALISMS:
        return upper[:-1] + "s"
    return word[:1].upper() + word[1:]


def _fits(char: str) -> bool:
    """Returns True for a letter or digit that Go takes in names."""
    return unicodedata.category(char)[0] == "L" or unicodedata.category(char) == "Nd"


def _checked(made: str, name: str, where: str) -> str:
    for char in made:
        if char != "_" and not _fits(char):
            raise ContractError(f"{where or name}: {char!r} cannot stand in a Go name; rename it")
    return made


class Names:
    """The names of one Go scope: each may be taken once.

    >>> names = Names("User: fields")
    >>> names.take("UserID", "user_id"), names.take("UserID", "userId")
    Traceback (most recent call last):
    gobind.errors.ContractError: User: fields user_id and userId are both UserID in Go
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._taken: dict[str, str] = {}

    def take(self, go: str, name: str) -> str:
        """Takes `go` for `name` and returns it; raises ContractError if another name has it."""
        if go in self._taken:
            what = f"{self._what} " if self._what else ""
            raise ContractError(f"{what}{self._taken[go]} and {name} are both {go} in Go")
        self._taken[go] = name
        return go
