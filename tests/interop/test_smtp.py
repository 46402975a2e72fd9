"""Our client hands mail to Exim, a real mail server, which delivers it into a file that we then read.

Exim has a configuration of its own here, runs without rights, delivers to nobody else and asks no name server.
"""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tcpip_core import DEFAULT_LOCALHOST, Client
from tests.interop._processes import Daemon, User, daemon, talking
from tests.interop._programs import EXIM, path
from tests.interop._tally import LEAST, Tally
from tests.support import soon

pytestmark = pytest.mark.interop(EXIM)

SETTINGS = """
primary_hostname = localhost
exim_user = {uid}
exim_group = {gid}
deliver_drop_privilege
spool_directory = {folder}/spool
log_file_path = {folder}/%slog
pid_file_path = {folder}/pid
local_interfaces = {host}
daemon_smtp_ports = {port}
keep_environment =
tls_advertise_hosts =
chunking_advertise_hosts = *
smtp_accept_queue_per_connection = 0
smtp_accept_max_per_connection = 0
queue_only
queue_run_in_order
acl_smtp_rcpt = accept
acl_smtp_data = accept

begin routers

everybody:
  driver = accept
  transport = file

begin transports

file:
  driver = appendfile
  file = {folder}/mail
  message_prefix =
  message_suffix =
  check_string =
  escape_string =
  headers_remove = Received:Message-Id:From:Date
"""
"""Accept all, queue it, and deliver it when told to, in order: into one file, nothing put around it."""

DELIVERY_TIMEOUT = 60.0
"""Bound of the delivery of all messages (seconds)."""


@pytest.fixture
def exim() -> Iterator[Daemon]:
    """Run a mail server with an empty queue."""

    def command(port: int, folder: Path, user: User) -> Sequence[str]:
        settings = SETTINGS.format(uid=user.uid, gid=user.gid, folder=folder, port=port, host=DEFAULT_LOCALHOST)
        (folder / "settings").write_text(settings, encoding="ascii")
        return [path(EXIM), "-C", str(folder / "settings"), "-bdf"]

    with daemon(command) as server:
        yield server


async def delivered(exim: Daemon) -> bytes:
    """Have the queue delivered; return what came out of it."""
    command = [path(EXIM), "-C", str(exim.folder / "settings"), "-q"]
    async with talking(command, exim.user) as run:
        assert (b"", 0) == await run.read_to_end(DELIVERY_TIMEOUT)
    return (exim.folder / "mail").read_bytes()


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
    assert expected == await delivered(exim)
