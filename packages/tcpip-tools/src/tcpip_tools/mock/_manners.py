"""What a client of a mock meets: an echo, a sink, telemetry, or the replay of a recorded link."""

import asyncio
import contextlib
import itertools
import json
import math
import time
from collections.abc import Iterator
from typing import Final, Protocol

from tcpip_testing.framing import Framing

from .._guess import hint_for_framing
from .._lines import stamped
from .._payload import for_machines, quoted
from .._report import Event, Report, printable
from ._line import Line
from ._part import Moved, Part, Unknown
from ._script import End, Finish, Say, Script

__all__ = ["Echo", "Manner", "Replay", "Sink", "Telemetry"]

_SILENCE: Final = 1.0
"""After how long a request that has no end is spoken of (seconds)."""
_AHEAD: Final = 65_536
"""How much of what a client says is read while the device waits (bytes)."""
_MADE_UP_FOR: Final = 0.1
"""How much of the telemetry that a stalled client has held up is said at once (seconds)."""
_TOLD: Final = 100
"""How many unknown requests of a client are shown; the others are counted."""


class Manner(Protocol):
    """How clients are treated."""

    unknown: int
    """How many requests had no answer."""

    async def __call__(self, line: Line, report: Report) -> None:
        """Serve one client until the link is to be closed, or the client has left.

        Raises
        ------
        ConnectionError
            If the link is lost.
        """
        ...


class Echo:
    """Says what it hears."""

    unknown = 0

    async def __call__(self, line: Line, report: Report) -> None:
        """Serve one client."""
        while data := await line.read():
            await line.write(data)


class Sink:
    """Hears, and says nothing."""

    unknown = 0

    async def __call__(self, line: Line, report: Report) -> None:
        """Serve one client."""
        while await line.read():
            pass


class Telemetry:
    """Says something at a rate, and does not care what it hears.

    Parameters
    ----------
    rate : float
        How often (1/second).
    framing : Framing
        How messages are told apart.
    """

    unknown = 0

    def __init__(self, rate: float, framing: Framing) -> None:
        self._period = 1 / rate
        self._framing = framing

    async def __call__(self, line: Line, report: Report) -> None:
        """Serve one client."""
        saying = asyncio.create_task(self._say(line), name="telemetry")
        try:
            await Sink()(line, report)
        finally:
            saying.cancel()
            await asyncio.wait({saying})
            if not saying.cancelled():
                saying.exception()  # The link is lost, as the reader is told too.

    def message(self, number: int) -> bytes:
        """Return one message.

        Raises
        ------
        ValueError
            If the framing cannot carry it.
        """
        value = {"number": number, "time": round(time.time(), 6), "value": round(math.sin(number / 10), 6)}
        return self._framing.encode(json.dumps(value).encode())

    async def _say(self, line: Line) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        for number in itertools.count():
            await line.write(self.message(number))
            # A device measures at its rate: it has nothing to say of the time in which nobody listened.
            due = max(due + self._period, loop.time() - _MADE_UP_FOR)
            await asyncio.sleep(due - loop.time())


