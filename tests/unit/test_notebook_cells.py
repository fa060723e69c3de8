"""What gobind makes of the text of a ``%%go`` cell, and of go's messages about it; output that is forwarded."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gobind.errors import BuildError
from gobind.tool.notebook import cell as cells
from gobind.tool.notebook.cell import CellText
from gobind.tool.notebook.reloads import Loaded

ROOT = Path(__file__).parents[2]


def told(messages: str, text: CellText) -> str:
    text.text()
    found, others = cells.mistakes(messages, "x_cell.go")
    return cells.told(found, others, text)


def test_lines_of_the_file_are_those_of_the_cell() -> None:
    text = CellText("\nvar x = 1\n", "Cell In[1]", above=2, imports=["fmt", "net/url"])
    assert text.text() == 'package main; import "fmt"; import "net/url"\n\n\nvar x = 1\n'
    clause = CellText("// about\npackage main; var x = 1\n", "Cell In[1]", imports=["fmt"])
    assert clause.text() == '\n// about\npackage main; import "fmt"; var x = 1\n'


def test_columns_of_the_line_that_has_imports_added() -> None:
    text = CellText("/* ü */ package main; var x = oops\n", "Cell In[1]", imports=["fmt"])
    column = text.text().splitlines()[1].encode().index(b"oops") + 1
    assert told(f"./x_cell.go:2:{column}: undefined: oops\n", text) == (
        "Cell In[1], line 2: undefined: oops\n"
        "    /* ü */ package main; var x = oops\n"
        "                                  ^"
    )


@pytest.mark.parametrize(
    "messages, expected",
    [
        (
            "# notebook\n../a b/x_cell.go:3:2: undefined: y\n",
            "C, line 3: undefined: y\n    y := 1\n    ^",
        ),
        ("x_cell.go:3: no column\n", "C, line 3: no column\n    y := 1"),
        ("x_cell.go:9:1: beyond the end\n", "C, line 9: beyond the end"),
        (
            "gobind_types.go:7:6: X redeclared in this block\n\tx_cell.go:2:5: other declaration of X\n",
            "gobind_types.go:7:6: X redeclared in this block\n\tx_cell.go:2:5: other declaration of X",
        ),
        (
            "x_cell.go:2:5: X redeclared\n\t/c/x_cell.go:3:5: other declaration of X\n\thave (int)\nlast\n",
            "C, line 2: X redeclared\n    line 3: other declaration of X\n    have (int)\n    var x = 1\n        ^\nlast",
        ),
    ],
)
def test_messages(messages: str, expected: str) -> None:
    assert told(messages, CellText("var x = 1\n\ty := 1\n", "C")) == expected


@pytest.mark.parametrize(
    "body, expected",
    [
        ("fmt.Println(strings.ToUpper(x))", ["fmt", "strings"]),
        ('import ("fmt"; s "strings")\nfmt.Println(strings.X)', ["strings"]),
        ('import json "example.com/json/v2"\njson.X()', []),
        ('import "example.com/json/v2"\njson.X()', []),
        ('// fmt.X\n/* os.Y */ "log.Z" `io.A` \'"\' time.B', ["time"]),
        ("a.fmt.Println(b).io.X + f().os.Y + fmt.lower", []),
        ("rand.Int63() + atomic.AddInt32() + http.Get()", ["math/rand", "net/http", "sync/atomic"]),
    ],
)
def test_imports_that_are_missing(body: str, expected: list[str]) -> None:
    assert cells.missing_imports(body) == expected


def test_imports_that_go_does_not_want() -> None:
    text = CellText("url := 1", "C", imports=["fmt", "net/url"])
    found, _ = cells.mistakes(
        'x_cell.go:1:28: "net/url" imported and not used\nx_cell.go:3:1: "os" imported and not used\n',
        "x_cell.go",
    )
    assert text.unused_imports(found) == ["net/url"]


@pytest.mark.parametrize("line", ["as", "A as", "A as class", "A as 1", "A A", "--folder", "a.b", "'A"])
def test_what_stands_behind_the_magic_wrongly(line: str) -> None:
    with pytest.raises(
        BuildError, match=r"^%%go: .*; usage: %%go \[INTERFACE \[as NAME\]\], \.\.\. \[--folder DIR\]$"
    ):
        cells.read_head(line)


def test_a_note_comes_at_each_ten_reloads() -> None:
    loaded = Loaded()
    notes = [loaded.add((0, 0), (3_200_000, 5)) for _ in range(21)]
    assert [index for index, note in enumerate(notes) if note] == [10, 20]
    assert "11 versions" in notes[10] and "3.2 MB and 5 threads" in notes[10]
    unknown = Loaded(10)
    assert "each keeps its memory and threads until" in unknown.add((0, 0), (0, 0))


class Stream:
    """A notebook's stream."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None:
        self.text += "|"


@pytest.mark.skipif(sys.platform == "win32", reason="Go does not write to descriptors there")
def test_forwarded_output_is_complete_when_it_is_drained() -> None:
    from gobind.tool.notebook.output import Forwarded

    read, write = os.pipe()
    before = os.fstat(write)
    stream = Stream()
    forwarded = Forwarded(write, stream)
    forwarded.begin()
    try:
        expected = ""
        for text in ("a", "ü" * 100_000, "\0", "\0gobind ", "end\n"):
            os.write(write, text.encode())
            stream.write("Python")
            expected += f"{text}Python"
            assert stream.text == expected
        os.write(write, b"Go")
        stream.flush()
        expected += "Go|"
        writers = [threading.Thread(target=os.write, args=(write, b"x" * 50_000)) for _ in range(4)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        forwarded.end()
        assert stream.text == expected + "x" * 200_000
    finally:
        forwarded.close()
    assert os.path.samestat(os.fstat(write), before)
    os.write(write, b"not ours any more")
    stream.write("!")
    assert stream.text.endswith("x!")
    os.close(read)
    os.close(write)


def test_a_letter_in_two_pieces() -> None:
    from gobind.tool.notebook.output import Forwarded

    if sys.platform == "win32":
        pytest.skip("Go does not write to descriptors there")
    _, write = os.pipe()
    stream = Stream()
    forwarded = Forwarded(write, stream)
    for byte in "ü€\N{GRINNING FACE}".encode():
        os.write(write, bytes([byte]))
    forwarded.drain()
    forwarded.close()
    assert stream.text == "ü€\N{GRINNING FACE}"


def test_ipython_is_not_imported() -> None:
    """It is no dependency: who loads the extension has it."""
    code = "import sys, gobind.tool.notebook.extension; print('IPython' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
