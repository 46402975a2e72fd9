"""Our client speaks to memcached by its text protocol, with text, binary and JSON values."""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Iterator

import pytest

from tcpip_core import DEFAULT_LOCALHOST, Client
from tests.interop._processes import Daemon
from tests.interop._programs import MEMCACHED
from tests.interop._servers import run_memcached
from tests.interop._tally import LEAST, Tally
from tests.support import soon

pytestmark = pytest.mark.interop(MEMCACHED)


@pytest.fixture(scope="module")
def memcached() -> Iterator[Daemon]:
    """Give a server that listens by TCP alone."""
    with run_memcached() as server:
        yield server


async def test_text_comes_back_in_order(memcached: Daemon, log: logging.Logger, tally: Tally) -> None:
    """Commands, values and answers are lines, all of them through `write_str` and `read_str`."""
    async with Client(DEFAULT_LOCALHOST, memcached.port, log) as client:
        for number in range(LEAST):
            text = f"{number} Kuppel Süd, 望遠鏡"
            size = len(text.encode())
            await soon(client.write_str(f"set text{number} {number} 0 {size}"))
            await soon(client.write_str(text))
            assert await soon(client.read_str()) == "STORED"
            await soon(client.write_str(f"get text{number}"))
            assert f"VALUE text{number} {number} {size}" == await soon(client.read_str())
            assert text == await soon(client.read_str())
            assert await soon(client.read_str()) == "END"
            tally.add(size + 35, size + 35)


async def test_binary_values_come_back_byte_for_byte(memcached: Daemon, log: logging.Logger, tally: Tally) -> None:
    """A value may hold the terminator, and whole answers: its length counts."""
    rng = random.Random(2)
    async with Client(DEFAULT_LOCALHOST, memcached.port, log) as client:
        for number in range(LEAST):
            value = b"END\r\n" + bytes([number % 256]) + rng.randbytes(200_000 if number % 100 == 0 else number)
            await soon(client.write(b"set binary 0 0 %d\r\n%b\r\n" % (len(value), value)))
            assert await soon(client.read_str()) == "STORED"
            await soon(client.write_str("get binary"))
            assert f"VALUE binary 0 {len(value)}" == await soon(client.read_str())
            assert value + b"\r\nEND\r\n" == await soon(client.readexactly(len(value) + 7))
            tally.add(len(value) + 34, len(value) + 36)


async def test_json_comes_back_as_the_same_value(memcached: Daemon, log: logging.Logger, tally: Tally) -> None:
    """`write_json` writes a value with the terminator that memcached wants."""
    async with Client(DEFAULT_LOCALHOST, memcached.port, log) as client:
        for number in range(LEAST):
            data = {"number": number, "azimuth": number / 7, "name": "Süd", "flags": [True, None]}
            size = len(json.dumps(data))
            await soon(client.write_str(f"set json 0 0 {size}"))
            await soon(client.write_json(data))
            assert await soon(client.read_str()) == "STORED"
            await soon(client.write_str("get json"))
            assert f"VALUE json 0 {size}" == await soon(client.read_str())
            assert data == await soon(client.read_json())
            assert await soon(client.read_str()) == "END"
            tally.add(size + 32, size + 32)


async def test_counter_shows_that_no_command_is_lost(memcached: Daemon, log: logging.Logger, tally: Tally) -> None:
    """All commands go out as one write; the server counts them."""
    async with Client(DEFAULT_LOCALHOST, memcached.port, log) as client:
        await soon(client.write_str("set counter 0 0 1\r\n0"))
        assert await soon(client.read_str()) == "STORED"
        await soon(client.writelines([b"incr counter 1\r\n"] * LEAST))
        for number in range(1, LEAST + 1):
            assert f"{number}" == await soon(client.read_str())
            tally.add(16, len(str(number)) + 2)
