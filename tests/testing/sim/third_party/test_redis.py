"""redis-py's asyncio client, unchanged, against a small server on plain streams."""

from __future__ import annotations

import asyncio

import pytest

from tcpip_testing.sim import Simulation, sim_run

redis = pytest.importorskip("redis.asyncio")
PORT = 6379


class FakeRedis:
    """Knows SET, GET and what a client says first."""

    def __init__(self) -> None:
        self.values: dict[bytes, bytes] = {}
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer commands until the client hangs up."""
        self.connections += 1
        try:
            while line := await reader.readline():
                words = [await self._word(reader) for _ in range(int(line[1:]))]
                writer.write(self._answer(words))
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    @staticmethod
    async def _word(reader: asyncio.StreamReader) -> bytes:
        size = int((await reader.readline())[1:])
        return (await reader.readexactly(size + 2))[:-2]

    def _answer(self, words: list[bytes]) -> bytes:
        match words[0].upper(), words[1:]:
            case b"SET", [key, value]:
                self.values[key] = value
                return b"+OK\r\n"
            case b"GET", [key]:
                value = self.values.get(key, b"")
                return b"$%d\r\n%s\r\n" % (len(value), value)
            case _:
                return b"-ERR unknown command\r\n"


def test_redis_py_talks_loses_the_link_and_reconnects() -> None:
    """Its time-out is met in virtual time, and its next command opens another connection."""

    async def main(sim: Simulation) -> None:
        fake = FakeRedis()
        server = await asyncio.start_server(fake.serve, "127.0.0.1", PORT)
        client = redis.Redis(port=PORT, socket_timeout=5, protocol=2, retry=None)
        assert await client.set("dome", "open")
        assert await client.get("dome") == b"open"
        connections = fake.connections

        sim.cut(sim.localhost, sim.localhost)
        began = sim.time
        with pytest.raises(redis.TimeoutError):
            await client.get("dome")
        assert sim.time - began == pytest.approx(5)
        sim.restore()

        assert await client.get("dome") == b"open"
        assert fake.connections > connections
        await client.aclose()
        server.close()
        await sim.advance(60)

    sim_run(main, latency="1ms..20ms", split=0.3, seeds=3)
