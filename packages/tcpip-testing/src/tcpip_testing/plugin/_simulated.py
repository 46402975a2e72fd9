"""The marker ``tcpip_sim``: a test runs in a simulation, once for each seed.

pytest-asyncio asks a hook for the event loops of each test. An implementation that stayed registered would change all
other tests too, so ours is there only while a marked test is looked at.
"""

import asyncio
import inspect
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

import pytest

if TYPE_CHECKING:  # Tests that are not simulated need not wait for its import.
    from ..sim import SimOptions

__all__ = [
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_generate_tests",
    "pytest_pycollect_makeitem",
]

MARKER = "tcpip_sim"
HOOK = "pytest_asyncio_loop_factories"

_WIDER = {"class", "module", "package", "session"}
_ASYNCHRONOUS = {"dialogue", "no_leaks", "one_client_server", "read_loop_server", "tcp_pair"}
"""What this plugin has that looks at the event loop."""

LoopFactory = Callable[[], asyncio.AbstractEventLoop]


def pytest_configure(config: pytest.Config) -> None:
    """Explain the marker, and define the fixture ``sim``."""
    config.addinivalue_line(
        "markers",
        f"{MARKER}(seed=0, seeds=1, latency='1ms..20ms', split=0.5, ...): run an asynchronous test in virtual time on "
        "a virtual network, once for each seed; it takes what tcpip_testing.sim.sim_run takes",
    )
    if config.pluginmanager.hasplugin("asyncio"):
        from . import _sim_fixture as fixture
    else:
        from . import _no_sim_fixture as fixture  # type: ignore[no-redef]
    config.pluginmanager.register(fixture, "tcpip_testing.sim fixture")


class OneLoop:
    """Makes the loop of one test with one seed.

    Parameters
    ----------
    seed : int
        The seed.
    options : SimOptions
        What the simulation is like.
    """

    def __init__(self, seed: int, options: "SimOptions") -> None:
        self._seed = seed
        self._options = options
        self._loop: asyncio.AbstractEventLoop | None = None

    def __call__(self) -> asyncio.AbstractEventLoop:
        """Make the loop; there is only one at a time, or the test and its fixtures would live in different worlds."""
        if self._loop is not None and not self._loop.is_closed():
            raise pytest.UsageError(
                f"a test marked {MARKER} and its asynchronous fixtures share one event loop: give them "
                "loop_scope='function', or all asynchronous fixtures asyncio_default_fixture_loop_scope = function"
            )
        from ..sim._options import make_loop

        self._loop = make_loop(self._seed, self._options)
        return self._loop


class Factories:
    """Answers pytest-asyncio, while it is registered."""

    def __init__(self) -> None:
        self.found: dict[str, OneLoop] = {}

    @pytest.hookimpl(tryfirst=True, optionalhook=True)
    def pytest_asyncio_loop_factories(self, config: pytest.Config, item: pytest.Item) -> Mapping[str, LoopFactory]:
        """Name the simulations of the test that is looked at."""
        return dict(self.found)


FACTORIES = Factories()


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_pycollect_makeitem() -> Generator[None, object, object]:
    """Let pytest-asyncio, which comes next, take marked tests for its own, in strict mode too."""
    made = yield
    for node in _nodes(made):
        if isinstance(node, pytest.Function) and node.get_closest_marker(MARKER) is not None:
            node.add_marker(pytest.mark.asyncio(loop_scope="function"), append=False)
    return made


def _nodes(made: object) -> list[object]:
    return cast("list[object]", made) if isinstance(made, list) else [made]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> Generator[None, None, None]:
    """Give pytest-asyncio the simulations of a marked test."""
    marker = metafunc.definition.get_closest_marker(MARKER)
    if marker is None:
        return (yield)
    if fault := next(_faults(metafunc.definition), ""):
        pytest.fail(f"{metafunc.definition.nodeid}: {fault}", pytrace=False)
    wrong = ""
    try:
        FACTORIES.found = _factories(marker)
    except (TypeError, ValueError) as e:
        wrong = str(e)
    if wrong:
        pytest.fail(f"{metafunc.definition.nodeid}: {wrong}", pytrace=False)
    metafunc.definition.add_marker(pytest.mark.asyncio(loop_scope="function"), append=False)
    metafunc.config.pluginmanager.register(FACTORIES)
    try:
        return (yield)
    finally:
        metafunc.config.pluginmanager.unregister(FACTORIES)


def _faults(item: pytest.Function) -> Iterator[str]:
    """Say why a test cannot run in a simulation."""
    if not hasattr(item.config.hook, HOOK):
        yield (
            f"the marker {MARKER} needs pytest-asyncio 1.4 or newer, which is not installed or not loaded: "
            "python -m pip install 'tcpip-testing[pytest]'"
        )
    if getattr(item.obj, "is_hypothesis_test", False):
        yield f"a simulation is one run, and Hypothesis makes many: call sim_run inside of the test instead of {MARKER}"
    if not inspect.iscoroutinefunction(item.obj):
        yield f"only an asynchronous test can be marked {MARKER}"
    other = item.get_closest_marker("asyncio")
    if other is not None and other.kwargs.get("loop_scope", "function") != "function":
        yield f"a test marked {MARKER} has an event loop of its own: loop_scope must be 'function'"
    of_fixtures: object = item.config.getini("asyncio_default_fixture_loop_scope")
    if of_fixtures in _WIDER and (used := _ASYNCHRONOUS.intersection(item.fixturenames)):
        yield (
            f"a test marked {MARKER} has an event loop of its own, and its fixture {min(used)} would live in that of "
            f"the {of_fixtures}: set asyncio_default_fixture_loop_scope = function"
        )


def _factories(marker: pytest.Mark) -> dict[str, OneLoop]:
    """Read the marker's arguments, and make what makes the loops, by the ids of the tests."""
    from ..sim._options import SimOptions, check_names, make_loop

    allowed = {"seed": None, "seeds": None, **SimOptions.__annotations__}
    if marker.args:
        raise TypeError(f"the marker {MARKER} takes keywords only: {', '.join(sorted(allowed))}")
    check_names(marker.kwargs, allowed, f"the marker {MARKER}")
    options: Any = {name: value for name, value in marker.kwargs.items() if name not in {"seed", "seeds"}}
    seed, seeds = marker.kwargs.get("seed", 0), marker.kwargs.get("seeds", 1)
    make_loop(seed, options).close()
    if not isinstance(seeds, int) or seeds < 1:
        raise ValueError(f"seeds must be 1 or more, not {seeds!r}")
    if seeds == 1:
        return {f"seed={seed}" if seed else "sim": OneLoop(seed, options)}
    return {f"seed={number}": OneLoop(number, options) for number in range(seed, seed + seeds)}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a marked test that would not run in a simulation after all, such as a method of a `unittest.TestCase`."""
    for item in items:
        if item.get_closest_marker(MARKER) is not None:
            parameters: Mapping[str, object] = getattr(getattr(item, "callspec", None), "params", {})
            if not any(isinstance(one, OneLoop) for one in parameters.values()):
                raise pytest.UsageError(
                    f"{item.nodeid}: the marker {MARKER} has no effect on this kind of test; for unittest derive it "
                    "from tcpip_testing.sim.SimTestCase"
                )
