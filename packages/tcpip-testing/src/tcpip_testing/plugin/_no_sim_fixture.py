"""The fixture ``sim``, where pytest-asyncio is not loaded: it says so."""

import pytest

__all__ = ["sim"]


@pytest.fixture
def sim() -> None:
    """Say what is missing."""
    pytest.fail(
        "the fixture sim needs pytest-asyncio 1.4 or newer: python -m pip install 'tcpip-testing[pytest]'",
        pytrace=False,
    )
