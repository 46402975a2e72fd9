"""Each suite catches what is broken: a behaviour that nothing can fail demands nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.testing.conformance._broken import OTHERS, STREAMS, stream_suite
from tests.testing.conformance._subjects import AsyncioStreams, Clients, ReadLoopServers, Servers

BROKEN: dict[type[Any], tuple[str, ...]] = {
    **{stream_suite(broken): names for broken, names in STREAMS.items()},
    **OTHERS,
}
CASES = [(suite, name) for suite, names in BROKEN.items() for name in names]


def failure(suite: type[Any], name: str) -> str:
    """Run one test of a suite, which must fail, and return what it says."""
    with pytest.raises(AssertionError) as caught:
        getattr(suite(), name)()
    return str(caught.value)


@pytest.mark.parametrize(("suite", "name"), CASES, ids=[f"{suite.__name__}-{name}" for suite, name in CASES])
def test_a_broken_subject_is_caught(suite: type[Any], name: str) -> None:
    """By the test that demands what it does not do; the message names both."""
    assert failure(suite, name).startswith(f"{suite.__name__} breaks a behaviour that ")


def test_each_behaviour_has_a_subject_that_breaks_it() -> None:
    """A new behaviour needs one too."""
    demanded = {
        name
        for suite in (AsyncioStreams, Clients, Servers, ReadLoopServers)
        for name in dir(suite)
        if name.startswith("test_")
    }
    assert demanded == {name for _, name in CASES}
