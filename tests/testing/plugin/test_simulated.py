"""The marker ``tcpip_sim`` and the fixture ``sim``: what they do, and how they refuse what is wrong."""

from __future__ import annotations

import asyncio

import pytest

from tcpip_testing.sim import Simulation

PLUGIN = ("-p", "tcpip_testing.plugin", "-p", "no:cacheprovider")


@pytest.mark.tcpip_sim(latency="1ms..20ms", split=0.5, seeds=3)
async def test_a_marked_test_runs_in_a_simulation_for_each_seed(sim: Simulation) -> None:
    """With the fixtures of this directory, which know nothing of it."""
    await sim.advance(3600)
    assert sim.time == 3600
    assert sim.seed in range(3)
    assert sim.settings.split == 0.5
    assert asyncio.get_running_loop() is sim.loop


@pytest.mark.tcpip_sim
class TestMarkedClass:
    """The marker of a class is that of its tests."""

    async def test_time_begins_at_zero(self, sim: Simulation) -> None:
        assert sim.time == 0

    @pytest.mark.tcpip_sim(seed=7)
    async def test_a_marker_of_its_own_wins(self, sim: Simulation) -> None:
        assert sim.seed == 7


def run(
    pytester: pytest.Pytester, source: str, *arguments: str, mode: str = "strict", scope: str = "function"
) -> pytest.RunResult:
    """Run a test file of its own."""
    pytester.makeini(f"[pytest]\nasyncio_mode={mode}\nasyncio_default_fixture_loop_scope={scope}\n")
    pytester.makepyfile(test_file=f"import asyncio\nimport pytest\nimport pytest_asyncio\n{source}")
    return pytester.runpytest_inprocess(*PLUGIN, *arguments)


GOOD = """
@pytest.mark.tcpip_sim(seeds=2)
async def test_simulated(sim):
    await asyncio.sleep(1e6)
    assert sim.time == 1e6

@pytest.mark.asyncio
async def test_real():
    assert "Sim" not in type(asyncio.get_running_loop()).__name__

def test_plain():
    pass
"""


@pytest.mark.parametrize("mode", ["strict", "auto"])
def test_marked_tests_alone_are_simulated(pytester: pytest.Pytester, mode: str) -> None:
    """Other tests keep their loops, and their names."""
    result = run(pytester, GOOD, "-v", mode=mode)
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["*::test_simulated?seed=0? *", "*::test_simulated?seed=1? *", "*::test_real PASSED*"])


def test_a_failing_seed_is_printed_and_replayed_by_its_name(pytester: pytest.Pytester) -> None:
    """Others pass, so the name is what one needs."""
    source = """
@pytest.mark.tcpip_sim(seeds=5)
async def test_fails(sim):
    await sim.advance(2)
    assert sim.seed != 3
"""
    result = run(pytester, source)
    result.assert_outcomes(passed=4, failed=1)
    result.stdout.fnmatch_lines(["*in a simulation with seed=3, at 2.0 s*", "FAILED *::test_fails?seed=3? *"])
    again = run(pytester, source, "test_file.py::test_fails[seed=3]")
    again.assert_outcomes(failed=1)


