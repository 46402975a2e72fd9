"""Virtual time and a virtual network for asyncio code that knows nothing of it."""

from ._link import Link, LinkSettings
from ._loop import SimLoop
from ._network import Host, Network
from ._run import Simulation, sim_run
from ._server import SimServer
from ._stuck import SimDeadlock, SimLivelock
from ._tcp import Tcp
from ._trace import Event
from ._transport import SimTransport

__all__ = [
    "Event",
    "Host",
    "Link",
    "LinkSettings",
    "Network",
    "SimDeadlock",
    "SimLivelock",
    "SimLoop",
    "SimServer",
    "SimTransport",
    "Simulation",
    "Tcp",
    "sim_run",
]
