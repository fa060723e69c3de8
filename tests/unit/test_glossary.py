"""One word for one thing: words that were dropped stay out of code and prose. `.github/CONTRIBUTING.md` has the glossary."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / ".github" / "CONTRIBUTING.md"

# A regular expression for what is not to be written, and what to write instead.
BANNED = {
    r"\b(with|import|names) whole\b|\bwhole\.(acquire|release)": "fork_lock",
    r"\blate\(": "lazy_import()",
    r"(\b|_)[Gg]uests?(\b|_)": "exported object, or handle table",
    r"\b_?[Cc]ouriers?\b": "dispatcher",
    r"\b_?[Bb]ells?\b|\bGo rings\b|\brings the wakeup": "wakeup fd; Go writes to it",
    r"\b_?LOOK\b|\b_?look_frame\b": "CHECK_STATUS, fetch_response",
    r"\bQuestions?\b": "callback, or call",
    r"\b[Ee]ndings\b|\b([Aa]n|[Tt]he|[Ii]ts|[Ee]ach|call's) ending\b|\b(class|struct) (Ended|Fetched)\b": "completion",
    r"\b_?stir\b": "signal",
    r"\bclass Quiet\b": "block upcalls",
    r"\blet_go\b|\b[Ll](et|ets|etting) go of\b": "release, or close",
    r"\b_?graves\b": "quarantine",
    r"\blent\b": "borrowed",
    r"\b_?divert\b": "replace entry points",
    r"\bis the one that\b": "the verb alone: returns, sets, does",
    r"\b[Ww]hatever (the|a) call (came|comes) to\b|\b[Ww]hat it came to\b": "the error the call failed with",
    r"\bonce less\b": "releases one reference",
    r"\bheld? once more\b|\bholds [a-z ]* once more\b": "retains",
    r"\b(has|have) its say\b": "what it does: defines its own __init__",
    r"\bmend(s|ed|ing)?\b": "fix",
    r"\ban status\b": "a status",
    r":(class|mod|func|meth|attr|exc|data):`": "the name in backticks",
    r"\bMay import:|\bImports\s+`?gobind": "nothing: tests/unit/test_imports.py has the order of imports",
    r"\b(call|method|handle|queue|fetch|object|ticket|contract|request|response|slot|callable)'?s? numbers?\b": "id, or index",
    r"\bnumbers? of (an?|the|its|one|that) (\w+ )?(call|method|handle|queue|fetch|object|contract|request|slot)\b": "id, or index",
    r"\b(of|by|with|has|gets|in) (that|a new|its) number\b|\bcall_number\b|\bnext_number\b": "id, or index",
    r"\bplain (?!methods?\b|cgo library|nil\b|one\b)\w+": "ordinary, or simple: plain is a kind of method",
}
FILES = sorted(
    path
    for pattern in ("README.md", ".github/CONTRIBUTING.md", "gobind/**/*.py", "gosrc/gobind/**/*.go")
    for path in ROOT.glob(pattern)
)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def banned_words(text: str) -> Iterator[str]:
    """Yields each banned word in `text`, with its line and the word to use instead."""
    for number, line in enumerate(text.splitlines(), 1):
        for pattern, instead in BANNED.items():
            for found in re.finditer(pattern, line):
                yield f"{number}: {found[0]!r}: write {instead}"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_files_use_the_words_of_the_glossary(path: Path) -> None:
    assert [*banned_words(path.read_text(encoding="utf-8"))] == []


def test_a_banned_word_is_found_with_its_replacement() -> None:
    text = "x = 1\nwith whole:\n    module = late('json')  # its ending\n"
    assert [*banned_words(text)] == [
        "2: 'with whole': write fork_lock",
        "3: 'late(': write lazy_import()",
        "3: 'its ending': write completion",
    ]
    assert [
        *banned_words("the method's number in its table; cancels the call of that number; a plain store")
    ] == [
        '1: "method\'s number": write id, or index',
        "1: 'of that number': write id, or index",
        "1: 'plain store': write ordinary, or simple: plain is a kind of method",
    ]
    assert not [*banned_words("the number of calls, of a plain method; expected a number of seconds")]
    assert not [*banned_words("the whole frame, a late answer, ending the process")]


VERB_FIRST = re.compile(r"(In the child of a fork[^:]*: )?[A-Za-z]+s\b")
"""How the docstring of a function begins: "Returns the node of one annotation", not "The node" or "Return"."""


def other_docstrings(text: str) -> Iterator[str]:
    """Yields the functions, but for properties, whose docstring does not begin with a verb in the third person."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            doc = ast.get_docstring(node)
            is_property = any("property" in ast.unparse(each) for each in node.decorator_list)
            if doc and not is_property and not VERB_FIRST.match(doc):
                yield f"{node.lineno}: {node.name}: {doc.splitlines()[0]}"


@pytest.mark.parametrize("path", [path for path in FILES if path.suffix == ".py"], ids=name_of)
def test_docstrings_of_functions_begin_with_a_verb(path: Path) -> None:
    assert [*other_docstrings(path.read_text(encoding="utf-8"))] == []


def test_other_docstrings_are_found() -> None:
    text = """
def node(): "The node."
def add(): "Add a line."
def makes(): "Makes a node."
class Node:
    "A node."
    @property
    def text(self): "The text."
def bare(): pass
"""
    assert [*other_docstrings(text)] == ["2: node: The node.", "3: add: Add a line."]


def test_the_glossary_stays_short_and_has_each_word_once() -> None:
    rows = re.findall(
        r"^\| (.+?) \| .+ \|$", GUIDE.read_text(encoding="utf-8").partition("## Words")[2], re.M
    )
    words = [word for row in rows[1:] for word in row.split(", ")]
    assert 20 < len(rows) <= 40
    assert len(words) == len(set(words))
