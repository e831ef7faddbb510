"""`catalyst campaign replay`: the same list from what was stored, whatever was decided since."""

import dataclasses
import json

import numpy as np
import pytest
import sqlalchemy as sa
from typer.testing import CliRunner, Result

from catalyst_assets.acquisition.recording import record_shortlist
from catalyst_assets.acquisition.replay import replay
from catalyst_assets.acquisition.shortlist import compute_shortlist
from catalyst_assets.acquisition.what_if import load_stored_ranking
from catalyst_assets.campaigns.model import Campaign
from catalyst_assets.cli import app
from catalyst_assets.errors import UsageError
from catalyst_assets.learning.audit import audit_training_set
from catalyst_assets.learning.training import train
from catalyst_assets.learning.training_set import build_training_set, store_training_set
from catalyst_assets.loop.campaigns import load_campaign_state
from catalyst_assets.loop.decide import decide
from catalyst_assets.loop.state import Decision, Open, Stop
from catalyst_assets.partitions import IterationKey
from catalyst_assets.representation.backbones import Origin, OriginKind
from catalyst_assets.representation.library import publish_backbone
from catalyst_assets.representation.stage import embed_shard, plan_shards
from catalyst_assets_tests.fitted import tiny_backbone
from catalyst_assets_tests.integration.learning.learning_campaign import CAMPAIGN as SALTS
from catalyst_assets_tests.integration.learning.learning_campaign import load_salts, prepare_turn, salts
from catalyst_assets_tests.integration.loop.iterations import rank_iteration
from catalyst_assets_tests.results import submit_results
from resources.platform import Platform
from resources.postgres.database import Role, fetch_all, fetch_one

CAMPAIGN = Campaign.model_validate(
    SALTS.document
    | {
        "acquisition": {
            "strategy": "expected_improvement",
            "exploration_weight": 0.4,
            "batch_size": 4,
            "diversity": 0.5,
        },
        "learning": {"heads": ["gaussian_process"]},
        "failures": {"learn": True, "suggest_again_after": 0},
        "initial_batch": 4,
    }
)

PLAIN = Campaign.model_validate(
    CAMPAIGN.document | {"failures": {}, "acquisition": CAMPAIGN.document["acquisition"] | {"diversity": 0}}
)


def move(platform: Platform, candidate: int, *statuses: str) -> None:
    with platform.database.transaction() as connection:
        for status in statuses:
            fetch_one(
                connection,
                "acquisition/transition",
                candidate_id=candidate,
                to_status=status,
                actor="ada",
                reason="",
            )


def reject(platform: Platform, candidate: int, kind: str) -> None:
    with platform.database.transaction() as connection:
        fetch_one(
            connection,
            "acquisition/move",
            candidate_id=candidate,
            to_status="rejected",
            actor="ada",
            reason="so",
            kind=kind,
        )


@pytest.fixture
def ranked(platform: Platform) -> tuple[str, list[int]]:
    """Two iterations of a campaign: the second knows 14 labels, a pending candidate and a failure."""
    load_salts(platform, CAMPAIGN)
    first = [row["candidate_id"] for row in rank_iteration(platform, prepare_turn(platform, 0, 0, CAMPAIGN))]
    move(platform, first[0], "flagged")
    move(platform, first[1], "flagged", "in_validation")
    reject(platform, first[1], "failed")
    key = prepare_turn(platform, 1, 14, CAMPAIGN)
    rank_iteration(platform, key)
    return key, first


@pytest.fixture
def catalyst(own_environment: None) -> "type[Command]":
    return Command


class Command:
    @staticmethod
    def replay(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["campaign", "replay", *arguments])


