"""Follow a weather station for ever: connect, read, and come back after a pause whenever the link is lost."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from tcpip_core import Client, Limits, OneClientServer

log = logging.getLogger("weather")


async def follow(host: str, port: int, handle: Callable[[Any], None], pause: float) -> None:
    """Hand over each item of telemetry; never return."""
    while True:
        try:
            async with Client(host, port, log, limits=Limits(connect_timeout=5)) as client:
                while True:
                    handle(await client.read_json())
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as e:
            print(f"no link ({type(e).__name__}): next attempt in {pause} s")
        await asyncio.sleep(pause)


class MockStation:
    """A station that sends one item to each client and hangs up."""

    count = 0

    async def connect_callback(self, server: OneClientServer) -> None:
        if server.connected:
            self.count += 1
            await server.write_json({"wind": self.count})
            await server.close_client()


async def main() -> None:
    items: asyncio.Queue[Any] = asyncio.Queue()
    async with OneClientServer("127.0.0.1", 0, log, MockStation().connect_callback) as server:
        following = asyncio.create_task(follow("127.0.0.1", server.port, items.put_nowait, pause=0.05))
        for _ in range(3):
            print(await items.get())
        following.cancel()


if __name__ == "__main__":
    asyncio.run(main())
