"""An echo server for one client, with its read loop started by the connect callback."""

from __future__ import annotations

__all__ = ["EchoServer"]

import asyncio
import logging
import typing

import tcpip_core as tcpip


def done_future() -> asyncio.Future[None]:
    """Make a future that is done already, to stand for a task that does not run."""
    future: asyncio.Future[None] = asyncio.Future()
    future.set_result(None)
    return future


class EchoServer(tcpip.OneClientServer):
    """Send each line back to the client that sent it.

    Parameters
    ----------
    port : int
        Port to listen on; 0 to pick a free one.
    log : `logging.Logger`
        Logger.
    prefix : str
        Put before each line that is sent back.
    **kwargs
        Further arguments of `tcpip.OneClientServer`.
    """

    def __init__(self, port: int, log: logging.Logger, prefix: str = "", **kwargs: typing.Any) -> None:
        self.prefix = prefix
        self.num_lines = 0
        self.read_loop_task: asyncio.Future[None] = done_future()
        super().__init__(
            tcpip.DEFAULT_LOCALHOST,
            port,
            log,
            connect_callback=self.connect_callback,
            name="echo",
            **kwargs,
        )

    async def connect_callback(self, server: tcpip.OneClientServer) -> None:
        """Start the read loop for a new client, and stop it for one that left."""
        self.read_loop_task.cancel()
        if self.connected:
            self.read_loop_task = asyncio.create_task(self.read_loop())

    async def read_loop(self) -> None:
        """Read lines and send them back until the client hangs up."""
        try:
            while self.connected:
                line = await self.read_str()
                self.num_lines += 1
                await self.write_str(self.prefix + line)
        except (asyncio.IncompleteReadError, ConnectionError):
            self.log.info("The client hung up")
        except Exception:
            self.log.exception("Echoing failed; dropping the client")
            await self.close_client()

    async def close(self) -> None:
        """Stop echoing, then close as usual."""
        self.read_loop_task.cancel()
        await super().close()
