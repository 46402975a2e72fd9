"""What ends the messages, and which encoding they are in."""

from __future__ import annotations

import pytest

from tcpip_tools._guess import guess_encoding, guess_terminator, hint_for_framing


@pytest.mark.parametrize(
    ("data", "name", "confidence"),
    [
        (b"", "", "none"),
        (b"READY", "", "none"),
        (b"READY\r\n", "crlf", "likely"),
        (b"220 one\r\n250 two\r\n", "crlf", "certain"),
        (b"ACME,1\n", "lf", "likely"),
        (b"a\nb\nc\n", "lf", "certain"),
        (b"+1.234E-3\r", "cr", "likely"),
        (b"ON\0OFF\0", "nul", "certain"),
        (b"a\r\nb\n", "lf", "possible"),
        (b"a\r\nb\r\nc", "crlf", "possible"),
        (b"\x00\x05hello\x00\x02hi", "", "none"),
        (b"\x01\x00\x00\x00\x80\x3f", "", "none"),
        (b"DATA 4\r\n\x00\x00\x80\x3f", "crlf", "possible"),
        ("Süd\n望遠鏡\n".encode(), "lf", "certain"),
        (b"K\xfcppel\r\n", "crlf", "likely"),
    ],
)
def test_the_terminator_is_read_off_what_came(data: bytes, name: str, confidence: str) -> None:
    """Certain only where several lines agree, and nothing contradicts."""
    guess = guess_terminator(data)
    assert (name, confidence) == (guess.name, guess.confidence)
    assert guess.evidence


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"", ""),
        (b"READY\r\n", "ascii"),
        ("Küppel Süd, Öl, Maß\r\n".encode(), "utf-8"),
        ("望遠鏡".encode()[:-1], "utf-8"),
        ("K\xfcppel\r\n".encode("latin-1"), "latin-1"),
        ("\ufeffx".encode("utf-8"), "utf-8-sig"),
        ("x\r\n".encode("utf-16"), "utf-16"),
        (b"\x01\x00\x00\x00\x80\x3f", "binary"),
        (b"\x00\x00\x00\x00", "binary"),
    ],
)
def test_the_encoding_is_read_off_what_came(data: bytes, name: str) -> None:
    """ASCII where nothing speaks against it; a character that is cut at the end is none that is wrong."""
    guess = guess_encoding(data)
    assert name == guess.name
    assert guess.evidence


def test_json_is_mentioned() -> None:
    """It tells which reader to use."""
    assert "it is JSON" in guess_encoding(b'{"azimuth": 1.5}\r\n').evidence


def test_bytes_that_are_no_message_suggest_another_framing() -> None:
    """What one sees of a wrong terminator is silence; this is what breaks it."""
    assert "" == hint_for_framing(b"", "crlf")
    assert "--framing lf" in hint_for_framing(b"ACME,1\n", "crlf")
    assert "without the end of a message in framing crlf" in hint_for_framing(b"ACME,1", "crlf")
