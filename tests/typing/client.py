"""What the types of `Client` promise."""

import ctypes
import functools
import logging
import ssl
from typing import Any, assert_type

from tcpip_core import BaseClientOrServer, Client

LOG = logging.getLogger()


class Status(ctypes.Structure):
    """A structure of the user's."""

    _fields_ = [("azimuth", ctypes.c_double)]


class Dome(Client):
    """A client of the user's, which adds a name and forwards the rest."""

    def __init__(self, host: str, port: int, **kwargs: Any) -> None:
        super().__init__(host, port, LOG, connect_callback=self.told, **kwargs)
        self.azimuth = 0.0

    async def told(self, dome: "Dome") -> None:
        """Take the subclass, not the base."""
        assert_type(dome.azimuth, float)


async def any_client_told(client: BaseClientOrServer) -> None:
    """Take whatever calls."""


async def client_told(client: Client) -> None:
    """Take a client."""


async def dome_told(dome: Dome) -> None:
    """Take a dome only."""


def told_at_once(client: Client) -> None:
    """Be synchronous."""


async def told_nothing() -> None:
    """Take nothing."""


async def reads(client: Client, status: Status) -> None:
    """Each read says what it returns; of JSON alone nothing is known."""
    assert_type(await client.read(10), bytes)
    assert_type(await client.readexactly(10), bytes)
    assert_type(await client.readline(), bytes)
    assert_type(await client.readuntil(), bytes)
    assert_type(await client.readuntil(b"\n"), bytes)
    assert_type(await client.read_str(), str)
    assert_type(await client.read_json(), Any)
    assert_type(await client.read_into(status), Status)
    await client.read_into(3)  # type: ignore[type-var]
    await client.readexactly("10")  # type: ignore[arg-type]


async def writes(client: Client, status: Status) -> None:
    """Each write takes its format, and nothing else."""
    assert_type(await client.write(b""), None)
    assert_type(await client.writelines(line for line in (b"", b"")), None)
    assert_type(await client.write_str(""), None)
    assert_type(await client.write_json({"azimuth": 1.0}), None)
    assert_type(await client.write_from(status, status), None)
    await client.write("text")  # type: ignore[arg-type]
    await client.write_str(b"bytes")  # type: ignore[arg-type]
    await client.write_from(3)  # type: ignore[arg-type]


async def state(client: Client) -> None:
    """What users see has a type, and can be assigned: programs do that."""
    assert_type(client.connected, bool)
    assert_type(client.should_be_connected, bool)
    assert_type(client.host, str | None)
    assert_type(client.port, int)
    assert_type(client.name, str)
    assert_type(client.encoding, str)
    assert_type(client.terminator, bytes)
    assert_type(client.monitor_connection_interval, float)
    assert_type(client.log, logging.Logger)
    assert_type(await client.close(), None)
    assert_type(await client.basic_close(), None)
    await client.start_task
    await client.done_task
    client.log = LOG
    client.should_be_connected = True
    client.encoding = "ascii"
    client.terminator = b"\n"
    client.name = "dome"
    client.connected = True  # type: ignore[misc]


async def construction() -> None:
    """Arguments go by position or by name, asyncio's keywords too; a misspelt one is an error."""
    Client("dome", 5000, LOG)
    Client("dome", 5000, LOG, None, 0.1, "dome", "ascii", b"\n")
    Client(host="dome", port=5000, log=LOG, connect_callback=None, name="dome", run_heartbeat_send_task=True)
    Client("dome", 5000, LOG, ssl=ssl.create_default_context(), limit=1000, server_hostname="dome")
    Client("dome", 5000, LOG, local_addr=("127.0.0.1", 0))
    Client("dome", 5000, LOG, server_hostnam="dome")  # type: ignore[call-arg]
    Client("dome", 5000, LOG, limit="1000")  # type: ignore[arg-type]
    Client("dome", 5000)  # type: ignore[call-arg]
    Client("dome", 5000, LOG, terminator="\n")  # type: ignore[arg-type]


async def callbacks() -> None:
    """A callback takes the object itself, as what it is, and is asynchronous."""
    Client("dome", 5000, LOG, any_client_told)
    Client("dome", 5000, LOG, connect_callback=client_told)
    Client("dome", 5000, LOG, connect_callback=functools.partial(client_told))
    Client("dome", 5000, LOG, connect_callback=dome_told)  # type: ignore[arg-type]
    Client("dome", 5000, LOG, connect_callback=told_at_once)  # type: ignore[arg-type]
    Client("dome", 5000, LOG, connect_callback=told_nothing)  # type: ignore[arg-type]


async def entered() -> None:
    """``async with`` gives the subclass."""
    async with Client("dome", 5000, LOG) as client:
        assert_type(client, Client)
    async with Dome("dome", 5000) as dome:
        assert_type(dome, Dome)
        assert_type(dome.azimuth, float)
