"""Several tasks share a client; whenever the link is lost, a new client takes its place."""

import asyncio
import contextlib
import logging

from tcpip_core import Client, OneClientReadLoopServer

log = logging.getLogger("link")


class Link:
    """Always has a client, or waits for one."""

    def __init__(self, host: str, port: int, pause: float = 1.0) -> None:
        self.address, self.pause = (host, port), pause
        self.up, self.lost = asyncio.Event(), asyncio.Event()

    async def connect_callback(self, client: Client) -> None:
        # This runs before `async with Client(...) as client` has bound its name: keep the client here.
        if client.connected:
            self.client = client
            self.lost.clear()
            self.up.set()
        elif client.should_be_connected:
            self.up.clear()
            self.lost.set()

    async def keep_up(self) -> None:
        """Connect, wait for the loss, connect again; never return."""
        while True:
            with contextlib.suppress(OSError):
                async with Client(*self.address, log, self.connect_callback):
                    await self.lost.wait()
            await asyncio.sleep(self.pause)


class Device(OneClientReadLoopServer):
    """Answers one question, then hangs up."""

    async def read_and_dispatch(self) -> None:
        await self.write_str(f"it is {await self.read_str()}")
        await self.close_client()


async def main() -> None:
    async with Device(port=0, log=log) as device:
        link = Link("127.0.0.1", device.port, pause=0.05)
        keeping = asyncio.create_task(link.keep_up())
        for question in ("open", "closed"):
            await link.up.wait()
            await link.client.write_str(question)
            print(await link.client.read_str())
            await link.lost.wait()
        keeping.cancel()


if __name__ == "__main__":
    asyncio.run(main())
