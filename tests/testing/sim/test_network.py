"""Hosts, names, ports, and how a connection comes about or does not."""

from __future__ import annotations

import asyncio
import errno
import itertools
import logging
import socket
import ssl
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from tcpip_core import Client, OneClientServer
from tcpip_testing.sim import Simulation, sim_run

LOG = logging.getLogger("tcpip_tests")
PORT = 5000
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send back each line."""
    async for line in reader:
        writer.write(line)
        await writer.drain()
    writer.close()
    await writer.wait_closed()


async def ask(host: str, port: int, text: bytes) -> bytes:
    """Connect, send a line, and return the answer."""
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(text + b"\n")
    answer = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return answer


async def errno_of(awaitable: Awaitable[Any]) -> tuple[int | None, float]:
    """Return the error number that something ends with, and how long that took."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(OSError, match=r".") as e:
        await awaitable
    return e.value.errno, loop.time() - began


def test_streams_of_asyncio_talk_over_it() -> None:
    """Programs that know nothing of it run as they are."""

    async def main(sim: Simulation) -> None:
        async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            answers = await asyncio.gather(*(ask("localhost", port, b"%d" % number) for number in range(5)))
            assert answers == [b"%d\n" % number for number in range(5)]
        await server.wait_closed()

    sim_run(main)


@pytest.mark.parametrize("host", ["10.1.1.1", "dome", "fe80::1"])
def test_hosts_have_names_and_addresses(host: str) -> None:
    """A server of one host is reached from another one by any of them."""

    async def main(sim: Simulation) -> None:
        dome = sim.add_host("dome", "10.1.1.1", "fe80::1")
        control = sim.add_host("control", "10.1.1.2", "fe80::2")
        with sim.on(dome):
            server = await asyncio.start_server(echo, None, PORT)
        assert len(server.sockets) == 2
        with sim.on(control):
            assert await ask(host, PORT, b"open") == b"open\n"
            assert (await errno_of(ask("127.0.0.1", PORT, b"open")))[0] == errno.ECONNREFUSED
        server.close()
        await server.wait_closed()

    sim_run(main)


def test_what_is_made_inside_stays_on_that_host() -> None:
    """Tasks inherit their host, and a server's connections run on the server's."""

    async def main(sim: Simulation) -> None:
        seen: list[str] = []

        async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            seen.append(sim.host.name)
            writer.close()

        with sim.on(sim.add_host("dome")):
            server = await asyncio.start_server(note, "dome", PORT)
        with sim.on(sim.add_host("control")):
            task = sim.loop.create_task(ask("dome", PORT, b""))
        await asyncio.wait({task})
        assert seen == ["dome"]
        server.close()
        await server.wait_closed()

    sim_run(main)


def test_a_port_where_nobody_listens_refuses_after_a_round_trip() -> None:
    async def main(sim: Simulation) -> None:
        sim.add_host("dome")
        with sim.on(sim.add_host("control")):
            number, time = await errno_of(ask("dome", PORT, b""))
        assert number == errno.ECONNREFUSED
        assert time == pytest.approx(0.2)

    sim_run(main, latency=0.1)


def test_a_cut_link_does_not_answer() -> None:
    async def main(sim: Simulation) -> None:
        dome, control = sim.add_host("dome"), sim.add_host("control")
        sim.link(dome, control).cut()
        with sim.on(control):
            assert (await errno_of(ask("dome", PORT, b""))) == (errno.ETIMEDOUT, 127.0)

    sim_run(main)


def test_a_link_that_comes_back_answers_the_next_attempt() -> None:
    async def main(sim: Simulation) -> None:
        dome, control = sim.add_host("dome"), sim.add_host("control")
        with sim.on(dome):
            server = await asyncio.start_server(echo, "dome", PORT)
        link = sim.link(dome, control)
        link.cut()
        sim.loop.call_later(4, link.restore)
        with sim.on(control):
            assert await ask("dome", PORT, b"hi") == b"hi\n"
        assert sim.time == pytest.approx(7, abs=0.1)
        server.close()
        await server.wait_closed()

    sim_run(main)


def test_an_address_of_nobody_is_unreachable() -> None:
    async def main(sim: Simulation) -> None:
        assert (await errno_of(ask("10.9.9.9", PORT, b"")))[0] == errno.EHOSTUNREACH
        with pytest.raises(socket.gaierror, match="not known"):
            await ask("nowhere", PORT, b"")

    sim_run(main)


