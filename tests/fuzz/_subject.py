"""The server under test: one that parses text, JSON and structures, and notes what it made of each message."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import tcpip_core
from tests.fuzz._codec import Reading
from tests.fuzz._grammar import FRAME_SIZE, Dialect, Event

__all__ = ["Logbook", "Parser"]


class Logbook(logging.Handler):
    """Counts what the server logs, and keeps the length of the longest record and what has no business there."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.longest = ""
        self.strange: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Look at one record."""
        self.count += 1
        text = record.getMessage()
        if len(text) > len(self.longest):
            self.longest = text
        if record.exc_info is not None or record.levelno > logging.ERROR:
            self.strange.append(f"{text}: {record.exc_info and record.exc_info[1]!r}")


class Parser(tcpip_core.OneClientReadLoopServer):
    """Reads a line, and what the line announces; replies ``ok`` if the dialect says so."""

    def __init__(self, log: logging.Logger, **kwargs: Any) -> None:
        self.dialect = Dialect("utf-8", b"\r\n", tolerant=True, replies=True)
        self.events: list[Event] = []
        self.changes: list[bool] = []
        super().__init__(
            port=0,
            log=log,
            connect_callback=Parser.note_change,
            limits=tcpip_core.Limits(frame_size=FRAME_SIZE),
            **kwargs,
        )

    def speak(self, dialect: Dialect) -> None:
        """Take over a dialect."""
        self.dialect, self.encoding, self.terminator = dialect, dialect.encoding, dialect.terminator

    async def note_change(self) -> None:
        """Note what the connect callback is told."""
        self.changes.append(self.connected)

    async def read_and_dispatch(self) -> None:
        """Read one message; get over a bad one if the dialect is tolerant."""
        try:
            self.events.append(await self._message())
        except UnicodeError:
            self.events.append(("bad text", None))
            if not self.dialect.tolerant:
                raise
        except json.JSONDecodeError:
            self.events.append(("bad JSON", None))
            if not self.dialect.tolerant:
                raise
        except asyncio.LimitOverrunError:
            self.events.append(("too long", None))
            if not self.dialect.tolerant:
                raise
            await self._skip_line()
        if self.dialect.replies:
            await self.write_str("ok")

    async def _message(self) -> Event:
        line = await self.read_str()
        if line == "J":
            return "json", repr(await self.read_json())
        if line == "S":
            return "structure", bytes(await self.read_into(Reading()))
        return "text", line

    async def _skip_line(self) -> None:
        while True:
            try:
                await self.readuntil(self.terminator)
            except asyncio.LimitOverrunError as e:
                await self.readexactly(e.consumed)
            else:
                return
