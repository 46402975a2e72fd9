"""The fixture ``sim``, where pytest-asyncio is loaded."""

from typing import TYPE_CHECKING

import pytest_asyncio

if TYPE_CHECKING:
    from ..sim import Simulation

__all__ = ["sim"]


@pytest_asyncio.fixture(loop_scope="function")
async def sim() -> "Simulation":
    """Give the simulation that a test marked ``tcpip_sim`` runs in."""
    from ..sim import Simulation

    return Simulation.current()
