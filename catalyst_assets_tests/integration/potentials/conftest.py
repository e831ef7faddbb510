"""An installation with a quick potential, and the environment of SevenNet where it was made."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from catalyst_assets.potentials.environments import Installed, find_environment
from catalyst_assets_tests.command_line import CommandLine
from catalyst_assets_tests.integration.potentials.emt_installation import METHOD, write_potentials
from resources.settings import Settings, get_settings, load_settings


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of a new home that choose the potential; those of this process, too."""
    monkeypatch.setenv("CATALYST_POTENTIALS_FILE", str(write_potentials(tmp_path, sys.executable)))
    monkeypatch.setenv("CATALYST_POTENTIAL", METHOD)
    get_settings.cache_clear()
    return load_settings(
        home=tmp_path / "home", data_folders=os.pathsep.join([str(tmp_path)]), accelerator="cpu"
    )


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """Dagster's store of one test."""
    with dg.DagsterInstance.ephemeral() as made:
        yield made


@pytest.fixture(scope="session")
def sevennet() -> Installed:
    """The environment that `make potentials` makes, or that CATALYST_POTENTIAL_ENVIRONMENTS names."""
    folder = os.environ.get("CATALYST_POTENTIAL_ENVIRONMENTS", str(Path(sys.prefix) / "potentials"))
    found = find_environment("sevennet", load_settings(potential_environments=folder))
    if found.state != "installed":
        said = f"SevenNet is {found.state} in {folder}: `make potentials` installs it."
        if os.environ.get("CI"):
            pytest.fail(said)
        pytest.skip(said)
    return found


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """`catalyst potentials`."""
    return CommandLine(monkeypatch, capsys, "potentials")


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """`catalyst bench`."""
    return CommandLine(monkeypatch, capsys, "bench")
