"""What ends the messages in some bytes, and which encoding they are in: a guess, with its evidence; pure."""

import codecs
import json
import re
from dataclasses import dataclass
from typing import Final

__all__ = ["Guess", "guess_encoding", "guess_terminator", "hint_for_framing"]

_NAMES: Final = {b"\r\n": "crlf", b"\n": "lf", b"\r": "cr", b"\0": "nul"}
_ENDS: Final = re.compile(rb"\r\n|\n|\r|\0")
_TEXT: Final = frozenset(range(32, 127)) | frozenset(b"\t\r\n\x00\x02\x03\x1b")


@dataclass(frozen=True, slots=True)
class Guess:
    """What something seems to be.

    Parameters
    ----------
    name : str
        A name that ``--framing`` or ``--encoding`` takes, ``"binary"``, or ``""`` where nothing can be said.
    confidence : str
        ``"certain"``, ``"likely"``, ``"possible"``, or ``"none"``.
    evidence : str
        What it was read off, for a person.
    """

    name: str
    confidence: str
    evidence: str


def guess_terminator(data: bytes) -> Guess:
    r"""Return what ends the messages of a peer.

    Parameters
    ----------
    data : bytes
        What it said, from its first byte on.

    Returns
    -------
    Guess
        ``"likely"`` where the data end with what ends every line in them, ``"certain"`` where that are two or more.
    """
    if not data:
        return Guess("", "none", "nothing was received")
    if not _is_text(data):
        return _guess_head(data)
    ends = _ENDS.findall(data)
    if not ends:
        return Guess("", "none", f"{len(data)} characters without CR, LF or NUL")
    counts = {name: ends.count(end) for end, name in _NAMES.items() if end in ends}
    said = ", ".join(f"{count} x {name.upper()}" for name, count in counts.items())
    last = next((name for end, name in _NAMES.items() if data.endswith(end)), None)
    if last is None:
        best = max(counts, key=lambda name: counts[name])
        return Guess(best, "possible", f"{said}; the data end in the middle of a line")
    if len(counts) > 1:
        return Guess(last, "possible", f"{said}; the data end with {last.upper()}")
    confidence = "certain" if counts[last] > 1 else "likely"
    return Guess(last, confidence, f"{said} and nothing else that could end a line; the data end with it")


def _guess_head(data: bytes) -> Guess:
    """Return what ends the first line of data that go on with something else, such as a structure."""
    first = re.match(rb"([\x20-\x7e]{2,})(\r\n|\n|\r)", data)
    if first is None:
        return Guess("", "none", f"{len(data)} bytes that are no lines of text: {data[:16].hex(' ')}")
    name = _NAMES[first[2]]
    return Guess(name, "possible", f"the first line ends with {name.upper()}; what follows is no text")


def guess_encoding(data: bytes) -> Guess:
    """Return which encoding a peer's text is in.

    Parameters
    ----------
    data : bytes
        What it said, from its first byte on.

    Returns
    -------
    Guess
        What is plain ASCII is called ``"ascii"``; almost any other encoding would read it too.
    """
    if not data:
        return Guess("", "none", "nothing was received")
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if data.startswith(mark):
            return Guess(name, "certain", f"it begins with the byte order mark {mark.hex(' ')}")
    if not _is_text(data):
        return Guess("binary", "likely", _share_of_control(data))
    high = sum(byte > 127 for byte in data)
    if not high:
        json_too = "; it is JSON" if _is_json(data) else ""
        return Guess("ascii", "certain", f"all {len(data)} bytes are below 0x80{json_too}")
    if _is_utf8(data):
        return Guess("utf-8", "certain" if high > 3 else "likely", f"{high} bytes above 0x7f, all of them valid UTF-8")
    return Guess("latin-1", "possible", f"{high} bytes above 0x7f that are no UTF-8")


def hint_for_framing(data: bytes, framing: str) -> str:
    """Return what to say of bytes that are no whole message: that another framing would fit; ``""`` of none."""
    if not data:
        return ""
    guess = guess_terminator(data)
    if guess.name and guess.name != framing:
        return f"{len(data)} bytes came that look like --framing {guess.name} ({guess.evidence}), not {framing}"
    return f"{len(data)} bytes came without the end of a message in framing {framing}"


def _is_utf8(data: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data)  # The last character may be cut.
    except UnicodeDecodeError:
        return False
    return True


def _is_text(data: bytes) -> bool:
    """Return whether data are text in an encoding whose lower half is ASCII."""
    odd = sum(byte not in _TEXT for byte in data)
    if not odd:
        return b"\0\0" not in data and not data.startswith(b"\0")
    low = sum(byte not in _TEXT and byte < 128 for byte in data)
    return not low and b"\0\0" not in data and (_is_utf8(data) or odd < 0.3 * len(data))


def _share_of_control(data: bytes) -> str:
    control = sum(byte not in _TEXT for byte in data)
    return f"{control} of {len(data)} bytes are no characters of a text, or zeros stand within"


def _is_json(data: bytes) -> bool:
    try:
        return isinstance(json.loads(data), dict | list)
    except (ValueError, RecursionError):
        return False
