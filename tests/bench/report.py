"""The table, the file of results, and what has changed since another run."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import time
from typing import Any, Dict, List

from tests.bench.bars import BARS, slack
from tests.bench.measure import GOBIND, LIMIT, Bar, Result

CHANGE = 1.15
"""A ratio is called changed if it is by this factor."""


def amount(value: float, unit: str) -> str:
    """A time or a number of bytes with three digits.

    >>> amount(0.0000123456, "s"), amount(64 * 2**20, "B"), amount(0, "B")
    ('12.3 µs', '64.0 MiB', '0 B')
    """
    steps = {
        "s": [(1, "s"), (1e-3, "ms"), (1e-6, "µs"), (0, "ns")],
        "B": [(2**20, "MiB"), (2**10, "KiB"), (0, "B")],
    }
    for least, word in steps[unit]:
        if value >= least:
            scaled = value / (least or {"s": 1e-9, "B": 1}[unit])
            digits = 0 if scaled >= 100 or scaled == 0 else 1 if scaled >= 10 else 2
            return f"{scaled:.{digits}f} {word}"
    raise ValueError(value)


def times(ratio: float) -> str:
    """
    >>> times(0.0123), times(1.234), times(123.4)
    ('0.012 ×', '1.23 ×', '123 ×')
    """
    digits = 0 if ratio >= 100 else 1 if ratio >= 10 else 2 if ratio >= 0.1 else 3
    return f"{ratio:.{digits}f} ×"


def header() -> Dict[str, str]:
    """Where and when this is measured."""
    go = subprocess.run(
        [sys.executable, "-m", "gobind.tool.builder.toolchain", "go", "version"],
        capture_output=True,
        text=True,
    ).stdout.split()
    return {
        "date": time.strftime("%Y-%m-%d"),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "go": go[2] if len(go) > 2 else "?",
        "machine": f"{__import__('os').cpu_count()} cores, {platform.machine()} {platform.system()}",
    }


class Table:
    """Prints rows as they are measured."""

    def __init__(self) -> None:
        self._group = ""
        self.met = self.missed = self.open = 0

    def begin(self, head: Dict[str, str]) -> None:
        print(f"gobind's benchmark · {head['date']} · {head['python']} · {head['go']} · {head['machine']}")
        print("Times are medians. × is gobind's time divided by that way's; below 1 gobind is faster.")

    def add(self, result: Result) -> None:
        row = result.row
        if row.group != self._group:
            self._group = row.group
            print(f"\n── {row.group} " + "─" * (92 - len(row.group)))
        print(f"{row.name}")
        for name in row.makers:
            if name in result.missing:
                print(f"    {name:<26} {'–':>9}   {result.missing[name]}")
            elif name in result.ways:
                print(self._line(result, name).rstrip())
        sys.stdout.flush()

    def _line(self, result: Result, name: str) -> str:
        way = result.ways[name]
        ratio = "" if name == GOBIND or not way.ratio else times(way.ratio)
        line = f"    {name:<26} {amount(way.median, result.row.unit):>9} {ratio:>9}"
        notes = [
            self._verdict(bar, result)
            for bar in BARS
            if bar.row == result.row.name and (bar.other or GOBIND) == name
        ]
        if name == LIMIT:
            notes.append(result.row.limit)
        return f"{line}   {' · '.join(note for note in notes if note)}"

    def _verdict(self, bar: Bar, result: Result) -> str:
        met = bar.meets(result, slack(bar))
        if met is None:
            self.open += 1
            return ""
        self.met += met
        self.missed += not met
        return f"{describe(bar)} {'ok' if met else 'MISS'} (issue {bar.issue})"

    def end(self) -> None:
        print(f"\n{self.met} bars met, {self.missed} missed.")


def describe(bar: Bar) -> str:
    """A bar in words.

    >>> describe(Bar("add", "ctypes", 0.72, 6)), describe(Bar("load", "limit", 1, 6, 0.002))
    ('≤ 0.72 ×', '≤ 1 × + 2.00 ms')
    """
    parts = [f"{bar.ratio * slack(bar):.3g} ×"] if bar.other else []
    if bar.plus:
        parts.append(amount(bar.plus * slack(bar), "s"))
    return "≤ " + " + ".join(parts)


# Files


def as_data(head: Dict[str, str], results: List[Result]) -> Dict[str, Any]:
    """What ``--json`` writes."""
    rows = [
        {
            "group": result.row.group,
            "name": result.row.name,
            "unit": result.row.unit,
            "ways": {name: vars(way) for name, way in result.ways.items()},
            "missing": result.missing,
            "bars": [
                {**vars(bar), "met": bar.meets(result, slack(bar))}
                for bar in BARS
                if bar.row == result.row.name
            ],
        }
        for result in results
    ]
    return {**head, "rows": rows}


def write(path: str, data: Dict[str, Any]) -> None:
    with open(path, "w", encoding="utf-8") as file:
        json.dump(data, file, indent=1, ensure_ascii=False)
        file.write("\n")


def compare(old: Dict[str, Any], new: Dict[str, Any]) -> None:
    """Print how gobind's ratios have changed: they hold on any machine, times do not."""
    before = {row["name"]: row for row in old["rows"]}
    print(
        f"\nAgainst the run of {old['date']}, {old['python']}, {old['go']}: gobind / other way, then and now"
    )
    changed = 0
    for row in new["rows"]:
        for name, way in row["ways"].items():
            earlier = before.get(row["name"], {}).get("ways", {}).get(name)
            if name == GOBIND or earlier is None:
                continue
            factor = way["ratio"] / earlier["ratio"] if earlier["ratio"] and way["ratio"] else 1.0
            if not 1 / CHANGE < factor < CHANGE:
                changed += 1
                word = "slower" if factor > 1 else "faster"
                arrow = f"{times(earlier['ratio']):>8} → {times(way['ratio']):>8}"
                print(
                    f"    {row['name']:<44} {name:<26} {arrow}   {max(factor, 1 / factor):.2f} times {word}"
                )
    if not changed:
        print(f"    nothing changed by more than {CHANGE - 1:.0%}")


def markdown(data: Dict[str, Any]) -> str:
    """The results as a table for a README: gobind's time, its multiple of the limit, its share of the other ways' time."""
    lines = [
        f"Measured on {data['date']}: {data['python']}, {data['go']}, {data['machine']}.",
        "",
        "| work | gobind | of the limit | of the other ways |",
        "|---|--:|--:|---|",
    ]
    for row in data["rows"]:
        ways = row["ways"]
        if GOBIND not in ways:
            continue
        own = amount(ways[GOBIND]["median"], row["unit"])
        limit = times(ways[LIMIT]["ratio"]) if ways.get(LIMIT, {}).get("ratio") else ""
        others = [
            f"{times(way['ratio'])} {name}"
            for name, way in ways.items()
            if name not in (GOBIND, LIMIT) and way["ratio"]
        ]
        lines.append(f"| {row['name']} | {own} | {limit} | {' · '.join(others)} |")
    return "\n".join([*lines, ""])
