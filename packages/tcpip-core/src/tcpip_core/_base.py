"""What a client and a server have in common: arguments, state that users see, start, callback, end.

This is glue. Users inherit from it, so it owns as few names as it can: those of the contract, ``_reader``,
``_writer``, ``_server``, and names that begin with ``_tcpip``.
"""

# pyright: reportPrivateUsage=false
# `_Hooks` is a part of the class that it belongs to.

import abc
import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self, TypeAlias

from ._asyncio_streams import ConnectionReader, ConnectionWriter
from ._codec import checked_encoding, checked_terminator
from ._connection import Connection
from ._endpoint import Endpoint
from ._heartbeat import Heartbeat, send_heartbeats, watch_silence
from ._limits import DEFAULT_KEEPALIVE, DEFAULT_LIMITS, Keepalive, Limits
from ._loss import LossReason
from ._observed import Observation
from ._observer import Observer, Side
from ._slot import SlotRules
from ._tasks import done_future
from ._tuning import DEFAULT_TUNING, Tuning
from ._waiting import resolve, uncancelled_future
from .constants import DEFAULT_ENCODING, DEFAULT_MONITOR_CONNECTION_INTERVAL, DEFAULT_TERMINATOR
from .streams import StreamReaderMixin, StreamWriterMixin
from .streams._bytes import inherits

__all__ = ["BaseClientOrServer", "ConnectCallbackType"]

ConnectCallbackType: TypeAlias = Callable[["BaseClientOrServer"], Awaitable[None]]
"""A coroutine function that is told of each change of ``connected``; its argument is the client or server."""


