"""Whole programs in a process of their own, for what a test cannot do to the process that it runs in."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import textwrap

import pytest

from tests.conftest import LOOP_FACTORIES

__all__ = ["LOOPS", "run_program", "the_loop"]

LOOPS = pytest.mark.parametrize("loop", list(LOOP_FACTORIES))
"""Names of the loops, for tests that are not asynchronous themselves."""

_HEAD = """
import asyncio, gc, logging, resource, socket, sys, time, weakref
import tcpip_core
from tests.support import IPV4, Peer, connected, soon, started, turns, until
from tests.contract._rigs import LineServer

log = logging.getLogger("program")
"""

_TAIL = """
if sys.argv[1] == "uvloop":
    import uvloop
    factory = uvloop.new_event_loop
else:
    factory = asyncio.new_event_loop
with asyncio.Runner(loop_factory=factory) as runner:
    runner.run(main())
"""


def run_program(body: str, loop: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a program whose ``main`` is given, on a loop; it must end within 20 s and succeed."""
    program = _HEAD + textwrap.dedent(body) + _TAIL
    command = [sys.executable, "-X", "dev", *options, "-c", program, loop]
    # What a program says of its warnings is what is looked at, not what filters of this run make of them.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def the_loop() -> str:
    """Name the loop that runs."""
    return "asyncio" if type(asyncio.get_running_loop()).__module__.startswith("asyncio") else "uvloop"
