"""A suite that lacks what its user has to write is an error: pytest leaves out abstract classes without a word."""

import inspect
import sys
import unittest

import pytest

__all__ = ["pytest_pycollect_makeitem"]

_PACKAGE = __name__.partition(".")[0]


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(collector: pytest.Module | pytest.Class, name: str, obj: object) -> None:
    """Refuse a suite that would be collected, were it not abstract."""
    suites = sys.modules.get(f"{_PACKAGE}.conformance._suite")
    if suites is None or not inspect.isclass(obj) or not issubclass(obj, suites.Suite):
        return
    is_meant = collector.classnamefilter(name) or issubclass(obj, unittest.TestCase)
    if is_meant and inspect.isabstract(obj) and obj.__module__.partition(".")[0] != _PACKAGE:
        missing: frozenset[str] = getattr(obj, "__abstractmethods__", frozenset())
        lacks = ", ".join(sorted(missing))
        raise pytest.Collector.CollectError(
            f"{collector.nodeid}::{name} inherits a suite of tests and lacks {lacks}, so none of them would run; the "
            "name of a class for others to inherit is better not that of a test"
        )
