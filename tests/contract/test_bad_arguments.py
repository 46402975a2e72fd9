"""Bad arguments: refused by the constructor, in words, before a task or a socket exists."""

from __future__ import annotations

import asyncio
import logging
import re
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
