"""Names, arguments, kinds and defaults: programs move over by changing an import, so these are law."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import pytest

import tcpip_core
import tcpip_testing

EMPTY = inspect.Parameter.empty
OURS = {"limits", "keepalive", "heartbeat", "tuning", "observer"}
OURS_OF_SERVERS = OURS | {"on_second_client", "allowed_peers"}
"""Keyword-only arguments that the contract does not have; allowed after those that it has."""

BOTH_WAYS = inspect.Parameter.POSITIONAL_OR_KEYWORD
KEYWORD_ONLY = inspect.Parameter.KEYWORD_ONLY
EVERY_KIND_OF_ITEM = {
    "read": {"n": EMPTY},
    "readexactly": {"n": EMPTY},
    "readline": {},
    "readuntil": {"separator": b"\n"},
    "read_str": {},
    "read_json": {},
    "read_into": {"struct": EMPTY},
    "write": {"data": EMPTY},
    "writelines": {"lines": EMPTY},
    "write_str": {"line": EMPTY},
    "write_json": {"data": EMPTY},
    "close": {},
    "call_connect_callback": {},
}
READ_LOOP_SERVER_ARGUMENTS = {
    "port": EMPTY,
    "host": "127.0.0.1",
    "log": EMPTY,
    "connect_callback": None,
    "name": "",
    "encoding": "utf-8",
    "terminator": b"\r\n",
}
CONSTRUCTORS: list[Any] = [
    pytest.param(
        tcpip_core.BaseClientOrServer,
        KEYWORD_ONLY,
        {
            "log": EMPTY,
            "connect_callback": None,
            "monitor_connection_interval": 0.1,
            "name": "",
            "do_start": True,
            "encoding": "utf-8",
            "terminator": b"\r\n",
        },
        id="BaseClientOrServer",
    ),
    pytest.param(
        tcpip_core.Client,
        BOTH_WAYS,
        {
            "host": EMPTY,
            "port": EMPTY,
            "log": EMPTY,
            "connect_callback": None,
            "monitor_connection_interval": 0.1,
            "name": "",
            "encoding": "utf-8",
            "terminator": b"\r\n",
            "run_heartbeat_send_task": False,
            "heartbeat_send_sleep": 1.0,
        },
        id="Client",
    ),
    pytest.param(
        tcpip_core.OneClientServer,
        BOTH_WAYS,
        {
            "host": EMPTY,
            "port": EMPTY,
            "log": EMPTY,
            "connect_callback": None,
            "monitor_connection_interval": 0.1,
            "name": "",
            "encoding": "utf-8",
            "terminator": b"\r\n",
        },
        id="OneClientServer",
    ),
    pytest.param(
        tcpip_core.OneClientReadLoopServer,
        KEYWORD_ONLY,
        {
            **READ_LOOP_SERVER_ARGUMENTS,
            "run_heartbeat_monitor_task": False,
            "max_heartbeat_interval": 10.0,
        },
        id="OneClientReadLoopServer",
    ),
]


def arguments_of(function: Any) -> list[inspect.Parameter]:
    """List the parameters, ``self`` left out."""
    return [one for one in inspect.signature(function).parameters.values() if one.name != "self"]


def named(function: Any) -> list[inspect.Parameter]:
    """List the parameters of the contract: neither ``**kwargs`` nor our additions."""
    ours = OURS_OF_SERVERS
    return [one for one in arguments_of(function) if one.kind is not one.VAR_KEYWORD and one.name not in ours]


@pytest.mark.parametrize(("cls", "kind", "expected"), CONSTRUCTORS)
def test_constructor_has_the_arguments_in_order(cls: Any, kind: Any, expected: dict[str, Any]) -> None:
    """Names and order decide whether a call out there still means the same."""
    assert [one.name for one in named(cls)] == list(expected)


@pytest.mark.parametrize(("cls", "kind", "expected"), CONSTRUCTORS)
def test_constructor_has_the_defaults(cls: Any, kind: Any, expected: dict[str, Any]) -> None:
    """A program that leaves an argument out gets what it got before."""
    assert {one.name: one.default for one in named(cls)} == expected


@pytest.mark.parametrize(("cls", "kind", "expected"), CONSTRUCTORS)
def test_constructor_takes_its_arguments_by_position_or_by_name_as_before(
    cls: Any, kind: Any, expected: dict[str, Any]
) -> None:
    """`Client` and `OneClientServer` are called by position; the others never were."""
    assert {one.name: one.kind for one in named(cls)} == dict.fromkeys(expected, kind)


@pytest.mark.parametrize(("cls", "kind", "expected"), CONSTRUCTORS)
def test_constructor_forwards_further_keywords(cls: Any, kind: Any, expected: dict[str, Any]) -> None:
    """Keywords for asyncio are open-ended, so each constructor ends with ``**kwargs``."""
    last = arguments_of(cls)[-1]
    assert (last.name, last.kind) == ("kwargs", inspect.Parameter.VAR_KEYWORD)


@pytest.mark.parametrize(("cls", "kind", "expected"), CONSTRUCTORS)
def test_additions_are_keyword_only_and_optional(cls: Any, kind: Any, expected: dict[str, Any]) -> None:
    """What we add can never be met by a call that was written before."""
    additions = [one for one in arguments_of(cls) if one.name in OURS_OF_SERVERS]
    expected_names = OURS_OF_SERVERS if issubclass(cls, tcpip_core.OneClientServer) else OURS
    assert {one.name for one in additions} == expected_names
    assert all(one.kind is KEYWORD_ONLY and one.default is not EMPTY for one in additions)


def test_testing_server_has_at_least_the_arguments_of_the_seed() -> None:
    """The server that tests of others construct takes what it took."""
    found = {one.name: (one.kind, one.default) for one in named(tcpip_testing.TestOneClientReadLoopServer)}
    expected = {name: (KEYWORD_ONLY, default) for name, default in READ_LOOP_SERVER_ARGUMENTS.items()}
    assert {name: found.get(name) for name in expected} == expected


@pytest.mark.parametrize("method", EVERY_KIND_OF_ITEM)
@pytest.mark.parametrize("cls", [tcpip_core.Client, tcpip_core.OneClientServer, tcpip_core.OneClientReadLoopServer])
def test_method_is_a_coroutine_with_the_arguments(cls: type[Any], method: str) -> None:
    """Each method is awaited, and called with names, in programs out there."""
    function = getattr(cls, method)
    assert inspect.iscoroutinefunction(function)
    assert {one.name: one.default for one in arguments_of(function)} == EVERY_KIND_OF_ITEM[method]


@pytest.mark.parametrize(
    ("cls", "method"),
    [
        (tcpip_core.Client, "basic_close"),
        (tcpip_core.OneClientServer, "basic_close_client"),
        (tcpip_core.OneClientServer, "close_client"),
        (tcpip_core.OneClientReadLoopServer, "read_and_dispatch"),
        (tcpip_core.OneClientReadLoopServer, "read_loop"),
        (tcpip_core.OneClientReadLoopServer, "handle_received_heartbeat"),
        (tcpip_core.OneClientReadLoopServer, "monitor_received_heartbeats"),
        (tcpip_testing.TestOneClientReadLoopServer, "get_next_data"),
    ],
)
def test_method_without_arguments_is_a_coroutine(cls: type[Any], method: str) -> None:
    """Subclasses override these and await the inherited one."""
    function = getattr(cls, method)
    assert inspect.iscoroutinefunction(function)
    assert arguments_of(function) == []


def test_close_client_of_the_read_loop_server_keeps_its_flag() -> None:
    """Programs pass the flag by position and by name."""
    (flag,) = arguments_of(tcpip_core.OneClientReadLoopServer.close_client)
    assert (flag.name, flag.default, flag.kind) == ("cancel_read_loop_task", True, BOTH_WAYS)


@pytest.mark.parametrize("cls", [tcpip_core.Client, tcpip_core.OneClientServer, tcpip_core.OneClientReadLoopServer])
def test_start_takes_keywords_only(cls: type[Any]) -> None:
    """Overrides of start forward ``**kwargs`` and nothing else."""
    (kwargs,) = arguments_of(cls.start)
    assert (kwargs.name, kwargs.kind) == ("kwargs", inspect.Parameter.VAR_KEYWORD)


def test_write_from_takes_any_number_of_structures() -> None:
    """One call writes a header and its body."""
    (structs,) = arguments_of(tcpip_core.Client.write_from)
    assert (structs.name, structs.kind) == ("structs", inspect.Parameter.VAR_POSITIONAL)


def test_classes_inherit_as_programs_expect() -> None:
    """Programs ask with isinstance which kind of object they have."""
    assert issubclass(tcpip_core.Client, tcpip_core.BaseClientOrServer)
    assert issubclass(tcpip_core.OneClientServer, tcpip_core.BaseClientOrServer)
    assert issubclass(tcpip_core.OneClientReadLoopServer, tcpip_core.OneClientServer)
    assert issubclass(tcpip_testing.TestOneClientReadLoopServer, tcpip_core.OneClientReadLoopServer)
    assert not issubclass(tcpip_core.Client, tcpip_core.OneClientServer)


@pytest.mark.parametrize("cls", [tcpip_core.BaseClientOrServer, tcpip_core.OneClientReadLoopServer])
def test_abstract_class_cannot_be_constructed(cls: Any) -> None:
    """A class that lacks a method says so at once, not when the first line arrives."""
    with pytest.raises(TypeError, match=cls.__name__):
        cls(port=0, log=None)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("DEFAULT_LOCALHOST", "127.0.0.1"),
        ("LOCALHOST_IPV4", "127.0.0.1"),
        ("LOCALHOST_IPV6", "::1"),
        ("LOCAL_HOST", "127.0.0.1"),
        ("DEFAULT_ENCODING", "utf-8"),
        ("DEFAULT_TERMINATOR", b"\r\n"),
        ("TERMINATOR", b"\r\n"),
        ("DEFAULT_MONITOR_CONNECTION_INTERVAL", 0.1),
        ("HEARTBEAT", b"heartbeat"),
        ("DEFAULT_MAX_HEARTBEAT_INTERVAL", 10.0),
        ("KEEPALIVE_TIME", 9),
        ("KEEPALIVE_INTERVAL", 2),
        ("KEEPALIVE_PROBES", 3),
    ],
)
def test_constant_has_its_value(name: str, expected: object) -> None:
    """Programs on both ends agree on these; a deprecated alias may warn but has the value."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        assert getattr(tcpip_core, name) == expected


