"""Who gets the one place: what a newcomer meets that finds it taken, or whose address is not welcome.

Rules of this file
------------------
* A place is given in the step that the transport's event runs in, so that of two newcomers one gets it.
* One newcomer waits at most, while the holder is asked for a sign of life.
* What newcomers do is logged once a second at most.
"""

import asyncio
import functools
import ipaddress
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias, cast, get_args

from ._connection import Connection
from ._loss import LossReason
from ._pace import LogPace
from ._states import State

__all__ = ["OnSecondClient", "Slot", "SlotRules", "checked_rules"]

OnSecondClient: TypeAlias = Literal["reject", "probe", "replace"]
"""What happens to a client that finds another one connected.

``"reject"``: it is closed at once. ``"probe"``: the holder's kernel is asked for a sign of life; if none comes within
2 s the newcomer gets the place. ``"replace"``: it gets the place, and the holder is closed.
"""

_PROBE_TIME = 1.8
"""How long a holder has to answer (seconds)."""

_FEW_TURNS = 0.01
"""How long the loop may take to see an end that the kernel has seen (seconds)."""

_Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class SlotRules:
    """What a server was told about newcomers; `networks` None lets everybody try."""

    on_second_client: OnSecondClient = "reject"
    networks: tuple[_Network, ...] | None = None

    def allow(self, host: str) -> bool:
        """Return whether a peer with this address may connect."""
        if self.networks is None:
            return True
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False  # A peer without an address, on a unix socket.
        # A socket of both families shows an IPv4 peer as ::ffff:10.0.0.5; either way of writing it will do.
        mapped = getattr(address, "ipv4_mapped", None)
        return any(address in network or (mapped is not None and mapped in network) for network in self.networks)


def checked_rules(on_second_client: object, allowed_peers: object) -> SlotRules:
    """Return the rules that a server's arguments ask for.

    Raises
    ------
    TypeError
        If `allowed_peers` is one string, or cannot be iterated over.
    ValueError
        If `on_second_client` is unknown, or something in `allowed_peers` is neither an address nor a network.
    """
    policies: tuple[object, ...] = get_args(OnSecondClient)
    if on_second_client not in policies:
        raise ValueError(f"on_second_client must be one of {', '.join(map(str, policies))}, not {on_second_client!r}")
    policy = cast("OnSecondClient", on_second_client)
    if allowed_peers is None:
        return SlotRules(policy)
    if isinstance(allowed_peers, str | bytes) or not isinstance(allowed_peers, Iterable):
        raise TypeError(f"allowed_peers must be a list of addresses or networks, not {allowed_peers!r} alone")
    return SlotRules(policy, tuple(map(_network, cast("Iterable[object]", allowed_peers))))


def _network(peer: object) -> _Network:
    """Return the network that one of ``allowed_peers`` means; that of IPv4 where it is written as one of IPv6."""
    try:
        if not isinstance(peer, str):
            raise ValueError("it is no text")
        network = ipaddress.ip_network(peer)
    except ValueError as e:
        raise ValueError(
            f"allowed_peers holds {peer!r}, which is no address or network such as '10.0.0.5' or '10.0.0.0/8': {e}"
        ) from None
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    length = network.prefixlen - 96
    return network if mapped is None or length < 0 else ipaddress.IPv4Network((int(mapped), length))


def _taken_by(holder: Connection, addition: str = "") -> str:
    return f"{holder.peer} is connected{addition}, and one client is served at a time"


class Place(Protocol):
    """What a slot decides about."""

    connection: Connection
    """The one that has the place, or had it last."""

    def take(self, connection: Connection) -> None:
        """Give the place to a connection."""
        ...


