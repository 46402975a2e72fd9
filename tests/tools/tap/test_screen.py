"""What is shown while a link goes on: in order, in a thread, and what was too much is told."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from tcpip_core.transcript import Data, Event, Gap
from tcpip_tools.tap._screen import Screen
from tests.support import TIMEOUT


def test_a_screen_that_stands_still_holds_up_nobody_and_says_what_it_left_out() -> None:
    """Somebody has pressed Ctrl-S; memory stays bounded, and the link goes on."""
    shown: list[Event] = []
    goes_on = threading.Event()

    def show(events: Iterator[Event]) -> None:
        assert goes_on.wait(TIMEOUT)
        shown.extend(events)

    with Screen(show, start=1000) as screen:
        for time in range(100):
            screen.put(Data(1000 + time, 1, "<", b"x" * 1_000_000))
        goes_on.set()
    *data, gap = shown
    assert list(range(len(data))) == [event.time for event in data]
    assert (
        Gap(len(data), 100 - len(data), (100 - len(data)) * 1_000_000, "they came faster than they could be shown")
        == gap
    )
    assert 0 < len(data) * 1_000_000 <= 8 * 2**20
