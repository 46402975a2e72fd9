"""What a client of a mock meets."""

from __future__ import annotations

import asyncio
import json
import socket

import pytest

from tcpip_testing.framing import parse_framing
from tcpip_tools.mock._line import Line
from tcpip_tools.mock._manners import Telemetry
from tests.support import IPV4, soon, until

RATE = 5000
"""Messages a second."""
STALL = 0.5
"""How long the client does not listen (seconds)."""


@pytest.mark.slow
@pytest.mark.asyncio(loop_factories=["asyncio"])
async def test_what_a_stalled_client_has_missed_does_not_come_in_a_burst() -> None:
    """It would look as if the device had measured faster."""
    with socket.create_server((IPV4, 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        client, client_writer = await asyncio.open_connection(*listener.getsockname(), limit=4096)
        reader, writer = await asyncio.open_connection(sock=listener.accept()[0])
    line = Line(reader, writer, None, 1)
    telling = asyncio.create_task(Telemetry(RATE, parse_framing("lf"))(line, lambda _: None))
    receiving = client_writer.transport
    assert isinstance(receiving, asyncio.Transport)
    receiving.pause_reading()
    high = writer.transport.get_write_buffer_limits()[1]
    await until(lambda: writer.transport.get_write_buffer_size() > high)
    await asyncio.sleep(STALL)
    receiving.resume_reading()
    times: list[float] = []
    ahead = None
    while ahead is None or len(times) < ahead + RATE * STALL / 2:
        message = json.loads(await soon(client.readline()))
        assert len(times) == message["number"]
        times.append(message["time"])
        if ahead is None and len(times) > 1 and times[-1] - times[-2] > STALL / 2:
            ahead = len(times)
    telling.cancel()
    await soon(asyncio.wait({telling}))
    client_writer.close()
    await soon(line.close())
    assert times[-1] - times[ahead - 1] > STALL / 4