class BaseClientOrServer(StreamReaderMixin, StreamWriterMixin, abc.ABC):
    """One end of a TCP link: what `Client` and the servers share.

    Parameters
    ----------
    log : logging.Logger
        Parent of the logger that is used: ``log`` is a child of it, named for the class and `name`.
    connect_callback : callable, optional
        Coroutine function that is called with this object, once for each change of `connected`, in order, one call
        at a time; in it `connected` says what is being told. A call that raises, or takes longer than
        ``limits.callback_timeout``, is logged and changes nothing. While a call runs at most 100 changes wait;
        beyond that, clients that come and go are left out.
    monitor_connection_interval : float
        Above 0: tell the callback of a lost link as soon as the operating system knows. 0 or less: only once somebody
        reads, writes, closes, or calls `call_connect_callback` (seconds; its size above 0 does not matter).
    name : str
        What this end is for, such as "Commands"; for the log.
    do_start : bool
        Start at once; False leaves calling `start` to the subclass.
    encoding : str
        Text encoding of `read_str`, `write_str`, `read_json`, `write_json`. May be changed at any time.
    terminator : bytes
        What ends a line of those (one byte or more). May be changed at any time.
    limits : Limits, optional
        Bounds of waits and sizes.
    keepalive : Keepalive, optional
        When the kernel gives up on a silent peer.
    heartbeat : Heartbeat, optional
        Send heartbeats, and notice that the peer has fallen silent.
    tuning : Tuning, optional
        What to trade for speed.
    observer : Observer, optional
        Is told of everything that happens on the link, such as a `tcpip_core.transcript.Recorder`.
    **kwargs
        Passed to `start`.

    Attributes
    ----------
    start_task : asyncio.Future
        Done once connected, or listening; holds the exception where that failed.
    done_task : asyncio.Future
        Done once closed for good.
    should_be_connected : bool
        True from the moment a connection is made until this side closes it. So "not `connected` and
        `should_be_connected`" means that the link was lost.

    Raises
    ------
    RuntimeError
        If no event loop is running.
    TypeError
        If `log` is not a logger, or `connect_callback` is not a callable, or `limits`, `keepalive` or `heartbeat` is
        of another type. Nothing exists then, no task and no socket.
    ValueError
        If `encoding` or `terminator` cannot be used. Nothing exists then.
    """

    _tcpip_rules = SlotRules()
    _tcpip_side: Side = "device"

    def __init__(
        self,
        *,
        log: logging.Logger,
        connect_callback: Callable[[Self], Awaitable[None]] | None = None,
        monitor_connection_interval: float = DEFAULT_MONITOR_CONNECTION_INTERVAL,
        name: str = "",
        do_start: bool = True,
        encoding: str = DEFAULT_ENCODING,
        terminator: bytes = DEFAULT_TERMINATOR,
        limits: Limits | None = None,
        keepalive: Keepalive | None = None,
        heartbeat: Heartbeat | None = None,
        tuning: Tuning | None = None,
        observer: Observer | None = None,
        **kwargs: Any,
    ) -> None:
        _check_running_loop(type(self).__name__)
        _check_types(limits=(limits, Limits), keepalive=(keepalive, Keepalive))
        _check_types(heartbeat=(heartbeat, Heartbeat), tuning=(tuning, Tuning))
        _check_methods(log, connect_callback, observer)
        self.encoding: str = checked_encoding(encoding)
        self.terminator: bytes = checked_terminator(terminator)
        self.name = name
        self.log: logging.Logger = log.getChild(f"{type(self).__name__}({name})" if name else type(self).__name__)
        self.monitor_connection_interval = monitor_connection_interval
        self.should_be_connected: bool = False
        self._tcpip_heartbeat = heartbeat
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self.done_task: asyncio.Future[None] = uncancelled_future(self, "done_task")
        callback = None if connect_callback is None else functools.partial(connect_callback, self)
        self._tcpip = self._tcpip_carrier = Endpoint(
            _Hooks(self, callback),
            limits or DEFAULT_LIMITS,
            keepalive or DEFAULT_KEEPALIVE,
            tuning or DEFAULT_TUNING,
            None if observer is None else Observation(observer, self._tcpip_side, lambda: self.log),
            self._tcpip_rules,
        )
        self.start_task: asyncio.Future[None]
        if do_start:
            # Who waits for start_task sees its failure; the log need not shout it.
            starting = self._tcpip.run_start(lambda: self.start(**kwargs))
            self.start_task = self._tcpip.tasks.spawn(starting, "start", failure_level=logging.INFO)
            self.start_task.add_done_callback(self._tcpip.start_ended)
        else:
            self.start_task = done_future()

    @property
    def connected(self) -> bool:
        """Whether there is a live stream to the peer.

        It turns False as soon as the operating system reports an end, or this side closes. A peer that closed its
        side after it had sent data stays connected until those were read, for ``limits.drain_timeout`` at most.
        """
        return self._tcpip.connected

    @property
    def loss_reason(self) -> LossReason | None:
        """Why the connection that ended last did so; None before the first end."""
        return self._tcpip.loss_reason

    @abc.abstractmethod
    async def start(self, **kwargs: Any) -> None:
        """Connect, or listen; called by the constructor.

        Parameters
        ----------
        **kwargs
            What the constructor was given beyond its own arguments.

        Raises
        ------
        RuntimeError
            If it was called before.
        """

    async def call_connect_callback(self) -> None:
        """Tell the connect callback, if `connected` changed since it was last told.

        The library calls it for each change; it is always safe to call. A subclass may override it, to do more than
        call the callback; then ``await super().call_connect_callback()`` tells it.

        Notes
        -----
        Returns once all is told; at once if called by the callback itself. Cancelling it changes nothing.
        """
        await self._tcpip.publisher.tell()

    @abc.abstractmethod
    async def close(self) -> None:
        """End everything for good."""

    async def __aenter__(self) -> Self:
        """Wait until `start_task` is done.

        Returns
        -------
        BaseClientOrServer
            This object.

        Raises
        ------
        Exception
            What the start failed with; all is down then.

        Notes
        -----
        If it is cancelled, it closes what it may have started, then says so.
        """
        try:
            await self.start_task
        except asyncio.CancelledError:
            await self.close()  # the cancellation may come in the very step in which the start is done
            raise
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close."""
        await self.close()

    # What the endpoint asks of us; subclasses in this library add to it.

    def _tcpip_connected(self, connection: Connection) -> None:
        self.should_be_connected = True
        self._reader = reader = ConnectionReader(connection)
        self._writer = ConnectionWriter(connection, reader)
        if self._tcpip_heartbeat is not None:
            interval, timeout = self._tcpip_heartbeat.interval, self._tcpip_heartbeat.timeout
            _ = self._tcpip.spawn_for_link(send_heartbeats(self, interval), "heartbeats")
            _ = self._tcpip.spawn_for_link(watch_silence(connection, timeout), "silence watch")

    def _tcpip_lost(self, connection: Connection) -> None:
        if connection.loss_reason is LossReason.CLOSED_HERE:
            self._reader = self._writer = None

    def _tcpip_noticed(self) -> None:
        pass

    def _tcpip_stop(self) -> None:
        pass

    def _tcpip_stopped(self) -> None:
        pass

    def _tcpip_done(self) -> None:
        if self.done_task.cancelled():
            self.done_task = uncancelled_future(self, "done_task")
        resolve(self.done_task)


class _Hooks:
    """What an endpoint asks of its client or server."""

    __slots__ = ("_host", "callback", "listens", "reads_plainly", "writes_plainly")

    def __init__(self, host: BaseClientOrServer, callback: Callable[[], object] | None) -> None:
        self._host = host
        self.callback = callback
        self.listens = hasattr(host, "_server")
        self.reads_plainly = inherits(type(host), StreamReaderMixin, "readexactly", "readuntil")
        self.writes_plainly = inherits(type(host), StreamWriterMixin, "write")

    def log(self) -> logging.Logger:
        return self._host.log

    def is_watched(self) -> bool:
        return self._host.monitor_connection_interval > 0

    def is_heard(self) -> bool:
        return self.callback is not None or _tells_by_itself(self._host)

    def is_connected(self) -> bool:
        return self._host._tcpip.connection.alive

    async def tell(self) -> None:
        await self._host.call_connect_callback()

    def connected(self, connection: Connection) -> None:
        self._host._tcpip_connected(connection)

    def lost(self, connection: Connection) -> None:
        self._host._tcpip_lost(connection)

    def noticed(self) -> None:
        self._host._tcpip_noticed()

    def stop(self) -> None:
        self._host._tcpip_stop()

    def stopped(self) -> None:
        self._host._tcpip_stopped()

    def done(self) -> None:
        self._host._tcpip_done()


def _tells_by_itself(one: BaseClientOrServer) -> bool:
    """Return whether a subclass, or the object, has a `call_connect_callback` of its own."""
    method = getattr(one.call_connect_callback, "__func__", None)
    return method is not BaseClientOrServer.call_connect_callback


def _check_running_loop(owner: str) -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        raise RuntimeError(
            f"{owner} must be made where an event loop runs: inside a coroutine, started by asyncio.run"
        ) from None


def _check_methods(log: object, connect_callback: object, observer: object) -> None:
    if not callable(getattr(log, "getChild", None)):
        raise TypeError(f"log must be a logging.Logger, not {log!r}")
    if observer is not None and not callable(getattr(observer, "connected", None)):
        raise TypeError(f"observer must be a tcpip_core.Observer or None, not {observer!r}")
    if connect_callback is not None and not callable(connect_callback):
        raise TypeError(f"connect_callback must be a coroutine function or None, not {connect_callback!r}")


def _check_types(**given: tuple[object, type]) -> None:
    for name, (value, expected) in given.items():
        if value is not None and not isinstance(value, expected):
            raise TypeError(f"{name} must be a tcpip_core.{expected.__name__} or None, not {value!r}")
