"""The blocks of a pcapng file that are needed here; pure.

The format is that of draft-ietf-opsawg-pcapng: a section header, one interface, packets, and statistics at the end.
"""

import contextlib
import struct
from collections.abc import Sequence
from typing import Final

__all__ = ["MOST_TEXT", "interface", "packet", "section_comments", "section_header", "statistics"]

_SECTION: Final = 0x0A0D0D0A
_BYTE_ORDER: Final = 0x1A2B3C4D
_INTERFACE: Final = 1
_STATISTICS: Final = 5
_PACKET: Final = 6

_RAW_IP: Final = 101
"""Packets begin with their IP header, of version 4 or 6: LINKTYPE_RAW."""

_COMMENT, _USER_APPLICATION, _NAME, _DESCRIPTION, _RESOLUTION = 1, 4, 2, 3, 9

MOST_TEXT: Final = 60_000
"""Longest text in a capture (bytes); a longer one is cut."""

_LATEST: Final = 2**63 - 1

_Option = tuple[int, bytes]


def section_header(application: str, comments: Sequence[str]) -> bytes:
    """Return the block that a file begins with."""
    options = [(_COMMENT, _text(one)) for one in comments] + [(_USER_APPLICATION, _text(application))]
    return _block(_SECTION, struct.pack("<IHHq", _BYTE_ORDER, 1, 0, -1), options)


def section_comments(capture: bytes) -> list[str]:
    """Return the comments in the block that a file begins with.

    Parameters
    ----------
    capture : bytes
        The file, or its beginning; anybody's.

    Returns
    -------
    list of str
        Those that are whole; none of a file that is no pcapng, or in the byte order that `section_header` does not
        write.
    """
    comments: list[str] = []
    with contextlib.suppress(struct.error, UnicodeDecodeError):
        kind, size, order = struct.unpack_from("<III", capture)
        if (kind, order) != (_SECTION, _BYTE_ORDER):
            return []
        options = capture[24 : size - 4]
        while options:
            code, length = struct.unpack_from("<HH", options)
            if code == _COMMENT and len(options) >= 4 + length:
                comments.append(options[4 : 4 + length].decode())
            options = options[4 + length + -length % 4 :]
    return comments


def interface(name: str, description: str) -> bytes:
    """Return the block of the one interface; times are in nanoseconds."""
    options = [(_NAME, _text(name)), (_DESCRIPTION, _text(description)), (_RESOLUTION, b"\x09")]
    return _block(_INTERFACE, struct.pack("<HHI", _RAW_IP, 0, 0), options)


def packet(time: int, data: bytes, comments: Sequence[str] = ()) -> bytes:
    """Return the block of a packet.

    Parameters
    ----------
    time : int
        When (nanoseconds since 1970-01-01 UTC; what does not fit is moved to the nearest time that does).
    data : bytes
        The packet, from its IP header on.
    comments : sequence of str
        What to say about it.
    """
    head = struct.pack("<IIIII", 0, *_time(time), len(data), len(data))
    return _block(_PACKET, head + _padded(data), [(_COMMENT, _text(one)) for one in comments])


def statistics(time: int, comments: Sequence[str]) -> bytes:
    """Return the block of the interface's statistics, which carries what there is to say at the end."""
    return _block(_STATISTICS, struct.pack("<III", 0, *_time(time)), [(_COMMENT, _text(one)) for one in comments])


def _block(kind: int, body: bytes, options: Sequence[_Option]) -> bytes:
    tail = b"".join(struct.pack("<HH", code, len(value)) + _padded(value) for code, value in options)
    if tail:
        tail += struct.pack("<HH", 0, 0)
    size = len(body) + len(tail) + 12
    return struct.pack("<II", kind, size) + body + tail + struct.pack("<I", size)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _text(text: str) -> bytes:
    """Return a text as an option has it: UTF-8 without NUL, and of a length that fits."""
    return text.replace("\0", "").encode("utf-8", errors="replace")[:MOST_TEXT].decode(errors="ignore").encode()


def _time(time: int) -> tuple[int, int]:
    return divmod(min(max(time, 0), _LATEST), 2**32)
