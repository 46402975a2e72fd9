"""Twisted: its `LineReceiver` for lines, a `Protocol` for the rest, push producers for streams; its default reactor."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from twisted.internet import reactor as default_reactor
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import ClientFactory, Factory, Protocol
from twisted.protocols.basic import LineReceiver

from tests.benchmarks._meter import Meter
from tests.benchmarks._payloads import (
    BULK,
    DONE,
    JSON_BATCH,
    JSONS,
    LINE,
    LINE_BATCH,
    LINE_SIZE,
    LINES,
    RECORD,
    STRUCT_BATCH,
    STRUCT_SIZE,
    TERMINATOR,
    Sample,
)
from tests.benchmarks.peers._peer import HOST, Peer

__all__ = ["create"]

# The module becomes the reactor when it is imported, which no type says.
reactor: Any = default_reactor


class Role(Protocol):
    """One end's part of a workload: `left` items are to come or to go."""

    transport: Any

    def __init__(self, n: int) -> None:
        self.left = n
        self.rest = b""
        self.done: Callable[[], None] = nothing
        self.lost: Callable[[], None] = nothing

    def connectionMade(self) -> None:
        self.transport.setTcpNoDelay(True)
        self.begin()

    def begin(self) -> None:
        """Do what comes first."""

    def finish(self) -> None:
        """Tell that the client's part is done, and hang up."""
        self.done()
        self.transport.loseConnection()

    def connectionLost(self, reason: object = None) -> None:
        self.lost()


class LineRole(Role, LineReceiver):
    """A role that receives lines."""

    delimiter = TERMINATOR


class AskLines(LineRole):
    def begin(self) -> None:
        self.transport.write(LINE.encode() + TERMINATOR)

    def lineReceived(self, line: bytes) -> None:
        line.decode()
        self.left -= 1
        if self.left:
            self.transport.write(LINE.encode() + TERMINATOR)
        else:
            self.finish()


class AnswerLines(LineRole):
    def lineReceived(self, line: bytes) -> None:
        self.transport.write(line.decode().encode() + TERMINATOR)


class TakeLines(LineRole):
    def lineReceived(self, line: bytes) -> None:
        line.decode()
        self.left -= 1
        if not self.left:
            self.transport.write(DONE)


class TakeBytes(Role):
    def dataReceived(self, data: bytes) -> None:
        self.left -= len(data)
        if not self.left:
            self.transport.write(DONE)


class Send(Role):
    """A push producer: writes until the transport has enough, and goes on when it asks for more."""

    paused = False

    def begin(self) -> None:
        self.transport.registerProducer(self, True)
        self.resumeProducing()

    def pauseProducing(self) -> None:
        self.paused = True

    def resumeProducing(self) -> None:
        self.paused = False
        while self.left and not self.paused:
            self.left -= 1
            self.write()
        if not self.left:
            self.transport.unregisterProducer()

    def stopProducing(self) -> None:
        self.left = 0

    def write(self) -> None:
        """Write one item."""

    def dataReceived(self, data: bytes) -> None:
        self.finish()


class WriteLines(Send):
    def write(self) -> None:
        self.transport.write(LINE.encode() + TERMINATOR)


class SendStructs(Send):
    def __init__(self, n: int) -> None:
        super().__init__(n)
        self.samples = [Sample() for _ in range(STRUCT_BATCH)]

    def write(self) -> None:
        self.transport.write(b"".join(self.samples))


class SendPrepared(Send):
    def __init__(self, n: int, data: bytes) -> None:
        super().__init__(n)
        self.data = data

    def write(self) -> None:
        self.transport.write(self.data)


class Structs(Role):
    """Receives structures."""

    def dataReceived(self, data: bytes) -> None:
        data = self.rest + data if self.rest else data
        end = len(data) - len(data) % STRUCT_SIZE
        for start in range(0, end, STRUCT_SIZE):
            self.received(Sample.from_buffer_copy(data, start))
        self.rest = data[end:]

    def received(self, sample: Sample) -> None:
        """Deal with a structure."""


class AskStructs(Structs):
    def begin(self) -> None:
        self.transport.write(bytes(Sample()))

    def received(self, sample: Sample) -> None:
        self.left -= 1
        if self.left:
            self.transport.write(bytes(sample))
        else:
            self.finish()


class AnswerStructs(Structs):
    def received(self, sample: Sample) -> None:
        self.transport.write(bytes(sample))


class TakeStructs(Structs):
    def received(self, sample: Sample) -> None:
        self.left -= 1
        if not self.left:
            self.transport.write(DONE)


class AskJsons(LineRole):
    def begin(self) -> None:
        self.transport.write(json.dumps(RECORD).encode() + TERMINATOR)

    def lineReceived(self, line: bytes) -> None:
        json.loads(line.decode())
        self.left -= 1
        if self.left:
            self.transport.write(json.dumps(RECORD).encode() + TERMINATOR)
        else:
            self.finish()


