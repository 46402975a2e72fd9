"""A link that a verb holds: whole messages out and in, and how it ended."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from typing import Final

from tcpip_core import Client, Keepalive, Limits, LossReason
from tcpip_testing.framing import Framing, parse_framing

from .._exit_codes import ExitCode, Failure, exit_code_for_loss, sentence_of
from .._guess import hint_for_framing
from .._report import printable
from .._running import LOG
from .._targets import Target
from ._dial import Address, dial, failure_to_connect, resolve

__all__ = ["Link", "LinkLost", "open_link", "tls_failure"]

MOST: Final = 1024 * 1024
"""Longest message that is waited for (bytes): of a peer that never ends one, no more is kept."""

_CHUNK: Final = 65_536


class LinkLost(Exception):  # noqa: N818  # it is how a link ends, not always an error
    """The link has ended.

    Parameters
    ----------
    reason : LossReason
        Why.
    pending : bytes
        What had arrived and was no whole message.
    framing : Framing
        In which it was none.
    """

    def __init__(self, reason: LossReason, pending: bytes, framing: Framing) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.pending = pending
        self.framing = framing

    def as_failure(self, doing: str) -> Failure:
        """Return what to say where that should not have happened."""
        hint = hint_for_framing(self.pending, str(self.framing))
        return Failure(
            exit_code_for_loss(self.reason), "; ".join(filter(None, (f"{doing}: {self.reason.value}", hint)))
        )


class Link:
    """A connection, and the messages that come over it.

    Parameters
    ----------
    client : Client
        Connected.
    framing : Framing
        What tells messages apart.
    address : Address
        Where the other end is.
    connect_time : float
        How long the handshake took (seconds).
    """

    def __init__(self, client: Client, framing: Framing, address: Address, connect_time: float) -> None:
        self.client = client
        self.address = address
        self.connect_time = connect_time
        self.framing = framing
        self.received_at = 0.0
        """When the last piece came, by the loop's clock (seconds)."""
        self._decoder = framing.decoder(MOST)

    def use_framing(self, framing: Framing) -> list[bytes]:
        """Tell messages apart in another way from now on; return those that what has arrived already is."""
        pending = self._decoder.pending
        self.framing = framing
        self._decoder = framing.decoder(MOST)
        return self._decode(pending) if pending else []

    @property
    def pending(self) -> bytes:
        """What has arrived and is no whole message yet."""
        return self._decoder.pending

    async def send(self, message: bytes) -> None:
        """Send one message.

        Raises
        ------
        LinkLost
            If the link has ended.
        ValueError
            If the framing cannot carry it.
        """
        frame = self.framing.encode(message)
        try:
            await self.client.write(frame)
        except ConnectionError:
            raise self._lost() from None

    async def receive(self) -> list[bytes]:
        """Wait for what comes next, and return the messages that it completes; often none.

        Raises
        ------
        LinkLost
            If the link has ended; everything that came before was returned.
        Failure
            If a message is too long.
        """
        try:
            chunk = await self.client.read(_CHUNK)
        except ConnectionError:
            raise self._lost() from None
        self.received_at = asyncio.get_running_loop().time()
        if not chunk:
            raise self._lost()
        return self._decode(chunk)

    def _decode(self, chunk: bytes) -> list[bytes]:
        try:
            return self._decoder.feed(chunk)
        except ValueError as e:
            text = f"no end of a message within {MOST} bytes: is {self.framing} the right --framing? ({e})"
            raise Failure(ExitCode.EXPECTATION, text) from e

    def _lost(self) -> LinkLost:
        return LinkLost(self.client.loss_reason or LossReason.FIN, self.pending, self.framing)


@contextlib.asynccontextmanager
async def open_link(target: Target, keepalive: Keepalive | None = None) -> AsyncIterator[Link]:
    """Hold a link while the block runs.

    Parameters
    ----------
    target : Target
        Where to, and how.
    keepalive : Keepalive, optional
        When the kernel gives up on a silent peer.

    Yields
    ------
    Link
        Connected, and with TLS where it was asked for.

    Raises
    ------
    Failure
        If there is no connection, or no TLS.
    """
    context = target.tls_context()
    try:
        addresses = await resolve(target.host, target.port, target.timeout)
        dialled = await dial(addresses, target.timeout)
    except OSError as e:
        if target.observer is not None:
            target.observer.failed(e)
        raise failure_to_connect(target, e) from e
    client = Client(
        None,
        None,
        LOG,
        sock=dialled.sock,
        ssl=context,
        server_hostname=target.host if context else None,
        limits=Limits(connect_timeout=target.timeout, write_timeout=target.timeout, close_timeout=0.5),
        keepalive=keepalive,
        observer=target.observer,
    )
    try:
        try:
            await client.start_task
        except OSError as e:
            raise tls_failure(target, e) if context else failure_to_connect(target, e) from e
        yield Link(client, parse_framing(target.framing), dialled.address, dialled.seconds)
    finally:
        await client.close()
        dialled.sock.close()  # It is the client's; but one that was cancelled before it began has not taken it.


def tls_failure(target: Target, error: OSError) -> Failure:
    """Return what to say where there was a connection, but no TLS."""
    if isinstance(error, ssl.SSLCertVerificationError):
        text = f"its certificate is not accepted: {error.verify_message}; give its authority by --cafile"
    elif isinstance(error, ssl.SSLError):
        text = f"the handshake failed ({error.reason or sentence_of(error)}); does the server speak TLS?"
    elif isinstance(error, TimeoutError):
        text = f"no handshake within {target.timeout:g} s; does the server speak TLS?"
    else:
        text = f"the server ended the handshake ({sentence_of(error)}); does it speak TLS?"
    failure = Failure(ExitCode.TLS, f"no TLS with {target}: {printable(text)}")
    failure.__cause__ = error
    return failure
