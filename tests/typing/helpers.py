"""What the types of the helpers for plain streams promise, and of the test case."""

import asyncio
import ctypes
from typing import assert_type

import tcpip_core
from tcpip_core import utils
from tcpip_testing import BaseOneClientServerTestCase


class Status(ctypes.Structure):
    """A structure of the user's."""

    _fields_ = [("azimuth", ctypes.c_double)]


async def plain_streams(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The helpers take asyncio's streams, at both of their addresses."""
    assert_type(await tcpip_core.read_into(reader, Status()), Status)
    assert_type(await utils.read_into(reader, Status()), Status)
    assert_type(await tcpip_core.write_from(writer, Status(), Status()), None)
    assert_type(await tcpip_core.close_stream_writer(writer), None)
    assert_type(await tcpip_core.set_socket_options(writer), None)
    await tcpip_core.read_into(reader, b"")  # type: ignore[type-var]


async def streams_of_ours(client: tcpip_core.Client) -> None:
    """Subclasses reach the streams of a client, as asyncio's."""
    assert client._reader is not None
    assert client._writer is not None
    assert_type(await client._reader.readline(), bytes)
    assert_type(client._writer.is_closing(), bool)


class Case(BaseOneClientServerTestCase):
    """A test case of the user's."""

    server_class = tcpip_core.OneClientServer

    async def test_echo(self) -> None:
        """Use what it makes."""
        async with self.create_server() as server, self.create_client(server) as client:
            await self.assert_next_connected(True)
            assert_type(await client.read_str(), str)
