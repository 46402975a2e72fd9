"""Virtual time and a virtual network for asyncio code that knows nothing of it."""

from ._case import SimTestCase
from ._host import Host
from ._line import Line
from ._link import Link
from ._options import LinkOptions, SimOptions, sim_loop_factory
from ._run import sim_run
from ._server import Listener
from ._settings import LinkSettings
from ._simulation import Simulation
from ._stuck import SimDeadlock, SimLivelock
from ._targets import Connected
from ._tcp import Tcp
from ._trace import Event
from ._watch import Watch

__all__ = [
    "Connected",
    "Event",
    "Host",
    "Line",
    "Link",
    "LinkOptions",
    "LinkSettings",
    "Listener",
    "SimDeadlock",
    "SimLivelock",
    "SimOptions",
    "SimTestCase",
    "Simulation",
    "Tcp",
    "Watch",
    "sim_loop_factory",
    "sim_run",
]
