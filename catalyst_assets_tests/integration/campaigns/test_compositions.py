"""A library of compositions without crystals: from its table through a campaign that asks for the lowest overpotential."""

import csv
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from catalyst_assets.campaigns.evaluations import load_evaluations
from catalyst_assets.campaigns.model import Campaign
from catalyst_assets.cli import app
from catalyst_assets.ingestion.accounting import find_bad_properties, find_inconsistent_hashes
from catalyst_assets.ingestion.reading.compositions import read_composition
from catalyst_assets.ingestion.reference_tables.source import SHIPPED_FOLDER, ReferenceTables
from catalyst_assets.ingestion.sources.refreshing import refresh
from catalyst_assets.loop.campaigns import start_campaign
from catalyst_assets.representation.library import current_fingerprint
from catalyst_assets.representation.stage import measure_coverage
from catalyst_assets.representation.store import load_features
from catalyst_assets.validation.answering import validate_iteration
from catalyst_assets.validation.reference_table import ReferenceTable
from catalyst_assets_tests.integration.loop.iterations import (
    embed_everything,
    rank_iteration,
    start_iteration,
)
from catalyst_assets_tests.loading import load, query
from resources.platform import Platform
from resources.postgres.database import fetch_one

PLATE = SHIPPED_FOLDER / "oer_plates"
SOURCE = "oer_plate_3496"
CAMPAIGN = Campaign.model_validate(
    {
        "name": "oxygen-evolution",
        "pool": {"source": SOURCE},
        "objective": {"property": "overpotential", "direction": "minimize"},
        "method": "experiment",
        "validator": "reference_table",
        "acquisition": {"strategy": "expected_improvement", "batch_size": 10, "diversity": 0},
        "learning": {"heads": ["gaussian_process"]},
        "initial_batch": 20,
        "test_fraction": 0.05,
    }
)


def measured() -> dict[str, float]:
    with (PLATE / "oer_plate_3496.csv").open() as file:
        return {
            f"{SOURCE}:{read_composition(row['composition']).formula}": float(row["overpotential_V"])
            for row in csv.DictReader(file)
        }


def ingest(platform: Platform, *mappings: Path) -> None:
    refresh(ReferenceTables(mappings, shipped=()), platform.database, platform.objects)
    load(platform)


def ask_table(platform: Platform, key: str, n: int) -> set[str]:
    """Flag the best candidates and let the table answer."""
    with platform.database.transaction() as connection:
        rows = connection.exec_driver_sql(
            "SELECT candidate_id, material_id FROM candidates WHERE partition_key = %s ORDER BY rank LIMIT %s",
            (key, n),
        ).fetchall()
        for candidate_id, _ in rows:
            fetch_one(
                connection, "acquisition/transition", candidate_id=candidate_id, to_status="flagged", actor="ada",
                reason="",
            )  # fmt: skip
    answered = validate_iteration(platform.database, key, ReferenceTable())
    assert (answered.submitted, answered.waiting) == (n, 0)
    return {material_id for _, material_id in rows}


