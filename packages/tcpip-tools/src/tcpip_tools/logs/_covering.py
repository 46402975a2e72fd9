"""Cover what patterns match, in texts and in streams of bytes, whatever encoding those have; pure.

Rules of this file
------------------
* Patterns are for text, and match text: letters of other languages, and either case of them. Where a byte is no text
  it is the character of its number, so that a pattern may cover it too.
* A match of which only a part is covered is a leak: where in doubt a byte too many is covered.
"""

import codecs
import io
import re
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, TypeAlias

__all__ = ["cover", "covered", "is_large_as_text"]

_Span: TypeAlias = tuple[int, int]
_ToBytes: TypeAlias = Callable[[Iterable[_Span]], Iterator[_Span]]
"""From places in a text, in order, to those in the stream that it came from."""

_FOR_BYTES: Final = re.compile(r"\\x[89a-fA-F]|\\[23][0-7]{2}")
"""What a pattern has that may be meant for bytes."""

_LONGEST: Final = 1024
"""After how many bytes of which no character came they are no text (UTF-7 takes any number otherwise)."""

_BAD: Final = "tcpip.bytes"
_OF_BAD_BYTES: Final = {0xDC00 + byte: byte for byte in range(0x80, 0x100)}


def _as_characters(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("latin-1"), error.end


codecs.register_error(_BAD, _as_characters)


def covered(text: str, patterns: Iterable[re.Pattern[str]]) -> tuple[str, int]:
    """Return a text with ``x`` for each character that a pattern matches, and how many matches there were."""
    characters, places = list(text), 0
    for pattern in patterns:
        for begin, end in _found(pattern.finditer(text)):
            characters[begin:end] = "x" * (end - begin)
            places += 1
    return ("".join(characters) if places else text), places


def cover(stream: bytearray, patterns: Sequence[re.Pattern[str]], encoding: str) -> int:
    r"""Put an ``x`` over each byte of what patterns match.

    Parameters
    ----------
    stream : bytearray
        What one side said, from a beginning to an end.
    patterns : sequence of re.Pattern
        What to cover. One with the number of a byte that is not ASCII, such as ``\xff``, is for bytes as well.
    encoding : str
        Of its text.

    Returns
    -------
    int
        How many matches there were.

    Raises
    ------
    LookupError
        If there is no way to read text of this encoding in pieces.
    """
    places = 0
    for_bytes = [re.compile(one.pattern.encode()) for one in patterns if _is_for_bytes(one.pattern)]
    original = bytes(stream) if for_bytes else b""
    text, to_bytes = _decoded(stream, encoding)
    for pattern in patterns:
        for begin, end in to_bytes(_found(pattern.finditer(text))):
            stream[begin:end] = b"x" * (end - begin)
            places += 1
    for one in for_bytes:
        for begin, end in _found(one.finditer(original)):
            places += stream.count(b"x", begin, end) < end - begin
            stream[begin:end] = b"x" * (end - begin)
    return places


def is_large_as_text(encoding: str) -> bool:
    """Return whether much memory is needed to say where the characters of a stream are."""
    return not (_is_utf_8(encoding) or _has_a_byte_for_each(encoding))


def _is_for_bytes(pattern: str) -> bool:
    return pattern.isascii() and _FOR_BYTES.search(pattern) is not None


def _found(matches: "Iterable[re.Match[str]] | Iterable[re.Match[bytes]]") -> Iterator[_Span]:
    return (found.span() for found in matches if found.end() > found.start())


def _decoded(stream: bytearray, encoding: str) -> tuple[str, _ToBytes]:
    if _is_utf_8(encoding):
        return _from_utf_8(stream)
    if _has_a_byte_for_each(encoding):
        return stream.decode(encoding, _BAD), iter
    return _byte_by_byte(stream, encoding)


def _is_utf_8(encoding: str) -> bool:
    return codecs.lookup(encoding).name == "utf-8"


def _has_a_byte_for_each(encoding: str) -> bool:
    """Return whether each byte is one character, whatever is before it."""
    every = bytearray(range(256))
    # Encodings of several bytes, and those with sequences that switch, make less out of these.
    several = b"".join(bytes([byte, 0xA1, byte, 0x40]) for byte in every) + b"+AGE-~{<:~}\x1b$B<:\x1b(B"
    single = "aaaa".encode(encoding)
    return len(single) == 4 and all(len(one.decode(encoding, _BAD)) == len(one) for one in (every, several))


def _from_utf_8(stream: bytearray) -> tuple[str, _ToBytes]:
    text = stream.decode("utf-8", "surrogateescape")
    if text.isascii():
        return text, iter

    def to_bytes(spans: Iterable[_Span]) -> Iterator[_Span]:
        character = place = 0
        for begin, end in spans:
            first = place + size(character, begin)
            character, place = end, first + size(begin, end)
            yield first, place

    def size(begin: int, end: int) -> int:
        return len(text[begin:end].encode("utf-8", "surrogateescape"))

    return text.translate(_OF_BAD_BYTES), to_bytes


def _byte_by_byte(stream: bytearray, encoding: str) -> tuple[str, _ToBytes]:
    begin, encoding = _after_mark(stream, encoding)
    decoder = codecs.getincrementaldecoder(encoding)(_BAD)
    text, begins, ends = io.StringIO(), array("I"), array("I")
    for end in range(begin + 1, len(stream) + 1):
        said = decoder.decode(bytes(stream[end - 1 : end]), end == len(stream))
        pending = decoder.getstate()[0] if end < len(stream) else b""
        if len(pending) > _LONGEST:
            said, pending = said + pending.decode("latin-1"), b""
            decoder.reset()
        stop = end - len(pending)
        if said:
            _ = text.write(said)
            own = range(begin, stop + 1)
            is_one_each = len(said) == stop - begin
            begins.extend(own[:-1] if is_one_each else [begin] * len(said))
            ends.extend(own[1:] if is_one_each else [stop] * len(said))
        if said or not pending:
            begin = stop
    return text.getvalue(), lambda spans: ((begins[first], ends[last - 1]) for first, last in spans)


def _after_mark(stream: bytearray, encoding: str) -> tuple[int, str]:
    """Return where text begins, after what may say the order of bytes, and its encoding in that order."""
    name = codecs.lookup(encoding).name
    if name not in {"utf-16", "utf-32"}:
        return 0, encoding
    for order in ("le", "be"):
        mark = "\ufeff".encode(f"{name}-{order}")
        if stream.startswith(mark):
            return len(mark), f"{name}-{order}"
    return 0, f"{name}-le"
