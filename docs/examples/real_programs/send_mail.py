"""Send a mail: ``python send_mail.py 127.0.0.1 25``."""

import asyncio
import logging
import sys

from tcpip_core import Client

log = logging.getLogger("mail")


async def reply(client: Client, expected: str) -> None:
    """Read a reply, whose last line has no hyphen after the code."""
    while (line := await client.read_str())[3:4] == "-":
        pass
    if not line.startswith(expected):
        raise RuntimeError(f"expected {expected}, the mail server said: {line}")


async def main(host: str, port: int) -> None:
    async with Client(host, port, log) as client:
        await reply(client, "220")
        for line, expected in (
            ("EHLO localhost", "250"),
            ("MAIL FROM:<dome@localhost>", "250"),
            ("RCPT TO:<observer@localhost>", "250"),
            ("DATA", "354"),
        ):
            await client.write_str(line)
            await reply(client, expected)
        await client.write_str("Subject: The shutter is open\r\n")
        await client.write_json({"azimuth": 12.5})
        await client.write_str(".")
        await reply(client, "250")
        print("the mail is handed over")
        await client.write_str("QUIT")
        await reply(client, "221")


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
