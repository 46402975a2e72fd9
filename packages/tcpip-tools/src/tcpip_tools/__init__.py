"""The command ``tcpip``; nothing here is meant to be imported but the version."""

from tcpip_tools._lockstep import require_same_version
from tcpip_tools._version import __version__

require_same_version(__version__)

__all__ = ["__version__"]
