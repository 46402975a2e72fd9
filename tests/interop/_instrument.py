"""Mock instruments of ours that other people's programs speak to."""

from __future__ import annotations

import ctypes
import logging
from typing import Any

from tcpip_core import OneClientReadLoopServer

__all__ = ["IDENTITY", "BlockEcho", "BlockHeader", "Instrument", "block", "reading"]

IDENTITY = "tcpip,mock instrument,0,1.0"


def reading(number: int) -> dict[str, Any]:
    """Give the telemetry that an `Instrument` sends when asked for this number."""
    return {"number": number, "azimuth": number / 8, "name": "Kuppel Süd", "moving": number % 2 == 0, "error": None}


def block(number: int) -> bytes:
    """Give the waveform that an `Instrument` sends when asked for this number: any byte, terminators included."""
    return bytes((number + i) % 256 for i in range(300))


class Instrument(OneClientReadLoopServer):
    """One command a line, as SCPI has it; a question ends with ``?``; an empty line is passed over."""

    def __init__(self, *, port: int = 0, log: logging.Logger, terminator: bytes = b"\n", **kwargs: Any) -> None:
        self.received: list[str] = []
        super().__init__(port=port, log=log, terminator=terminator, **kwargs)

    async def read_and_dispatch(self) -> None:
        line = await self.read_str()
        self.received.append(line)
        command, _, argument = line.partition(" ")
        match command:
            case "*IDN?":
                await self.write_str(IDENTITY)
            case "ECHO?":
                await self.write_str(argument)
            case "TELEMETRY?":
                await self.write_json(reading(int(argument)))
            case "WAVEFORM?":
                await self.write(definite_block(block(int(argument))) + self.terminator)
            case "BYE":
                await self.close_client()
            case _:
                await self.write_str(f"ERROR unknown command {command!r}")


def definite_block(data: bytes) -> bytes:
    """Pack bytes as an IEEE 488.2 definite length block."""
    size = str(len(data))
    return f"#{len(size)}{size}".encode() + data


class BlockHeader(ctypes.BigEndianStructure):
    """What precedes each block of a `BlockEcho`."""

    _pack_ = 1
    _fields_ = [("number", ctypes.c_uint32), ("size", ctypes.c_uint32)]


class BlockEcho(OneClientReadLoopServer):
    """Binary blocks, each sent back behind a header with the number negated bit by bit."""

    async def read_and_dispatch(self) -> None:
        header = await self.read_into(BlockHeader())
        data = await self.readexactly(header.size)
        answer = BlockHeader(header.number ^ 0xFFFFFFFF, header.size)
        await self.write(bytes(answer) + data)
