"""The fixture ``sim``, where pytest-asyncio is loaded."""

import pytest_asyncio

from ..sim import Simulation

__all__ = ["sim"]


@pytest_asyncio.fixture(loop_scope="function")
async def sim() -> Simulation:
    """Give the simulation that a test marked ``tcpip_sim`` runs in."""
    return Simulation.current()
