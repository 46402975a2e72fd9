"""Figures of a transcript: what was asked and how fast it was answered, how much went over, what was lost; pure."""

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from tcpip_core.transcript import Close, Direction, Gap, Open

from .._payload import shown
from ..link._statistics import Times, summarise
from ._messages import Item, Message

__all__ = ["Command", "Link", "Statistics", "Timeline", "of_items"]

_MOST_COMMANDS: Final = 500
_OTHERS: Final = "(others)"
_MOST_BUCKETS: Final = 4096


@dataclass(slots=True)
class Command:
    """Messages of the client that begin with the same word.

    Parameters
    ----------
    count : int
        How many were sent.
    unanswered : int
        After how many nothing came before the next one, or the end.
    times : array of float
        From the end of each to the end of the first message after it (seconds).
    """

    count: int = 0
    unanswered: int = 0
    times: "array[float]" = field(default_factory=lambda: array("d"))

    def summary(self) -> Times | None:
        """Return the figures of the reply times; None of no times."""
        return summarise(self.times)


@dataclass(slots=True)
class Link:
    """One link.

    Parameters
    ----------
    opened, closed : int or None
        When (nanoseconds since the start); None where it is not in the transcript.
    reason : str
        Why it ended, and by whom; ``""`` while it is open.
    messages, bytes : dict
        How many went each way.
    """

    opened: int | None = None
    closed: int | None = None
    reason: str = ""
    messages: "Counter[Direction]" = field(default_factory=Counter["Direction"])
    bytes: "Counter[Direction]" = field(default_factory=Counter["Direction"])


class Timeline:
    """How much happened when, in steps that grow with the transcript."""

    def __init__(self) -> None:
        self._step = 1_000_000
        self._counts: Counter[int] = Counter()

    def add(self, time: int, amount: int) -> None:
        """Count something at a time (nanoseconds)."""
        self._counts[time // self._step] += amount
        while len(self._counts) > _MOST_BUCKETS or time // self._step > 2**40:
            self._step *= 2
            halved: Counter[int] = Counter()
            for index, count in self._counts.items():
                halved[index // 2] += count
            self._counts = halved

    def parts(self, end: int, number: int) -> list[float]:
        """Return how much happened in each of some equal parts of the time up to `end`."""
        found = [0.0] * number
        for index, count in self._counts.items():
            place = index * self._step * number // max(end, 1)
            found[min(place, number - 1)] += count
        return found


@dataclass(slots=True)
class Statistics:
    """All the figures.

    Parameters
    ----------
    end : int
        Time of the last event (nanoseconds since the start).
    links : dict
        By number.
    commands : dict
        By word.
    gaps : list of Gap
        What is missing.
    losses : Counter
        How many links ended for each reason but a close in order.
    silence : tuple of int
        The longest time without anything, and when it began (nanoseconds).
    traffic : Timeline
        Bytes both ways.
    """

    end: int = 0
    links: dict[int, Link] = field(default_factory=dict[int, Link])
    commands: dict[str, Command] = field(default_factory=dict[str, Command])
    gaps: list[Gap] = field(default_factory=list[Gap])
    losses: "Counter[str]" = field(default_factory=Counter[str])
    silence: tuple[int, int] = (0, 0)
    traffic: Timeline = field(default_factory=Timeline)

    @property
    def reply_times(self) -> list[float]:
        """The times of all replies (seconds)."""
        return [time for command in self.commands.values() for time in command.times]

    def as_data(self) -> Mapping[str, object]:
        """Return it for a machine."""
        return {
            "seconds": self.end / 1e9,
            "links": {
                str(number): {
                    "opened": None if link.opened is None else link.opened / 1e9,
                    "closed": None if link.closed is None else link.closed / 1e9,
                    "reason": link.reason,
                    "messages": dict(link.messages),
                    "bytes": dict(link.bytes),
                }
                for number, link in self.links.items()
            },
            "commands": {
                name: {"count": command.count, "unanswered": command.unanswered, **_as_data(command.summary())}
                for name, command in self.commands.items()
            },
            "losses": dict(self.losses),
            "gaps": len(self.gaps),
            "missing_events": sum(gap.events for gap in self.gaps),
            "longest_silence": self.silence[0] / 1e9,
        }


def _as_data(times: Times | None) -> dict[str, float]:
    if times is None:
        return {}
    return {"min": times.least, "p50": times.p50, "p90": times.p90, "p99": times.p99, "max": times.most}


def of_items(items: Iterable[Item], encoding: str) -> Statistics:
    """Return the figures of a transcript.

    Parameters
    ----------
    items : iterable of Message or Event
        The messages, and all other events.
    encoding : str
        Of text, for the names of commands.
    """
    counting = _Counting(encoding)
    for item in items:
        counting.take(item)
    return counting.finished()


class _Counting:
    def __init__(self, encoding: str) -> None:
        self._encoding = encoding
        self._found = Statistics()
        # What was asked on a link and is not answered: the command, and when.
        self._asked: dict[int, tuple[Command, int]] = {}

    def take(self, item: Item) -> None:
        found = self._found
        if item.time - found.end > found.silence[0]:
            found.silence = (item.time - found.end, found.end)
        found.end = max(found.end, item.time)
        match item:
            case Message():
                self._message(item)
            case Open():
                link = self._link(item.connection)
                link.opened = None if item.continued else item.time
            case Close():
                self._close(item)
            case Gap():
                found.gaps.append(item)
                # Whether they were answered is not known.
                self._asked.clear()
            case _:
                pass

    def _link(self, number: int) -> Link:
        return self._found.links.setdefault(number, Link())

    def _message(self, message: Message) -> None:
        link = self._link(message.connection)
        link.messages[message.direction] += 1
        link.bytes[message.direction] += len(message.payload)
        self._found.traffic.add(message.time, len(message.payload))
        asked = self._asked.pop(message.connection, None)
        if message.direction == ">":
            if asked is not None:
                asked[0].unanswered += 1
            command = self._command(message.payload)
            command.count += 1
            self._asked[message.connection] = (command, message.time)
        elif asked is not None:
            asked[0].times.append((message.time - asked[1]) / 1e9)

    def _close(self, close: Close) -> None:
        link = self._link(close.connection)
        link.closed, link.reason = close.time, f"{close.reason}, by {close.by}"
        if close.reason != "CLOSED_HERE":
            self._found.losses[close.reason] += 1
        if (asked := self._asked.pop(close.connection, None)) is not None:
            asked[0].unanswered += 1

    def _command(self, payload: bytes) -> Command:
        words = shown(payload[:200], self._encoding).split(maxsplit=1)
        name = words[0][:40] if words else "(empty)"
        commands = self._found.commands
        if name not in commands and len(commands) >= _MOST_COMMANDS:
            name = _OTHERS
        return commands.setdefault(name, Command())

    def finished(self) -> Statistics:
        for command, _ in self._asked.values():
            command.unanswered += 1
        return self._found
