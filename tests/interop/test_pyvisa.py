"""PyVISA-py speaks to our servers as to any instrument on a raw socket: ``TCPIP::127.0.0.1::PORT::SOCKET``."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import pytest

from tests.interop._instrument import Instrument
from tests.interop._processes import talking
from tests.interop._programs import PYVISA
from tests.interop._tally import LEAST, Tally

pytestmark = pytest.mark.interop(PYVISA)

SESSION = Path(__file__).with_name("_visa_session.py")


async def test_text_json_and_binary_answers_are_what_was_asked_for(log: logging.Logger, tally: Tally) -> None:
    """PyVISA blocks while it waits, so it runs beside us; it checks each answer, and we that it asked in order."""
    async with Instrument(log=log) as server:
        async with talking([sys.executable, str(SESSION), str(server.port), str(LEAST)]) as program:
            for _ in range(LEAST):
                sent, received = (await program.read_line()).split()
                tally.add(int(sent), int(received))
            assert (b"", 0) == await program.read_to_end()
        kinds = ("ECHO? reading", "TELEMETRY?", "WAVEFORM?")
        asked = [f"{kinds[number % 3]} {number}" for number in range(LEAST)]
        assert ["*IDN?", *asked] == server.received
