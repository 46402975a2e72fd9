"""A program that is its own flight recorder: whatever is said, and how the link ends, is in a file."""

import asyncio
import logging
import tempfile
from pathlib import Path

from tcpip_core import Client, OneClientReadLoopServer
from tcpip_core.transcript import Close, Data, Recorder, open_transcript


class Thermometer(OneClientReadLoopServer):
    """A device that answers, and then crashes."""

    async def read_and_dispatch(self) -> None:
        """Answer one command."""
        if await self.read_str() == "TEMP?":
            await self.write_str("21.5")
        else:
            await self.close_client()


async def work(path: Path, log: logging.Logger) -> None:
    """Talk to the thermometer until it hangs up."""
    async with Recorder(path, target="thermometer", framing="crlf", max_file_size=100_000_000) as recorder:
        async with Thermometer(port=0, log=log) as device:
            async with Client("127.0.0.1", device.port, log, observer=recorder) as client:
                await client.write_str("TEMP?")
                await client.read_str()
                recorder.mark("now the command that it does not like")
                await client.write_str("OFF")
                await client.read(-1)


def look(path: Path) -> None:
    """Print what was recorded; `tcpip log show` does so with times."""
    with open_transcript(path) as transcript:
        for event in transcript:
            match event:
                case Data(direction=direction, payload=payload):
                    print(direction, payload)
                case Close(reason=reason, by=by):
                    print(f"closed: {reason}, by the {by}")
                case _:
                    print(type(event).__name__.lower())


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "night.tcplog"
        asyncio.run(work(file, logging.getLogger("example")))
        look(file)
