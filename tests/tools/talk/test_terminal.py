"""Lines typed at a terminal."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from pathlib import Path

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.output import DummyOutput

from tcpip_tools._targets import Target
from tcpip_tools.talk import _terminal
from tests.support import TIMEOUT


async def idle() -> None:
    """Let whatever the loop was asked to do have its turn, and wait with nothing to do."""
    for _ in range(10):
        await asyncio.to_thread(int)


async def test_a_reply_is_met_before_the_prompt_is_drawn_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Drawing takes milliseconds, which would be added to the time of each reply, also in the transcript."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr(_terminal, "AT_ONCE", TIMEOUT)
    controller, far_end = os.openpty()
    here, peer = socket.socketpair()
    with here, peer, os.fdopen(far_end) as keyboard, create_app_session(output=DummyOutput()):
        monkeypatch.setattr(sys, "stdin", keyboard)
        happened: list[str] = []
        drawn = asyncio.Event()
        lines = _terminal.TypedLines(Target(host="dome", port=5000))

        def note_drawing() -> str:
            happened.append("drawn")
            drawn.set()
            return ""

        lines.state = note_drawing
        try:
            async with asyncio.timeout(TIMEOUT):
                typing = asyncio.create_task(lines.next_line())
                await drawn.wait()
                drawn.clear()
                os.write(controller, b"STATUS")
                await drawn.wait()
                await idle()
                happened.clear()
                os.write(controller, b"\r")
                assert "STATUS" == await typing
                here.setblocking(False)
                peer.sendall(b"OK")
                assert b"OK" == await asyncio.get_running_loop().sock_recv(here, 10)
                happened.append("reply")
                await idle()
                assert ["reply"] == happened
        finally:
            await lines.close()
            os.close(controller)
