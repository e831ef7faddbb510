"""`catalyst potentials check`: each is asked, whatever another says, with a crystal of elements that it knows."""

import sys
from pathlib import Path

import pytest
import yaml
from ase.calculators.emt import EMT
from typer.testing import CliRunner

from catalyst_assets.commands.potentials.app import app
from catalyst_assets.potentials.environments import PotentialError
from catalyst_assets.potentials.known_answers import check_potential, known_crystal
from resources.settings import Settings, load_settings

EMT_DECLARED = {
    "python": sys.executable,
    "kind": "calculator",
    "factory": "ase.calculators.emt:EMT",
    "elements": ["H", "Cu", "O"],
    "functional": "none",
}


def declare(folder: Path, **potentials: object) -> Path:
    path = folder / "own.yaml"
    path.write_text(yaml.safe_dump({"potentials": potentials}), encoding="utf-8")
    return path


@pytest.fixture
def own(tmp_path: Path) -> Settings:
    return load_settings(
        home=tmp_path / "home", potentials_file=declare(tmp_path, own=EMT_DECLARED), accelerator="cpu"
    )


def test_a_potential_is_asked_of_a_crystal_of_its_elements(own: Settings) -> None:
    crystal = known_crystal(["Cu", "O"])
    crystal.calc = EMT()

    checked = check_potential("own", own)

    assert set(known_crystal(["Cu", "O"]).get_chemical_symbols()) == {"Cu"}
    assert known_crystal(["Sr", "O", "Ti"]).get_chemical_formula() == "O3SrTi"
    assert (checked.crystal, checked.expected_ev) == (f"H{len(known_crystal(['H']))}", None)


def test_a_wrong_answer_names_what_a_person_can_correct(tmp_path: Path) -> None:
    path = declare(tmp_path, own=EMT_DECLARED | {"elements": ["Cu"], "known_answer_ev": 7.0})
    settings = load_settings(home=tmp_path / "home", potentials_file=path, accelerator="cpu")
    with pytest.raises(PotentialError, match=r"gives Cu\d .*known is 7.0000 eV.*correct what .*own.yaml"):
        check_potential("own", settings)


def test_one_that_fails_keeps_none_from_being_asked_and_what_is_not_there_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = declare(
        tmp_path,
        broken=EMT_DECLARED | {"factory": "ase.calculators.emt:Nothing"},
        gone=EMT_DECLARED | {"python": "/nowhere/python"},
        whole=EMT_DECLARED | {"elements": ["Cu"]},
    )
    monkeypatch.setenv("CATALYST_POTENTIALS_FILE", str(path))
    monkeypatch.setenv("CATALYST_HOME", str(tmp_path / "home"))

    done = CliRunner().invoke(app, ["check"])
    said = done.stdout

    assert done.exit_code == 1
    assert "Failed: broken." in done.stderr
    assert said == "whole: 0.0007 eV for Cu4, nothing known.\n"
