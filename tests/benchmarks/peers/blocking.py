"""Blocking sockets, a thread or a process for each end: the limit, because no loop is in the way."""

from __future__ import annotations

import io
import json
import socket
import threading
from collections.abc import Callable
from typing import cast

from tests.benchmarks._meter import Meter
from tests.benchmarks._payloads import DONE, LINE, RECORD, STRUCT_BATCH, TERMINATOR, Sample
from tests.benchmarks._workloads import STREAMS
from tests.benchmarks.peers._peer import HOST, Parts, Peer

__all__ = ["create"]


class Wire(Parts[None]):
    """A socket with a buffered file to read from."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = sock
        self.file = cast("io.BufferedReader", sock.makefile("rb", 65536))

    def close(self) -> None:
        """Hang up."""
        self.file.close()
        self.sock.close()

    def client(self, workload: str, n: int) -> None:
        """Do the client's part of a workload."""
        self.client_part(workload, n)
        if workload in STREAMS:
            self.take(len(DONE))

    def server(self, workload: str, n: int) -> None:
        """Do the server's part of a workload."""
        self.server_part(workload, n)
        if workload in STREAMS:
            self.send(DONE, 1)

    def ask_lines(self, n: int) -> None:
        sendall, readline = self.sock.sendall, self.file.readline
        for _ in range(n):
            sendall(LINE.encode() + TERMINATOR)
            readline()[:-2].decode()

    def answer_lines(self, n: int) -> None:
        sendall, readline = self.sock.sendall, self.file.readline
        for _ in range(n):
            sendall(readline()[:-2].decode().encode() + TERMINATOR)

    def take_lines(self, n: int) -> None:
        readline = self.file.readline
        for _ in range(n):
            readline()[:-2].decode()

    def write_lines(self, n: int) -> None:
        sendall = self.sock.sendall
        for _ in range(n):
            sendall(LINE.encode() + TERMINATOR)

    def send(self, data: bytes, times: int) -> None:
        sendall = self.sock.sendall
        for _ in range(times):
            sendall(data)

    def take(self, size: int) -> None:
        recv = self.sock.recv
        while size > 0:
            size -= len(recv(65536))

    def ask_structs(self, n: int) -> None:
        sendall, readinto, sample = self.sock.sendall, self.file.readinto, Sample()
        for _ in range(n):
            sendall(sample)
            readinto(sample)

    def answer_structs(self, n: int) -> None:
        sendall, readinto, sample = self.sock.sendall, self.file.readinto, Sample()
        for _ in range(n):
            readinto(sample)
            sendall(sample)

    def send_structs(self, n: int) -> None:
        sendall, samples = self.sock.sendall, [Sample() for _ in range(STRUCT_BATCH)]
        for _ in range(n // STRUCT_BATCH):
            sendall(b"".join(samples))

    def take_structs(self, n: int) -> None:
        readinto, sample = self.file.readinto, Sample()
        for _ in range(n):
            readinto(sample)

    def ask_jsons(self, n: int) -> None:
        sendall, readline = self.sock.sendall, self.file.readline
        for _ in range(n):
            sendall(json.dumps(RECORD).encode() + TERMINATOR)
            json.loads(readline().decode())

    def answer_jsons(self, n: int) -> None:
        sendall, readline = self.sock.sendall, self.file.readline
        for _ in range(n):
            sendall(json.dumps(json.loads(readline().decode())).encode() + TERMINATOR)

    def take_jsons(self, n: int) -> None:
        readline = self.file.readline
        for _ in range(n):
            json.loads(readline().decode())


class Blocking(Peer):
    """Plain sockets; with both ends in one process the server is a thread."""

    def both(self, workload: str, n: int, meter: Meter) -> None:
        with socket.create_server((HOST, 0)) as listener:
            server = threading.Thread(target=serve, args=(listener, workload, n), daemon=True)
            server.start()
            self.drive(workload, n, listener.getsockname()[1], meter)
            server.join()

    def serve(self, workload: str, n: int, announce: Callable[[int], None]) -> None:
        with socket.create_server((HOST, 0)) as listener:
            announce(listener.getsockname()[1])
            serve(listener, workload, n)

    def drive(self, workload: str, n: int, port: int, meter: Meter) -> None:
        if workload == "W6":
            with meter:
                for _ in range(n):
                    with socket.create_connection((HOST, port)) as sock:
                        sock.recv(1)
            return
        wire = Wire(socket.create_connection((HOST, port)))
        with meter:
            wire.client(workload, n)
        wire.close()


def serve(listener: socket.socket, workload: str, n: int) -> None:
    """Do the server's part of a workload, and wait until the client is gone."""
    if workload == "W6":
        for _ in range(n):
            listener.accept()[0].close()
        return
    wire = Wire(listener.accept()[0])
    wire.server(workload, n)
    wire.file.read()
    wire.close()


def create(loop: str) -> Blocking:
    """Make the peer; it has no loop."""
    return Blocking()
