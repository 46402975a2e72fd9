"""``openssl s_client`` speaks to our servers through TLS, and is content with their certificate."""

from __future__ import annotations

import logging
import ssl
import subprocess
from pathlib import Path

import pytest

from tcpip_core import DEFAULT_LOCALHOST
from tests.interop._conversations import flood, talk_binary, talk_line_by_line
from tests.interop._instrument import BlockEcho, Instrument
from tests.interop._processes import talking
from tests.interop._programs import OPENSSL, path
from tests.interop._tally import Tally

pytestmark = pytest.mark.interop(OPENSSL)

VERSIONS = pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Have openssl make a key and a certificate for the loopback address, in one file."""
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    wanted = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=mock instrument", "-addext", f"subjectAltName=IP:{DEFAULT_LOCALHOST}"]
    command = [path(OPENSSL), "req", *wanted, *names, "-keyout", str(file), "-out", str(file.with_suffix(".crt"))]
    subprocess.run(command, check=True, capture_output=True, timeout=20)
    file.write_bytes(file.read_bytes() + file.with_suffix(".crt").read_bytes())
    return file


@pytest.fixture
def context(certificate: Path) -> ssl.SSLContext:
    """Give what a server of ours takes as ``ssl=``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def command(port: int | None, certificate: Path, version: str = "-tls1_3") -> list[str]:
    """Connect, demand that certificate, and print nothing but what the server sends."""
    checks = ["-CAfile", str(certificate), "-verify_return_error", "-verify_ip", DEFAULT_LOCALHOST]
    return [path(OPENSSL), "s_client", "-quiet", version, *checks, "-connect", f"{DEFAULT_LOCALHOST}:{port}"]


@VERSIONS
async def test_lines_are_answered_one_by_one(
    version: str, context: ssl.SSLContext, certificate: Path, log: logging.Logger, tally: Tally
) -> None:
    """A person reads along at a port that nobody else can."""
    async with Instrument(log=log, ssl=context) as server:
        async with talking(command(server.port, certificate, version)) as program:
            await talk_line_by_line(program, server, tally)


@VERSIONS
async def test_piped_lines_are_all_answered_before_the_server_says_bye(
    version: str, context: ssl.SSLContext, certificate: Path, log: logging.Logger, tally: Tally
) -> None:
    """Answers that are under way when the server closes still arrive, and the end is an orderly one of TLS."""
    async with Instrument(log=log, ssl=context) as server:
        async with talking(command(server.port, certificate, version)) as program:
            await flood(program, server, tally, last="BYE\n")


@VERSIONS
async def test_binary_blocks_come_back_byte_for_byte(
    version: str, context: ssl.SSLContext, certificate: Path, log: logging.Logger, tally: Tally
) -> None:
    """Any byte may be in a block."""
    async with BlockEcho(port=0, log=log, ssl=context) as server:
        async with talking(command(server.port, certificate, version)) as program:
            await talk_binary(program, tally)
