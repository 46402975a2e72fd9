"""A dialogue while it is played: it begins with an ``async with`` block and is checked at its end."""

import asyncio
from types import TracebackType
from typing import Self

from ._player import Player, Script
from ._report import DialogueError
from ._roles import Role
from ._transcript import Transcript

__all__ = ["ScriptedPeer"]

_TURNS = 10
"""How often the loop turns at the end, so that what has arrived at this machine is read."""


class ScriptedPeer:
    """The other side of a conversation, played by a script; made by `Dialogue.serve` and `Dialogue.connect`.

    ``async with`` plays it. As soon as anything does not go as the script says, the connection is ended, the block is
    cancelled, and `DialogueError` comes out of it. At the end of the block the rest of the script must be played
    within the dialogue's timeout, and nothing may be left over. If the block fails by itself its error comes out as
    it is, with the transcript as a note.

    Parameters
    ----------
    script : Script
        What is played.
    role : Role
        Where connections come from.
    """

    def __init__(self, script: Script, role: Role) -> None:
        self._script = script
        self._role = role
        self._player: Player | None = None
        self._task: asyncio.Task[None] | None = None
        self._scope: asyncio.Timeout | None = None

    @property
    def host(self) -> str:
        """The address that it listens on or connects to."""
        return self._role.host

    @property
    def port(self) -> int:
        """The port that it listens on, known inside of the block; or connects to."""
        return self._role.port

    @property
    def transcript(self) -> str:
        """What was said until now, a line each, with times (seconds); ``""`` before the block."""
        return str(self._transcript) if self._player else ""

    async def finished(self) -> None:
        """Wait until all steps are played.

        Raises
        ------
        DialogueError
            If anything does not go as the script says, or it is not through within the dialogue's timeout from now.
        RuntimeError
            If it is not being played.

        Notes
        -----
        Cancel safe.
        """
        player, task = self._playing()
        await asyncio.wait(
            {task, player.is_done}, timeout=self._script.timeout, return_when=asyncio.FIRST_COMPLETED
        )  # fmt: skip
        if task.done():
            _raise_error_of(task)
        elif not player.is_done.done():
            raise player.error(f"the script is not through within {self._script.timeout:g} s", player.missing())

    async def start(self) -> None:
        """Begin to play; for fixtures. ``async with`` does this and more.

        Raises
        ------
        OSError
            If the address cannot be listened on.
        RuntimeError
            If it has been played already: ask the `Dialogue` for another one.
        """
        if self._player is not None:
            raise RuntimeError("a dialogue is played once: call serve or connect again for another time")
        self._transcript = Transcript(asyncio.get_running_loop().time)
        self._player = Player(self._script, self._role, self._transcript)
        await self._role.open(self._transcript)
        self._task = asyncio.create_task(self._player.run(), name=f"dialogue on port {self.port}")
        self._task.add_done_callback(self._hurry)

    async def stop(self, *, check: bool = True) -> None:
        """End it; the counterpart of `start`.

        Parameters
        ----------
        check : bool
            Let the script end, within its timeout, and demand that nothing is left over.

        Raises
        ------
        DialogueError
            If anything did not go as the script says. What there is is closed all the same.
        """
        player, task = self._playing()
        try:
            if check:
                await self.finished()
                await self._settle(task)
                player.check_leftover()
                player.check_connections()
        finally:
            task.cancel()
            await asyncio.wait({task})
            self._role.close()
            await player.close()
        _raise_error_of(task)

    async def _settle(self, task: "asyncio.Task[None]") -> None:
        """Let what has arrived at this machine be read."""
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        if task.done():
            _raise_error_of(task)

    def _playing(self) -> "tuple[Player, asyncio.Task[None]]":
        if self._player is None or self._task is None:
            raise RuntimeError("the dialogue is not being played: use it with async with")
        return self._player, self._task

    def _hurry(self, task: "asyncio.Task[None]") -> None:
        """End the block, if the dialogue has failed."""
        if self._scope is not None and not task.cancelled() and task.exception() is not None:
            self._scope.reschedule(asyncio.get_running_loop().time())

    async def __aenter__(self) -> Self:
        await self.start()
        self._scope = asyncio.timeout(None)
        await self._scope.__aenter__()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        is_cut_short = await self._leave_scope(exc_type, exc, traceback)
        try:
            await self.stop(check=exc is None and not is_cut_short)
        finally:
            if isinstance(exc, Exception):
                player, _ = self._playing()
                exc.add_note(f"the dialogue was at {player.place()}; {player.story()}")

    async def _leave_scope(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        """Return whether the block was cancelled because the dialogue failed."""
        scope, self._scope = self._scope, None
        if scope is None:
            raise RuntimeError("the dialogue is not being played: use it with async with")
        try:
            await scope.__aexit__(exc_type, exc, traceback)
            if scope.expired() and exc is None:
                await asyncio.sleep(0)  # A cancellation that came when the block was through comes out here.
        except (TimeoutError, asyncio.CancelledError):
            if not scope.expired():
                raise
        return scope.expired()


def _raise_error_of(task: "asyncio.Task[None]") -> None:
    """Raise what a task that is done failed with; where we were when we found a dialogue wrong helps nobody."""
    error = None if task.cancelled() else task.exception()
    if error is not None:
        raise error.with_traceback(None) if isinstance(error, DialogueError) else error
