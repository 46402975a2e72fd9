"""The fixtures, as users have them: in a run of pytest of their own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.testing.plugin._runs import run_pytest

GOOD = """
import asyncio
import logging

from tcpip_core import Client
from tcpip_testing.dialogue import close


async def test_one_client_server(one_client_server, connect_events, no_leaks):
    async with Client("127.0.0.1", one_client_server.port, logging.getLogger()) as client:
        await connect_events.wait_for(connected=True, who=one_client_server)
        await client.write_str("hello")
        assert await one_client_server.read_str() == "hello"
    assert not (await connect_events.next()).connected


async def test_read_loop_server(read_loop_server, connect_events):
    async with Client("127.0.0.1", read_loop_server.port, logging.getLogger()) as client:
        await client.write_str("hello")
        assert await read_loop_server.get_next_data() == "hello"


async def test_tcp_pair(tcp_pair):
    (_, writer), (reader, _) = tcp_pair
    writer.write(b"x")
    assert await reader.read(1) == b"x"


async def test_dialogue(dialogue, no_leaks):
    first = await dialogue(("a", "1"), framing="lf")
    second = await dialogue(("b", "2"), close("rst"), framing="nul")
    for peer, sent in ((first, b"a\\n"), (second, b"b\\0")):
        _, writer = await asyncio.open_connection(peer.host, peer.port)
        writer.write(sent)
        await peer.finished()
        writer.close()


def test_a_synchronous_one(no_leaks):
    pass


def test_events_alone(connect_events):
    assert connect_events.log == []
"""


def test_the_fixtures_work(tmp_path: Path) -> None:
    """Each fixture gives what its name says, and leaves nothing."""
    assert "6 passed" in run_pytest(tmp_path, GOOD, status=0)


def test_the_fixtures_have_words(tmp_path: Path) -> None:
    """Who asks pytest for its fixtures finds ours."""
    told = run_pytest(tmp_path, "", "--fixtures", status=0)
    names = ("connect_events", "dialogue", "no_leaks", "one_client_server", "read_loop_server", "tcp_pair")
    assert [] == [name for name in names if not re.search(rf"^{name} -- .*\n    \w", told, re.MULTILINE)]


BAD = """
import asyncio

import pytest


async def test_dialogue_missing(dialogue):
    await dialogue(("never",), framing="lf", timeout=0.1)


async def test_dialogue_misspelt(dialogue):
    await dialogue(("a",), frame="lf")


async def test_dialogue_raises(dialogue):
    peer = await dialogue(("a", lambda got: 1 / 0), framing="lf")
    _, writer = await asyncio.open_connection(peer.host, peer.port)
    writer.write(b"a\\n")
    writer.close()


def test_synchronous(tcp_pair):
    pass


@pytest.mark.asyncio(loop_scope="module")
async def test_in_another_loop(one_client_server):
    assert False, "it must not get here"


class TestMethods:
    async def test_method(self, tcp_pair):
        assert tcp_pair.near

    @pytest.mark.parametrize("value", [1])
    async def test_parametrized(self, tcp_pair, value):
        assert value
