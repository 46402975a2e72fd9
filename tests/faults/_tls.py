"""Certificates, and a peer that speaks TLS, or half of it, over a plain socket."""

from __future__ import annotations

import contextlib
import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme

from tcpip_core import tls
from tests.support import IPV4, IPV6, Peer


@dataclass(frozen=True)
class Trust:
    """Contexts of ours, and those of strangers."""

    server: ssl.SSLContext
    mutual_server: ssl.SSLContext
    client: ssl.SSLContext
    known_client: ssl.SSLContext
    stranger: ssl.SSLContext
    misnamed_server: ssl.SSLContext
    foreign_server: ssl.SSLContext


def trust_in(folder: Path) -> Trust:
    """Make an authority, certificates, and the contexts that the helpers make of their files."""
    authority, other = trustme.CA(), trustme.CA()
    authority_file = str(folder / "authority.pem")
    authority.cert_pem.write_to_path(authority_file)

    def certificate(name: str, issuer: trustme.CA, *hosts: str) -> str:
        path = str(folder / f"{name}.pem")
        issuer.issue_cert(*hosts).private_key_and_cert_chain_pem.write_to_path(path)
        return path

    here = certificate("server", authority, IPV4, IPV6, "localhost")
    known = certificate("client", authority, "controller.example")
    return Trust(
        server=tls.server_context(here),
        mutual_server=tls.server_context(here, client_cafile=authority_file),
        client=tls.client_context(authority_file),
        known_client=tls.client_context(authority_file, certfile=known),
        stranger=tls.client_context(authority_file, certfile=certificate("stranger", other, "stranger.example")),
        misnamed_server=tls.server_context(certificate("misnamed", authority, "elsewhere.example")),
        foreign_server=tls.server_context(certificate("foreign", other, IPV4)),
    )


class TlsPeer:
    """The client's side of TLS by hand, so that it can stop anywhere.

    Parameters
    ----------
    peer : Peer
        A plain socket, connected.
    context : ssl.SSLContext
        The client's context.
    """

    def __init__(self, peer: Peer, context: ssl.SSLContext) -> None:
        self.peer = peer
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._link = context.wrap_bio(self._incoming, self._outgoing, server_hostname=IPV4)

    def hello(self) -> bytes:
        """Return the first flight of the handshake."""
        with contextlib.suppress(ssl.SSLWantReadError):
            self._link.do_handshake()
        return self._outgoing.read()

    async def shake_hands(self) -> None:
        """Do all of it."""
        while True:
            try:
                self._link.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._flush()
                data = await self.peer.read()
                if not data:
                    raise ConnectionError("hung up in the handshake") from None
                self._incoming.write(data)
        self._flush()

    def _flush(self) -> None:
        if self._outgoing.pending:
            self.peer.send(self._outgoing.read())

    def send(self, data: bytes) -> None:
        """Send a little, encrypted."""
        self._link.write(data)
        self._flush()

    async def read(self) -> bytes:
        """Receive something, decrypted; ``b""`` where the other side closed the socket."""
        while True:
            try:
                return self._link.read(65536)
            except ssl.SSLWantReadError:
                data = await self.peer.read()
                if not data:
                    return b""
                self._incoming.write(data)
