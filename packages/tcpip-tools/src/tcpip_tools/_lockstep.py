"""Refuse to work beside another version of tcpip-core: the distributions are released and tested together.

Installers leave an old satellite in place when only tcpip-core is upgraded, so the import has to notice.
"""

import tcpip_core


def require_same_version(own: str) -> None:
    """Check that tcpip-core has our version.

    Parameters
    ----------
    own : str
        The version of this distribution.

    Raises
    ------
    ImportError
        If tcpip-core has another version; the text has the command that repairs it.
    """
    core = tcpip_core.__version__
    if core != own:
        raise ImportError(
            f"tcpip-tools {own} needs tcpip-core {own}, but tcpip-core {core} is installed. Repair it with: "
            f"python -m pip install tcpip-core=={core} tcpip-testing=={core} tcpip-tools=={core}"
        )
