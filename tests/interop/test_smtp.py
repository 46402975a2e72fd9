"""Our client hands mail to Exim, a real mail server, which delivers it into a file that we then read.

Exim has a configuration of its own here, runs without rights, delivers to nobody else and asks no name server.
"""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Iterator

import pytest

from tcpip_core import DEFAULT_LOCALHOST, Client
from tests.interop._processes import Daemon
from tests.interop._programs import EXIM
from tests.interop._servers import deliver, run_exim
from tests.interop._tally import LEAST, Tally
from tests.support import soon

pytestmark = pytest.mark.interop(EXIM)


@pytest.fixture
def exim() -> Iterator[Daemon]:
    """Give a mail server with an empty queue."""
    with run_exim() as server:
        yield server


async def read_reply(client: Client) -> tuple[int, list[str]]:
    """Read a reply of one or more lines (RFC 5321, 4.2): its code, and the text of each line."""
    texts: list[str] = []
    while True:
        line = await soon(client.read_str())
        texts.append(line[4:])
        if line[3:4] != "-":
            return int(line[:3]), texts


async def say(client: Client, line: str, expected: int) -> int:
    """Say a line, and check the code of the reply; return what both cost (bytes)."""
    await soon(client.write_str(line))
    code, texts = await read_reply(client)
    assert (expected, line) == (code, line), texts
    return len(line) + 2 + sum(len(text) + 6 for text in texts)


async def greet(client: Client) -> list[str]:
    """Begin a session; return what the server can do."""
    assert (await read_reply(client))[0] == 220
    await soon(client.write_str("EHLO localhost"))
    code, abilities = await read_reply(client)
    assert code == 250
    return abilities


async def begin_mail(client: Client) -> int:
    """Say from whom and to whom the next mail is."""
    cost = await say(client, "MAIL FROM:<dome@localhost> BODY=8BITMIME", 250)
    return cost + await say(client, "RCPT TO:<observer@localhost>", 250)


async def send_text(client: Client, number: int) -> tuple[int, bytes]:
    """Send lines of text, each through `write_str`; one that begins with a dot gets a second one."""
    cost = await begin_mail(client) + await say(client, "DATA", 354)
    for line in (f"Subject: {number}", "", "Der Kuppelspalt ist offen, θ = 12.5°", "..hidden"):
        await soon(client.write_str(line))
    expected = f"Subject: {number}\n\nDer Kuppelspalt ist offen, θ = 12.5°\n.hidden\n".encode()
    return cost + len(expected) + await say(client, ".", 250), expected


async def send_binary(client: Client, number: int) -> tuple[int, bytes]:
    """Send a chunk (RFC 3030), a length and that many bytes: all but CR and LF, which Exim writes its own way."""
    allowed = bytes(set(range(256)) - set(b"\r\n"))
    body = allowed + bytes(random.Random(number).choices(allowed, k=number))
    mail = b"Subject: %d\r\n\r\n%b\r\n" % (number, body)
    cost = await begin_mail(client)
    await soon(client.write(b"BDAT %d LAST\r\n%b" % (len(mail), mail)))
    code, _ = await read_reply(client)
    assert code == 250
    return cost + len(mail), mail.replace(b"\r\n", b"\n")


async def send_json(client: Client, number: int) -> tuple[int, bytes]:
    """Send a value; `write_json` writes the body."""
    value = {"number": number, "azimuth": number / 7, "name": "Kuppel Süd"}
    cost = await begin_mail(client) + await say(client, "DATA", 354)
    await soon(client.write_str(f"Subject: {number}\r\n"))
    await soon(client.write_json(value))
    expected = f"Subject: {number}\n\n{json.dumps(value)}\n".encode()
    return cost + len(expected) + await say(client, ".", 250), expected


async def test_text_binary_and_json_are_delivered_in_order(exim: Daemon, log: logging.Logger, tally: Tally) -> None:
    """One session, a mail of each kind in turn; what comes out of the queue is what was handed over, byte for byte."""
    expected = b""
    async with Client(DEFAULT_LOCALHOST, exim.port, log) as client:
        assert {"8BITMIME", "CHUNKING"} <= set(await greet(client))
        for number in range(0, LEAST + 2, 3):
            for offset, send in enumerate((send_text, send_binary, send_json)):
                cost, mail = await send(client, number + offset)
                tally.add(cost, 0)
                expected += mail
        await say(client, "QUIT", 221)
    assert expected == await deliver(exim)
