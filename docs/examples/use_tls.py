"""A server and a client that speak TLS, with certificates made for this run."""

import asyncio
import logging
import ssl

import trustme

from tcpip_core import Client, OneClientReadLoopServer

log = logging.getLogger("tls")


class Echo(OneClientReadLoopServer):
    async def read_and_dispatch(self) -> None:
        await self.write_str(await self.read_str())


def contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Make what your administrators make for a real device: a certificate, and the authority that vouches for it."""
    authority = trustme.CA()
    for_server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    with authority.issue_cert("localhost").private_key_and_cert_chain_pem.tempfile() as path:
        for_server.load_cert_chain(path)
    for_client = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
    return for_server, for_client


async def main() -> None:
    for_server, for_client = contexts()
    async with Echo(port=0, log=log, ssl=for_server) as server:
        port = server.port
        async with Client("127.0.0.1", port, log, ssl=for_client, server_hostname="localhost") as client:
            await client.write_str("nobody else can read this")
            print(await client.read_str())
        try:
            async with Client("127.0.0.1", port, log, ssl=ssl.create_default_context(), server_hostname="localhost"):
                print("connected")
        except ssl.SSLCertVerificationError as e:
            print(f"refused: {e.verify_message}")


if __name__ == "__main__":
    asyncio.run(main())
