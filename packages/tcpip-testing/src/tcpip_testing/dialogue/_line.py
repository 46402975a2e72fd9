"""One connection of a dialogue: bytes in, messages out, delayed events on time; knows nothing of scripts."""

import asyncio
import heapq
import itertools
from collections import deque
from collections.abc import Sequence
from math import inf

from tcpip_core import close_stream_writer

from .._reset import reset_stream
from ..framing import Framing, Raw
from ._messages import Received, match_message, match_prefix, may_become, to_bytes
from ._steps import CloseKind, Event, Expect
from ._transcript import Transcript
from ._words import describe_expected, shown

__all__ = ["Line", "NoMatch"]

_CHUNK = 65536
"""How much is read at once (bytes)."""


class NoMatch(Exception):  # noqa: N818  Not an error yet: the player knows what it means.
    """A message came that fits nothing.

    Parameters
    ----------
    data : bytes
        The message.
    """

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.data = data


class Line:
    """A connection that is made.

    Parameters
    ----------
    reader, writer : asyncio streams
        The connection.
    framing : Framing
        How messages are told apart.
    encoding : str
        Text encoding.
    timeout : float
        How long the other side may take no data (seconds).
    transcript : Transcript
        Where everything is noted.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        framing: Framing,
        encoding: str,
        timeout: float,
        transcript: Transcript,
    ) -> None:
        self._reader, self._writer = reader, writer
        self._framing, self._encoding, self._timeout = framing, encoding, timeout
        self._transcript = transcript
        self._is_raw = isinstance(framing, Raw)
        self._decoder = framing.decoder()
        self._messages: deque[bytes] = deque()
        self._events: list[tuple[float, int, Event]] = []
        self._numbers = itertools.count()
        self._loop = asyncio.get_running_loop()
        self.is_over = False

    # In

    def take(self, expects: Sequence[Expect]) -> tuple[Expect, Received] | None:
        """Take the next message, with the first of what is expected that it fits; None if none has arrived.

        Raises
        ------
        NoMatch
            If it fits nothing. It is taken, too.
        """
        if not self._messages:
            return None
        data = self._messages.popleft()
        match = match_prefix if self._is_raw else match_message
        for one in expects:
            received = match(one.expected, data, self._encoding)
            if received is not None:
                if rest := data[len(received.data) :]:
                    self._messages.appendleft(rest)
                return one, received
        if self._is_raw and not self.is_over and any(may_become(one.expected, data, self._encoding) for one in expects):
            self._messages.appendleft(data)
            return None
        raise NoMatch(data)

    @property
    def is_exhausted(self) -> bool:
        """Whether the other side is done, and everything taken that it said."""
        return self.is_over and not self._messages

    @property
    def leftover(self) -> bytes:
        """What has arrived and nobody took, with what frames it."""
        return b"".join(map(self._framing.encode, self._messages)) + self._decoder.pending

    async def more(self, deadline: float) -> None:
        """Wait until something arrives, the other side is done, or an event was due, which is sent.

        Raises
        ------
        TimeoutError
            If nothing of that happens until the deadline (by the loop's clock).
        ConnectionError
            If an event could not be sent.
        ValueError
            If a message is too long.
        """
        due = self._events[0][0] if self._events else inf
        limit = min(due, deadline)
        scope = asyncio.timeout_at(None if limit == inf else limit)
        try:
            async with scope:
                data = await self._reader.read(_CHUNK)
        except TimeoutError as e:
            if not scope.expired():
                self._ended(e)
            elif due > deadline:
                raise
            else:
                _, _, event = heapq.heappop(self._events)
                await self.send(to_bytes(event.message, self._encoding))
        except ConnectionError as e:
            self._ended(e)
        else:
            self._arrived(data)

    def _arrived(self, data: bytes) -> None:
        if not data:
            self._ended(None)
            return
        messages = self._decoder.feed(data)
        for message in messages:
            self._transcript.note("<", shown(message, self._encoding))
        if self._is_raw:
            messages = [b"".join([*self._messages, *messages])]
            self._messages.clear()
        self._messages.extend(messages)

    def _ended(self, error: OSError | None) -> None:
        self._transcript.note("*", f"the program ended the connection: {type(error).__name__ if error else 'EOF'}")
        self.is_over = True

    # Out

    async def send(self, data: bytes) -> None:
        """Send a message.

        Raises
        ------
        ConnectionError
            If the connection is over, or the other side does not take it in time.
        ValueError
            If the framing cannot carry it.
        """
        self._writer.write(self._framing.encode(data))
        self._transcript.note(">", shown(data, self._encoding))
        try:
            async with asyncio.timeout(self._timeout):
                await self._writer.drain()
        except TimeoutError:
            raise ConnectionError(f"it took no data for {self._timeout:g} s") from None

    @property
    def has_events(self) -> bool:
        """Whether something is to be sent later."""
        return bool(self._events)

    def add_event(self, event: Event) -> None:
        """Send something later, as long as somebody waits in `more`."""
        heapq.heappush(self._events, (self._loop.time() + event.after, next(self._numbers), event))

    @property
    def unsent(self) -> list[str]:
        """Name the events whose time has not come."""
        return [describe_expected(event.message) for _, _, event in sorted(self._events)]

    # The end

    async def close(self, kind: CloseKind) -> None:
        """End the connection, within 2 s."""
        self._transcript.note("*", f"the script ends the connection: {kind.upper()}")
        self.is_over = True
        if kind == "rst":
            reset_stream(self._writer)
        await self.shut()

    async def shut(self) -> None:
        """Close the socket, if it is not closed, within 2 s."""
        await close_stream_writer(self._writer)

    def abort(self) -> None:
        """End the connection at once."""
        self._writer.transport.abort()