def test_a_server_that_does_not_accept_lets_connections_wait() -> None:
    """The kernel connects them; a full queue does not answer."""

    async def main(sim: Simulation) -> None:
        server = await asyncio.start_server(echo, "127.0.0.1", PORT, backlog=1)
        sim.stop_accepting(server)
        first = sim.loop.create_task(ask("127.0.0.1", PORT, b"first"))
        await sim.advance(1)
        second = sim.loop.create_task(ask("127.0.0.1", PORT, b"second"))
        await sim.advance(1)
        assert len(sim.host.connections) == 2
        assert not first.done()
        sim.resume_accepting(server)
        assert await first == b"first\n"
        assert await second == b"second\n"
        server.close()
        await server.wait_closed()

    sim_run(main)


def test_ports_are_taken_once_and_free_again_after_close() -> None:
    async def main(sim: Simulation) -> None:
        server = await asyncio.start_server(echo, "127.0.0.1", PORT)
        assert (await errno_of(asyncio.start_server(echo, "127.0.0.1", PORT)))[0] == errno.EADDRINUSE
        assert (await errno_of(asyncio.start_server(echo, "10.9.9.9", PORT)))[0] == errno.EADDRNOTAVAIL
        server.close()
        assert not server.is_serving()
        server = await asyncio.start_server(echo, "127.0.0.1", PORT)
        server.close()
        assert (await errno_of(ask("127.0.0.1", PORT, b"")))[0] == errno.ECONNREFUSED

    sim_run(main)


def test_closing_a_server_resets_what_waits_and_keeps_what_was_accepted() -> None:
    async def main(sim: Simulation) -> None:
        server = await asyncio.start_server(echo, "127.0.0.1", PORT)
        reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
        await sim.advance(0.1)
        sim.stop_accepting(server)
        waiting, to_close = await asyncio.open_connection("127.0.0.1", PORT)
        await sim.advance(0.1)
        server.close()
        with pytest.raises(ConnectionResetError):
            await waiting.read()
        to_close.close()
        writer.write(b"still here\n")
        assert await reader.readline() == b"still here\n"
        writer.close()
        await server.wait_closed()

    sim_run(main)


