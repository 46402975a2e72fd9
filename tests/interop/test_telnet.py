"""``telnet`` speaks to our servers: it sends lines with CR LF, and shows CR LF as a new line."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tcpip_core import DEFAULT_LOCALHOST
from tests.interop._conversations import questions, see_answers, talk_line_by_line
from tests.interop._instrument import Instrument
from tests.interop._processes import Talker, talking
from tests.interop._programs import TELNET, path
from tests.interop._tally import Tally

pytestmark = pytest.mark.interop(TELNET)

NEWLINES = (b"\n", b"\r\n")
"""How telnet shows CR LF: the second way where the two came to it in different segments."""


@asynccontextmanager
async def connected(log: logging.Logger) -> AsyncIterator[tuple[Talker, Instrument]]:
    """Give telnet, connected to an instrument whose lines end with CR LF."""
    async with Instrument(log=log, terminator=b"\r\n") as server:
        async with talking([path(TELNET), DEFAULT_LOCALHOST, str(server.port)]) as program:
            shown = [await program.read_line() for _ in range(3)]
            assert b"Connected to 127.0.0.1.\n" in shown, shown
            yield program, server


async def test_lines_are_answered_one_by_one(log: logging.Logger, tally: Tally) -> None:
    """What a person types is answered before the next line is typed; no byte of telnet's own is among it."""
    async with connected(log) as (program, server):
        await talk_line_by_line(program, server, tally, NEWLINES)


async def test_pasted_lines_are_all_answered_and_then_the_server_says_bye(log: logging.Logger, tally: Tally) -> None:
    """Lines that come at once are answered in order; when the server closes, telnet ends by itself.

    The last line is typed when all answers are there: where telnet meets the end of the link it drops what its
    terminal has not taken yet (inetutils 2.4, also from a plain socket).
    """
    async with connected(log) as (program, server):
        asked = [line for line, _ in questions()]
        async with asyncio.TaskGroup() as group:
            group.create_task(program.write("".join(f"{line}\n" for line in asked).encode()))
            await see_answers(program, tally, NEWLINES)
        await program.write(b"BYE\n")
        assert (b"", 0) == await program.read_to_end()
        assert [*asked, "BYE"] == server.received
