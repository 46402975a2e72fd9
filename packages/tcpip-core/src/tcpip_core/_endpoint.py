"""What one client or server holds: its connection, its publisher, its tasks, and the one way they all end.

Rules of this file
------------------
* There is one connection at a time; `Slot` decides whose it is.
* One task closes; everybody else waits for it. A call out of our own tasks (the callback, ``read_and_dispatch``)
  marks the end and returns, because it cannot wait for itself.
"""

import asyncio
import contextlib
import logging
import warnings
from collections.abc import AsyncGenerator, Awaitable, Callable, Container, Coroutine
from typing import Any, Protocol, TypeAlias

from ._calls import is_within, tasks_within
from ._connection import Connection
from ._json_text import json_codec_for
from ._limits import Keepalive, Limits
from ._loss import LossReason, described
from ._observed import Observation, ObservedConnection
from ._pace import LogPace
from ._publisher import Publisher, Told
from ._slot import Slot, SlotRules
from ._tasks import GRACE, OwnedTasks
from ._tuning import Tuning

__all__ = ["Endpoint", "Hooks"]

_LOGGED_LINKS = 10
"""How many links the log tells of where they come and go in no time; then it is one a second."""

_AnyTask: TypeAlias = "asyncio.Task[Any] | None"


class Hooks(Told, Protocol):
    """What an endpoint asks of its client or server. None of it waits, and `tell` alone calls the user."""

    @property
    def listens(self) -> bool:
        """Whether somebody may be being accepted."""
        ...

    @property
    def reads_plainly(self) -> bool:
        """Whether no method of a subclass is to see what the other reads take."""
        ...

    @property
    def writes_plainly(self) -> bool:
        """Whether no method of a subclass is to see what the other writes send."""
        ...

    def log(self) -> logging.Logger:
        """Return the logger, which users replace."""
        ...

    def is_watched(self) -> bool:
        """Return whether a loss is told while nobody reads or writes."""
        ...

    def connected(self, connection: Connection) -> None:
        """Start what belongs to a new connection."""
        ...

    def lost(self, connection: Connection) -> None:
        """End what belonged to a connection."""
        ...

    def noticed(self) -> None:
        """Act on a loss once somebody noticed it: at once if losses are watched."""
        ...

    def stop(self) -> None:
        """Accept nobody any more."""
        ...

    def stopped(self) -> None:
        """Give up the port, a moment later: whoever was being accepted has arrived by then, and was turned away."""
        ...

    def done(self) -> None:
        """Say that all is down."""
        ...


