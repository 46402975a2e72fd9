"""The pytest plugin: pytest looks here for hooks and fixtures; each part has a module."""

from ._simulated import (  # noqa: F401  pytest finds them by their names.
    pytest_collection_modifyitems,
    pytest_configure,
    pytest_generate_tests,
    pytest_pycollect_makeitem,
)

__all__: list[str] = []  # For pytest, not for programs: and pytest's own types are not complete.
