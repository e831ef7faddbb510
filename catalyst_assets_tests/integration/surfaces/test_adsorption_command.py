"""`catalyst adsorption` on files, by a potential that answers through its worker."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from catalyst_assets.cli import app
from catalyst_assets_tests.integration.potentials.emt_installation import METHOD, fcc
from resources.settings import Settings


def adsorption(settings: Settings, *arguments: str) -> Result:
    """Run the command in an installation."""
    return CliRunner().invoke(app, ["adsorption", *arguments, "--home", str(settings.home)])


@pytest.fixture
def platinum(tmp_path: Path) -> str:
    """A file of platinum."""
    path = tmp_path / "Pt.cif"
    fcc(3.9, "Pt").to(str(path))
    return str(path)


def test_sites_of_a_file_are_told_with_the_lowest_and_every_stage(settings: Settings, platinum: str) -> None:
    told = adsorption(settings, platinum, "--layers", "3", "--json")

    assert told.exit_code == 0, told.output
    document = json.loads(told.stdout)
    assert document["method"] == METHOD
    ((outcome),) = document["materials"].values()
    energies = {each["site"]: each["energy_ev"] for each in outcome["states"] if each["anomaly"] is None}
    assert energies.keys() <= {"ontop-Pt", "bridge-Pt2", "fcc-Pt3", "hcp-Pt3"}
    assert outcome["lowest"] == {"H": min(energies.values())}
    stages = [line for line in told.stderr.splitlines() if line.startswith(f"{METHOD}: ")]
    assert len(stages) == 5
    assert stages[1].startswith(f"{METHOD}: relaxations with the cell, 1 of at most ")


def test_slabs_are_as_asked(settings: Settings, platinum: str) -> None:
    thick = adsorption(settings, platinum, "--layers", "6", "--facet", "1,0,0", "--json")

    assert thick.exit_code == 0, thick.output
    (outcome,) = json.loads(thick.stdout)["materials"].values()
    assert {tuple(each["facet"]) for each in outcome["states"]} == {(1, 0, 0)}
    assert "of at most 24 atoms" in thick.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--adsorbate", "Q"], "'Q' is no adsorbate that is known"),
        (["--facet", "1,1"], "is no facet"),
        (["--references", "air"], "'air' is no set of gas references"),
    ],
)
def test_what_is_not_known_is_refused(
    settings: Settings, platinum: str, arguments: list[str], said: str
) -> None:
    refused = adsorption(settings, platinum, *arguments)

    assert refused.exit_code != 0
    assert said in refused.output + str(refused.exception)
