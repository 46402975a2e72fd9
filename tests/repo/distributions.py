"""Check what is in built sdists and wheels, and what they say of themselves: ``distributions.py DIRECTORY``.

Exactly the files of the source tree are in them, so that a forgotten file and a stray one are both noticed.
"""

from __future__ import annotations

import sys
import tarfile
import tomllib
import zipfile
from email.message import Message
from email.parser import BytesParser
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
METADATA = {"Metadata-Version": "2.4", "License-Expression": "MIT", "License-File": "LICENSE"}


def sources(package: Path) -> set[str]:
    """List the files below ``src`` that belong into a distribution: modules, and the marker of types."""
    found = (path for path in (package / "src").rglob("*") if path.suffix == ".py" or path.name == "py.typed")
    return {path.relative_to(package).as_posix() for path in found}


def wheel_faults(path: Path, package: Path) -> list[str]:
    """Compare a wheel with its package."""
    with zipfile.ZipFile(path) as wheel:
        contents = {name: wheel.read(name) for name in wheel.namelist()}
    info = "-".join(path.name.split("-")[:2]) + ".dist-info"
    has_entries = {"scripts", "entry-points"} & project(package).keys()
    entries = {f"{info}/entry_points.txt"} if has_entries else set[str]()
    wanted = {name.removeprefix("src/") for name in sources(package)} | entries
    wanted |= {f"{info}/{name}" for name in ("METADATA", "WHEEL", "RECORD", "licenses/LICENSE")}
    return compare(contents, wanted, f"{info}/METADATA", f"{info}/licenses/LICENSE", package)


def sdist_faults(path: Path, package: Path) -> list[str]:
    """Compare an sdist with its package."""
    top = path.name.removesuffix(".tar.gz") + "/"
    with tarfile.open(path) as sdist:
        members = [member for member in sdist.getmembers() if member.isfile()]
        files = {member.name.removeprefix(top): sdist.extractfile(member) for member in members}
        contents = {name: file.read() for name, file in files.items() if file}
    contents.pop(".gitignore", None)  # hatchling always adds the repository's, where there is one
    wanted = sources(package) | {"LICENSE", "PKG-INFO", "README.md", "pyproject.toml"}
    return compare(contents, wanted, "PKG-INFO", "LICENSE", package)


def compare(contents: dict[str, bytes], wanted: set[str], metadata: str, licence: str, package: Path) -> list[str]:
    """List what is missing, what is stray, and what is said wrongly."""
    faults = [f"{name} is missing" for name in sorted(wanted - contents.keys())]
    faults += [f"{name} does not belong there" for name in sorted(contents.keys() - wanted)]
    if not any(name.endswith("/py.typed") for name in contents):
        faults.append("py.typed is missing")
    if contents.get(licence) != (ROOT / "LICENSE").read_bytes():
        faults.append("its LICENSE is not ours")
    said = BytesParser().parsebytes(contents.get(metadata, b""))
    return faults + metadata_faults(said, package)


def metadata_faults(said: Message, package: Path) -> list[str]:
    """Compare metadata with the package's pyproject.toml."""
    wanted = METADATA | {"Name": project(package)["name"], "Version": project(package)["version"]}
    faults = [f"{key} is {said[key]!r} instead of {value!r}" for key, value in wanted.items() if said[key] != value]
    extras: set[str] = set(project(package)["optional-dependencies"])
    if extras != set(said.get_all("Provides-Extra", [])):
        faults.append(f"its extras are {said.get_all('Provides-Extra')} instead of {sorted(extras)}")
    return faults


def project(package: Path) -> dict[str, Any]:
    """Read the table [project] of a package."""
    table: dict[str, Any] = tomllib.loads((package / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return table


def main(directory: Path) -> None:
    """Check all distributions in a directory; there must be an sdist and a wheel of each package."""
    faults: list[str] = []
    for package in sorted((ROOT / "packages").iterdir()):
        name = package.name.replace("-", "_")
        for pattern, check in ((f"{name}-*.whl", wheel_faults), (f"{name}-*.tar.gz", sdist_faults)):
            found = list(directory.glob(pattern))
            if len(found) != 1:
                faults.append(f"{directory} has {len(found)} files {pattern} instead of one")
            for path in found:
                faults += [f"{path.name}: {fault}" for fault in check(path, package)]
                print(f"{path.name}: checked")
    if faults:
        sys.exit("\n".join(faults))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
