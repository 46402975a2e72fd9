"""The one-client server that reads by itself and hands each item to the user's method."""

import abc
import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Self, Unpack

from ._calls import Call
from ._codec import shown
from ._connection import Connection
from ._heartbeat import Heartbeat, current_tai
from ._limits import Keepalive, Limits
from ._loss import LossReason, described, reason_for_message
from ._observer import Observer
from ._one_client_server import OneClientServer
from ._slot import OnSecondClient
from ._tasks import done_future
from ._transport import StartServerKwargs
from ._tuning import Tuning
from ._waiting import SECOND_LOOK, is_late
from .constants import DEFAULT_ENCODING, DEFAULT_LOCALHOST, DEFAULT_MAX_HEARTBEAT_INTERVAL, DEFAULT_TERMINATOR

__all__ = ["OneClientReadLoopServer"]

_FAIR_SHARE = 0.01
"""How long messages that are there already are handled before other tasks get a turn (seconds)."""

_END_TIMEOUT = 1.0
"""How long the read loop of a client that is gone may take to end before the next one's starts (seconds)."""


def _now() -> float:
    """Return the time for ages of heartbeats (seconds): not the wall clock's, which people and NTP set."""
    return asyncio.get_running_loop().time()


def _log_hangup(log: logging.Logger, connection: Connection, error: BaseException) -> None:
    if isinstance(error, asyncio.IncompleteReadError) and error.partial:
        log.info("%s left in the middle of a message: %s", connection.peer, shown(error.partial))
    if connection.loss_reason is LossReason.LIMIT:
        log.error("closed %s: %s", connection.peer, described(LossReason.LIMIT, connection.loss_cause))


