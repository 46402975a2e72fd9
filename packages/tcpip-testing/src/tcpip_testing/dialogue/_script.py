"""A script that makes sense, as a value; playing it is done elsewhere."""

import ctypes
import re
from collections.abc import Mapping
from typing import TypeGuard

from tcpip_core import DEFAULT_ENCODING, DEFAULT_LOCALHOST

from ..framing import Framing, parse_framing
from ._messages import Json, Message, check_reply, to_bytes
from ._peer import ScriptedPeer
from ._player import Script
from ._roles import ClientRole, ServerRole
from ._steps import AnyOrder, AnyTime, Close, Event, Exchange, Expect, HungUp, Reconnect, Send, Step, flattened

__all__ = ["Dialogue"]


class Dialogue:
    """What one side of a conversation says, expects and does, step by step.

    It is a value, and can be played many times: as a server by `serve`, as a client by `connect`.

    Parameters
    ----------
    *steps : tuple or step
        ``(expected, reply, ...)``, or what `greet`, `send`, `expect`, `any_order`, `any_time`, `repeat`, `event`,
        `pause`, `close`, `hung_up`, `reconnect` give.
    framing : str or Framing
        How messages are told apart, as for `parse_framing`: ``"crlf"``, ``"len:u16be"``, ``"raw"``. With ``"raw"``
        bytes are compared with the beginning of what arrived, so let a pattern end with something definite.
    encoding : str
        Text encoding of messages that are given as text, and of JSON.
    timeout : float
        How long each step may wait for the other side, and the end of the block for the rest of the script (seconds
        of the event loop's clock, which may be virtual).

    Raises
    ------
    TypeError
        If something is no step, or no message.
    ValueError
        If the framing is unknown or cannot carry a message, the encoding is unknown or lacks a character, a reply
        names a group that its pattern lacks, the timeout is not above 0, or a step cannot follow the one before it.
    """

    def __init__(
        self,
        *steps: Step | Exchange,
        framing: str | Framing,
        encoding: str = DEFAULT_ENCODING,
        timeout: float = 5.0,
    ) -> None:
        if not 0 < timeout < float("inf"):
            raise ValueError(f"timeout must be above 0 s, and finite, not {timeout!r}")
        self._script = Script(tuple(flattened(steps)), parse_framing(framing), encoding, timeout)
        _check(self._script)

    def serve(self, host: str = DEFAULT_LOCALHOST, port: int = 0) -> ScriptedPeer:
        """Play the script as a server, for one client at a time.

        Parameters
        ----------
        host : str
            Address to listen on.
        port : int
            Port to listen on; 0 takes one that is free: see `ScriptedPeer.port`.

        Returns
        -------
        ScriptedPeer
            The server; it listens while its ``async with`` block runs.
        """
        return ScriptedPeer(self._script, ServerRole(host, port))

    def connect(self, host: str, port: int) -> ScriptedPeer:
        """Play the script as a client.

        Parameters
        ----------
        host : str
            Address to connect to.
        port : int
            Port to connect to.

        Returns
        -------
        ScriptedPeer
            The client; it connects when its ``async with`` block is entered.
        """
        return ScriptedPeer(self._script, ClientRole(host, port))


def _check(script: Script) -> None:
    """Refuse what could not be played."""
    try:
        "".encode(script.encoding)
    except LookupError as e:
        raise ValueError(f"unknown encoding {script.encoding!r}: give the name of a text encoding") from e
    is_open = True
    for step in script.steps:
        if is_open == isinstance(step, Reconnect):
            raise ValueError(
                "reconnect() follows close(...) or hung_up()"
                if is_open
                else f"only reconnect() can follow close(...) or hung_up(), not {step!r}"
            )
        is_open = not isinstance(step, Close | HungUp)
        _check_messages(step, script)


def _check_messages(step: Step, script: Script) -> None:
    match step:
        case Send(messages):
            for message in messages:
                _check_message(message, script)
        case Event(message):
            _check_message(message, script)
        case Expect():
            _check_exchange(step, script)
        case AnyOrder(expects) | AnyTime(expects):
            for one in expects:
                _check_exchange(one, script)
        case _:
            pass


def _is_message(thing: object) -> TypeGuard[Message]:
    """Tell a message from a pattern, a function, and what is neither."""
    return isinstance(thing, str | bytes | Mapping | Json | ctypes.Structure)


def _check_message(message: Message, script: Script) -> None:
    script.framing.encode(to_bytes(message, script.encoding))


def _check_exchange(exchange: Expect, script: Script) -> None:
    expected = exchange.expected
    if _is_message(expected):
        _check_message(expected, script)
    elif not callable(expected) and not isinstance(expected, re.Pattern):
        raise TypeError(f"what is expected is a message, a pattern or a function, not {expected!r}")
    for reply in exchange.replies:
        check_reply(expected, reply, script.encoding)
        if _is_message(reply) and not isinstance(expected, re.Pattern):
            _check_message(reply, script)
