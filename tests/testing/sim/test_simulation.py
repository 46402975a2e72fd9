"""What a test does with its simulation: point at something and break it, look, let time pass."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import pytest

from tcpip_core import Client, LossReason, OneClientServer
from tcpip_testing.sim import Host, Simulation, sim_run

LOG = logging.getLogger("tcpip_tests")
PORT = 5000


class Link(NamedTuple):
    """A client and a server of ours, and a stream of asyncio beside them, on the same two hosts."""

    client: Client
    server: OneClientServer
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    hosts: tuple[Host, Host]


async def told(_: object) -> None:
    """Be a callback."""


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send back each line."""
    try:
        async for line in reader:
            writer.write(line)
    except OSError:
        pass
    writer.close()


@asynccontextmanager
async def connected(sim: Simulation) -> AsyncIterator[Link]:
    """Connect everything, and close it again."""
    dome, control = sim.add_host("dome"), sim.add_host("control")
    with sim.on(dome):
        plain = await asyncio.start_server(echo, "dome", PORT + 1)
        server = OneClientServer("dome", PORT, LOG, told)
        await server.start_task
    with sim.on(control):
        client = Client("dome", PORT, LOG)
        reader, writer = await asyncio.open_connection("dome", PORT + 1)
        await client.start_task
    await server.connected_task
    try:
        yield Link(client, server, reader, writer, (dome, control))
    finally:
        writer.transport.abort()
        plain.close()
        await client.close()
        await server.close()
        await sim.advance(100)


async def answers(link: Link) -> bool:
    """Tell whether the plain stream echoes within a second."""
    link.writer.write(b"hello?\n")
    try:
        async with asyncio.timeout(1):
            return bool(await link.reader.readline())
    except TimeoutError:
        return False


@pytest.mark.parametrize("which", ["client", "server", "writer", "transport"])
def test_a_connection_is_cut_by_whatever_has_it(which: str) -> None:
    """Only that one: the other between the same hosts goes on."""

    async def main(sim: Simulation) -> None:
        async with connected(sim) as link:
            has_ours = which in {"client", "server"}
            things: dict[str, Any] = {**link._asdict(), "transport": link.writer.transport}
            sim.cut(things[which])
            assert await answers(link) is has_ours
            await sim.advance(12)
            assert link.client.loss_reason is (LossReason.SILENT if has_ours else None)
            if not has_ours:
                sim.restore(things[which])
                assert await link.reader.readline() == b"hello?\n"

    sim_run(main)


def test_hosts_are_cut_off_and_restored() -> None:
    """Everything between them, also what is connected later."""

    async def main(sim: Simulation) -> None:
        async with connected(sim) as link:
            dome, control = link.hosts
            for cut in ((dome, control), (control, dome), (dome,)):
                sim.cut(*cut)
                assert not sim.link(dome, control).is_up
                with sim.on(control), pytest.raises(TimeoutError):
                    async with asyncio.timeout(1):
                        await asyncio.open_connection("dome", PORT + 1)
                sim.restore(*cut)
                assert sim.link(dome, control).is_up

    sim_run(main)


def test_a_partition_separates_groups_and_heals() -> None:
    """Hosts of one group still reach each other."""

    async def main(sim: Simulation) -> None:
        one, two, three, four = (sim.add_host(name) for name in ("one", "two", "three", "four"))
        sim.partition([one, two], [three], [four])
        up = {
            (a.name, b.name)
            for a in (one, two, three, four)
            for b in (one, two, three, four)
            if a.name < b.name and sim.link(a, b).is_up
        }
        assert up == {("one", "two")}
        sim.restore()
        assert sim.link(one, three).is_up

    sim_run(main)


def test_restoring_everything_restores_single_connections() -> None:
    """Whatever was cut, and however."""

    async def main(sim: Simulation) -> None:
        async with connected(sim) as link:
            sim.cut(link.writer)
            assert not await answers(link)
            sim.restore()
            assert await link.reader.readline() == b"hello?\n"

    sim_run(main)


