"""What can be said: bytes, text, JSON, structures; how it is sent, and whether it is what came. Pure."""

import ctypes
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from ._json import json_differences

__all__ = [
    "Expected",
    "Json",
    "Message",
    "Received",
    "Reply",
    "match_message",
    "match_prefix",
    "may_become",
    "reply_bytes",
    "to_bytes",
]


@dataclass(frozen=True)
class Json:
    """A message in JSON; for an object, a dict by itself says the same.

    Parameters
    ----------
    value : object
        What JSON can express: a list, a number, a text, ... What comes is equal if its value is, whatever its
        spaces and the order of its names.
    """

    value: Any


Message: TypeAlias = str | bytes | Mapping[str, Any] | Json | ctypes.Structure
"""What can be sent: text, bytes, JSON (a dict, or `Json`), or a structure."""


@dataclass(frozen=True)
class Received:
    """A message that came; what a function of a script is called with.

    Parameters
    ----------
    data : bytes
        The message, without what frames it.
    encoding : str
        Text encoding of the dialogue.
    match : re.Match, optional
        What the expected pattern found; None where no pattern was expected.
    """

    data: bytes
    encoding: str = "utf-8"
    match: re.Match[str] | re.Match[bytes] | None = None

    @property
    def text(self) -> str:
        """The message as text. What cannot be decoded is escaped."""
        return self.data.decode(self.encoding, "backslashreplace")

    def json(self) -> Any:
        """Return the message's JSON value.

        Returns
        -------
        object
            The value.

        Raises
        ------
        ValueError
            If the message is no JSON.
        """
        return json.loads(self.data.decode(self.encoding))

    def group(self, name: int | str = 0) -> str:
        """Return what a group of the expected pattern found.

        Parameters
        ----------
        name : int or str
            Number or name of the group; 0 is the whole match.

        Returns
        -------
        str
            The text; ``""`` if the group took no part in the match.

        Raises
        ------
        IndexError
            If the pattern has no such group, or no pattern was expected.
        """
        if self.match is None:
            raise IndexError(f"there is no group {name!r}: no pattern was expected")
        found: str | bytes | None = self.match.group(name)
        return found.decode(self.encoding, "backslashreplace") if isinstance(found, bytes) else found or ""


Expected: TypeAlias = Message | re.Pattern[str] | re.Pattern[bytes] | Callable[[Received], bool]
"""What can be expected: a message, a pattern that the whole of it must match, or a function that says whether it is."""

Reply: TypeAlias = Message | Callable[[Received], Message | None] | None
"""What can be replied: a message, a function that gives one or None, or None, which is no reply."""


def to_bytes(message: Message, encoding: str) -> bytes:
    """Return a message as it is sent, without what frames it.

    Raises
    ------
    ValueError
        If it cannot be encoded.
    TypeError
        If it is nothing that can be sent.
    """
    match message:
        case str():
            return message.encode(encoding)
        case bytes():
            return message
        case ctypes.Structure():
            return bytes(message)
        case Json() | Mapping():
            return json.dumps(json_value(message)).encode(encoding)
    raise TypeError(f"a message is text, bytes, a dict, a Json or a ctypes.Structure, not {message!r}")


def json_value(message: Json | Mapping[str, Any]) -> Any:
    """Return the value of a message in JSON."""
    return message.value if isinstance(message, Json) else dict(message)


def match_message(expected: Expected, data: bytes, encoding: str) -> Received | None:
    """Return the message as it was expected; None if it was not."""
    received = Received(data, encoding)
    match expected:
        case re.Pattern():
            subject = _subject(expected, data, encoding)
            found = None if subject is None else expected.fullmatch(subject)
            return found and Received(data, encoding, found)
        case Json() | Mapping():
            try:
                is_equal = not any(json_differences(json_value(expected), received.json()))
            except ValueError:
                is_equal = False
        case str() | bytes() | ctypes.Structure():
            is_equal = to_bytes(expected, encoding) == data
        case _:
            is_equal = bool(expected(received))
    return received if is_equal else None


def match_prefix(expected: Expected, data: bytes, encoding: str) -> Received | None:
    """Return the message that bytes without framing begin with; None if they do not, or not yet."""
    match expected:
        case str() | bytes() | ctypes.Structure():
            wanted = to_bytes(expected, encoding)
            return Received(wanted, encoding) if data.startswith(wanted) else None
        case re.Pattern():
            # What follows may be no text, or only the first half of a letter.
            is_of_bytes = isinstance(expected.pattern, bytes)
            subject: Any = data if is_of_bytes else data.decode(encoding, "surrogateescape")
            found = expected.match(subject)
            if found is None:
                return None
            whole: str | bytes = found.group()
            taken = whole if isinstance(whole, bytes) else whole.encode(encoding, "surrogateescape")
            return Received(taken, encoding, found)
        case _:
            return match_message(expected, data, encoding)


def may_become(expected: Expected, data: bytes, encoding: str) -> bool:
    """Tell whether bytes without framing may be the beginning of what is expected."""
    if isinstance(expected, str | bytes | ctypes.Structure):
        return to_bytes(expected, encoding).startswith(data)
    return True


def _subject(pattern: re.Pattern[Any], data: bytes, encoding: str) -> Any:
    """Return the data as text for a pattern of text; None if that cannot be."""
    if isinstance(pattern.pattern, bytes):
        return data
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def reply_bytes(reply: Reply, received: Received) -> bytes | None:
    r"""Return what answers a message, without what frames it; None if nothing does.

    In text and bytes that answer a pattern, ``\1`` and ``\g<name>`` stand for its groups.
    """
    match reply:
        case None:
            return None
        case str() | bytes() if received.match is not None:
            return _expanded(received.match, reply, received.encoding)
        case str() | bytes() | ctypes.Structure() | Json() | Mapping():
            return to_bytes(reply, received.encoding)
        case _:
            message = reply(received)
            return None if message is None else to_bytes(message, received.encoding)


def _expanded(match: re.Match[Any], reply: str | bytes, encoding: str) -> bytes:
    template = reply if isinstance(reply, bytes) else reply.encode(encoding)
    if isinstance(match.re.pattern, bytes):
        return bytes(match.expand(template))
    return str(match.expand(template.decode(encoding))).encode(encoding)


def check_reply(expected: Expected, reply: Reply, encoding: str) -> None:
    """Refuse a reply that could never be sent.

    Raises
    ------
    ValueError
        If it cannot be encoded, or names a group that the expected pattern lacks.
    TypeError
        If it is no reply.
    """
    if isinstance(expected, re.Pattern) and isinstance(reply, str | bytes):
        try:
            _expanded(_match_of_nothing(expected), reply, encoding)
        except (re.error, IndexError) as e:
            raise ValueError(f"the reply {reply!r} does not fit the pattern {expected.pattern!r}: {e}") from e
    elif reply is not None and not callable(reply):
        to_bytes(reply, encoding)


def _match_of_nothing(pattern: re.Pattern[Any]) -> re.Match[Any]:
    """Return a match that has the pattern's groups: of the same pattern, which may also be nothing."""
    suffix = "\n|" if pattern.flags & re.VERBOSE else "|"
    source: Any = pattern.pattern
    found = re.compile(source + (suffix.encode() if isinstance(source, bytes) else suffix), pattern.flags).match(
        b"" if isinstance(source, bytes) else ""
    )
    assert found is not None
    return found
