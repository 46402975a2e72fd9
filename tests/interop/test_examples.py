"""The page ``talk-to-real-programs`` is true: its programs run, and its commands print what it says."""

from __future__ import annotations

import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tcpip_core import DEFAULT_LOCALHOST
from tests.interop._processes import talking
from tests.interop._programs import EXIM, NETCAT, OPENSSL, PYVISA, REDIS, SOCAT, TELNET, path
from tests.interop._servers import deliver, run_exim, run_redis

DOCS = Path(__file__).resolve().parents[2] / "docs"
EXAMPLES = DOCS / "examples/real_programs"
PAGE = (DOCS / "how-to/talk-to-real-programs.md").read_text(encoding="utf-8")


def example(name: str, *arguments: object) -> list[str]:
    """Give the command that runs an example as a reader would, but strictly."""
    return [sys.executable, "-X", "dev", "-W", "error", str(EXAMPLES / name), *map(str, arguments)]


def blocks(language: str, word: str) -> list[str]:
    """Find the code blocks of the page that contain a word."""
    found: list[str] = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    return [block for block in found if word in block]


async def check_console(word: str, port: int, folder: Path) -> None:
    """Run the commands of the page's console blocks that contain a word; they must print what stands below them."""
    transcripts = [one for block in blocks("console", word) for one in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
    assert transcripts
    for transcript in transcripts:
        command, _, expected = transcript.partition("\n")
        command = re.sub(r"\b502[56]\b", str(port), command).replace("| nc ", f"| {path(NETCAT)} ")
        async with talking(["sh", "-c", f"cd {folder} && {command}"]) as shell:
            printed, status = await shell.read_to_end()
        assert (command, expected, 0) == (command, printed.decode(), status)


@asynccontextmanager
async def mock_instrument(*arguments: object) -> AsyncIterator[int]:
    """Run the page's mock instrument; give its port."""
    async with talking(example("mock_instrument.py", 0, *arguments)) as mock:
        yield int((await mock.read_line()).removeprefix(b"listening on "))


@pytest.mark.interop(REDIS)
async def test_redis_client_of_the_page_runs() -> None:
    """It stores a value of each kind and finds it again."""
    with run_redis() as server:
        async with talking(example("redis_client.py", DEFAULT_LOCALHOST, server.port)) as program:
            assert (b"+OK\n+OK\nTrue\n", 0) == await program.read_to_end()


@pytest.mark.interop(EXIM)
async def test_mail_of_the_page_is_delivered() -> None:
    """What it sent comes out of the queue."""
    with run_exim() as server:
        async with talking(example("send_mail.py", DEFAULT_LOCALHOST, server.port)) as program:
            assert (b"the mail is handed over\n", 0) == await program.read_to_end()
        assert await deliver(server) == b'Subject: The shutter is open\n\n{"azimuth": 12.5}\n'


@pytest.mark.interop(NETCAT)
async def test_nc_prints_what_the_page_says(tmp_path: Path) -> None:
    """Two answers to three lines, although the input ended before."""
    async with mock_instrument() as port:
        await check_console("| nc ", port, tmp_path)


@pytest.mark.interop(SOCAT)
async def test_socat_prints_what_the_page_says(tmp_path: Path) -> None:
    """JSON, and an error; the position is the one that nc has set on the page."""
    async with mock_instrument() as port:
        async with talking(["sh", "-c", f"echo AZ 12.5 | {path(SOCAT)} - TCP:{DEFAULT_LOCALHOST}:{port}"]) as shell:
            assert (b"", 0) == await shell.read_to_end()
        await check_console("| socat ", port, tmp_path)


@pytest.mark.interop(TELNET)
async def test_telnet_shows_what_the_page_says() -> None:
    """What telnet shows, without what was typed: a terminal shows that itself."""
    (block,) = blocks("text", "$ telnet")
    expected = [line for line in block.splitlines() if line not in {"$ telnet 127.0.0.1 5025", "*IDN?", "BYE"}]
    async with mock_instrument() as port:
        async with talking(["sh", "-c", f"exec {path(TELNET)} {DEFAULT_LOCALHOST} {port} 2>&1"]) as program:
            await program.write(b"*IDN?\nBYE\n")
            printed, status = await program.read_to_end()
    assert (expected, 0) == (printed.decode().splitlines(), status)


@pytest.mark.interop(OPENSSL)
async def test_openssl_prints_what_the_page_says(tmp_path: Path) -> None:
    """The certificate of the page is made, served and accepted."""
    await check_console("openssl req", 0, tmp_path)
    async with mock_instrument(tmp_path / "both.pem") as port:
        await check_console("openssl s_client", port, tmp_path)


@pytest.mark.interop(PYVISA)
async def test_pyvisa_session_of_the_page_runs(tmp_path: Path) -> None:
    """It prints the identity, and the position that it has set."""
    (source,) = blocks("python", "pyvisa")
    program = tmp_path / "session.py"
    async with mock_instrument() as port:
        program.write_text(source.replace("5025", str(port)), encoding="utf-8")
        async with talking([sys.executable, str(program)]) as session:
            assert (b"tcpip,mock instrument,0,1.0\n12.500\n", 0) == await session.read_to_end()
