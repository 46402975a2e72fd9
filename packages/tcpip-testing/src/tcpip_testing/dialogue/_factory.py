"""Dialogues that begin where a test says so, and end with it: what the fixture ``dialogue`` gives."""

import contextlib

from tcpip_core import DEFAULT_ENCODING

from ..framing import Framing
from ._peer import ScriptedPeer
from ._script import Dialogue
from ._steps import Exchange, Step

__all__ = ["DialogueFactory"]


class DialogueFactory:
    """Starts scripted servers, and checks all of them at the end; the fixture ``dialogue`` is one."""

    def __init__(self) -> None:
        self._stack = contextlib.AsyncExitStack()

    async def __call__(
        self,
        *steps: Step | Exchange,
        framing: str | Framing,
        encoding: str = DEFAULT_ENCODING,
        timeout: float = 5.0,
    ) -> ScriptedPeer:
        """Play a script as a server on a free port.

        Parameters
        ----------
        *steps : tuple or step
            The script, as for `Dialogue`.
        framing : str or Framing
            How messages are told apart.
        encoding : str
            Text encoding.
        timeout : float
            How long each step may wait (seconds).

        Returns
        -------
        ScriptedPeer
            The server, listening. Unlike a block it cannot cancel the test: what is wrong is raised by its `finished`,
            or at the end of the test.

        Raises
        ------
        TypeError
            If something is no step.
        ValueError
            If an argument is wrong, as for `Dialogue`.
        """
        peer = Dialogue(*steps, framing=framing, encoding=encoding, timeout=timeout).serve()
        await peer.start()
        self._stack.push_async_callback(peer.stop)
        return peer

    async def stop(self) -> None:
        """Let all scripts end, the last one first, and demand that nothing is left over.

        Raises
        ------
        DialogueError
            If a dialogue did not go as its script says; of several the first. All are closed then, too.
        """
        await self._stack.aclose()
