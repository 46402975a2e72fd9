"""The programs of other people: where they are, how they are installed, what version they are.

Nothing is installed before `provide` is called, and nothing is ever left running by it.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = [
    "CAPTURE_READERS",
    "EXIM",
    "MEMCACHED",
    "NATS",
    "NETCAT",
    "OPENSSL",
    "POSTGRES",
    "PSQL",
    "PYVISA",
    "REDIS",
    "SOCAT",
    "TELNET",
    "TSHARK",
    "Program",
    "path",
    "provide",
]

UPDATE_TIMEOUT = 120.0
"""Bound of fetching the lists of packages (seconds)."""

INSTALL_TIMEOUT = 300.0
"""Bound of installing one package with what it needs (seconds)."""

POLICY = Path("/usr/sbin/policy-rc.d")
"""What Debian's packages ask whether they may start their services."""

_PLACES = ("/usr/local/sbin", "/usr/sbin", "/sbin")
_POSTGRES = Path("/usr/lib/postgresql")

APT = ("apt-get", "-o", "DPkg::Lock::Timeout=60", "-o", "Acquire::Retries=2", "-o", "Acquire::http::Timeout=20")


@dataclass(frozen=True)
class Program:
    """Something that we speak to.

    ``binaries`` are the names that it goes by, ``package`` is Debian's that brings it, ``version_command`` are the
    arguments that make it tell its version, and ``version_pattern`` finds that in what it says.
    """

    name: str
    binaries: tuple[str, ...]
    package: str
    version_command: tuple[str, ...]
    version_pattern: str

    def version(self) -> str:
        """Ask the program, or Debian where it does not say."""
        if found := re.search(self.version_pattern, _said(path(self), *self.version_command)):
            return found[1]
        return _said("dpkg-query", "-W", "-f", "${Version}", self.package) or "unknown"


@dataclass(frozen=True)
class Library:
    """A Python package that we speak to; it comes with the dependency group ``interop``."""

    name: str
    distributions: tuple[str, ...]

    def version(self) -> str:
        """Name the version of each distribution."""
        return ", ".join(f"{one} {importlib.metadata.version(one)}" for one in self.distributions)


REDIS = Program("Redis", ("redis-server",), "redis-server", ("--version",), r"v=(\S+)")
MEMCACHED = Program("memcached", ("memcached",), "memcached", ("--version",), r"memcached (\S+)")
EXIM = Program("Exim (SMTP)", ("exim4", "exim"), "exim4-daemon-light", ("-bV",), r"Exim version (\S+)")
NETCAT = Program("nc (OpenBSD)", ("nc.openbsd",), "netcat-openbsd", ("-h",), r"patchlevel ([^)\s]+)")
TELNET = Program("telnet (inetutils)", ("telnet",), "telnet", ("--version",), r"\(GNU inetutils\) (\S+)")
SOCAT = Program("socat", ("socat",), "socat", ("-V",), r"socat version (\S+)")
NATS = Program("NATS", ("nats-server",), "nats-server", ("--version",), r"v(\S+)")
POSTGRES = Program("PostgreSQL", ("postgres",), "postgresql", ("--version",), r"PostgreSQL\) (\S+)")
PSQL = Program("psql", ("psql",), "postgresql-client", ("--version",), r"PostgreSQL\) (\S+)")
OPENSSL = Program("openssl s_client", ("openssl",), "openssl", ("version",), r"OpenSSL (\S+)")
TSHARK = Program("tshark", ("tshark",), "tshark", ("--version",), r"TShark[^\d]*(\S+?)\.? ")
CAPTURE_READERS = Library("readers of captures", ("dpkt", "scapy"))
PYVISA = Library("PyVISA-py", ("pyvisa-py", "pyvisa"))


def path(program: Program) -> str:
    """Give the path of a program that is installed, ``""`` if it is not; servers live in places off the PATH."""
    places = os.pathsep.join([os.environ.get("PATH", os.defpath), *_PLACES, *sorted(map(str, _POSTGRES.glob("*/bin")))])
    return next((found for name in program.binaries if (found := shutil.which(name, path=places))), "")


@cache
def provide(program: Program | Library) -> str:
    """Make sure that a program is there; return ``""``, or why it cannot be had."""
    if isinstance(program, Library):
        return _missing_distributions(program)
    if path(program):
        return ""
    wanted = f"{program.name} is not installed, and Debian's package {program.package} cannot be had"
    if obstacle := _obstacle():
        return f"{wanted}: {obstacle}"
    with _services_stay_down():
        failure = _update() or _run(INSTALL_TIMEOUT, "install", "-y", "--no-install-recommends", program.package)
    if failure or not path(program):
        return f"{wanted}: {failure or 'it has no such program'}"
    return ""


def _missing_distributions(library: Library) -> str:
    for one in library.distributions:
        try:
            importlib.metadata.version(one)
        except importlib.metadata.PackageNotFoundError:
            return f"{library.name} is not installed: the dependency group interop brings {one}"
    return ""


def _obstacle() -> str:
    """Say why nothing can be installed here; ``""`` if it can."""
    if not Path("/etc/debian_version").exists() or shutil.which("apt-get") is None:
        return "this is not a Debian system"
    return "" if os.geteuid() == 0 else "that takes root"


@cache
def _update() -> str:
    return _run(UPDATE_TIMEOUT, "update")


def _run(timeout: float, *arguments: str) -> str:
    """Run apt-get without a question; return ``""``, or what went wrong."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    try:
        done = subprocess.run(
            [*APT, *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"apt-get {arguments[0]} took longer than {timeout:g} s"
    except OSError as e:
        return f"apt-get {arguments[0]}: {e}"
    last = (done.stdout.strip().splitlines() or ["no output"])[-1]
    return f"apt-get {arguments[0]}: {last}" if done.returncode else ""


@contextlib.contextmanager
def _services_stay_down() -> Iterator[None]:
    """Keep packages from starting their servers on the usual ports of this machine, unless it has its own rule."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n", encoding="ascii")
    try:
        POLICY.chmod(0o755)
        yield
    finally:
        POLICY.unlink()


def _said(*command: str) -> str:
    """Run a program that tells something and ends; return what it wrote on either channel."""
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=20,
        check=False,
    )
    return done.stdout