def test_a_deadlock_fails_the_test(pytester: pytest.Pytester) -> None:
    """And says who waits where."""
    result = run(
        pytester,
        "@pytest.mark.tcpip_sim\nasync def test_hangs():\n    await asyncio.Event().wait()\n\ndef test_b(): pass",
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*SimDeadlock: nothing can happen any more, at 0.0 s:", "*: test_hangs (*"])


ASYNC = "async def test_it(): pass"
OF_HYPOTHESIS = """
import hypothesis

@pytest.mark.tcpip_sim
@hypothesis.given(hypothesis.strategies.none())
async def test_it(x): pass
"""
OF_UNITTEST = """
import unittest

@pytest.mark.tcpip_sim
class TestIt(unittest.IsolatedAsyncioTestCase):
    async def test_it(self): pass
"""


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (f"@pytest.mark.tcpip_sim(latancy=1)\n{ASYNC}", "*the marker tcpip_sim has no argument 'latancy', did you*"),
        (f"@pytest.mark.tcpip_sim(latency=-1)\n{ASYNC}", "*latency must be seconds, 0 or more*"),
        (f"@pytest.mark.tcpip_sim(seeds=0)\n{ASYNC}", "*seeds must be 1 or more*"),
        (f"@pytest.mark.tcpip_sim(5)\n{ASYNC}", "*takes keywords only: bandwidth, *"),
        ("@pytest.mark.tcpip_sim\ndef test_it(): pass", "*only an asynchronous test can be marked tcpip_sim*"),
        (
            f"@pytest.mark.asyncio(loop_scope='module')\n@pytest.mark.tcpip_sim\n{ASYNC}",
            "*has an event loop of its own: loop_scope must be 'function'*",
        ),
        (OF_HYPOTHESIS, "*call sim_run inside of the test*"),
        (OF_UNITTEST, "*for unittest derive it from tcpip_testing.sim.SimTestCase*"),
    ],
)
def test_a_marker_that_is_wrong_is_refused_at_collection(pytester: pytest.Pytester, source: str, message: str) -> None:
    """A fault that is never switched on would let its test pass."""
    result = run(pytester, source)
    assert result.ret in {pytest.ExitCode.INTERRUPTED, pytest.ExitCode.USAGE_ERROR}
    assert result.parseoutcomes().get("passed") is None
    pytest.LineMatcher(result.outlines + result.errlines).fnmatch_lines([message])


def test_the_fixture_without_the_marker_is_refused(pytester: pytest.Pytester) -> None:
    """Its test would run in real time."""
    result = run(pytester, "@pytest.mark.asyncio\nasync def test_it(sim): pass\n\ndef test_sync(sim): pass")
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(["*is no simulated event loop: use sim_run, the marker tcpip_sim, *"])


def test_a_fixture_of_another_loop_is_refused(pytester: pytest.Pytester) -> None:
    """It would live in another world than its test."""
    source = """
@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def other(): return 5

@pytest.mark.tcpip_sim
async def test_it(other): pass
"""
    result = run(pytester, source)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*its asynchronous fixtures share one event loop: give them loop_scope='function'*"])


@pytest.mark.parametrize("fixture", ["dialogue", "no_leaks", "one_client_server", "read_loop_server", "tcp_pair"])
def test_our_fixtures_need_loops_of_functions(pytester: pytest.Pytester, fixture: str) -> None:
    """They have no argument for it: the setting is named when tests are collected, before anything goes wrong."""
    marked = f"@pytest.mark.tcpip_sim\nasync def test_it({fixture}): pass"
    result = run(pytester, marked, scope="session")
    assert result.ret is pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines([f"*fixture {fixture} would live *: set asyncio_default_fixture_loop_scope = function"])


def test_without_pytest_asyncio_only_its_use_is_refused(pytester: pytest.Pytester) -> None:
    """Who has no asynchronous tests needs no plugin for them."""
    pytester.makepyfile("def test_it(): pass")
    pytester.runpytest_inprocess(*PLUGIN, "-p", "no:asyncio").assert_outcomes(passed=1)
    pytester.makepyfile("def test_it(sim): pass")
    result = pytester.runpytest_inprocess(*PLUGIN, "-p", "no:asyncio")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*the fixture sim needs pytest-asyncio 1.4 or newer: *'tcpip-testing?pytest?'*"])
    pytester.makepyfile(f"import pytest\n@pytest.mark.tcpip_sim\n{ASYNC}")
    result = pytester.runpytest_inprocess(*PLUGIN, "-p", "no:asyncio")
    result.stdout.fnmatch_lines(["*the marker tcpip_sim needs pytest-asyncio 1.4 or newer*"])


def test_the_marker_is_explained(pytester: pytest.Pytester) -> None:
    """In pytest's own list, and strict markers know it."""
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope=function\n")
    pytester.runpytest_inprocess(*PLUGIN, "--markers").stdout.fnmatch_lines(["*@pytest.mark.tcpip_sim(seed=0, *"])
