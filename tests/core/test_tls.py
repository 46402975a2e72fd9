"""Contexts made of files that are not there, or not what they should be: the error names the file."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from tcpip_core.tls import client_context, server_context


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make certificates and keys, one of them encrypted with ``secret``."""
    place = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(place / "authority.crt"))
    for name in ("device", "other"):
        issued = authority.issue_cert("dome.example")
        issued.cert_chain_pems[0].write_to_path(str(place / f"{name}.crt"))
        issued.private_key_pem.write_to_path(str(place / f"{name}.key"))
    key = serialization.load_pem_private_key((place / "device.key").read_bytes(), None)
    locked = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )
    (place / "locked.key").write_bytes(locked)
    (place / "note.txt").write_text("nothing in here")
    return place


MISSING: list[Callable[[Path], ssl.SSLContext]] = [
    lambda at: server_context(at / "missing"),
    lambda at: server_context(at / "device.crt", at / "missing"),
    lambda at: server_context(at / "device.crt", at / "device.key", client_cafile=at / "missing"),
    lambda at: client_context(at / "missing"),
    lambda at: client_context(at / "authority.crt", certfile=at / "missing"),
    lambda at: client_context(at / "authority.crt", certfile=at / "device.crt", keyfile=at / "missing"),
]


@pytest.mark.parametrize("make", MISSING)
def test_file_that_is_missing_is_named(make: Callable[[Path], ssl.SSLContext], folder: Path) -> None:
    """The system's error, with what the file was to be."""
    with pytest.raises(FileNotFoundError, match=r"cannot read the .*missing") as caught:
        make(folder)
    assert caught.value.filename == str(folder / "missing")


def test_file_that_is_a_folder_is_named(folder: Path) -> None:
    """The type is the system's, whatever it says."""
    with pytest.raises(OSError, match="cannot read the certificate") as caught:
        server_context(folder)
    assert caught.value.filename == str(folder)


WRONG: dict[str, tuple[Callable[[Path], ssl.SSLContext], str]] = {
    "no key": (lambda at: server_context(at / "device.crt"), r"device\.crt' must hold .* and its private key"),
    "another key": (lambda at: server_context(at / "device.crt", at / "other.key"), r"other\.key' its private key"),
    "no certificate": (lambda at: server_context(at / "note.txt", at / "device.key"), r"note\.txt' must hold a cert"),
    "no authority": (lambda at: client_context(at / "note.txt"), r"note\.txt' must hold certificates of authorities"),
    "no clients' authority": (
        lambda at: server_context(at / "device.crt", at / "device.key", client_cafile=at / "device.key"),
        r"device\.key' must hold certificates of authorities",
    ),
    "no password": (
        lambda at: server_context(at / "device.crt", at / "locked.key"),
        r"locked\.key'.*give its password",
    ),
    "wrong password": (
        lambda at: client_context(certfile=at / "device.crt", keyfile=at / "locked.key", password="wrong"),
        r"locked\.key' its private key, encrypted with the given password",
    ),
}


@pytest.mark.parametrize(("make", "said"), WRONG.values(), ids=WRONG)
def test_file_that_holds_something_else_is_named(
    make: Callable[[Path], ssl.SSLContext], said: str, folder: Path
) -> None:
    """OpenSSL's error, with the names and what was expected; an encrypted key asks nobody at the terminal."""
    with pytest.raises(ssl.SSLError, match=said) as caught:
        make(folder)
    assert type(caught.value) is ssl.SSLError


def test_encrypted_key_is_read_with_its_password(folder: Path) -> None:
    """On both ends."""
    server_context(folder / "device.crt", folder / "locked.key", password="secret")
    client_context(certfile=folder / "device.crt", keyfile=folder / "locked.key", password="secret")
