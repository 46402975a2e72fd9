"""The one place: lets one client in at a time, and turns the others away politely."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from typing import Final

from .._listening import turn_away
from .._report import address_of

__all__ = ["Door"]

_GRACE: Final = 0.05
"""How long a newcomer waits for an end of the link before it that has not been noticed yet (seconds)."""


class Door:
    """Accepts connections while a block runs.

    Parameters
    ----------
    listener : socket.socket
        Listens.
    is_ending : callable
        Whether whoever has the place is about to leave it.
    refused : callable
        Is told the address of one who was turned away.
    patience : float
        How long a newcomer waits for one who is about to leave (seconds).
    """

    def __init__(
        self, listener: socket.socket, is_ending: Callable[[], bool], refused: Callable[[str], None], patience: float
    ) -> None:
        self._listener = listener
        self._is_ending = is_ending
        self._refused = refused
        self._patience = patience
        self._is_free = asyncio.Event()
        self._entered: asyncio.Queue[socket.socket] = asyncio.Queue(1)

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Accept while the block runs."""
        task = asyncio.create_task(self._accept(), name="door")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})
            while not self._entered.empty():
                turn_away(self._entered.get_nowait())

    async def next(self) -> socket.socket:
        """Wait for a client, and give it the place until this is called again."""
        self._is_free.set()
        return await self._entered.get()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                sock, address = await loop.sock_accept(self._listener)
            except OSError:  # It left before it was let in, or this program has too many files open.
                await asyncio.sleep(_GRACE)
                continue
            try:
                is_welcome = await self._is_place_free()
            except BaseException:
                sock.close()
                raise
            if is_welcome:
                self._is_free.clear()
                self._entered.put_nowait(sock)
            else:
                turn_away(sock)
                self._refused(address_of(str(address[0]), address[1]))

    async def _is_place_free(self) -> bool:
        """Wait for it as long as makes sense; the others stand in the kernel's queue meanwhile."""
        for timeout in (_GRACE, self._patience):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await self._is_free.wait()
            if self._is_free.is_set() or not self._is_ending():
                break
        return self._is_free.is_set()
