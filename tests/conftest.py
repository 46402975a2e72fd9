"""What every test gets: both event loops, a host, a log, and a check that nothing survives it."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

import hypothesis
import pytest
import pytest_asyncio

from tests import support

pytest_plugins = ["pytester", "tcpip_testing.plugin"]

LoopFactory = Callable[[], asyncio.AbstractEventLoop]

hypothesis.settings.register_profile("ci", max_examples=50, deadline=None, print_blob=True, database=None)
hypothesis.settings.register_profile("full", parent=hypothesis.settings.get_profile("ci"), max_examples=1000)

LOOP_FACTORIES: dict[str, LoopFactory] = {"asyncio": asyncio.new_event_loop}
_uvloop = "yes"
try:
    import uvloop
except ImportError as _missing:
    _uvloop = f"no, it cannot be imported ({_missing})"
else:
    LOOP_FACTORIES["uvloop"] = uvloop.new_event_loop


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--full``."""
    parser.addoption(
        "--full",
        action="store_true",
        default=False,
        help="run the tests marked slow too, and Hypothesis with its profile 'full' instead of 'ci'",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker ``slow`` and choose the Hypothesis profile."""
    config.addinivalue_line("markers", "slow: takes longer than 0.25 s; runs with --full only")
    if not config.getoption("hypothesis_profile", None):
        hypothesis.settings.load_profile("full" if config.getoption("full") else "ci")


def pytest_report_header() -> str:
    """Say which loops and which address families this run covers."""
    ipv6 = "yes" if support.has_ipv6() else "no, tests of ::1 are skipped"
    return f"event loops: asyncio; uvloop: {_uvloop}; IPv6: {ipv6}"


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> Mapping[str, LoopFactory]:
    """Run each asynchronous test once on asyncio and once on uvloop."""
    return LOOP_FACTORIES


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what is marked slow, unless ``--full`` was given."""
    if config.getoption("full"):
        return
    skip = pytest.mark.skip(reason="slow: give --full to run it")
    for item in items:
        if item.get_closest_marker("slow") is not None:
            item.add_marker(skip)


def pytest_collection_finish() -> None:
    """Move what exists by now out of the collector's sight: there is a collection after each test."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _nothing_survives(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves a socket, a thread, a task or a timer, or an error that nobody saw."""
    sockets, threads = support.open_sockets(), set(threading.enumerate())
    is_asynchronous = request.node.get_closest_marker("asyncio") is not None
    if is_asynchronous:
        request.getfixturevalue("loop_errors")
    yield
    if not is_asynchronous:  # Else it has been done: it takes a third of a test's time.
        gc.collect()
    left = sorted(f"socket {one}" for one in support.open_sockets() - sockets)
    left += [f"thread {one.name}" for one in threading.enumerate() if one not in threads and _ours(one)]
    if left:
        pytest.fail(f"left behind by this test: {', '.join(left)}", pytrace=False)


def _ours(thread: threading.Thread) -> bool:
    """Tell the threads of a test from those of a loop's default executor, which the loop owns."""
    return not thread.name.startswith(("asyncio_", "uvloop_"))


@pytest_asyncio.fixture(loop_scope="function")
async def loop_errors() -> AsyncIterator[list[dict[str, Any]]]:
    """Collect what reaches the loop's exception handler; a test fails if this is not empty at its end.

    A test that provokes such an error on purpose takes it out of the list.
    """
    loop = asyncio.get_running_loop()
    before = asyncio.all_tasks()
    errors: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: errors.append(context))
    yield errors
    left: list[str] = []
    for _ in range(50):  # A socket that was closed last is gone a few turns later.
        await asyncio.sleep(0)
        left = _left_in_loop(loop, before)
        if not left:
            break
    gc.collect()
    await asyncio.sleep(0)
    loop.set_exception_handler(None)
    left += [f"error in the loop: {support.describe_loop_error(one)}" for one in errors]
    if left:
        pytest.fail("left behind by this test:\n  " + "\n  ".join(left), pytrace=False)


def _left_in_loop(loop: asyncio.AbstractEventLoop, before: set[asyncio.Task[Any]]) -> list[str]:
    """List the tasks and, where the loop shows them, the timers that still live."""
    current = asyncio.current_task()
    left = [f"task {one!r}" for one in asyncio.all_tasks() - before if one is not current]
    left += [f"timer {one!r}" for one in getattr(loop, "_scheduled", []) if not one.cancelled()]
    return left


@pytest.fixture(
    params=[
        pytest.param(support.IPV4, id="ipv4"),
        pytest.param(
            support.IPV6,
            id="ipv6",
            marks=pytest.mark.skipif(not support.has_ipv6(), reason="this machine has no IPv6"),
        ),
    ]
)
def host(request: pytest.FixtureRequest) -> str:
    """Give the loopback address, once of each family."""
    address: str = request.param
    return address


@pytest.fixture
def log(request: pytest.FixtureRequest) -> Iterator[logging.Logger]:
    """Give a logger that lets everything through; ``caplog`` sees what it gets."""
    logger = logging.getLogger("tcpip_tests")
    logger.setLevel(logging.DEBUG)
    yield logger
    logger.setLevel(logging.NOTSET)
