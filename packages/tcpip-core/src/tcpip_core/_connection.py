"""One socket from made to ended: its state and its loss. The only place that decides liveness.

Rules of this file
------------------
* `Connection._move` alone changes the state, along `TRANSITIONS`; `Connection.end` alone leaves "connected".
* The first reason for an end is kept. A connection is never used again: a late event cannot touch a newer one.
* Transport events change state, wake waiters and inform the owner; they call no user code.
* No operation reports a loss before the owner's callback was told of it (`Owner.told`).
"""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any, NoReturn, Protocol, cast

from ._incoming import Incoming
from ._kernel import answered_within, peer_has_ended, readable_address
from ._limits import PROBING, Keepalive, Limits
from ._loss import LossReason, error_for, reason_for
from ._outgoing import Outgoing
from ._states import CONNECTED, TRANSITIONS, State
from ._tuning import Tuning
from ._waiting import Waiters, resolve_all, wait_in

__all__ = ["Connection", "Owner"]


class Owner(Protocol):
    """What a connection asks of, and tells, whoever holds it."""

    def arrived(self, connection: "Connection") -> None:
        """Let the connection that was just made `Connection.enter`, wait, or turn it away."""
        ...

    def lost(self, connection: "Connection") -> None:
        """Note that a connection that had entered is not connected any more. Called once."""
        ...

    def gone(self, connection: "Connection") -> None:
        """Note that the socket of a connection that arrived is gone."""
        ...

    async def told(self) -> None:
        """Return once the user's callback knows what the state says."""
        ...


