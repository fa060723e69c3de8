"""The example gosrc/examples/markdown: its page is followed line by line, and its wheel converts what CommonMark says."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tutorial import Follower, blocks_of, clean_environment

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "gosrc" / "examples" / "markdown"

pytestmark = [
    pytest.mark.skipif(shutil.which("go") is None, reason="go is fetched by make test-fresh"),
    pytest.mark.skipif(sys.platform == "win32", reason="the page is for a Unix shell"),
]


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the project that comes of following the page."""
    folder = tmp_path_factory.mktemp("tutorial")
    links = folder / "links"
    clone = folder / "gobind"
    ignored = shutil.ignore_patterns(".*", "build", "dist", "tests", "*.so", "*.egg-info")
    shutil.copytree(ROOT, clone, ignore=ignored)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(links), str(clone)]
    subprocess.run(command, check=True, capture_output=True)
    (folder / "work").mkdir()
    follower = Follower(folder / "work", clean_environment(folder / "home", links))
    for block in blocks_of((EXAMPLE / "README.md").read_text(encoding="utf-8")):
        follower.follow(block)
    return follower.folder


def test_the_page_leads_to_the_example(followed: Path) -> None:
    names = subprocess.run(["git", "ls-files"], cwd=EXAMPLE, capture_output=True, text=True).stdout.split()
    names = names or [
        str(path.relative_to(EXAMPLE)) for path in EXAMPLE.rglob("*.[pgt][yo]*") if path.is_file()
    ]
    assert {"pyproject.toml", "go/markdown.go", "src/mark/contract.py"} <= {*names}
    for name in names:
        if name != "README.md":
            made, kept = (followed / name).read_text(), (EXAMPLE / name).read_text()
            if name == "go/go.mod":  # which names the Go that is installed
                made, kept = (text.partition("require")[2] for text in (made, kept))
            assert made == kept, name


CONVERT = """
import json, sys, mark
examples = json.load(open(sys.argv[1], encoding="utf-8"))
wrong = [each["example"] for each in examples if mark.to_html(each["markdown"], raw=True) != each["html"]]
print(len(examples), wrong)
"""


def test_the_installed_wheel_converts_all_examples_of_commonmark(followed: Path) -> None:
    module = json.loads(
        subprocess.run(
            ["go", "mod", "download", "-json", "github.com/yuin/goldmark@v1.8.7"],
            cwd=followed / "go",
            check=True,
            capture_output=True,
        ).stdout
    )
    spec = Path(module["Dir"]) / "_test" / "spec.json"
    python = followed.parent / "user" / "bin" / "python"
    done = subprocess.run(
        [python, "-c", CONVERT, spec], cwd=followed.parent, env={"PATH": ""}, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("652 []\n", "")


def test_a_page_that_is_wrong_is_found_out(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    for page, message in [
        ("```sh\nexit 3\n```\n", "line 1:"),
        ("```sh\necho one\n```\n\n```text\ntwo\n```\n", "line 5: one"),
        ("```python\nimport x\n```\n", "line 1: the file has no name"),
    ]:
        follower = Follower(tmp_path / "work", {"PATH": "/usr/bin:/bin"})
        with pytest.raises(AssertionError, match=message):
            for block in blocks_of(page):
                follower.follow(block)