def test_serve_forever_ends_when_cancelled() -> None:
    async def main(sim: Simulation) -> None:
        server = await asyncio.start_server(echo, "127.0.0.1", PORT, start_serving=False)
        task = sim.loop.create_task(server.serve_forever())
        await asyncio.sleep(0)
        assert await ask("127.0.0.1", PORT, b"a") == b"a\n"
        await sim.advance(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert server.sockets == ()

    sim_run(main)


def test_a_cancelled_connect_leaves_nothing() -> None:
    async def main(sim: Simulation) -> None:
        server = await asyncio.start_server(echo, "127.0.0.1", PORT)
        for turns in range(12):
            task = sim.loop.create_task(sim.loop.create_connection(asyncio.Protocol, "127.0.0.1", PORT))
            for _ in range(turns):
                await asyncio.sleep(0)
            await sim.advance(0.0001 * (turns % 2))
            task.cancel()
            await asyncio.wait({task})
            if not task.cancelled():
                task.result()[0].close()
            await sim.advance(100)
            assert sim.host.connections == {}
        server.close()
        await server.wait_closed()

    sim_run(main)


@pytest.mark.parametrize("keywords", [{"ssl": True}, {"sock": object()}])
def test_tls_and_real_sockets_are_refused(keywords: dict[str, Any]) -> None:
    async def main(sim: Simulation) -> None:
        with pytest.raises(NotImplementedError):
            await sim.loop.create_connection(asyncio.Protocol, "localhost", PORT, **keywords)
        with pytest.raises(NotImplementedError):
            await sim.loop.create_server(asyncio.Protocol, "localhost", PORT, **keywords)

    sim_run(main)


def test_tls_of_our_own_classes_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    """A client says so when it starts; a server, which upgrades who has connected, when somebody comes."""

    async def main(sim: Simulation) -> None:
        client = Client("127.0.0.1", PORT, LOG, ssl=ssl.create_default_context())
        with pytest.raises(NotImplementedError, match="TLS is not simulated"):
            await client.start_task
        server = OneClientServer("127.0.0.1", PORT, LOG, _told, ssl=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
        await server.start_task
        reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
        assert await reader.read() == b""
        assert "TLS needs sockets of the operating system" in caplog.text
        writer.close()
        await server.close()

    sim_run(main)


async def _told(_: object) -> None:
    pass


def test_a_keyword_that_asyncio_does_not_know_is_refused() -> None:
    """A program that is wrong must not pass here; what asyncio knows, and means nothing here, is taken."""

    async def main(sim: Simulation) -> None:
        known: Any = {"ssl_handshake_timeout": None, "flags": 0}
        wrong: Any = {"nodelay": True}
        server = await sim.loop.create_server(asyncio.Protocol, "localhost", PORT, reuse_port=True, **known)
        transport, _ = await sim.loop.create_connection(asyncio.Protocol, "localhost", PORT, interleave=1, **known)
        transport.close()
        server.close()
        with pytest.raises(TypeError, match="'nodelay'"):
            await sim.loop.create_connection(asyncio.Protocol, "localhost", PORT, **wrong)
        with pytest.raises(TypeError, match="'nodelay'"):
            await sim.loop.create_server(asyncio.Protocol, "localhost", PORT, **wrong)

    sim_run(main)


def test_two_hosts_of_one_name_or_address_are_refused() -> None:
    async def main(sim: Simulation) -> None:
        sim.add_host("dome", "10.0.0.1")
        with pytest.raises(ValueError, match="already"):
            sim.add_host("dome")
        with pytest.raises(ValueError, match="already"):
            sim.add_host("other", "10.0.0.1")

    sim_run(main)


async def _conversation(sim: Simulation) -> str:
    dome, control = sim.add_host("dome"), sim.add_host("control")
    with sim.on(dome):
        server = await asyncio.start_server(echo, "dome", PORT)
    link = sim.link(dome, control)
    with sim.on(control):
        reader, writer = await asyncio.open_connection("dome", PORT)
    for number in range(100):
        if number == 50:
            link.stall(0.3)
        writer.write(b"%d\n" % number * (1 + sim.random.randrange(30)))
        await reader.readline()
        await sim.advance(sim.random.random())
    writer.close()
    server.close()
    await sim.advance(1)
    return f"{sim.digest()} {len(sim.events)} {sim.time!r}"


@pytest.mark.parametrize(
    ("seed", "expected"),
    [
        (0, "06c516d2df9edce3 2604 50.95496608759083"),
        (1, "0c7e12ddd57f32ae 2817 47.95683426695081"),
        (2, "69f3ef942fed926b 2532 50.413762611860626"),
    ],
)
def test_a_seed_gives_the_same_run_on_every_python(seed: int, expected: str) -> None:
    """The events and the clock are those that were written down here, to the last digit."""
    assert expected == sim_run(_conversation, seed=seed, latency=(0.001, 0.02), split=0.5)


Main = Callable[[], Coroutine[Any, Any, None]]
Run = Callable[[Main], None]


def run_on_sockets(main: Main) -> None:
    """Run something in the real world."""
    asyncio.run(main())


BOTH_WORLDS = pytest.mark.parametrize("run", [sim_run, run_on_sockets])


def port_of(server: asyncio.Server) -> int:
    """Return the port of a server that has one."""
    port: int = server.sockets[0].getsockname()[1]
    return port


@BOTH_WORLDS
def test_a_port_on_all_addresses_is_taken_on_each(run: Run) -> None:
    """A second server would get what the first expects."""

    async def main() -> None:
        for first, second in itertools.permutations(("0.0.0.0", "127.0.0.1")):
            async with await asyncio.start_server(echo, first, 0) as server:
                with pytest.raises(OSError, match="address already in use") as caught:
                    await asyncio.start_server(echo, second, port_of(server))
                assert caught.value.errno == errno.EADDRINUSE

    run(main)


@BOTH_WORLDS
def test_the_address_of_all_is_oneself(run: Run) -> None:
    """It is what a server that listens everywhere shows as its address, so programs connect to it."""

    async def main() -> None:
        async with await asyncio.start_server(echo, "0.0.0.0", 0) as server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            assert writer.get_extra_info("peername") == ("127.0.0.1", port_of(server))
            writer.write_eof()
            assert await reader.read() == b""
            writer.close()
            await writer.wait_closed()

    run(main)


@BOTH_WORLDS
def test_a_server_that_does_not_serve_yet_refuses(run: Run) -> None:
    """With ``start_serving=False`` the port is taken, and nobody listens."""

    async def main() -> None:
        async with await asyncio.start_server(echo, "127.0.0.1", 0, start_serving=False) as server:
            with pytest.raises(ConnectionRefusedError):
                await ask("127.0.0.1", port_of(server), b"early")
            await server.start_serving()
            assert await ask("127.0.0.1", port_of(server), b"hello") == b"hello\n"

    run(main)


@BOTH_WORLDS
@pytest.mark.parametrize("port", [-1, 65_536])
def test_a_number_that_is_no_port_is_refused(run: Run, port: int) -> None:
    """What passes here must not fail on a real network."""

    async def main() -> None:
        with pytest.raises(OverflowError, match="65535"):
            await asyncio.start_server(echo, "127.0.0.1", port)
        with pytest.raises(OverflowError, match="65535"):
            await asyncio.open_connection("127.0.0.1", port)

    run(main)


@BOTH_WORLDS
@pytest.mark.parametrize("own", ["0.0.0.0", "127.0.0.1", "localhost"])
def test_a_client_chooses_its_own_address(run: Run, own: str) -> None:
    """By name, by number, or any."""

    async def main() -> None:
        async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
            _, writer = await asyncio.open_connection("127.0.0.1", port_of(server), local_addr=(own, 0))
            assert writer.get_extra_info("sockname")[0] == "127.0.0.1"
            writer.close()
            await writer.wait_closed()

    run(main)


@BOTH_WORLDS
@pytest.mark.parametrize("keyword", ["server_hostname", "ssl_handshake_timeout", "ssl_shutdown_timeout"])
def test_what_is_for_tls_is_refused_without_it(run: Run, keyword: str) -> None:
    """As asyncio does, so that it is noticed here."""

    async def main() -> None:
        wrong: Any = {keyword: "x"}
        with pytest.raises(ValueError, match=f"{keyword} is only meaningful with ssl"):
            await asyncio.open_connection("127.0.0.1", PORT, **wrong)

    run(main)


@BOTH_WORLDS
def test_a_server_listens_somewhere(run: Run) -> None:
    """Without a host and a port there is nowhere."""

    async def main() -> None:
        with pytest.raises(ValueError, match="Neither host/port nor sock were specified"):
            await asyncio.start_server(echo)

    run(main)


@BOTH_WORLDS
def test_the_socket_of_a_transport_is_that_of_asyncio(run: Run) -> None:
    """Programs look at it, and set what asyncio has set already."""

    async def main() -> None:
        async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
            host: Any = b"127.0.0.1"  # Typeshed does not know of it.
            _, writer = await asyncio.open_connection(host, port_of(server))
            sock = writer.get_extra_info("socket")
            assert sock.gettimeout() == 0
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE) == socket.SOCK_STREAM
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            sock.setblocking(False)
            sock.settimeout(0)
            with pytest.raises(ValueError, match="only 0 timeout"):
                sock.settimeout(1)
            with pytest.raises(ValueError, match="cannot be blocking"):
                sock.setblocking(True)
            writer.close()
            await writer.wait_closed()

    run(main)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="asyncio has all_errors since Python 3.12")
