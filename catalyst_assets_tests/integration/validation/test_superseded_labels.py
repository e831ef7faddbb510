"""Labels that were corrected or retracted after an iteration learned from them: everything made from them is marked."""

from dataclasses import replace
from typing import Any

import dagster as dg
import httpx
import numpy as np
import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from catalyst_assets.campaigns.iterations import read_iteration
from catalyst_assets.campaigns.labels import hash_labels, load_origins, load_superseded
from catalyst_assets.campaigns.model import Campaign
from catalyst_assets.cli import app
from catalyst_assets.learning.models.marks import SUPERSEDED, mark_superseded
from catalyst_assets.learning.training_set import pivot_labels
from catalyst_assets.loop.campaigns import open_iteration
from catalyst_assets.loop.corrections import tell_corrections
from catalyst_assets.partitions import AL_ITERATION, IterationKey
from catalyst_assets.validation.answering import validate_iteration
from catalyst_assets.validation.results.ledger import record_results, retract
from catalyst_assets.validation.results.model import Recorded, Result
from catalyst_assets_tests.integration.dash_app.reviewed_campaign import SHA, ReviewedCampaign
from catalyst_assets_tests.results import SUBMISSION
from resources.mlflow.model_registry import RegisteredVersion
from resources.postgres.database import Database, Role, execute, fetch_all

GAP, ENERGY = "band_gap_direct", "formation_energy_per_atom"


@pytest.fixture
def laboratory(database: Database) -> ReviewedCampaign:
    """Iteration 0 measured A three times and B once; iteration 1 opened with that."""
    seeded = ReviewedCampaign(database)
    campaign = ReviewedCampaign(database, document=seeded.document | {"validator": "laboratory"}).start()
    a, b = campaign.rank(0, ["p:A", "p:B"])
    campaign.move(a, "flagged", "in_validation")
    campaign.move(b, "flagged", "in_validation")
    gaps = [measured("p:A", GAP, 1.0 + 0.1 * place, replicate=place) for place in (1, 2, 3)]
    others = [measured("p:B", GAP, 2.0, standard_deviation=0.3), measured("p:A", ENERGY, -2.0)]
    submit(database, *gaps, *others, measured("p:B", ENERGY, -1.0))
    validate_iteration(database, campaign.key(0), None)
    key = IterationKey(campaign.name, 1)
    with database.transaction() as connection:
        execute(connection, "loop/close_iteration", partition_key=campaign.key(0))
        open_iteration(connection, Campaign.model_validate(campaign.document), key)
    return campaign


def measured(material: str, name: str, value: float, **given: Any) -> Result:
    unit = "eV" if name == GAP else "eV/atom"
    key = "oxide-perovskites-demo__0000"
    return Result(material, "PBE", "laboratory", name, value=value, unit=unit, partition_key=key, **given)


def submit(database: Database, *results: Result) -> Recorded:
    with database.transaction(Role.VALIDATOR) as connection:
        return record_results(connection, results, SUBMISSION)


def take_back(database: Database, material: str, name: str, replicate: int, reason: str) -> None:
    """Retract the last word on one measurement."""
    newest = sa.text(
        "SELECT max(result_id) FROM validation_results WHERE (material_id, property, replicate) = (:m, :p, :r)"
    )
    with database.transaction(Role.VALIDATOR) as connection:
        result = connection.execute(newest, {"m": material, "p": name, "r": replicate}).scalar_one()
        retract(connection, result, by="ada", reason=reason)


def version_of(instance: dg.DagsterInstance, key: str) -> str | None:
    partitions = [key]
    records = instance.fetch_observations(
        dg.AssetRecordsFilter(dg.AssetKey("labels"), asset_partitions=partitions), limit=1
    ).records
    return records[0].asset_observation.tags["dagster/data_version"] if records else None


def test_replicates_become_one_label_with_the_noise_of_their_mean(laboratory: ReviewedCampaign) -> None:
    key = laboratory.key(1)
    with laboratory.database.transaction() as connection:
        frozen = fetch_all(connection, "loop/iteration_labels", partition_key=key)
        iteration = read_iteration(connection, key)
    materials, values = pivot_labels(frozen, [GAP, ENERGY])
    _, noise = pivot_labels(frozen, [GAP, ENERGY], "standard_deviation")
    assert materials == ["p:A", "p:B"]
    np.testing.assert_allclose(values, [[1.2, -2.0], [2.0, -1.0]])
    np.testing.assert_allclose(noise, [[0.1 / np.sqrt(3), np.nan], [0.3, np.nan]])
    assert sorted(len(row["result_ids"]) for row in frozen) == [1, 1, 1, 3]
    assert hash_labels(frozen) == iteration.label_sha256
    assert hash_labels([row | {"standard_deviation": None} for row in frozen]) != iteration.label_sha256


