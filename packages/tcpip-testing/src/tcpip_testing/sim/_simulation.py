"""What a test does with the simulation that it runs in."""

import asyncio
import contextlib
import contextvars
import math
import random
from collections.abc import Callable, Iterator
from typing import TypeVarTuple, Unpack

from ._faults import Faults
from ._host import Host
from ._link import Link
from ._loop import SimLoop
from ._server import Listener
from ._settings import LinkSettings
from ._targets import check_host
from ._tcp import Tcp
from ._trace import Event

__all__ = ["Simulation", "abandon"]

Ts = TypeVarTuple("Ts")


class Simulation(Faults):
    """The simulation that a test runs in: its clock, its network, its faults.

    It only gives access: two of the same loop do the same.

    Parameters
    ----------
    loop : asyncio.AbstractEventLoop
        Its event loop.

    Raises
    ------
    RuntimeError
        If the loop is not simulated.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        if not isinstance(loop, SimLoop):
            raise RuntimeError(
                f"{type(loop).__name__} is no simulated event loop: use sim_run, the marker tcpip_sim, SimTestCase, or "
                "sim_loop_factory"
            )
        super().__init__(loop.network)
        self._loop = loop

    def __repr__(self) -> str:
        return f"<Simulation seed={self.seed} at {self.time!r} s>"

    @classmethod
    def current(cls) -> "Simulation":
        """Return the simulation that the calling coroutine runs in.

        Returns
        -------
        Simulation
            That of the running event loop.

        Raises
        ------
        RuntimeError
            If no event loop runs, or it is not simulated.
        """
        return cls(asyncio.get_running_loop())

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop."""
        return self._loop

    @property
    def seed(self) -> int:
        """What all that is random follows from."""
        return self._loop.seed

    @property
    def random(self) -> random.Random:
        """The one source of randomness: a test that uses it is the same in each run with the same seed."""
        return self._loop.random

    # Time

    @property
    def time(self) -> float:
        """The virtual time (seconds since the start)."""
        return self._loop.time()

    async def advance(self, seconds: float) -> None:
        """Let time pass, and everything happen that is due by then.

        Parameters
        ----------
        seconds : float
            How long (seconds, 0 or more).

        Raises
        ------
        ValueError
            If it is negative or infinite.
        """
        if not 0 <= seconds < math.inf:
            raise ValueError(f"time passes in one direction: seconds must be 0 or more, and finite, not {seconds!r}")
        await asyncio.sleep(seconds)
        await self.settle()

    async def settle(self) -> None:
        """Let everything happen that is due now; the clock stands still."""
        await self._loop.settle()

    def call_later(self, delay: float, call: Callable[[Unpack[Ts]], object], *args: *Ts) -> asyncio.TimerHandle:
        """Let something happen that is no part of the program under test.

        It counts as an event of the world: `timers` does not list it.

        Parameters
        ----------
        delay : float
            When (seconds from now).
        call : callable
            What is called.
        *args
            With what.

        Returns
        -------
        asyncio.TimerHandle
            To cancel it.
        """
        return self._loop.world_at(self.time + delay, call, *args, context=contextvars.copy_context())

    def timers(self) -> list[asyncio.TimerHandle]:
        """Return the timers that the program under test has set, and neither cancelled nor met.

        Returns
        -------
        list of asyncio.TimerHandle
            Soonest first.
        """
        return list(self._loop.timers())

    # What happened

    @property
    def events(self) -> list[Event]:
        """What happened on the network so far."""
        return self._network.log.events

    def digest(self) -> str:
        """Return a text that two runs share only if the same happened, at the same times to the last digit.

        Returns
        -------
        str
            16 hexadecimal digits.
        """
        return self._network.log.digest()

    def on_event(self, call: Callable[[Event], object] | None) -> None:
        """Have something called with each event from now on, before the program under test can know of it.

        Parameters
        ----------
        call : callable or None
            What is called; None ends it.
        """
        self._network.log.on_event = call

    def note(self, kind: str, where: str, detail: int | str = "") -> None:
        """Add an event of one's own.

        Parameters
        ----------
        kind, where : str
            What, and where.
        detail : int or str
            What else.
        """
        self._network.log.note(kind, where, detail)

    # Hosts and links

    @property
    def localhost(self) -> Host:
        """The host that everything runs on that is not put elsewhere."""
        return self._network.default_host

    @property
    def host(self) -> Host:
        """The host that the calling code runs on."""
        return self._network.current

    def add_host(self, name: str, *addresses: str) -> Host:
        """Add a machine.

        Parameters
        ----------
        name : str
            Its name, which other hosts connect to.
        *addresses : str
            Its numeric addresses, IPv4 or IPv6; without any it gets an IPv4 address.

        Returns
        -------
        Host
            The machine.

        Raises
        ------
        ValueError
            If there is such a name or address already, the name is none, or an address is not numeric.
        """
        return self._network.add_host(name, *addresses)

    @contextlib.contextmanager
    def on(self, host: Host) -> Iterator[Host]:
        """Run code on a host.

        Clients, servers and tasks that are made inside belong to it, and what these make.

        Parameters
        ----------
        host : Host
            Where.

        Yields
        ------
        Host
            The same.

        Raises
        ------
        TypeError
            If it is no host.
        """
        with self._network.on(check_host(host)):
            yield host

    def link(self, one: Host, other: Host) -> Link:
        """Return the link between two hosts, or of a host to itself.

        Parameters
        ----------
        one, other : Host
            Which; the order means nothing.

        Returns
        -------
        Link
            To look at, to change, to cut.

        Raises
        ------
        TypeError
            If something is no host.
        """
        return self._network.link(check_host(one), check_host(other))

    @property
    def settings(self) -> LinkSettings:
        """What links are like; setting it changes all of them."""
        return self._network.settings

    @settings.setter
    def settings(self, settings: LinkSettings) -> None:
        self._network.settings = settings

    # Below asyncio

    async def connect(self, host: str, port: int) -> Tcp:
        """Connect from the current host, and return the bare end of the connection.

        It is for peers that do what no asyncio program does. A cancelled call leaves nothing behind.

        Parameters
        ----------
        host : str
            The name or an address of the other host.
        port : int
            Where it listens.

        Returns
        -------
        Tcp
            This end.

        Raises
        ------
        OSError
            If it is refused, not answered, or there is no such host.
        """
        return await self._network.connect(self._network.resolve(host)[0], port)

    def listen(self, host: Host, port: int, on_ready: Callable[[Listener], object], *, backlog: int = 100) -> Listener:
        """Listen for bare connections.

        Parameters
        ----------
        host : Host
            Where; on its first address that is not a loopback one, or else on 127.0.0.1.
        port : int
            Its number.
        on_ready : callable
            Called with the listener whenever a connection waits, or may.
        backlog : int
            How many connections wait at most.

        Returns
        -------
        Listener
            The port; its ``waiting`` has what connects.

        Raises
        ------
        OSError
            If the port is taken.
        """
        return self._network.listen_bare(host, port, on_ready, backlog)


def abandon(sim: Simulation) -> None:
    """Let nobody be warned of what a program that failed has left open."""
    if isinstance(sim.loop, SimLoop):
        sim.loop.abandon()
