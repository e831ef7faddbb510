"""What a user gets who installs the wheel instead of cloning, and what Dagster's own commands say."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from catalyst_assets_tests.places import PROJECT

BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built by the backend that pip would call, without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    program = f"import hatchling.build as build; print(build.build_wheel({str(folder)!r}))"
    output = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    return folder / output.stdout.strip().splitlines()[-1]


def test_wheel_holds_what_the_checkout_holds(wheel: Path) -> None:
    files = set(zipfile.ZipFile(wheel).namelist())
    tracked = subprocess.run(
        ["git", "ls-files", "catalyst_assets", "resources", "dash_app"],
        cwd=PROJECT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    present = {path for path in tracked if (PROJECT / path).exists()}
    assert present - files == set()
    scripts = {str(path.relative_to(PROJECT)) for path in (PROJECT / "sql").rglob("*.sql")}
    assert {f"resources/_project/{path}" for path in scripts} - files == set()
    assert {"resources/_project/dagster.yaml", "resources/_project/workspace.yaml"} <= files


def test_installed_wheel_finds_its_files(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    program = (
        "from resources.paths import project_file; import resources;"
        "from catalyst_assets.campaigns.library import load_campaign;"
        "assert 'site' in resources.__file__, resources.__file__;"
        "print(project_file('sql/migrations/0001_first_schema.sql').stat().st_size > 0,"
        " load_campaign('oxide-perovskites-demo').pool.source)"
    )
    output = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(tmp_path / "site")},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert output.stdout.split() == ["True", "perovskite_pbe"]


@pytest.mark.parametrize(
    "command",
    [["dagster", "definitions", "validate", "-w", "workspace.yaml"], ["dg", "check", "defs"]],
    ids=["dagster definitions validate", "dg check defs"],
)
def test_dagster_finds_nothing_wrong(command: list[str]) -> None:
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [BIN / command[0], *command[1:]],
        cwd=PROJECT, env=os.environ | {"PATH": path}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
