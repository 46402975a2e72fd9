"""``tcpip probe`` against each situation that a port can be in, made by real sockets."""

from __future__ import annotations

import logging
import socket
import ssl
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Self

import pytest
import trustme

from tcpip_core import OneClientServer, OnSecondClient
from tests.support import IPV4, TIMEOUT, unused_port
from tests.tools._command import events, next_event, run, running
from tests.tools._devices import Device, FullQueue, device, echo, holding, lines

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="verdicts on this host's ports ask Linux")


def probe(target: str, *options: str) -> tuple[int, dict[str, Any], list[dict[str, Any]]]:
    """Probe a target; return the status, the verdict and all events."""
    done = run("probe", target, *options, "--json")
    told = events(done.stdout)
    verdicts = [event for event in told if event["event"] == "verdict"]
    return done.returncode, verdicts[0] if verdicts else {}, told


def said(verdict: dict[str, Any]) -> tuple[str, str, str]:
    """Give the core of a verdict."""
    return verdict["port"], verdict["slot"], verdict["confidence"]


def test_a_port_on_which_nobody_listens_is_refused() -> None:
    """The kernel says so itself."""
    status, verdict, _ = probe(f"{IPV4}:{unused_port()}")
    assert (3, ("refused", "none", "certain")) == (status, said(verdict))


def test_a_device_that_waits_gets_no_byte_and_a_polite_end() -> None:
    """It connects once, sends nothing, and its kernel sends FIN, not RST."""
    with device() as one:
        status, verdict, _ = probe(one.target)
        one.wait_gone()
        assert (1, b"", 0) == (one.connections, one.received, one.resets)
    assert (0, ("open", "free", "likely")) == (status, said(verdict))


def test_a_device_that_talks_gets_no_byte_and_a_polite_end() -> None:
    """Also where something is unread, closing is by FIN."""
    with device(greeting=b"220 dome ready\r\n" * 1000) as one:
        status, verdict, _ = probe(one.target)
        one.wait_gone()
        assert (1, b"", 0) == (one.connections, one.received, one.resets)
    assert (0, ("open", "free", "certain")) == (status, said(verdict))


def test_a_holder_makes_a_rejecting_device_busy() -> None:
    """It accepts and closes at once; on this host the holder is seen too."""
    with device(policy="reject") as one, holding(one):
        status, verdict, _ = probe(one.target)
    assert (6, ("open", "busy", "likely")) == (status, said(verdict))
    assert "by FIN" in verdict["because"]
    assert "is connected to 127.0.0.1" in verdict["because"]


def test_a_holder_makes_a_queueing_device_busy() -> None:
    """The kernel makes the connection, and no program takes it: seen from outside that is silence."""
    with device(policy="queue") as one, holding(one):
        status, verdict, _ = probe(one.target)
    assert (6, ("open", "busy", "certain")) == (status, said(verdict))
    assert "no program has accepted it" in verdict["because"]


def test_a_kicking_device_is_free_and_its_holder_is_gone() -> None:
    """Which is why the help warns of it."""
    with device(policy="kick") as one, holding(one) as holder:
        status, verdict, _ = probe(one.target)
        assert b"" == holder.recv(1)
    assert (0, ("open", "free", "likely")) == (status, said(verdict))


def test_a_device_of_many_clients_says_who_else_is_there() -> None:
    """It could be one that asks its holder for a sign of life first, so this is not called free."""
    with device() as one, holding(one):
        status, verdict, _ = probe(one.target)
    assert (0, ("open", "silent", "likely")) == (status, said(verdict))
    assert "is connected to 127.0.0.1" in verdict["because"]


def test_a_program_that_accepts_nobody_is_busy_or_hangs() -> None:
    """Both look the same, and both are said."""
    with device(policy="hang") as one:
        status, verdict, _ = probe(one.target)
    assert (6, ("open", "busy", "likely")) == (status, said(verdict))
    assert ["a program that hangs"] == verdict["or_else"]


def test_a_reset_on_accept_is_busy_with_less_confidence() -> None:
    """Few servers reject so; a server that fails does."""
    with device(policy="rst") as one:
        status, verdict, _ = probe(one.target)
    assert (6, ("open", "busy", "possible")) == (status, said(verdict))
    assert "by RST" in verdict["because"]


def test_a_full_queue_is_told_from_a_firewall_on_this_host() -> None:
    """No answer comes either way; the kernel's table knows."""
    with FullQueue() as one:
        status, verdict, _ = probe(f"{IPV4}:{one.port}", "--timeout", "300ms")
    assert (4, ("open", "full", "certain")) == (status, said(verdict))


