"""The rules of TCP, as programs on asyncio meet them."""

from __future__ import annotations

import asyncio
import errno
import itertools
import socket
from typing import Any

import pytest

from tcpip_core import Keepalive
from tcpip_testing.sim import Host, Simulation, sim_run
from tcpip_testing.sim._transport import SimTransport

PORT = 5000


class Recorder(asyncio.Protocol):
    """Notes what its transport tells."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.times: list[float] = []
        self.transport: SimTransport
        self.keep_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, SimTransport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.seen.append(data)
        self.times.append(asyncio.get_running_loop().time())

    def eof_received(self) -> bool:
        self.seen.append("eof")
        return self.keep_open

    def connection_lost(self, exc: Exception | None) -> None:
        self.seen.append("lost" if exc is None else getattr(exc, "errno", exc))
        self.times.append(asyncio.get_running_loop().time())

    def pause_writing(self) -> None:
        self.seen.append("pause")

    def resume_writing(self) -> None:
        self.seen.append("resume")

    @property
    def data(self) -> bytes:
        """All that came."""
        return b"".join(one for one in self.seen if isinstance(one, bytes))


class Buffered(asyncio.BufferedProtocol):
    """Takes data into a small buffer of its own."""

    def __init__(self) -> None:
        self.buffer = bytearray(7)
        self.data = b""

    def get_buffer(self, sizehint: int) -> bytearray:
        return self.buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.data += self.buffer[:nbytes]


class Pair:
    """Two hosts, one connection."""

    def __init__(self, sim: Simulation, near: Recorder, far: Recorder, hosts: tuple[Host, Host]) -> None:
        self.near, self.far = near, far
        self.link = sim.link(*hosts)

    def close(self) -> None:
        self.near.transport.abort()
        self.far.transport.abort()


async def connect(sim: Simulation, protocol: Any = Recorder) -> Pair:
    """Connect two hosts, the near one to the far one."""
    near_host, far_host = sim.add_host("near"), sim.add_host("far")
    accepted: list[Recorder] = []

    def accept() -> Recorder:
        accepted.append(Recorder())
        return accepted[-1]

    with sim.on(far_host):
        server = await sim.loop.create_server(accept, "far", PORT)
    with sim.on(near_host):
        _, near = await sim.loop.create_connection(protocol, "far", PORT)
    while not accepted or not hasattr(accepted[0], "transport"):
        await sim.advance(0.001)
    server.close()
    return Pair(sim, near, accepted[0], (near_host, far_host))


def run(main: Any, **settings: Any) -> Any:
    """Run with settings of the link."""
    return sim_run(main, **settings)


def test_data_take_the_latency_of_the_link() -> None:
    async def main(sim: Simulation) -> None:
        pair = await connect(sim)
        began = sim.time
        pair.near.transport.write(b"hello")
        await sim.advance(1)
        assert pair.far.seen == [b"hello"]
        assert pair.far.times == [began + 0.25]
        pair.close()

    run(main, latency=0.25)


def test_bandwidth_spreads_data_over_time() -> None:
    async def main(sim: Simulation) -> None:
        pair = await connect(sim)
        began = sim.time
        pair.near.transport.write(b"x" * 1000)
        await sim.advance(5)
        assert pair.far.data == b"x" * 1000
        assert pair.far.times[-1] - began == pytest.approx(2.0)
        pair.close()

    run(main, latency=0.0, bandwidth=500.0, segment_size=100)


def test_segments_are_cut_but_stay_in_order_at_strictly_increasing_times() -> None:
    async def main(sim: Simulation) -> None:
        pair = await connect(sim)
        text = bytes(range(200)) * 10
        pair.near.transport.write(text)
        await sim.advance(1)
        assert pair.far.data == text
        assert len(pair.far.times) > 1
        assert all(one < other for one, other in itertools.pairwise(pair.far.times))
        pair.close()

    run(main, latency=(0.001, 0.1), split=0.9)


def test_what_is_not_read_is_received_in_one_piece() -> None:
    async def main(sim: Simulation) -> None:
        pair = await connect(sim)
        pair.far.transport.pause_reading()
        assert not pair.far.transport.is_reading()
        for _ in range(3):
            pair.near.transport.write(b"abc")
            await sim.advance(0.1)
        assert pair.far.seen == []
        pair.far.transport.resume_reading()
        await sim.settle()
        assert pair.far.seen == [b"abcabcabc"]
        pair.close()

    run(main)


def test_a_buffered_protocol_gets_as_much_as_its_buffer_takes() -> None:
    async def main(sim: Simulation) -> None:
        host = sim.add_host("far")
        protocol = Buffered()
        with sim.on(host):
            server: Any = await sim.loop.create_server(lambda: protocol, "far", PORT)
        transport, _ = await sim.loop.create_connection(Recorder, "far", PORT)
        transport.write(b"0123456789" * 3)
        await sim.advance(1)
        assert protocol.data == b"0123456789" * 3
        transport.abort()
        server.close_clients()
        server.close()
        await server.wait_closed()

    run(main)


def test_a_receiver_that_does_not_read_stops_the_sender() -> None:
    """First its own buffer fills, then the sender's kernel, then the transport, which pauses its protocol."""

    async def main(sim: Simulation) -> None:
        pair = await connect(sim)
        pair.far.transport.pause_reading()
        pair.near.transport.set_write_buffer_limits(high=500, low=100)
        for _ in range(4):
            pair.near.transport.write(b"x" * 250)
            await sim.advance(1)
        assert pair.near.seen == []
        assert pair.near.transport.get_write_buffer_size() == 0
        pair.near.transport.write(b"y" * 1000)
        await sim.advance(1)
        assert pair.near.seen == ["pause"]
        assert pair.near.transport.get_write_buffer_size() == 600
        pair.far.transport.resume_reading()
        await sim.advance(1)
        assert pair.near.seen == ["pause", "resume"]
        assert pair.far.data == b"x" * 1000 + b"y" * 1000
        pair.close()

    run(main, window=1000, send_buffer=400)


