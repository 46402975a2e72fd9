"""Tables for people, in Markdown that is readable as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from tests.benchmarks._result import IdleRow, Losses, Result
from tests.benchmarks._rounds import Row
from tests.benchmarks._workloads import SPEED

__all__ = ["brief", "exact", "full", "section_of", "tables"]

Section = tuple[int, str, str]


def section_of(row: Row) -> Section:
    """Tell in which table a row belongs."""
    return row.processes, row.allocator, row.loop


def brief(row: Row) -> str:
    """Show a ratio, and half of what its quartiles are apart."""
    return f"{row.ratio.median:.2f} ±{(row.ratio.high - row.ratio.low) / 2:.2f}"


def full(row: Row) -> str:
    """Show a ratio and its quartiles."""
    return f"{row.ratio.median:.2f} ({row.ratio.low:.2f}-{row.ratio.high:.2f})"


def exact(row: Row) -> str:
    """Show a ratio and its quartiles, where a hundredth matters."""
    return f"{row.ratio.median:.3f} ({row.ratio.low:.3f}-{row.ratio.high:.3f})"


def tables(result: Result, cell: Callable[[Row], str]) -> Iterator[str]:
    """Lay a whole result out, line by line."""
    machine = result.machine
    yield f"{result.made}: {machine['python']}, {machine['processor']}, {machine['cores']} cores, {machine['kernel']}"
    yield ", ".join(f"{name} {version}" for name, version in result.versions.items())
    for section, rows in groupby(result.speed, section_of):
        yield from ("", *speed_table(section, list(rows), cell))
    if result.idle:
        yield from ("", *idle_table(result.idle))
    if result.losses:
        yield from ("", *loss_table(result.losses))


def speed_table(section: Section, rows: Sequence[Row], cell: Callable[[Row], str]) -> Iterator[str]:
    """Lay out the ratios of one section, a line for each workload, a column for each peer."""
    processes, allocator, loop = section
    baseline = rows[0].baseline
    ends = "both ends in one process" if processes == 1 else "each end in its own process"
    yield f"**{loop}, {ends}, {allocator} allocator**: times as fast as {baseline}, by CPU time."
    yield ""
    peers = list(dict.fromkeys(row.peer for row in rows if row.peer != baseline))
    lines = [["", "", *peers, f"{baseline}: µs"]]
    for name, found in groupby(rows, lambda row: row.workload):
        by_peer = {row.peer: row for row in found}
        cells = [_cell(by_peer.get(peer), cell) for peer in peers]
        workload = SPEED[name]
        lines.append([name, workload.title, *cells, f"{by_peer[baseline].cpu:.3g} a {workload.unit}"])
    yield from _aligned(lines)


def _cell(row: Row | None, cell: Callable[[Row], str]) -> str:
    if row is None:
        return ""
    return "unstable" if row.unstable else cell(row)


def idle_table(rows: Sequence[IdleRow]) -> Iterator[str]:
    """Lay out what idle links cost."""
    yield "**W7, idle pairs**: wake-ups and CPU of 100 of them, memory of one, a round trip's cost beside so many."
    yield ""
    beside = list(rows[0].figures.beside)
    head = ["", "loop", "wake-ups/s", "CPU ms/s", "KiB a pair", *(f"beside {links}: µs" for links in beside)]
    lines = [head]
    for row in rows:
        found = row.figures
        costs = [f"{found.beside[links]:.1f}" for links in beside]
        lines.append([row.peer, row.loop, f"{found.wakeups:.1f}", f"{found.cpu:.2f}", f"{found.memory:.1f}", *costs])
    yield from _aligned(lines)


def loss_table(rows: Sequence[Losses]) -> Iterator[str]:
    """Lay out how soon losses are told."""
    yield "**W8, from the other end's close until it is noticed, while nothing is said** (microseconds)."
    yield ""
    lines = [["", "loop", "side", "end", "p50", "p90", "p99", "worst"]]
    for each in rows:
        row = each.row
        figures = [f"{one:.0f}" for one in (row.p50, row.p90, row.p99, row.worst)]
        lines.append([each.peer, row.loop, row.side, row.end, *figures])
    yield from _aligned(lines)


def _aligned(lines: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for number, line in enumerate(lines):
        yield "| " + " | ".join(one.ljust(width) for one, width in zip(line, widths, strict=True)) + " |"
        if not number:
            yield "|" + "|".join("-" * (width + 2) for width in widths) + "|"
