"""A server that closes a client whose heartbeats stop, and a client that sends them."""

import asyncio
import logging

from tcpip_core import HEARTBEAT, Client, OneClientReadLoopServer

log = logging.getLogger("heart")


class Device(OneClientReadLoopServer):
    async def read_and_dispatch(self) -> None:
        line = await self.read_str()
        if line == HEARTBEAT.decode():
            await self.handle_received_heartbeat()
        else:
            await self.write_str(f"done: {line}")


async def main() -> None:
    logging.disable()  # The server logs an error when heartbeats stop; here we print.
    async with Device(port=0, log=log, run_heartbeat_monitor_task=True, max_heartbeat_interval=2) as device:
        async with Client(
            "127.0.0.1", device.port, log, run_heartbeat_send_task=True, heartbeat_send_sleep=0.2
        ) as client:
            await client.write_str("move")
            print(await client.read_str())
        async with Client("127.0.0.1", device.port, log) as silent:
            print(f"{await silent.read(1)!r}: closed, because no heartbeat came")
        assert device.loss_reason is not None
        print(f"reason: {device.loss_reason.value}")


if __name__ == "__main__":
    asyncio.run(main())
