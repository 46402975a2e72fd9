"""Profiles: where they are looked for, what they may hold, what is said of one that is wrong."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tcpip_tools._profiles import FILE_NAME, Profile, find_profile, profile_names
from tests.support import IPV4, unused_port
from tests.tools._command import COMMAND, TIMEOUT, environment
from tests.tools._devices import device, lines


@pytest.fixture(autouse=True)
def config(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a user's configuration directory that is empty."""
    place = tmp_path_factory.mktemp("config")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(place))
    return place / "tcpip"


def write(directory: Path, text: str) -> None:
    """Write a file of profiles."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / FILE_NAME).write_text(text, encoding="utf-8")


def test_the_nearest_file_that_has_the_profile_is_taken(tmp_path: Path, config: Path) -> None:
    """A project's own is above that of its parent, and that above the user's."""
    near = tmp_path / "a" / "b"
    write(near, '[profiles.one]\ntarget = "near:1"')
    write(tmp_path, '[profiles.one]\ntarget = "above:1"\n[profiles.two]\ntarget = "above:2"')
    write(config, '[profiles.two]\ntarget = "user:2"\n[profiles.three]\ntarget = "user:3"')
    assert ["near:1", "above:2", "user:3"] == [find_profile(name, near).target for name in ("one", "two", "three")]
    assert ["one", "two", "three"] == profile_names(near)


def test_all_that_a_profile_may_say_is_read(tmp_path: Path) -> None:
    """A file beside it is meant from where it is."""
    write(
        tmp_path,
        '[profiles.x]\ntarget = "h:1"\ntimeout = 2\nframing = "lf"\nencoding = "ascii"\ntls = true\ncafile = "ca.pem"'
        "\ninsecure = false",
    )
    expected = Profile(
        target="h:1",
        timeout=2,
        framing="lf",
        encoding="ascii",
        tls=True,
        cafile=str(tmp_path / "ca.pem"),
        insecure=False,
    )
    assert expected == find_profile("x", tmp_path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[profiles.x", "is no TOML"),
        ("[profile.x]\ntarget = 'h:1'", "profile is unknown"),
        ("profiles = 3", "profiles is no table"),
        ("[profiles]\nx = 3", "profiles.x is no table"),
        ("[profiles.x]\nframing = 'lf'", "profiles.x has no target"),
        ("[profiles.x]\ntarget = 5000", "profiles.x.target must be a text such as"),
        ("[profiles.x]\ntarget = 'h:1'\nport = 1", "profiles.x.port is unknown; there are target, timeout"),
        ("[profiles.x]\ntarget = 'h:1'\ntimeout = true", "profiles.x.timeout must be a number"),
        ("[profiles.x]\ntarget = 'h:1'\ntls = 'yes'", "profiles.x.tls must be true or false"),
        ("[profiles.y]\ntarget = 'h:1'", "there is no profile @x; there are @y"),
        ("", "there is no profile @x, because there is no tcpip.toml with profiles"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, text: str, words: str) -> None:
    """A typing mistake in a file is found where it is, not guessed from what follows."""
    write(tmp_path, text)
    with pytest.raises(ValueError, match=r"profile|TOML") as caught:
        find_profile("x", tmp_path)
    assert words in str(caught.value)


def test_a_file_that_cannot_be_read_is_an_error_and_not_passed_over(tmp_path: Path) -> None:
    """It may have had the profile."""
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(ValueError, match="cannot be read"):
        find_profile("x", tmp_path)


def tcpip(*args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the command in a directory."""
    return subprocess.run(
        [*COMMAND, *args], capture_output=True, text=True, timeout=TIMEOUT, check=False, cwd=cwd, env=environment()
    )


def test_a_verb_takes_a_profile_and_an_option_is_above_it(tmp_path: Path) -> None:
    """``@dome`` is short for all that one would type."""
    with device(lines(b"\n", STATUS=b"OK")) as one:
        write(tmp_path, f'[profiles.dome]\ntarget = "{one.target}"\nframing = "lf"\ntimeout = 0.2')
        done = tcpip("send", "@dome", "STATUS", cwd=tmp_path)
        assert (0, "OK\n", "") == (done.returncode, done.stdout, done.stderr)
        assert 7 == tcpip("send", "@dome", "STATUS", "--framing", "cr", cwd=tmp_path).returncode


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('framing = "crfl"', "unknown framing 'crfl'"),
        ('encoding = "utf-9"', "'utf-9' is no encoding"),
        ('encoding = "base64"', "'base64' is no encoding"),
        ("timeout = 0", "must be above 0 seconds"),
        ("timeout = nan", "must be above 0 seconds"),
        (f"timeout = {'9' * 401}", "must be above 0 seconds"),
        ('cafile = "nosuch.pem"\ntls = true', "nosuch.pem"),
    ],
)
def test_a_value_that_makes_no_sense_is_a_usage_error(tmp_path: Path, line: str, words: str) -> None:
    """As if it had been typed."""
    write(tmp_path, f'[profiles.dome]\ntarget = "{IPV4}:{unused_port()}"\n{line}')
    done = tcpip("send", "@dome", "STATUS", cwd=tmp_path)
    assert (2, "") == (done.returncode, done.stdout)
    assert words in " ".join(done.stderr.split())


def test_a_target_of_a_profile_that_is_none_is_named_with_the_profile(tmp_path: Path) -> None:
    """Nobody has typed that target."""
    write(tmp_path, '[profiles.dome]\ntarget = "10.0.0.7"')
    done = tcpip("send", "@dome", "STATUS", cwd=tmp_path)
    assert (2, "") == (done.returncode, done.stdout)
    assert "@dome: '10.0.0.7' has no port" in " ".join(done.stderr.split())
