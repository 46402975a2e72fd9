"""Hosts: a thread with a network namespace and an event loop of its own.

The namespaces have no names: each lives as long as its thread and the sockets made in it, so nothing can be left
behind, not even by a run that is killed.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import ctypes
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from tests.support import describe_loop_error

__all__ = ["Host", "LoopFactory", "obstacle"]

T = TypeVar("T")
LoopFactory = Callable[[], asyncio.AbstractEventLoop]

CLONE_NEWNET = 0x40000000
"""From ``linux/sched.h``; Python has it since 3.12 only."""

FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")

COMMAND_TIMEOUT = 10.0
"""Bound of one call of ``ip`` (seconds); it takes a few milliseconds."""

STOP_TIMEOUT = 5.0
"""How long a host may take to stop (seconds)."""


@cache
def ip_program() -> str:
    """Give the path of ``ip``, ``""`` if it is not there."""
    return shutil.which("ip", path=os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])) or ""


def ip(*commands: str) -> None:
    """Run commands of ``ip`` in the namespace of this thread."""
    done = subprocess.run(
        [ip_program(), "-batch", "-"],
        input="\n".join(commands),
        capture_output=True,
        text=True,
        timeout=COMMAND_TIMEOUT,
        check=False,
    )
    if done.returncode:
        raise OSError(f"ip refused one of {commands}: {done.stderr.strip()}")


def forward(is_on: bool) -> None:
    """Make this thread's namespace pass packets on, or drop them without a word."""
    FORWARDING.write_text("1" if is_on else "0", encoding="ascii")


def leave_network() -> None:
    """Move this thread into a network namespace of its own, which is empty.

    Raises
    ------
    OSError
        If that is not allowed.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


@cache
def obstacle() -> str:
    """Say why there can be no network namespaces here; ``""`` if there can."""
    if sys.platform != "linux":
        return "network namespaces are Linux's"
    if not ip_program():
        return "there is no ip: install iproute2"
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(_try_everything()), name="try namespaces")
    thread.start()
    thread.join()
    return found[0]


def _try_everything() -> str:
    """Do once what the tests do, in a thread that ends with it."""
    try:
        leave_network()
    except OSError as e:
        how = "run as root, or inside of: unshare --map-root-user --net"
        return f"no network namespace can be made here: {e.strerror}; {how}"
    try:
        ip("link set lo up", "link add veth-a type veth peer name veth-b", "route add blackhole 10.0.0.0/8")
    except OSError as e:
        return f"no pair of virtual links can be made here: {e}"
    try:
        forward(True)
    except OSError as e:
        return f"a namespace cannot be made a router here: {e}"
    return ""


class Host:
    """A host on a network of its own.

    Parameters
    ----------
    name : str
        For the thread.
    make_loop : callable
        Makes its event loop.
    """

    def __init__(self, name: str, make_loop: LoopFactory) -> None:
        self._make_loop = make_loop
        self._up: concurrent.futures.Future[asyncio.AbstractEventLoop] = concurrent.futures.Future()
        self._stop = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._live, name=name, daemon=True)
        self.namespace = ""
        self.errors: list[str] = []

    async def start(self) -> None:
        """Return once it is there."""
        self._thread.start()
        self._loop = await asyncio.wrap_future(self._up)

    async def stop(self) -> None:
        """Return once it is gone: its namespace goes with it."""
        if self._loop is not None:
            with suppress(RuntimeError):  # It has stopped.
                self._loop.call_soon_threadsafe(self._stop.set)
            await asyncio.to_thread(self._thread.join, STOP_TIMEOUT)
            if self._thread.is_alive():
                raise RuntimeError(f"{self._thread.name} does not stop")

    def _live(self) -> None:
        try:
            leave_network()
            self.namespace = f"/proc/{os.getpid()}/task/{threading.get_native_id()}/ns/net"
            ip("link set lo up")
            with asyncio.Runner(loop_factory=self._make_loop) as runner:
                runner.run(self._serve())
        except BaseException as e:
            if self._up.done():
                raise
            self._up.set_exception(e)

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: self.errors.append(describe_loop_error(context)))
        self._up.set_result(loop)
        await self._stop.wait()

    async def run(self, coro: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on this host."""
        assert self._loop is not None, "start it first"
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(coro, self._loop))

    async def ip(self, *commands: str) -> None:
        """Run commands of ``ip`` on this host."""

        async def here() -> None:
            ip(*commands)

        await self.run(here())

    async def forward(self, is_on: bool) -> None:
        """Pass packets on, or drop them without a word."""

        async def here() -> None:
            forward(is_on)

        await self.run(here())
