"""Prove that the fault suite sees what it should: take a precaution out of a copy of the core, and its test must fail.

Run by ``nox -s faults``; ``python tests/faults/reversions.py heartbeat`` tries those alone that hold the word. Each
reversion names the lines that deal with one fault, what stands there without the precaution, and the one test that must
fail then, within a bound. One that no test notices fails the session, and so does one whose lines are not in the source
any more, or whose test fails anyhow.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "packages/tcpip-core/src"
OTHERS = [ROOT / "packages/tcpip-testing/src", ROOT / "packages/tcpip-tools/src"]
BOUND = 60
"""Longest time of one test, passing or failing (seconds)."""


@dataclass(frozen=True)
class Reversion:
    """One precaution: its module, its lines, the same without it, and the test that notices."""

    precaution: str
    module: str
    lines: str
    without: str
    test: str

    def apply(self, source: Path) -> None:
        """Take the precaution out of a copy of the sources."""
        path = source / "tcpip_core" / self.module
        text = path.read_text(encoding="utf-8")
        if text.count(self.lines) != 1:
            raise LookupError(f"lines stand there {text.count(self.lines)} times")
        path.write_text(text.replace(self.lines, self.without), encoding="utf-8")


CLOSE = "tests/faults/test_close.py::"
CALLBACKS = "tests/faults/test_callbacks.py::"
DISPATCH = "tests/faults/test_dispatch.py::"
LOOP = "tests/faults/test_loop.py::"
START = "tests/faults/test_start.py::"
REVERSIONS: list[Reversion] = [
    Reversion(
        "closing has a bound",
        "_connection.py",
        "self._set_timer(self._limits.close_timeout)",
        "self._set_timer(None)",
        f"{CLOSE}test_close_client_does_not_wait_for_a_peer_that_stands_still[asyncio-server]",
    ),
    Reversion(
        "the end of user code is not waited for without bound",
        "_endpoint.py",
        "await asyncio.wait(rest, timeout=GRACE)",
        "await asyncio.wait(rest)",
        f"{CLOSE}test_callback_that_swallows_cancellation_does_not_hold_close[asyncio-server-0.02]",
    ),
    Reversion(
        "a callback has a bound",
        "_publisher.py",
        "asyncio.timeout(self._timeout)",
        "asyncio.timeout(None)",
        f"{CALLBACKS}test_callback_is_cut_off_after_its_time[asyncio-server]",
    ),
    Reversion(
        "what a callback raises is logged",
        "_publisher.py",
        'self._log().exception("the connect callback failed (connected=%s)", connected)',
        "pass",
        "tests/contract/test_callback.py::test_callback_that_raises_is_logged_and_changes_nothing[asyncio-server-error0]",
    ),
    Reversion(
        "a foreign CancelledError out of dispatch is an error",
        "_read_loop_server.py",
        "if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():",
        "if isinstance(error, asyncio.CancelledError):",
        f"{DISPATCH}test_misdeed_costs_that_client_and_nobody_else[asyncio-_await_a_cancelled_child]",
    ),
    Reversion(
        "the loop of a client that is gone ends for the next one",
        "_read_loop_server.py",
        "previous.cancel()",
        "pass",
        f"{DISPATCH}test_hung_dispatch_ends_for_the_next_client[asyncio-rst]",
    ),
    Reversion(
        "a flood gives others their turns",
        "_read_loop_server.py",
        "await asyncio.sleep(0)",
        "pass",
        f"{DISPATCH}test_flood_of_tiny_lines_starves_nobody[asyncio]",
    ),
    Reversion(
        "a start that failed is undone",
        "_endpoint.py",
        "                self.begin_shutdown(spare=asyncio.current_task())\n",
        "",
        f"{START}test_failing_start_of_a_subclass_undoes_everything[asyncio-after-OneClientServer]",
    ),
    Reversion(
        "a server that failed says so to who waits for a client",
        "_one_client_server.py",
        "super()._tcpip_done()",
        "return super()._tcpip_done()",
        f"{START}test_everybody_who_waits_is_told_of_a_failed_start[asyncio-server-unresolvable]",
    ),
    Reversion(
        "an object that outlives its loop is named",
        "_endpoint.py",
        "        await anext(self._guard)\n",
        "",
        f"{LOOP}test_loop_that_ends_with_open_objects_says_which[asyncio]",
    ),
    Reversion(
        "heartbeats are measured on the loop's clock",
        "_read_loop_server.py",
        "    return asyncio.get_running_loop().time()\n",
        "    import time\n    return time.time()\n",
        f"{LOOP}test_wall_clock_that_is_set_is_no_age_of_heartbeats[asyncio-monitor-3600]",
    ),
    Reversion(
        "silence is measured on the loop's clock",
        "_heartbeat.py",
        "    loop = asyncio.get_running_loop()\n",
        "    import time as loop\n",
        f"{LOOP}test_wall_clock_that_is_set_is_no_age_of_heartbeats[asyncio-two-way--3600]",
    ),
    Reversion(
        "a write that is blocked is not without progress while the kernel's is",
        "_outgoing.py",
        "if taken <= before:",
        "if True:",
        f"{LOOP}test_blocked_loop_is_no_slowness_of_the_peer[asyncio-0.2]",
    ),
    Reversion(
        "a blocked write ends at its bound",
        "_outgoing.py",
        "asyncio.timeout(self._write_timeout)",
        "asyncio.timeout(None)",
        "tests/faults/test_slow_peers.py::test_write_to_a_peer_that_never_reads_times_out[asyncio-server]",
    ),
    Reversion(
        "a half-closed link does not drain for ever",
        "_connection.py",
        "            self._move(State.DRAINING)\n            self._set_timer(self._limits.drain_timeout)\n",
        "            self._move(State.DRAINING)\n",
        "tests/contract/test_state.py::test_link_with_unread_data_does_not_drain_for_ever[asyncio-ipv4-server]",
    ),
    Reversion(
        "a paused peer that goes away is noticed",
        "_kernel.py",
        "self._loop.add_reader(self._epoll.fileno(), self._hung_up)",
        "pass",
        "tests/core/test_connection.py::test_end_behind_unread_data_is_told[asyncio-rst-server]",
    ),
    Reversion(
        "a late write does not prolong the silence",
        "_outgoing.py",
        "if self.silence.is_needed and not self._link.is_hearing:",
        "if False:",
        "tests/faults/test_slow_peers.py::test_a_first_write_late_in_the_silence_does_not_prolong_it[asyncio-server]",
    ),
    Reversion(
        "nothing is written to a socket that is gone",
        "_connection.py",
        "self.transport if self.alive and not self.is_cut else None",
        "self.transport if self.alive else None",
        "tests/faults/test_rst.py::test_reply_to_a_line_in_front_of_a_reset_meets_the_loss[uvloop-client]",
    ),
    Reversion(
        "an object that is being entered has an owner",
        "_base.py",
        "            await self.close()  # the cancellation may come in the very step in which the start is done\n",
        "",
        f"{START}test_entering_that_is_cancelled_in_the_step_of_the_start_leaves_nothing[asyncio-client]",
    ),
    Reversion(
        "of two newcomers to a peer that drains one gets in",
        "_slot.py",
        "        if holder.alive:\n",
        "        if False:\n",
        "tests/faults/test_slot_policies.py::test_one_of_two_newcomers_gets_the_place_of_a_holder_that_drains[asyncio]",
    ),
    Reversion(
        "a late wake does not condemn a peer",
        "_read_loop_server.py",
        "elif is_late(overdue, self.max_heartbeat_interval):",
        "elif False:",
        f"{LOOP}test_blocked_loop_is_no_silence_of_the_peer[uvloop-monitor-0.2]",
    ),
    Reversion(
        "whoever comes second is turned away",
        "_slot.py",
        'elif self._rules.on_second_client == "replace":',
        "elif True:",
        "tests/contract/test_server.py::test_first_client_never_notices_a_second[asyncio-server-ipv4]",
    ),
    Reversion(
        "a closed server does not listen",
        "_one_client_server.py",
        "        super()._tcpip_stopped()\n        if self._server is not None:\n            self._server.close()",
        "        super()._tcpip_stopped()",
        f"{CLOSE}test_close_ends_in_time_and_leaves_nothing[asyncio-idle-server-0.02]",
    ),
    Reversion(
        "strangers take no seat in the lobby of TLS",
        "_lobby.py",
        "if self._doorkeeper.admits(host, peer) else None",
        "",
        "tests/faults/test_tls_handshakes.py::test_strangers_begin_no_handshake[asyncio-server]",
    ),
    Reversion(
        "clients that come and go in no time fill no log",
        "_endpoint.py",
        "connection.is_logged = self._links.allows()",
        "self._links.allows()",
        "tests/faults/test_flood.py::test_clients_that_come_and_go_in_no_time_fill_no_log[asyncio]",
    ),
]


def passes(test: str, source: Path) -> bool:
    """Run one test with the core at a place; one that hangs fails."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, [source, *OTHERS]))}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--full", "--timeout", "15", test]
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=BOUND, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    if done.returncode not in {0, 1}:
        raise LookupError(f"{test} cannot be run:\n{done.stdout}{done.stderr}")
    return done.returncode == 0


