"""The simulation under `unittest`."""

import asyncio
import sys
import unittest
from typing import ClassVar

from ._options import SimOptions, make_loop

__all__ = ["SimTestCase"]


class SimTestCase(unittest.IsolatedAsyncioTestCase):
    """A test case each of whose tests runs in a simulation of its own, with ``asyncSetUp`` and ``asyncTearDown``.

    `Simulation.current` gives access to it. Set `sim_seed` and `sim_options` in a subclass.

    Parameters
    ----------
    methodName : str
        The test to run.

    Attributes
    ----------
    sim_seed : int
        What all that is random follows from.
    sim_options : SimOptions
        What the simulation is like: a dict of what `sim_run` takes.
    """

    sim_seed: ClassVar[int] = 0
    sim_options: ClassVar[SimOptions] = {}

    def loop_factory(self) -> asyncio.AbstractEventLoop:
        """Make the event loop of a test.

        Returns
        -------
        asyncio.AbstractEventLoop
            One that is simulated.
        """
        return make_loop(self.sim_seed, self.sim_options)

    def run(self, result: unittest.TestResult | None = None) -> unittest.TestResult | None:
        """Run the test.

        Parameters
        ----------
        result : unittest.TestResult or None
            Where its outcome is noted; None makes one.

        Returns
        -------
        unittest.TestResult or None
            The same, or the one that was made.
        """
        if sys.version_info >= (3, 13):  # From there on `loop_factory` is asked.
            return super().run(result)
        usual = asyncio.get_event_loop_policy()
        asyncio.set_event_loop_policy(_OneLoop(self, usual))
        try:
            return super().run(result)
        finally:
            asyncio.set_event_loop_policy(usual)


if sys.version_info < (3, 13):

    class _OneLoop(asyncio.DefaultEventLoopPolicy):
        """Gives the loop of a test case to whoever asks for one first, which is the test case."""

        def __init__(self, case: SimTestCase, usual: asyncio.AbstractEventLoopPolicy) -> None:
            super().__init__()
            self._case: SimTestCase | None = case
            self._usual = usual

        def new_event_loop(self) -> asyncio.AbstractEventLoop:
            case, self._case = self._case, None
            return self._usual.new_event_loop() if case is None else case.loop_factory()