def test_slow_start_doubles_with_each_round_trip() -> None:
    async def main(sim: Simulation) -> None:
        pair = await connect(sim)
        began = sim.time
        pair.near.transport.write(b"x" * 700)
        await sim.advance(5)
        assert [round(time - began, 6) for time in pair.far.times] == [0.1, 0.3, 0.3, 0.5, 0.5, 0.5, 0.5]
        pair.close()

    run(main, latency=0.1, initial_window=100, segment_size=100)


def test_close_sends_fin_after_the_data() -> None:
    async def main(sim: Simulation) -> None:
        pair = await connect(sim)
        pair.near.transport.write(b"last words")
        pair.near.transport.close()
        assert pair.near.transport.is_closing()
        await sim.advance(1)
        assert pair.far.seen == [b"last words", "eof", "lost"]
        assert pair.near.seen == ["lost"]

    run(main, split=0.5)


def test_half_close_leaves_the_other_direction_open() -> None:
    async def main(sim: Simulation) -> None:
        pair = await connect(sim)
        pair.far.keep_open = True
        pair.near.transport.write(b"question")
        pair.near.transport.write_eof()
        with pytest.raises(RuntimeError, match="write_eof"):
            pair.near.transport.write(b"more")
        await sim.advance(1)
        assert pair.far.seen == [b"question", "eof"]
        pair.far.transport.write(b"answer")
        pair.far.transport.close()
        await sim.advance(1)
        assert pair.near.seen == [b"answer", "eof", "lost"]

    run(main)


def test_a_fin_behind_unread_data_is_not_seen_while_reading_is_paused() -> None:
    async def main(sim: Simulation) -> None:
        pair = await connect(sim)
        pair.far.transport.pause_reading()
        pair.near.transport.write(b"data")
        pair.near.transport.close()
        await sim.advance(100)
        assert pair.far.seen == []
        pair.far.transport.resume_reading()
        await sim.settle()
        assert pair.far.seen == [b"data", "eof", "lost"]

    run(main)


