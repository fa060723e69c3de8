"""The text of a ``%%go`` cell: its first line, the Go file made of the rest, and go's messages about it."""

from __future__ import annotations

import keyword
import re
import shlex
from dataclasses import dataclass, field

from gobind.errors import BuildError
from gobind.tool.generator.gonames import snake

USAGE = "%%go [INTERFACE [as NAME]], ... [--folder DIR]"

# Imports that a cell may leave out, by the name that it uses.
IMPORTS = {path.rpartition("/")[2]: path for path in """
    bufio bytes cmp context errors fmt io log maps math os regexp slices sort strconv strings sync time unicode
    container/heap container/list crypto/md5 crypto/sha1 crypto/sha256 crypto/sha512 encoding/base64 encoding/binary
    encoding/csv encoding/hex encoding/json encoding/xml log/slog math/big math/bits math/cmplx math/rand net net/http net/url
    os/exec path/filepath runtime sync/atomic unicode/utf8
    """.split()}  # fmt: skip

# The package clause, behind spaces and comments.
_PACKAGE = re.compile(r"(?:\s+|//[^\n]*|/\*[\s\S]*?\*/)*package\s+\w+")
_STRING = r'"(?:\\.|[^"\\\n])*"|`[^`]*`'
_COMMENT = r"//[^\n]*|/\*[\s\S]*?\*/"
_OPAQUE = re.compile(rf"({_STRING})|{_COMMENT}|'(?:\\.|[^'\\\n])+'")
_IMPORT = re.compile(rf"^\s*import\s*(?:\(([^)]*)\)|((?:[\w.]+\s+)?(?:{_STRING})))", re.MULTILINE)
_SPEC = re.compile(r'(?:([\w.]+)[ \t]+)?["`]([^"`]+)["`]')
_USED = re.compile(r"(?<![\w.)\]])([a-z]\w*)\.[A-Z]")


@dataclass(frozen=True)
class Head:
    """What stands behind ``%%go``: names of interfaces with those of variables (None: the usual), and the folder."""

    names: dict[str, str | None]
    folder: str | None


def read_head(line: str) -> Head:
    """Reads what stands behind ``%%go``.

    Raises:
        BuildError: it is something else.

    >>> read_head("Adder as a, Counter --folder go")
    Head(names={'Adder': 'a', 'Counter': None}, folder='go')
    """
    names: dict[str, str | None] = {}
    folder = None
    try:
        words = shlex.split(line.replace(",", " "))
    except ValueError as error:
        raise BuildError(f"%%go: {error}; usage: {USAGE}") from None
    while words:
        word = words.pop(0)
        if word == "--folder" and words:
            folder = words.pop(0)
            continue
        if not word.isidentifier() or word == "as" or word in names:
            raise BuildError(f"%%go: {word!r} is not expected here; usage: {USAGE}")
        names[word] = None
        if words[:1] == ["as"]:
            if not words[1:] or not words[1].isidentifier() or keyword.iskeyword(words[1]):
                raise BuildError(f"%%go: a name is expected after as; usage: {USAGE}")
            names[word] = words[1]
            del words[:2]
    return Head(names, folder)


def variable_of(interface: str) -> str:
    """Returns the variable that an interface is bound to by itself.

    >>> variable_of("WordCounter"), variable_of("Class")
    ('word_counter', 'class_')
    """
    name = snake(interface)
    return f"{name}_" if keyword.iskeyword(name) else name


def registered(body: str) -> list[str]:
    """Returns the Go names of the interfaces that a cell registers, in its order.

    >>> registered("func init() { RegisterAdder(adder{}) } // RegisterOther(x)")
    ['Adder']
    """
    return list(dict.fromkeys(re.findall(r"(?<![\w.])Register(\w+)\(", _OPAQUE.sub(" ", body))))


