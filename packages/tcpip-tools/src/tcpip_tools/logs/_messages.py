"""The messages in the pieces that a transcript has, by a framing; pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from tcpip_core.transcript import Close, Data, Direction, Eof, Event, Gap
from tcpip_testing.framing import Decoder, Framing

__all__ = ["Item", "Message", "messages_in"]


@dataclass(frozen=True, slots=True)
class Message:
    """Something that one side said.

    Parameters
    ----------
    time : int
        When its end arrived (nanoseconds since the start).
    connection : int
        On which link.
    direction : {">", "<"}
        Which way.
    payload : bytes
        The message, without what frames it.
    remark : str
        What is odd about it; ``""`` for nothing.
    framing : Framing or None
        What it was framed by; None where it was not.
    """

    time: int
    connection: int
    direction: Direction
    payload: bytes
    remark: str = ""
    framing: Framing | None = field(default=None, compare=False)

    @property
    def wire(self) -> bytes:
        """The message as it went over the link, with what frames it."""
        return self.payload if self.framing is None else self.framing.encode(self.payload)


Item: TypeAlias = Message | Event
"""A message in the place of the pieces that it came in, or any other event."""


def messages_in(events: Iterable[Event], framings: dict[Direction, Framing | None]) -> Iterator[Item]:
    """Put messages together.

    Parameters
    ----------
    events : iterable of Event
        Of the transcript.
    framings : dict
        How messages are told apart, for each direction; where that is None each piece is a message as it arrived.

    Yields
    ------
    Message or Event
        Messages in the order of their ends. What is no whole message at the end of a direction, or before a gap, is
        given there, with a remark.
    """
    streams: dict[tuple[int, Direction], _Stream] = {}
    last = 0
    for event in events:
        last = event.time
        match event:
            case Data(connection=number, direction=direction):
                stream = streams.setdefault((number, direction), _Stream(framings[direction]))
                yield from stream.take(event)
            case Eof(connection=number, direction=direction):
                yield from _leftovers(streams, [(number, direction)], event.time)
                yield event
            case Close(connection=number):
                yield from _leftovers(streams, [(number, ">"), (number, "<")], event.time)
                yield event
            case Gap():
                yield from _leftovers(streams, list(streams), event.time)
                yield event
            case _:
                yield event
    yield from _leftovers(streams, list(streams), last)


def _leftovers(
    streams: "dict[tuple[int, Direction], _Stream]", keys: Iterable[tuple[int, Direction]], time: int
) -> Iterator[Message]:
    for number, direction in keys:
        stream = streams.pop((number, direction), None)
        if stream is not None and (rest := stream.rest()):
            yield Message(time, number, direction, rest, "not a whole message")


class _Stream:
    """One direction of a link."""

    def __init__(self, framing: Framing | None) -> None:
        self._framing = framing
        self._decoder: Decoder | None = None if framing is None else framing.decoder()

    def take(self, data: Data) -> Iterator[Message]:
        head = (data.time, data.connection, data.direction)
        if self._decoder is None:
            if data.payload:
                yield Message(*head, data.payload)
            return
        before = self._decoder.pending
        try:
            for payload in self._decoder.feed(data.payload):
                yield Message(*head, payload, framing=self._framing)
        except ValueError as e:
            self._decoder = None
            yield Message(*head, before + data.payload, f"{e}; from here on pieces are given as they arrived")

    def rest(self) -> bytes:
        return b"" if self._decoder is None else self._decoder.pending
