"""Writing transcripts to files."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest

from tcpip_core.transcript import Header, Mark, TranscriptWriter, create_transcript, open_transcript

MARK = Mark(1, "a")


@pytest.mark.parametrize("name", ["a.tcplog", "a.tcplog.gz"])
def test_a_file_named_gz_is_compressed(tmp_path: Path, name: str) -> None:
    """Other tools go by the name too."""
    path = tmp_path / name
    with create_transcript(path, Header(0, "dome:5000")) as writer:
        writer.write(MARK)
    assert (name.endswith("gz")) == (path.read_bytes()[:2] == b"\x1f\x8b")
    with open_transcript(path) as reader:
        assert (Header(0, "dome:5000"), [MARK]) == (reader.header, list(reader))
    if name.endswith("gz"):
        assert 2 == len(gzip.decompress(path.read_bytes()).splitlines())


def test_what_was_flushed_is_in_the_file(tmp_path: Path) -> None:
    """While it is still written, somebody may look."""
    with create_transcript(tmp_path / "a.tcplog.gz", Header(0)) as writer:
        writer.write(MARK)
        writer.flush()
        with open_transcript(tmp_path / "a.tcplog.gz") as reader:
            assert [MARK] == list(reader)


def test_a_header_that_cannot_be_written_touches_no_file(tmp_path: Path) -> None:
    """The old file of that name is worth more than the mistake."""
    path = tmp_path / "a.tcplog"
    path.write_bytes(b"precious")
    with pytest.raises(ValueError, match="nosuch"):
        create_transcript(path, Header(0, encoding="nosuch"))
    assert b"precious" == path.read_bytes()


def test_closing_twice_ends_a_compressed_file_once() -> None:
    """``with`` closes what a program has closed already."""
    written: list[bytes] = []

    class File(io.BytesIO):
        def close(self) -> None:
            written.append(self.getvalue())

    writer = TranscriptWriter(File(), Header(0), compress=True)
    writer.close()
    writer.close()
    assert written[0] == written[1]
    assert gzip.decompress(written[0])
