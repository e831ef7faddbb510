"""The stages of one turn on a real database: what they write, what they refuse."""

from collections.abc import Mapping
from typing import Any

import dagster as dg
import numpy as np
import pytest
import sqlalchemy as sa
from dagster._core.definitions.observe import observe

from catalyst_assets.acquisition.recording import record_shortlist
from catalyst_assets.acquisition.replay import replay
from catalyst_assets.acquisition.shortlist import compute_shortlist
from catalyst_assets.build import build_defs
from catalyst_assets.campaigns.iterations import read_iteration
from catalyst_assets.campaigns.labels import hash_labels
from catalyst_assets.campaigns.model import Campaign
from catalyst_assets.errors import DatabaseUnavailableError, InvalidPoolError, LoopError
from catalyst_assets.learning.audit import audit_training_set
from catalyst_assets.learning.training import train
from catalyst_assets.learning.training_set import build_training_set, load_training_set, store_training_set
from catalyst_assets.loop.campaigns import close_iteration, load_pool, open_iteration, start_campaign
from catalyst_assets.loop.jobs import ITERATION_JOB, VALIDATION_JOB
from catalyst_assets.partitions import AL_ITERATION, IterationKey
from catalyst_assets.prediction.versions import (
    PredictionPlan,
    load_predictions,
    plan_predictions,
    predict_shard,
    promote,
)
from catalyst_assets.validation.answering import validate_iteration
from catalyst_assets.validation.assets import labels
from catalyst_assets.validation.prediction_errors import score_iteration
from catalyst_assets.validation.reference_table import ReferenceTable
from catalyst_assets.validation.results.settling import Settled
from catalyst_assets_tests.conftest import Template
from catalyst_assets_tests.integration.loop.loop_process import CAMPAIGN
from resources.platform import Platform
from resources.postgres.database import Database, Role, Sibling, execute, fetch_all, fetch_one
from resources.settings import Settings

FIRST, SECOND = IterationKey(CAMPAIGN.name, 0), IterationKey(CAMPAIGN.name, 1)


def run(platform: Platform, instance: dg.DagsterInstance, job: str, key: IterationKey | None = None) -> Any:
    if key is not None:
        instance.add_dynamic_partitions(AL_ITERATION.name or "", [str(key)])
    result = (
        build_defs(platform=platform)
        .resolve_job_def(job)
        .execute_in_process(instance=instance, partition_key=str(key) if key else None, raise_on_error=False)
    )
    assert shown_as_json(result) == []
    return result


def shown_as_json(result: dg.ExecuteInProcessResult) -> list[str]:
    """Return the names of metadata that nobody can read."""
    said: list[Mapping[str, dg.MetadataValue[Any]]] = []
    for event in result.all_events:
        if event.is_step_materialization:
            said.append(event.step_materialization_data.materialization.metadata)
        if event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            said.append(event.asset_check_evaluation_data.metadata)
    return [name for each in said for name, value in each.items() if isinstance(value, dg.JsonMetadataValue)]


def metadata(result: Any, asset: str) -> Mapping[str, Any]:
    (event,) = result.asset_materializations_for_node(asset)
    return {name: entry.value for name, entry in event.metadata.items()}


def checks(result: Any) -> dict[str, bool]:
    return {check.check_name: check.passed for check in result.get_asset_check_evaluations()}


def start_iteration(database: Database, key: IterationKey, campaign: Campaign = CAMPAIGN) -> None:
    with database.transaction() as connection:
        if key.parent is not None:
            close_iteration(connection, key.parent)
        open_iteration(connection, campaign, key)


def rank_iteration(platform: Platform, key: str) -> bool:
    database, objects = platform.database, platform.objects
    store_training_set(database, objects, key, build_training_set(database, objects, key))
    train(platform, audit_training_set(database, objects, key))
    plan, shards = plan_predictions(database, objects, platform.settings, key)
    for shard in shards:
        predict_shard(database, objects, plan, *shard)
    promote(database, plan)
    return record_shortlist(database, compute_shortlist(database, objects, key))


@pytest.fixture(scope="module")
def template(shipped_set: Template) -> Template:
    """The shipped set with its features."""
    return shipped_set


@pytest.fixture
def prepared(platform: Platform) -> Platform:
    """A campaign of 40 of the shipped compounds."""
    start_campaign(platform.database, CAMPAIGN)
    return platform


