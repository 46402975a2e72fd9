"""TLS contexts done right: TLS 1.2 or newer, the server's name checked, the client's certificate if wanted."""

import os
import ssl
from typing import TypeAlias

__all__ = ["client_context", "server_context"]

_Path: TypeAlias = str | os.PathLike[str]


def server_context(
    certfile: _Path, keyfile: _Path | None = None, *, password: str | None = None, client_cafile: _Path | None = None
) -> ssl.SSLContext:
    """Return a context for a server, for its ``ssl=`` keyword.

    Parameters
    ----------
    certfile : path
        The server's certificate and those between it and its authority (PEM).
    keyfile : path or None
        Its private key (PEM); None if `certfile` holds that too.
    password : str or None
        What the key is encrypted with.
    client_cafile : path or None
        Authorities whose clients are let in (PEM): mutual TLS. None asks clients for no certificate.

    Returns
    -------
    ssl.SSLContext
        It refuses anything below TLS 1.2 (RFC 8996).

    Raises
    ------
    OSError
        If a file cannot be read.
    ssl.SSLError
        If a file does not hold what it should, or certificate and key do not match.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certfile, keyfile, password)
    if client_cafile is not None:
        context.load_verify_locations(client_cafile)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(
    cafile: _Path | None = None,
    *,
    certfile: _Path | None = None,
    keyfile: _Path | None = None,
    password: str | None = None,
) -> ssl.SSLContext:
    """Return a context for a client, for its ``ssl=`` keyword.

    Parameters
    ----------
    cafile : path or None
        Authorities that are trusted (PEM), such as the device's own certificate; None trusts those of the system.
    certfile : path or None
        The client's certificate, for a server that asks for one (PEM).
    keyfile : path or None
        Its private key (PEM); None if `certfile` holds that too.
    password : str or None
        What the key is encrypted with.

    Returns
    -------
    ssl.SSLContext
        It refuses anything below TLS 1.2 and a certificate that is not for the host's name (RFC 6125).

    Raises
    ------
    OSError
        If a file cannot be read.
    ssl.SSLError
        If a file does not hold what it should, or certificate and key do not match.
    ValueError
        If there is a `keyfile` but no `certfile`.
    """
    if keyfile is not None and certfile is None:
        raise ValueError("a keyfile is of no use without its certfile: give both")
    context = ssl.create_default_context(cafile=cafile)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if certfile is not None:
        context.load_cert_chain(certfile, keyfile, password)
    return context
