"""A client that asks questions and reconnects, copies of it with a bug each, and the machine that finds these."""

from __future__ import annotations

import asyncio
import contextlib
from typing import ClassVar

from hypothesis import strategies as st

from tcpip_testing.strategies import SimStateMachine, initialize, invariant, rule

HOST, PORT = "127.0.0.1", 5000
PATIENCE = 1.0
"""How long the client waits for an answer (seconds)."""


class AskingClient:
    """Asks one question at a time; one that is not answered in time ends the connection."""

    def __init__(self) -> None:
        self._writer: asyncio.StreamWriter | None = None
        self._answers: asyncio.Queue[str | None] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()

    async def connect(self) -> None:
        """Connect, also again."""
        self.close()
        await self._open()

    async def _open(self) -> None:
        reader, self._writer = await asyncio.open_connection(HOST, PORT)
        self._answers = asyncio.Queue()
        task = asyncio.create_task(self._receive(reader, self._writer, self._answers), name="client")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _receive(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answers: asyncio.Queue[str | None]
    ) -> None:
        with contextlib.suppress(ConnectionError):
            async for line in reader:
                answers.put_nowait(line.decode().rstrip("\n"))
        writer.close()
        answers.put_nowait(None)

    async def ask(self, question: str) -> str:
        """Return the answer.

        Raises ``TimeoutError`` if there is none in time, and ``ConnectionError`` if the link is lost. The next
        question makes a new connection then.
        """
        if self._writer is None:
            await self.connect()
        assert self._writer is not None
        self._writer.write(question.encode() + b"\n")
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await self._answers.get()
        except TimeoutError:
            self.timed_out()
            raise
        if answer is None:
            self.close()
            raise ConnectionResetError("the device has hung up")
        return answer

    def timed_out(self) -> None:
        """End the connection, because the answer may come yet."""
        self.close()

    def close(self) -> None:
        """End the connection."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None


class TakesALateAnswer(AskingClient):
    """Keeps the connection after a time-out: the late answer is given to the next question."""

    def timed_out(self) -> None:
        pass


class ForgetsToClose(AskingClient):
    """Makes a new connection and forgets the old one."""

    async def connect(self) -> None:
        await self._open()


class AskingMachine(SimStateMachine):
    """A device that answers when it likes, links that are lost, and a client that asks."""

    client_class: ClassVar[type[AskingClient]] = AskingClient

    @initialize()
    async def start(self) -> None:
        self.delay = 0.0
        self.client = self.client_class()
        self.device = await asyncio.start_server(self.answer, HOST, PORT)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async for line in reader:
                await asyncio.sleep(self.delay)
                writer.write(b"re: " + line)
        except ConnectionError:
            pass
        finally:
            writer.close()

    @rule(delay=st.sampled_from([0.0, 0.5, 1.5]))
    async def become_slow(self, delay: float) -> None:
        self.delay = delay

    @rule(number=st.integers(0, 9))
    async def ask(self, number: int) -> None:
        with contextlib.suppress(TimeoutError, ConnectionError):
            answer = await self.client.ask(f"question {number}")
            assert answer == f"re: question {number}", f"the answer to question {number} was {answer!r}"

    @rule()
    async def reconnect(self) -> None:
        await self.client.connect()

    @rule()
    async def lose_the_link(self) -> None:
        for tcp in list(self.sim.localhost.connections):
            if not tcp.closed and not tcp.dead:
                self.sim.reset(tcp)

    @rule(seconds=st.sampled_from([0.1, 1.0, 10.0]))
    async def wait(self, seconds: float) -> None:
        await self.sim.advance(seconds)

    @invariant()
    async def one_connection_at_most(self) -> None:
        ours = [one for one in self.sim.localhost.connections if one.remote[1] == PORT and not one.closed]
        assert len(ours) <= 1, f"{len(ours)} connections are open"

    async def shut_down(self) -> None:
        self.client.close()
        self.device.close()


class LateAnswerMachine(AskingMachine):
    client_class = TakesALateAnswer


class ForgetfulMachine(AskingMachine):
    client_class = ForgetsToClose
