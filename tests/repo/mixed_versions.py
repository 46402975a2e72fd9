"""Demand that the satellites explain a tcpip-core of another version: ``mixed_versions.py VERSION_OF_CORE``."""

import importlib
import sys
from importlib.metadata import version

core = sys.argv[1]
for distribution in ("tcpip-testing", "tcpip-tools"):
    try:
        importlib.import_module(distribution.replace("-", "_"))
    except ImportError as error:
        said = str(error)
    else:
        sys.exit(f"{distribution} was imported beside tcpip-core {core}")
    own = version(distribution)
    for part in (
        f"{distribution} {own}",
        f"tcpip-core {core}",
        f"pip install tcpip-core=={core}",
        f"{distribution}=={core}",
    ):
        if part not in said:
            sys.exit(f"{distribution} does not say {part!r} but {said!r}")
    print(said)