@pytest.mark.slow
def test_two_turns_write_whole_and_checked_stages(
    prepared: Platform, dagster_instance: dg.DagsterInstance
) -> None:
    database, objects = prepared.database, prepared.objects
    start_iteration(database, FIRST)
    turn = run(prepared, dagster_instance, ITERATION_JOB, FIRST)
    assert turn.success
    assert all(passed for name, passed in checks(turn).items())
    assert metadata(turn, "predictions")["materials"] == 40
    validation = run(prepared, dagster_instance, VALIDATION_JOB, FIRST)
    assert validation.success
    said = metadata(validation, "validation_results")
    assert said["validated_now"] + said["poor_now"] == 8

    start_iteration(database, SECOND)
    turn = run(prepared, dagster_instance, ITERATION_JOB, SECOND)
    assert turn.success
    told = metadata(turn, "trained_model")
    assert told["learned"]
    assert str(told["parity"]).startswith("![parity plot](data:image/png;base64,")
    assert str(told["mlflow_run"]).startswith("http://")
    assert metadata(turn, "training_set")["parent_iteration"] == str(FIRST)
    assert run(prepared, dagster_instance, VALIDATION_JOB, SECOND).success

    with database.transaction() as connection:
        second = read_iteration(connection, str(SECOND))
        candidates = fetch_all(connection, "acquisition/candidates", partition_key=str(SECOND))
        earlier = fetch_all(connection, "acquisition/candidates", partition_key=str(FIRST))
        material_ids, prediction, _ = load_predictions(connection, str(SECOND))
        pool = [row["material_id"] for row in load_pool(connection, CAMPAIGN.pool)]
    assert len(candidates) == 6
    assert {row["status"] for row in candidates} <= {"validated", "rejected"}
    assert not {row["material_id"] for row in candidates} & {row["material_id"] for row in earlier}
    assert material_ids == pool
    assert prediction.properties == ("band_gap_direct", "formation_energy_per_atom")
    assert prediction.draws.shape[0] == 40
    assert np.mean(prediction.is_outside) < 0.5
    assert second.metrics["evaluated"] == 14
    assert set(second.metrics["test_mae_by_property"]) == set(prediction.properties)
    assert second.metrics["valid_mae"] > 0
    assert second.mlflow_run_id is not None

    # The same stage again gives the same state, and a changed ranking is refused once it was acted upon.
    again = compute_shortlist(database, objects, str(SECOND))
    assert record_shortlist(database, again) is False
    assert replay(database, objects, str(SECOND)).is_same
    with database.transaction(Role.OWNER) as connection:
        connection.execute(sa.text("UPDATE rankings SET ranking_sha256 = repeat('0', 64)"))
    with pytest.raises(LoopError, match="acted upon"):
        record_shortlist(database, again)
    assert validate_iteration(database, str(SECOND), ReferenceTable()).settled == Settled()


@pytest.mark.slow
def test_nothing_up_to_the_ranking_needs_the_validators_login(
    prepared: Platform, settings: Settings, dagster_instance: dg.DagsterInstance
) -> None:
    start_iteration(prepared.database, FIRST)
    pipeline_only = Database(
        {Role.PIPELINE: prepared.database.url(Role.PIPELINE)},
        {Sibling.MLFLOW: prepared.database.sibling_url(Sibling.MLFLOW)},
    )
    platform = Platform(settings, pipeline_only)
    assert run(platform, dagster_instance, ITERATION_JOB, FIRST).success
    with (
        pytest.raises(sa.exc.ProgrammingError, match="permission denied for table reference_values"),
        pipeline_only.transaction() as connection,
    ):
        fetch_all(connection, "validation/hits_in_pool", material_ids=[], method="PBE", properties=[])
    with pytest.raises(DatabaseUnavailableError, match="no login of catalyst_validator"):
        validate_iteration(pipeline_only, str(FIRST), ReferenceTable())


@pytest.mark.slow
def test_a_model_outlives_tracking_that_does_not_work(
    prepared: Platform, settings: Settings, dagster_instance: dg.DagsterInstance
) -> None:
    start_iteration(prepared.database, FIRST)
    # A login that may not make MLflow's tables there.
    wrong = prepared.database.url(Role.APP)
    untracked = Database({role: prepared.database.url(role) for role in Role}, {Sibling.MLFLOW: wrong})
    turn = run(Platform(settings, untracked), dagster_instance, ITERATION_JOB, FIRST)
    assert turn.success
    assert str(metadata(turn, "trained_model")["mlflow_run"]).startswith("not recorded")
    with prepared.database.transaction() as connection:
        iteration = read_iteration(connection, str(FIRST))
    assert iteration.model_sha256 is not None
    assert iteration.mlflow_run_id is None