@BOTH_WORLDS
def test_all_errors_come_in_a_group(run: Run) -> None:
    """There may be one for each address."""

    async def main() -> None:
        port = port_of(closed := await asyncio.start_server(echo, "127.0.0.1", 0))
        closed.close()
        with pytest.raises(ExceptionGroup) as caught:
            await asyncio.open_connection("127.0.0.1", port, all_errors=True)
        assert isinstance(caught.value.exceptions[0], ConnectionRefusedError)

    run(main)


def test_a_name_of_a_service_is_refused() -> None:
    """Which port it stands for is another machine's affair."""

    async def main() -> None:
        with pytest.raises(socket.gaierror, match="a port in a simulation is a number, not 'http'"):
            await asyncio.open_connection("127.0.0.1", "http")

    sim_run(main)


def test_a_client_whose_protocol_cannot_be_made_hangs_up() -> None:
    """Nobody else could: there is no transport yet."""

    def fail() -> asyncio.Protocol:
        raise LookupError("no protocol")

    async def main(sim: Simulation) -> None:
        async with await asyncio.start_server(echo, "127.0.0.1", PORT):
            with pytest.raises(LookupError):
                await sim.loop.create_connection(fail, "127.0.0.1", PORT)
            await sim.advance(1)
            assert not sim.localhost.connections

    sim_run(main)


def test_ports_are_given_again_when_all_were_given() -> None:
    """A long run makes more connections than there are ports; those in use are left out."""

    async def main(sim: Simulation) -> None:
        host = sim.localhost
        async with await asyncio.start_server(echo, "127.0.0.1", PORT):
            _, writer = await asyncio.open_connection("127.0.0.1", PORT)
            first = writer.get_extra_info("sockname")[1]
            given = [host.free_port() for _ in range(60_000)]
            assert max(given) < 61_000
            assert first not in given
            writer.close()
            await writer.wait_closed()

    sim_run(main)


def test_each_direction_of_a_link_has_its_bandwidth_whoever_has_connected() -> None:
    """What two hosts send each other at the same time does not share a direction."""

    async def main(sim: Simulation) -> list[float]:
        one, other = sim.add_host("one"), sim.add_host("other")
        arrived: list[float] = []

        async def drain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            arrived.append(sim.time)
            writer.close()

        with sim.on(one):
            at_one = await asyncio.start_server(drain, "one", PORT)
        with sim.on(other):
            at_other = await asyncio.start_server(drain, "other", PORT)
            _, to_one = await asyncio.open_connection("one", PORT)
        with sim.on(one):
            _, to_other = await asyncio.open_connection("other", PORT)
        async with at_one, at_other:
            for writer in (to_one, to_other):
                writer.write(bytes(10_000))
                writer.close()
            await sim.advance(10)
        return arrived

    assert sim_run(main, bandwidth=10_000, latency=0) == pytest.approx([1, 1])
