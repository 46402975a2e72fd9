"""The fixtures that need an event loop, where pytest-asyncio is not loaded: they say so."""

from collections.abc import Callable

import pytest

__all__ = ["dialogue", "one_client_server", "read_loop_server", "tcp_pair"]


def _missing(fixture_name: str) -> Callable[[], None]:
    @pytest.fixture(name=fixture_name)
    def fixture() -> None:
        pytest.fail(
            f"the fixture {fixture_name} needs pytest-asyncio: python -m pip install 'tcpip-testing[pytest]'",
            pytrace=False,
        )

    return fixture


dialogue = _missing("dialogue")
one_client_server = _missing("one_client_server")
read_loop_server = _missing("read_loop_server")
tcp_pair = _missing("tcp_pair")