def test_a_stalled_connection_is_late_and_loses_nothing() -> None:
    """Its data arrive when the stall is over."""

    async def main(sim: Simulation) -> None:
        async with connected(sim) as link:
            sim.stall(3, link.writer)
            began = sim.time
            link.writer.write(b"late\n")
            assert await link.reader.readline() == b"late\n"
            assert 3 <= sim.time - began < 3.01
            with pytest.raises(ValueError, match="0 or more"):
                sim.stall(-1, link.writer)

    sim_run(main)


def test_a_second_stall_lasts_if_it_is_longer() -> None:
    """Two faults at once are as bad as the worse one."""

    async def main(sim: Simulation) -> float:
        async with await asyncio.start_server(echo, "127.0.0.1", PORT):
            reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
            for duration in (1, 10, 3):
                sim.stall(duration, writer)
            writer.write(b"late\n")
            await reader.readline()
            writer.close()
            return sim.time

    assert sim_run(main, latency=0) == 10


def test_who_connects_while_a_link_is_stalled_is_late_by_that() -> None:
    """Nothing is lost, so nobody has to ask again a second later."""

    async def main(sim: Simulation) -> float:
        async with await asyncio.start_server(echo, "127.0.0.1", PORT):
            sim.stall(0.1, sim.localhost, sim.localhost)
            _, writer = await asyncio.open_connection("127.0.0.1", PORT)
            writer.close()
            return sim.time

    assert sim_run(main) == pytest.approx(0.1 + 0.0005)


@pytest.mark.parametrize("duration", [-1, float("nan"), float("inf")])
def test_a_stall_is_finite(duration: float) -> None:
    """What lasts for ever is a cut."""

    async def main(sim: Simulation) -> None:
        with pytest.raises(ValueError, match="0 or more, and finite"):
            sim.stall(duration, sim.localhost, sim.localhost)

    sim_run(main)


@pytest.mark.parametrize("groups", [[], [["a"]], [["a", "b"], ["a"]]])
def test_a_partition_has_groups_without_a_host_in_common(groups: list[list[str]]) -> None:
    """Otherwise it would cut nothing, or a host from itself."""

    async def main(sim: Simulation) -> None:
        hosts = {name: sim.add_host(name) for name in "ab"}
        with pytest.raises(ValueError, match="two or more groups of hosts"):
            sim.partition(*[[hosts[name] for name in group] for group in groups])

    sim_run(main)


def test_a_name_is_no_host() -> None:
    """It would cut nothing, and run code nowhere."""

    async def main(sim: Simulation) -> None:
        sim.add_host("dome")
        name: Any = "dome"
        with pytest.raises(TypeError, match="'dome' is no host"):
            sim.partition([name], [sim.localhost])
        with pytest.raises(TypeError, match="'dome' is no host"), sim.on(name):
            pass
        with pytest.raises(TypeError, match="'dome' is no host"):
            sim.link(name, sim.localhost)

    sim_run(main)


@pytest.mark.parametrize("name", ["", "127.0.0.1", "::1", 3, None])
def test_a_host_has_a_name(name: Any) -> None:
    """Nothing could connect to what has none, and an address has one meaning."""

    async def main(sim: Simulation) -> None:
        with pytest.raises(ValueError, match="a host has a name"):
            sim.add_host(name)

    sim_run(main)


def test_a_reset_reaches_both_ends() -> None:
    """As from a firewall that has had enough."""

    async def main(sim: Simulation) -> None:
        async with connected(sim) as link:
            sim.reset(link.client)
            await sim.settle()
            assert link.client.loss_reason is LossReason.RST
            assert link.server.loss_reason is LossReason.RST
            assert await answers(link)

    sim_run(main)


