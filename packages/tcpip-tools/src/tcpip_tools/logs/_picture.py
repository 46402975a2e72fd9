"""Figures of a transcript as a picture for a terminal: a table, a curve of the traffic, a histogram of reply times."""

from collections.abc import Iterator
from itertools import chain
from typing import Final

from tcpip_core.transcript import Header

from .._report import printable
from ..link._statistics import histogram, in_words
from ._stats import Command, Statistics
from ._wall import WallClock, clock_text

__all__ = ["lines"]

_LEVELS: Final = "▁▂▃▄▅▆▇█"
_WIDTH: Final = 60
_MOST: Final = 20
"""Most links, and most commands, that are listed."""


def lines(found: Statistics, header: Header) -> Iterator[str]:
    """Yield the lines of the picture."""
    clock = WallClock(header)
    begin, end = clock_text(clock.at(0)), clock_text(clock.at(found.end))
    yield f"{printable(header.target) or 'a transcript'}: {begin} to {end}, {in_words(found.end / 1e9)}"
    yield from chain(_links(found), _losses(found), _commands(found), _traffic(found))
    if times := found.reply_times:
        yield ""
        yield "reply times"
        yield from (f"  {line}" for line in histogram([max(time, 1e-9) for time in times], _WIDTH - 20))


def _links(found: Statistics) -> Iterator[str]:
    yield ""
    yield f"{'link':>4} {'lasted':>9} {'sent':>8} {'bytes':>11} {'received':>8} {'bytes':>11}  ended"
    for number, link in list(found.links.items())[:_MOST]:
        closed = found.end if link.closed is None else link.closed
        lasted = in_words((closed - (link.opened or 0)) / 1e9)
        there = f"{link.messages['>']:>8} {link.bytes['>']:>11}"
        back = f"{link.messages['<']:>8} {link.bytes['<']:>11}"
        yield f"{number:>4} {lasted:>9} {there} {back}  {printable(link.reason) or '(open)'}"
    if len(found.links) > _MOST:
        yield f"  ... and {len(found.links) - _MOST} more"


def _losses(found: Statistics) -> Iterator[str]:
    yield ""
    lost = ", ".join(f"{count} x {printable(reason)}" for reason, count in found.losses.most_common())
    yield f"losses: {lost or 'none'}"
    missing = sum(gap.events for gap in found.gaps)
    yield f"gaps: {len(found.gaps)}, events missing: {missing}" if found.gaps else "gaps: none"
    yield f"longest silence: {in_words(found.silence[0] / 1e9)}, from {in_words(found.silence[1] / 1e9)} on"


def _commands(found: Statistics) -> Iterator[str]:
    if not found.commands:
        return
    yield ""
    yield f"{'command':<24} {'sent':>7} {'no reply':>8} {'p50':>9} {'p90':>9} {'p99':>9} {'max':>9}"
    ordered = sorted(found.commands.items(), key=lambda one: -one[1].count)
    yield from (_row(name, command) for name, command in ordered[:_MOST])
    if len(ordered) > _MOST:
        yield f"... and {len(ordered) - _MOST} more"


def _row(name: str, command: Command) -> str:
    times = command.summary()
    figures = () if times is None else (times.p50, times.p90, times.p99, times.most)
    row = f"{name[:24]:<24} {command.count:>7} {command.unanswered:>8}"
    return row + "".join(f" {in_words(figure):>9}" for figure in figures)


def _traffic(found: Statistics) -> Iterator[str]:
    parts = found.traffic.parts(found.end, _WIDTH)
    most = max(parts)
    if most <= 0:
        return
    seconds = found.end / 1e9 / _WIDTH
    yield ""
    rate = f"{most / seconds:.3g} bytes/s at most" if seconds else f"{most:.0f} bytes"
    yield f"traffic, {in_words(seconds)} a step, {rate}"
    yield "  " + "".join(_LEVELS[min(int(part / most * 8), 7)] if part else " " for part in parts).rstrip()
