"""Reads the head of a library's description: whether this gobind can load the library, and what that can do."""

from __future__ import annotations

from typing import Any, NamedTuple, NoReturn

from gobind.errors import LoadError
from gobind.forklock import lazy_import
from gobind.outcomes import outcome
from gobind.protocol import ABI, FEATURES, HEAD
from gobind.runtime.process import advice
from gobind.version import __version__

_OLDEST = 3
"""The oldest frame format that this gobind reads: the first that is kept."""

_OWN = f'{HEAD},"requires":{{}}}}'.encode()
"""The head of most libraries: this gobind, or one that could do as much, has built them."""

_VERSION = r"([0-9]{1,9}(?:\.[0-9]{1,9}){0,9})(?:(?:a|b|rc)[0-9]+)?(?:\.post[0-9]+)?(?:\.dev[0-9]+)?(?:\+[a-z0-9.]+)?\Z"
"""A version as PEP 440 writes it in its normal form; what is before any letter says which is newer."""


class Head(NamedTuple):
    """What a library says of itself.

    Attributes:
        abi: its frame format.
        features: what it can do beyond that, by the names in `gobind.protocol.FEATURES`; a newer library has others, too.
    """

    abi: int
    features: frozenset[str]


def read_head(path: str, text: bytes) -> Head:
    """Reads the head of a library's description.

    Args:
        path: of the library, for messages.

    Raises:
        LoadError: the library is older than what this gobind reads, or needs a newer gobind, or is damaged.
    """
    if text == _OWN:  # importing json takes half as long as all else that loading does
        return Head(ABI, frozenset(FEATURES))
    json = lazy_import("json")
    found, error = outcome(lambda: _parsed(json.loads(text)))
    if error is not None:
        raise LoadError(unreadable(path, "description", error)) from error
    abi, needs, features, requires = found
    is_draft = abi == _OLDEST and needs is None  # format 3 changed until heads said what they need
    if abi < _OLDEST or is_draft:
        raise LoadError(
            f"{path} was built by a gobind from before 0.1.0 (frame format {abi}), this one, {__version__}, loads what "
            f"0.1.0 and later versions have built; {advice.newer(path)}"
        )
    if abi > ABI:
        _refuse_newer(path, [needs])
    unknown = [since for feature, since in requires.items() if feature not in FEATURES]
    if unknown:
        _refuse_newer(path, unknown)
    return Head(abi, frozenset(features))


def unreadable(path: str, what: str, error: BaseException) -> str:
    """Returns the message about a library of a format that this gobind reads, of which a part cannot be read."""
    return (
        f"{path}: the {what} inside cannot be read: {type(error).__name__}: {error}; "
        f"the library is damaged; {advice.again(path)}"
    )


def _parsed(head: Any) -> tuple[int, Any, list[str], dict[str, str]]:
    """Returns what a head says: of formats that this gobind does not read only the format, and what it needs.

    Raises:
        Exception: it is not what every gobind writes.
    """
    abi = head["abi"]
    if type(abi) is not int or abi < 0:
        raise ValueError(f"abi: expected a frame format, got {abi!r}")
    needs = head.get("needs")
    if not _OLDEST <= abi <= ABI:
        return abi, needs, [], {}
    features, requires = head.get("features", []), head.get("requires", {})
    if type(features) is not list or not all(isinstance(name, str) for name in features):
        raise ValueError(f"features: expected names, got {features!r}")
    if type(requires) is not dict or not all(isinstance(since, str) for since in requires.values()):
        raise ValueError(f"requires: expected a version for each feature, got {requires!r}")
    return abi, needs, features, requires


def _refuse_newer(path: str, versions: list[Any]) -> NoReturn:
    """Raises the error about a library that needs the newest of some versions of gobind."""
    needed = max(versions, key=_numbers)
    if _numbers(needed) > _numbers(__version__):
        need = f"gobind {needed} or newer, this is {__version__}"
    else:  # no version, or this is one from before its release
        need = f"a newer gobind than this, {__version__}"
    raise LoadError(f"{path} needs {need}; run: pip install -U gobind")


def _numbers(version: Any) -> tuple[int, ...]:
    """Returns the numbers that a version begins with, without zeros at the end; () for what is no version."""
    match = lazy_import("re").match(_VERSION, version) if isinstance(version, str) else None
    numbers = [int(number) for number in match[1].split(".")] if match else []
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)
