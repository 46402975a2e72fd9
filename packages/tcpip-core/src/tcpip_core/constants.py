"""The values that both ends agree on: addresses, framing, heartbeats, keepalive."""

from typing import Final

__all__ = [
    "DEFAULT_ENCODING",
    "DEFAULT_LOCALHOST",
    "DEFAULT_MAX_HEARTBEAT_INTERVAL",
    "DEFAULT_MONITOR_CONNECTION_INTERVAL",
    "DEFAULT_TERMINATOR",
    "HEARTBEAT",
    "KEEPALIVE_INTERVAL",
    "KEEPALIVE_PROBES",
    "KEEPALIVE_TIME",
    "KEEPALIVE_USER_TIMEOUT",
    "LOCALHOST_IPV4",
    "LOCALHOST_IPV6",
    "LOCAL_HOST",
    "TERMINATOR",
]

LOCALHOST_IPV4: Final = "127.0.0.1"
"""The loopback address of IPv4."""

LOCALHOST_IPV6: Final = "::1"
"""The loopback address of IPv6."""

DEFAULT_LOCALHOST: Final = LOCALHOST_IPV4
"""Where a read-loop server listens unless told otherwise: this host only."""

DEFAULT_ENCODING: Final = "utf-8"
"""How text becomes bytes unless told otherwise."""

DEFAULT_TERMINATOR: Final = b"\r\n"
"""What ends a line of text unless told otherwise."""

DEFAULT_MONITOR_CONNECTION_INTERVAL: Final = 0.1
"""Above zero: notice a lost link while nobody reads. Loss is an event, so the size does not matter (seconds)."""

HEARTBEAT: Final = b"heartbeat"
"""The message that says "still here", without its terminator."""

DEFAULT_MAX_HEARTBEAT_INTERVAL: Final = 10.0
"""How long a server waits for a heartbeat before it closes the client (seconds)."""

# With these four a silent link ends within 15 s, idle or writing. The first probe goes out after 9 s; the user time-out
# overrules the count of probes (tcp(7), RFC 5482). The kernel looks at it only when a timer of its own fires, and takes
# up to 4 s longer where a router answers "unreachable": with 15 s the same links were noticed after up to 18.6 s.

KEEPALIVE_TIME: Final = 9
"""Silence before the kernel sends the first keepalive probe, TCP_KEEPIDLE (seconds)."""

KEEPALIVE_INTERVAL: Final = 2
"""Time between keepalive probes, TCP_KEEPINTVL (seconds)."""

KEEPALIVE_PROBES: Final = 3
"""Unanswered probes that end a connection, TCP_KEEPCNT."""

KEEPALIVE_USER_TIMEOUT: Final = 11.0
"""How long sent data may stay unacknowledged, TCP_USER_TIMEOUT (seconds)."""

LOCAL_HOST: Final = LOCALHOST_IPV4
"""Deprecated: write `DEFAULT_LOCALHOST` or `LOCALHOST_IPV4`."""

TERMINATOR: Final = DEFAULT_TERMINATOR
"""Deprecated: write `DEFAULT_TERMINATOR`."""