def test_each_correction_gives_the_labels_another_version_once(
    laboratory: ReviewedCampaign, dagster_instance: dg.DagsterInstance
) -> None:
    database, key = laboratory.database, laboratory.key(1)
    dagster_instance.add_dynamic_partitions(AL_ITERATION.name or "", [key])
    assert tell_corrections(database, dagster_instance) == []
    (opened,) = load_origins(database, [key])
    assert opened.version == opened.sha256

    submit(database, measured("p:B", GAP, 2.5, corrects="wrong reference"))
    assert tell_corrections(database, dagster_instance) == [key]
    assert tell_corrections(database, dagster_instance) == []
    corrected = version_of(dagster_instance, key)
    assert corrected not in (None, opened.sha256)

    # The correction is retracted in its turn: of the label that was made of the first result that is the last word.
    take_back(database, "p:B", GAP, 1, "the sample was another one")
    assert tell_corrections(database, dagster_instance) == [key]
    assert version_of(dagster_instance, key) not in (None, opened.sha256, corrected)
    with database.transaction() as connection:
        (label,) = load_superseded(connection, laboratory.name)[key]
    assert str(label).startswith("band_gap_direct of B (p:B), learned as 2 eV, was retracted on ")
    assert str(label).endswith(" by ada: the sample was another one")

    # What no iteration learned from makes nothing outdated.
    submit(database, replace(measured("p:B", ENERGY, -9.0, sample="S9"), partition_key=None))
    submit(database, replace(measured("p:B", ENERGY, -8.0, sample="S9", corrects="x"), partition_key=None))
    assert tell_corrections(database, dagster_instance) == []
    assert laboratory.key(0) not in load_superseded_of(database)


def load_superseded_of(database: Database) -> dict[str, Any]:
    with database.transaction() as connection:
        return dict(load_superseded(connection))


def test_a_ranking_of_a_version_that_learned_from_it_before_is_marked_too(
    laboratory: ReviewedCampaign,
) -> None:
    database = laboratory.database
    take_back(database, "p:A", GAP, 2, "a crack in the pellet")
    laboratory.register(1, 1, 1)
    validate_iteration(database, laboratory.key(0), None)
    laboratory.rank(2, ["p:C"])
    with database.transaction() as connection:
        connection.execute(
            sa.text("UPDATE active_learning_runs SET model_sha256 = :sha WHERE iteration = 2"), {"sha": SHA}
        )
        named = {"partition_key": laboratory.key(2), "own_sha256": SHA, "model_sha256": "1" * 64}
        execute(connection, "prediction/record_predictor", **named, champion_version=1, reason="champion")
    found = load_superseded_of(database)
    assert {key: [label.version for label in labels] for key, labels in found.items()} == {
        laboratory.key(1): [None], laboratory.key(2): [1]
    }  # fmt: skip


class Registry:
    """A registry of models with two versions, that remembers what it was told."""

    def __init__(self, keys: list[str]) -> None:
        self.tags: list[dict[str, str]] = [{"catalyst.partition": key} for key in keys]
        self.runs: dict[str, str] = {}

    def versions(self, name: str) -> list[RegisteredVersion]:
        from datetime import UTC, datetime

        return [
            RegisteredVersion(name, place + 1, f"run{place + 1}", "", dict(tags), False, datetime.now(UTC))
            for place, tags in enumerate(self.tags)
        ]

    def tag(self, name: str, version: int, tags: dict[str, str]) -> None:
        self.tags[version - 1] |= tags

    def tag_run(self, run_id: str, tags: dict[str, str]) -> None:
        self.runs[run_id] = tags[SUPERSEDED]


def test_versions_and_their_runs_are_tagged_once(laboratory: ReviewedCampaign) -> None:
    database = laboratory.database
    registry: Any = Registry([laboratory.key(0), laboratory.key(1)])
    with database.transaction() as connection:
        assert mark_superseded(connection, registry, laboratory.name) == 0
    take_back(database, "p:A", GAP, 2, "a crack in the pellet")
    take_back(database, "p:A", GAP, 3, "the same pellet")
    with database.transaction() as connection:
        assert mark_superseded(connection, registry, laboratory.name) == 1
        assert mark_superseded(connection, registry, laboratory.name) == 0
    assert SUPERSEDED not in registry.tags[0]
    said = registry.tags[1][SUPERSEDED]
    assert said.startswith("1 corrected or retracted since; band_gap_direct of A (p:A)")
    assert "a crack in the pellet" in said
    assert registry.runs == {"run2": said}


def test_the_api_and_the_terminal_say_which_labels_hold_no_more(
    laboratory: ReviewedCampaign, api: httpx.Client, own_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    laboratory.rank(2, ["p:C"])
    submit(laboratory.database, measured("p:B", GAP, 2.5, corrects="wrong reference"))
    progress = api.get(f"/campaigns/{laboratory.name}").json()["progress"]
    assert [len(each["superseded"]) for each in progress] == [0, 1, 0]
    (label,) = progress[1]["superseded"]
    assert (label["formula"], label["learned"], label["value"], label["unit"]) == ("B", 2.0, 2.5, "eV")
    assert (label["change"], label["reason"], label["submitted_by"]) == (
        "corrected",
        "wrong reference",
        "ada",
    )
    listed = api.get("/candidates", params={"sort": "iteration"}).json()["items"]
    assert [(each["iteration"], each["labels_superseded"]) for each in listed] == [(0, 0), (0, 0), (2, 0)]
    monkeypatch.setenv("COLUMNS", "250")
    shown = CliRunner().invoke(app, ["campaign", "show", laboratory.name])
    assert "band_gap_direct of B (p:B), learned as 2 eV, was corrected to 2.5 eV" in shown.output, (
        shown.output
    )
    assert "by ada: wrong reference (iteration 0001)" in shown.output
