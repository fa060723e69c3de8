"""The picture: how long each way takes, gobind being 1, on a logarithmic scale. Plain SVG."""

from __future__ import annotations

import math
from typing import Any, Dict, List, Tuple
from xml.sax.saxutils import escape

from tests.bench.measure import GOBIND, LIMIT
from tests.bench.report import amount

SHOWN = [
    "add",
    "login",
    "list[str] echo, 1 000",
    "list[User] echo, 1 000",
    "wide tree of 10 000 nodes, echo",
    "bytes in, 64 MiB",
    "add, 10 000 in flight",
    "add through the ring, one after another",
    "callback from a goroutine",
    "stream of int out, an item",
]
"""The rows of the picture, if they were measured; else all that were."""

WIDTH, LEFT, RIGHT, BAR, GAP = 920, 200, 150, 17, 24
COLOURS = {GOBIND: "#0f766e", LIMIT: "#cbd5e1"}
OTHER = "#f59e0b"
STYLE = """
text { font: 12px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #334155 }
.title { font-size: 19px; font-weight: 600; fill: #0f172a }
.row { font-size: 13px; font-weight: 600; fill: #0f172a }
.small { font-size: 11px; fill: #64748b }
.own { font-weight: 600; fill: #0f766e }
"""


def write(path: str, data: Dict[str, Any]) -> None:
    """Write the picture of a run's results."""
    with open(path, "w", encoding="utf-8") as file:
        file.write(draw(data))


def draw(data: Dict[str, Any]) -> str:
    """The SVG text of a run's results."""
    rows = [row for row in data["rows"] if GOBIND in row["ways"] and len(row["ways"]) > 1]
    rows = [row for row in rows if row["name"] in SHOWN] or rows
    lines: List[str] = []
    y = 92
    for row in rows:
        lines.append(_text(24, y, row["name"], "row"))
        y += 9
        for name, ratio, median in _bars(row):
            lines += _bar(name, ratio, amount(median, row["unit"]), y)
            y += BAR + 3
        y += GAP
    frame = [
        '<svg xmlns="http://www.w3.org/2000/svg" '
        f'width="{WIDTH}" height="{y + 12}" viewBox="0 0 {WIDTH} {y + 12}">',
        f"<style>{STYLE}</style>",
        f'<rect width="{WIDTH}" height="{y + 12}" rx="8" fill="#ffffff"/>',
        _text(24, 34, "Calling Go from Python: time of each way, gobind = 1", "title"),
        _text(24, 54, f"{data['date']} · {data['python']} · {data['go']} · {data['machine']} · logarithmic scale", "small"),
        *_grid(y - GAP + 4),
    ]  # fmt: skip
    return "\n".join([*frame, *lines, "</svg>", ""])


def _bars(row: Dict[str, Any]) -> List[Tuple[str, float, float]]:
    """Name, time relative to gobind's, and time: fastest first."""
    found = [(name, 1 / way["ratio"], way["median"]) for name, way in row["ways"].items() if way["ratio"] > 0]
    return sorted(found, key=lambda bar: bar[1])


LOWEST, HIGHEST = 0.1, 3000.0


def _x(ratio: float) -> float:
    clipped = min(max(ratio, LOWEST), HIGHEST)
    share = math.log(clipped / LOWEST) / math.log(HIGHEST / LOWEST)
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def _bar(name: str, ratio: float, time: str, y: float) -> List[str]:
    colour = COLOURS.get(name, OTHER)
    end, kind = _x(ratio), "own" if name == GOBIND else ""
    label = time if name == GOBIND else f"{time} · {_round(ratio)} ×"
    return [
        f'<text x="{LEFT - 10}" y="{y + 13}" text-anchor="end" class="{kind}">{escape(name)}</text>',
        f'<rect x="{LEFT}" y="{y}" width="{max(end - LEFT, 2):.1f}" height="{BAR}" rx="3" fill="{colour}"/>',
        _text(end + 7, y + 13, label, kind),
    ]


def _round(ratio: float) -> str:
    return f"{ratio:.0f}" if ratio >= 10 else f"{ratio:.1f}" if ratio >= 1 else f"{ratio:.2f}"


def _grid(bottom: float) -> List[str]:
    lines = []
    for ratio in (0.1, 1, 10, 100, 1000):
        x, colour = _x(ratio), "#94a3b8" if ratio == 1 else "#e2e8f0"
        lines.append(f'<line x1="{x:.1f}" y1="74" x2="{x:.1f}" y2="{bottom}" stroke="{colour}"/>')
        lines.append(f'<text x="{x:.1f}" y="70" text-anchor="middle" class="small">{ratio:g} ×</text>')
    return lines


def _text(x: float, y: float, text: str, kind: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}">{escape(text)}</text>'
