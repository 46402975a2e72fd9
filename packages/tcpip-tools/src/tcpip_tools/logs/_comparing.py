"""Compare two transcripts: what was said and how links ended, whenever that was."""

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tcpip_core.transcript import Clock, Gap, Mark, Open

from .._exit_codes import ExitCode
from .._lines import make_writer
from .._payload import shown
from .._report import Event as Report
from .._report import Writer
from ._messages import Item, Message, messages_in
from ._show import as_text
from ._showing import encoding_for, framing_for, warner
from ._source import events_of, open_log

__all__ = ["Rules", "compare", "differences"]

_WILDCARD: Final = "*"
_KINDS: Final = {" ": "same", "-": "removed", "+": "added", "@": "place"}


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
    found = 0
    lines = (_lines_of(before, rules, writer), _lines_of(after, rules, writer))
    for line in differences(*lines, before, after):
        found += line[0] in "-+" and not line.startswith(("---", "+++"))
        writer(Report(_KINDS.get(line[0], "same"), line, _mark(line), {"text": line[1:]}))
        if writer.output.gone:
            break
    status = ExitCode.EXPECTATION if found else ExitCode.OK
    if as_json:
        writer(Report("summary", "", "=", {"differences": found, "exit": int(status)}))
    return status


def differences(before: Sequence[str], after: Sequence[str], from_name: str, to_name: str) -> Iterator[str]:
    """Yield the lines of a unified diff; none if there is no difference."""
    # What is the same at both ends need not be compared again: two nights mostly are.
    shorter = min(len(before), len(after))
    begin = next((index for index in range(shorter) if before[index] != after[index]), shorter)
    end = next((index for index in range(shorter - begin) if before[-1 - index] != after[-1 - index]), shorter - begin)
    begin, end = max(begin - 3, 0), max(end - 3, 0)
    parts = (before[begin : len(before) - end], after[begin : len(after) - end])
    for line in difflib.unified_diff(*parts, from_name, to_name, lineterm=""):
        yield re.sub(r"([-+])(\d+)", lambda one: f"{one[1]}{int(one[2]) + begin}", line) if line[:3] == "@@ " else line


def _lines_of(name: str, rules: Rules, writer: Writer) -> list[str]:
    with open_log(name) as log:
        framing, encoding = framing_for(rules.framing, log.header), encoding_for(rules.encoding, log.header)
        items = messages_in(events_of(log, name, warner(writer)), {">": framing, "<": framing})
        return list(comparable(items, encoding, rules))


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


def _mark(line: str) -> str:
    return {"-": "!", "+": "<"}.get(line[0], "-")
