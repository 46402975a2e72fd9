"""What a simulated loop does not do: everything that would reach the real world.

A real socket, process or signal would keep the real time while the clock jumps.
"""

import asyncio
from typing import Any, NoReturn

__all__ = ["RefusingLoop"]


def _refuse(name: str) -> NoReturn:
    raise NotImplementedError(f"loop.{name} is not simulated: what it reaches is real, and the clock is not")


class RefusingLoop(asyncio.AbstractEventLoop):
    """A loop without a way out."""

    def add_reader(self, *args: Any) -> NoReturn:  # type: ignore[override]  # mypy wants the names.
        """Refuse to watch a descriptor."""
        _refuse("add_reader")

    def add_signal_handler(self, *args: Any) -> NoReturn:  # type: ignore[override]  # mypy wants the names.
        """Refuse to handle a signal."""
        _refuse("add_signal_handler")

    def add_writer(self, *args: Any) -> NoReturn:  # type: ignore[override]  # mypy wants the names.
        """Refuse to watch a descriptor."""
        _refuse("add_writer")

    def connect_accepted_socket(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse to use a socket of its own."""
        _refuse("connect_accepted_socket")

    def connect_read_pipe(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse to open a pipe."""
        _refuse("connect_read_pipe")

    def connect_write_pipe(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse to open a pipe."""
        _refuse("connect_write_pipe")

    def create_datagram_endpoint(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse to use UDP."""
        _refuse("create_datagram_endpoint")

    def create_unix_connection(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse to use a Unix socket."""
        _refuse("create_unix_connection")

    def create_unix_server(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse to use a Unix socket."""
        _refuse("create_unix_server")

    def remove_reader(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse to watch a descriptor."""
        _refuse("remove_reader")

    def remove_signal_handler(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse to handle a signal."""
        _refuse("remove_signal_handler")

    def remove_writer(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse to watch a descriptor."""
        _refuse("remove_writer")

    def sendfile(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse to send a file."""
        _refuse("sendfile")

    def sock_accept(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse to use a socket of its own."""
        _refuse("sock_accept")

    def sock_connect(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse to use a socket of its own."""
        _refuse("sock_connect")

    def sock_recv(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse to use a socket of its own."""
        _refuse("sock_recv")

    def sock_recv_into(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse to use a socket of its own."""
        _refuse("sock_recv_into")

    def sock_recvfrom(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse to use a socket of its own."""
        _refuse("sock_recvfrom")

    def sock_recvfrom_into(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse to use a socket of its own."""
        _refuse("sock_recvfrom_into")

    def sock_sendall(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse to use a socket of its own."""
        _refuse("sock_sendall")

    def sock_sendfile(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse to use a socket of its own."""
        _refuse("sock_sendfile")

    def sock_sendto(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse to use a socket of its own."""
        _refuse("sock_sendto")

    def start_tls(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse to speak TLS."""
        _refuse("start_tls")

    def subprocess_exec(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse to run a program."""
        _refuse("subprocess_exec")

    def subprocess_shell(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse to run a program."""
        _refuse("subprocess_shell")
