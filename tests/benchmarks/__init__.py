"""Benchmarks: ``python -m tests.benchmarks``, with tests of the program itself beside it."""
