"""The example hcl: a document of a Go library as Python values, without a struct for it."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

import gobind

FOLDER = Path(__file__).parents[2] / "gosrc" / "examples" / "hcl"


@pytest.fixture(scope="module")
def hcl() -> Any:
    sys.path.insert(0, str(FOLDER))
    try:
        contract: Any = importlib.import_module("hcl")
    finally:
        sys.path.remove(str(FOLDER))
    return gobind.load(str(FOLDER / "libhcl.so"), contract.HCL)


# What pygohcl 1.2.9 makes of the same texts.
DOCUMENTS: list[tuple[str, dict[str, Any]]] = [
    ('a = 1\nb = [1, "x", true, null]\nc = {k = 1.5}', {"a": 1, "b": [1, "x", True, None], "c": {"k": 1.5}}),
    (
        'x "l" { a = 1 }\nx "m" { a = 2 }\nx "m" { a = 3 }',
        {"x": {"l": {"a": 1}, "m": [{"a": 2}, {"a": 3}]}},
    ),
    ("y { a = 1 }\ny { a = 2 }", {"y": [{"a": 1}, {"a": 2}]}),
    ("z { a = -1 }", {"z": {"a": -1}}),
    ("v = 12345678901234567890", {"v": 12345678901234567890}),
    ('v = "a ${var.x} b"', {"v": "a var.x b"}),
    ('v = "$${a}"\nw = <<E\nhi\nE\n', {"v": "${a}", "w": "hi\n"}),
    ("v = 1 + 2\nw = [for x in y : x]\nx = (1)", {"v": "1 + 2", "w": "[for x in y : x]", "x": "(1)"}),
]


@pytest.mark.parametrize("text, value", DOCUMENTS)
def test_a_document_is_what_pygohcl_makes_of_it(hcl: Any, text: str, value: dict[str, Any]) -> None:
    assert hcl.loads(text) == value


def test_interpolations_are_kept_if_asked_for(hcl: Any) -> None:
    assert hcl.loads('v = "a ${var.x} b"', keep_interpolations=True) == {"v": "a ${var.x} b"}
    assert hcl.attributes_loads("a = 1\nb = [1]") == {"a": 1, "b": [1]}


def test_what_is_wrong_is_told(hcl: Any) -> None:
    for call, reason in [
        (lambda: hcl.loads("a = "), "Missing expression"),
        (lambda: hcl.attributes_loads("x { }"), "Blocks are not allowed here"),
        (
            lambda: hcl.eval_var_condition("var.n < 3", "below 3, but ${var.n} was given", "n", "5"),
            "but 5 was",
        ),
        (lambda: hcl.eval_var_condition("foo(var.n)", "m", "n", "5"), 'no function named "foo"'),
    ]:
        with pytest.raises(gobind.GoError) as caught:
            call()
        assert type(caught.value).__name__ == "HCLError" and reason.replace(
            chr(34), chr(92) + chr(34)
        ) in str(caught.value)
    hcl.eval_var_condition("var.n < 3 && max(var.n, 1) == 2", "m", "n", "2")
