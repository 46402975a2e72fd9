"""TLS contexts done right: TLS 1.2 or newer, the server's name checked, the client's certificate if wanted."""

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
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
        If a file cannot be read; of the type that the system gave, and it names the file.
    ssl.SSLError
        If a file does not hold what it should, or certificate and key do not match, or the key is encrypted and
        `password` is not given or not right; it names the files.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _load_certificate(context, certfile, keyfile, password)
    if client_cafile is not None:
        with _reading_authorities(client_cafile):
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
        If a file cannot be read; of the type that the system gave, and it names the file.
    ssl.SSLError
        If a file does not hold what it should, or certificate and key do not match, or the key is encrypted and
        `password` is not given or not right; it names the files.
    ValueError
        If there is a `keyfile` but no `certfile`.
    """
    if keyfile is not None and certfile is None:
        raise ValueError("a keyfile is of no use without its certfile: give both")
    if cafile is None:
        context = ssl.create_default_context()
    else:
        with _reading_authorities(cafile):
            context = ssl.create_default_context(cafile=cafile)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if certfile is not None:
        _load_certificate(context, certfile, keyfile, password)
    return context


def _load_certificate(context: ssl.SSLContext, certfile: _Path, keyfile: _Path | None, password: str | None) -> None:
    def no_password() -> str:
        # Without a function OpenSSL asks at the terminal, and waits.
        raise ssl.SSLError(None, "the key is encrypted: give its password")

    _check_readable(certfile, "the certificate")
    wanted = f"{os.fspath(certfile)!r} must hold a certificate (PEM)"
    if keyfile is None:
        wanted += " and its private key"
    else:
        _check_readable(keyfile, "the private key")
        wanted += f", {os.fspath(keyfile)!r} its private key"
    with _explained(wanted if password is None else f"{wanted}, encrypted with the given password"):
        context.load_cert_chain(certfile, keyfile, no_password if password is None else password)


@contextmanager
def _reading_authorities(cafile: _Path) -> Iterator[None]:
    _check_readable(cafile, "the certificates of authorities")
    with _explained(f"{os.fspath(cafile)!r} must hold certificates of authorities (PEM)"):
        yield


def _check_readable(path: _Path, what: str) -> None:
    """Raise what the system says of a file that cannot be read; OpenSSL's errors do not name it."""
    try:
        with Path(path).open("rb"):
            pass
    except OSError as e:
        raise OSError(e.errno, f"cannot read {what}: {e.strerror}", os.fspath(path)) from None


@contextmanager
def _explained(wanted: str) -> Iterator[None]:
    """Add to an error of OpenSSL's what it was given and what it should have been."""
    try:
        yield
    except ssl.SSLError as e:
        e.strerror = f"{wanted}: {e.strerror}"
        e.args = (e.errno, e.strerror)
        raise