def missing_imports(body: str) -> list[str]:
    """Returns the paths of `IMPORTS` that a cell uses and does not import.

    >>> missing_imports('import "fmt"' + chr(10) + 'func f() { fmt.Println(strings.ToUpper("os.Exit")) }')
    ['strings']
    """
    code = _OPAQUE.sub(lambda match: match[1] or " ", body)  # a string is a path in an import
    imported = set()
    for match in _IMPORT.finditer(code):
        for name, path in _SPEC.findall(match[1] or match[2]):
            imported.add(name or re.sub(r"/v\d+$", "", path).rpartition("/")[2])
    used = set(_USED.findall(_OPAQUE.sub(" ", body)))
    return sorted(IMPORTS[name] for name in used & (IMPORTS.keys() - imported))


@dataclass
class Mistake:
    """One of go's messages about the Go file of a cell."""

    line: int
    column: int
    text: str


@dataclass
class CellText:
    """The Go file of a cell. Its lines are those of the cell: what gobind adds stands in place of ``%%go``.

    Attributes:
        body: the cell without its first line.
        name: what the cell is called in messages.
        above: how many lines of the cell stand above the body.
        imports: the paths of packages that are imported besides those of the cell.
    """

    body: str
    name: str
    above: int = 1
    imports: list[str] = field(default_factory=list)
    _line: int = 0  # where gobind has added something to a line of the cell: line, column, and how much
    _start: int = 0
    _added: int = 0

    def text(self) -> str:
        """Returns the text of the file."""
        clause = _PACKAGE.match(self.body)
        added = "".join(f'; import "{path}"' for path in self.imports)
        blank = "\n" * self.above
        if not clause:
            return f"package main{added}{blank}{self.body.rstrip()}\n"
        before = self.body[: clause.end()]
        self._line = self.above + before.count("\n") + 1
        self._start = len(before[before.rfind("\n") + 1 :].encode())
        self._added = len(added.encode())
        return f"{blank}{before}{added}{self.body[len(before) :].rstrip()}\n"

    def column(self, mistake: Mistake) -> int:
        """Returns where a mistake stands in its line of the cell, from 1; 0: nowhere."""
        column = mistake.column
        if mistake.line == self._line and column > self._start:
            column -= self._added
            return column if column > self._start else 0
        return column

    def source(self, line: int) -> str:
        """Returns a line of the body."""
        lines, index = self.body.splitlines(), line - self.above - 1
        return lines[index] if 0 <= index < len(lines) else ""

    def place(self, line: int) -> str:
        """Returns a line as one finds it: ``Cell In[3], line 4``."""
        return f"{self.name}, line {line}"

    def unused_imports(self, found: list[Mistake]) -> list[str]:
        """Returns those of `imports` that go says are not used."""
        names = [re.match(r'"([^"]+)" imported and not used', mistake.text) for mistake in found]
        return [name[1] for name in names if name and name[1] in self.imports]


def mistakes(messages: str, file: str) -> tuple[list[Mistake], str]:
    """Returns go's messages about the file of that name, and all others.

    Lines that follow a message with an indent belong to it.
    """
    found: list[Mistake] = []
    others: list[str] = []
    is_ours = False
    place = re.compile(rf"(?:(?:[A-Za-z]:)?(?:[^:\s][^:]*)?[/\\])?{re.escape(file)}:(\d+)(?::(\d+))?:? ?(.*)")
    for text in messages.splitlines():
        match = place.match(text)
        if match:
            found.append(Mistake(int(match[1]), int(match[2] or 0), match[3]))
            is_ours = True
        elif text.startswith(("\t", " ")) and is_ours:
            inner = place.match(text.strip())
            found[-1].text += f"\n    {f'line {inner[1]}: {inner[3]}' if inner else text.strip()}"
        elif not text.startswith("# "):
            others.append(text)
            is_ours = False
    return found, "\n".join(others).strip()


def told(found: list[Mistake], others: str, cell: CellText) -> str:
    """Returns go's messages as one reads them beside the cell."""
    parts = []
    for mistake in found:
        parts.append(f"{cell.place(mistake.line)}: {mistake.text}")
        source, column = cell.source(mistake.line), cell.column(mistake)
        if source.strip():
            parts.append(f"    {source.strip()}")
            before = source.encode()[: max(0, column - 1)].decode(errors="replace").lstrip()
            if column:
                parts.append("    " + re.sub(r"[^\t]", " ", before) + "^")
    return "\n".join([*parts, *([others] if others else [])])
