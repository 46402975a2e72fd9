"""Dialogues over a simulated link that delays each message, and cuts it anywhere."""

from __future__ import annotations

import asyncio
import re

import pytest

from tcpip_core import close_stream_writer
from tcpip_testing.dialogue import Dialogue, DialogueError, any_time, close, event, greet, reconnect
from tcpip_testing.sim import Simulation, sim_run

SCRIPT = Dialogue(
    greet("READY"),
    any_time(("?", "ok")),
    (re.compile(r"SET (\d+)"), r"OK \1"),
    event("ALARM", after=3600),
    ({"id": 1}, {"ack": 1}),
    close("fin"),
    reconnect(),
    ("BYE",),
    framing="crlf",
)


async def program(host: str, port: int) -> None:
    """Talk as the script says."""
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(b'?\r\nSET 5\r\n?\r\n{"id": 1}\r\n')
    assert b'READY\r\nok\r\nOK 5\r\nok\r\n{"ack": 1}\r\nALARM\r\n' == await reader.read()
    await close_stream_writer(writer)
    _, writer = await asyncio.open_connection(host, port)
    writer.write(b"BYE\r\n")
    await writer.drain()
    await close_stream_writer(writer)


@pytest.mark.parametrize("seed", range(10))
def test_latency_and_segments_change_nothing(seed: int) -> None:
    """A dialogue is about what is said, and an hour of waiting is none."""

    async def main(sim: Simulation) -> None:
        with sim.on(sim.add_host("dome", "10.1.1.1")):
            device = SCRIPT.serve("dome", 5000)
            await device.start()
        with sim.on(sim.add_host("control", "10.1.1.2")):
            await program("dome", 5000)
        await device.stop()
        assert 3600 < sim.time < 3700

    sim_run(main, seed=seed, latency=(0.001, 0.2), split=0.7)


def test_a_dialogue_over_a_link_that_is_cut_ends() -> None:
    """A message that never arrives is missing after the time-out, in virtual time."""

    async def main(sim: Simulation) -> None:
        dome, control = sim.add_host("dome", "10.1.1.1"), sim.add_host("control", "10.1.1.2")
        with sim.on(dome):
            device = Dialogue(("a", "1"), ("b", "2"), framing="lf", timeout=60).serve("dome", 5000)
            await device.start()
        with sim.on(control):
            reader, writer = await asyncio.open_connection("dome", 5000)
            writer.write(b"a\n")
            assert b"1\n" == await reader.readline()
            sim.link(dome, control).cut()
            writer.write(b"b\n")
        with pytest.raises(DialogueError, match="nothing came within 60 s"):
            await device.stop()
        writer.transport.abort()

    sim_run(main)
