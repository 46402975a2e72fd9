"""Measure how long a person waits for the command: ``tcpip --version``, and ``tcpip probe`` of a port of this host.

Wall time of whole processes, from start to end, each run after the other. Run it with::

    python -m tests.benchmarks.start_up --rounds 20
"""

from __future__ import annotations

import argparse
import contextlib
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

from tests.support import IPV4, TIMEOUT

GOALS = {"--version": "0.25", "probe": "0.5", "probe --no-connect": "-", "who": "-"}
"""What is promised (seconds); of the other two nothing is."""


@contextlib.contextmanager
def device() -> Iterator[int]:
    """Listen and accept everybody, without a word, while the block runs; give the port."""

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                with client:
                    while client.recv(65536):
                        pass

    with socket.create_server((IPV4, 0)) as listener:
        thread = threading.Thread(target=serve, name="device")
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(TIMEOUT)


def wall(arguments: list[str], rounds: int) -> list[float]:
    """Run the command so often; give how long each run took (seconds)."""
    found: list[float] = []
    for _ in range(rounds):
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "tcpip_tools", *arguments], check=True, capture_output=True, timeout=TIMEOUT
        )
        found.append(time.perf_counter() - began)
    return sorted(found)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="start_up", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=20, metavar="N", help="runs of each command (default 20)")
    rounds = max(1, parser.parse_args().rounds)
    print(f"{'command':<22}{'runs':>5}{'best':>8}{'median':>8}{'worst':>8}{'goal':>7}  (seconds, wall)")
    with device() as port:
        target = f"{IPV4}:{port}"
        for name, arguments in {
            "--version": ["--version"],
            "probe": ["probe", target],
            "probe --no-connect": ["probe", target, "--no-connect"],
            "who": ["who", str(port)],
        }.items():
            times = wall(arguments, rounds)
            figures = "".join(f"{one:8.3f}" for one in (times[0], statistics.median(times), times[-1]))
            print(f"{name:<22}{rounds:>5}{figures}{GOALS[name]:>7}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
