"""A server and a client that speak TLS, with certificates made for this run by trustme."""

import asyncio
import logging
import ssl
import tempfile
from pathlib import Path

import trustme

from tcpip_core import Client, OneClientReadLoopServer
from tcpip_core.tls import client_context, server_context

log = logging.getLogger("tls")


class Echo(OneClientReadLoopServer):
    async def read_and_dispatch(self) -> None:
        await self.write_str(await self.read_str())


def make_files(place: Path) -> None:
    """Make what your administrators make for a real device: a certificate, and the authority that vouches for it."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(place / "authority.crt")
    device = authority.issue_cert("localhost")
    device.private_key_pem.write_to_path(place / "device.key")
    for part in device.cert_chain_pems:
        part.write_to_path(place / "device.crt", append=True)


async def main(place: Path) -> None:
    for_server = server_context(place / "device.crt", place / "device.key")
    for_client = client_context(place / "authority.crt")
    async with Echo(port=0, log=log, ssl=for_server) as server:
        port = server.port
        async with Client("127.0.0.1", port, log, ssl=for_client, server_hostname="localhost") as client:
            await client.write_str("nobody else can read this")
            print(await client.read_str())
        try:
            # Without the authority's file, the client trusts those of the system, which do not know this one.
            async with Client("127.0.0.1", port, log, ssl=client_context(), server_hostname="localhost"):
                print("connected")
        except ssl.SSLCertVerificationError as e:
            print(f"refused: {e.verify_message}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        make_files(Path(name))
        asyncio.run(main(Path(name)))
