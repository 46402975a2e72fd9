"""Steps whose order the kernel decides."""

from __future__ import annotations

import asyncio
import resource
import socket
import struct
from typing import Any

import pytest

from tcpip_tools._exit_codes import ExitCode, Failure
from tcpip_tools._report import Event
from tcpip_tools._targets import Target
from tcpip_tools.probe._steps import Probe
from tests.support import IPV4, TIMEOUT
from tests.tools._devices import device

ATTEMPTS = 20
"""Every other time or so the RST comes before the loop has seen that there is a connection."""


def test_a_connection_that_is_reset_at_once_was_made_whenever_that_is_noticed() -> None:
    """An RST may come out as an error of connecting; a refusal is another one."""
    found: set[tuple[object, ...]] = set()
    with device(policy="rst") as one:
        for _ in range(ATTEMPTS):
            told: list[Event] = []
            status = asyncio.run(Probe(Target(host=IPV4, port=one.port))(told.append))
            found.add((status, *(told[-1].data[key] for key in ("port", "slot", "confidence"))))
    assert {(6, "open", "busy", "possible")} == found


class LateLoop(asyncio.SelectorEventLoop):
    """A loop that comes to a new connection when that is reset already."""

    def __init__(self, listener: socket.socket) -> None:
        super().__init__()
        self._listener = listener

    async def sock_connect(self, sock: socket.socket, address: Any) -> None:
        await super().sock_connect(sock, address)
        accepted, _ = self._listener.accept()
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        accepted.close()


def test_a_reset_between_the_handshake_and_the_first_look_is_told_as_one() -> None:
    told: list[Event] = []
    with socket.create_server((IPV4, 0)) as listener:
        listener.settimeout(TIMEOUT)
        target = Target(host=IPV4, port=listener.getsockname()[1])
        with asyncio.Runner(loop_factory=lambda: LateLoop(listener)) as runner:
            status = runner.run(Probe(target)(told.append))
    assert (ExitCode.SLOT_BUSY, "open", "busy") == (status, told[-1].data["port"], told[-1].data["slot"])


def test_a_host_without_descriptors_judges_no_port() -> None:
    """It could not try: neither open nor filtered is known."""

    async def probe() -> None:
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        with pytest.raises(Failure, match="Too many open files") as caught:
            resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))
            try:
                await Probe(Target(host=IPV4, port=9))(lambda _: None)
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        assert ExitCode.EXPECTATION is caught.value.code

    asyncio.run(probe())
