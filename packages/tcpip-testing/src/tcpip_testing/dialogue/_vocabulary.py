"""The functions that a script is written with."""

from ._messages import Expected, Message, Reply
from ._steps import (
    AnyOrder,
    AnyTime,
    Close,
    CloseKind,
    Event,
    Exchange,
    Expect,
    HungUp,
    Pause,
    Reconnect,
    Repeat,
    Send,
    Step,
    as_step,
    flattened,
)

__all__ = [
    "any_order",
    "any_time",
    "close",
    "event",
    "expect",
    "greet",
    "hung_up",
    "pause",
    "reconnect",
    "repeat",
    "send",
]


def _as_expects(steps: "tuple[Expect | Exchange, ...]", where: str) -> tuple[Expect, ...]:
    found = tuple(map(as_step, steps))
    expects = tuple(step for step in found if isinstance(step, Expect))
    if not expects or len(expects) < len(found):
        raise TypeError(f"{where} takes one or more of (expected, reply, ...) or expect(...), not {steps!r}")
    return expects


def _check_seconds(name: str, seconds: float) -> None:
    if not 0 <= seconds < float("inf"):
        raise ValueError(f"{name} must be 0 s or more, not {seconds!r}")


def greet(*messages: Message) -> Step:
    """Say something as soon as there is a connection: `send` by the name that it has at the start of a script.

    Parameters
    ----------
    *messages : str, bytes, dict, Json or ctypes.Structure
        What is said, one message each.

    Returns
    -------
    Step
        The step.
    """
    return Send(messages)


def send(*messages: Message) -> Step:
    """Say something unasked.

    Parameters
    ----------
    *messages : str, bytes, dict, Json or ctypes.Structure
        What is said, one message each.

    Returns
    -------
    Step
        The step.
    """
    return Send(messages)


def expect(expected: Expected, *replies: Reply) -> Expect:
    r"""Wait for a message, and answer it; ``(expected, reply, ...)`` says the same.

    Parameters
    ----------
    expected : str, bytes, re.Pattern, dict, Json, ctypes.Structure or callable
        What must come: a message that is equal; a pattern that matches the whole message; or a function that is
        called with the `Received` and returns whether it is the one.
    *replies : str, bytes, dict, Json, ctypes.Structure, callable or None
        What is answered, one message each; none where there is no reply. In text and bytes that answer a pattern,
        ``\1`` and ``\g<name>`` stand for its groups, as in `re.Match.expand`. A function is called with the
        `Received` and returns a message or None.

    Returns
    -------
    Step
        The step.
    """
    return Expect(expected, replies)


def any_order(*exchanges: Expect | Exchange) -> Step:
    """Wait for several messages, in whatever order they come.

    Parameters
    ----------
    *exchanges : tuple or step
        Each ``(expected, reply, ...)`` or `expect`, once each. A message that fits two takes the first.

    Returns
    -------
    Step
        The step.

    Raises
    ------
    TypeError
        If there is none, or one is another step.
    """
    return AnyOrder(_as_expects(exchanges, "any_order"))


def any_time(*exchanges: Expect | Exchange) -> Step:
    """Answer messages from now on until the end of the script, whenever they come, never or often.

    For what a program asks all the time: its heartbeat, its polling. What a later step expects goes first.

    Parameters
    ----------
    *exchanges : tuple or step
        Each ``(expected, reply, ...)`` or `expect`.

    Returns
    -------
    Step
        The step.

    Raises
    ------
    TypeError
        If there is none, or one is another step.
    """
    return AnyTime(_as_expects(exchanges, "any_time"))


def _is_whole(number: object) -> bool:
    return isinstance(number, int)


def repeat(times: int, *steps: Step | Exchange) -> Step:
    """Play steps several times.

    Parameters
    ----------
    times : int
        How often (1 or more).
    *steps : tuple or step
        What is repeated.

    Returns
    -------
    Step
        The step.

    Raises
    ------
    ValueError
        If `times` is below 1 or not whole.
    TypeError
        If one of the steps is none, or there is no step.
    """
    if not _is_whole(times) or times < 1:
        raise ValueError(f"times must be 1 or more, and whole, not {times!r}; for never or often there is any_time")
    if not steps:
        raise TypeError("repeat takes one or more steps")
    return Repeat(times, tuple(flattened(steps)))


def event(message: Message, *, after: float) -> Step:
    """Say something some time after this step is reached; the script goes on meanwhile.

    Parameters
    ----------
    message : str, bytes, dict, Json or ctypes.Structure
        What is said.
    after : float
        When (seconds of the event loop's clock, which may be virtual; 0 or more). The script does not end before.

    Returns
    -------
    Step
        The step.

    Raises
    ------
    ValueError
        If `after` is negative or infinite.
    """
    _check_seconds("after", after)
    return Event(message, after)


def pause(seconds: float) -> Step:
    """Wait before the next step; what comes meanwhile is kept for it.

    Parameters
    ----------
    seconds : float
        How long (seconds of the event loop's clock; 0 or more).

    Returns
    -------
    Step
        The step.

    Raises
    ------
    ValueError
        If it is negative or infinite.
    """
    _check_seconds("seconds", seconds)
    return Pause(seconds)


def close(kind: CloseKind) -> Step:
    """End the connection. Only `reconnect` may follow.

    Parameters
    ----------
    kind : {"fin", "rst"}
        ``"fin"`` ends it in order: the other side reads everything, then EOF. ``"rst"`` ends it as a device does that
        lost its power: the other side meets `ConnectionResetError`.

    Returns
    -------
    Step
        The step.

    Raises
    ------
    ValueError
        If the kind is another one.
    """
    if kind not in {"fin", "rst"}:
        raise ValueError(f"""close takes "fin" or "rst", not {kind!r}""")
    return Close(kind)


def hung_up() -> Step:
    """Wait until the other side ends the connection, by FIN or RST. Only `reconnect` may follow.

    Returns
    -------
    Step
        The step.
    """
    return HungUp()


def reconnect() -> Step:
    """Go on with the next connection: a server waits for one, a client makes one.

    Returns
    -------
    Step
        The step. It follows `close` or `hung_up`.
    """
    return Reconnect()
