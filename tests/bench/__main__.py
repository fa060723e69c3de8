"""``python -m tests.bench``: measure and print. See `tests.bench`."""

from __future__ import annotations

import argparse
import fnmatch
import json
import sys
from typing import List

from tests.bench import peers, plot, report
from tests.bench.measure import Effort, Progress, Result, Row, measure


def main() -> int:
    options = _parser().parse_args()
    peers.need_toolchain()
    from tests.bench.work import rows  # opens libraries

    chosen = [row for row in rows() if not options.only or any(_fits(row, word) for word in options.only)]
    if options.list:
        print("\n".join(f"{row.group}: {row.name}" for row in chosen))
        return 0
    old = json.load(open(options.compare, encoding="utf-8")) if options.compare else None
    progress = Progress(len(chosen))
    peers.note = progress.note
    table, head = report.Table(), report.header()
    table.begin(head)
    results: List[Result] = []
    effort = Effort.quick() if options.quick else Effort()
    for row in chosen:
        progress.show(row.name)
        results.append(measure(row, effort))
        progress.clear()
        table.add(results[-1])
    table.end()
    data = report.as_data(head, results)
    if options.json:
        report.write(options.json, data)
    if options.markdown:
        with open(options.markdown, "w", encoding="utf-8") as file:
            file.write(report.markdown(data))
    if options.plot:
        plot.write(options.plot, data)
    if old is not None:
        report.compare(old, data)
    return 0


def _fits(row: Row, word: str) -> bool:
    text = f"{row.group}: {row.name}".lower()
    return fnmatch.fnmatch(text, f"*{word.lower()}*".replace("[", "[[]")) or word.lower() in text


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description="Measure gobind beside its peers."
    )
    parser.add_argument(
        "--only",
        action="append",
        metavar="PATTERN",
        help="rows whose group or name holds this; * is any text",
    )
    parser.add_argument("--quick", action="store_true", help="a rough answer in a fifth of the time")
    parser.add_argument("--list", action="store_true", help="only list the rows")
    parser.add_argument("--json", metavar="FILE", help="write the results")
    parser.add_argument(
        "--compare", metavar="FILE", help="also print what has changed since results written by --json"
    )
    parser.add_argument("--markdown", metavar="FILE", help="write the results as a table for a README")
    parser.add_argument("--plot", metavar="FILE.svg", help="draw the results")
    return parser


if __name__ == "__main__":
    sys.exit(main())