def test_a_ranking_is_the_same_again_whatever_was_decided_since(
    platform: Platform, ranked: tuple[str, list[int]], catalyst: type[Command]
) -> None:
    key, first = ranked
    with platform.database.transaction() as connection:
        listed = fetch_all(connection, "acquisition/candidates", partition_key=key)
        recorded = fetch_one(connection, "acquisition/ranking", partition_key=key)
        pending = fetch_all(connection, "acquisition/candidates", partition_key="salts__0000")[0]
    assert recorded is not None
    assert recorded["history"]["pending"] == recorded["history"]["withheld"] == [pending["material_id"]]
    assert len(recorded["history"]["failed"]) == 1
    assert pending["material_id"] not in {row["material_id"] for row in listed}

    # Decisions about both iterations, and another prediction promoted: none of it was there when it was ranked.
    measured = {"formation_energy_per_atom": -1.0}
    submit_results(platform.database, "salts__0000", pending["material_id"], measured)
    move(platform, first[0], "in_validation", "validated")
    reject(platform, first[1], "infeasible")
    reject(platform, listed[0]["candidate_id"], "withdrawn")
    outcome = catalyst.replay(key)
    assert outcome.exit_code == 0, outcome.output
    n_salts = len(salts())
    assert f"The same list again: {n_salts - 1} materials, the first 16 of them candidates." in outcome.output
    assert "expected_improvement, exploration weight 0.4" in outcome.output
    told = json.loads(catalyst.replay(key, "--json").output)
    assert (told["is_same"], told["problems"], told["n_listed"]) == (True, [], 16)
    assert told["recorded"]["ranking_sha256"] == recorded["ranking_sha256"]


def test_a_list_that_is_not_the_same_says_where_it_first_differs(
    platform: Platform, ranked: tuple[str, list[int]], catalyst: type[Command]
) -> None:
    key, _ = ranked
    with platform.database.transaction(Role.OWNER) as connection:
        third = connection.execute(
            sa.text(
                "UPDATE predictions SET mean = ARRAY[-99.0], draws = substring(draws FOR 0) || decode(repeat("
                "'0000c6c2', length(draws) / 4), 'hex') WHERE version = (SELECT prediction_version FROM rankings"
                " WHERE partition_key = :key) AND material_id = (SELECT material_id FROM candidates"
                " WHERE partition_key = :key AND rank = 3) RETURNING material_id"
            ),
            {"key": key},
        ).scalar_one()
        was = connection.execute(
            sa.text("SELECT material_id FROM candidates WHERE partition_key = :key AND rank = 1"),
            {"key": key},
        ).scalar_one()
    outcome = catalyst.replay(key)
    assert outcome.exit_code == 1
    assert f"At rank 1 {was} is recorded, now it is {third}." in outcome.output
    assert "The ranking sha256 is " in outcome.output


def test_labels_that_were_changed_are_named(platform: Platform, ranked: tuple[str, list[int]]) -> None:
    key, _ = ranked
    with platform.database.transaction(Role.OWNER) as connection:
        connection.execute(sa.text("UPDATE iteration_labels SET value = value + 1e-12"))
    done = replay(platform.database, platform.objects, key)
    assert not done.is_same
    assert done.first_difference is None  # the training set was frozen with the labels as they were
    assert [problem.split(" is ")[0] for problem in done.problems] == [
        "The label sha256",
        "The list itself",
    ]


def test_what_was_never_ranked_cannot_be_replayed(
    platform: Platform, ranked: tuple[str, list[int]], catalyst: type[Command]
) -> None:
    for key, text in (
        ("salts__0009", "no iteration salts__0009"),
        (prepare_turn(platform, 2, 14, CAMPAIGN), "no ranking"),
    ):
        outcome = catalyst.replay(key)
        assert isinstance(outcome.exception, UsageError)
        assert text in str(outcome.exception)


def test_candidates_keep_the_labelled_materials_nearest_to_them(
    platform: Platform, ranked: tuple[str, list[int]]
) -> None:
    key, _ = ranked
    with platform.database.transaction(Role.OWNER) as connection:
        rows = connection.execute(
            sa.text("SELECT material_id, nearest FROM candidates WHERE partition_key = :k"), {"k": key}
        ).all()
        labelled = set(
            connection.execute(
                sa.text("SELECT material_id FROM iteration_labels WHERE partition_key = :k"), {"k": key}
            ).scalars()
        )
    assert len(rows) == 16
    for material, nearest in rows:
        assert len(nearest) == 3
        assert {near["material_id"] for near in nearest} <= labelled
        distances = [near["distance"] for near in nearest]
        assert distances == sorted(distances)
        assert (distances[0] == 0) == (material in labelled)


