r"""Bytes as people type and read them: escapes such as ``\x02`` in, text or hexadecimal digits out; pure."""

import re
from collections.abc import Iterator
from typing import Final

from ._report import printable

__all__ = ["for_machines", "hex_lines", "quoted", "shown", "unescape"]

_SIMPLE: Final = {"n": b"\n", "r": b"\r", "t": b"\t", "0": b"\0", "e": b"\x1b", "\\": b"\\"}
_ESCAPE: Final = re.compile(r"\\(x[0-9A-Fa-f]{2}|.?)", re.DOTALL)


def unescape(text: str, encoding: str) -> bytes:
    r"""Return the bytes that a text stands for.

    Parameters
    ----------
    text : str
        Text, with ``\n``, ``\r``, ``\t``, ``\0``, ``\e``, ``\\`` and ``\x`` with two digits for bytes that cannot be
        typed.
    encoding : str
        Of everything else.

    Returns
    -------
    bytes
        What is meant.

    Raises
    ------
    ValueError
        If there is an escape that does not exist, or a character that the encoding lacks.
    """
    found = bytearray()
    end = 0
    try:
        for match in _ESCAPE.finditer(text):
            found += text[end : match.start()].encode(encoding)
            found += _byte(match[1])
            end = match.end()
        found += text[end:].encode(encoding)
    except UnicodeEncodeError as e:
        raise ValueError(f"{e.object[e.start : e.end]!r} cannot be written in {encoding}: choose another one") from None
    return bytes(found)


def _byte(escape: str) -> bytes:
    r"""Return what an escape stands for, of which the backslash is taken off."""
    if len(escape) == 3:
        return bytes.fromhex(escape[1:])
    if escape not in _SIMPLE:
        raise ValueError(rf"'\{escape}' is no escape: there are \n, \r, \t, \0, \e, \x02 and, for a backslash, \\")
    return _SIMPLE[escape]


def shown(data: bytes, encoding: str, most: int = 200) -> str:
    r"""Return bytes as one line that is safe on a terminal.

    Parameters
    ----------
    data : bytes
        Anything.
    encoding : str
        What to try; bytes that are none of it are shown as ``\xe9``.
    most : int
        Characters to keep; what is cut is marked.
    """
    return printable(data.decode(encoding, errors="backslashreplace"), most)


def quoted(data: bytes, encoding: str, most: int = 200) -> str:
    """Return bytes as `shown`, between quotes."""
    return f"'{shown(data, encoding, most)}'"


def for_machines(data: bytes, encoding: str, **more: object) -> dict[str, object]:
    """Return bytes as members of a JSON object: ``size``, and ``text`` where that gives them back, else ``hex``.

    Parameters
    ----------
    data : bytes
        Anything.
    encoding : str
        What to try.
    **more : object
        Other members.
    """
    head: dict[str, object] = {"size": len(data)}
    try:
        text = data.decode(encoding)
        if text.encode(encoding) == data:
            return head | {"text": text} | more
    except UnicodeError:
        pass
    return head | {"hex": data.hex()} | more


def hex_lines(data: bytes) -> Iterator[str]:
    """Yield lines of 16 bytes: offset, digits, and what of them is ASCII."""
    for offset in range(0, len(data), 16):
        piece = data[offset : offset + 16]
        letters = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in piece)
        yield f"{offset:08x}  {piece.hex(' '):<47}  {letters}"
