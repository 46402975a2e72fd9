"""What every program that brings text or bytes to our servers is made to say, each answer checked."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Sequence

from tests.interop._instrument import IDENTITY, BlockHeader, Instrument, reading
from tests.interop._processes import Talker
from tests.interop._tally import LEAST, Tally

__all__ = ["flood", "questions", "see_answers", "talk_binary", "talk_line_by_line"]


def questions(count: int = LEAST) -> list[tuple[str, str]]:
    """Give numbered questions for an `Instrument`, of all its kinds, and the answers to them."""
    return [question(number) for number in range(count)]


def question(number: int) -> tuple[str, str]:
    """Give a question and its answer."""
    match number % 5:
        case 0:
            return f"ECHO? {number}", str(number)
        case 1:
            return f"ECHO? Kuppel Süd, θ = {number}°", f"Kuppel Süd, θ = {number}°"
        case 2:
            return f"TELEMETRY? {number}", json.dumps(reading(number))
        case 3:
            return f"SPIN {number}", "ERROR unknown command 'SPIN'"
        case _:
            return "*IDN?", IDENTITY


async def talk_line_by_line(
    program: Talker, server: Instrument, tally: Tally, newlines: Sequence[bytes] = (b"\n",)
) -> None:
    """Type a line, see its answer, type the next; at the end the server has heard all of it in order."""
    for asked, answer in questions():
        await program.write(asked.encode() + b"\n")
        printed = await program.read_line()
        assert printed in [answer.encode() + newline for newline in newlines]
        tally.add(len(asked.encode()) + 1, len(printed))
    assert [asked for asked, _ in questions()] == server.received


async def flood(program: Talker, server: Instrument, tally: Tally, last: str = "") -> None:
    """Pipe all lines in at once and end the input; read the answers until the program ends."""
    asked = "".join(f"{line}\n" for line, _ in questions()) + last

    async def pipe() -> None:
        await program.write(asked.encode())
        program.write_eof()

    async with asyncio.TaskGroup() as group:
        group.create_task(pipe())
        await see_answers(program, tally)
    assert (b"", 0) == await program.read_to_end()
    assert asked.splitlines() == server.received


async def see_answers(program: Talker, tally: Tally, newlines: Sequence[bytes] = (b"\n",)) -> None:
    """Read the answer to each of the questions."""
    for asked, answer in questions():
        printed = await program.read_line()
        assert printed in [answer.encode() + newline for newline in newlines]
        tally.add(len(asked.encode()) + 1, len(printed))


async def talk_binary(program: Talker, tally: Tally) -> None:
    """Send blocks of any bytes and of many sizes to a `BlockEcho`, each after the answer to the one before."""
    rng = random.Random(2)
    for number in range(LEAST):
        data = bytes([number % 256]) + rng.randbytes(100_000 if number % 100 == 0 else number)
        await program.write(bytes(BlockHeader(number, len(data))) + data)
        answer = await program.read_exactly(8 + len(data))
        assert bytes(BlockHeader(number ^ 0xFFFFFFFF, len(data))) + data == answer
        tally.add(8 + len(data), len(answer))
