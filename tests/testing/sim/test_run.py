"""Our own classes in a simulation, in as few lines as a user would write."""

from __future__ import annotations

import logging

import pytest

from tcpip_core import Client, LossReason
from tcpip_testing import TestOneClientReadLoopServer
from tcpip_testing.sim import Simulation, sim_run

LOG = logging.getLogger("tcpip_tests")


@pytest.mark.slow
def test_an_hour_of_heartbeats() -> None:
    """A link that is watched stays up for as long as both sides do their part."""

    async def main(sim: Simulation) -> None:
        async with TestOneClientReadLoopServer(port=0, log=LOG, run_heartbeat_monitor_task=True) as server:
            async with Client("127.0.0.1", server.port, LOG, run_heartbeat_send_task=True) as client:
                await sim.advance(3600)
                assert server.connected
                assert client.connected

    sim_run(main)


def test_a_missing_heartbeat_is_noticed_when_it_should() -> None:
    """The time is that of the argument, to the last digit."""

    async def main(sim: Simulation) -> None:
        async with TestOneClientReadLoopServer(
            port=0, log=LOG, run_heartbeat_monitor_task=True, max_heartbeat_interval=60
        ) as server:
            async with Client("127.0.0.1", server.port, LOG):
                await server.connected_task
                began = sim.time
                await sim.advance(59.9)
                assert server.connected
                await sim.advance(0.2)
                assert not server.connected
                assert server.loss_reason is LossReason.HEARTBEAT
                assert sim.time - began == pytest.approx(60.1)

    sim_run(main)


def test_a_partition_is_noticed_in_the_promised_time() -> None:
    """A link that is silent and idle is lost 11 s after its last sign of life."""

    async def main(sim: Simulation) -> None:
        dome, control = sim.add_host("dome"), sim.add_host("control")
        with sim.on(dome):
            server = TestOneClientReadLoopServer(port=5000, host="dome", log=LOG)
        with sim.on(control):
            await server.start_task
            client = Client("dome", 5000, LOG)
        await client.start_task
        await server.connected_task
        sim.link(dome, control).cut()
        await sim.advance(10.9)
        assert client.connected
        assert server.connected
        await sim.advance(0.2)
        assert client.loss_reason is LossReason.SILENT
        assert server.loss_reason is LossReason.SILENT
        await client.close()
        await server.close()

    sim_run(main)