@pytest.mark.parametrize(
    "name",
    [
        "BaseClientOrServer",
        "Client",
        "ConnectCallbackType",
        "JSONEncodeError",
        "Keepalive",
        "Limits",
        "LossReason",
        "OneClientReadLoopServer",
        "OneClientServer",
        "close_stream_writer",
        "read_into",
        "set_socket_options",
        "write_from",
    ],
)
def test_name_is_exported(name: str) -> None:
    """What programs import is public, and listed as such."""
    assert hasattr(tcpip_core, name)
    assert name in tcpip_core.__all__


def test_limits_have_the_documented_defaults() -> None:
    """One place holds all bounds, in seconds and bytes."""
    limits = tcpip_core.Limits()
    found = (limits.connect_timeout, limits.write_timeout, limits.close_timeout, limits.drain_timeout)
    assert found == (15, 10, 2, 2)
    assert (limits.callback_timeout, limits.frame_size) == (10, 65536)


def test_limits_take_keywords_only_and_cannot_be_changed() -> None:
    """A bound that is shared by several objects cannot change under one of them."""
    with pytest.raises(TypeError):
        tcpip_core.Limits(1.0)  # type: ignore[call-arg]
    with pytest.raises(AttributeError):
        tcpip_core.Limits().write_timeout = 1.0  # type: ignore[misc]
