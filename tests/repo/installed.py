"""Import distributions and demand that they come from where installers put them: ``installed.py NAME...``."""

import importlib
import sys
import sysconfig
from importlib.metadata import version
from pathlib import Path

site = Path(sysconfig.get_path("purelib")).resolve()
for distribution in sys.argv[1:]:
    module = importlib.import_module(distribution.replace("-", "_"))
    where = Path(str(module.__file__)).resolve()
    if site not in where.parents:
        sys.exit(f"{distribution} was imported from {where}, not from {site}")
    if module.__version__ != version(distribution):
        sys.exit(f"{distribution} says {module.__version__}, its metadata {version(distribution)}")
    print(f"{distribution} {module.__version__} imported")
