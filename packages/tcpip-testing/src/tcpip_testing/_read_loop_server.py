"""A read-loop server for tests: what arrives waits in a queue."""

import asyncio
import collections
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Self, Unpack

from tcpip_core import (
    DEFAULT_ENCODING,
    DEFAULT_LOCALHOST,
    DEFAULT_MAX_HEARTBEAT_INTERVAL,
    DEFAULT_TERMINATOR,
    HEARTBEAT,
    Heartbeat,
    Keepalive,
    Limits,
    OneClientReadLoopServer,
    OnSecondClient,
    StartServerKwargs,
)

__all__ = ["TestOneClientReadLoopServer"]


class TestOneClientReadLoopServer(OneClientReadLoopServer):
    """A read-loop server that keeps each line it reads, for a test to look at.

    Parameters
    ----------
    port : int or None
        Port to listen on; 0, which takes any that is free, is right for tests.
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
        Longest time between two heartbeats (seconds).
    limits : Limits, optional
        Bounds of waits and sizes.
    keepalive : Keepalive, optional
        When the kernel gives up on a silent client.
    heartbeat : Heartbeat, optional
        Send heartbeats, and notice that the client has fallen silent.
    on_second_client : {"reject", "probe", "replace"}
        What a client meets that finds another one connected.
    allowed_peers : iterable of str, optional
        Addresses and networks whose clients are let in.
    **kwargs
        As for `asyncio.start_server`.

    Attributes
    ----------
    fail_next_read : bool
        Make the next call of `read_and_dispatch` raise `ConnectionError`; one that waits already is not touched. It
        clears itself.

    Raises
    ------
    RuntimeError, TypeError, ValueError
        As `tcpip_core.OneClientReadLoopServer` does.

    Warns
    -----
    DeprecationWarning
        If `connect_callback` is not a coroutine function.
    """

    __test__ = False  # The name begins with Test; without this pytest would take it for a test.

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
        on_second_client: OnSecondClient = "reject",
        allowed_peers: Iterable[str] | None = None,
        **kwargs: Unpack[StartServerKwargs],
    ) -> None:
        self.fail_next_read: bool = False
        self.__lines: collections.deque[str] = collections.deque()
        self.__changed = asyncio.Event()
        super().__init__(
            port=port,
            host=host,
            log=log,
            connect_callback=connect_callback,
            name=name,
            encoding=encoding,
            terminator=terminator,
            run_heartbeat_monitor_task=run_heartbeat_monitor_task,
            max_heartbeat_interval=max_heartbeat_interval,
            limits=limits,
            keepalive=keepalive,
            heartbeat=heartbeat,
            on_second_client=on_second_client,
            allowed_peers=allowed_peers,
            **kwargs,
        )
        self.done_task.add_done_callback(lambda _: self.__changed.set())

    async def read_and_dispatch(self) -> None:
        """Read one line and keep it for `get_next_data`, or note it as a heartbeat if it is one.

        Raises
        ------
        ConnectionError
            If `fail_next_read` was set, or the client is gone.
        RuntimeError
            If the line is a heartbeat and this server does not watch them.
        """
        if self.fail_next_read:
            self.fail_next_read = False
            raise ConnectionError("this read fails because fail_next_read was set")
        line = await self.read_str()
        if line == HEARTBEAT.decode():
            await self.handle_received_heartbeat()
        else:
            self.__lines.append(line)
            self.__changed.set()

    async def get_next_data(self) -> str:
        """Remove and return the oldest line; wait for one if there is none.

        Lines outlast the client that sent them. A client that hangs up adds none.

        Returns
        -------
        str
            The line, its terminator stripped.

        Raises
        ------
        ConnectionError
            If the server is closed, and so no line will come.

        Notes
        -----
        Cancel safe: a line is taken by the call that returns it.
        """
        while not self.__lines:
            if self.done_task.done():
                raise ConnectionError("no line is left, and the server is closed")
            self.__changed.clear()
            await self.__changed.wait()
        return self.__lines.popleft()
