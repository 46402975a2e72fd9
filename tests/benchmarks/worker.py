"""One process with one peer: does what it is told over a pipe, and says what it took.

The program that measures starts it, see `_workers`. It collects garbage before each order.
"""

from __future__ import annotations

import gc
import os
import sys
from importlib.metadata import PackageNotFoundError, version
from multiprocessing.connection import Connection
from pathlib import Path

from tests.benchmarks import _idle, _losses
from tests.benchmarks._meter import Figures, Meter
from tests.benchmarks._orders import (
    Both,
    Drive,
    Failure,
    Idle,
    Listening,
    Losses,
    Order,
    Ready,
    Reply,
    Serve,
    Served,
)
from tests.benchmarks.peers import PEERS
from tests.benchmarks.peers._peer import AsyncPeer, CannotDoError, Peer


def perform(peer: Peer, order: Order, pipe: Connection) -> Reply:
    """Do what is ordered."""
    match order:
        case Both(workload, n):
            meter = Meter()
            peer.both(workload, n, meter)
            return found(meter)
        case Serve(workload, n):
            peer.serve(workload, n, lambda port: pipe.send(Listening(port)))
            return Served()
        case Drive(workload, n, port, server):
            meter = Meter(server)
            peer.drive(workload, n, port, meter)
            return found(meter)
        case Idle():
            return _idle.measure(asynchronous(peer), order)
        case Losses(loop, "client", end, rounds):
            return _losses.measure(asynchronous(peer), loop, end, rounds)
        case Losses(loop, side, end, rounds):
            from tests.benchmarks import loss_latency  # brings our package along, which other peers do without

            return loss_latency.run(loop, side, end, rounds, lambda: None)


def asynchronous(peer: Peer) -> AsyncPeer:
    """Return a peer that has watched links."""
    if not isinstance(peer, AsyncPeer):
        raise CannotDoError("it watches no links")
    return peer


def found(meter: Meter) -> Figures:
    """Return what was measured."""
    if meter.figures is None:
        raise CannotDoError("nothing was measured")
    return meter.figures


def versions(package: str) -> dict[str, str]:
    """Name what this worker uses."""
    found: dict[str, str] = {}
    for name in filter(None, (package, "uvloop")):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def foreign(tree: str) -> str:
    """Say where our package comes from, if not from the source tree that is to be measured."""
    module = sys.modules.get("tcpip_core")
    place = None if module is None else module.__file__
    return "" if place is None or Path(place).is_relative_to(tree) else place


def main(name: str, loop: str, allocator: str, descriptor: str, tree: str) -> None:
    """Serve orders until the pipe is closed."""
    if allocator == "warm":
        # glibc: freeing a large block makes it take the next ones from the heap instead of from the kernel.
        block = bytes(1 << 20)
        del block
    with Connection(int(descriptor)) as pipe:
        info = PEERS[name]
        try:
            peer = info.create(loop)
        except (ImportError, CannotDoError) as e:
            pipe.send(Failure(str(e)))
            return
        if place := foreign(tree):
            pipe.send(Failure(f"tcpip_core came from {place}"))
            return
        pipe.send(Ready(os.getpid(), versions(info.package)))
        while True:
            try:
                order: Order = pipe.recv()
            except EOFError:
                return
            gc.collect()
            try:
                reply = perform(peer, order, pipe)
            except Exception as e:  # noqa: BLE001  # told to the one who ordered
                reply = Failure(f"{type(e).__name__}: {e}")
            pipe.send(reply)


if __name__ == "__main__":
    main(*sys.argv[1:])
