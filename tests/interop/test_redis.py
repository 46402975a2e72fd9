"""Our client speaks to a Redis server: inline commands, binary-safe values, JSON, structures, pipelines."""

from __future__ import annotations

import ctypes
import json
import logging
import random
from collections.abc import Iterator

import pytest

from tcpip_core import DEFAULT_LOCALHOST, Client
from tests.interop._processes import Daemon
from tests.interop._programs import REDIS
from tests.interop._servers import run_redis
from tests.interop._tally import LEAST, Tally
from tests.support import soon

pytestmark = pytest.mark.interop(REDIS)


@pytest.fixture(scope="module")
def redis() -> Iterator[Daemon]:
    """Give a server that keeps everything in memory."""
    with run_redis() as server:
        yield server


def packed(*parts: bytes) -> bytes:
    """Pack a command the binary-safe way: an array of bulk strings."""
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)


async def read_bulk(client: Client) -> bytes:
    """Read a bulk string."""
    size = await soon(client.read_str())
    assert size.startswith("$")
    return (await soon(client.readexactly(int(size[1:]) + 2)))[:-2]


async def test_inline_commands_are_answered_in_order(redis: Daemon, log: logging.Logger, tally: Tally) -> None:
    """A line of text there, a line of text back: a counter shows that none was lost or doubled."""
    async with Client(DEFAULT_LOCALHOST, redis.port, log) as client:
        await soon(client.write_str("DEL counter"))
        assert await soon(client.read_str()) in {":0", ":1"}
        for number in range(1, LEAST + 1):
            await soon(client.write_str("INCR counter"))
            assert f":{number}" == await soon(client.read_str())
            tally.add(14, len(str(number)) + 3)


async def test_text_of_every_script_comes_back(redis: Daemon, log: logging.Logger, tally: Tally) -> None:
    """What is encoded here is decoded here: Redis keeps the bytes."""
    async with Client(DEFAULT_LOCALHOST, redis.port, log) as client:
        for number in range(LEAST):
            text = f"{number} Kuppel Süd, θ = 12.5°, 望遠鏡, 🔭"
            await soon(client.write_str(f'ECHO "{text}"'))
            size = await soon(client.read_str())
            assert (f"${len(text.encode())}", text) == (size, await soon(client.read_str()))
            tally.add(len(text.encode()) + 9, len(text.encode()) + len(size) + 4)


async def test_binary_values_come_back_byte_for_byte(redis: Daemon, log: logging.Logger, tally: Tally) -> None:
    """Any byte at any place, terminators included, of any size: what the frames say counts, not what is in them."""
    rng = random.Random(2)
    async with Client(DEFAULT_LOCALHOST, redis.port, log) as client:
        for number in range(LEAST):
            value = b"\r\n" + bytes([number % 256]) + rng.randbytes(200_000 if number % 100 == 0 else number)
            setting, getting = packed(b"SET", b"binary", value), packed(b"GET", b"binary")
            await soon(client.write(setting))
            assert await soon(client.read_str()) == "+OK"
            await soon(client.write(getting))
            assert value == await read_bulk(client)
            tally.add(len(setting) + len(getting), len(value) + 12)


async def test_json_comes_back_as_the_same_value(redis: Daemon, log: logging.Logger, tally: Tally) -> None:
    """`write_json` ends a bulk string as Redis wants it, and `read_json` takes it from there."""
    async with Client(DEFAULT_LOCALHOST, redis.port, log) as client:
        for number in range(LEAST):
            data = {"number": number, "azimuth": number / 7, "name": "Süd", "flags": [True, None], "text": 'a"b\r\nc'}
            size = len(json.dumps(data))
            await soon(client.write(b"*3\r\n$3\r\nSET\r\n$4\r\njson\r\n$%d\r\n" % size))
            await soon(client.write_json(data))
            assert await soon(client.read_str()) == "+OK"
            await soon(client.write_str("GET json"))
            assert f"${size}" == await soon(client.read_str())
            assert data == await soon(client.read_json())
            tally.add(size + 50, size + 15)


class Status(ctypes.LittleEndianStructure):
    """A status as controllers send it."""

    _pack_ = 1
    _fields_ = [("number", ctypes.c_uint32), ("azimuth", ctypes.c_double), ("moving", ctypes.c_bool)]


async def test_structures_come_back_as_the_same_fields(redis: Daemon, log: logging.Logger, tally: Tally) -> None:
    """`write_from` puts a structure into a value, `read_into` takes it out."""
    size = ctypes.sizeof(Status)
    async with Client(DEFAULT_LOCALHOST, redis.port, log) as client:
        for number in range(LEAST):
            await soon(client.write(b"*3\r\n$3\r\nSET\r\n$6\r\nstatus\r\n$%d\r\n" % size))
            await soon(client.write_from(Status(number, number / 7, number % 2 == 0)))
            await soon(client.write_str("\r\nGET status"))
            assert await soon(client.read_str()) == "+OK"
            assert f"${size}" == await soon(client.read_str())
            status = await soon(client.read_into(Status()))
            assert (number, number / 7, number % 2 == 0) == (status.number, status.azimuth, status.moving)
            assert await soon(client.read_str()) == ""
            tally.add(size + 48, size + 12)


async def test_pipelined_commands_are_answered_in_order(redis: Daemon, log: logging.Logger, tally: Tally) -> None:
    """All commands go out as one write, before any answer is read."""
    values = [b"%d\r\n\0\xff" % number for number in range(LEAST)]
    commands = [packed(b"ECHO", value) for value in values]
    async with Client(DEFAULT_LOCALHOST, redis.port, log) as client:
        await soon(client.writelines(commands))
        for value, command in zip(values, commands, strict=True):
            assert value == await read_bulk(client)
            tally.add(len(command), len(value) + 6)


async def test_published_messages_arrive_in_order(redis: Daemon, log: logging.Logger, tally: Tally) -> None:
    """One client hears what another says, without asking: telemetry through a broker."""
    async with (
        Client(DEFAULT_LOCALHOST, redis.port, log, name="hears") as hears,
        Client(DEFAULT_LOCALHOST, redis.port, log, name="says") as says,
    ):
        await soon(hears.write_str("SUBSCRIBE telemetry"))
        for expected in ("*3", "$9", "subscribe", "$9", "telemetry", ":1"):
            assert expected == await soon(hears.read_str())
        for number in range(LEAST):
            command = packed(b"PUBLISH", b"telemetry", b"%d" % number)
            await soon(says.write(command))
            assert await soon(says.read_str()) == ":1"
            assert await soon(hears.read_str()) == "*3"
            heard = [await read_bulk(hears) for _ in range(3)]
            assert [b"message", b"telemetry", b"%d" % number] == heard
            tally.add(len(command), 45)
