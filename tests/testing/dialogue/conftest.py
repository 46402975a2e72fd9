"""What tests of dialogues share."""

from __future__ import annotations

import pytest

from tests.testing.dialogue._worlds import WORLDS, World


@pytest.fixture(params=WORLDS)
def world(request: pytest.FixtureRequest) -> World:
    """Give each world in which a dialogue is played."""
    world: World = WORLDS[request.param]
    return world
