"""What a converter writes into: files, files behind links, and what is no file."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.tools._command import COMMAND, TIMEOUT, environment, run
from tests.tools._transcripts import conversation, write

VERBS = {"convert": ["--to", "tcplog"], "redact": ["--pattern", "ACME"]}


@pytest.fixture
def night(tmp_path: Path) -> str:
    """Give the name of a transcript."""
    return write(tmp_path / "night.tcplog", conversation())


def written(verb: str, night: str, output: Path | str) -> None:
    """Run a verb that writes a file."""
    done = run("log", verb, night, str(output), *VERBS[verb])
    assert (0, "") == (done.returncode, done.stdout), done.stderr


@pytest.mark.parametrize("verb", VERBS)
def test_a_fifo_is_written_into_and_stays_one(verb: str, tmp_path: Path, night: str) -> None:
    """It is how two programs are put together without a file."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    # Open for both, so that neither side waits for the other.
    reader = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
    try:
        written(verb, night, fifo)
        assert os.read(reader, 65_536).startswith(b'{"tcplog":1')
    finally:
        os.close(reader)
    assert fifo.is_fifo()


def test_a_fifo_whose_reader_leaves_is_no_error(tmp_path: Path) -> None:
    """As with ``| head``."""
    big = write(tmp_path / "big.tcplog", conversation() * 2000)
    os.mkfifo(tmp_path / "fifo")
    command = ["bash", "-c", '"$@" & head -c 10 <fifo; wait $!', "bash", *COMMAND, "log", "convert", big, "fifo"]
    done = subprocess.run(
        [*command, "--to", "text"], capture_output=True, timeout=TIMEOUT, check=False, cwd=tmp_path, env=environment()
    )
    assert (0, b"") == (done.returncode, done.stderr)


@pytest.mark.parametrize("verb", VERBS)
def test_what_is_stdout_is_written_into(verb: str, tmp_path: Path, night: str) -> None:
    """A link as /dev/stdout is one; what stood in the file before that stdout is stays."""
    link = tmp_path / "stdout"
    link.symlink_to("/proc/self/fd/1")
    command = [*COMMAND, "log", verb, night, str(link), *VERBS[verb]]
    piped = subprocess.run(command, capture_output=True, timeout=TIMEOUT, check=False)
    assert (0, b'{"tcplog":1') == (piped.returncode, piped.stdout[:11]), piped.stderr
    kept = tmp_path / "kept"
    kept.write_bytes(b"before\n")
    with kept.open("ab") as file:
        subprocess.run(command, stdout=file, stderr=subprocess.PIPE, timeout=TIMEOUT, check=True)
    assert b"before\n" + piped.stdout == kept.read_bytes()
    assert link.is_symlink()


def test_another_open_file_is_written_into(night: str) -> None:
    """What ``>(gzip)`` of a shell becomes."""
    reader, writer = os.pipe()
    command = [*COMMAND, "log", "convert", night, f"/proc/self/fd/{writer}", "--to", "csv"]
    with os.fdopen(reader, "rb") as pipe:
        with os.fdopen(writer, "wb"):
            subprocess.run(command, pass_fds=[writer], timeout=TIMEOUT, check=True)
        assert pipe.read().startswith(b"t,wall,event,")


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("is_there", [True, False])
def test_a_link_stays_and_its_target_is_written(verb: str, is_there: bool, tmp_path: Path, night: str) -> None:
    """In another directory too; also if the target is yet to be made."""
    (tmp_path / "far").mkdir()
    target, link = tmp_path / "far" / "target.tcplog", tmp_path / "link.tcplog"
    link.symlink_to("far/target.tcplog")
    if is_there:
        target.write_text("old", encoding="utf-8")
    written(verb, night, link)
    assert link.is_symlink()
    assert target.read_bytes().startswith(b'{"tcplog":1')
    assert ["target.tcplog"] == os.listdir(target.parent)


@pytest.mark.parametrize("verb", VERBS)
def test_a_file_that_is_replaced_keeps_who_may_read_it(verb: str, tmp_path: Path, night: str) -> None:
    """What was for one's own eyes stays so; its owner stays its owner where we may give it away."""
    out = tmp_path / "out.tcplog"
    out.write_text("old", encoding="utf-8")
    out.chmod(0o600)
    if is_root := os.geteuid() == 0:
        os.chown(out, 12_345, 23_456)
    written(verb, night, out)
    found = out.stat()
    assert 0o600 == found.st_mode & 0o7777
    assert not is_root or (found.st_uid, found.st_gid) == (12_345, 23_456)


def test_a_new_file_gets_what_the_umask_gives(tmp_path: Path, night: str) -> None:
    """As from every other program."""
    command = ["bash", "-c", 'umask 027; exec "$@"', "bash", *COMMAND, "log", "convert", night, "new.csv"]
    subprocess.run(command, timeout=TIMEOUT, check=True, cwd=tmp_path, env=environment())
    assert 0o640 == (tmp_path / "new.csv").stat().st_mode & 0o7777


def test_a_directory_is_no_output(tmp_path: Path, night: str) -> None:
    """It is told so."""
    (tmp_path / "out.csv").mkdir()
    done = run("log", "convert", night, str(tmp_path / "out.csv"))
    assert 2 == done.returncode
    assert "Is a directory" in done.stderr
