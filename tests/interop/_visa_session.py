"""A program that controls an `Instrument` through PyVISA: ``python _visa_session.py PORT COUNT``.

It knows nothing of our packages. It prints a line for each message that was answered as it should be, with the bytes
that were sent and received, and ends with status 0 if all were.
"""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any


def main(port: int, count: int) -> None:
    """Ask the instrument for text, JSON and binary blocks in turn, and check each answer."""
    pyvisa: Any = importlib.import_module("pyvisa")  # has no types that a strict checker is content with
    manager = pyvisa.ResourceManager("@py")
    resource = manager.open_resource(
        f"TCPIP::127.0.0.1::{port}::SOCKET", read_termination="\n", write_termination="\n", timeout=10_000
    )
    assert resource.query("*IDN?") == "tcpip,mock instrument,0,1.0"
    expected: object
    for number in range(count):
        if number % 3 == 0:
            question, answer = f"ECHO? reading {number}", f"reading {number}"
            size = len(answer)
            found = resource.query(question)
            expected = answer
        elif number % 3 == 1:
            question = f"TELEMETRY? {number}"
            text = resource.query(question)
            size = len(text)
            found, expected = json.loads(text)["number"], number
        else:
            question, size = f"WAVEFORM? {number}", 300
            found = resource.query_binary_values(question, datatype="B", container=bytes)
            expected = bytes((number + i) % 256 for i in range(300))
        if found != expected:
            sys.exit(f"asked {question!r}, expected {expected!r}, got {found!r}")
        print(len(question) + 1, size + 1, flush=True)
    resource.close()
    manager.close()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
