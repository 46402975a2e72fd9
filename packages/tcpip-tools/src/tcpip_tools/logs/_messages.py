"""The messages in the pieces that a transcript has, by a framing; pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from tcpip_core.transcript import Close, Data, Direction, Eof, Event, Gap
from tcpip_testing.framing import DEFAULT_MAX_FRAME, Decoder, Framing

__all__ = ["Item", "Message", "messages_in"]

_MOST_HELD: Final = 2 * DEFAULT_MAX_FRAME
"""Most that all streams together hold of messages that are not whole (bytes)."""


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
        given there, with a remark; so is one that is too long, or for which there is no room beside others.
    """
    streams = _Streams(framings)
    last = 0
    for event in events:
        last = event.time
        match event:
            case Data():
                yield from streams.take(event)
            case Eof(connection=number, direction=direction):
                yield from streams.rest([(number, direction)], event.time)
                yield event
            case Close(connection=number):
                yield from streams.rest([(number, ">"), (number, "<")], event.time)
                yield event
            case Gap():
                yield from streams.rest(None, event.time)
                yield event
            case _:
                yield event
    yield from streams.rest(None, last)


class _Streams:
    """All directions of all links, which share the room for what is not whole."""

    def __init__(self, framings: dict[Direction, Framing | None]) -> None:
        self._framings = framings
        self._streams: dict[tuple[int, Direction], _Stream] = {}
        self._held = 0

    def take(self, data: Data) -> Iterator[Message]:
        key = (data.connection, data.direction)
        stream = self._streams.setdefault(key, _Stream(self._framings[data.direction]))
        self._held -= stream.held
        yield from stream.take(data)
        if self._held + stream.held > _MOST_HELD:
            yield stream.give_up(data, f"messages that are not whole have more than {_MOST_HELD} bytes")
        self._held += stream.held

    def rest(self, keys: Iterable[tuple[int, Direction]] | None, time: int) -> Iterator[Message]:
        """Yield what is left of some streams, or of all, and forget them."""
        for number, direction in list(self._streams) if keys is None else keys:
            stream = self._streams.pop((number, direction), None)
            if stream is not None:
                self._held -= stream.held
                if rest := stream.rest():
                    yield Message(time, number, direction, rest, "not a whole message")


class _Stream:
    """One direction of a link.

    Attributes
    ----------
    held : int
        How much of a message that is not whole it has (bytes).
    """

    def __init__(self, framing: Framing | None) -> None:
        self._framing = framing
        self._decoder: Decoder | None = None if framing is None else framing.decoder()
        self.held = 0

    def take(self, data: Data) -> Iterator[Message]:
        head = (data.time, data.connection, data.direction)
        if self._decoder is None:
            if data.payload:
                yield Message(*head, data.payload)
            return
        try:
            messages = self._decoder.feed(data.payload)
        except ValueError as e:
            yield self.give_up(data, str(e))
            return
        # What is left after a message is an end of this piece; all of a long message is not copied for each piece.
        self.held = len(self._decoder.pending) if messages else self.held + len(data.payload)
        for payload in messages:
            yield Message(*head, payload, framing=self._framing)

    def give_up(self, data: Data, why: str) -> Message:
        """Return all that is there as it is, and what follows from now on too."""
        rest, self._decoder, self.held = self.rest(), None, 0
        remark = f"{why}; from here on pieces are given as they arrived"
        return Message(data.time, data.connection, data.direction, rest, remark)

    def rest(self) -> bytes:
        return b"" if self._decoder is None else self._decoder.pending
