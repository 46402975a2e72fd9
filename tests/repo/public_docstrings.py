"""Validate the docstrings of everything public in the three packages with numpydoc; run by ``nox -s lint``."""

import enum
import importlib
import inspect
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

numpydoc: Any = importlib.import_module("numpydoc.validate")  # it has no types
ROOT = Path(__file__).resolve().parents[2]
MODULES = (
    "tcpip_core",
    "tcpip_core.constants",
    "tcpip_core.streams",
    "tcpip_core.transcript",
    "tcpip_core.utils",
    "tcpip_testing",
    "tcpip_testing.conformance",
    "tcpip_testing.dialogue",
    "tcpip_testing.framing",
    "tcpip_testing.pairs",
    "tcpip_testing.sim",
    "tcpip_testing.strategies",
    "tcpip_tools",
)


def main() -> None:
    """Print each fault; the exit status tells."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["numpydoc_validation"]
    left_out = set(settings["checks"]) - {"all"}
    names = sorted({name for module in MODULES for name in public_names(importlib.import_module(module))})
    faults = [f"{name}: {fault}" for name in names for fault in faults_of(name, set(numpydoc.ERROR_MSGS) - left_out)]
    print(*faults, f"{len(names)} public names, {len(faults)} faults in their docstrings", sep="\n")
    sys.exit(bool(faults))


def public_names(module: ModuleType) -> Iterator[str]:
    """Name the functions and classes that a module exports, with the methods and properties that people can call."""
    for name in module.__all__:
        thing = getattr(module, name)
        if inspect.isroutine(thing) or (inspect.isclass(thing) and is_made_by_users(thing)):
            yield f"{module.__name__}.{name}"
        if inspect.isclass(thing):
            yield from (f"{module.__name__}.{name}.{member}" for member in own_members(thing))


def is_made_by_users(cls: type) -> bool:
    """Tell whether people call a class: an enumeration has its members, and a protocol is one's own class."""
    return not vars(cls).get("_is_protocol", False) and not issubclass(cls, enum.Enum)


def own_members(cls: type) -> Iterator[str]:
    """Name the public methods and properties that a class has from us, its own and those of our private classes."""
    for name, member in inspect.getmembers(cls):
        defined = next((base.__module__ for base in cls.__mro__ if name in vars(base)), "")
        documented = inspect.isroutine(member) or isinstance(member, property)
        if documented and not name.startswith("_") and defined.startswith("tcpip_"):
            yield name


def faults_of(name: str, checks: set[str]) -> Iterator[str]:
    """Say what numpydoc finds in a docstring."""
    for code, text in numpydoc.validate(name)["errors"]:
        if code in checks:
            yield f"{code} {text}"


if __name__ == "__main__":
    main()