@pytest.mark.parametrize("call", [Simulation.cut, Simulation.reset])
def test_what_is_not_connected_cannot_be_broken(call: Callable[[Simulation, object], None]) -> None:
    """A fault that hits nothing would make a test pass for nothing."""

    async def main(sim: Simulation) -> None:
        async with connected(sim) as link:
            await link.client.close()
            link.writer.transport.abort()
            await sim.settle()
            for thing in (link.client, link.writer, link.writer.transport):
                with pytest.raises(ValueError, match="is not connected"):
                    call(sim, thing)
            for wrong in (5, "dome", None):
                with pytest.raises(TypeError, match="it must be a Client or server of tcpip-core, a StreamWriter"):
                    call(sim, wrong)

    sim_run(main)


def test_hosts_and_connections_do_not_mix() -> None:
    """Two things are two hosts."""

    async def main(sim: Simulation) -> None:
        async with connected(sim) as link:
            with pytest.raises(TypeError, match="two hosts"):
                sim.cut(link.client, link.hosts[0])
            wrong: Any = link.client
            with pytest.raises(TypeError, match="two hosts"):
                sim.cut(link.hosts[0], wrong)

    sim_run(main)


def test_a_server_that_accepts_nobody_lets_clients_wait() -> None:
    """One of ours or of asyncio; what is no server is refused."""

    async def main(sim: Simulation) -> None:
        server = OneClientServer("127.0.0.1", PORT, LOG, told)
        with pytest.raises(ValueError, match="does not listen"):
            sim.stop_accepting(server)
        await server.start_task
        sim.stop_accepting(server)
        client = Client("127.0.0.1", PORT, LOG)
        await client.start_task
        await sim.advance(3600)
        assert not server.connected
        sim.resume_accepting(server)
        await server.connected_task
        await client.close()
        await server.close()
        wrong: Any = "dome"
        with pytest.raises(TypeError, match="is no simulated server"):
            sim.stop_accepting(wrong)

    sim_run(main)


def test_a_backlog_that_is_full_does_not_answer() -> None:
    """As many as it takes are connected; the next one gives up after Linux's 127 s."""

    async def main(sim: Simulation) -> None:
        server = await asyncio.start_server(echo, "127.0.0.1", PORT, backlog=1)
        sim.stop_accepting(server)
        _, writer = await asyncio.open_connection("127.0.0.1", PORT)
        await sim.advance(1)
        began = sim.time
        with pytest.raises(OSError, match="Connect call failed") as e:
            await asyncio.open_connection("127.0.0.1", PORT)
        assert (e.value.errno, sim.time - began) == (errno.ETIMEDOUT, 127)
        writer.close()
        server.close()

    sim_run(main)


def test_merged_data_travel_in_one_piece() -> None:
    """A reader must not take what arrives at once for one message; nothing waits longer than 40 ms."""

    async def main(sim: Simulation) -> list[int | str]:
        async with connected(sim) as link:
            for _ in range(3):
                link.writer.write(b"hello\n")
            began = sim.time
            await sim.advance(1)
            came = [one for one in sim.events if one.kind == "data" and one.where.endswith("dome")]
            assert all(one.time - began < 0.05 for one in came)
            return [one.detail for one in came]

    assert sim_run(main, merge=1) == [18]
    assert sim_run(main, merge=0) == [6, 6, 6]


def test_merged_data_are_sent_before_the_end() -> None:
    """Who closes does not wait for more."""

    async def main(sim: Simulation) -> None:
        async with connected(sim) as link:
            link.writer.write(b"last words\n")
            link.writer.write_eof()
            assert await link.reader.read() == b"last words\n"

    sim_run(main, merge=1)


def test_a_linger_of_no_time_ends_with_rst() -> None:
    """The usual way for a program to send one."""

    async def main(sim: Simulation) -> None:
        async with connected(sim) as link:
            link.writer.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )
            link.writer.transport.abort()
            await sim.advance(1)
            assert any(one.kind == "fails" and one.detail == "ECONNRESET" for one in sim.events)

    sim_run(main)


def test_advance_lets_everything_happen_that_is_due() -> None:
    """What is set off by a timer of that very moment, too."""

    async def main(sim: Simulation) -> None:
        async def later() -> str:
            await asyncio.sleep(60)
            for _ in range(10):
                await asyncio.sleep(0)
            return "done"

        task = sim.loop.create_task(later())
        await asyncio.sleep(0)
        await sim.advance(60)
        assert task.done()
        for wrong in (-1, float("nan")):
            with pytest.raises(ValueError, match="0 or more"):
                await sim.advance(wrong)

    sim_run(main)