def test_a_training_set_that_came_after_the_model_does_not_show(
    platform: Platform, ranked: tuple[str, list[int]]
) -> None:
    key, _ = ranked
    with platform.database.transaction(Role.OWNER) as connection:
        recorded = connection.execute(
            sa.text("SELECT nearest FROM candidates WHERE partition_key = :k ORDER BY rank"), {"k": key}
        ).scalars()
        nearest = list(recorded)
    built = build_training_set(platform.database, platform.objects, key)
    described_otherwise = dataclasses.replace(built, features=np.sin(1e3 * built.features))
    store_training_set(platform.database, platform.objects, key, described_otherwise)
    assert replay(platform.database, platform.objects, key).is_same
    again = compute_shortlist(platform.database, platform.objects, key)
    assert [json.loads(row["nearest"]) for row in again.rows] == nearest


def test_an_iteration_that_was_trained_again_with_another_backbone_replays_with_other_features(
    platform: Platform,
) -> None:
    load_salts(platform, PLAIN)
    key = prepare_turn(platform, 0, 14, PLAIN)
    rank_iteration(platform, key)
    taught = tiny_backbone().with_weights(tiny_backbone().network, Origin(OriginKind.PRETRAINED))
    publish_backbone(platform.objects, {"kind": "pretrained"}, lambda: taught)
    for shard in plan_shards(platform):
        embed_shard(platform.database, platform.objects, shard)
    assert replay(platform.database, platform.objects, key).is_same  # the model is still the one before

    again = build_training_set(platform.database, platform.objects, key)
    store_training_set(platform.database, platform.objects, key, again)
    train(platform, audit_training_set(platform.database, platform.objects, key))
    done = replay(platform.database, platform.objects, key)
    assert [problem.split(" is ")[0] for problem in done.problems] == [
        "The features sha256",
        "The list itself",  # ranked by scores alone
    ]


def test_a_smaller_batch_of_the_same_list_is_recorded(platform: Platform) -> None:
    load_salts(platform, PLAIN)
    key = prepare_turn(platform, 0, 14, PLAIN)
    rank_iteration(platform, key)
    whole = compute_shortlist(platform.database, platform.objects, key)
    smaller = dataclasses.replace(whole, inputs=dataclasses.replace(whole.inputs, batch_size=2), n_listed=8)
    assert record_shortlist(platform.database, smaller)
    assert not record_shortlist(platform.database, smaller)
    assert replay(platform.database, platform.objects, key).n_listed == 8


def test_ranking_again_with_the_recorded_strategy_agrees_with_the_ranking(platform: Platform) -> None:
    load_salts(platform, PLAIN)
    key = prepare_turn(platform, 0, 14, PLAIN)
    listed = [row["material_id"] for row in rank_iteration(platform, key)]
    with platform.database.transaction(Role.APP) as connection:
        stored = load_stored_ranking(connection, key)
    assert stored.rank_again(None, None, top=16)["material_id"].tolist() == listed


def test_what_failed_is_suggested_at_once_when_nothing_else_is_left_and_is_replayed_so(
    platform: Platform,
) -> None:
    patient = Campaign.model_validate(
        CAMPAIGN.document | {"failures": {"learn": True, "suggest_again_after": 9}, "initial_batch": 8}
    )

    def next_step() -> Decision:
        with platform.database.transaction() as connection:
            state = load_campaign_state(connection, patient.name, lambda _: {})
        assert state is not None
        return decide(state)

    load_salts(platform, patient)
    listed = rank_iteration(platform, prepare_turn(platform, 0, 14, patient))
    assert len(listed) == len(salts())
    failed, *others = [row["candidate_id"] for row in listed]
    move(platform, failed, "flagged", "in_validation")
    reject(platform, failed, "failed")
    for candidate in others:
        reject(platform, candidate, "infeasible")
    assert isinstance(next_step(), Open)

    key = prepare_turn(platform, 1, 14, patient)
    (again,) = rank_iteration(platform, key)
    assert again["material_id"] == listed[0]["material_id"]
    assert replay(platform.database, platform.objects, key).is_same
    with platform.database.transaction(Role.APP) as connection:
        stored = load_stored_ranking(connection, key)
    assert stored.rank_again(None, None, top=9)["material_id"].tolist() == [again["material_id"]]

    move(platform, again["candidate_id"], "flagged", "in_validation")
    assert replay(platform.database, platform.objects, key).is_same
    reject(platform, again["candidate_id"], "failed")
    assert next_step() == Stop("pool exhausted", closes=IterationKey.parse(key))
