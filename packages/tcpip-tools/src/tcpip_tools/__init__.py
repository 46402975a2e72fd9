"""The command ``tcpip``; nothing here is meant to be imported but the version."""

from ._lockstep import require_same_version
from ._version import __version__

require_same_version(__version__)

__all__ = ["__version__"]
