"""Compare JSON values. Pure."""

from collections.abc import Iterator
from typing import Any, TypeGuard

__all__ = ["json_differences"]


def json_differences(expected: Any, got: Any, path: str = "$") -> Iterator[str]:
    """Give a line for each place where two JSON values differ; true is not 1 there, but 1 is 1.0."""
    if _is_object(expected) and _is_object(got):
        yield from _of_objects(expected, got, path)
    elif _is_list(expected) and _is_list(got):
        yield from _of_lists(expected, got, path)
    elif isinstance(expected, bool) is not isinstance(got, bool) or expected != got:
        yield f"{path}: expected {expected!r}, got {got!r}"


def _is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list | tuple)


def _of_objects(expected: dict[str, Any], got: dict[str, Any], path: str) -> Iterator[str]:
    for name in [*expected, *(one for one in got if one not in expected)]:
        if name not in got:
            yield f"{path}.{name}: missing, expected {expected[name]!r}"
        elif name not in expected:
            yield f"{path}.{name}: not expected, got {got[name]!r}"
        else:
            yield from json_differences(expected[name], got[name], f"{path}.{name}")


def _of_lists(expected: list[Any], got: list[Any], path: str) -> Iterator[str]:
    if len(expected) != len(got):
        yield f"{path}: expected {len(expected)} values, got {len(got)}"
    for at, (one, other) in enumerate(zip(expected, got, strict=False)):
        yield from json_differences(one, other, f"{path}[{at}]")
