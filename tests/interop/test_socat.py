"""``socat`` speaks to our servers: line by line, all at once through a pipe, and binary."""

from __future__ import annotations

import logging

import pytest

from tcpip_core import DEFAULT_LOCALHOST
from tests.interop._conversations import flood, talk_binary, talk_line_by_line
from tests.interop._instrument import BlockEcho, Instrument
from tests.interop._processes import talking
from tests.interop._programs import SOCAT, path
from tests.interop._tally import Tally

pytestmark = pytest.mark.interop(SOCAT)


def command(port: int | None) -> list[str]:
    """Connect; wait long for answers after the input has ended (``-t``): half a second is its habit."""
    return [path(SOCAT), "-t", "30", "-", f"TCP:{DEFAULT_LOCALHOST}:{port}"]


async def test_lines_are_answered_one_by_one(log: logging.Logger, tally: Tally) -> None:
    """What a person types is answered before the next line is typed."""
    async with Instrument(log=log) as server, talking(command(server.port)) as program:
        await talk_line_by_line(program, server, tally)
        program.write_eof()
        assert (b"", 0) == await program.read_to_end()


async def test_piped_lines_are_all_answered_although_their_sender_is_done(log: logging.Logger, tally: Tally) -> None:
    """``printf ... | socat -t 30 -``: the input ends, and with it the sending half, long before the last answer."""
    async with Instrument(log=log) as server, talking(command(server.port)) as program:
        await flood(program, server, tally)


async def test_binary_blocks_come_back_byte_for_byte(log: logging.Logger, tally: Tally) -> None:
    """socat changes nothing on the way, so any byte may be in a block."""
    async with BlockEcho(port=0, log=log) as server, talking(command(server.port)) as program:
        await talk_binary(program, tally)
        program.write_eof()
        assert (b"", 0) == await program.read_to_end()
