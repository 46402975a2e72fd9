"""A simulated program cannot reach the real network, unless that is asked for."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator

import pytest

from tcpip_testing.sim import sim_run


@pytest.fixture
def port() -> Iterator[int]:
    """Listen on a real port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def connect(port: int) -> None:
    """Connect a real socket."""
    with socket.socket() as sock:
        sock.connect(("127.0.0.1", port))


def bind(_: int) -> None:
    """Bind a real socket."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))


def send(port: int) -> None:
    """Send a datagram."""
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.sendto(b"data", ("127.0.0.1", port))


Step = Callable[[int], None]


@pytest.mark.parametrize("step", [connect, bind, send])
def test_a_real_socket_is_refused(step: Step, port: int) -> None:
    """It would wait for the real world while the clock jumps; in a thread, too."""

    async def main() -> None:
        with pytest.raises(NotImplementedError, match="ask for real_sockets=True"):
            step(port)
        with pytest.raises(NotImplementedError, match="ask for real_sockets=True"):
            await asyncio.to_thread(step, port)

    sim_run(main)
    step(port)


@pytest.mark.parametrize("step", [connect, bind, send])
def test_a_real_socket_may_be_asked_for(step: Step, port: int) -> None:
    """Then the program answers for what it does."""

    async def main() -> None:
        step(port)
        await asyncio.to_thread(step, port)

    sim_run(main, real_sockets=True)


def test_sockets_of_one_machine_are_no_network() -> None:
    """A pair of sockets waits for nobody else."""

    async def main() -> None:
        one, other = socket.socketpair()
        with one, other:
            one.sendall(b"data")
            assert other.recv(4) == b"data"

    sim_run(main)
