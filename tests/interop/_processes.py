"""Programs as child processes: servers that run for a while, and programs that we talk to through a socket pair.

Every wait has a bound, and no process outlives its context.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tcpip_core import DEFAULT_LOCALHOST, close_stream_writer
from tests.support import TIMEOUT, soon, unused_port

__all__ = ["Daemon", "Talker", "User", "daemon", "talking"]

STARTS = 3
"""How often a server is started: somebody may take the port that was free a moment ago."""

PAUSE = 0.02
"""Time between two attempts to connect to a server that starts (seconds)."""


class User(NamedTuple):
    """Who runs a program."""

    uid: int
    gid: int

    @classmethod
    def without_rights(cls) -> User:
        """Give ourselves, or ``nobody`` if we are root: several servers refuse to run as root."""
        if os.geteuid():
            return cls(os.geteuid(), os.getegid())
        nobody = pwd.getpwnam("nobody")
        return cls(nobody.pw_uid, nobody.pw_gid)


def _spawn(command: Sequence[str], user: User | None, stdin: int, stdout: int, stderr: int) -> subprocess.Popen[bytes]:
    """Start a process, as another user if we may."""
    other = user if os.geteuid() == 0 else None
    return subprocess.Popen(
        command,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        user=other and other.uid,
        group=other and other.gid,
        extra_groups=[] if other else None,
    )


@dataclass(frozen=True)
class Daemon:
    """A server of somebody else that runs: where it listens, and the directory that it may write to."""

    port: int
    folder: Path
    user: User


@contextmanager
def daemon(make_command: Callable[[int, Path, User], Sequence[str]]) -> Iterator[Daemon]:
    """Run a server on a free port and with a new directory; the command is made from port, directory and user."""
    user = User.without_rights()
    folder = Path(tempfile.mkdtemp(prefix="tcpip-interop-", dir=_fast_place()))
    try:
        if not os.geteuid():
            os.chown(folder, user.uid, user.gid)
        with contextlib.ExitStack() as stack:
            port = _start(stack, folder, user, make_command)
            yield Daemon(port, folder, user)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _fast_place() -> str | None:
    """Give a place in memory, where there is one: a mail server waits for the disk with each message."""
    memory = Path("/dev/shm")
    return str(memory) if memory.is_dir() and os.access(memory, os.W_OK) else None


def _start(
    stack: contextlib.ExitStack,
    folder: Path,
    user: User,
    make_command: Callable[[int, Path, User], Sequence[str]],
) -> int:
    """Start it until it can be connected to; return the port."""
    said = b""
    for attempt in range(STARTS):
        port = unused_port(DEFAULT_LOCALHOST)
        output = folder / f"output-{attempt}"
        with output.open("wb") as file:
            process = _spawn(
                make_command(port, folder, user), user, subprocess.DEVNULL, file.fileno(), subprocess.STDOUT
            )
        stack.callback(_end, process)
        if _answers(process, port):
            return port
        _end(process)
        said = output.read_bytes()
    raise RuntimeError(f"the server did not start: {said.decode(errors='replace')[-500:]}")


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    """Try to connect until that works, the process ends, or the time is up."""
    for _ in range(round(TIMEOUT / PAUSE)):
        try:
            socket.create_connection((DEFAULT_LOCALHOST, port), timeout=TIMEOUT).close()
        except OSError:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(PAUSE)
                return False
        else:
            return process.poll() is None
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to end, then make it, and reap it."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait(TIMEOUT)


@dataclass
class Talker:
    """A program whose standard input and output are ours."""

    process: subprocess.Popen[bytes]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def write(self, data: bytes) -> None:
        """Give it data, as if typed."""
        self.writer.write(data)
        await soon(self.writer.drain())

    async def read_line(self) -> bytes:
        """Return the next line that it prints, ``b""`` once it has ended."""
        return await soon(self.reader.readline())

    async def read_exactly(self, n: int) -> bytes:
        """Return the next n bytes that it prints."""
        return await soon(self.reader.readexactly(n))

    async def read_to_end(self, timeout: float = TIMEOUT) -> tuple[bytes, int]:
        """Wait until it has ended; return what it still printed, and its exit status."""
        rest = await soon(self.reader.read(), timeout)
        return rest, self.process.wait(TIMEOUT)

    def write_eof(self) -> None:
        """Tell it that nothing more will be typed."""
        self.writer.write_eof()


@asynccontextmanager
async def talking(command: Sequence[str], user: User | None = None) -> AsyncIterator[Talker]:
    """Run a program while the block runs; what it prints as errors is dropped."""
    ours, theirs = socket.socketpair()
    with theirs:
        process = _spawn(command, user, theirs.fileno(), theirs.fileno(), subprocess.DEVNULL)
    try:
        reader, writer = await asyncio.open_unix_connection(sock=ours)
        try:
            yield Talker(process, reader, writer)
        finally:
            await close_stream_writer(writer)
    finally:
        ours.close()
        _end(process)