class Endpoint:
    """One end of a link.

    Parameters
    ----------
    hooks : Hooks
        The client's or server's part.
    limits : Limits
        Bounds of its waits and sizes.
    keepalive : Keepalive
        What is set on its sockets.
    tuning : Tuning
        How messages are handed over.
    observation : Observation or None
        Who is told what happens on its links.
    rules : SlotRules
        What newcomers meet.
    """

    def __init__(
        self,
        hooks: Hooks,
        limits: Limits,
        keepalive: Keepalive,
        tuning: Tuning,
        observation: Observation | None,
        rules: SlotRules,
    ) -> None:
        self._hooks = hooks
        self._loop = asyncio.get_running_loop()
        self.limits = limits
        self.keepalive = keepalive
        self.tuning = tuning
        self.observation = observation
        self.reads_plainly = hooks.reads_plainly
        self.writes_plainly = hooks.writes_plainly and not limits.strict_text
        self.json_codec = json_codec_for(tuning.json_codec, strict=limits.strict_json)
        self.log = hooks.log
        self.tasks = OwnedTasks(self._loop, self.log)
        self.connection = self.new_connection()
        self.publisher = Publisher(hooks, limits.callback_timeout, self.tasks, self.log)
        self._started = False
        self._is_starting = False
        self.loss_reason: LossReason | None = None
        self._closer: asyncio.Task[None] | None = None
        self._guard = self._watch_for_the_loops_end()
        self.slot = Slot(rules, self, self.log)
        self._links = LogPace(_LOGGED_LINKS)
        self._link_tasks: list[asyncio.Task[None]] = []
        # Every connection whose socket is not gone: the present one, earlier ones that flush, newcomers.
        self._open: list[Connection] = []

    def new_connection(self) -> Connection:
        """Return a connection that will ask to be admitted."""
        if self.observation is None:
            return Connection(self, self.limits, self.keepalive, self.tuning)
        return ObservedConnection(self, self.limits, self.keepalive, self.tuning, self.observation)

    # State

    @property
    def connected(self) -> bool:
        """Whether there is a live connection; in the callback, what it is being told."""
        outdated = self.publisher.outdated
        return self.connection.alive if outdated is None else outdated

    @property
    def closing(self) -> bool:
        """Whether the end has begun."""
        return self._closer is not None

    def is_called_by_own_task(self) -> bool:
        """Return whether the caller is one of our tasks, or was called by one, and must not wait for its own end."""
        return asyncio.current_task() in self.tasks or is_within(self.publisher) or is_within(self)

    def spawn_for_link(self, coro: Coroutine[object, object, None], name: str) -> asyncio.Task[None]:
        """Run a task of ours that ends with the present connection."""
        task = self.tasks.spawn(coro, name)
        self._link_tasks.append(task)
        return task

    # The start

    def claim_start(self) -> None:
        """Note that the start has begun.

        Raises
        ------
        RuntimeError
            If it had begun before.
        ConnectionAbortedError
            If the end came first.
        """
        if self._started:
            raise RuntimeError("start was called before, by the constructor: make a new object to connect again")
        if self.closing:
            raise ConnectionAbortedError("closed on this side before the start")
        self._started = True

    async def run_start(self, start: Callable[[], Awaitable[None]]) -> None:
        """Run the object's ``start``; where it fails or is cancelled, undo everything before that is known.

        Raises
        ------
        ConnectionAbortedError
            If `begin_shutdown` came first.
        """
        self._is_starting = True
        await anext(self._guard)
        try:
            await start()
        except BaseException as e:
            if not self.closing:
                self.begin_shutdown(spare=asyncio.current_task())
                await self._wait_until_down()
            elif isinstance(e, asyncio.CancelledError):
                raise ConnectionAbortedError("closed on this side before the start had ended") from None
            raise
        finally:
            self._is_starting = False
        if self.loss_reason is not None:
            self._notice()

    def start_ended(self, task: "asyncio.Future[None]") -> None:
        """Close for good after a start that was cancelled before it had its first turn."""
        if task.cancelled() and not self.closing:
            self.begin_shutdown()

    async def _watch_for_the_loops_end(self) -> AsyncGenerator[None, None]:
        """Clean up, and say so, if the loop ends while this is open.

        A loop that ends closes the asynchronous generators which it has begun (``shutdown_asyncgens``): the one
        event that announces its end.
        """
        try:
            yield
        finally:
            if self._closer is None:
                # This is the end: a link that is lost meanwhile must not begin another one.
                self._closer = asyncio.current_task()
                await self._clean_up_after_the_loop()
                # Last, because a filter may turn it into an error.
                warnings.warn(
                    f"{self.log().name} was open when its event loop ended: close it, or use async with",
                    ResourceWarning,
                    stacklevel=2,
                )

    async def _clean_up_after_the_loop(self) -> None:
        self._hooks.stop()
        self.slot.close()
        await self._stop_listening()
        self._abort_all()
        self.publisher.stop()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE):
                await self._connections_closed()
                while rest := self._tasks_but({asyncio.current_task()}):
                    await asyncio.wait(rest)

    # What connections ask and tell

    def arrived(self, connection: Connection) -> None:
        """Let a new connection in if there is a place for it."""
        self._open.append(connection)
        if self.closing:
            connection.turn_away()
        else:
            self.slot.arrived(connection)

    def take(self, connection: Connection) -> None:
        """Give the place to a connection."""
        self.connection = connection
        connection.enter()
        connection.is_logged = self._links.allows()
        if connection.is_logged:
            more = f" ({self._links.skipped} came and went meanwhile)" if self._links.skipped else ""
            self.log().info("connected to %s%s", connection.peer, more)
        # The callback's task starts first, so that it is called before a read loop dispatches.
        self.publisher.note()
        self.publisher.kick()
        self._hooks.connected(connection)

    def lost(self, connection: Connection) -> None:
        """Note that a connection is over."""
        reason = self.loss_reason = connection.loss_reason
        if reason is not None and connection.is_logged:
            self.log().info("connection to %s ended: %s", connection.peer, described(reason, connection.loss_cause))
        while self._link_tasks:
            task = self._link_tasks.pop()
            if task is not asyncio.current_task():
                task.cancel()
        self.publisher.note()
        self._hooks.lost(connection)
        if self._hooks.is_watched():
            self._notice()
        if not self.closing:
            self.slot.freed()

    def gone(self, connection: Connection) -> None:
        """Forget a connection whose socket is gone."""
        self._open.remove(connection)

    async def told(self) -> None:
        """Return once the user's callback knows what the state says."""
        self._notice()
        await self.publisher.settled(unless=self._closer)

    def _notice(self) -> None:
        self.publisher.kick()
        # A start that is under way ends first: it undoes everything itself if it fails.
        if self.loss_reason is not None and not self._is_starting:
            self._hooks.noticed()

    # The end

    async def close_connection(self) -> None:
        """End the current connection; return when its socket is gone and the callback knows."""
        # Its end may let the next one in, which is another matter.
        connection = self.connection
        connection.end(LossReason.CLOSED_HERE)
        self.publisher.kick()
        if self.is_called_by_own_task():
            return
        await connection.wait_closed()
        await self.told()

    def begin_shutdown(self, *, spare: _AnyTask = None) -> None:
        """Let nobody in, end the connection, start the task that waits for the rest.

        Parameters
        ----------
        spare : asyncio.Task or None
            One of our tasks that is about to end by itself, and waits for this.
        """
        if self._closer is None:
            callers = {asyncio.current_task()} | tasks_within(self)
            self._closer = self.tasks.spawn(self._shut_down(callers, spare), "close")
            self._hooks.stop()
            self.slot.close()
            self.connection.end(LossReason.CLOSED_HERE)
            self.publisher.kick()

    async def shutdown(self) -> None:
        """End everything; return when it is down, at once if called by one of our own tasks."""
        self.begin_shutdown()
        if not self.is_called_by_own_task():
            await self._wait_until_down()

    async def _wait_until_down(self) -> None:
        if self._closer is not None:
            await asyncio.wait({self._closer})

    async def _shut_down(self, callers: set[_AnyTask], spare: _AnyTask) -> None:
        deadline = self._loop.time() + self.limits.close_timeout
        spared: set[_AnyTask] = {spare, asyncio.current_task()}
        try:
            for task in self._tasks_but(spared | callers | {self.publisher.task}):
                task.cancel()
            await self._stop_listening()
            # A TimeoutError says no more than that there are stragglers.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(deadline):
                    await self._connections_closed()
                    while rest := self._tasks_but(spared):
                        await asyncio.wait(rest)
            await self._end_stragglers(spared)
        finally:
            self._hooks.stopped()
            self._abort_all()
            self._hooks.done()
            await self._guard.aclose()

    async def _stop_listening(self) -> None:
        # asyncio needs two turns from accept to connection_made, and loses a connection whose server closes meanwhile.
        for _ in range(2 if self._hooks.listens else 0):
            await asyncio.sleep(0)
        self._hooks.stopped()

    async def _connections_closed(self) -> None:
        for connection in tuple(self._open):
            await connection.wait_closed()

    def _abort_all(self) -> None:
        for connection in tuple(self._open):
            connection.abort()

    def _tasks_but(self, spared: Container[_AnyTask]) -> set[asyncio.Task[None]]:
        return {task for task in self.tasks if task not in spared}

    async def _end_stragglers(self, spared: set[_AnyTask]) -> None:
        """Cut what is still open and cancel what still runs: first all but the last callback, then that too."""
        self._abort_all()
        self.publisher.hurry()
        for task in self._tasks_but(spared | {self.publisher.task}):
            task.cancel()
        await self._wait_for_tasks_but(spared)
        self.publisher.stop()
        await self._wait_for_tasks_but(spared)
        for task in self._tasks_but(spared):
            self.log().error("%s did not end although it was cancelled", task.get_name())

    async def _wait_for_tasks_but(self, spared: Container[_AnyTask]) -> None:
        if rest := self._tasks_but(spared):
            await asyncio.wait(rest, timeout=GRACE)