class OneClientReadLoopServer(OneClientServer, abc.ABC):
    """A server that calls `read_and_dispatch` for as long as a client is connected.

    Write a subclass with that one method: read an item, act on it, perhaps reply.

    Parameters
    ----------
    port : int or None
        Port to listen on; 0 takes any that is free.
    host : str or None
        Address to listen on. None listens on every interface.
    log : logging.Logger
        Parent of this server's logger.
    connect_callback : callable, optional
        Coroutine function, called with this server once for each change of `connected`.
    name : str
        What this server is for; for the log.
    encoding : str
        Text encoding of lines.
    terminator : bytes
        What ends a line.
    run_heartbeat_monitor_task : bool
        Close a client that sends no heartbeat for `max_heartbeat_interval`.
    max_heartbeat_interval : float
        Longest time between two heartbeats, and from the start of a connection to the first (seconds, above 0).
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
    read_loop_task : asyncio.Future
        Runs `read_loop` for the present client; done while there is none.
    monitor_heartbeats_task : asyncio.Future
        Runs `monitor_received_heartbeats` for the present client; done while there is none.
    heartbeat_received_tai : float
        When the last heartbeat came (TAI seconds); 0 before the first.

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
        `max_heartbeat_interval`, or a keyword such as ``ssl`` or ``limit`` cannot be used. Nothing exists then.

    Warns
    -----
    DeprecationWarning
        If `connect_callback` is not a coroutine function.
    """

    def __init__(
        self,
        *,
        port: int | None,
        host: str | None = DEFAULT_LOCALHOST,
        log: logging.Logger,
        connect_callback: Callable[[Self], Awaitable[None]] | None = None,
        name: str = "",
        encoding: str = DEFAULT_ENCODING,
        terminator: bytes = DEFAULT_TERMINATOR,
        run_heartbeat_monitor_task: bool = False,
        max_heartbeat_interval: float = DEFAULT_MAX_HEARTBEAT_INTERVAL,
        limits: Limits | None = None,
        keepalive: Keepalive | None = None,
        heartbeat: Heartbeat | None = None,
        tuning: Tuning | None = None,
        observer: Observer | None = None,
        on_second_client: OnSecondClient = "reject",
        allowed_peers: Iterable[str] | None = None,
        **kwargs: Unpack[StartServerKwargs],
    ) -> None:
        if not max_heartbeat_interval > 0:
            raise ValueError(f"max_heartbeat_interval must be above 0 seconds, not {max_heartbeat_interval!r}")
        self.run_heartbeat_monitor_task = run_heartbeat_monitor_task
        self.max_heartbeat_interval = max_heartbeat_interval
        super().__init__(
            host=host,
            port=port,
            log=log,
            connect_callback=connect_callback,
            name=name,
            encoding=encoding,
            terminator=terminator,
            limits=limits,
            keepalive=keepalive,
            heartbeat=heartbeat,
            tuning=tuning,
            observer=observer,
            on_second_client=on_second_client,
            allowed_peers=allowed_peers,
            **kwargs,
        )
        self.heartbeat_received_tai: float = 0.0
        self._tcpip_heartbeat_at = 0.0
        self._tcpip_reading: asyncio.Task[None] | None = None
        self.read_loop_task: asyncio.Future[None] = done_future()
        self.monitor_heartbeats_task: asyncio.Future[None] = done_future()

    # Reading

    @abc.abstractmethod
    async def read_and_dispatch(self) -> None:
        """Read one item, parse it and act on it.

        Raises
        ------
        Exception
            Any exception is logged and closes this client; the server waits for the next one.

        Notes
        -----
        Called again as long as a client is connected. After a client closed its side it is called until all that
        had arrived was read, and replies can still be written. It is cancelled if the client is closed on this side,
        or if the next client comes while it still works for one that is gone.
        """

    async def read_loop(self) -> None:
        """Call `read_and_dispatch` while a client is connected.

        An exception is logged and closes the client. A hang-up ends the loop and is no exception.
        """
        connection = self._tcpip.connection
        task, now = asyncio.current_task(), asyncio.get_running_loop().time
        try:
            turn_ends = now() + _FAIR_SHARE
            while connection.alive:
                delivered = connection.incoming.delivered
                with Call(self._tcpip, task):
                    await self.read_and_dispatch()
                # Neither who reads nothing, nor who finds one message after the other, may keep others from their turn.
                if connection.incoming.delivered == delivered or now() > turn_ends:
                    await asyncio.sleep(0)
                    turn_ends = now() + _FAIR_SHARE
        except (Exception, asyncio.CancelledError) as e:  # noqa: BLE001  User code may raise anything.
            await self._tcpip_read_ended(connection, e)

    async def _tcpip_read_ended(self, connection: Connection, error: BaseException) -> None:
        """Deal with what ended a read loop: a cancellation from outside, a hang-up, or a mistake."""
        task = asyncio.current_task()
        if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
            raise error
        if isinstance(error, ConnectionError | asyncio.IncompleteReadError) and not connection.alive:
            if connection.is_logged:
                _log_hangup(self.log, connection, error)
            return
        reason = reason_for_message(error)
        if connection.is_logged:
            if reason is None:
                self.log.error("read loop failed: closing %s", connection.peer, exc_info=error)
            else:
                self.log.error("closing %s: %s: %s", connection.peer, reason.value, shown(error))
        if reason is not None:
            connection.end(reason)
        if connection is self._tcpip.connection:
            await self.close_client()

    async def _tcpip_read(self, connection: Connection, previous: asyncio.Task[None] | None) -> None:
        """Run `read_loop`, which users override, for one connection, once that of an earlier one has ended."""
        if previous is not None and not previous.done():
            await asyncio.wait({previous}, timeout=_END_TIMEOUT)
            if not previous.done():
                self.log.error("the read loop of an earlier client does not end although it was cancelled")
        try:
            with connection.held():
                await self.read_loop()
        except (Exception, asyncio.CancelledError) as e:  # noqa: BLE001  User code may raise anything.
            await self._tcpip_read_ended(connection, e)

    async def close_client(self, cancel_read_loop_task: bool = True) -> None:
        """Stop the read loop and close the client, if there is one; the server goes on listening.

        Parameters
        ----------
        cancel_read_loop_task : bool
            Cancel the read loop at once, rather than let it find the link closed. A call from the read loop itself
            never cancels it.
        """
        reading = self._tcpip_reading
        if reading is asyncio.current_task():
            reading = None
        if cancel_read_loop_task and reading is not None:
            reading.cancel()
        await super().close_client()
        if reading is not None and not self._tcpip.closing and not self._tcpip.is_called_by_own_task():
            await asyncio.wait({reading}, timeout=_END_TIMEOUT)

    # Heartbeats

    async def handle_received_heartbeat(self) -> None:
        """Note that a heartbeat came; for `read_and_dispatch` to call.

        Raises
        ------
        RuntimeError
            If this server does not watch heartbeats.
        """
        if not self.run_heartbeat_monitor_task:
            raise RuntimeError(
                "a heartbeat came, but this server does not watch them: make it with run_heartbeat_monitor_task=True"
            )
        self.heartbeat_received_tai = current_tai()
        self._tcpip_heartbeat_at = _now()

    async def monitor_received_heartbeats(self) -> None:
        """Close the client once no heartbeat came for ``max_heartbeat_interval``; return when there is no client."""
        connection = self._tcpip.connection
        while connection.alive:
            overdue = _now() - self._tcpip_heartbeat_at - self.max_heartbeat_interval
            if overdue < 0:
                await asyncio.sleep(-overdue)
            elif is_late(overdue, self.max_heartbeat_interval):
                # While this process stood still nobody was listened to: that is not held against the client.
                self._tcpip_heartbeat_at += overdue + self.max_heartbeat_interval * SECOND_LOOK
            else:
                self.log.error(
                    "no heartbeat from %s for %g s: closing it", connection.peer, self.max_heartbeat_interval
                )
                connection.end(LossReason.HEARTBEAT)

    # What the endpoint tells us

    def _tcpip_connected(self, connection: Connection) -> None:
        previous = self._tcpip_reading
        if previous is not None:
            # Before anybody learns of the new client: what this one still writes must not go to it.
            previous.cancel()
        super()._tcpip_connected(connection)
        tasks = self._tcpip.tasks
        self.read_loop_task = self._tcpip_reading = tasks.spawn(self._tcpip_read(connection, previous), "read loop")
        if self.run_heartbeat_monitor_task:
            self._tcpip_heartbeat_at = _now()
            monitoring = self.monitor_received_heartbeats()
            self.monitor_heartbeats_task = self._tcpip.spawn_for_link(monitoring, "heartbeat monitor")
