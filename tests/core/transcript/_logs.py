"""Random transcripts, and transcripts in memory."""

from __future__ import annotations

import io
import zlib
from collections.abc import Sequence

from hypothesis import strategies as st

from tcpip_core.transcript import (
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
    TranscriptReader,
    TranscriptWriter,
)

ENCODINGS = ("utf-8", "ascii", "latin-1", "utf-16", "utf-8-sig", "cp437", "shift_jis", "utf-7")
WALLS = st.integers(min_value=-62_135_596_800_000_000_000, max_value=253_402_300_799_999_999_999)
TIMES = st.integers(min_value=0, max_value=2**63 - 1)
NUMBERS = st.integers(min_value=1, max_value=3)
COUNTS = st.integers(min_value=0, max_value=2**40)
TEXTS = st.text(max_size=30)
DIRECTIONS: st.SearchStrategy[Direction] = st.sampled_from([">", "<"])
CLOSERS: st.SearchStrategy[Closer] = st.sampled_from(["client", "device", "network", "unknown"])
PAYLOADS = st.binary(max_size=40) | st.text(max_size=20).map(str.encode)

HEADERS = st.builds(
    Header, start=WALLS, target=TEXTS, framing=TEXTS, encoding=st.sampled_from(ENCODINGS), producer=TEXTS
)
EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.builds(Open, TIMES, NUMBERS, TEXTS, TEXTS, st.booleans()),
    st.builds(Data, TIMES, NUMBERS, DIRECTIONS, PAYLOADS),
    st.builds(Eof, TIMES, NUMBERS, DIRECTIONS),
    st.builds(Close, TIMES, NUMBERS, TEXTS, CLOSERS),
    st.builds(Error, TIMES, st.integers(min_value=0, max_value=3), TEXTS),
    st.builds(Gap, TIMES, COUNTS, COUNTS, TEXTS),
    st.builds(Mark, TIMES, TEXTS),
    st.builds(Clock, TIMES, WALLS),
)
LOGS = st.tuples(HEADERS, st.lists(EVENTS, max_size=12))
SMALL_LOGS = st.tuples(st.builds(Header, start=WALLS), st.lists(EVENTS, max_size=3))


class Kept(io.BytesIO):
    """A file in memory that can be looked into after it was closed."""

    content = b""

    def close(self) -> None:
        """Keep what is in it."""
        if not self.closed:
            self.content = self.getvalue()
        super().close()


def written(header: Header, events: Sequence[Event], *, compress: bool = False) -> bytes:
    """Write a transcript into memory."""
    file = Kept()
    with TranscriptWriter(file, header, compress=compress) as writer:
        for event in events:
            writer.write(event)
    return file.content


def read(content: bytes) -> tuple[Header, list[Event], bool]:
    """Read a transcript from memory: its header, its events, whether its end is torn."""
    with TranscriptReader(io.BytesIO(content)) as reader:
        events = list(reader)
        return reader.header, events, reader.is_torn


def lines(*some: bytes) -> bytes:
    """Put lines behind a header."""
    return b"".join(line + b"\n" for line in (HEADER_LINE, *some))


def bomb(piece: bytes, times: int) -> bytes:
    """Compress the same bytes many times over."""
    packer = zlib.compressobj(wbits=31)
    return b"".join([*(packer.compress(piece) for _ in range(times)), packer.flush()])


HEADER_LINE = b'{"tcplog":1,"start":"2026-01-31T23:59:59.000000001Z"}'
