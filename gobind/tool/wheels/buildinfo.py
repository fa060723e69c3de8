"""What Go writes into each library that it builds: its version, the modules linked and the settings of the build.

The format is that of Go's package debug/buildinfo (since Go 1.18): a magic, flags, and from byte 32 on two strings, each
behind its length as a varint: the version, and the text that ``go version -m`` prints, between two marks of 16 bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

_MAGIC = b"\xff Go buildinf:"
_FLAGS = 15
_INLINE = 2
_STRINGS = 32
_MARK = 16


@dataclass(frozen=True)
class GoModule:
    """A Go module in a library.

    Attributes:
        path: ``github.com/yuin/goldmark``.
        version: ``v1.7.0``; ``(devel)`` or empty for the main module.
        sum: as in go.sum, ``h1:...``; empty where go records none.
        replaced: the path and version that go.mod's ``replace`` names; None: the module is not replaced. The path is a
            folder if the version is empty.
    """

    path: str
    version: str = ""
    sum: str = ""
    replaced: tuple[str, str] | None = None


@dataclass(frozen=True)
class BuildInfo:
    """What `go version -m` prints.

    Attributes:
        version: of Go: ``go1.26.1``, or more words for a development version.
        path: the package that was built.
        main: its module; None: it is in none.
        modules: those it depends on.
        settings: ``-buildmode``, ``GOOS``, ``CGO_ENABLED`` and so on.
    """

    version: str
    path: str
    main: GoModule | None
    modules: tuple[GoModule, ...]
    settings: Mapping[str, str]


def find_build_info(content: bytes) -> BuildInfo | None:
    """Returns what Go has written into a library; None if it is not Go's, or older than Go 1.18."""
    at = content.find(_MAGIC)
    while at >= 0:
        if content[at + _FLAGS : at + _FLAGS + 1] and content[at + _FLAGS] & _INLINE:
            version, after = _string(content, at + _STRINGS)
            text, _ = _string(content, after)
            if version.startswith((b"go", b"devel")):
                return _parse(version.decode(errors="replace"), text[_MARK:-_MARK].decode(errors="replace"))
        at = content.find(_MAGIC, at + 1)
    return None


def _string(content: bytes, at: int) -> tuple[bytes, int]:
    """Returns the string at `at`, and where it ends."""
    size = shift = 0
    while at < len(content):
        byte = content[at]
        size |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            break
    return content[at : at + size], at + size


def _parse(version: str, text: str) -> BuildInfo:
    path, main = "", None
    modules: list[GoModule] = []
    settings: dict[str, str] = {}
    last_is_main = False
    for line in text.splitlines():
        verb, *words = line.split("\t")
        if verb == "path" and words:
            path = words[0]
        elif verb in ("mod", "dep") and words:
            path_of, of_module, digest = (*words, "", "")[:3]
            module = GoModule(path_of, of_module, digest)
            last_is_main = verb == "mod"
            if last_is_main:
                main = module
            else:
                modules.append(module)
        elif verb == "=>" and words:
            replaced = (words[0], words[1] if len(words) > 1 else "")
            if last_is_main and main is not None:
                main = replace(main, replaced=replaced)
            elif modules:
                modules[-1] = replace(modules[-1], replaced=replaced, sum=words[2] if len(words) > 2 else "")
        elif verb == "build" and words:
            name, _, value = words[0].partition("=")
            settings[name.strip('"')] = value
    return BuildInfo(version, path, main, tuple(modules), settings)