@pytest.mark.slow
def test_a_leaked_test_member_stops_the_turn_before_training(
    prepared: Platform, dagster_instance: dg.DagsterInstance
) -> None:
    database, objects = prepared.database, prepared.objects
    start_iteration(database, FIRST)
    with database.transaction() as connection:
        held_out = fetch_all(connection, "campaigns/test_set", campaign=CAMPAIGN.name)[0]["material_id"]
        label = {
            "material_id": held_out,
            "property": "band_gap_direct",
            "method": "PBE",
            "value": 1.5,
            "origin": "validated",
            "standard_deviation": None,
            "result_ids": [],
        }
    # Count and hash are made to agree, so that only the leak itself can be found.
    with database.transaction(Role.OWNER) as connection:
        execute(connection, "loop/add_label", partition_key=str(FIRST), **label)
        connection.execute(
            sa.text("UPDATE active_learning_runs SET label_count = 1, label_sha256 = :sha"),
            {"sha": hash_labels([label])},
        )
    turn = run(prepared, dagster_instance, ITERATION_JOB, FIRST)
    assert not turn.success
    failed = [name for name, passed in checks(turn).items() if not passed]
    assert failed == ["no_test_member_is_learned_from"]
    with pytest.raises(LoopError, match="test member"):
        train(prepared, audit_training_set(database, objects, str(FIRST)))
    with database.transaction() as connection:
        assert read_iteration(connection, str(FIRST)).model_sha256 is None


@pytest.mark.slow
def test_a_training_set_with_the_wrong_parent_or_labels_is_refused(prepared: Platform) -> None:
    database, objects = prepared.database, prepared.objects
    start_iteration(database, FIRST)
    with database.transaction() as connection:
        open_iteration(connection, CAMPAIGN, SECOND)  # its parent is still open
        held_out = {
            row["material_id"] for row in fetch_all(connection, "campaigns/test_set", campaign=CAMPAIGN.name)
        }
        pool = [row["material_id"] for row in load_pool(connection, CAMPAIGN.pool)]
        material_id = next(name for name in pool if name not in held_out)
        execute(
            connection,
            "loop/add_label",
            partition_key=str(SECOND),
            material_id=material_id,
            property="band_gap_direct",
            method="HSE06",
            value=99.0,
            origin="computed",
            standard_deviation=None,
            result_ids=[],
        )
    store_training_set(database, objects, str(SECOND), build_training_set(database, objects, str(SECOND)))
    problems = audit_training_set(database, objects, str(SECOND)).problems
    assert problems["parent"] == [
        f"Its parent {FIRST} is open, not closed.",
        "1 labels are there, 0 were frozen.",
        "The labels are not those that were frozen: their hash differs.",
    ]
    assert [problem.split(" is ", 1)[1] for problem in problems["values"]] == [
        "by HSE06, the campaign's method is PBE.",
        "99 eV, outside 0 to 30.",
    ]
    with pytest.raises(LoopError, match="unfit"):
        train(prepared, audit_training_set(database, objects, str(SECOND)))


@pytest.mark.slow
def test_predictions_do_not_depend_on_shards_and_show_only_whole(
    prepared: Platform, settings: Settings
) -> None:
    database, objects = prepared.database, prepared.objects
    key = str(FIRST)
    start_iteration(database, FIRST)
    store_training_set(database, objects, key, build_training_set(database, objects, key))
    train(prepared, audit_training_set(database, objects, key))
    plan, shards = plan_predictions(database, objects, settings.model_copy(update={"shard_size": 16}), key)
    assert shards == [(0, 13), (13, 26), (26, 40)]
    for shard in shards[:2]:
        predict_shard(database, objects, plan, *shard)
        predict_shard(database, objects, plan, *shard)  # a shard done twice is done once
    with pytest.raises(LoopError, match="26 of 40 materials are predicted"):
        promote(database, plan)
    with database.transaction() as connection, pytest.raises(LoopError, match="no predictions"):
        load_predictions(connection, key)
    predict_shard(database, objects, plan, *shards[2])
    promote(database, plan)
    with database.transaction() as connection:
        _, in_three, version = load_predictions(connection, key)
    again, nothing = plan_predictions(database, objects, settings, key)
    assert (again.version, nothing) == (version, [])

    whole = PredictionPlan(**{**plan.to_json(), "version": version})
    with database.transaction(Role.OWNER) as connection:
        connection.execute(sa.text("DELETE FROM predictions"))
    predict_shard(database, objects, whole, 0, 40)
    with database.transaction() as connection:
        _, at_once, _ = load_predictions(connection, key)
    np.testing.assert_array_equal(at_once.draws, in_three.draws)
    np.testing.assert_array_equal(at_once.mean, in_three.mean)


