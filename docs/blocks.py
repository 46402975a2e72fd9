"""Run the Python blocks of README.md and of the documentation: ``pytest -p docs.blocks README.md docs``.

Each block is run like a program, and the tests that it defines are run too. The blocks of a page share their
names, from top to bottom. One that cannot run is preceded by ``<!-- skip: next "why" -->``.
"""

import asyncio
import inspect
import unittest
from collections.abc import Iterable
from pathlib import Path
from types import FunctionType

from sybil import Example, Sybil
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.markdown import CodeBlockParser, SkipParser


def run_block(example: Example) -> None:
    """Run a block, then the tests in it."""
    namespace = example.namespace
    before = dict(namespace)
    namespace["__name__"] = "__main__"
    PythonEvaluator()(example)
    run_tests(found for name, found in namespace.items() if before.get(name) is not found)


def run_tests(found: Iterable[object]) -> None:
    """Run the functions ``test_*`` and the test cases among some objects, if they were defined in a block."""
    for thing in found:
        if getattr(thing, "__module__", "") != "__main__":
            continue
        if isinstance(thing, type) and issubclass(thing, unittest.TestCase):
            run_case(thing)
        elif isinstance(thing, FunctionType) and thing.__name__.startswith("test_"):
            result: object = thing()
            if inspect.iscoroutine(result):
                asyncio.run(result)


def run_case(case: type[unittest.TestCase]) -> None:
    """Run a test case; one without tests is a mistake."""
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)
    faults = [text for _, text in [*result.errors, *result.failures]]
    if faults or not result.testsRun:
        raise AssertionError("\n".join(faults) or f"{case.__name__} has no tests")


pytest_collect_file = Sybil(
    parsers=[CodeBlockParser(language="python", evaluator=run_block), SkipParser()],
    pattern="*.md",
    path=str(Path(__file__).resolve().parents[1]),
).pytest()
