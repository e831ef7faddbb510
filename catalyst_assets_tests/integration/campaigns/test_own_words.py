"""A property and a method that a deployment declared, from a table through a campaign to hits."""

import json
import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from catalyst_assets.commands.driver import LoopDriver
from catalyst_assets.loop.jobs import PREPARATION_JOB
from catalyst_assets_tests.integration.dash_app.serving import api_client
from catalyst_assets_tests.loading import query
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


def catalyst(
    folder: Path, *arguments: str, words: str = "properties.yaml"
) -> "subprocess.CompletedProcess[str]":
    """Run a command in the folder, as its owner does."""
    environment = os.environ | {"CATALYST_PROPERTIES_FILE": words, "COLUMNS": "200"}
    return subprocess.run(
        [Path(sys.executable).with_name("catalyst"), *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_own_property_and_method_go_from_a_table_through_a_campaign_to_hits(
    platform: Platform,
    dagster_instance: dg.DagsterInstance,
    own_environment: None,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    without = catalyst(folder, "ingest", "reference_tables", "--mapping", "mapping.yaml", words="")
    assert without.returncode == 2
    assert "'mass_activity' is not a known property" in without.stderr

    loaded = catalyst(folder, "ingest", "reference_tables", "--mapping", "mapping.yaml", "--json")
    assert loaded.returncode == 0, loaded.stderr
    assert json.loads(loaded.stdout)["quarantined"] == 0
    stored = query(
        platform,
        "SELECT material_id, value, unit, method FROM reference_values WHERE property = 'mass_activity'",
    )
    amperes_per_gram = {name: 1000 * value for name, value in ACTIVITY.items()}
    assert {name.partition(":")[2]: value for name, value, _, _ in stored} == pytest.approx(amperes_per_gram)
    assert {(unit, method) for _, _, unit, method in stored} == {("A/g", "RDE in 0.1 M HClO4")}

    assert (
        "Mass activity at 0.9 V at least 250 A/g"
        in catalyst(folder, "campaign", "validate", "orr.yaml").stdout
    )
    started = catalyst(folder, "campaign", "start", "orr.yaml")
    assert started.returncode == 0, started.stderr
    monkeypatch.setenv("CATALYST_PROPERTIES_FILE", str(folder / "properties.yaml"))
    get_settings.cache_clear()
    driver = LoopDriver(platform, dagster_instance)
    driver.execute(PREPARATION_JOB)
    driver.drive("orr")

    shown = json.loads(catalyst(folder, "campaign", "show", "orr", "--json").stdout)
    hits = {hit["reduced_formula"] for hit in shown["hits"]}
    assert len(hits) >= 3
    assert all(value >= 0.25 for name, value in ACTIVITY.items() if name in hits)
    assert "error of mass activity at 0.9 V (A/g)" in " ".join(
        catalyst(folder, "campaign", "show", "orr").stdout.split()
    )
    page = folder / "report.html"
    assert catalyst(folder, "campaign", "report", "orr", "--output", str(page)).returncode == 0
    assert "Mass activity at 0.9 V" in page.read_text(encoding="utf-8")
    with api_client(platform.database) as client:
        (info, _) = client.get("/api/v1/campaigns/orr").json()["properties"][::-1]
    assert (info["name"], info["unit"]) == ("mass_activity", "A/g")
