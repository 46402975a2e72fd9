"""Ask the mock dome controller of ``tcpip demo --serve --port 5000``: ``python ask_the_dome.py 5000``."""

import asyncio
import logging
import sys

from tcpip_core import Client


async def main(port: int) -> None:
    async with Client("127.0.0.1", port, logging.getLogger()) as client:
        for command in ("OPEN", "TELEMETRY ON", "MOVE 5", "DANCE", "CLOSE"):
            await client.write_str(command)
            print(">", command)
            # Telemetry comes unasked: what answers a command is the next line that is not JSON.
            while (line := await client.read_str()).startswith("{"):
                print("<", line)
            print("<", line)
        await client.write_str("DROP")
        print("> DROP")
        await client.done_task
        print("link lost:", client.loss_reason and client.loss_reason.value)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
