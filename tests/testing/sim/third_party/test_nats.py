"""nats-py's client, unchanged, against a small server on plain streams."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tcpip_testing.sim import Simulation, sim_run

nats = pytest.importorskip("nats")
PORT = 4222


class FakeNats:
    """Sends each message to all who want its subject."""

    def __init__(self) -> None:
        self.subscriptions: dict[tuple[asyncio.StreamWriter, bytes], bytes] = {}
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one client until it hangs up."""
        self.connections += 1
        about = {"server_id": "fake", "version": "2.10.0", "max_payload": 1_000_000, "headers": True}
        writer.write(b"INFO " + json.dumps(about).encode() + b"\r\n")
        try:
            while words := (await reader.readline()).split():
                await self._command(words, reader, writer)
        except OSError:
            pass
        finally:
            self.subscriptions = {key: sid for key, sid in self.subscriptions.items() if key[0] is not writer}
            writer.close()

    async def _command(self, words: list[bytes], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        match words:
            case [b"PING"]:
                writer.write(b"PONG\r\n")
            case [b"SUB", subject, *_, sid]:
                self.subscriptions[writer, subject] = sid
            case [b"PUB", subject, *_, size]:
                payload = await reader.readexactly(int(size) + 2)
                for (other, wanted), sid in self.subscriptions.items():
                    if wanted == subject:
                        other.write(b"MSG %s %s %s\r\n%s" % (subject, sid, size, payload))
            case _:
                pass


def test_nats_py_talks_loses_the_link_and_subscribes_again() -> None:
    """A message that is published after the reconnect arrives at a subscription from before it."""

    async def main(sim: Simulation) -> None:
        fake = FakeNats()
        server = await asyncio.start_server(fake.serve, "127.0.0.1", PORT)
        got: asyncio.Queue[bytes] = asyncio.Queue()

        async def keep(message: Any) -> None:
            got.put_nowait(message.data)

        async def ignore(*_: object) -> None:
            pass

        client = await nats.connect(f"nats://127.0.0.1:{PORT}", error_cb=ignore, ping_interval=10)
        await client.subscribe("dome.angle", cb=keep)
        await client.publish("dome.angle", b"42")
        assert await got.get() == b"42"

        (end,) = [one for one in sim.localhost.connections if one.local[1] == PORT]
        sim.cut(end)
        await sim.advance(60)
        assert fake.connections == 2
        await client.publish("dome.angle", b"43")
        assert await got.get() == b"43"
        await client.close()
        server.close()
        await sim.advance(1000)

    sim_run(main, latency="1ms..20ms", split=0.3, seeds=3)
