"""Hear what goes over a link: an event for each message, on the side of the client or of the controller.

Everything that is read or written passes three methods for bytes, so those three are what is overridden here.
"""

from typing import Any, Final

from tcpip_core import BaseClientOrServer, Client

from .._report import Event, Report, printable
from ._controller import MockDomeController

__all__ = ["OverheardClient", "OverheardController", "messages_in"]

TO_DEVICE: Final = ">"
TO_CLIENT: Final = "<"

_SHOWN: Final = 24
"""How much of a binary message is shown to a person (bytes)."""


def messages_in(direction: str, data: bytes, terminator: bytes = b"\r\n") -> list[Event]:
    r"""Return an event for each line in some bytes, and one for what is no line.

    Parameters
    ----------
    direction : str
        ``>`` client to device, ``<`` device to client.
    data : bytes
        What was read, or written, at once.
    terminator : bytes
        What ends a line.

    Returns
    -------
    list of Event
        Of kind ``message``, with ``text``, or ``hex`` for what is not a line of text.
    """
    *lines, rest = data.split(terminator) if data.endswith(terminator) else _head_and_rest(data, terminator)
    events = [_message(direction, line, is_line=True) for line in lines]
    return [*events, _message(direction, rest, is_line=False)] if rest else events


def _head_and_rest(data: bytes, terminator: bytes) -> list[bytes]:
    head, found, rest = data.partition(terminator)
    return [head, rest] if found else [data]


def _message(direction: str, data: bytes, *, is_line: bool) -> Event:
    common = {"direction": direction, "size": len(data)}
    try:
        if is_line:
            text = data.decode()
            return Event("message", printable(text), direction, common | {"text": text})
    except UnicodeDecodeError:
        pass
    shown = data[:_SHOWN].hex(" ") + (" ..." if len(data) > _SHOWN else "")
    return Event("message", f"{len(data)} bytes: {shown}", direction, common | {"hex": data.hex()})


class Overheard(BaseClientOrServer):
    """Adds a report of each message to a client or a server; goes before it among the base classes.

    Parameters
    ----------
    report : callable
        Takes the events.
    **kwargs
        For the client or server.
    """

    written_mark = TO_DEVICE
    read_mark = TO_CLIENT

    def __init__(self, *, report: Report, **kwargs: Any) -> None:
        self.report = report
        super().__init__(**kwargs)

    async def readuntil(self, separator: bytes = b"\n") -> bytes:
        """Read a line, and report it."""
        data = await super().readuntil(separator)
        self.overhear(self.read_mark, data)
        return data

    async def readexactly(self, n: int) -> bytes:
        """Read a structure, and report it."""
        data = await super().readexactly(n)
        self.overhear(self.read_mark, data)
        return data

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        """Report what is about to go out, and write it."""
        if self.connected:
            self.overhear(self.written_mark, bytes(data))
        await super().write(data)

    def overhear(self, mark: str, data: bytes) -> None:
        """Report some bytes."""
        for event in messages_in(mark, data, self.terminator):
            self.report(event)


class OverheardClient(Overheard, Client):
    """A client whose messages are reported."""


class OverheardController(Overheard, MockDomeController):
    """A controller whose messages are reported."""

    written_mark = TO_CLIENT
    read_mark = TO_DEVICE