def test_several_tasks_advance_at_once() -> None:
    """Each waited for the other to be done, for ever."""

    async def main(sim: Simulation) -> list[str]:
        done: list[str] = []

        async def work(name: str, seconds: float) -> None:
            await sim.advance(seconds)
            done.append(name)

        async def chain() -> None:
            await asyncio.sleep(1)
            for _ in range(5):
                await asyncio.sleep(0)
            done.append("chain")

        await asyncio.gather(work("a", 1), work("b", 1), chain(), work("c", 1), work("d", 0.5))
        return done

    first, then, *others = sim_run(main)
    assert [first, then, *sorted(others)] == ["d", "chain", "a", "b", "c"]


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf")])
def test_time_advances_by_a_finite_time(seconds: float) -> None:
    """A clock at infinity would never move again."""

    async def main(sim: Simulation) -> None:
        with pytest.raises(ValueError, match="0 or more, and finite"):
            await sim.advance(seconds)
        assert sim.time == 0

    sim_run(main)


def test_events_of_the_world_are_no_timers_of_the_program() -> None:
    """So a test can tell what its subject has left behind."""

    async def main(sim: Simulation) -> None:
        seen: list[Any] = []
        sim.on_event(seen.append)
        sim.call_later(1, sim.note, "fault", "dome", 3)
        dropped = sim.call_later(1, sim.note, "never", "dome")
        dropped.cancel()
        own = sim.loop.call_later(5, print)
        assert sim.timers() == [own]
        own.cancel()
        await sim.advance(2)
        assert [(one.time, one.kind, one.detail) for one in sim.events] == [(1.0, "fault", 3)]
        assert seen == sim.events
        assert str(seen[0]) == "    1.000000  fault      dome 3"

    sim_run(main)


def test_bare_ends_do_what_no_program_can() -> None:
    """For peers that break the rules: both sides below asyncio."""

    async def main(sim: Simulation) -> None:
        dome = sim.add_host("dome", "10.1.1.1")
        listener = sim.listen(dome, PORT, lambda _: None)
        with sim.on(sim.add_host("control")):
            near = await sim.connect("dome", PORT)
        await sim.advance(1)
        far = listener.waiting.popleft()
        assert (near.peer, far.peer) == (far, near)
        assert near.send(b"data") == 4
        await sim.advance(1)
        assert far.receive(10) == b"data"
        near.interrupt()
        assert far.got_fin is False
        with pytest.raises(ConnectionResetError):
            near.receive(1)
        far.reset()
        near.close()

    sim_run(main)


def test_a_host_has_a_numeric_address_of_its_own() -> None:
    """A name that is taken, or an address that is none, is refused."""

    async def main(sim: Simulation) -> None:
        first = sim.add_host("first", "10.0.0.2")
        assert sim.add_host("second").addresses[-1] == "10.0.0.1"
        assert sim.add_host("third").addresses[-1] == "10.0.0.3"
        for name, address in (("first", "10.0.0.9"), ("other", "10.0.0.2"), ("other", "dome")):
            with pytest.raises(ValueError, match="address"):
                sim.add_host(name, address)
        with sim.on(first):
            assert sim.host is first
        assert sim.host is sim.localhost

    sim_run(main)


def test_the_current_simulation_is_that_of_the_running_loop() -> None:
    """Elsewhere the error says how to get one."""

    async def main(sim: Simulation) -> None:
        assert Simulation.current().loop is sim.loop
        assert repr(Simulation.current()) == "<Simulation seed=3 at 0.0 s>"

    sim_run(main, seed=3)

    async def real() -> None:
        Simulation.current()

    with pytest.raises(RuntimeError, match="is no simulated event loop: use sim_run, the marker tcpip_sim"):
        asyncio.run(real())