"""


def test_wrong_uses_are_told_in_words(tmp_path: Path) -> None:
    """A fixture that cannot work fails its test at once, and says what to write instead."""
    told = run_pytest(tmp_path, BAD)
    assert "nobody connected to 127.0.0.1" in told
    assert "got an unexpected keyword argument 'frame'" in told
    assert "no reply to 'a' could be made: ZeroDivisionError" in told
    assert "test_synchronous uses the fixture tcp_pair and is not asynchronous" in told
    assert "write async def" in told
    assert "the fixture one_client_server lives in another event loop than the test" in told
    assert "it must not get here" not in told
    assert "2 failed, 4 passed, 3 errors" in told


def test_without_pytest_asyncio_only_what_needs_it_fails(tmp_path: Path) -> None:
    """Synchronous tests need nothing but pytest; the rest says what to install."""
    source = "def test_a(no_leaks, connect_events): pass\n\ndef test_b(dialogue): pass\n"
    told = run_pytest(tmp_path, source, "-p", "no:asyncio", "-o", "asyncio_mode=")
    assert "the fixture dialogue needs pytest-asyncio: python -m pip install 'tcpip-testing[pytest]'" in told
    assert re.search("1 passed.* 1 error", told)


LEAKS = '''
import asyncio
import socket
import threading
import time

kept = []


async def forever():
    """Wait."""
    await asyncio.get_running_loop().create_future()


async def test_task(no_leaks):
    kept.append(asyncio.create_task(forever(), name="forgotten"))  # HERE


async def test_timer(no_leaks):
    kept.append(asyncio.get_running_loop().call_later(50, print))  # HERE


async def test_socket_of_a_stream(no_leaks):
    kept.append(await asyncio.start_server(lambda *_: None, "127.0.0.1", 0))  # HERE


def test_socket(no_leaks):
    kept.append(socket.create_server(("127.0.0.1", 0)))  # HERE


def test_thread(no_leaks):
    threading.Thread(target=time.sleep, args=(20,), name="sleeper", daemon=True).start()  # HERE


async def test_clean(no_leaks):
    task = asyncio.create_task(forever())
    await asyncio.sleep(0)
    task.cancel()
    timer = asyncio.get_running_loop().call_later(50, print)
    timer.cancel()
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    server.close()
    with socket.create_server(("127.0.0.1", 0)):
        pass
    thread = threading.Thread(target=print)
    thread.start()
    await asyncio.get_running_loop().run_in_executor(None, print)


def teardown_module():
    for one in kept:
        if hasattr(one, "close"):
            one.close()
'''


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_no_leaks_names_what_was_left_and_where_it_was_made(tmp_path: Path, loop: str) -> None:
    """Who gets the failure need not search: it has the line that made what was left."""
    factory = ""
    if loop == "uvloop":
        uvloop = pytest.importorskip("uvloop")
        factory = (
            f"import {uvloop.__name__}\ndef pytest_asyncio_loop_factories(): return {{'u': uvloop.new_event_loop}}"
        )
    (tmp_path / "conftest.py").write_text(factory, encoding="utf-8")
    # When it is closed with a server, uvloop warns, and where a warning is an error it hangs.
    told = run_pytest(tmp_path, LEAKS, is_strict=loop == "asyncio")
    assert re.search("6 passed.* 5 errors", told)
    lines = {number for number, line in enumerate(LEAKS.splitlines(), 1) if "# HERE" in line}
    kinds = {
        "task 'forgotten' running forever": 1,
        "timer due in": 1,
        "socket of 127.0.0.1 port": 2,
        "thread 'sleeper'": 1,
    }
    found = re.findall(
        r"^  (.*), made (?:at .*test_users\.py:(\d+): .*# HERE|(by code without a Python socket))$", told, re.M
    )
    assert kinds == {kind: sum(kind in what for what, _, _ in found) for kind in kinds}
    named = {int(number) for _, number, _ in found if number}
    assert named == lines or (loop == "uvloop" and len(lines - named) == 1)


SIMULATED_LEAK = """
import asyncio

import pytest

kept = []


async def answer(reader, writer):
    writer.write(b"hello")
    await reader.read()


@pytest.mark.tcpip_sim
async def test_simulated(no_leaks):
    server = await asyncio.start_server(answer, "127.0.0.1", 5000)
    kept.append(await asyncio.open_connection("127.0.0.1", 5000))  # HERE
    assert await kept[0][0].read(5) == b"hello"
    server.close()
"""


def test_no_leaks_names_what_was_left_in_a_simulation(tmp_path: Path) -> None:
    """By the user's line, or that of asyncio which made it for the user; never by one of this package."""
    told = run_pytest(tmp_path, SIMULATED_LEAK, is_strict=False)
    assert "1 passed, 1 error" in told
    assert re.search(r"simulated socket from 127\.0\.0\.1 port \d+ to 127\.0\.0\.1 port 5000, made at .*# HERE", told)
    assert re.search(r"task .* running answer, made at .*streams\.py", told)


ABSTRACT = """
import unittest

from tcpip_testing.conformance import StreamTests


class DeviceTests(StreamTests):
    sim_seed = 3


class {name}(DeviceTests{base}):
    async def open_steam(self, host, port): ...
"""


@pytest.mark.parametrize(("name", "base"), [("TestDevice", ""), ("DeviceTest", ", unittest.TestCase")])
def test_a_suite_that_lacks_a_method_is_refused(tmp_path: Path, name: str, base: str) -> None:
    """It is abstract, and pytest would leave all its tests out without a word."""
    told = run_pytest(tmp_path, ABSTRACT.format(name=name, base=base), status=2)
    assert f"{name} inherits a suite of tests and lacks open_stream, so none of them would run" in told


def test_a_suite_for_others_to_inherit_may_lack_a_method(tmp_path: Path) -> None:
    """Its name says that it is no test; nor are the suites themselves, whatever a test is called here."""
    (tmp_path / "conftest.py").write_text("", encoding="utf-8")
    source = ABSTRACT.format(name="OtherTests", base="")
    assert "no tests ran" in run_pytest(tmp_path, source, status=5)
    options = "-o", "python_classes=StreamTests"
    assert "no tests ran" in run_pytest(tmp_path, source, *options, status=5)
