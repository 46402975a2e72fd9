"""Charts of a result, as SVG written by hand: the same text for the same result, on light and dark pages.

A plotting library would be the largest dependency of this repository, for dots and lines that any browser shows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby

from tests.benchmarks._report import Section, section_of
from tests.benchmarks._result import IdleRow, Result, control_of
from tests.benchmarks._rounds import Row
from tests.benchmarks._workloads import SPEED
from tests.benchmarks.peers import PEERS

__all__ = ["charts"]

WIDTH, LEFT, RIGHT, TOP, LINE = 860, 250, 30, 86, 11
COLOURS = ("#d9480f", "#1971c2", "#2f9e44", "#9c36b5", "#e8a200", "#0c8599", "#868e96", "#c2255c", "#5f3dc4", "#66a80f")
STYLE = """<style>
text { font: 12px sans-serif; fill: #212529 } .title { font-size: 15px } .end { text-anchor: end }
.middle { text-anchor: middle } .grid { stroke: #adb5bd; stroke-width: 0.5 } .one { stroke: #212529; stroke-width: 1 }
@media (prefers-color-scheme: dark) { text { fill: #dee2e6 } .grid { stroke: #495057 } .one { stroke: #dee2e6 } }
</style>"""


def charts(result: Result) -> dict[str, str]:
    """Return each chart by the name of its file."""
    found = {
        f"speed-{loop}-{processes}-{allocator}.svg": speed((processes, allocator, loop), list(rows))
        for (processes, allocator, loop), rows in groupby(result.speed, section_of)
    }
    if result.idle:
        found["idle.svg"] = idle(result.idle)
    return found


def speed(section: Section, rows: Sequence[Row]) -> str:
    """Draw the ratios of one section: a dot for the median, a line from quartile to quartile."""
    processes, allocator, loop = section
    baseline = rows[0].baseline
    rows = [row for row in rows if row.peer not in {baseline, control_of(baseline)}]
    shown = [row for row in rows if not row.unstable]
    peers = list(dict.fromkeys(row.peer for row in rows))
    workloads = list(dict.fromkeys(row.workload for row in rows))
    band = LINE * (len(peers) + 1)
    bottom = TOP + band * len(workloads)
    axis = Log([end for row in shown for end in (row.ratio.low, row.ratio.high)])
    ends = "one process" if processes == 1 else "two processes"
    title = f"{loop}, {ends}, {allocator} allocator: times as fast as {baseline} (CPU time, right is faster)"
    parts = [*_head(title, bottom + 34), *_legend(peers)]
    for value in axis.marks():
        kind = "one" if value == 1 else "grid"
        parts.append(f'<path class="{kind}" d="M{axis.at(value):.1f} {TOP}V{bottom}"/>')
        parts.append(f'<text class="middle" x="{axis.at(value):.1f}" y="{bottom + 16}">{value:g}</text>')
    for number, name in enumerate(workloads):
        top = TOP + band * number
        parts.append(f'<path class="grid" d="M0 {top}H{WIDTH}"/>')
        parts.append(f'<text x="4" y="{top + band / 2 + 4:.1f}">{name} {escape(SPEED[name].title)}</text>')
    for row in shown:
        y = TOP + band * workloads.index(row.workload) + LINE * (peers.index(row.peer) + 1)
        colour = colour_of(row.peer, peers)
        radius = 6 if row.peer.startswith("ours") else 4
        low, median, high = (axis.at(value) for value in (row.ratio.low, row.ratio.median, row.ratio.high))
        parts.append(f'<path stroke="{colour}" stroke-width="2" d="M{low:.1f} {y}H{high:.1f}"/>')
        parts.append(
            f'<circle fill="{colour}" cx="{median:.1f}" cy="{y}" r="{radius}"><title>{_words(row)}</title></circle>'
        )
    return "\n".join([*parts, "</svg>", ""])


def _words(row: Row) -> str:
    return escape(f"{row.workload} {row.peer}: {row.ratio.median:.2f} ({row.ratio.low:.2f} to {row.ratio.high:.2f})")


def idle(rows: Sequence[IdleRow]) -> str:
    """Draw what a round trip costs beside more and more idle links."""
    bottom = TOP + 300
    links = sorted({one for row in rows for one in row.figures.beside})
    across = Log([float(one) for one in links])
    highest = 20 * math.ceil(max((cost for row in rows for cost in row.figures.beside.values()), default=1.0) / 20)
    names = list(dict.fromkeys(row.peer for row in rows))
    parts = [
        *_head("CPU time of a round trip (µs) beside so many idle links; dashed: uvloop", bottom + 40),
        *_legend(names),
    ]
    for part in range(5):
        y = bottom - (bottom - TOP) * part / 4
        parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text class="end" x="{LEFT - 8}" y="{y + 4:.1f}">{highest * part / 4:.0f}</text>')
    parts += [f'<text class="middle" x="{across.at(one):.1f}" y="{bottom + 16}">{one}</text>' for one in links]
    for row in rows:
        colour = colour_of(row.peer, names)
        dash = ' stroke-dasharray="6 3"' if row.loop == "uvloop" else ""
        points = " ".join(
            f"{across.at(one):.1f},{bottom - (bottom - TOP) * cost / highest:.1f}"
            for one, cost in sorted(row.figures.beside.items())
        )
        parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2"{dash} points="{points}"/>')
    return "\n".join([*parts, "</svg>", ""])


class Log:
    """A logarithmic axis from left to right that shows some values, and 1."""

    def __init__(self, values: Sequence[float]) -> None:
        self._low = math.log(min(1.0, *values) / 1.1) if values else -1.0
        self._high = math.log(max(1.0, *values) * 1.1) if values else 1.0

    def at(self, value: float) -> float:
        """Tell where a value is."""
        return LEFT + (WIDTH - LEFT - RIGHT) * (math.log(value) - self._low) / (self._high - self._low)

    def marks(self) -> Iterator[float]:
        """Give round values to mark."""
        for exponent in range(-3, 4):
            for digit in (1, 2, 5):
                value = digit * 10.0**exponent
                if self._low <= math.log(value) <= self._high:
                    yield value


def _head(title: str, height: int) -> Iterator[str]:
    yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}">'
    yield STYLE
    yield f'<text class="title" x="4" y="20">{escape(title)}</text>'


def colour_of(name: str, names: Sequence[str]) -> str:
    """Give a peer the same colour in all charts; what is no peer gets one by its place."""
    known = list(PEERS)
    return COLOURS[(known if name in known else list(names)).index(name) % len(COLOURS)]


def _legend(names: Sequence[str]) -> Iterator[str]:
    for number, name in enumerate(names):
        x, y = 8 + number % 4 * 212, 40 + number // 4 * 16
        yield f'<circle fill="{colour_of(name, names)}" cx="{x}" cy="{y - 4}" r="4"/>'
        yield f'<text x="{x + 8}" y="{y}">{escape(PEERS[name].title if name in PEERS else name)}</text>'
