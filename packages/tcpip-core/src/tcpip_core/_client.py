"""The client: one connection, made once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Self, Unpack, cast

from ._base import BaseClientOrServer
from ._connection import Connection
from ._heartbeat import Heartbeat, send_heartbeats
from ._limits import DEFAULT_LIMITS, Keepalive, Limits
from ._loss import LossReason
from ._observer import Observer, Side
from ._publisher import is_asynchronous
from ._states import State
from ._tasks import done_future
from ._transport import OpenConnectionKwargs, check_address, check_keywords, check_tls, connect, limits_from
from ._tuning import Tuning
from .constants import DEFAULT_ENCODING, DEFAULT_MONITOR_CONNECTION_INTERVAL, DEFAULT_TERMINATOR

__all__ = ["Client"]


class Client(BaseClientOrServer):
    """A TCP client that connects when it is made, and connects once: make a new one to connect again.

    Parameters
    ----------
    host : str or None
        Where the server is. ``""`` makes a client that is already closed, for places that must have one. None goes
        with a ``sock`` keyword.
    port : int or None
        The server's port.
    log : logging.Logger
        Parent of this client's logger.
    connect_callback : callable, optional
        Coroutine function, called with this client once for each change of `connected`.
    monitor_connection_interval : float
        Above 0: tell the callback of a lost link at once. 0 or less: only once somebody reads, writes or closes.
    name : str
        What this client is for; for the log.
    encoding : str
        Text encoding of lines.
    terminator : bytes
        What ends a line.
    run_heartbeat_send_task : bool
        Send the line ``heartbeat`` while connected.
    heartbeat_send_sleep : float
        Time between two of them (seconds, above 0).
    limits : Limits, optional
        Bounds of waits and sizes.
    keepalive : Keepalive, optional
        When the kernel gives up on a silent server.
    heartbeat : Heartbeat, optional
        Send heartbeats, and notice that the peer has fallen silent.
    tuning : Tuning, optional
        What to trade for speed.
    observer : Observer, optional
        Is told of everything that happens on the link, such as a `tcpip_core.transcript.Recorder`.
    **kwargs
        As for `asyncio.open_connection`: ``ssl``, ``local_addr`` and so on; ``limit`` counts instead of
        ``limits.frame_size``.

    Attributes
    ----------
    heartbeat_send_task : asyncio.Future
        Sends heartbeats; done while there is nothing to send.

    Raises
    ------
    RuntimeError
        If no event loop is running.
    TypeError
        If an argument is of the wrong type: `host`, `port`, `log`, `limits`, `keepalive` or `heartbeat`, a
        `connect_callback` that is not a coroutine function, a ``ssl`` that is no context and no bool; or if a keyword
        is unknown. Nothing exists then, no task and no socket.
    ValueError
        If `port`, `encoding`, `terminator`, `heartbeat_send_sleep`, or a keyword such as ``ssl`` or ``limit``, cannot
        be used. Nothing exists then.

    Notes
    -----
    ``start_task`` ends with a `TimeoutError` after ``limits.connect_timeout``, with another `OSError` (such as
    `ConnectionRefusedError`) where the system cannot connect, with `ConnectionAbortedError` if `close` came first.
    All is down then, and ``done_task`` is done. So it is once a connection is lost.
    """

    _tcpip_side: Side = "client"

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
        run_heartbeat_send_task: bool = False,
        heartbeat_send_sleep: float = 1.0,
        *,
        limits: Limits | None = None,
        keepalive: Keepalive | None = None,
        heartbeat: Heartbeat | None = None,
        tuning: Tuning | None = None,
        observer: Observer | None = None,
        **kwargs: Unpack[OpenConnectionKwargs],
    ) -> None:
        if type(self).start is Client.start:
            check_keywords(type(self), kwargs, OpenConnectionKwargs)
            check_tls(kwargs, server=False)
            limits_from(limits or DEFAULT_LIMITS, dict(kwargs))
        check_address(host, port)
        knows_where = port is not None or host == "" or kwargs.get("sock") is not None
        _check_arguments(knows_where, connect_callback, heartbeat_send_sleep)
        self.host = host
        self.port: int = cast("int", port)  # None goes with a sock only, and then nobody asks.
        self.run_heartbeat_send_task = run_heartbeat_send_task
        self.heartbeat_send_sleep = heartbeat_send_sleep
        super().__init__(
            log=log,
            connect_callback=connect_callback,
            monitor_connection_interval=monitor_connection_interval,
            name=name,
            do_start=host != "",
            encoding=encoding,
            terminator=terminator,
            limits=limits,
            keepalive=keepalive,
            heartbeat=heartbeat,
            tuning=tuning,
            observer=observer,
            **kwargs,
        )
        self.heartbeat_send_task: asyncio.Future[None] = done_future()
        if host == "":
            self._tcpip.connection.end(LossReason.CLOSED_HERE)
            self._tcpip_done()

    async def start(self, **kwargs: Any) -> None:
        """Connect; called by the constructor.

        Parameters
        ----------
        **kwargs
            As for `asyncio.open_connection`.

        Raises
        ------
        RuntimeError
            If it was called before, or the client is closed.
        TimeoutError
            If there is no connection within ``limits.connect_timeout``.
        OSError
            If the system cannot connect; its text says where to and what to check.
        TypeError
            If a keyword is unknown, or ``ssl`` of the wrong type.
        ValueError
            If a keyword cannot be used, such as a server's ``ssl``.
        """
        check_keywords(type(self), kwargs, OpenConnectionKwargs)
        endpoint = self._tcpip
        if self.host == "":
            raise RuntimeError("a client with host='' is closed from the start and cannot connect")
        endpoint.claim_start()
        check_tls(kwargs, server=False)
        endpoint.limits = limits_from(endpoint.limits, kwargs)
        try:
            connection = await connect(
                endpoint.new_connection, self.host, self.port, endpoint.limits.connect_timeout, kwargs
            )
        except OSError as e:
            if endpoint.observation is not None:
                endpoint.observation.failed(e)
            raise
        if connection is not endpoint.connection:
            raise ConnectionAbortedError("closed on this side while connecting")
        await endpoint.told()
        if endpoint.loss_reason is LossReason.CLOSED_HERE:
            raise ConnectionAbortedError("closed on this side by the connect callback, before the start had ended")

    async def close(self) -> None:
        """Close the connection for good, whatever state it is in.

        Always safe: before the connection is made, twice, from several tasks. A call from the connect callback marks
        the end and returns; everything is down soon after.

        Notes
        -----
        Takes ``limits.close_timeout`` + 0.5 s at most; what was written is flushed for as long. Cancelling it does
        not stop the closing.
        """
        self.should_be_connected = False
        await self.basic_close()

    async def basic_close(self) -> None:
        """Close as `close` does, but leave ``should_be_connected`` as it is."""
        await self._tcpip.shutdown()

    def _tcpip_connected(self, connection: Connection) -> None:
        super()._tcpip_connected(connection)
        if self.run_heartbeat_send_task:
            sending = send_heartbeats(self, self.heartbeat_send_sleep)
            self.heartbeat_send_task = self._tcpip.spawn_for_link(sending, "heartbeats")

    def _tcpip_noticed(self) -> None:
        if self._tcpip.connection.state in {State.CLOSING, State.CLOSED}:
            self._tcpip.begin_shutdown()


def _check_arguments(knows_where: bool, callback: object, heartbeat_send_sleep: float) -> None:
    if not knows_where:
        raise TypeError("port must be given, unless a sock is")
    if callback is not None and not is_asynchronous(callback):
        raise TypeError(f"connect_callback must be a coroutine function (async def), or None, not {callback!r}")
    if not heartbeat_send_sleep > 0:
        raise ValueError(f"heartbeat_send_sleep must be above 0 seconds, not {heartbeat_send_sleep!r}")
