"""Wait in a test, bounded: for a condition, and for what a connect callback is told."""

import asyncio
import inspect
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from tcpip_core import BaseClientOrServer

__all__ = ["ConnectEvent", "ConnectEvents", "wait_until"]

T = TypeVar("T")

_INTERVAL = 0.002
"""How often a condition is looked at, for which there is no event (seconds)."""


async def wait_until(condition: Callable[[], T], timeout: float = 5.0) -> T:
    """Wait until a condition holds that no event announces.

    Parameters
    ----------
    condition : callable
        Called without arguments, at once and then every 2 ms, until what it returns is true. It must not wait.
    timeout : float
        How long to wait (seconds of the event loop's clock).

    Returns
    -------
    object
        What the condition returned.

    Raises
    ------
    TimeoutError
        If it does not hold in time; the text says where the condition stands, and what it returned last.
    TypeError
        If the condition is a coroutine function, whose result would always count as true.

    Notes
    -----
    Cancel safe.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout
    while True:
        value = condition()
        if inspect.isawaitable(value):
            if inspect.iscoroutine(value):
                value.close()
            raise TypeError(f"{_described(condition)} must return at once: it is a coroutine function")
        if value:
            return value
        left = deadline - loop.time()
        if left <= 0:
            raise TimeoutError(f"{_described(condition)} did not hold within {timeout:g} s; it returned {value!r}")
        await asyncio.sleep(min(_INTERVAL, left))


def _described(condition: Callable[[], object]) -> str:
    """Say which condition it is, and where it stands."""
    name: str = getattr(condition, "__qualname__", repr(condition))
    code = getattr(condition, "__code__", None)
    return f"the condition {name}" + (f" at {code.co_filename}:{code.co_firstlineno}" if code else "")


class ConnectEvent(NamedTuple):
    """What a connect callback was told once.

    Parameters
    ----------
    time : float
        When, by the event loop's clock (seconds).
    connected : bool
        The state that was told.
    who : BaseClientOrServer
        The client or server whose state it is.
    """

    time: float
    connected: bool
    who: BaseClientOrServer


class ConnectEvents:
    """A connect callback that keeps what it is told, and can be waited for.

    Pass it as ``connect_callback``. One may serve several clients and servers; `ConnectEvent.who` says which it was.

    Attributes
    ----------
    log : list of ConnectEvent
        Everything that was told, oldest first.
    """

    def __init__(self) -> None:
        self.log: list[ConnectEvent] = []
        self._taken = 0
        self._told = asyncio.Event()

    def __repr__(self) -> str:
        return f"<ConnectEvents {[event.connected for event in self.log]}, {self._taken} of them taken>"

    async def __call__(self, who: BaseClientOrServer) -> None:
        """Keep what is told.

        Parameters
        ----------
        who : BaseClientOrServer
            The client or server whose state changed.
        """
        self.log.append(ConnectEvent(asyncio.get_running_loop().time(), who.connected, who))
        self._told.set()

    async def next(self, timeout: float = 5.0) -> ConnectEvent:
        """Take the oldest event that was not taken yet; wait for one if there is none.

        Parameters
        ----------
        timeout : float
            How long to wait (seconds).

        Returns
        -------
        ConnectEvent
            The event.

        Raises
        ------
        TimeoutError
            If there is none in time. Nothing is taken then.

        Notes
        -----
        Cancel safe: an event is taken by the call that returns it.
        """
        return await self._take(lambda event: True, "was told nothing", timeout)

    async def wait_for(
        self, *, connected: bool, who: BaseClientOrServer | None = None, timeout: float = 5.0
    ) -> ConnectEvent:
        """Take the next event that tells a state; those before it are passed over.

        Parameters
        ----------
        connected : bool
            The state to wait for. An event that was told already and not taken yet counts.
        who : BaseClientOrServer, optional
            Whose state; None takes anybody's.
        timeout : float
            How long to wait (seconds).

        Returns
        -------
        ConnectEvent
            The event.

        Raises
        ------
        TimeoutError
            If there is none in time; the text has all that was told. Nothing is taken then.

        Notes
        -----
        Cancel safe: events are taken by the call that returns.
        """

        def fits(event: ConnectEvent) -> bool:
            return event.connected is connected and (who is None or event.who is who)

        return await self._take(fits, f"was not told connected={connected}", timeout)

    async def _take(self, fits: Callable[[ConnectEvent], bool], failed: str, timeout: float) -> ConnectEvent:
        try:
            async with asyncio.timeout(timeout):
                while (place := self._find(fits)) is None:
                    self._told.clear()
                    await self._told.wait()
        except TimeoutError:
            raise TimeoutError(f"the connect callback {failed} within {timeout:g} s: {self!r}") from None
        self._taken = place + 1
        return self.log[place]

    def _find(self, fits: Callable[[ConnectEvent], bool]) -> int | None:
        return next((at for at in range(self._taken, len(self.log)) if fits(self.log[at])), None)
