"""A transcript as a capture file that Wireshark opens: its blocks, one by one; pure."""

import contextlib
import json
from collections.abc import Iterable, Iterator
from typing import Final

from tcpip_core.transcript import Clock, Close, Data, Eof, Error, Event, Gap, Header, Mark, Open, format_wall

from ._blocks import MOST_TEXT, interface, packet, section_comments, section_header, statistics
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


_MOST_REMARKS: Final = 1024 * 1024
"""Most that is said of one packet (characters); what is beyond is counted."""

_OVERHEAD: Final = 100
"""What a remark counts beside its text (characters)."""


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


class _Remarks:
    """What goes with a packet, in bounded memory."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._room = _MOST_REMARKS
        self._left_out = 0

    def add(self, text: str) -> None:
        text = text.replace("\0", "")[:MOST_TEXT]
        self._room -= len(text) + _OVERHEAD
        if self._room >= 0:
            self._texts.append(text)
        else:
            self._left_out += 1

    def all(self) -> list[str]:
        left_out = [f"{self._left_out} more remarks are left out here: there are too many"] if self._left_out else []
        return [*self._texts, *left_out]


class _Capture:
    """What has to be remembered from one event to the next."""

    def __init__(self, start: int) -> None:
        self._start = start
        self._links: dict[int, Conversation] = {}
        self._begun = 0
        # What goes with the next packet; and the last packet, which gets what nothing follows.
        self._remarks = _Remarks()
        self._held: tuple[int, bytes, _Remarks] | None = None

    def blocks_of(self, event: Event) -> Iterator[bytes]:
        for data in self._packets_of(event):
            if self._held is not None:
                time, held, remarks = self._held
                yield packet(time, held, remarks.all())
            self._held = (self._start + event.time, data, self._remarks)
            self._remarks = _Remarks()

    def rest(self) -> Iterator[bytes]:
        """Yield the last packet; where there is none, a block that has only what is to say."""
        if self._held is not None:
            time, data, remarks = self._held
            yield packet(time, data, remarks.all() + self._remarks.all())
        elif texts := self._remarks.all():
            yield statistics(self._start, texts)

    def _packets_of(self, event: Event) -> Iterator[bytes]:
        match event:
            case Open():
                yield from self._begin(event)
            case Data() | Eof() | Close():
                if event.connection not in self._links:
                    yield from self._begin(Open(event.time, event.connection, continued=True))
                yield from self._go_on(self._links[event.connection], event)
            case Error() | Gap() | Mark() | Clock():
                self._remarks.add(_remark(event))

    def _begin(self, event: Open) -> Iterator[bytes]:
        self._begun += 1
        link = self._links[event.connection] = Conversation(event, self._begun)
        for remark in link.remarks:
            self._remarks.add(remark)
        return link.begin()

    def _go_on(self, link: Conversation, event: Data | Eof | Close) -> Iterator[bytes]:
        match event:
            case Data(direction=direction, payload=payload):
                return link.send(direction, payload)
            case Eof(direction=direction):
                return link.finish(direction)
            case Close():
                del self._links[event.connection]
                self._remarks.add(_remark(event))
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
