"""Real workers: both ends of every workload, in one process and in two."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import pytest

import tcpip_core
from tests.benchmarks._orders import Idle, IdleFigures, Losses, LossRow
from tests.benchmarks._workers import ROOT, Contestant, Crew, FailedError, Worker, environment
from tests.benchmarks._workloads import SPEED
from tests.benchmarks.peers import PEERS, PeerInfo, ours
from tests.benchmarks.peers._peer import CannotDoError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the benchmarks ask the kernel of Linux")

STREAMS, OURS = (Contestant(name, name, "asyncio") for name in ("streams", "ours"))


@pytest.mark.parametrize("processes", [1, 2])
def test_time_is_measured(processes: int) -> None:
    """In two processes the server's share counts too, and the clock sees both at once."""
    with Crew(processes, "warm") as crew:
        figures = crew.measure(OURS, "W1", 50)
    assert 0 < figures.cpu < 10
    assert 0 < figures.wall < 10


def test_warm_workers_stay() -> None:
    """One process over all rounds has one state of its allocator."""
    assert same_process("warm")


def test_cold_workers_are_new() -> None:
    """A process is cold until its first connection ends."""
    assert not same_process("cold")


def same_process(allocator: str) -> bool:
    """Tell whether two measurements are of one process."""
    with Crew(1, allocator) as crew:
        crew.measure(STREAMS, "W1", 1)
        before = crew.workers.get(STREAMS)
        crew.measure(STREAMS, "W1", 1)
        return before is not None and before is crew.workers.get(STREAMS)


def test_what_cannot_be_done_is_said() -> None:
    """A sentence, not a traceback; and the worker that failed is gone."""
    with Crew(1, "warm") as crew:
        with pytest.raises(FailedError, match="streams: KeyError"):
            crew.measure(STREAMS, "W99", 1)
        assert {} == crew.workers


def test_a_death_is_noticed() -> None:
    """A worker that was killed cannot be waited for."""
    with Worker(STREAMS, "warm") as worker:
        os.kill(worker.pid, 9)
        with pytest.raises(FailedError, match="streams died"):
            worker.reply(IdleFigures)


def test_idle_pairs_are_measured() -> None:
    """Links over which nothing is said wake nobody."""
    order = Idle(pairs=3, seconds=0.05, memory_pairs=3, beside=(1,), round_trips=10)
    with Worker(OURS, "warm") as worker:
        figures = worker.ask(order, IdleFigures)
    assert 0 == figures.wakeups
    assert {1} == set(figures.beside)


@pytest.mark.parametrize("end", ["FIN", "RST"])
@pytest.mark.parametrize("contestant", [STREAMS, OURS], ids=["streams", "ours"])
def test_losses_are_measured(contestant: Contestant, end: str) -> None:
    """From the other end's close until it is noticed, each time anew."""
    with Worker(contestant, "warm") as worker:
        row = worker.ask(Losses("asyncio", "client", end, 5), LossRow)
    assert 5 == row.rounds
    assert 0 < row.p50 <= row.worst


def test_what_our_code_lacks_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A revision of the past has no tuning."""
    monkeypatch.delattr(tcpip_core, "Tuning")
    with pytest.raises(CannotDoError, match="has no Tuning"):
        ours.batch("asyncio")


def test_sources_from_elsewhere_are_noticed(tmp_path: Path) -> None:
    """An installed package in place of the revision would be compared with itself."""
    with pytest.raises(FailedError, match="tcpip_core"):
        Worker(Contestant("other", "ours", "asyncio", tmp_path), "warm")


def test_workers_do_not_inherit_switches_of_the_allocator(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor of Python: the figures of two people must be comparable."""
    monkeypatch.setenv("MALLOC_ARENA_MAX", "1")
    monkeypatch.setenv("PYTHONDEVMODE", "1")
    assert not {"MALLOC_ARENA_MAX", "PYTHONDEVMODE"} & set(environment(ROOT))


def installed(info: PeerInfo) -> bool:
    """Tell whether a peer can be tried here."""
    return not info.is_missing and (not info.only or info.name == "streams+each")


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize(
    ("name", "loop"), [(info.name, loop) for info in PEERS.values() if installed(info) for loop in info.loops]
)
def test_each_peer_does_all_it_claims(name: str, loop: str, processes: int) -> None:
    """Both ends of each workload, whichever library it is."""
    if loop == "uvloop" and importlib.util.find_spec("uvloop") is None:
        pytest.skip("uvloop is not installed")
    with Crew(processes, "warm") as crew:
        for workload in SPEED.values():
            if PEERS[name].does(workload.name):
                crew.measure(Contestant(name, name, loop), workload.name, workload.amount(2))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "loop"),
    [(info.name, loop) for info in PEERS.values() if installed(info) and info.does("W7") for loop in info.loops],
)
def test_each_peer_watches_links(name: str, loop: str) -> None:
    """Many that are idle, and one that is lost."""
    with Worker(Contestant(name, name, loop), "warm") as worker:
        worker.ask(Idle(pairs=3, seconds=0.05, memory_pairs=3, beside=(1,), round_trips=10), IdleFigures)
        for end in ("FIN", "RST"):
            assert worker.ask(Losses(loop, "client", end, 5), LossRow).p50 > 0