class AnswerJsons(LineRole):
    def lineReceived(self, line: bytes) -> None:
        self.transport.write(json.dumps(json.loads(line.decode())).encode() + TERMINATOR)


class TakeJsons(LineRole):
    def lineReceived(self, line: bytes) -> None:
        json.loads(line.decode())
        self.left -= 1
        if not self.left:
            self.transport.write(DONE)


class TurnAway(Role):
    """Hangs up at once."""

    def begin(self) -> None:
        self.transport.loseConnection()


CLIENTS: dict[str, Callable[[int], Role]] = {
    "W1": AskLines,
    "W2": lambda n: SendPrepared(n // LINE_BATCH, LINES),
    "W2w": WriteLines,
    "W3": lambda n: SendPrepared(n, BULK),
    "W4p": AskStructs,
    "W4s": lambda n: SendStructs(n // STRUCT_BATCH),
    "W5p": AskJsons,
    "W5s": lambda n: SendPrepared(n // JSON_BATCH, JSONS),
    "W6": Role,
}
SERVERS: dict[str, Callable[[int], Role]] = {
    "W1": AnswerLines,
    "W2": TakeLines,
    "W2w": lambda n: TakeBytes(n * LINE_SIZE),
    "W3": lambda n: TakeBytes(n * len(BULK)),
    "W4p": AnswerStructs,
    "W4s": TakeStructs,
    "W5p": AnswerJsons,
    "W5s": TakeJsons,
    "W6": TurnAway,
}


class ServerFactory(Factory):
    """Makes the servers' ends, and says when the last one is gone."""

    def __init__(self, workload: str, n: int, gone: Callable[[], None]) -> None:
        self.create, self.n, self.gone = SERVERS[workload], n, gone
        self.left = n if workload == "W6" else 1

    def buildProtocol(self, addr: IAddress | None) -> Role:
        role = self.create(self.n)
        role.lost = self.lost
        return role

    def lost(self) -> None:
        """Count an end that is gone."""
        self.left -= 1
        if not self.left:
            self.gone()


class Client(ClientFactory):
    """Connects, does its part while the meter runs, and says when it is gone."""

    def __init__(self, workload: str, n: int, port: int, meter: Meter, gone: Callable[[], None]) -> None:
        self.create, self.n, self.port, self.meter, self.gone = CLIENTS[workload], n, port, meter, gone
        self.visits = n if workload == "W6" else 0
        if self.visits:
            meter.__enter__()
        self.connect()

    def connect(self) -> None:
        """Open a connection."""
        reactor.connectTCP(HOST, self.port, self)

    def buildProtocol(self, addr: IAddress | None) -> Role:
        role = self.create(self.n)
        role.done, role.lost = self.meter.__exit__, self.lost
        if not self.visits:
            self.meter.__enter__()
        return role

    def lost(self) -> None:
        """Visit again, or end."""
        self.visits -= 1
        if self.visits > 0:
            self.connect()
            return
        if not self.visits:
            self.meter.__exit__()
        self.gone()


class Twisted(Peer):
    """``reactor.connectTCP`` and ``reactor.listenTCP``."""

    def both(self, workload: str, n: int, meter: Meter) -> None:
        end = Countdown(2)
        Client(workload, n, listen(workload, n, end.count), meter, end.count)
        end.run()

    def serve(self, workload: str, n: int, announce: Callable[[int], None]) -> None:
        end = Countdown(1)
        announce(listen(workload, n, end.count))
        end.run()

    def drive(self, workload: str, n: int, port: int, meter: Meter) -> None:
        end = Countdown(1)
        Client(workload, n, port, meter, end.count)
        end.run()


class Countdown:
    """Runs the reactor until so many ends are gone.

    It ends by `reactor.crash`, after which, unlike after `reactor.stop`, the reactor can run again.
    """

    def __init__(self, ends: int) -> None:
        self.left = ends

    def count(self) -> None:
        """Note that an end is gone."""
        self.left -= 1
        if not self.left:
            reactor.crash()

    def run(self) -> None:
        """Run the reactor."""
        reactor.run(installSignalHandlers=False)


def listen(workload: str, n: int, gone: Callable[[], None]) -> int:
    """Listen until the last client is gone, and return the port."""

    def stop() -> None:
        listener.stopListening()
        gone()

    listener = reactor.listenTCP(0, ServerFactory(workload, n, stop), interface=HOST)
    port: int = listener.getHost().port
    return port


def nothing(*_: object) -> None:
    """Do nothing."""


def create(loop: str) -> Twisted:
    """Make the peer; it has its own loop."""
    return Twisted()