def test_an_rst_drops_what_is_in_flight_but_not_what_arrived() -> None:
    async def main(sim: Simulation) -> None:
        pair = await connect(sim)
        pair.far.transport.pause_reading()
        pair.near.transport.write(b"arrived")
        await sim.advance(1)
        pair.near.transport.write(b"in flight")
        pair.near.transport.tcp.interrupt()
        pair.far.transport.tcp.interrupt()
        await sim.advance(1)
        pair.far.transport.resume_reading()
        await sim.settle()
        assert pair.far.seen == [b"arrived", errno.ECONNRESET]
        assert pair.near.seen == [errno.ECONNRESET]

    run(main, latency=0.1)


def test_closing_with_unread_data_sends_rst() -> None:
    """RFC 2525, 2.17: the peer must learn that what it sent was not read."""

    async def main(sim: Simulation) -> None:
        pair = await connect(sim)
        pair.far.transport.pause_reading()
        pair.near.transport.write(b"unread")
        await sim.advance(1)
        pair.far.transport.close()
        await sim.advance(1)
        assert pair.near.seen == [errno.ECONNRESET]

    run(main)


def test_data_for_a_closed_socket_are_answered_by_rst() -> None:
    async def main(sim: Simulation) -> None:
        pair = await connect(sim)
        pair.near.keep_open = True
        pair.far.transport.close()
        await sim.advance(1)
        assert pair.near.seen == ["eof"]
        pair.near.transport.write(b"hello?")
        await sim.advance(1)
        pair.near.transport.write(b"anybody?")
        await sim.settle()
        assert pair.near.seen == ["eof", errno.EPIPE]

    run(main)


def test_abort_drops_what_the_transport_has_not_sent() -> None:
    async def main(sim: Simulation) -> None:
        pair = await connect(sim)
        pair.near.transport.write(b"x" * 1000)
        pair.near.transport.abort()
        assert pair.near.transport.get_write_buffer_size() == 0
        await sim.advance(1)
        assert pair.far.data == b"x" * 100
        assert pair.far.seen[-2:] == ["eof", "lost"]

    run(main, send_buffer=100)


def test_an_idle_cut_link_ends_by_keepalive() -> None:
    """The user time-out overrules the number of probes once one is out: 9 + 2 s."""

    async def main(sim: Simulation) -> None:
        pair = await connect(sim)
        Keepalive().apply(pair.near.transport.get_extra_info("socket"))
        pair.far.transport.write(b"last sign")
        await sim.advance(1)
        heard = pair.near.times[-1]
        pair.link.cut()
        await sim.advance(100)
        assert pair.near.seen == [b"last sign", errno.ETIMEDOUT]
        assert pair.near.times[-1] - heard == pytest.approx(11)
        assert pair.far.seen == []
        pair.close()

    run(main)


def test_keepalive_without_a_user_timeout_counts_its_probes() -> None:
    async def main(sim: Simulation) -> None:
        pair = await connect(sim)
        Keepalive(time=5, interval=3, probes=4, user_timeout=None).apply(pair.near.transport.get_extra_info("socket"))
        began = sim.time
        pair.link.cut()
        await sim.advance(100)
        assert pair.near.seen == [errno.ETIMEDOUT]
        assert pair.near.times[-1] - began == pytest.approx(17, abs=0.01)
        pair.close()

    run(main)


def test_a_cut_link_with_unacknowledged_data_ends_by_the_user_timeout() -> None:
    async def main(sim: Simulation) -> None:
        pair = await connect(sim)
        Keepalive.fast().apply(pair.near.transport.get_extra_info("socket"))
        pair.link.cut()
        await sim.advance(1)
        began = sim.time
        pair.near.transport.write(b"anybody?")
        await sim.advance(100)
        assert pair.near.seen == [errno.ETIMEDOUT]
        assert pair.near.times[-1] - began == pytest.approx(5)
        pair.close()

    run(main)


def test_without_keepalive_an_idle_cut_link_stays_for_ever() -> None:
    async def main(sim: Simulation) -> None:
        pair = await connect(sim)
        pair.link.cut()
        await sim.advance(1e6)
        assert pair.near.seen == []
        pair.close()

    run(main)


def test_a_closed_window_ends_by_the_user_timeout() -> None:
    """Linux does not take answered probes of a closed window for progress."""

    async def main(sim: Simulation) -> None:
        pair = await connect(sim)
        pair.far.transport.pause_reading()
        pair.near.transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 4000)
        pair.near.transport.write(b"x" * 1000)
        await sim.advance(3.9)
        assert pair.near.seen == []
        await sim.advance(0.2)
        assert pair.near.seen == [errno.ETIMEDOUT]
        pair.close()

    run(main, window=100)


