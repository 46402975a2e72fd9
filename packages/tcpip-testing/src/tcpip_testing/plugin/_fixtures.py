"""Fixtures that need no event loop."""

import asyncio
from collections.abc import Iterator

import pytest

from .._leaks import LoopWatch, ProcessWatch, tracing
from .._waiting import ConnectEvents

__all__ = ["connect_events", "no_leaks", "no_leaks_goes_first"]


@pytest.fixture
def connect_events() -> ConnectEvents:
    """Give a connect callback that can be waited for; the servers of the fixtures call it."""
    return ConnectEvents()


@pytest.fixture
def no_leaks(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves a task, a timer, a socket or a thread behind, and name where each was made."""
    left: list[str] = []
    with tracing():
        in_process = ProcessWatch()
        if request.node.get_closest_marker("asyncio") is None:
            yield
        else:
            loop: asyncio.AbstractEventLoop = request.getfixturevalue("_tcpip_loop")
            in_loop = LoopWatch(loop)
            yield
            # pytest ends this fixture before those that it asked for: the loop is still there, and does not run.
            loop.run_until_complete(in_loop.settle())
            left += in_loop.left()
        left += in_process.left()
    if left:
        pytest.fail("\n  ".join(["left behind by this test:", *left]), pytrace=False)


@pytest.fixture(autouse=True)
def no_leaks_goes_first(request: pytest.FixtureRequest) -> None:
    """Let `no_leaks` begin before the other fixtures of a test that uses it, and so look when they have ended."""
    if "no_leaks" in request.fixturenames:
        request.getfixturevalue("no_leaks")
