"""The private names that we own in classes which people inherit from: few, listed, and hard to hit."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

import tcpip_core
from tests.support import IPV4, Peer, connected, listening, soon, started


class Echo(tcpip_core.OneClientReadLoopServer):
    """Answer each line with itself."""

    async def read_and_dispatch(self) -> None:
        """Answer one line."""
        await self.write_str(await self.read_str())


BASE = {
    "_reader",
    "_writer",
    "_tcpip",
    "_tcpip_carrier",
    "_tcpip_connected",
    "_tcpip_done",
    "_tcpip_heartbeat",
    "_tcpip_lost",
    "_tcpip_noticed",
    "_tcpip_rules",
    "_tcpip_side",
    "_tcpip_stop",
    "_tcpip_stopped",
}
OWNED: dict[type[tcpip_core.BaseClientOrServer], set[str]] = {
    tcpip_core.Client: BASE,
    tcpip_core.OneClientServer: BASE | {"_server"},
    Echo: BASE | {"_server", "_tcpip_heartbeat_at", "_tcpip_read", "_tcpip_read_ended", "_tcpip_reading"},
}
"""Every private name of each class and its instances. Each one more is a trap for a subclass out there."""

TAKEN = [
    *("device", "config", "status", "commands", "dispatch_dict", "telemetry_loop_task", "write_loop_task"),
    *("_command_id", "_monitor_loop_task", "_connect_callback", "_loop", "_log", "_lock", "_host", "_port"),
    *("_connection", "_callback", "_publisher", "_task", "_tasks", "_state", "_start", "_close", "_closed"),
    *("_buffer", "_connected", "_done", "_name", "_encoding", "_terminator", "_limits", "_kwargs", "_waiter"),
    *("state", "protocol", "transport", "loop", "task", "tasks", "lock", "queue", "buffer", "publisher"),
]
"""Names that subclasses out there have, or could well have."""


def owned_by_class(cls: type[Any]) -> set[str]:
    """Name all that our own classes define, the interpreter's own names left out."""
    ours = [one for one in cls.__mro__ if one.__module__.partition(".")[0] in ("tcpip_core", "tests")]
    names: set[str] = {name for one in ours for name in vars(one)}
    return {name for name in names if not name.startswith("__") and not name.startswith("_abc_")}


@asynccontextmanager
async def exchanging(cls: type[Any], log: logging.Logger, **kwargs: Any) -> AsyncIterator[Any]:
    """Construct, connect, exchange a line, and give the object."""
    async with listening() as listener:
        is_client = issubclass(cls, tcpip_core.Client)
        one = cls(host=IPV4, port=listener.port if is_client else 0, log=log, **kwargs)
        await started(one)
        peer = await listener.accept() if is_client else Peer(IPV4, one.port)
        if not is_client:
            await connected(one)
        peer.send(b"hello\r\n")
        if not issubclass(cls, tcpip_core.OneClientReadLoopServer):
            await soon(one.write_str(await soon(one.read_str())))
        assert await peer.read_until() == b"hello\r\n"
        yield one
        await soon(one.close())
        peer.close()


@pytest.mark.parametrize("cls", OWNED)
async def test_class_owns_exactly_the_listed_private_names(
    cls: type[tcpip_core.BaseClientOrServer], log: logging.Logger
) -> None:
    """A new private name is a decision: it is added here, or hung on `_tcpip` instead."""
    async with exchanging(cls, log) as one:
        names = owned_by_class(cls) | set[str](one.__dict__)
    assert {name for name in names if name.startswith("_")} == OWNED[cls]


@pytest.mark.parametrize("cls", OWNED)
def test_what_only_we_use_starts_with_our_name(cls: type[tcpip_core.BaseClientOrServer]) -> None:
    """Beyond the three streams, which programs use, nobody hits a name of ours by chance."""
    known = {"_reader", "_writer", "_server"}
    assert {name for name in OWNED[cls] - known if not name.startswith("_tcpip")} == set()


@pytest.mark.parametrize("cls", OWNED)
async def test_subclass_may_use_every_other_name_for_data(
    cls: type[tcpip_core.BaseClientOrServer], log: logging.Logger
) -> None:
    """Set before the inherited constructor and after it, each keeps its value and nothing breaks."""

    class Device(cls):  # type: ignore[misc,valid-type]  # the base is a parameter
        def __init__(self, **kwargs: Any) -> None:
            for name in TAKEN[::2]:
                setattr(self, name, name)
            super().__init__(**kwargs)
            for name in TAKEN[1::2]:
                setattr(self, name, name)

    async with exchanging(Device, log) as device:
        pass
    assert {name: getattr(device, name) for name in TAKEN} == {name: name for name in TAKEN}


@pytest.mark.parametrize("cls", OWNED)
async def test_subclass_may_use_every_other_name_for_a_method(
    cls: type[tcpip_core.BaseClientOrServer], log: logging.Logger
) -> None:
    """None of them is called by us, its own ``connect_callback`` least of all."""
    called: list[str] = []

    def method(name: str) -> Any:
        async def call(*_: Any, **__: Any) -> None:
            called.append(name)

        return call

    names = [*TAKEN, "connect_callback"]
    device_class = type("Device", (cls,), {name: method(name) for name in names})
    async with exchanging(device_class, log):
        pass
    assert called == []


@pytest.mark.parametrize("cls", OWNED)
async def test_method_named_connect_callback_can_be_handed_in(
    cls: type[tcpip_core.BaseClientOrServer], log: logging.Logger
) -> None:
    """The habit of nine programs: a method of that name is the argument, and the attribute stays theirs."""
    told: list[bool] = []

    class Device(cls):  # type: ignore[misc,valid-type]  # the base is a parameter
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(connect_callback=self.connect_callback, **kwargs)

        async def connect_callback(self, who: Any) -> None:
            assert who is self
            told.append(self.connected)

    async with exchanging(Device, log):
        pass
    assert told == [True, False]
