"""The pytest plugin: what it adds is found here by name; each part has a module."""

from ._fixtures import connect_events, no_leaks
from ._loops import pytest_runtest_call, pytest_sessionstart

__all__ = [
    "connect_events",
    "no_leaks",
    "pytest_runtest_call",
    "pytest_sessionstart",
]
