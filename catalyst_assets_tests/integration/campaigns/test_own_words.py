"""A property and a method that a deployment declared, from a table through a campaign to hits."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from catalyst_assets.cli import app
from catalyst_assets.errors import UsageError
from catalyst_assets.ingestion.accounting import find_bad_properties
from catalyst_assets.ingestion.reference_tables.source import ReferenceTables
from catalyst_assets.ingestion.sources.refreshing import refresh
from catalyst_assets_tests.integration.dash_app.serving import api_client
from catalyst_assets_tests.loading import load as load_pending
from catalyst_assets_tests.loading import query
from catalyst_assets_tests.places import PROJECT
from resources.platform import Platform
from resources.settings import get_settings

WORDS = """\
properties:
  mass_activity:
    {label: Mass activity at 0.9 V, unit: A/g, low: 0, high: 10000, description: kinetic current by mass}
  faradaic_efficiency: {unit: percent, low: 0, high: 100, zero_inflated: true}
methods:
  RDE in 0.1 M HClO4: {kind: experiment}
"""
# Measured by a laboratory, in its own units: A/mg and a fraction.
MAPPING = """\
source: orr_lab
table: orr.csv
licence: CC0-1.0
structure: {prototype: cubic_perovskite}
answers: true
properties:
  activity: {property: mass_activity, unit: A/mg, method: RDE in 0.1 M HClO4}
  efficiency: {property: faradaic_efficiency, unit: fraction, method: RDE in 0.1 M HClO4}
"""
CAMPAIGN = """\
name: orr
pool: {source: orr_lab}
criteria:
  - {property: mass_activity, min: 250}
  - {property: faradaic_efficiency, min: 20}
