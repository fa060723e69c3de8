"""The benchmark's own parts: bars that name rows, results that turn into tables, pictures and comparisons."""

from __future__ import annotations

import os
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from tests.bench import bars, measure, peers, plot, report


def row(**makers: Any) -> measure.Row:
    return measure.Row("group", "row", makers)


def result(**seconds: float) -> measure.Result:
    ways = {
        name: measure.Way(value, value, seconds["gobind"] / value if value else 0)
        for name, value in seconds.items()
    }
    return measure.Result(row(), ways)


def test_bench_row_measures_each_way_and_names_failures() -> None:
    def refuse() -> measure.Case:
        raise measure.Unavailable("not here")

    makers: dict[str, Any] = {
        "gobind": lambda: measure.Case("f()", f=lambda: sum(range(2000))),
        "limit": lambda: measure.Case("f()", f=lambda: None),
        "refused": refuse,
        "broken": lambda: measure.Case("missing_name"),
    }
    found = measure.measure(measure.Row("g", "r", makers), measure.Effort(turns=3, seconds=0.001))
    assert set(found.ways) == {"gobind", "limit"}
    assert found.ways["limit"].ratio > 5
    assert found.missing["refused"] == "not here"
    assert found.missing["broken"] == "NameError: name 'missing_name' is not defined"


@pytest.mark.parametrize(
    "bar, met",
    [
        (measure.Bar("row", "other", 0.5, 6), True),
        (measure.Bar("row", "other", 0.4, 6), False),
        (measure.Bar("row", "", 0, 6, 1.0), True),
        (measure.Bar("row", "", 0, 6, 0.9), False),
        (measure.Bar("row", "other", 0.25, 6, 0.5), True),
        (measure.Bar("row", "other", 0.25, 6, 0.4), False),
        (measure.Bar("row", "absent", 1, 6), None),
    ],
)
def test_a_bar_is_met_by_ratio(bar: measure.Bar, met: Any) -> None:
    assert bar.meets(result(gobind=1.0, other=2.0)) is met


def test_each_bar_names_a_row_and_a_way() -> None:
    pytest.importorskip("tests.bench.work.common", exc_type=FileNotFoundError)  # type: ignore[arg-type]
    from tests.bench.work import rows

    ways = {row.name: {*row.makers, ""} for row in rows()}
    assert [bar for bar in bars.BARS if bar.other not in ways.get(bar.row, ())] == []


def test_what_cannot_be_had_is_asked_for_once() -> None:
    tries = []

    @peers.once
    def missing() -> None:
        tries.append(1)
        raise measure.Unavailable("not here")

    for _ in range(2):
        with pytest.raises(measure.Unavailable, match="^not here$"):
            missing()
    assert len(tries) == 1


@pytest.mark.parametrize(
    "told, complaint",
    [
        ("warning: old\nerror: no such crate\n\nCaused by:\n  a timeout\n", "no such crate"),
        ("go: reading the proxy: 403 Forbidden\n\tserver response: not available\n", "server response: not available"),
        ("", "no output"),
    ],
)  # fmt: skip
def test_a_failed_tool_is_quoted_in_a_line(told: str, complaint: str) -> None:
    assert peers._complaint(told) == complaint


def test_without_cargo_the_row_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(measure.Unavailable, match="^no cargo or no cc on PATH$"):
        peers._build_rust(tmp_path)


def test_a_product_is_fresh_until_a_source_changes(tmp_path: Path) -> None:
    source, product = tmp_path / "go" / "main.go", tmp_path / "program"
    source.parent.mkdir()
    source.write_text("package main")
    assert not peers._is_fresh(product, source.parent)
    product.write_text("")
    os.utime(source, (1, 1))
    assert peers._is_fresh(product, source.parent)
    os.utime(product, (0, 0))
    assert not peers._is_fresh(product, source.parent)


def test_the_comparison_tells_changed_ratios(capsys: pytest.CaptureFixture[str]) -> None:
    head = {"date": "2020-01-01", "python": "CPython 3", "go": "go1", "machine": "m"}
    old = report.as_data(head, [result(gobind=1.0, ctypes=2.0, limit=1.0)])
    new = report.as_data(head, [result(gobind=1.0, ctypes=1.0, limit=1.01)])
    report.compare(old, new)
    printed = capsys.readouterr().out
    assert re.search(r"ctypes +0\.50 × → +1\.00 × +2\.00 times slower", printed)
    assert "limit" not in printed


def test_the_picture_is_well_formed(tmp_path: Path) -> None:
    head = {"date": "2020-01-01", "python": "CPython 3", "go": "go1", "machine": "<m>"}
    path = tmp_path / "p.svg"
    plot.write(str(path), report.as_data(head, [result(gobind=1.0, ctypes=2.0, limit=0.5)]))
    assert len(list(ET.parse(path).getroot().iter())) > 10
