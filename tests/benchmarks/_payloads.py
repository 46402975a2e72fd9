"""What the workloads send: the same for every peer."""

from __future__ import annotations

import ctypes
import json

__all__ = [
    "BULK",
    "DONE",
    "JSONS",
    "JSON_BATCH",
    "LINE",
    "LINES",
    "LINE_BATCH",
    "LINE_SIZE",
    "RECORD",
    "STRUCT_BATCH",
    "STRUCT_SIZE",
    "TERMINATOR",
    "Sample",
]

TERMINATOR = b"\r\n"
DONE = b"!"
"""What the receiver of a stream replies once it has everything."""

LINE = "M1M3 hardpoint 4 force 1234.5 N position -0.001234 m status OK"
LINE_SIZE = len(LINE) + len(TERMINATOR)
LINE_BATCH = 1000
"""Lines that are handed over in one write where lines come in batches."""
LINES = (LINE.encode() + TERMINATOR) * LINE_BATCH

BULK = bytes(range(256)) * 256


class Sample(ctypes.LittleEndianStructure):
    """A structure of 200 bytes, such as an instrument sends."""

    _pack_ = 1
    _layout_ = "ms"
    _fields_ = [
        ("serial", ctypes.c_uint32),
        ("status", ctypes.c_uint32),
        ("time", ctypes.c_double),
        ("values", ctypes.c_double * 23),
    ]


STRUCT_SIZE = ctypes.sizeof(Sample)
STRUCT_BATCH = 50
"""Structures that are handed over by one call where structures stream."""

RECORD: dict[str, object] = {
    "id": 123456,
    "name": "hardpoint",
    "timestamp": 1732280976.25,
    "position": -0.001234,
    "force": 1234.5,
    "temperature": 11.75,
    "enabled": True,
    "fault": None,
    "mode": "closed loop",
    "limits": [-100.0, 100.0],
}
JSON_BATCH = 250
JSONS = (json.dumps(RECORD).encode() + TERMINATOR) * JSON_BATCH