method: RDE in 0.1 M HClO4
acquisition: {batch_size: 4}
initial_batch: 6
learning: {heads: [gaussian_process]}
test_fraction: 0
validator: reference_table
review: automatic
stop: {target_hits: 3, max_iterations: 4}
"""
ACTIVITY = {
    f"{a}{b}O3": 0.05 + 0.1 * i * (j + 1) / 4
    for i, a in enumerate(("Ca", "Sr", "Ba", "La", "Cd"))
    for j, b in enumerate(("Ti", "Zr", "Hf", "Ge"))
}


def efficiency(activity: float) -> float:
    """As a fraction; the less active make nothing at all."""
    return max(0.0, round(activity - 0.1, 4))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of campaigns, with the words they use beside them."""
    folder = tmp_path / "campaigns"
    folder.mkdir()
    rows = ["A,B,anion,activity,efficiency"]
    rows += [f"{n[:2]},{n[2:4]},O3,{value:.4f},{efficiency(value)}" for n, value in ACTIVITY.items()]
    for name, text in {
        "properties.yaml": WORDS,
        "mapping.yaml": MAPPING,
        "orr.yaml": CAMPAIGN,
        "orr.csv": "\n".join(rows),
    }.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def command(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def says(*arguments: str) -> str:
    outcome = command(*arguments)
    assert outcome.exit_code == 0, outcome.exception
    return outcome.output


def run(folder: Path, *program: str) -> str:
    """Run a program in the folder, as its owner does; return what it printed."""
    finished = subprocess.run(
        [sys.executable, *program],
        cwd=folder,
        env=os.environ | {"CATALYST_PROPERTIES_FILE": "properties.yaml", "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


@pytest.mark.slow
def test_own_property_and_method_go_from_a_table_through_a_campaign_to_hits(
    platform: Platform, own_environment: None, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest = ("ingest", "reference_tables", "--mapping", str(folder / "mapping.yaml"), "--json")
    without = command(*ingest)
    assert isinstance(without.exception, UsageError)
    assert "'mass_activity' is not a known property" in str(without.exception)

    loaded = run(folder, "-m", "catalyst_assets.cli", *ingest)
    assert json.loads(loaded)["quarantined"] == 0
    stored = query(
        platform,
        "SELECT material_id, value, unit, method FROM reference_values WHERE property = 'mass_activity'",
    )
    amperes_per_gram = {name: 1000 * value for name, value in ACTIVITY.items()}
    assert {name.partition(":")[2]: value for name, value, _, _ in stored} == pytest.approx(amperes_per_gram)
    assert {(unit, method) for _, _, unit, method in stored} == {("A/g", "RDE in 0.1 M HClO4")}

    monkeypatch.setenv("CATALYST_PROPERTIES_FILE", str(folder / "properties.yaml"))
    get_settings.cache_clear()
    criterion = "Mass activity at 0.9 V at least 250 A/g"
    assert criterion in command("campaign", "validate", str(folder / "orr.yaml")).output
    says("campaign", "start", str(folder / "orr.yaml"))
    run(folder, "-m", "catalyst_assets_tests.integration.campaigns.drive_process", "orr")

    assert json.loads(says("campaign", "show", "orr", "--json"))["hits"] >= 3
    assert criterion in says("campaign", "show", "orr")
    says("campaign", "report", "orr", "--output", str(folder / "report.html"))
    assert "Mass activity at 0.9 V" in (folder / "report.html").read_text(encoding="utf-8")
    with api_client(platform.database) as client:
        properties = {info["name"]: info for info in client.get("/campaigns/orr").json()["properties"]}
    assert properties["mass_activity"]["unit"] == "A/g"
    assert properties["mass_activity"]["label"] == "Mass activity at 0.9 V"


def load(platform: Platform, mapping: Path) -> None:
    refresh(ReferenceTables([mapping], shipped=()), platform.database, platform.objects)
    load_pending(platform)


def test_a_unit_that_changes_under_stored_values_is_found_and_so_is_a_word_that_is_gone(
    platform: Platform, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def declare(text: str) -> list[str]:
        (folder / "properties.yaml").write_text(text, encoding="utf-8")
        return find_bad_properties(platform.database)

    monkeypatch.setenv("CATALYST_PROPERTIES_FILE", str(folder / "properties.yaml"))
    get_settings.cache_clear()
    mapping = folder / "mapping.yaml"
    mapping.write_text(MAPPING.replace("answers: true", "answers: false"), encoding="utf-8")
    load(platform, mapping)

    assert declare(WORDS) == []
    (*_, changed) = declare(WORDS.replace("unit: A/g", "unit: mA/cm^2"))
    assert "is not valid: the property is declared in mA/cm^2" in changed
    (*_, gone) = declare(WORDS.replace("mass_activity", "specific_activity"))
    assert "is not valid: the property is not declared" in gone
    (*_, unknown) = declare(WORDS.replace("RDE in", "CV in"))
    assert "is not valid: the method is not declared" in unknown
    (*_, outside) = declare(WORDS.replace("high: 10000", "high: 100"))
    assert "a number within 0 to 100" in outside
    assert declare(WORDS) == []


def test_a_table_in_units_that_do_not_convert_is_refused_and_one_without_its_words_says_so_later(
    platform: Platform, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CATALYST_PROPERTIES_FILE", str(folder / "properties.yaml"))
    get_settings.cache_clear()
    wrong = folder / "wrong.yaml"
    for unit in ("mA/cm^2", "A"):
        wrong.write_text(MAPPING.replace("A/mg", unit), encoding="utf-8")
        with pytest.raises(
            UsageError, match=re.escape(f"mass_activity is stored in A/g: '{unit}' cannot be")
        ):
            load(platform, wrong)

    load(platform, folder / "mapping.yaml")
    (folder / "properties.yaml").write_text("properties:\n", encoding="utf-8")
    load_pending(platform, reparse=True)
    ((status, note),) = query(platform, "SELECT parse_status, parse_note FROM raw_files")
    assert status == "failed"
    assert "'mass_activity' is not a known property" in note
    (folder / "properties.yaml").write_text(WORDS, encoding="utf-8")
    load_pending(platform, reparse=True)
    assert query(platform, "SELECT parse_status FROM raw_files") == [("parsed",)]