@pytest.mark.slow
def test_two_iterations_find_low_overpotentials_among_compositions(platform: Platform) -> None:
    values = measured()
    ingest(platform, PLATE / "mapping.yaml")
    assert len(values) == 2121
    assert query(
        platform,
        "SELECT count(*), count(structure_json), count(n_sites), count(DISTINCT structure_hash) FROM materials",
    ) == [(2121, 0, 0, 2121)]
    assert query(
        platform,
        "SELECT reduced_formula, chemical_system, elements FROM materials WHERE material_id = :name",
        name=f"{SOURCE}:MnFe2Co6Ni",
    ) == [("MnFe2Co6Ni", "Co-Fe-Mn-Ni", ["Co", "Fe", "Mn", "Ni"])]
    assert dict(query(platform, "SELECT material_id, value FROM reference_values")) == values
    assert find_inconsistent_hashes(platform.database) == []
    assert find_bad_properties(platform.database) == []

    embed_everything(platform)
    coverage = measure_coverage(platform.database, platform.objects)
    assert (coverage.n_structures, coverage.n_quarantined, coverage.unaccounted, coverage.not_finite) == (
        2121,
        0,
        (),
        (),
    )
    composition = read_composition("Fe0.3Co0.5Ce0.2")
    features = load_features(platform.objects, current_fingerprint(platform.objects), [composition.hash])
    described = dict(zip(features.names, features.values[0].tolist(), strict=True))
    shares = {name: value for name, value in described.items() if name.startswith("desc:fraction:") and value}
    assert shares == pytest.approx(
        {"desc:fraction:Fe": 0.3, "desc:fraction:Co": 0.5, "desc:fraction:Ce": 0.2}
    )

    start_campaign(platform.database, CAMPAIGN)
    first = start_iteration(platform, CAMPAIGN, 0)
    rank_iteration(platform, first)
    asked = ask_table(platform, first, 20)

    second = start_iteration(platform, CAMPAIGN, 1)
    candidates = rank_iteration(platform, second)
    assert not asked & {row["material_id"] for row in candidates}
    again = ask_table(platform, second, 10)

    with platform.database.transaction() as connection:
        found = load_evaluations(connection, CAMPAIGN)
    assert {one.material_id: one.values["overpotential"] for one in found} == {
        name: values[name] for name in asked | again
    }
    middle = sorted(values.values())[len(values) // 2]
    # By chance half of them would be; that nine of ten are has a probability of a hundredth.
    assert sum(values[name] < middle for name in again) >= 9
    best = min(row["predicted"]["overpotential"]["mean"] for row in candidates)
    assert 0.2 < best < middle


def test_spellings_of_one_composition_are_one_material_and_bad_rows_are_quarantined(
    platform: Platform, tmp_path: Path
) -> None:
    rows = {
        "Ni0.1Fe0.2Co0.6Mn0.1": 0.40,
        "Ni10Fe20Co60Mn10": 0.41,
        "Fe3Co5Ce2": 0.38,
        "Xq0.5Fe0.5": 0.38,
        "Fe0Co1": 0.38,
        "Fe-1Co2": 0.38,
        "": 0.38,
        "Fe0.5Co0.5": -1,
    }
    text = "mix,eta\n" + "".join(f"{name},{value}\n" for name, value in rows.items())
    (tmp_path / "plate.csv").write_text(text)
    mapping = {
        "source": "plate",
        "table": "plate.csv",
        "licence": "own",
        "structure": {"composition": "mix"},
        "properties": {"eta": {"property": "overpotential", "unit": "V", "method": "experiment"}},
    }
    (tmp_path / "mapping.yaml").write_text(yaml.safe_dump(mapping))

    ingest(platform, tmp_path / "mapping.yaml")

    assert query(platform, "SELECT material_id, properties FROM materials ORDER BY material_id") == [
        (f"plate:{name}", {"overpotential": [
            {"value": value, "unit": "V", "method": "experiment", "source": "plate"}
        ]})
        for name, value in (("Ce2Fe3Co5", 0.38), ("MnFe2Co6Ni", 0.40))
    ]  # fmt: skip
    refused = dict(query(platform, "SELECT record, reason FROM quarantine"))
    assert {place: reason.partition(". ")[0] for place, reason in refused.items()} == {
        "plate.csv row 3": "mix: MnFe2Co6Ni was already given by an earlier row",
        "plate.csv row 5": "mix: 'Xq0.5Fe0.5' has an unknown element 'Xq': did you mean Xe?",
        "plate.csv row 6": "mix: 'Fe0Co1' has 0 of Fe, and an amount is positive",
        "plate.csv row 7": "mix: 'Fe-1Co2' has -1 of Fe, and an amount is positive",
        "plate.csv row 8": "mix: is missing",
        "plate.csv row 9": "eta: -1 V is outside 0 to 5",
    }


def test_the_same_composition_of_two_tables_is_one_material_and_its_crystal_another(
    platform: Platform, tmp_path: Path
) -> None:
    for source, spelled in (("a", "Ba0.2Ti0.2O0.6"), ("b", "BaTiO3")):
        (tmp_path / f"{source}.csv").write_text(f"mix,eta\n{spelled},0.4\n")
        mapping = {
            "source": source,
            "table": f"{source}.csv",
            "licence": "own",
            "structure": {"composition": "mix"},
            "properties": {"eta": {"property": "overpotential", "unit": "V", "method": "experiment"}},
        }
        (tmp_path / f"{source}.yaml").write_text(yaml.safe_dump(mapping))
    (tmp_path / "c.csv").write_text("A,B,anion\nBa,Ti,O3\n")
    crystal = {
        "source": "c",
        "table": "c.csv",
        "licence": "own",
        "structure": {"prototype": "cubic_perovskite"},
    }
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(crystal))

    ingest(platform, *(tmp_path / f"{source}.yaml" for source in "abc"))

    assert query(platform, "SELECT material_id, same_as, n_sites FROM materials ORDER BY material_id") == [
        ("a:BaTiO3", None, None),
        ("b:BaTiO3", "a:BaTiO3", None),
        ("c:BaTiO3", None, 5),
    ]


def test_the_benchmark_finds_the_best_of_the_plate(tmp_path: Path) -> None:
    goal = CAMPAIGN.document | {"stop": {"max_evaluations": 30}}
    (tmp_path / "goal.yaml").write_text(yaml.safe_dump(goal))
    table = str(PLATE / "oer_plate_3496.csv")

    outcome = CliRunner().invoke(
        app,
        ["bench", "discovery", "--pool", table, "--campaign", str(tmp_path / "goal.yaml"), "--best", "21", "--json",
         "--jobs", "1"],
    )  # fmt: skip

    assert outcome.exit_code == 0, outcome.exception
    report = yaml.safe_load(outcome.stdout)
    assert (report["pool_size"], report["hits"], report["arms"][0]["evaluated"]) == (2121, 21, [30])