class Connection(asyncio.Protocol):
    """One TCP connection, with or without TLS, as its transport's protocol.

    Parameters
    ----------
    owner : Owner
        Who admits it and hears of its loss.
    limits : Limits
        Bounds of its waits and sizes.
    keepalive : Keepalive
        What is set on its socket.
    tuning : Tuning
        How it hands over what arrives and what is written.

    Attributes
    ----------
    state : State
        Where it is in its life; `_move` alone changes it.
    alive : bool
        Whether it is connected: open, or ended by the peer with data left to deal with.
    peer_is_done : bool
        Whether nothing more will arrive.
    arrivals : int
        How often something arrived.
    is_hearing : bool
        Whether something arrives at this moment: what is written now is written within that event.
    is_cut : bool
        Whether the socket is gone; what arrived before may still have to be read.
    is_logged : bool
        Whether the log tells of it: not of each that comes and goes in no time.
    transport : asyncio.Transport or None
        The transport below, None before there was one.
    """

    def __init__(self, owner: Owner, limits: Limits, keepalive: Keepalive, tuning: Tuning) -> None:
        self._owner = owner
        self._limits = limits
        self._keepalive = keepalive
        self._loop = asyncio.get_running_loop()
        self.transport: asyncio.Transport | None = None
        self.is_cut = False
        self._is_discarded = False
        self.state = State.NEW
        self.alive = False
        self.peer_is_done = False
        self.arrivals = 0
        self.is_hearing = False
        self.is_logged = True
        # How the peer ended it; what arrived before may still have to be read.
        self._peer_end: tuple[LossReason, BaseException | None] | None = None
        self._holds = 0
        self._timer: asyncio.TimerHandle | None = None
        self._close_waiters: Waiters = {}
        self._write_end_waiters: Waiters = {}
        self.incoming = Incoming(self, limits.frame_size, limits.frame_timeout, tuning.wake_at_once)
        # What arrives goes to its place without a frame in between.
        self.data_received = self.incoming.data_received  # type: ignore[method-assign]
        self.outgoing = Outgoing(self, limits.write_timeout, keepalive, tuning.batch_writes)
        self.peer = "nobody"
        self.peer_host = ""
        self.loss_reason: LossReason | None = None
        self.loss_cause: BaseException | None = None

    # What it is

    @property
    def at_eof(self) -> bool:
        """Whether nothing more can be read."""
        return not self.alive or (self.peer_is_done and not self.incoming)

    # Its end

    def _move(self, state: State) -> None:
        if state not in TRANSITIONS[self.state]:
            raise AssertionError(f"a connection cannot go from {self.state.value} to {state.value}")
        self.state = state
        self.alive = state in CONNECTED
        self.incoming.note_state(is_open=self.alive or state is State.WAITING)
        self.outgoing.sink = self.transport if self.alive and not self.is_cut else None

    def end(self, reason: LossReason, cause: BaseException | None = None, *, abort: bool = False) -> None:
        """Leave "connected" for good; nothing happens if that was done before.

        One that was never made only keeps the reason.

        Parameters
        ----------
        reason : LossReason
            Kept as `loss_reason`.
        cause : BaseException or None
            The error behind it, if any.
        abort : bool
            Drop what is not written yet instead of flushing it for up to ``close_timeout``.
        """
        if self.state is State.NEW:
            self.loss_reason = reason
        if not self.alive:
            return
        self._close(reason, cause, abort=abort)
        self.incoming.wake()
        self.outgoing.wake()
        self._owner.lost(self)

    def _close(self, reason: LossReason, cause: BaseException | None, *, abort: bool) -> None:
        self.loss_reason, self.loss_cause = reason, cause
        self._move(State.CLOSING)
        self._set_timer(None)
        self.incoming.stop_watching()
        self.outgoing.silence.stop()
        if self.transport is None or self.is_cut:
            self._move(State.CLOSED)
        elif abort:
            self.transport.abort()
        else:
            self._set_timer(self._limits.close_timeout)
            self.outgoing.flush()
            self.transport.close()

    def abort(self) -> None:
        """Cut the link at once: what is not written yet is dropped."""
        self.end(LossReason.CLOSED_HERE, abort=True)
        if self.state is State.CLOSING and self.transport is not None:
            self.transport.abort()

    def discard(self) -> None:
        """Give up a connection whose making was cancelled.

        uvloop then closes the transport without a call of ``connection_lost``, and may still call
        ``connection_made`` (uvloop 0.22, ``create_connection``); asyncio does neither.
        """
        self._is_discarded = True
        self.end(LossReason.CLOSED_HERE, abort=True)
        if self.transport is not None:
            self.connection_lost(None)

    async def wait_closed(self) -> None:
        """Return once the socket is gone; at once if it never was there.

        After `end` this takes ``close_timeout`` at most. Cancelling it changes nothing.
        """
        if self.transport is not None and not self.is_cut:
            await wait_in(self._close_waiters)

    def _set_timer(self, delay: float | None) -> None:
        """Arm the one timer of a connection: how long it may drain, then how long it may flush."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if delay is None else self._loop.call_later(delay, self._time_is_up)

    def _time_is_up(self) -> None:
        if self.state is not State.DRAINING:
            self.abort()
        elif (self.incoming and self._is_being_handled) or self.outgoing.is_waited_for:
            # Somebody works on one message and then reads on; or writes, within a bound, to a half-closed peer.
            self._set_timer(self._limits.drain_timeout)
        else:
            self.end_as_announced()

    # The peer's end: at once, or when what arrived before it was dealt with

    def _announce_end(self, reason: LossReason, cause: BaseException | None) -> None:
        if self._peer_end is not None:
            return
        self._peer_end = (reason, cause)
        self.peer_is_done = True
        if self.incoming or self._is_in_use:
            self._move(State.DRAINING)
            self._set_timer(self._limits.drain_timeout)
            self.incoming.wake()
        else:
            self.end(reason, cause)

    def give_up(self, reason: LossReason) -> None:
        """Cut the link to a peer that is gone; what had arrived can still be read, as if the kernel had noticed."""
        self._announce_end(reason, None)
        if self.transport is not None:
            self.transport.abort()

    def end_as_announced(self) -> None:
        """Leave "connected" as the peer did, whatever is left to read."""
        if self._peer_end is not None:
            self.end(*self._peer_end)

    @property
    def _is_being_handled(self) -> bool:
        """Whether somebody works on what it read, and will come back for more."""
        return self._holds > 0 and self.incoming.reader_is_away

    @property
    def _is_in_use(self) -> bool:
        """Whether there is more to do than to read: a reply is written, or may follow."""
        return not self.is_cut and (self._is_being_handled or self.outgoing.is_waited_for)

    def drained_some(self) -> None:
        """Note that something was read of what arrived before the peer's end."""
        if self.state is State.DRAINING:
            self._set_timer(self._limits.drain_timeout)
            if not self.incoming:
                # Not now: who has just got the last message may reply to it in this very step.
                self._loop.call_soon(self._end_if_drained)

    def wrote(self) -> None:
        """Note that a write has ended on a link that the peer has ended."""
        resolve_all(self._write_end_waiters)
        self._loop.call_soon(self._end_if_drained)

    def _end_if_drained(self) -> None:
        if self.state is State.DRAINING and not self.incoming and not self._is_in_use:
            self.end_as_announced()

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Let a reader that comes back for more keep a half-closed link while it works on what it read.

        So the reply to the last line still goes out to a peer that closed its sending side after it.
        """
        self._holds += 1
        try:
            yield
        finally:
            self._holds -= 1
            self._end_if_drained()

    async def report_end(self) -> None:
        """End because the reader met the peer's end, and return once the owner was told.

        Raises
        ------
        ConnectionError
            If that end was not an orderly one.
        """
        while self.alive and self.outgoing.is_waited_for:
            # The peer may have closed its sending side only. Writes end within a bound of their own.
            await wait_in(self._write_end_waiters)
        self.end_as_announced()
        await self._owner.told()
        if self.loss_reason is not LossReason.FIN:
            raise error_for(self.loss_reason, "read", self.loss_cause) from self.loss_cause

    async def refuse(self, attempt: str) -> NoReturn:
        """Raise what an operation raises that cannot be done, once the owner was told why."""
        if self.alive:
            # The transport found the link dead in this very step, and the event that says so comes within a turn or
            # two; or somebody closed the transport behind our back, and it still flushes.
            if self._peer_end is None:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._limits.close_timeout):
                        await self.wait_closed()
            self.end_as_announced()
            self.end(LossReason.CLOSED_HERE, abort=True)
        await self._owner.told()
        raise error_for(self.loss_reason, attempt, self.loss_cause, never=self.transport is None) from self.loss_cause

    # Transport events

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask the owner to admit this connection, or cut it."""
        # uvloop's transports have the interface but not the base class.
        transport = cast("asyncio.Transport", transport)
        if self._is_discarded:
            transport.abort()
            return
        self.transport = transport
        self.incoming.limit_receive()
        self.peer_host, self.peer = readable_address(transport.get_extra_info("peername"))
        self._keep_alive(self._keepalive)
        self._owner.arrived(self)

    def enter(self) -> None:
        """Become connected: the owner has a place for it."""
        if self.state is State.WAITING:
            self.incoming.resume()
        self._move(State.OPEN)

    def keep_waiting(self) -> None:
        """Wait for a place, and receive nothing meanwhile."""
        self._move(State.WAITING)
        self.incoming.pause()
        # uvloop begins to receive after connection_made, also where that has paused.
        self._loop.call_soon(self._pause_while_waiting)

    def _pause_while_waiting(self) -> None:
        if self.state is State.WAITING and self.transport is not None and not self.transport.is_closing():
            self.transport.pause_reading()

    def turn_away(self) -> None:
        """Cut a connection for which there is no place."""
        self._close(LossReason.CLOSED_HERE, None, abort=True)

    def probe(self) -> None:
        """Have the kernel ask the peer for a sign of life now."""
        self._keep_alive(PROBING)

    def answered_probe(self, since: float) -> bool:
        """Return whether the peer's kernel was heard within the last `since` seconds; end the asking."""
        self._keep_alive(self._keepalive)
        return answered_within(since, self._socket)

    @property
    def end_is_near(self) -> bool:
        """Whether the kernel has the peer's end, which the loop has not come to yet."""
        return self.alive and not self.peer_is_done and peer_has_ended(self._socket)

    @property
    def _socket(self) -> Any:
        return None if self.transport is None else self.transport.get_extra_info("socket")

    def _keep_alive(self, keepalive: Keepalive) -> None:
        sock = self._socket
        if sock is not None:
            # A socket that is dead already refuses options, and says so by its next event.
            with contextlib.suppress(OSError, ValueError):
                keepalive.apply(sock)

    def eof_received(self) -> bool:
        """Note that the peer sends no more; return whether it may still be written to, which TLS rules out."""
        if not self.alive or self.transport is None:
            return False
        may_write_on = self.transport.get_extra_info("ssl_object") is None
        self._announce_end(LossReason.FIN, None)
        return may_write_on and self.state is State.DRAINING

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that the socket is gone."""
        if self.is_cut:
            return
        self.is_cut = True
        self.outgoing.sink = None
        if self.alive:
            # No error, and we did not close: the peer did, and on uvloop TLS says no more of it.
            self._announce_end(LossReason.FIN if exc is None else reason_for(exc), exc)
            self._end_if_drained()
        elif self.state in {State.WAITING, State.CLOSING}:
            self._set_timer(None)
            self.incoming.stop_watching()
            if self.state is State.WAITING:
                self._move(State.CLOSING)
            self._move(State.CLOSED)
        self.outgoing.unblock()
        resolve_all(self._close_waiters)
        self._owner.gone(self)

    def pause_writing(self) -> None:
        """Make writers wait: the transport's buffer is full."""
        self.outgoing.block()

    def resume_writing(self) -> None:
        """Let writers go on."""
        self.outgoing.unblock()
