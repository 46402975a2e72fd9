"""A satellite beside another tcpip-core explains itself, instead of failing somewhere later."""

import importlib

import pytest

import tcpip_core

SATELLITES = ["tcpip-testing", "tcpip-tools"]


@pytest.mark.parametrize("satellite", SATELLITES)
def test_another_version_of_core_is_an_import_error(satellite: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The text names both versions, and the command that repairs the pair."""
    lockstep = importlib.import_module(f"{satellite.replace('-', '_')}._lockstep")
    monkeypatch.setattr(tcpip_core, "__version__", "7.0.0")
    with pytest.raises(ImportError) as caught:
        lockstep.require_same_version("6.0.0")
    said = str(caught.value)
    assert f"{satellite} 6.0.0 " in said
    assert "tcpip-core 7.0.0 " in said
    assert "python -m pip install tcpip-core==7.0.0 tcpip-testing==7.0.0" in said
    assert f"{satellite}==7.0.0" in said


@pytest.mark.parametrize("satellite", SATELLITES)
def test_the_same_version_is_fine(satellite: str) -> None:
    """The check passes what belongs together."""
    lockstep = importlib.import_module(f"{satellite.replace('-', '_')}._lockstep")
    lockstep.require_same_version(tcpip_core.__version__)
