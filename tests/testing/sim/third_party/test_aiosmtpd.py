"""aiosmtpd's server, unchanged, with a client on plain streams."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tcpip_testing.sim import Simulation, sim_run

smtp = pytest.importorskip("aiosmtpd.smtp")
PORT = 8025


class Mailbox:
    """Keeps what is delivered."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  The name is aiosmtpd's.
        self.mails.append(envelope.content)
        return "250 kept"


async def say(stream: tuple[asyncio.StreamReader, asyncio.StreamWriter], line: bytes) -> bytes:
    """Say a line, and return the last line of the answer."""
    stream[1].write(line + b"\r\n")
    answer = b"250-"
    while answer[3:4] == b"-":
        answer = await stream[0].readline()
    return answer[:3]


def test_aiosmtpd_takes_a_mail_and_hangs_up_on_a_client_that_is_gone() -> None:
    """A client that is cut off in the middle of a command is dropped after the server's five minutes."""

    async def main(sim: Simulation) -> None:
        mailbox = Mailbox()
        server = await sim.loop.create_server(
            lambda: smtp.SMTP(mailbox, hostname="dome", timeout=300, loop=sim.loop), "127.0.0.1", PORT
        )
        stream = await asyncio.open_connection("127.0.0.1", PORT)
        assert (await stream[0].readline()).startswith(b"220 dome")
        for line, code in ((b"EHLO me", b"250"), (b"MAIL FROM:<a@b.cd>", b"250"), (b"RCPT TO:<e@f.gh>", b"250")):
            assert await say(stream, line) == code
        assert await say(stream, b"DATA") == b"354"
        assert await say(stream, b"The dome is open.\r\n.") == b"250"
        assert mailbox.mails == [b"The dome is open.\r\n"]

        (end,) = [one for one in sim.localhost.connections if one.local[1] == PORT]
        sim.cut(stream[1])
        await sim.advance(299)
        assert not end.closed
        await sim.advance(2)
        assert end.closed
        stream[1].close()
        server.close()
        await sim.advance(1000)

    sim_run(main, latency="1ms..20ms", split=0.3, seeds=3)
