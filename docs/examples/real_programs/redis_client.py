"""Keep a value in Redis: ``python redis_client.py 127.0.0.1 6379``."""

import asyncio
import logging
import sys

from tcpip_core import Client

log = logging.getLogger("redis")


async def main(host: str, port: int) -> None:
    async with Client(host, port, log) as client:
        await client.write_str("SET azimuth 12.5")  # text: a line there, a line back
        print(await client.read_str())

        image = bytes(range(256))  # binary: lengths come first, so any byte may follow
        await client.write(b"*3\r\n$3\r\nSET\r\n$5\r\nimage\r\n$%d\r\n%b\r\n" % (len(image), image))
        print(await client.read_str())

        await client.write_str("GET image")
        size = int((await client.read_str()).removeprefix("$"))
        value = await client.readexactly(size + len(client.terminator))
        print(value.removesuffix(client.terminator) == image)


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
