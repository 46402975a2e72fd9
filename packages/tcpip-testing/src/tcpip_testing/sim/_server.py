"""Listening: what the kernel queues, and asyncio's server that accepts it."""

import asyncio
import contextvars
import errno
import os
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar

from ._socket import SimSocket
from ._tcp import Address, Tcp
from ._transport import Loop, SimTransport

__all__ = ["Listener", "ServerLoop", "SimServer"]

T = TypeVar("T")


class ServerLoop(Loop, Protocol):
    """What a server asks of its loop."""

    def create_future(self) -> "asyncio.Future[Any]":
        """Make a future."""
        ...

    def create_task(self, coro: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Run a coroutine as a task."""
        ...


class Listener:
    """A port that listens.

    Parameters
    ----------
    local : tuple
        Its address.
    backlog : int
        How many connections wait at most.
    on_ready : callable
        Called when one waits that may be accepted.

    Attributes
    ----------
    local : tuple
        As given.
    waiting : collections.deque of Tcp
        Its ends of the connections that wait, oldest first.
    accepting : bool
        Whether they may be accepted.
    listening : bool
        Whether connections are answered; before that the port is only taken.
    """

    def __init__(self, local: Address, backlog: int, on_ready: "Callable[[Listener], object]") -> None:
        self.local: Address = local
        self.socket: SimSocket = SimSocket(local)
        self.waiting: deque[Tcp] = deque()
        self.accepting: bool = True
        self.listening: bool = True
        self._backlog = backlog
        self._on_ready = on_ready

    @property
    def is_full(self) -> bool:
        """Whether one more would not be answered."""
        return len(self.waiting) >= self._backlog

    def stop_accepting(self) -> None:
        """Let connections wait, as a program does that is busy with something else."""
        self.accepting = False

    def resume_accepting(self) -> None:
        """Accept what waits."""
        self.accepting = True
        self._on_ready(self)

    def queue(self, tcp: Tcp) -> None:
        """Let a connection wait to be accepted.

        Parameters
        ----------
        tcp : Tcp
            The listener's end of it.
        """
        self.waiting.append(tcp)
        self._on_ready(self)

    def close(self) -> None:
        """Reset what waits."""
        for tcp in self.waiting:
            tcp.reset()
        self.waiting.clear()


class SimServer(asyncio.AbstractServer):
    """A server; `wait_closed` waits for the connections too, as since Python 3.12.1.

    Parameters
    ----------
    loop : ServerLoop
        The loop.
    factory : callable
        Makes a protocol for each connection.
    on_close : callable
        Called with each listener that is closed.
    """

    def __init__(
        self,
        loop: ServerLoop,
        factory: Callable[[], asyncio.BaseProtocol],
        on_close: Callable[[Listener], None],
    ) -> None:
        self._loop = loop
        self._factory = factory
        self._on_close = on_close
        self._listeners: list[Listener] = []
        self._open = True
        self._serving = False
        self._context = contextvars.copy_context()
        self._transports: dict[SimTransport, None] = {}
        self._accepting: dict[asyncio.Task[None], None] = {}
        self._waiters: list[asyncio.Future[None]] = []
        self._forever: asyncio.Future[None] | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} sockets={self.sockets!r}>"

    def listen(self, local: Address, backlog: int) -> Listener:
        """Add a port."""
        listener = Listener(local, backlog, self._ready)
        listener.listening = self._serving
        self._listeners.append(listener)
        return listener

    @property
    def sockets(self) -> tuple[SimSocket, ...]:
        """Its sockets; none once it is closed."""
        return tuple(one.socket for one in self._listeners) if self._open else ()

    @property
    def listeners(self) -> tuple[Listener, ...]:
        """Its ports, to stop them accepting."""
        return tuple(self._listeners)

    def get_loop(self) -> Any:
        """Return the loop."""
        return self._loop

    def is_serving(self) -> bool:
        """Return whether it accepts connections."""
        return self._serving

    async def start_serving(self) -> None:
        """Accept connections."""
        self.begin()
        await asyncio.sleep(0)

    def begin(self) -> None:
        """Accept connections from now on."""
        if not self._open:
            raise RuntimeError(f"server {self!r} is closed")
        self._serving = True
        for listener in self._listeners:
            listener.listening = True
            self._ready(listener)

    async def serve_forever(self) -> None:
        """Accept connections until cancelled, then close."""
        if self._forever is not None:
            raise RuntimeError(f"server {self!r} is already being awaited on serve_forever()")
        self.begin()
        self._forever = self._loop.create_future()
        try:
            await self._forever
        except asyncio.CancelledError:
            self.close()
            await self.wait_closed()
            raise
        finally:
            self._forever = None

    def _ready(self, listener: Listener) -> None:
        if self._serving and listener.accepting and listener.waiting:
            self._loop.call_soon(self._accept_all, listener, context=self._context)

    def _accept_all(self, listener: Listener) -> None:
        while self._serving and listener.accepting and listener.waiting:
            task = self._loop.create_task(self._accept(listener.waiting.popleft()))
            self._accepting[task] = None
            task.add_done_callback(lambda done: self._accepting.pop(done, None))

    async def _accept(self, tcp: Tcp) -> None:
        transport = None
        try:
            protocol = self._factory()
            if not self._open:
                raise ConnectionAbortedError(errno.ECONNABORTED, os.strerror(errno.ECONNABORTED))
            waiter: asyncio.Future[None] = self._loop.create_future()
            transport = SimTransport(self._loop, tcp, protocol, waiter, self._detach)
            self._transports[transport] = None
            await waiter
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as e:  # noqa: BLE001  As asyncio: nobody waits for this task.
            if transport is not None:
                transport.close()
            else:
                tcp.close()
            if not isinstance(e, ConnectionAbortedError | asyncio.CancelledError):
                message = "Error on transport creation for incoming connection"
                self._loop.call_exception_handler({"message": message, "exception": e})

    def _detach(self, transport: SimTransport) -> None:
        self._transports.pop(transport, None)
        self._wake()

    def close(self) -> None:
        """Stop listening; connections stay."""
        if self._open:
            self._open = self._serving = False
            for listener in self._listeners:
                self._on_close(listener)
                listener.close()
            if self._forever is not None and not self._forever.done():
                self._forever.cancel()
            self._wake()

    def close_clients(self) -> None:
        """Close all connections."""
        for transport in tuple(self._transports):
            transport.close()

    def abort_clients(self) -> None:
        """Cut all connections."""
        for transport in tuple(self._transports):
            transport.abort()

    def _wake(self) -> None:
        if not self._open and not self._transports:
            waiters, self._waiters = self._waiters, []
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(None)

    async def wait_closed(self) -> None:
        """Wait until it is closed and all its connections are gone."""
        if self._open or self._transports:
            waiter: asyncio.Future[None] = self._loop.create_future()
            self._waiters.append(waiter)
            await waiter
