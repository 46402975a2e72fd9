"""The pytest plugin: each part is a module, which pytest loads with this one."""

__all__ = ["pytest_plugins"]

pytest_plugins: tuple[str, ...] = (
    "tcpip_testing.plugin._fixtures",
    "tcpip_testing.plugin._loops",
    "tcpip_testing.plugin._simulated",
    "tcpip_testing.plugin._suites",
)