def test_a_device_that_says_that_it_is_in_use_is_busy() -> None:
    """Terminal servers do."""
    with device(greeting=b"Port already in use\r\n", farewell="fin") as one:
        status, verdict, _ = probe(one.target)
    assert (6, ("open", "busy", "certain")) == (status, said(verdict))


@pytest.mark.parametrize(("terminator", "framing"), [(b"\r\n", "crlf"), (b"\n", "lf"), (b"\r", "cr"), (b"\0", "nul")])
def test_an_answer_shows_the_terminator_and_the_encoding(terminator: bytes, framing: str) -> None:
    """The most frequent question about an instrument."""
    idn = {"*IDN?": "ACME,Küppel 1,7,0.1".encode()}
    with device(lines(terminator, **idn)) as one:
        status, verdict, told = probe(one.target, "--framing", framing, "--send", "*IDN?")
        one.wait_gone()
        assert b"*IDN?" + terminator == one.received
    assert (0, ("open", "free", "certain")) == (status, said(verdict))
    found = {event["event"]: event["name"] for event in told if event["event"] in {"terminator", "encoding"}}
    assert {"terminator": framing, "encoding": "utf-8"} == found


def test_no_answer_to_a_question_is_its_own_status() -> None:
    """The question was asked in a framing that it does not know."""
    with device(lines(b"\n")) as one:
        status, verdict, _ = probe(one.target, "--framing", "cr", "--send", "*IDN?", "--timeout", "200ms")
    assert (7, ("open", "silent", "certain")) == (status, said(verdict))
    assert any("--framing" in one for one in verdict["or_else"])


@pytest.mark.parametrize(("end", "expected"), [("fin", 8), ("rst", 9)])
def test_a_link_that_ends_at_a_question_says_how(end: Literal["fin", "rst"], expected: int) -> None:
    """A command may do that, or a parser that fails."""
    with device(lines(b"\r\n", DROP=end)) as one:
        status, verdict, _ = probe(one.target, "--send", "DROP")
    assert (expected, "free", "possible") == (status, verdict["slot"], verdict["confidence"])


def test_one_that_never_pauses_is_not_listened_to_for_ever() -> None:
    """Telemetry has no end, and the probe has the place meanwhile."""
    with running("mock", "telemetry:50Hz", "--port", "0", "--json") as process:
        port = next_event(process)["port"]
        status, verdict, _ = probe(f"{IPV4}:{port}", "--timeout", "300ms")
    assert (0, ("open", "free", "certain")) == (status, said(verdict))


def test_a_name_that_does_not_exist_is_the_verdict() -> None:
    """The line of the name says so, and so does the last one: a script reads that."""
    status, verdict, _ = probe("nosuch.invalid:5000")
    assert (5, ("unreachable", "unknown", "certain")) == (status, said(verdict))
    done = run("probe", "nosuch.invalid:5000")
    assert (5, "") == (done.returncode, done.stderr)
    name, said_last = done.stdout.splitlines()
    assert name.startswith("name     nosuch.invalid cannot be resolved: ")
    assert said_last.startswith("verdict  unreachable, slot unknown, certain: there is no such name")


def test_without_a_connection_it_tells_what_this_host_knows() -> None:
    """Free, busy, refused: and the device has seen nobody."""
    with device() as one:
        free = probe(one.target, "--no-connect")
        with holding(one):
            busy = probe(one.target, "--no-connect")
        assert 1 == one.connections
    refused = probe(f"{IPV4}:{unused_port()}", "--no-connect")
    assert [(0, "free"), (6, "busy"), (3, "none")] == [(one[0], one[1]["slot"]) for one in (free, busy, refused)]


def test_people_read_the_same_in_lines() -> None:
    """One word in front of each says what it is about."""
    with device() as one:
        done = run("probe", one.target)
    heads = [line.split()[0] for line in done.stdout.splitlines()]
    assert ["name", "route", "here", "connect", "listen", "verdict"] == list(dict.fromkeys(heads))[:6]
    assert (0, "") == (done.returncode, done.stderr)
    assert "\x1b" not in done.stdout


# --- TLS --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Give an authority of our own."""
    return trustme.CA()


@pytest.fixture
def server_context(authority: trustme.CA) -> ssl.SSLContext:
    """Give what a server for 127.0.0.1 needs."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(IPV4).configure_cert(context)  # pyright: ignore[reportUnknownMemberType]  # OpenSSL's
    return context


@pytest.fixture
def cafile(authority: trustme.CA, tmp_path: Path) -> str:
    """Give the authority's certificate as a file."""
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


def test_tls_with_the_right_authority_is_listened_through(server_context: ssl.SSLContext, cafile: str) -> None:
    """What is heard is what the server said, and not what TLS makes of it."""
    with device(greeting=b"ready\r\n", context=server_context) as one:
        status, verdict, told = probe(one.target, "--cafile", cafile)
    assert (0, ("open", "free", "certain")) == (status, said(verdict))
    assert ["ready\r\n"] == [event["text"] for event in told if event["event"] == "listen"]


