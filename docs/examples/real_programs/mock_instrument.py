"""A mock instrument: ``python mock_instrument.py 5025``, or with TLS ``python mock_instrument.py 5025 both.pem``."""

import asyncio
import logging
import ssl
import sys

from tcpip_core import OneClientReadLoopServer

log = logging.getLogger("mock")


class Instrument(OneClientReadLoopServer):
    azimuth = 0.0

    async def read_and_dispatch(self) -> None:
        command, _, argument = (await self.read_str()).strip().partition(" ")
        match command:
            case "*IDN?":
                await self.write_str("tcpip,mock instrument,0,1.0")
            case "AZ":
                self.azimuth = float(argument)
            case "AZ?":
                await self.write_str(f"{self.azimuth:.3f}")
            case "STATUS?":
                await self.write_json({"azimuth": self.azimuth, "moving": False})
            case "BYE":
                await self.close_client()
            case _:
                await self.write_str(f"ERROR {command}")


async def main(port: int, certificate: str | None = None) -> None:
    context = None
    if certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
    async with Instrument(port=port, log=log, terminator=b"\n", ssl=context) as server:
        print(f"listening on {server.port}", flush=True)
        await server.done_task


asyncio.run(main(int(sys.argv[1]), *sys.argv[2:3]))
