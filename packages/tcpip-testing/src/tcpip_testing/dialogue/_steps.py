"""What a script is made of: steps, as values. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from ._messages import Expected, Message, Reply
from ._words import describe_expected

__all__ = [
    "AnyOrder",
    "AnyTime",
    "Close",
    "CloseKind",
    "Event",
    "Exchange",
    "Expect",
    "HungUp",
    "Pause",
    "Reconnect",
    "Repeat",
    "Send",
    "Step",
    "as_step",
    "flattened",
]

CloseKind: TypeAlias = Literal["fin", "rst"]
Exchange: TypeAlias = tuple[Expected, *tuple[Reply, ...]]
"""``(expected, reply, ...)``: short for `expect`."""


class Step:
    """One step of a script; made by `greet`, `send`, `expect` and the other functions."""


@dataclass(frozen=True)
class Send(Step):
    """Say something unasked."""

    messages: tuple[Message, ...]

    def __str__(self) -> str:
        return f"send {', '.join(map(describe_expected, self.messages))}"


@dataclass(frozen=True)
class Expect(Step):
    """Wait for a message, and answer it; made by `expect`.

    Parameters
    ----------
    expected : str, bytes, re.Pattern, dict, Json, ctypes.Structure or callable
        What must come.
    replies : tuple
        What is answered.
    """

    expected: Expected
    replies: tuple[Reply, ...]

    def __str__(self) -> str:
        return f"expect {describe_expected(self.expected)}"


@dataclass(frozen=True)
class AnyOrder(Step):
    """Wait for several messages."""

    expects: tuple[Expect, ...]

    def __str__(self) -> str:
        return f"in any order {', '.join(map(str, self.expects))}"


@dataclass(frozen=True)
class AnyTime(Step):
    """Answer a message from now on, whenever and how often it comes."""

    expects: tuple[Expect, ...]

    def __str__(self) -> str:
        return f"at any time {', '.join(map(str, self.expects))}"


@dataclass(frozen=True)
class Event(Step):
    """Say something later, whatever happens until then."""

    message: Message
    after: float

    def __str__(self) -> str:
        return f"send {describe_expected(self.message)} after {self.after:g} s"


@dataclass(frozen=True)
class Pause(Step):
    """Do nothing for a while."""

    seconds: float

    def __str__(self) -> str:
        return f"pause for {self.seconds:g} s"


@dataclass(frozen=True)
class Close(Step):
    """End the connection."""

    kind: CloseKind

    def __str__(self) -> str:
        return f"close by {self.kind.upper()}"


@dataclass(frozen=True)
class HungUp(Step):
    """Wait until the other side ends the connection."""

    def __str__(self) -> str:
        return "wait until the program hangs up"


@dataclass(frozen=True)
class Reconnect(Step):
    """Go on with the next connection."""

    def __str__(self) -> str:
        return "wait for the next connection"


@dataclass(frozen=True)
class Repeat(Step):
    """Play steps several times."""

    times: int
    steps: tuple[Step, ...]


def flattened(steps: "tuple[Step | Exchange, ...]") -> Iterator[Step]:
    """Give the steps one after the other, repetitions written out.

    Raises
    ------
    TypeError
        If something is no step.
    """
    for step in steps:
        if isinstance(step, Repeat):
            for _ in range(step.times):
                yield from flattened(step.steps)
        else:
            yield as_step(step)


def as_step(step: "Step | Exchange") -> Step:
    """Return a step, also of its short form.

    Raises
    ------
    TypeError
        If it is none.
    """
    if isinstance(step, tuple) and step:
        return Expect(step[0], tuple(step[1:]))
    if not isinstance(step, Step):
        raise TypeError(f"a step is (expected, reply, ...) or made by greet, send, expect, ..., not {step!r}")
    return step
