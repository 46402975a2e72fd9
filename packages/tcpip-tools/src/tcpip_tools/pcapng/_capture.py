"""A transcript as a capture file that Wireshark opens: its blocks, one by one; pure."""

import contextlib
import json
from collections.abc import Iterable, Iterator

from tcpip_core.transcript import Clock, Close, Data, Eof, Error, Event, Gap, Header, Mark, Open, format_wall

from ._blocks import interface, packet, section_comments, section_header, statistics
from ._conversation import Conversation

__all__ = ["blocks", "messages_said"]

_SYNTHESISED = """\
SYNTHESISED, not captured. The payloads, their order, their times, who closed, FIN and RST are those of a transcript \
(.tcplog) that an application wrote. Handshakes, acknowledgements, sequence numbers, checksums and the sizes of \
segments are made up; losses, retransmissions and delays of a real network are not shown."""

_MESSAGES = "messages: "
"""How the comment begins that says how the messages of the transcript are told apart, as JSON."""


def messages_said(capture: bytes) -> tuple[str, str]:
    """Return the framing and the encoding of the messages in a capture that `blocks` made.

    Parameters
    ----------
    capture : bytes
        The beginning of the file, which may be anybody's.

    Returns
    -------
    tuple of str
        What the transcript had; ``("", "")`` where the file does not say it.
    """
    for comment in section_comments(capture):
        if comment.startswith(_MESSAGES):
            with contextlib.suppress(ValueError, KeyError, TypeError, RecursionError):
                said = json.loads(comment.removeprefix(_MESSAGES))
                return str(said["framing"]), str(said["encoding"])
    return "", ""


def blocks(header: Header, events: Iterable[Event], application: str) -> Iterator[bytes]:
    """Return the blocks of a capture file.

    Parameters
    ----------
    header : Header
        Of the transcript.
    events : iterable of Event
        Of the transcript.
    application : str
        Who makes the file.

    Returns
    -------
    iterator of bytes
        The file's blocks. They are those of a whole file also where the transcript is torn.
    """
    source = f"transcript by {header.producer or '?'} of {header.target or '?'}"
    messages = _MESSAGES + json.dumps({"framing": header.framing, "encoding": header.encoding})
    yield section_header(application, [f"{_SYNTHESISED} From a {source}.", messages])
    yield interface("tcplog", f"synthesised from a {source}")
    capture = _Capture(header.start)
    for event in events:
        yield from capture.blocks_of(event)
    yield from capture.rest()


class _Capture:
    """What has to be remembered from one event to the next."""

    def __init__(self, start: int) -> None:
        self._start = start
        self._links: dict[int, Conversation] = {}
        self._begun = 0
        # What goes with the next packet; and the last packet, which gets what nothing follows.
        self._remarks: list[str] = []
        self._held: tuple[int, bytes, list[str]] | None = None

    def blocks_of(self, event: Event) -> Iterator[bytes]:
        for data in self._packets_of(event):
            if self._held is not None:
                yield packet(*self._held)
            self._held = (self._start + event.time, data, self._remarks)
            self._remarks = []

    def rest(self) -> Iterator[bytes]:
        """Yield the last packet; where there is none, a block that has only what is to say."""
        if self._held is not None:
            time, data, remarks = self._held
            yield packet(time, data, remarks + self._remarks)
        elif self._remarks:
            yield statistics(self._start, self._remarks)

    def _packets_of(self, event: Event) -> Iterator[bytes]:
        match event:
            case Open():
                yield from self._begin(event)
            case Data() | Eof() | Close():
                if event.connection not in self._links:
                    yield from self._begin(Open(event.time, event.connection, continued=True))
                yield from self._go_on(self._links[event.connection], event)
            case Error() | Gap() | Mark() | Clock():
                self._remarks.append(_remark(event))

    def _begin(self, event: Open) -> Iterator[bytes]:
        self._begun += 1
        link = self._links[event.connection] = Conversation(event, self._begun)
        self._remarks += link.remarks
        return link.begin()

    def _go_on(self, link: Conversation, event: Data | Eof | Close) -> Iterator[bytes]:
        match event:
            case Data(direction=direction, payload=payload):
                return link.send(direction, payload)
            case Eof(direction=direction):
                return link.finish(direction)
            case Close():
                del self._links[event.connection]
                self._remarks.append(_remark(event))
                return link.end(event)


def _remark(event: Close | Error | Gap | Mark | Clock) -> str:
    """Return what an event says that no packet can."""
    match event:
        case Close():
            text = f"connection {event.connection}: {event.reason}, by {event.by}"
        case Error():
            text = f"error: {event.text}"
        case Gap():
            text = f"gap: events missing here: {event.events}, bytes: {event.bytes}; {event.reason}"
        case Mark():
            text = f"mark: {event.text}"
        case _:
            text = f"the clock was set to {format_wall(event.wall)}; times here go on as they were"
    return f"{text} (at {event.time / 1e9:.9f} s)"
