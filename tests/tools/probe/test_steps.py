"""Steps whose order the kernel decides."""

from __future__ import annotations

import asyncio

from tcpip_tools._report import Event
from tcpip_tools._targets import Target
from tcpip_tools.probe._steps import Probe
from tests.support import IPV4
from tests.tools._devices import device

ATTEMPTS = 20
"""Every other time or so the RST comes before the loop has seen that there is a connection."""


def test_a_connection_that_is_reset_at_once_was_made_whenever_that_is_noticed() -> None:
    """An RST may come out as an error of connecting; a refusal is another one."""
    found: set[tuple[object, ...]] = set()
    with device(policy="rst") as one:
        for _ in range(ATTEMPTS):
            told: list[Event] = []
            status = asyncio.run(Probe(Target(host=IPV4, port=one.port))(told.append))
            found.add((status, *(told[-1].data[key] for key in ("port", "slot", "confidence"))))
    assert {(6, "open", "busy", "possible")} == found
