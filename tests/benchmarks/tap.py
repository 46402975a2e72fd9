"""Measure what ``tcpip tap`` adds to a link, recording, beside ``socat`` and a direct link. Run it with::

    python -m tests.benchmarks.tap --rounds 7

An echo, the relays and the client are processes of their own. In each round all ways are taken one after the other; the
figures are medians over the rounds. Request and reply is a line of 64 bytes, bulk is 62 KiB at a time, there and back.
What is shown goes into a pipe that nobody reads.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.support import IPV4, TIMEOUT, unused_port

LINE = b"x" * 62 + b"\r\n"
BLOCK = b"x" * 62 * 1024 + b"\r\n"
ECHO = """
import socket
with socket.create_server(("127.0.0.1", 0)) as listener:
    print(listener.getsockname()[1], flush=True)
    while True:
        client, _ = listener.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with client:
            try:
                while data := client.recv(262144):
                    client.sendall(data)
            except OSError:
                pass
"""


@contextlib.contextmanager
def process(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    """Run a process while the block runs."""
    one = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield one
    finally:
        one.terminate()
        one.communicate(timeout=TIMEOUT)


@contextlib.contextmanager
def echo() -> Iterator[int]:
    """Run an echo; give its port."""
    with process([sys.executable, "-c", ECHO]) as one:
        assert one.stdout is not None
        yield int(one.stdout.readline())


@contextlib.contextmanager
def tap(target: int, *options: str) -> Iterator[int]:
    """Run the relay that records; give its port."""
    with tempfile.TemporaryDirectory() as place:
        port = unused_port()
        log = str(Path(place) / "bench.tcplog")
        arguments = ["tap", str(port), f"{IPV4}:{target}", "--log", log, *options]
        with process([sys.executable, "-m", "tcpip_tools", *arguments]) as one:
            assert one.stdout is not None
            assert one.stdout.readline()
            yield port


@contextlib.contextmanager
def socat(target: int) -> Iterator[int]:
    """Run socat; give its port."""
    port = unused_port()
    command = ["socat", f"TCP-LISTEN:{port},bind={IPV4},reuseaddr,nodelay,fork", f"TCP:{IPV4}:{target},nodelay"]
    with process(command):
        end = time.monotonic() + TIMEOUT
        while time.monotonic() < end:
            with contextlib.suppress(ConnectionRefusedError), socket.create_connection((IPV4, port), timeout=TIMEOUT):
                break
        yield port


def exchange(port: int, message: bytes, count: int) -> list[float]:
    """Send a message and wait for its echo, so often; give how long each took (seconds)."""
    times: list[float] = []
    buffer = bytearray(len(message))
    with socket.create_connection((IPV4, port), timeout=TIMEOUT) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(count):
            began = time.perf_counter()
            client.sendall(message)
            got = 0
            while got < len(message):
                got += client.recv_into(memoryview(buffer)[got:])
            times.append(time.perf_counter() - began)
    return times


def measure(rounds: int, count: int, blocks: int) -> dict[str, list[tuple[float, ...]]]:
    """Take all ways in turn; give of a reply the median and the 99th percentile (seconds), replies/s, and bytes/s."""
    found: dict[str, list[tuple[float, ...]]] = {}
    with contextlib.ExitStack() as stack:
        target = stack.enter_context(echo())
        ways: dict[str, Callable[[], int]] = {"direct": lambda: target}
        if shutil.which("socat"):
            through_socat = stack.enter_context(socat(target))
            ways["socat"] = lambda: through_socat
        for _ in range(rounds):
            for name, port in [*ways.items(), ("tap", None), ("tap, shown", None)]:
                with contextlib.ExitStack() as one:
                    if port is not None:
                        number = port()
                    else:
                        number = one.enter_context(tap(target, *([] if "shown" in name else ["--view", "none"])))
                    exchange(number, LINE, count // 10)
                    times = sorted(exchange(number, LINE, count))
                    bulk = statistics.median(exchange(number, BLOCK, blocks))
                    row = (
                        statistics.median(times),
                        times[int(0.99 * count)],
                        count / sum(times),
                        2 * len(BLOCK) / bulk,
                    )
                    found.setdefault(name, []).append(row)
    return found


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="tap", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7, metavar="N", help="how often each way is taken (default 7)")
    parser.add_argument("--count", type=int, default=5000, metavar="N", help="requests in a round (default 5000)")
    parser.add_argument("--blocks", type=int, default=500, metavar="N", help="blocks in a round (default 500)")
    arguments = parser.parse_args()
    found = measure(arguments.rounds, arguments.count, arguments.blocks)
    medians = {name: [statistics.median(column) for column in zip(*rows, strict=True)] for name, rows in found.items()}
    base = medians.get("socat", medians["direct"])
    print(f"{'way':<12}{'reply, us':>10}{'added':>8}{'p99, us':>9}{'replies/s':>11}{'slower than socat':>19}", end="")
    print(f"{'bulk, MB/s':>12}{'slower':>9}")
    for name, (reply, late, rate, bulk) in medians.items():
        added = (reply - medians["direct"][0]) * 1e6
        print(
            f"{name:<12}{reply * 1e6:>10.1f}{added:>8.1f}{late * 1e6:>9.0f}{rate:>11.0f}{reply / base[0]:>18.2f}x",
            end="",
        )
        print(f"{bulk / 1e6:>12.0f}{base[3] / bulk:>8.2f}x")
    return 0


if __name__ == "__main__":
    sys.exit(main())
