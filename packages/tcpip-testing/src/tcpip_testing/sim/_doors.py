"""The loop's methods that reach the simulated network."""

import asyncio
import socket
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, cast

from ._network import Network
from ._refusals import RefusingLoop
from ._server import SimServer
from ._transport import SimTransport

__all__ = ["NetworkLoop"]

ProtocolT = TypeVar("ProtocolT", bound=asyncio.BaseProtocol)


class NetworkLoop(RefusingLoop):
    """The part of a simulated loop that makes connections."""

    network: Network

    async def create_connection(  # pyright: ignore[reportIncompatibleMethodOverride]  # typeshed lists overloads.
        self,
        protocol_factory: Callable[[], ProtocolT],
        host: str | bytes | None = None,
        port: int | str | None = None,
        *,
        family: int = 0,
        all_errors: bool = False,
        local_addr: tuple[str, int] | None = None,
        **kwargs: Any,
    ) -> tuple[asyncio.Transport, ProtocolT]:
        """Connect to a server on the simulated network.

        Raises
        ------
        OSError
            If that is not possible: refused, no answer, no such host; in an `ExceptionGroup` with `all_errors`.
        OverflowError
            If the port is no port.
        NotImplementedError
            If TLS or a real socket is asked for.
        """
        _check_keywords("create_connection", kwargs, _FOR_CLIENTS)
        if port is None:
            raise ValueError("host and port was not specified and no sock specified")
        name = host.decode() if isinstance(host, bytes) else host
        number = _port_number(port)
        errors: list[OSError] = []
        for address in self.network.resolve(name, family):
            try:
                tcp = await self.network.connect(address, number, local_addr)
                break
            except OSError as e:
                errors.append(e)
        else:
            raise ExceptionGroup("create_connection failed", errors) if all_errors else _summary(errors)
        try:
            protocol = protocol_factory()
        except BaseException:
            tcp.close()
            raise
        waiter: asyncio.Future[None] = self.create_future()
        transport = SimTransport(cast("Any", self), tcp, protocol, waiter)
        try:
            await waiter
        except BaseException:
            transport.close()
            raise
        return transport, protocol

    async def create_server(  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]  # typeshed lists overloads.
        self,
        protocol_factory: Callable[[], asyncio.BaseProtocol],
        host: str | Iterable[str] | None = None,
        port: int | str | None = None,
        *,
        family: int = 0,
        backlog: int = 100,
        start_serving: bool = True,
        **kwargs: Any,
    ) -> SimServer:
        """Listen on the current host of the simulated network.

        Raises
        ------
        OSError
            If that is not possible: the port is taken, or the address is another's.
        OverflowError
            If the port is no port.
        NotImplementedError
            If TLS or a real socket is asked for.
        """
        _check_keywords("create_server", kwargs, _FOR_SERVERS)
        if host is None and port is None:
            raise ValueError("Neither host/port nor sock were specified")
        network, number = self.network, _port_number(port)
        server = SimServer(cast("Any", self), protocol_factory, network.stop_listening(network.current))
        try:
            for address in self._addresses_to_listen_on(host, family):
                network.listen(server, address, number, backlog)
        except OSError:
            server.close()
            raise
        if start_serving:
            server.begin()
            await asyncio.sleep(0)
        return server

    def _addresses_to_listen_on(self, host: str | Iterable[str] | None, family: int) -> list[str]:
        hosts = [host] if host is None or isinstance(host, str) else list(host)
        found: dict[str, None] = {}
        for one in hosts:
            addresses = self.network.resolve(one, family) if one else ["0.0.0.0", "::"]
            found.update(dict.fromkeys(addresses))
        return list(found)

    async def getaddrinfo(
        self,
        host: bytes | str | None,
        port: bytes | str | int | None,
        *,
        family: int = 0,
        type: int = 0,  # noqa: A002  Its name is asyncio's.
        proto: int = 0,
        flags: int = 0,
    ) -> list[Any]:
        """Resolve a name of the simulated network."""
        name = host.decode() if isinstance(host, bytes) else host
        number = _port_number(port)
        return [
            (
                socket.AF_INET6 if ":" in one else socket.AF_INET,
                socket.SOCK_STREAM,
                socket.IPPROTO_TCP,
                "",
                (one, number, 0, 0) if ":" in one else (one, number),
            )
            for one in self.network.resolve(name, family)
        ]

    async def getnameinfo(self, sockaddr: Any, flags: int = 0) -> tuple[str, str]:
        """Give an address back as it is."""
        return str(sockaddr[0]), str(sockaddr[1])


def _port_number(port: bytes | str | int | None) -> int:
    """Return a port's number; names of services differ between machines."""
    try:
        number = int(port or 0)
    except ValueError:
        raise socket.gaierror(socket.EAI_SERVICE, f"a port in a simulation is a number, not {port!r}") from None
    if not 0 <= number <= 65_535:
        raise OverflowError(f"a port is 0 to 65535, not {number}")
    return number


_FOR_BOTH = {"flags", "sock", "ssl", "ssl_handshake_timeout", "ssl_shutdown_timeout"}
_FOR_CLIENTS = _FOR_BOTH | {"happy_eyeballs_delay", "interleave", "proto", "server_hostname"}
_FOR_SERVERS = _FOR_BOTH | {"keep_alive", "reuse_address", "reuse_port"}
"""What asyncio takes besides; it means nothing here, or is refused."""


def _check_keywords(method: str, keywords: dict[str, Any], known: set[str]) -> None:
    for name in keywords:
        if name not in known:
            raise TypeError(f"{method}() got an unexpected keyword argument {name!r}")
    if keywords.get("ssl"):
        raise NotImplementedError("TLS is not simulated: test it on real sockets")
    if keywords.get("sock") is not None:
        raise NotImplementedError("a real socket cannot be used inside a simulation: give host and port")
    for name in ("server_hostname", "ssl_handshake_timeout", "ssl_shutdown_timeout"):
        if keywords.get(name) is not None:
            raise ValueError(f"{name} is only meaningful with ssl")


def _summary(errors: list[OSError]) -> OSError:
    """Return one error for several, as asyncio does."""
    if len({str(one) for one in errors}) == 1:
        return errors[0]
    texts = ", ".join(map(str, errors))
    if len({one.errno for one in errors}) == 1 and errors[0].errno is not None:
        return OSError(errors[0].errno, f"Multiple exceptions: {texts}")
    return OSError(f"Multiple exceptions: {texts}")
