"""Transcripts of links: the format ``.tcplog``, its events, a reader, a writer, and recorders for ``observer=``.

Nothing here needs an event loop; nothing here opens a socket.
"""

from ._events import (
    VERSION,
    Clock,
    Close,
    Closer,
    Data,
    Direction,
    Eof,
    Error,
    Event,
    Gap,
    Header,
    Mark,
    Open,
)
from ._lines import MAX_LINE, format_wall, parse_wall
from ._reader import Readable, TranscriptError, TranscriptReader, open_transcript
from ._recorder import Recorder
from ._ring import RingRecorder
from ._writer import TranscriptWriter, Writable, create_transcript

__all__ = [
    "MAX_LINE",
    "VERSION",
    "Clock",
    "Close",
    "Closer",
    "Data",
    "Direction",
    "Eof",
    "Error",
    "Event",
    "Gap",
    "Header",
    "Mark",
    "Open",
    "Readable",
    "Recorder",
    "RingRecorder",
    "TranscriptError",
    "TranscriptReader",
    "TranscriptWriter",
    "Writable",
    "create_transcript",
    "format_wall",
    "open_transcript",
    "parse_wall",
]