class Replay:
    """Plays the device of a transcript: to each client the next recorded link, after the last one the first.

    Parameters
    ----------
    scripts : list of Script
        The links; one or more.
    framing : Framing
        How requests are told apart.
    encoding : str
        Of text.
    pace : float
        What the recorded waits are multiplied by; 0 leaves them out.
    """

    def __init__(self, scripts: list[Script], framing: Framing, encoding: str, pace: float) -> None:
        self._scripts = scripts
        self._next: Iterator[Script] = itertools.cycle(scripts)
        self._framing = framing
        self._encoding = encoding
        self._pace = pace
        self.unknown = 0
        self.known = 0

    async def __call__(self, line: Line, report: Report) -> None:
        """Serve one client."""
        part = Part(next(self._next), self._framing)
        telling = _Telling(line, report, self._framing, self._encoding)
        try:
            while await self._play(part, line, telling):
                if not (data := await self._hear(part, line, telling)):
                    break
                part.hear(data)
        finally:
            self.known += part.known
            self.unknown += telling.unknown

    async def _hear(self, part: Part, line: Line, telling: "_Telling") -> bytes:
        if not part.pending:
            return await line.read()
        reading = asyncio.ensure_future(line.read())
        data = b""
        try:
            await asyncio.wait({reading}, timeout=_SILENCE)
            if not reading.done():
                telling.of_the_rest(part.pending)
            data = await reading
        finally:
            reading.cancel()
            if not data:
                telling.of_the_rest(part.pending)
        return data

    async def _play(self, part: Part, line: Line, telling: "_Telling") -> bool:
        """Do what the device does until it waits for the client; return False if it has ended the link."""
        try:
            while (move := part.next()) is not None:
                match move:
                    case Say(delay, payload):
                        await self._wait(delay, part, line)
                        await line.write(payload)
                    case Finish(delay):
                        await self._wait(delay, part, line)
                        line.finish()
                    case End(delay, is_reset):
                        await self._wait(delay, part, line)
                        if is_reset:
                            line.reset()
                        return False
                    case Moved():
                        telling.of_a_move(move)
                    case Unknown():
                        telling.of_an_unknown(move)
        except ValueError as e:
            telling.of_too_much(e)
            return False
        return True

    async def _wait(self, delay: float, part: Part, line: Line) -> None:
        """Wait as the device did; not for a client that has ended its half: it may have left, and holds the place."""
        if not (delay := delay * self._pace):
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(delay):
                while len(part.pending) < _AHEAD:
                    if not (data := await line.read()):
                        return
                    part.hear(data)
                await asyncio.sleep(delay)


class _Telling:
    """Says what is odd about what one client asks."""

    def __init__(self, line: Line, report: Report, framing: Framing, encoding: str) -> None:
        self._line = line
        self._report = report
        self._framing = framing
        self._encoding = encoding
        self._moves = 0
        self._pending = b""
        self.unknown = 0

    def of_a_move(self, move: Moved) -> None:
        """Tell of a request that came out of order; a person hears of the first one."""
        self._moves += 1
        text = f"{quoted(move.payload, self._encoding)} came out of order: the replay goes on where it was recorded"
        self._tell("moved", text if self._moves == 1 else "", move.payload, "-")

    def of_an_unknown(self, unknown: Unknown) -> None:
        """Tell of a request that was not recorded, and what is nearest to it."""
        self.unknown += 1
        if self.unknown > _TOLD:
            return
        text = f"{quoted(unknown.payload, self._encoding)} was not recorded, and is not answered"
        if unknown.nearest is None:
            self._tell("unknown", f"{text}; no request was", unknown.payload, "!")
            return
        text += f"; nearest is {quoted(unknown.nearest, self._encoding)}, {unknown.likeness:.0%} the same"
        near = for_machines(unknown.nearest, self._encoding)
        data: dict[str, object] = {"nearest": near, "likeness": round(unknown.likeness, 3)}
        self._tell("unknown", text, unknown.payload, "!", data)
        if self.unknown == 1 and self._is_text(unknown.payload):
            hint = (
                "to have it answered record it too (tcpip tap), or write a mock of your own (tcpip mock pkg.mod:Class)"
            )
            self._report(Event("hint", f"  {hint}", "-", {"text": hint}, is_aside=True))

    def of_the_rest(self, pending: bytes) -> None:
        """Tell of bytes that are no whole request; once for the same ones."""
        if pending and pending != self._pending:
            self._pending = pending
            self._tell("pending", printable(hint_for_framing(pending, str(self._framing))), pending, "!")

    def of_too_much(self, error: ValueError) -> None:
        """Tell why the link is closed."""
        self.unknown += 1
        self._tell("unknown", f"{error}; is {self._framing} the right --framing? The link is closed", b"", "!")

    def _is_text(self, payload: bytes) -> bool:
        with contextlib.suppress(UnicodeError):
            return payload.decode(self._encoding).isprintable()
        return False

    def _tell(self, kind: str, text: str, payload: bytes, mark: str, data: dict[str, object] | None = None) -> None:
        shown = stamped(f"{mark} client {self._line.number}: {text}") if text else ""
        machine = for_machines(payload[:10_000], self._encoding, client=self._line.number) | (data or {})
        self._report(Event(kind, shown, mark, machine, is_aside=True))
