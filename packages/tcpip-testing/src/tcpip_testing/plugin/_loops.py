"""Fixtures and the test that uses them must share one event loop: otherwise the test would wait for ever."""

import asyncio
import functools
import inspect
from collections.abc import Callable, Coroutine, Generator
from typing import Any, cast

import pytest

__all__ = ["pytest_configure", "pytest_runtest_call", "same_loop"]

_LOOPS = pytest.StashKey[dict[str, asyncio.AbstractEventLoop]]()


def pytest_configure(config: pytest.Config) -> None:
    """Add the asynchronous fixtures, or what says that they need pytest-asyncio."""
    plugins = config.pluginmanager
    if plugins.hasplugin("asyncio"):
        from . import _async_fixtures as fixtures
    else:
        from . import _no_async_fixtures as fixtures  # type: ignore[no-redef]
    plugins.register(fixtures, "tcpip_testing.plugin fixtures")


def same_loop(request: pytest.FixtureRequest) -> None:
    """Demand that a fixture's test runs in the loop that is running now.

    Parameters
    ----------
    request : pytest.FixtureRequest
        The fixture's.
    """
    test = request.function
    inner: object = getattr(getattr(test, "hypothesis", None), "inner_test", test)
    if not inspect.iscoroutinefunction(inner):
        pytest.fail(
            f"{request.node.name} uses the fixture {request.fixturename} and is not asynchronous, so nothing would "
            "run while it does: write async def",
            pytrace=False,
        )
    loops = request.node.stash.setdefault(_LOOPS, {})
    loops[str(request.fixturename)] = asyncio.get_running_loop()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Let a test that uses our fixtures check its loop before it runs."""
    loops = item.stash.get(_LOOPS, None)
    if not loops or not isinstance(item, pytest.Function) or not inspect.iscoroutinefunction(item.obj):
        return (yield)
    test = item.obj
    item.obj = _checked(cast("Callable[..., Coroutine[Any, Any, None]]", test), loops)
    try:
        return (yield)
    finally:
        item.obj = test


def _checked(
    test: Callable[..., Coroutine[Any, Any, None]], loops: dict[str, asyncio.AbstractEventLoop]
) -> Callable[..., Coroutine[Any, Any, None]]:
    @functools.wraps(test)
    async def checked(*args: Any, **kwargs: Any) -> None:
        for name, loop in loops.items():
            if loop is not asyncio.get_running_loop():
                pytest.fail(
                    f"the fixture {name} lives in another event loop than the test that uses it: give the test's "
                    "marker asyncio and the setting asyncio_default_fixture_loop_scope the same loop_scope",
                    pytrace=False,
                )
        await test(*args, **kwargs)

    return checked