def test_a_restored_link_delivers_what_was_sent_meanwhile() -> None:
    async def main(sim: Simulation) -> None:
        pair = await connect(sim)
        pair.link.cut()
        pair.near.transport.write(b"one ")
        await sim.advance(2)
        pair.near.transport.write(b"two")
        pair.near.transport.close()
        pair.link.restore()
        assert pair.far.seen == []
        await sim.advance(10)
        assert pair.far.data == b"one two"
        assert pair.far.seen[-2:] == ["eof", "lost"]

    run(main)


def test_a_stall_delays_and_loses_nothing() -> None:
    async def main(sim: Simulation) -> None:
        pair = await connect(sim)
        began = sim.time
        pair.link.stall(3)
        pair.near.transport.write(b"late")
        await sim.advance(10)
        assert pair.far.seen == [b"late"]
        assert pair.far.times[0] - began == pytest.approx(3, abs=0.01)
        pair.close()

    run(main)


def test_a_peer_that_died_behind_a_cut_answers_with_rst() -> None:
    async def main(sim: Simulation) -> None:
        pair = await connect(sim)
        Keepalive().apply(pair.near.transport.get_extra_info("socket"))
        pair.link.cut()
        pair.far.transport.tcp.reset()
        await sim.advance(1)
        pair.link.restore()
        await sim.advance(20)
        assert pair.near.seen == [errno.ECONNRESET]
        pair.far.transport.abort()

    run(main)


def test_flow_control_refuses_what_asyncio_refuses() -> None:
    async def main(sim: Simulation) -> None:
        pair = await connect(sim)
        transport = pair.near.transport
        with pytest.raises(ValueError, match="high"):
            transport.set_write_buffer_limits(high=1, low=2)
        transport.set_write_buffer_limits(low=10)
        assert transport.get_write_buffer_limits() == (10, 40)
        with pytest.raises(TypeError):
            transport.write("text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        assert transport.can_write_eof()
        assert isinstance(transport.get_protocol(), Recorder)
        pair.close()

    run(main)


def test_a_protocol_that_raises_loses_its_connection() -> None:
    class Raises(Recorder):
        def data_received(self, data: bytes) -> None:
            raise ValueError("no")

    async def main(sim: Simulation) -> None:
        errors: list[dict[str, Any]] = []
        sim.loop.set_exception_handler(lambda _, context: errors.append(context))
        pair = await connect(sim, Raises)
        pair.far.transport.write(b"data")
        await sim.advance(1)
        assert "data_received() call failed" in errors[0]["message"]
        assert isinstance(pair.near.seen[0], ValueError)
        assert pair.far.seen == ["eof", "lost"]

    run(main)


def test_a_socket_shows_addresses_and_options_but_no_descriptor() -> None:
    async def main(sim: Simulation) -> None:
        pair = await connect(sim)
        transport = pair.near.transport
        sock = transport.get_extra_info("socket")
        assert sock.fileno() == -1
        assert transport.get_extra_info("peername") == sock.getpeername() == ("10.0.0.2", PORT)
        assert transport.get_extra_info("sockname") == sock.getsockname() == ("10.0.0.1", 32768)
        assert (socket.AF_INET, socket.SOCK_STREAM) == (sock.family, sock.type)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        pair.close()
        await sim.advance(1)
        with pytest.raises(OSError, match="Bad file descriptor"):
            sock.getsockname()

    run(main)


def test_nothing_is_delivered_behind_a_gap() -> None:
    """A sender that died behind a cut repeats nothing, so what it sent later must not arrive either."""

    async def main(sim: Simulation) -> None:
        pair = await connect(sim)
        pair.link.cut()
        pair.near.transport.write(b"lost")
        await sim.advance(0.09)
        pair.near.transport.write(b"late")
        pair.near.transport.tcp.reset()
        await sim.advance(0.05)
        pair.link.restore()
        await sim.advance(100)
        assert pair.far.data == b""
        pair.close()

    run(main, latency=0.1)
