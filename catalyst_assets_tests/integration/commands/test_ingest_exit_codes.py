"""What `catalyst ingest` says and how it exits where rows are set aside, some or all."""

import json
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from catalyst_assets_tests.integration.ingestion.test_unreadable_files import ingest
from resources.settings import Settings

MAPPING = """source: %s
table: %s
licence: CC0-1.0
structure: {prototype: cubic_perovskite}
properties:
  gap: {property: band_gap, unit: eV, method: PBE}
"""


@pytest.fixture
def settings(shared_settings: Settings, dagster_instance: object) -> Settings:
    """An installation of its own."""
    return shared_settings


def load(settings: Settings, folder: Path, name: str, rows: str) -> CompletedProcess[str]:
    (folder / f"{name}.csv").write_text(f"A,B,anion,gap\n{rows}", encoding="utf-8")
    mapping = folder / f"{name}.yaml"
    mapping.write_text(MAPPING % (name, f"{name}.csv"), encoding="utf-8")
    return ingest(settings, "reference_tables", "--mapping", str(mapping), "--json")


def test_a_table_of_which_nothing_loads_does_not_exit_0_and_one_of_which_some_does_is_counted(
    settings: Settings, tmp_path: Path
) -> None:
    nothing = load(settings, tmp_path, "nothing", 'Sr,Ti,O3,"1,8"\nCa,Ti,O3,x\n')
    assert nothing.returncode == 1
    assert "every row of nothing was set aside (2)" in " ".join(nothing.stderr.split())
    assert json.loads(nothing.stdout)["wholly_set_aside"] == {"nothing": 2}

    some = load(settings, tmp_path, "some", "Sr,Ti,O3,1.8\nCa,Ti,O3,x\n")
    assert some.returncode == 0, some.stderr
    told = json.loads(some.stdout)
    assert told["wholly_set_aside"] == {}
    assert told["quarantined"] >= 1
    assert any("'x' is not a number" in line for line in told["refused"])

    again = load(settings, tmp_path, "some", "Sr,Ti,O3,y\n")
    assert again.returncode == 1
    assert "every row of some was set aside (1)" in " ".join(again.stderr.split())

    asked = load(settings, tmp_path, "asked", "Sr,Ti,O3,1800\nCa,Ti,O3,1900\nBa,Ti,O3,1700\nPb,Ti,O3,2000\n")
    assert asked.returncode == 1
    assert "is it in meV" in " ".join(asked.stderr.split())
