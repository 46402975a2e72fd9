"""Servers of plain sockets in a thread, each with its manners towards newcomers; they note every byte that they get."""

from __future__ import annotations

import contextlib
import selectors
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Literal, Self, TypeAlias

from tests.support import IPV4, TIMEOUT

__all__ = ["Device", "FullQueue", "Policy", "device", "echo", "holding", "lines"]

Policy: TypeAlias = Literal["multi", "reject", "kick", "queue", "hang", "rst"]
"""What a second client meets; ``hang`` accepts nobody, ``rst`` resets everybody."""

Answer: TypeAlias = Callable[[bytes], bytes | Literal["fin", "rst"]]
"""Makes the answer to a chunk; or ends the link in one of two ways."""


def silent(_: bytes) -> bytes:
    """Answer nothing."""
    return b""


def echo(data: bytes) -> bytes:
    """Answer the same."""
    return data


def lines(terminator: bytes, **answers: bytes | Literal["fin", "rst"]) -> Answer:
    """Answer known words that end with a terminator; what comes in one chunk is answered at once."""

    def answer(data: bytes) -> bytes | Literal["fin", "rst"]:
        found = b""
        for word in data.split(terminator)[:-1]:
            reply = answers.get(word.decode(), b"?" + word)
            if isinstance(reply, str):
                return reply
            found += reply + terminator
        return found

    return answer


class Device:
    """A server; use it with `device`."""

    def __init__(
        self,
        answer: Answer = silent,
        *,
        greeting: bytes = b"",
        farewell: Literal["", "fin", "rst"] = "",
        policy: Policy = "multi",
        host: str = IPV4,
        port: int = 0,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._answer = answer
        self._greeting = greeting
        self._farewell: Literal["", "fin", "rst"] = farewell
        self._policy: Policy = policy
        self._context = context
        self._listener = socket.create_server((host, port))
        self.port: int = self._listener.getsockname()[1]
        self.received = b""
        self.connections = 0
        self.resets = 0
        self.has_client = threading.Event()
        self._all_gone = threading.Event()
        self._stop, self._wake = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._clients: list[socket.socket] = []
        self._orders: list[Callable[[], None]] = []
        self._thread = threading.Thread(target=self._serve, name="device")
        self._thread.start()

    @property
    def target(self) -> str:
        """Where it listens, as the command line takes it."""
        return f"{IPV4}:{self.port}"

    def wait_gone(self) -> None:
        """Wait until every client has gone that came."""
        assert self._all_gone.wait(TIMEOUT)

    def tell(self, data: bytes) -> None:
        """Send something unasked to every client."""

        def send() -> None:
            for client in self._clients:
                client.sendall(data)

        self._order(send)

    def drop(self, how: Literal["fin", "rst"] = "fin") -> None:
        """End every link."""

        def end() -> None:
            for client in list(self._clients):
                self._end(client, how)

        self._order(end)

    def _order(self, order: Callable[[], None]) -> None:
        self._orders.append(order)
        self._wake.send(b"o")

    def close(self) -> None:
        """Stop."""
        self._wake.send(b"x")
        self._thread.join(TIMEOUT)
        for one in (self._listener, self._stop, self._wake, *self._clients):
            one.close()
        self._selector.close()
        assert not self._thread.is_alive()

    def _serve(self) -> None:
        self._selector.register(self._stop, selectors.EVENT_READ)
        if self._policy != "hang":
            self._selector.register(self._listener, selectors.EVENT_READ)
        while True:
            for key, _ in self._selector.select():
                ready = key.fileobj
                if ready is self._stop:
                    if b"x" in self._stop.recv(16):
                        return
                    while self._orders:
                        self._orders.pop(0)()
                elif ready is self._listener:
                    self._accept()
                elif isinstance(ready, socket.socket) and ready in self._clients:
                    self._read(ready)

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        self.connections += 1
        self._all_gone.clear()
        if self._policy == "rst":
            self._end(client, "rst")
            return
        if self._policy == "reject" and self._clients:
            self._end(client, "fin")
            return
        if self._policy == "kick":
            for holder in list(self._clients):
                self._end(holder, "fin")
        if self._context is not None:
            try:
                client.settimeout(TIMEOUT)
                client = self._context.wrap_socket(client, server_side=True)
            except OSError:
                self._end(client, "fin")
                return
        self._clients.append(client)
        self._selector.register(client, selectors.EVENT_READ)
        if self._policy == "queue":
            self._selector.unregister(self._listener)
        client.sendall(self._greeting)
        self.has_client.set()
        if self._farewell:
            self._end(client, self._farewell)

    def _read(self, client: socket.socket) -> None:
        try:
            data = client.recv(65536)
        except OSError:
            self.resets += 1
            data = b""
        if not data:
            self._end(client, "fin")
            return
        self.received += data
        answer = self._answer(data)
        if isinstance(answer, bytes):
            with contextlib.suppress(OSError):
                client.sendall(answer)
        elif answer == "rst":
            self._end(client, "rst")
        else:
            self._end(client, "fin")

    def _end(self, client: socket.socket, how: Literal["fin", "rst"]) -> None:
        if client in self._clients:
            self._clients.remove(client)
            self._selector.unregister(client)
            if self._policy == "queue":
                self._selector.register(self._listener, selectors.EVENT_READ)
        if how == "rst":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        if not self._clients:
            self._all_gone.set()


@contextlib.contextmanager
def device(
    answer: Answer = silent,
    *,
    greeting: bytes = b"",
    farewell: Literal["", "fin", "rst"] = "",
    policy: Policy = "multi",
    port: int = 0,
    context: ssl.SSLContext | None = None,
) -> Iterator[Device]:
    """Have a server while the block runs."""
    one = Device(answer, greeting=greeting, farewell=farewell, policy=policy, port=port, context=context)
    try:
        yield one
    finally:
        one.close()


@contextlib.contextmanager
def holding(one: Device) -> Iterator[socket.socket]:
    """Be the client that a device serves while the block runs."""
    with socket.create_connection((IPV4, one.port), timeout=TIMEOUT) as client:
        assert one.has_client.wait(TIMEOUT)
        yield client


class FullQueue:
    """A listener that accepts nobody and whose queue has no room."""

    def __init__(self) -> None:
        self._listener = socket.create_server((IPV4, 0), backlog=0)
        self.port: int = self._listener.getsockname()[1]
        self._waiting = [socket.create_connection((IPV4, self.port), timeout=TIMEOUT)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for one in (*self._waiting, self._listener):
            one.close()
