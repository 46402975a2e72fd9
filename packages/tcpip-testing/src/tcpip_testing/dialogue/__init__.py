"""A scripted peer: what it says, what it expects, and what is wrong with what came instead."""

from ._factory import DialogueFactory
from ._messages import Expected, Json, Message, Received, Reply
from ._peer import ScriptedPeer
from ._report import DialogueError
from ._script import Dialogue
from ._steps import CloseKind, Exchange, Expect, Step
from ._vocabulary import (
    any_order,
    any_time,
    close,
    event,
    expect,
    greet,
    hung_up,
    pause,
    reconnect,
    repeat,
    send,
)

__all__ = [
    "CloseKind",
    "Dialogue",
    "DialogueError",
    "DialogueFactory",
    "Exchange",
    "Expect",
    "Expected",
    "Json",
    "Message",
    "Received",
    "Reply",
    "ScriptedPeer",
    "Step",
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
