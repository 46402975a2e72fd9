"""Where a verb goes, and how it speaks there: ``HOST:PORT``, and what the options and a profile say."""

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tcpip_core import tls

from ._exit_codes import ExitCode, Failure
from ._report import address_of

if TYPE_CHECKING:
    from tcpip_core.transcript import Recorder

__all__ = ["Target", "parse_address"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where to, and how.

    Parameters
    ----------
    host, port
        Where to.
    timeout : float
        How long to wait for one thing, such as a connection or an answer (seconds).
    framing : str
        The name of a framing.
    encoding : str
        Of text.
    tls : bool
        Speak TLS.
    cafile : str or None
        Authorities to trust (PEM); None trusts those of the system.
    insecure : bool
        Take any certificate.
    log : str or None
        Path of a transcript to record; None records nothing.
    observer : Recorder or None
        Records it.
    """

    host: str
    port: int
    timeout: float = 5.0
    framing: str = "crlf"
    encoding: str = "utf-8"
    tls: bool = False
    cafile: str | None = None
    insecure: bool = False
    log: str | None = None
    observer: "Recorder | None" = None

    def __str__(self) -> str:
        return address_of(self.host, self.port)

    def tls_context(self) -> ssl.SSLContext | None:
        """Return the context for a client; None where no TLS is wanted.

        Raises
        ------
        Failure
            If the file of authorities cannot be read, or holds none.
        """
        if not self.tls:
            return None
        try:
            context = tls.client_context(self.cafile)
        except (OSError, ssl.SSLError) as e:
            raise Failure(ExitCode.USAGE, f"--cafile {self.cafile} holds no certificates that can be read: {e}") from e
        if self.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


def parse_address(text: str, *, lowest_port: int = 1) -> tuple[str, int]:
    """Return the host and the port of an address.

    Parameters
    ----------
    text : str
        ``HOST:PORT``, or ``[ADDRESS]:PORT`` for IPv6.
    lowest_port : int
        0 where any port that is free may be meant.

    Returns
    -------
    tuple of str and int
        The host without brackets, the port up to 65535.

    Raises
    ------
    ValueError
        If it is none; says what is wrong with it.
    """
    if "://" in text:
        raise ValueError(f"{text!r} is a URL; give HOST:PORT alone")
    host, colon, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError(f"{text!r} has several colons; an IPv6 address stands in brackets, such as [::1]:5000")
    if not colon or not port:
        raise ValueError(f"{text!r} has no port; give HOST:PORT, such as 127.0.0.1:5000")
    if not host:
        raise ValueError(f"{text!r} has no host; give HOST:PORT, such as 127.0.0.1{text}")
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and lowest_port <= int(port) <= 65535):
        raise ValueError(f"the port must be a number from {lowest_port} to 65535, not {port!r}")
    if not host.isprintable() or any(letter in host for letter in " []/@"):
        raise ValueError(f"{host!r} is neither a name nor an address of a host")
    try:
        host.encode("idna")
    except UnicodeError as e:
        raise ValueError(f"{host!r} is no name of a host: {e}") from None
    return host, int(port)
