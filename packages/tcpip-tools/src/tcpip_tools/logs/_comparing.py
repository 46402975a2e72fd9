"""Compare two transcripts: what was said and how links ended, whenever that was."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Self

from tcpip_core.transcript import Clock, Gap, Mark, Open

from .._exit_codes import ExitCode
from .._lines import make_writer
from .._payload import shown
from .._report import Event as Report
from .._report import Writer
from . import _ending
from ._aligning import grouped_changes
from ._messages import Item, Message, messages_in
from ._show import as_text
from ._showing import encoding_for, framing_for, warner
from ._source import events_of, open_log

__all__ = ["Rules", "compare", "differences"]

_WILDCARD: Final = "*"
_AROUND: Final = 3
"""How many lines that are the same are shown before and after a difference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What counts.

    Parameters
    ----------
    framing, encoding : str or None
        Of messages; None goes by each transcript.
    ignore : sequence of re.Pattern
        What they match in the text of a message is taken for the same.
    skip : sequence of re.Pattern
        Messages that contain one of them are left out.
    """

    framing: str | None
    encoding: str | None
    ignore: "Sequence[re.Pattern[str]]"
    skip: "Sequence[re.Pattern[str]]"


def compare(before: str, after: str, rules: Rules, *, as_json: bool) -> ExitCode:
    """Show what differs between two transcripts.

    Returns
    -------
    ExitCode
        ``EXPECTATION`` if something does.

    Raises
    ------
    Failure
        If one cannot be read to its end.
    """
    writer = make_writer(as_json=as_json)
    found: dict[str, object] = {"before": before, "after": after}
    counts = Counter[str]()

    def work() -> ExitCode:
        sides = [_Side.read(name, rules, writer) for name in (before, after)]
        if (text := _different_framings(*sides)) is not None:
            warner(writer)(text)
        for event in differences(*sides):
            counts[event.kind] += 1
            writer(event)
            if writer.output.gone:
                break
        removed, added = counts["removed"], counts["added"]
        found.update(differences=removed + added, removed=removed, added=added)
        return ExitCode.EXPECTATION if counts else ExitCode.OK

    return _ending.run(work, writer, found)


@dataclass(frozen=True, slots=True)
class _Side:
    """One of the two transcripts: its name, how its messages were told apart, and a line for each."""

    name: str
    framing: str
    lines: list[str]

    @classmethod
    def read(cls, name: str, rules: Rules, writer: Writer) -> Self:
        with open_log(name) as log:
            framing, encoding = framing_for(rules.framing, log.header), encoding_for(rules.encoding, log.header)
            items = messages_in(events_of(log, name, warner(writer)), {">": framing, "<": framing})
            return cls(name, "" if framing is None else str(framing), list(comparable(items, encoding, rules)))


def _different_framings(before: _Side, after: _Side) -> str | None:
    """Return what to say where messages were told apart in two ways; None where they were not."""
    if before.framing == after.framing:
        return None
    ways = [
        f"{side.name} by {side.framing}" if side.framing else f"{side.name} by no framing" for side in (before, after)
    ]
    known = before.framing or after.framing
    return f"messages are told apart in {ways[0]}, in {ways[1]}: to compare them alike add --framing {known}"


def differences(before: _Side, after: _Side) -> Iterator[Report]:
    """Yield a unified diff; nothing if there is no difference."""
    one, other = before.lines, after.lines
    # What is the same at both ends need not be compared again: two nights mostly are.
    shorter = min(len(one), len(other))
    begin = next((index for index in range(shorter) if one[index] != other[index]), shorter)
    end = next((index for index in range(shorter - begin) if one[-1 - index] != other[-1 - index]), shorter - begin)
    begin, end = max(begin - _AROUND, 0), max(end - _AROUND, 0)
    one, other = one[begin : len(one) - end], other[begin : len(other) - end]
    for number, group in enumerate(grouped_changes(one, other, _AROUND)):
        if not number:
            names = {"before": before.name, "after": after.name}
            yield Report("files", f"--- {before.name}\n+++ {after.name}", "=", names)
        yield _place(begin + group[0][1], begin + group[-1][2], begin + group[0][3], begin + group[-1][4])
        for tag, first, last, other_first, other_last in group:
            if tag == "equal":
                yield from (Report("same", f" {line}", "-", {"text": line}) for line in one[first:last])
                continue
            yield from (Report("removed", f"-{line}", "!", {"text": line}) for line in one[first:last])
            yield from (Report("added", f"+{line}", "<", {"text": line}) for line in other[other_first:other_last])


def _place(first: int, last: int, other_first: int, other_last: int) -> Report:
    """Return where the next lines are: the first on each side, counted from 1, and how many."""
    begins = first + (last > first), other_first + (other_last > other_first)
    sizes = last - first, other_last - other_first
    spans = [f"{begin}" if size == 1 else f"{begin},{size}" for begin, size in zip(begins, sizes, strict=True)]
    data = {"before": {"first": begins[0], "lines": sizes[0]}, "after": {"first": begins[1], "lines": sizes[1]}}
    return Report("place", f"@@ -{spans[0]} +{spans[1]} @@", "-", data)


def comparable(items: Iterable[Item], encoding: str, rules: Rules) -> Iterator[str]:
    """Yield a line for each item that counts: without times, addresses, and what is ignored."""
    for item in items:
        match item:
            case Message():
                text = shown(item.payload, encoding, len(item.payload) * 8)
            case Open():
                text = "opened"
            case Clock() | Mark() | Gap():
                continue
            case _:
                _, text = as_text(item)
        if any(pattern.search(text) for pattern in rules.skip):
            continue
        for pattern in rules.ignore:
            text = pattern.sub(_WILDCARD, text)
        mark = item.direction if isinstance(item, Message) else "*"
        yield f"{item.connection} {mark} {text}"
