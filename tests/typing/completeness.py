"""Demand that the types of everything public are known: ``completeness.py PYTHON PACKAGE...``; run by ``nox -s types``.

PYTHON belongs to an environment that has the packages installed from wheels. It must not be below a dot-directory:
there pyright checks nothing, and finds no fault.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

BUILT_ON_OTHERS = {"tcpip_testing"}
"""What has classes of Hypothesis in its interface, which does not know all of its own types."""


def verify(python: Path, package: str) -> bool:
    """Run ``pyright --verifytypes`` and print what it says; it knows an environment by the PATH alone."""
    place = python.parents[2]
    (place / "pyrightconfig.json").write_text("{}", encoding="utf-8")  # or pyright takes one from a directory above
    env = os.environ | {"PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}"}
    options = ["--ignoreexternal"] * (package in BUILT_ON_OTHERS)
    command = [sys.executable, "-m", "pyright", *options, "--verifytypes", package]
    said = subprocess.run(command, cwd=place, env=env, stdout=subprocess.PIPE, text=True, check=False).stdout
    print(said)
    exported = re.search(rf'Symbols exported by "{package}": (\d+)', said)
    complete = exported is not None and int(exported[1]) > 0 and "Type completeness score: 100%" in said
    return complete and f'Package directory: "{place}{os.sep}' in said


def main() -> None:
    """Verify each package; the exit status tells."""
    python = Path(sys.argv[1])
    faults = [package for package in sys.argv[2:] if not verify(python, package)]
    if faults:
        sys.exit(f"not completely typed: {', '.join(faults)}")


if __name__ == "__main__":
    main()