def try_out(reversion: Reversion) -> str:
    """Try one; return what came of it: ``caught``, or what is wrong."""
    if not passes(reversion.test, CORE):
        return "fails anyhow"
    with tempfile.TemporaryDirectory(prefix="tcpip-") as name:
        source = Path(name).resolve()
        shutil.copytree(CORE / "tcpip_core", source / "tcpip_core", ignore=shutil.ignore_patterns("__pycache__"))
        try:
            reversion.apply(source)
            return "not noticed" if passes(reversion.test, source) else "caught"
        except LookupError as error:
            return str(error)


def main(arguments: list[str] | None = None) -> int:
    """Try all of them, or those that are asked for, print the table, and return the exit status."""
    parser = argparse.ArgumentParser(prog="reversions", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("name", nargs="?", default="", help="try those alone that hold this text; default: all")
    name = parser.parse_args(arguments).name
    chosen = [one for one in REVERSIONS if name in f"{one.precaution} ({one.module})"]
    if not chosen:
        parser.error(f"no reversion holds {name!r}")
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(try_out, chosen))
    for reversion, result in zip(chosen, results, strict=True):
        print(f"{result:<12} {reversion.precaution} ({reversion.module})\n{'':<12} → {reversion.test}")
    caught = results.count("caught")
    print(f"{caught} of {len(chosen)} reversions are caught")
    return 0 if caught == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