class Slot:
    """The one place.

    Parameters
    ----------
    rules : SlotRules
        What newcomers meet.
    place : Place
        Who has it, and how it is given.
    log : callable
        Returns the logger.
    """

    __slots__ = ("_log", "_loop", "_place", "_rejected", "_rules", "_timer", "_waiting")

    def __init__(self, rules: SlotRules, place: Place, log: Callable[[], logging.Logger]) -> None:
        self._rules = rules
        self._place = place
        self._log = log
        self._loop = asyncio.get_running_loop()
        self._waiting: Connection | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._rejected = LogPace(1)

    def arrived(self, newcomer: Connection) -> None:
        """Let a connection that was just made in, turn it away, or keep it waiting."""
        holder = self._place.connection
        if not self.admits(newcomer.peer_host, newcomer.peer):
            newcomer.turn_away()
        elif holder.state is not State.OPEN:
            self._inherit(newcomer, holder)
        elif self._rules.on_second_client == "replace":
            holder.end(LossReason.REPLACED, abort=True)
            self._place.take(newcomer)
        elif self._rules.on_second_client == "probe" and not self._is_waited_for():
            self._wait_for_sign_of_life(newcomer, holder)
        elif holder.end_is_near and not self._is_waited_for():
            self._wait(newcomer, _FEW_TURNS, self._look_again)
        else:
            self._turn_away(newcomer, _taken_by(holder))

    def admits(self, host: str, peer: str) -> bool:
        """Return whether a peer may try; note one that may not."""
        is_allowed = self._rules.allow(host)
        if not is_allowed:
            self.rejected(peer, "its address is not among allowed_peers")
        return is_allowed

    def rejected(self, peer: str, why: str) -> None:
        """Note that somebody was turned away."""
        if self._rejected.allows():
            self._log().error("rejected %s: %s (%d rejected so far)", peer, why, self._rejected.count)

    def freed(self) -> None:
        """Give the place, which has become free, to whoever waits for it."""
        waiting = self._stop_waiting()
        if waiting is not None:
            self._place.take(waiting)

    def close(self) -> None:
        """Turn away whoever waits."""
        waiting = self._stop_waiting()
        if waiting is not None:
            waiting.turn_away()

    def _is_waited_for(self) -> bool:
        """Return whether somebody waits; forget one that has left."""
        if self._waiting is not None and self._waiting.state is not State.WAITING:
            self._stop_waiting()
        return self._waiting is not None

    def _wait_for_sign_of_life(self, newcomer: Connection, holder: Connection) -> None:
        holder.probe()
        self._wait(newcomer, _PROBE_TIME, functools.partial(self._decide, holder))

    def _wait(self, newcomer: Connection, delay: float, then: Callable[[], None]) -> None:
        newcomer.keep_waiting()
        self._waiting = newcomer
        self._timer = self._loop.call_later(delay, then)

    def _look_again(self, addition: str = "") -> None:
        """Deal with a newcomer that has waited: the holder may have left meanwhile, if only its last words are here."""
        holder, waiting = self._place.connection, self._stop_waiting()
        if waiting is None:
            return
        if holder.state is State.OPEN:
            self._turn_away(waiting, _taken_by(holder, addition))
        else:
            self._inherit(waiting, holder)

    def _inherit(self, newcomer: Connection, holder: Connection) -> None:
        """Give the place of a peer that is done, and waits for nothing but our reading on, to a newcomer."""
        holder.end_as_announced()
        # The end of the holder may have let in one that waited.
        holder = self._place.connection
        if holder.alive:
            self._turn_away(newcomer, _taken_by(holder))
        else:
            self._place.take(newcomer)

    def _decide(self, holder: Connection) -> None:
        # Only what came after the probe began counts; the kernel's ages are whole ticks of its clock.
        if not holder.answered_probe(_PROBE_TIME - 0.1):
            # Its loss frees the place for the one that waits.
            holder.end(LossReason.SILENT, abort=True)
        else:
            self._look_again(" and has answered")

    def _stop_waiting(self) -> Connection | None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiting, self._waiting = self._waiting, None
        return waiting if waiting is not None and waiting.state is State.WAITING else None

    def _turn_away(self, newcomer: Connection, why: str) -> None:
        newcomer.turn_away()
        self.rejected(newcomer.peer, why)
