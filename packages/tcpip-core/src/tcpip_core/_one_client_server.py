"""The server that serves one client at a time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Self, Unpack, cast

from ._base import BaseClientOrServer
from ._connection import Connection
from ._heartbeat import Heartbeat
from ._limits import DEFAULT_LIMITS, Keepalive, Limits
from ._lobby import front_door
from ._observer import Observer
from ._publisher import is_asynchronous, warn_of_synchronous
from ._slot import OnSecondClient, checked_rules
from ._transport import (
    StartServerKwargs,
    check_address,
    check_keywords,
    check_tls,
    limits_from,
    listen,
    port_of,
    stop_accepting,
)
from ._tuning import Tuning
from ._waiting import resolve, uncancelled_future
from .constants import DEFAULT_ENCODING, DEFAULT_MONITOR_CONNECTION_INTERVAL, DEFAULT_TERMINATOR

__all__ = ["OneClientServer"]


class OneClientServer(BaseClientOrServer):
    """A TCP server that serves one client at a time; who comes second is closed at once.

    Parameters
    ----------
    host : str or None
        Address to listen on. None listens on every interface, IPv4 and IPv6.
    port : int or None
        Port to listen on; 0 takes any that is free, and `port` tells which. With ``host=None`` there may be several
        sockets with a port each: then `port` stays 0. None goes with a ``sock`` keyword.
    log : logging.Logger
        Parent of this server's logger.
    connect_callback : callable, optional
        Coroutine function, called with this server once for each change of `connected`. A plain function works but
        is deprecated.
    monitor_connection_interval : float
        Above 0: tell the callback of a lost client at once. 0 or less: only once somebody reads, writes or closes.
    name : str
        What this server is for; for the log.
    encoding : str
        Text encoding of lines.
    terminator : bytes
        What ends a line.
    limits : Limits, optional
        Bounds of waits and sizes.
    keepalive : Keepalive, optional
        When the kernel gives up on a silent client.
    heartbeat : Heartbeat, optional
        Send heartbeats, and notice that the peer has fallen silent.
    tuning : Tuning, optional
        What to trade for speed.
    observer : Observer, optional
        Is told of everything that happens on the link, such as a `tcpip_core.transcript.Recorder`.
    on_second_client : {"reject", "probe", "replace"}
        What a client meets that finds another one connected: it is closed; or it gets the place if the other one's
        kernel gives no sign of life within 2 s; or it gets the place at once.
    allowed_peers : iterable of str, optional
        Addresses and networks (``"10.0.0.0/8"``) whose clients are let in; None lets everybody in.
    **kwargs
        As for `asyncio.start_server`: ``ssl``, ``backlog`` and so on; ``limit`` counts instead of
        ``limits.frame_size``.

    Attributes
    ----------
    port : int
        The port in use, once ``start_task`` is done.
    connected_task : asyncio.Future
        Done once a client is connected; a new one after that client is gone. If the server closes first it ends with
        a `ConnectionError`.

    Raises
    ------
    RuntimeError
        If no event loop is running.
    TypeError
        If an argument is of the wrong type: `host`, `port`, `log`, `limits`, `keepalive`, `heartbeat` or
        `allowed_peers`, a `connect_callback` that is not a callable, a ``ssl`` that is no context; or if a keyword is
        unknown. Nothing exists then, no task and no socket.
    ValueError
        If `port`, `encoding`, `terminator`, `on_second_client`, an entry of `allowed_peers`,
        or a keyword such as ``ssl`` or ``limit`` cannot be used. Nothing exists then.

    Warns
    -----
    DeprecationWarning
        If `connect_callback` is not a coroutine function.

    Notes
    -----
    ``start_task`` ends with an `OSError` where the system cannot listen, for instance because the port is in use.
    """

    def __init__(
        self,
        host: str | None,
        port: int | None,
        log: logging.Logger,
        connect_callback: Callable[[Self], Awaitable[None]] | None = None,
        monitor_connection_interval: float = DEFAULT_MONITOR_CONNECTION_INTERVAL,
        name: str = "",
        encoding: str = DEFAULT_ENCODING,
        terminator: bytes = DEFAULT_TERMINATOR,
        *,
        limits: Limits | None = None,
        keepalive: Keepalive | None = None,
        heartbeat: Heartbeat | None = None,
        tuning: Tuning | None = None,
        observer: Observer | None = None,
        on_second_client: OnSecondClient = "reject",
        allowed_peers: Iterable[str] | None = None,
        **kwargs: Unpack[StartServerKwargs],
    ) -> None:
        if type(self).start is OneClientServer.start:
            check_keywords(type(self), kwargs, StartServerKwargs)
            check_tls(kwargs, server=True)
            limits_from(limits or DEFAULT_LIMITS, dict(kwargs))
        check_address(host, port)
        if callable(connect_callback) and not is_asynchronous(connect_callback):
            warn_of_synchronous(self, connect_callback)
        self._tcpip_rules = checked_rules(on_second_client, allowed_peers)
        self.host = host
        # None goes with a sock only, until the start.
        self.port: int = cast("int", port)
        self._server: asyncio.Server | None = None
        super().__init__(
            log=log,
            connect_callback=connect_callback,
            monitor_connection_interval=monitor_connection_interval,
            name=name,
            encoding=encoding,
            terminator=terminator,
            limits=limits,
            keepalive=keepalive,
            heartbeat=heartbeat,
            tuning=tuning,
            observer=observer,
            **kwargs,
        )
        self.connected_task: asyncio.Future[None] = uncancelled_future(self, "connected_task")

    async def start(self, **kwargs: Any) -> None:
        """Listen; called by the constructor.

        Parameters
        ----------
        **kwargs
            As for `asyncio.start_server`.

        Raises
        ------
        RuntimeError
            If it was called before, or the server is closed.
        OSError
            If the system cannot listen there; its text says where and what to do.
        TypeError
            If a keyword is unknown, or ``ssl`` of the wrong type.
        ValueError
            If a keyword cannot be used, such as a client's ``ssl``.
        """
        check_keywords(type(self), kwargs, StartServerKwargs)
        endpoint = self._tcpip
        endpoint.claim_start()
        check_tls(kwargs, server=True)
        endpoint.limits = limits_from(endpoint.limits, kwargs)
        make = front_door(endpoint.new_connection, kwargs, endpoint.tasks, endpoint.slot)
        self._server = await listen(make, self.host, self.port, kwargs)
        self.port = port_of(self._server, self.port)
        if endpoint.closing:
            self._server.close()
            raise ConnectionAbortedError("closed on this side before the server listened")

    async def basic_close_client(self) -> None:
        """Close the client, if there is one, but leave ``should_be_connected`` as it is.

        The server goes on listening, ``connected_task`` is a new future, the callback is told. Always safe.

        Notes
        -----
        Takes ``limits.close_timeout`` plus the callback's time at most. A call from the callback, or from a task of
        this server, returns before the socket is closed. Cancelling it does not stop the closing.
        """
        await self._tcpip.close_connection()

    async def close_client(self) -> None:
        """Close the client, if there is one; the server goes on listening.

        The same as `basic_close_client`, and clears ``should_be_connected``.
        """
        self.should_be_connected = False
        await self.basic_close_client()

    async def close(self) -> None:
        """Stop listening, close the client, and end for good, whatever state it is in.

        Always safe: before it listens, twice, from several tasks. A call from the connect callback or from
        ``read_and_dispatch`` marks the end and returns; everything is down soon after.

        Notes
        -----
        Takes ``limits.close_timeout`` + 0.5 s at most; what was written is flushed for as long. Cancelling it does
        not stop the closing.
        """
        self._tcpip.begin_shutdown()
        try:
            await self.close_client()
        except Exception:
            # A subclass's close_client failed; that is told once all is down.
            await self._tcpip.shutdown()
            raise
        await self._tcpip.shutdown()

    def _tcpip_connected(self, connection: Connection) -> None:
        super()._tcpip_connected(connection)
        if self.connected_task.cancelled():
            self.connected_task = uncancelled_future(self, "connected_task")
        resolve(self.connected_task)

    def _tcpip_lost(self, connection: Connection) -> None:
        super()._tcpip_lost(connection)
        if self.connected_task.done():
            self.connected_task = uncancelled_future(self, "connected_task")

    def _tcpip_stop(self) -> None:
        super()._tcpip_stop()
        if self._server is not None:
            stop_accepting(self._server)

    def _tcpip_stopped(self) -> None:
        super()._tcpip_stopped()
        if self._server is not None:
            self._server.close()

    def _tcpip_done(self) -> None:
        super()._tcpip_done()
        if not isinstance(self.connected_task, asyncio.Task) and not self.connected_task.done():
            self.connected_task.set_exception(ConnectionError("the server was closed before a client connected"))
            # Nobody has to wait for a client: without this line the loop would report that nobody did.
            self.connected_task.exception()
