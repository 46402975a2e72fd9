"""The kernel's figures: what no kernel takes is refused where it was written."""

from __future__ import annotations

import re
import socket
from typing import Any

import pytest

from tcpip_core import Keepalive
from tests.support import IPV4

RANGES: dict[str, tuple[float, float]] = {
    "time": (1, 32_767),
    "interval": (1, 32_767),
    "probes": (1, 127),
    "user_timeout": (0.001, 2_147_483),
}


@pytest.mark.parametrize("name", RANGES)
@pytest.mark.parametrize("end", [0, 1], ids=["least", "most"])
def test_kernel_takes_both_ends_of_each_range(name: str, end: int) -> None:
    """None of the figures is one that the kernel refuses, or understands as 'off'."""
    figure: Any = RANGES[name][end]
    with socket.create_server((IPV4, 0)) as listener, socket.create_connection(listener.getsockname()) as sock:
        Keepalive(**{name: figure}).apply(sock)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) > 0


BAD: list[tuple[str, Any]] = [
    ("time", 0),
    ("time", 32_768),
    ("time", 86_400),
    ("time", 1.5),
    ("interval", -1),
    ("interval", 32_768),
    ("interval", "2"),
    ("probes", 0),
    ("probes", 128),
    ("probes", None),
    ("user_timeout", 0),
    ("user_timeout", 0.0001),
    ("user_timeout", 2_147_484),
    ("user_timeout", 1e9),
    ("user_timeout", float("nan")),
    ("user_timeout", float("inf")),
    ("user_timeout", "11"),
]


@pytest.mark.parametrize(("name", "figure"), BAD)
def test_figure_out_of_its_range_is_refused(name: str, figure: Any) -> None:
    """The kernel would say no, or overflow, when nobody looks: the sentence names the figure and its range."""
    least, most = RANGES[name]
    said = rf"Keepalive\.{name} must be .* from {least} to {most}.* not {re.escape(repr(figure))}"
    with pytest.raises(ValueError, match=said):
        Keepalive(**{name: figure})
