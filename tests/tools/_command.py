"""Run the real command in a process of its own, with a bound on every wait."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import IO, Any

TIMEOUT = 20.0
"""Bound of every wait (seconds)."""

COMMAND = [sys.executable, "-X", "dev", "-W", "error", "-m", "tcpip_tools"]


def environment(**changes: str) -> dict[str, str]:
    """Give this process's environment without what changes the looks of output."""
    kept = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "FORCE_COLOR", "TERM"}}
    return kept | changes


def run(*args: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [*COMMAND, *args], capture_output=True, text=True, timeout=TIMEOUT, check=False, env=environment(**env)
    )


def events(stdout: str) -> list[dict[str, Any]]:
    """Parse what ``--json`` prints."""
    return [json.loads(line) for line in stdout.splitlines()]


@contextlib.contextmanager
def running(*args: str, stdin: int | None = None) -> Iterator[subprocess.Popen[str]]:
    """Run the command while the block runs."""
    process = subprocess.Popen(
        [*COMMAND, *args],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        preexec_fn=_let_interrupts_in,  # noqa: PLW1509  # no thread of ours runs here
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=TIMEOUT)


def _let_interrupts_in() -> None:
    """Undo what a shell does to programs in its background, and ``nohup`` to all."""
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, signal.SIG_DFL)


def next_event(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Read one line of ``--json``; the command's own bound ends the wait."""
    event: dict[str, Any] = json.loads(pipe(process.stdout).readline())
    return event


def pipe(stream: IO[str] | None) -> IO[str]:
    """Give a pipe that is there."""
    assert stream is not None
    return stream


def talk(port: int, data: bytes, *, size: int) -> bytes:
    """Send bytes to a port on this host and receive an exact number of bytes."""
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT) as peer:
        peer.sendall(data)
        received = b""
        while len(received) < size and (chunk := peer.recv(size - len(received))):
            received += chunk
    return received
