"""The servers of other people that our client speaks to, each with settings of its own and nothing shared."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from tcpip_core import DEFAULT_LOCALHOST
from tests.interop._processes import Daemon, User, daemon, talking
from tests.interop._programs import EXIM, MEMCACHED, NATS, POSTGRES, REDIS, path

__all__ = ["deliver", "run_exim", "run_memcached", "run_nats", "run_postgres", "run_redis"]

EXIM_SETTINGS = """
primary_hostname = localhost
exim_user = {uid}
exim_group = {gid}
deliver_drop_privilege
spool_directory = {folder}/spool
log_file_path = {folder}/%slog
pid_file_path = {folder}/pid
local_interfaces = {host}
daemon_smtp_ports = {port}
keep_environment =
tls_advertise_hosts =
chunking_advertise_hosts = *
smtp_accept_queue_per_connection = 0
smtp_accept_max_per_connection = 0
queue_only
queue_run_in_order
acl_smtp_rcpt = accept
acl_smtp_data = accept

begin routers

everybody:
  driver = accept
  transport = file

begin transports

file:
  driver = appendfile
  file = {folder}/mail
  message_prefix =
  message_suffix =
  check_string =
  escape_string =
  headers_remove = Received:Message-Id:From:Date
"""
"""Accept all, queue it, and deliver it when told to, in order: into one file, nothing put around it."""

DELIVERY_TIMEOUT = 60.0
"""Bound of the delivery of all messages (seconds)."""


def run_redis() -> AbstractContextManager[Daemon]:
    """Run Redis; it keeps everything in memory."""

    def command(port: int, folder: Path, _: User) -> Sequence[str]:
        return [path(REDIS), "--port", str(port), "--bind", DEFAULT_LOCALHOST, "--dir", str(folder), "--save", ""]

    return daemon(command)


def run_memcached() -> AbstractContextManager[Daemon]:
    """Run memcached; it listens by TCP alone."""

    def command(port: int, _: Path, __: User) -> Sequence[str]:
        return [path(MEMCACHED), "-l", DEFAULT_LOCALHOST, "-p", str(port), "-U", "0", "-m", "16"]

    return daemon(command)


def run_exim() -> AbstractContextManager[Daemon]:
    """Run Exim with an empty queue, without rights; it delivers to nobody else and asks no name server."""

    def command(port: int, folder: Path, user: User) -> Sequence[str]:
        settings = EXIM_SETTINGS.format(uid=user.uid, gid=user.gid, folder=folder, port=port, host=DEFAULT_LOCALHOST)
        (folder / "settings").write_text(settings, encoding="ascii")
        return [path(EXIM), "-C", str(folder / "settings"), "-bdf"]

    return daemon(command)


def run_nats() -> AbstractContextManager[Daemon]:
    """Run NATS; nothing is kept."""

    def command(port: int, _: Path, __: User) -> Sequence[str]:
        return [path(NATS), "--addr", DEFAULT_LOCALHOST, "--port", str(port)]

    return daemon(command)


def run_postgres() -> AbstractContextManager[Daemon]:
    """Run PostgreSQL with a new cluster; its superuser is ``postgres``, and everybody here is trusted."""

    def command(port: int, folder: Path, user: User) -> Sequence[str]:
        server, data = Path(path(POSTGRES)), folder / "data"
        subprocess.run(
            [server.with_name("initdb"), "-D", data, "-U", "postgres", "--auth=trust", "--no-sync", "--encoding=UTF8"],
            check=True,
            capture_output=True,
            timeout=60,
            user=None if os.geteuid() else user.uid,
            group=None if os.geteuid() else user.gid,
        )
        settings = (f"listen_addresses={DEFAULT_LOCALHOST}", f"unix_socket_directories={folder}", "fsync=off")
        return [str(server), "-D", str(data), "-p", str(port), *(word for one in settings for word in ("-c", one))]

    return daemon(command)


async def deliver(exim: Daemon) -> bytes:
    """Have Exim deliver its queue; return what came out of it."""
    command = [path(EXIM), "-C", str(exim.folder / "settings"), "-q"]
    async with talking(command, exim.user) as run:
        assert (b"", 0) == await run.read_to_end(DELIVERY_TIMEOUT)
    return (exim.folder / "mail").read_bytes()
