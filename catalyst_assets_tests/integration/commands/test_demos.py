"""The demos on shipped tables: what they say they found is what the tables hold."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from catalyst_assets.ingestion.reading.compositions import read_composition
from catalyst_assets.ingestion.reference_tables.source import SHIPPED_FOLDER


def demo(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "catalyst_assets.cli", "demo", *arguments, "--json"],
        capture_output=True, text=True, check=False, timeout=500,
        env=os.environ | {"COLUMNS": "200", "NO_COLOR": "1"},
    )  # fmt: skip


def run(*arguments: str) -> dict:  # type: ignore[type-arg]
    outcome = demo(*arguments)
    assert outcome.returncode == 0, outcome.stderr
    return json.loads(outcome.stdout)  # type: ignore[no-any-return]


def rows(*names: str) -> list[dict[str, str]]:
    with SHIPPED_FOLDER.joinpath(*names).open() as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_the_demo_of_oxygen_says_how_its_best_stands_on_the_plate(tmp_path: Path) -> None:
    said = run("oxygen", "--iterations", "2", "--home", str(tmp_path / "home"))

    plate = {
        f"oer_plate_3496:{read_composition(row['composition']).formula}": float(row["overpotential_V"])
        for row in rows("oer_plates", "oer_plate_3496.csv")
    }
    found = said["objective"]
    assert (said["campaign"], said["pool_size"], said["evaluated"]) == ("oxygen-evolution-demo-n2", 2121, 40)
    assert found["best"] == plate[found["material_id"]]
    assert found["rank"] == 1 + sum(value < found["best"] for value in plate.values())
    assert (found["property"], found["best_hundredth"]) == ("overpotential", 21)
    assert found["random_expected_of_best_hundredth"] == pytest.approx(40 * 21 / 2121)
    assert 0 <= found["found_of_best_hundredth"] <= 21

    again = run("oxygen", "--iterations", "2", "--home", str(tmp_path / "home"))
    assert again | {"seconds": 0} == said | {"seconds": 0}


@pytest.mark.slow
def test_the_demo_of_hydrogen_counts_the_alloys_near_the_top_of_the_volcano(tmp_path: Path) -> None:
    said = run("hydrogen", "--iterations", "2", "--home", str(tmp_path / "home"))

    energies = [float(row["adsorption_energy_H"]) for row in rows("hydrogen_alloys", "alloys.csv")]
    hits = sum(-0.29 <= energy <= -0.19 for energy in energies)
    assert (said["campaign"], said["pool_size"], said["hits_in_pool"]) == (
        "hydrogen-alloys-demo-n2",
        len(energies),
        hits,
    )
    assert (said["evaluated"], said["objective"]) == (40, None)
    assert said["random_expected_hits"] == pytest.approx(40 * hits / len(energies))
    assert said["hits"] == said["iterations"][-1]["hits"]


@pytest.mark.parametrize("option", ["--live", "--review"])
def test_only_perovskites_have_a_demo_with_a_person_or_a_program(option: str, tmp_path: Path) -> None:
    outcome = demo("oxygen", option, "--home", str(tmp_path / "home"))
    assert outcome.returncode == 2
    assert f"{option} is a demo of perovskites, not of oxygen. Leave out the option or `oxygen`." in " ".join(
        outcome.stderr.split()
    )
    assert not (tmp_path / "home").exists()