@pytest.mark.slow
def test_a_reviewer_gets_four_batches_and_nothing_is_sent_without_one(prepared: Platform) -> None:
    database = prepared.database
    manual = Campaign.model_validate(
        CAMPAIGN.document | {"name": "manual", "review": "manual", "validator": "laboratory"}
    )
    start_campaign(database, manual)
    key = "manual__0000"
    start_iteration(database, IterationKey.parse(key), manual)
    assert rank_iteration(prepared, key) is True
    with database.transaction() as connection:
        listed = fetch_all(connection, "acquisition/candidates", partition_key=key)
        recorded = fetch_one(connection, "acquisition/ranking", partition_key=key)
        fetch_one(
            connection,
            "acquisition/transition",
            candidate_id=listed[0]["candidate_id"],
            to_status="flagged",
            actor="ada",
            reason="",
        )
    assert recorded is not None
    assert recorded["batch_size"] == 8
    assert [row["status"] for row in listed] == ["ranked"] * 32
    assert [row["rank"] for row in listed] == [*range(1, 33)]
    assert validate_iteration(database, key, None).waiting == 1


@pytest.mark.slow
def test_a_candidate_without_an_answer_is_rejected_with_the_reason(prepared: Platform) -> None:
    database = prepared.database
    key = str(FIRST)
    start_iteration(database, FIRST)
    rank_iteration(prepared, key)
    with database.transaction() as connection:
        silent = fetch_all(connection, "acquisition/candidates", partition_key=key)[0]
    with database.transaction(Role.OWNER) as connection:
        connection.execute(
            sa.text("DELETE FROM reference_values WHERE material_id = :m AND property = 'band_gap_direct'"),
            {"m": silent["material_id"]},
        )
    answered = validate_iteration(database, key, ReferenceTable())
    assert (answered.settled.validated + answered.settled.poor, answered.settled.failed) == (7, 1)
    with database.transaction() as connection:
        results = fetch_all(connection, "validation/results", partition_key=key)
        events = connection.execute(
            sa.text(
                "SELECT to_status, actor, reason FROM candidate_events WHERE candidate_id = :i ORDER BY event_id"
            ),
            {"i": silent["candidate_id"]},
        ).all()
    failed = [row for row in results if row["outcome"] == "failed"]
    assert [(row["material_id"], row["property"]) for row in failed] == [
        (silent["material_id"], "band_gap_direct")
    ]
    assert [row.to_status for row in events] == ["ranked", "flagged", "in_validation", "rejected"]
    assert [row.actor for row in events[1:]] == ["automatic review", "reference_table", "reference_table"]
    assert events[-1].reason == "reference_table has no answer for band_gap_direct"
    assert score_iteration(database, key)["evaluated"] == 8


@pytest.mark.slow
def test_a_pool_without_features_is_refused_with_the_remedy(prepared: Platform, settings: Settings) -> None:
    database, objects = prepared.database, prepared.objects
    key = str(FIRST)
    start_iteration(database, FIRST)
    store_training_set(database, objects, key, build_training_set(database, objects, key))
    train(prepared, audit_training_set(database, objects, key))
    with database.transaction(Role.OWNER) as connection:
        connection.execute(sa.text("UPDATE materials SET deprecated = true"))
    with pytest.raises(InvalidPoolError, match="Materialize"):
        plan_predictions(database, objects, settings, key)
    with database.transaction() as connection:
        assert load_training_set(objects, read_iteration(connection, key)).material_ids == ()


def test_labels_are_observed_by_the_hash_of_each_turn_that_dagster_knows(
    prepared: Platform, dagster_instance: dg.DagsterInstance
) -> None:
    start_iteration(prepared.database, FIRST)
    start_iteration(prepared.database, SECOND)
    dagster_instance.add_dynamic_partitions(AL_ITERATION.name or "", [str(SECOND)])
    observed = observe([labels], resources={"platform": prepared}, instance=dagster_instance)
    (event,) = observed.asset_observations_for_node("labels")
    with prepared.database.transaction() as connection:
        expected = read_iteration(connection, str(SECOND)).label_sha256
    assert event.partition == str(SECOND)
    assert event.tags["dagster/data_version"] == expected == hash_labels([])
