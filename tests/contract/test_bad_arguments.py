"""Bad arguments: refused by the constructor, in words, before a task or a socket exists."""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
from collections.abc import Callable
from typing import Any

import pytest

from tests.contract._rigs import CLIENT, make
from tests.support import IPV4, open_sockets


def _synchronous(who: Any) -> None:
    """Do nothing, in a way that cannot be awaited."""


BAD: list[Any] = [
    pytest.param({"encoding": "utf-9"}, ValueError, "'utf-9'", "encoding", id="unknown-encoding"),
    pytest.param({"encoding": b"utf-8"}, ValueError, "b'utf-8'", "encoding", id="encoding-of-bytes"),
    pytest.param({"encoding": None}, ValueError, "None", "encoding", id="encoding-of-none"),
    pytest.param({"encoding": "base64"}, ValueError, "'base64'", "encoding", id="not-a-text-encoding"),
    pytest.param({"encoding": ""}, ValueError, "''", "encoding", id="empty-encoding"),
    pytest.param({"terminator": "\r\n"}, ValueError, r"'\r\n'", "bytes", id="terminator-of-str"),
    pytest.param({"terminator": None}, ValueError, "None", "bytes", id="terminator-of-none"),
    pytest.param({"terminator": b""}, ValueError, "empty", "terminator", id="empty-terminator"),
    pytest.param({"connect_callback": 17}, TypeError, "17", "connect_callback", id="not-callable"),
    pytest.param({"conect_callback": None}, TypeError, "conect_callback", "argument", id="misspelt"),
    pytest.param({"ssl": "yes"}, TypeError, "'yes'", "ssl.SSLContext", id="ssl-no-context"),
    pytest.param({"ssl_handshake_timeout": 0.0}, ValueError, "0.0", "above 0", id="handshake-in-no-time"),
]


async def refused(build: Callable[[], object], error: type[Exception]) -> str:
    """Check that a construction fails and creates nothing; return what it said."""
    tasks, sockets = asyncio.all_tasks(), open_sockets()
    with pytest.raises(error) as caught:
        build()
    assert asyncio.all_tasks() == tasks
    assert open_sockets() == sockets
    return str(caught.value)


@pytest.mark.parametrize(("arguments", "error", "value", "hint"), BAD)
async def test_bad_argument_is_refused_before_anything_exists(
    kind: str,
    arguments: dict[str, Any],
    error: type[Exception],
    value: str,
    hint: str,
    log: logging.Logger,
) -> None:
    """The sentence shows the value and what is wanted; there is nothing to clean up."""
    said = await refused(lambda: make(kind, IPV4, 0, log, **arguments), error)
    assert value in said
    assert hint in said
    assert len(said.split()) >= 4, f"not a sentence: {said!r}"


async def test_context_for_the_other_end_is_refused(kind: str, log: logging.Logger) -> None:
    """It would fail each handshake, with words that only OpenSSL understands; the sentence names what to call."""
    purpose, wanted = (
        (ssl.PROTOCOL_TLS_SERVER, "client_context") if kind == CLIENT else (ssl.PROTOCOL_TLS_CLIENT, "server_context")
    )
    said = await refused(lambda: make(kind, IPV4, 0, log, ssl=ssl.SSLContext(purpose)), ValueError)
    assert f"tls.{wanted}" in said


async def test_bool_for_the_context_of_a_server_is_refused(server_kind: str, log: logging.Logger) -> None:
    """A client's ``ssl=True`` trusts the system's authorities; a server has no certificate to show."""
    said = await refused(lambda: make(server_kind, IPV4, 0, log, ssl=True), TypeError)
    assert "tls.server_context" in said


async def test_context_for_both_ends_is_taken(server_kind: str, log: logging.Logger) -> None:
    """The old ``PROTOCOL_TLS``, deprecated but not wrong."""
    with pytest.warns(DeprecationWarning, match="PROTOCOL_TLS"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS)
    async with make(server_kind, IPV4, 0, log, ssl=context) as server:
        assert server.start_task.done()


async def test_synchronous_callback_of_a_client_is_refused(log: logging.Logger) -> None:
    """A client never took one; the sentence names the argument and asks for an asynchronous one."""
    said = await refused(lambda: make(CLIENT, IPV4, 0, log, connect_callback=_synchronous), TypeError)
    assert "connect_callback" in said
    assert "async" in said


async def test_bad_argument_of_a_client_without_host_is_refused(log: logging.Logger) -> None:
    """A placeholder is checked like any client, so that the mistake shows where it was made."""
    await refused(lambda: make(CLIENT, "", 0, log, terminator="\n"), ValueError)


def test_construction_without_a_running_loop_is_refused(kind: str, log: logging.Logger) -> None:
    """The sentence names the loop; nothing is left that was never awaited."""
    sockets = open_sockets()
    with pytest.raises(RuntimeError, match=re.compile("loop", re.IGNORECASE)):
        make(kind, IPV4, 0, log)
    assert open_sockets() == sockets
