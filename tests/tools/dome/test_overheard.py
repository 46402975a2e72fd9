"""An event for each message that goes over a link."""

from __future__ import annotations

import logging

import pytest

from tcpip_core import Client
from tcpip_tools._report import Event
from tcpip_tools.dome._overheard import OverheardClient, OverheardController, messages_in
from tcpip_tools.dome._protocol import DomeStatus
from tests.support import IPV4, soon


def shown(events: list[Event]) -> list[str]:
    """Give what a person reads of the messages."""
    return [f"{event.mark} {event.text}" for event in events if event.kind == "message"]


@pytest.mark.parametrize(
    ("data", "messages"),
    [
        (b"OK\r\n", ["< OK"]),
        (b"OK\r\nERROR 1 no\r\n", ["< OK", "< ERROR 1 no"]),
        (b"DATA 2\r\n\x01\xff", ["< DATA 2", "< 2 bytes: 01 ff"]),
        (b"\x01\xff", ["< 2 bytes: 01 ff"]),
        (b"\xff\r\n", ["< 1 bytes: ff"]),
        (b"", []),
        (bytes(30), [f"< 30 bytes: {'00 ' * 24}..."]),
        (b"a\x1b[31m\r\n", [r"< a\x1b[31m"]),
    ],
)
def test_bytes_become_messages(data: bytes, messages: list[str]) -> None:
    """Lines are text, the rest is shown in hexadecimal, and nothing gets at the terminal."""
    assert messages == shown(messages_in("<", data))


def test_a_machine_gets_all_of_it() -> None:
    """What is cut or escaped for a person is whole in the data."""
    (text,) = messages_in("<", b"x" * 500 + b"\r\n")
    (binary,) = messages_in(">", b"\xff" * 500)
    assert "x" * 500 == text.data["text"]
    assert "ff" * 500 == binary.data["hex"]
    assert (500, 500) == (text.data["size"], binary.data["size"])


async def test_both_sides_hear_the_same_conversation(log: logging.Logger) -> None:
    """The mark tells who spoke, whichever side listens."""
    heard_by_device: list[Event] = []
    heard_by_client: list[Event] = []
    async with (
        OverheardController(report=heard_by_device.append, log=log) as server,
        OverheardClient(report=heard_by_client.append, host=IPV4, port=server.port, log=log) as client,
    ):
        await client.write_str("OPEN")
        assert "OK" == await soon(client.read_str())
        await client.write_str("STATUS")
        assert "DATA 40" == await soon(client.read_str())
        await soon(client.read_into(DomeStatus()))
    texts = shown(heard_by_device)
    assert ["> OPEN", "< OK", "> STATUS", "< DATA 40"] == texts[:4]
    assert texts[4].startswith("< 40 bytes: ")
    assert texts == shown(heard_by_client)


async def test_heartbeats_are_heard(log: logging.Logger) -> None:
    """The library sends them by itself, and they are part of the conversation."""
    heard: list[Event] = []
    async with OverheardController(report=heard.append, log=log, heartbeat_timeout=5.0) as server:
        async with Client(IPV4, server.port, log, run_heartbeat_send_task=True) as client:
            await client.write_str("STOP")
            assert "OK" == await soon(client.read_str())
    assert "> heartbeat" in shown(heard)


async def test_what_cannot_be_written_is_not_heard(log: logging.Logger) -> None:
    """A message that never went out is no part of the conversation."""
    heard: list[Event] = []
    client = OverheardClient(report=heard.append, host="", port=0, log=log)
    with pytest.raises(ConnectionError):
        await client.write_str("OPEN")
    assert [] == heard