def test_a_certificate_of_a_stranger_is_refused_unless_told_otherwise(server_context: ssl.SSLContext) -> None:
    """``--insecure`` says in its help what it does."""
    with device(greeting=b"ready\r\n", context=server_context) as one:
        done = run("probe", one.target, "--tls")
        assert 11 == done.returncode
        assert "verdict  open, slot unknown, certain: no TLS" in done.stdout
        assert "its certificate is not accepted" in done.stdout
        assert 0 == run("probe", one.target, "--insecure").returncode


@pytest.mark.parametrize("greeting", [b"", b"220 plain text\r\n"])
def test_a_server_without_tls_is_a_mismatch_and_no_time_out(greeting: bytes) -> None:
    """Whether it answers the hello with text, or waits for the end of the line."""
    with device(greeting=greeting) as one:
        done = run("probe", one.target, "--tls", "--timeout", "300ms")
    assert 11 == done.returncode
    assert "speak TLS?" in done.stdout.splitlines()[-1]
    assert "" == done.stderr


# --- our own servers --------------------------------------------------------------------------------------------------


class OwnServer:
    """A `OneClientServer` in a thread with a loop of its own."""

    def __init__(self, policy: OnSecondClient) -> None:
        self._policy: OnSecondClient = policy
        self._up, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="server")
        self.port = 0

    def _run(self) -> None:
        import asyncio

        asyncio.run(self._serve())

    async def _serve(self) -> None:
        import asyncio

        log = logging.getLogger("test_probe")
        log.setLevel(logging.CRITICAL)
        async with OneClientServer(IPV4, 0, log, on_second_client=self._policy) as server:
            self.port = server.port
            self._up.set()
            await asyncio.to_thread(self._stop.wait, TIMEOUT)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._up.wait(TIMEOUT)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(TIMEOUT)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("reject", (6, ("open", "busy", "likely"))),
        ("replace", (0, ("open", "free", "likely"))),
        ("probe", (0, ("open", "silent", "likely"))),
    ],
)
def test_our_own_servers_show_their_policies(policy: OnSecondClient, expected: tuple[int, tuple[str, ...]]) -> None:
    """A server that asks its holder for a sign of life is silent until the holder has answered."""
    with OwnServer(policy) as server, socket.create_connection((IPV4, server.port), timeout=TIMEOUT):
        status, verdict, _ = probe(f"{IPV4}:{server.port}")
    assert expected == (status, said(verdict))


@pytest.mark.slow
def test_a_holder_that_answers_makes_a_probing_server_busy_for_who_listens_long_enough() -> None:
    """As the verdict of the shorter probe says."""
    with OwnServer("probe") as server, socket.create_connection((IPV4, server.port), timeout=TIMEOUT):
        status, verdict, _ = probe(f"{IPV4}:{server.port}", "--listen", "3s")
    assert (6, ("open", "busy", "certain")) == (status, said(verdict))


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("dome", "has no port"),
        ("dome:", "has no port"),
        (":5000", "has no host"),
        ("::1:5000", "in brackets"),
        ("[::1]", "in brackets"),
        ("dome:http", "a number from 1 to 65535"),
        ("dome:0", "a number from 1 to 65535"),
        ("dome:65536", "a number from 1 to 65535"),
        ("tcp://dome:5000", "is a URL"),
        ("do me:5000", "neither a name nor an address"),
        (f"{'x' * 64}:5000", "is no name of a host"),
        ("@nosuch", "there is no profile @nosuch"),
    ],
)
def test_a_target_that_is_none_is_a_usage_error_that_says_why(target: str, words: str) -> None:
    """Status 2, nothing on stdout, no traceback."""
    done = run("probe", target)
    assert (2, "") == (done.returncode, done.stdout)
    assert words in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_ipv6_in_brackets_is_a_target() -> None:
    """And it is written with them."""
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("no IPv6 on this machine")
    with listener:
        done = run("probe", f"[::1]:{listener.getsockname()[1]}", "--no-connect")
    assert 0 == done.returncode
    assert "verdict  open, slot free, certain" in done.stdout


@pytest.fixture
def echoing() -> Iterator[Device]:
    """Give a device that answers the same."""
    with device(echo) as one:
        yield one


def test_several_questions_are_asked_in_turn(echoing: Device) -> None:
    """Each is answered before the next."""
    _, _, told = probe(echoing.target, "--send", "A", "--send", r"\x02B\x03")
    assert ["A\r\n", "\x02B\x03\r\n"] == [event["text"] for event in told if event["event"] == "reply"]
