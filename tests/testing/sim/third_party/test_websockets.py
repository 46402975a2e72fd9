"""websockets, client and server, unchanged: its own pings notice a link that is silent."""

from __future__ import annotations

import pytest

from tcpip_testing.sim import Simulation, sim_run

client = pytest.importorskip("websockets.asyncio.client")
server = pytest.importorskip("websockets.asyncio.server")
exceptions = pytest.importorskip("websockets.exceptions")
PORT = 8765


def test_websockets_talks_and_notices_a_silent_link() -> None:
    """A ping after 20 s, and 20 s for its answer: without a wait."""

    async def main(sim: Simulation) -> None:
        async def echo(connection: object) -> None:
            async for message in connection:  # type: ignore[attr-defined]
                await connection.send(f"you said {message}")  # type: ignore[attr-defined]

        dome, control = sim.add_host("dome"), sim.add_host("control")
        with sim.on(dome):
            serving = await server.serve(echo, "dome", PORT)
        with sim.on(control):
            connection = await client.connect(f"ws://dome:{PORT}", proxy=None)
        await connection.send("hello")
        assert await connection.recv() == "you said hello"

        sim.cut(connection)
        began = sim.time
        with pytest.raises(exceptions.ConnectionClosedError):
            await connection.recv()
        assert 20 < sim.time - began < 60
        serving.close()
        await serving.wait_closed()
        await sim.advance(60)

    sim_run(main, latency="1ms..20ms", split=0.3, seeds=3)
