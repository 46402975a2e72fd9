"""Events as lines of text."""

from __future__ import annotations

import pytest

from tcpip_tools._lines import counted


@pytest.mark.parametrize(("count", "expected"), [(0, "0 links"), (1, "1 link"), (2, "2 links")])
def test_one_is_not_some(count: int, expected: str) -> None:
    """As people say it."""
    assert expected == counted(count, "link")
