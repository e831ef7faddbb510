"""The loop follows results, whoever wrote them, and rests while nothing changes."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster._core.definitions.partitions.context import partition_loading_context

from catalyst_assets.build import build_defs
from catalyst_assets.errors import UsageError
from catalyst_assets.loop import sensors
from catalyst_assets.loop.asked.requests import request_advance
from catalyst_assets.loop.campaigns import load_campaign_state, stop_campaign
from catalyst_assets.loop.decide import decide
from catalyst_assets.loop.reservations import reserve_runs
from catalyst_assets.loop.state import VALIDATION_JOB, JobHistory, Open, Run, Wait
from catalyst_assets.partitions import AL_ITERATION, IterationKey
from catalyst_assets.validation.answering import validate_iteration
from catalyst_assets.validation.results.ledger import retract
from catalyst_assets_tests.conftest import Template, prepared_template
from catalyst_assets_tests.integration.loop.following import Followed, publish_features
from resources.platform import Platform
from resources.postgres.database import Database, Role
from resources.postgres.embedded import EmbeddedPostgres

GOOD = {"band_gap_direct": 1.5, "formation_energy_per_atom": -2.5}
POOR = {"band_gap_direct": 4.5, "formation_energy_per_atom": -2.5}
MATERIALS = ["p:A", "p:B", "p:C", "p:D", "p:E", "p:F"]


@pytest.fixture(scope="module")
def template(
    postgres_server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Template]:
    with prepared_template(postgres_server, tmp_path_factory.mktemp("features"), publish_features) as made:
        yield made


@pytest.fixture
def followed(platform: Platform, dagster_instance: dg.DagsterInstance) -> Followed:
    return Followed(platform, dagster_instance)


def run_of(followed: Followed, iteration: int, attempt: int = 1) -> Run:
    return Run(VALIDATION_JOB, IterationKey(followed.name, iteration), attempt)


def validate(followed: Followed, iteration: int) -> None:
    validate_iteration(followed.platform.database, followed.reviewed.key(iteration), None)


def rest(followed: Followed) -> None:
    assert isinstance(followed.advance().decision, Wait)
    assert not followed.is_due()


def statements(database: Database) -> list[str]:
    sent: list[str] = []
    sa.event.listen(
        database.engine(Role.PIPELINE), "before_cursor_execute", lambda *args: sent.append(args[2])
    )
    return sent


def test_a_campaign_that_waits_costs_one_query_until_something_of_it_changes(followed: Followed) -> None:
    candidates = followed.rank(0, MATERIALS, flag=2)
    assert followed.is_due()
    rest(followed)
    sent = statements(followed.platform.database)
    with dg.build_sensor_context(
        instance=followed.instance, resources={"platform": followed.platform}
    ) as context:
        tick = sensors.loop_sensor.evaluate_tick(context)
    assert not tick.run_requests
    assert tick.skip_message == "followed: 2 candidates of iteration 0 await the laboratory"
    assert len(sent) <= 3  # what is due, whether calculations wait, and whether somebody asks for something

    other = Followed(followed.platform, followed.instance, "other")
    assert not followed.is_due()
    assert other.is_due()
    followed.reviewed.move(candidates[2], "flagged")
    assert followed.is_due()
    rest(followed)


def test_a_row_written_straight_into_the_table_is_checked_settles_its_candidate_and_is_a_label_of_the_next(
    followed: Followed,
) -> None:
    followed.rank(0, MATERIALS[:3], flag=3)
    rest(followed)
    for material, values in (("p:A", GOOD), ("p:B", POOR)):
        followed.insert(0, material, **values)
    assert followed.is_due()
    assert followed.advance().decision == run_of(followed, 0)
    validate(followed, 0)
    assert followed.statuses(0) == {"p:A": "validated", "p:B": "rejected", "p:C": "flagged"}
    rest(followed)
    followed.insert(0, "p:C", **GOOD)
    assert followed.advance().decision == run_of(followed, 0)
    validate(followed, 0)
    opened = followed.advance()
    assert opened.decision == Open(IterationKey("followed", 1), closes=IterationKey("followed", 0))
    assert {material for material, _, _ in followed.labels(1)} == {"p:A", "p:B", "p:C"}


def test_a_run_that_ends_while_the_loop_looks_is_not_asked_for_again(followed: Followed) -> None:
    followed.rank(0, MATERIALS[:3], flag=3)
    followed.insert(0, "p:A", **GOOD)

    def end_meanwhile(key: str) -> dict[tuple[str, str], JobHistory]:
        validate(followed, 0)
        return {(key, VALIDATION_JOB): JobHistory(attempts=1, consecutive_failures=0, active=False)}

    with followed.platform.database.transaction(Role.PIPELINE) as connection:
        state = load_campaign_state(connection, followed.name, end_meanwhile)
    assert state is not None
    assert isinstance(decide(state), Wait)


def test_results_that_nobody_asked_for_need_no_run_to_be_labels_and_one_to_move_candidates(
    followed: Followed,
) -> None:
    followed.rank(0, MATERIALS, flag=3)
    rest(followed)
    followed.insert(None, "p:F", **GOOD)
    assert followed.is_due()
    rest(followed)
    followed.insert(None, "p:A", **GOOD)
    assert followed.advance().decision == run_of(followed, 0)
    validate(followed, 0)
    assert followed.statuses(0)["p:A"] == "validated"
    rest(followed)
    request_advance(followed.platform.database, followed.name)
    assert isinstance(followed.advance().decision, Open)
    assert {material for material, _, _ in followed.labels(1)} == {"p:A", "p:F"}


def test_results_of_a_campaign_that_was_stopped_still_come_in(followed: Followed) -> None:
    followed.rank(0, MATERIALS, flag=2)
    rest(followed)
    stop_campaign(followed.platform.database, followed.name, "stopped: enough")
    rest(followed)
    followed.insert(0, "p:A", **GOOD)
    assert followed.is_due()
    assert followed.advance().decision == run_of(followed, 0)
    assert followed.is_due()  # the run may not have come to be
    validate(followed, 0)
    assert followed.statuses(0)["p:A"] == "validated"
    rest(followed)
    with followed.platform.database.transaction(Role.VALIDATOR) as connection:
        result_id = connection.execute(sa.text("SELECT min(result_id) FROM validation_results")).scalar_one()
        retract(connection, result_id, by="ada", reason="mislabelled")
    assert followed.advance().decision == run_of(followed, 0)
    validate(followed, 0)
    assert followed.statuses(0)["p:A"] == "in_validation"
    rest(followed)


def test_an_unfit_result_is_examined_once_and_asks_for_no_more_runs(followed: Followed) -> None:
    followed.rank(0, MATERIALS, flag=2)
    rest(followed)
    followed.insert(0, "p:A", band_gap_direct=-4.0)
    assert followed.advance().decision == run_of(followed, 0)
    validate(followed, 0)
    rest(followed)
    assert followed.statuses(0)["p:A"] == "flagged"


def test_fifty_overlapping_looks_and_a_doubled_request_open_one_iteration(followed: Followed) -> None:
    followed.rank(0, MATERIALS[:3], flag=3)
    for material in MATERIALS[:3]:
        followed.insert(0, material, **GOOD)
    validate(followed, 0)
    with ThreadPoolExecutor(8) as pool:
        advances = list(pool.map(lambda _: followed.advance(), range(50)))
    requests = [advance.request for advance in advances]
    assert {request.run_key for request in requests if request} == {"followed__0001:iteration:1"}
    assert sum(isinstance(advance.decision, Open) for advance in advances) == 1
    assert [row["partition_key"] for row in followed.iterations()] == ["followed__0000", "followed__0001"]
    assert len(followed.labels(1)) == 6


def requested_runs(followed: Followed) -> list[str | None]:
    repository = build_defs(settings=followed.platform.settings).get_repository_def()
    followed.instance.add_dynamic_partitions(str(AL_ITERATION.name), [followed.reviewed.key(0)])
    with (
        dg.build_sensor_context(
            instance=followed.instance,
            resources={"platform": followed.platform},
            repository_def=repository,
        ) as context,
        partition_loading_context(dynamic_partitions_store=followed.instance),
    ):
        return [request.run_key for request in sensors.loop_sensor.evaluate_tick(context).run_requests or []]


@pytest.mark.parametrize("passed", [timedelta(minutes=1), timedelta(days=-900)])
def test_a_run_that_another_daemon_asks_for_is_asked_for_by_this_one_only_if_that_one_is_gone(
    followed: Followed, passed: timedelta
) -> None:
    run_key = "followed__0000:validation:1"
    followed.rank(0, MATERIALS, flag=2)
    followed.insert(0, "p:A", **GOOD)
    assert reserve_runs(followed.platform.database, [run_key], "another") == {run_key}
    assert requested_runs(followed) == []
    assert followed.is_due()
    with followed.platform.database.transaction(Role.OWNER) as connection:
        connection.execute(
            sa.text("UPDATE run_requests SET requested_at = requested_at - :by"), {"by": passed}
        )
    assert requested_runs(followed) == [run_key]
    assert requested_runs(followed) == [run_key]  # Dagster makes it once
    assert reserve_runs(followed.platform.database, [run_key], "another") == set()


def test_the_next_iteration_opens_once_enough_is_known_that_the_newest_did_not_learn_from(
    platform: Platform, dagster_instance: dg.DagsterInstance
) -> None:
    followed = Followed(platform, dagster_instance, changes={"refresh": {"min_new_labels": 4}})
    followed.rank(0, MATERIALS, flag=3)
    followed.insert(0, "p:A", **GOOD)
    validate(followed, 0)
    rest(followed)
    followed.insert(0, "p:B", **POOR)
    validate(followed, 0)
    assert isinstance(followed.advance().decision, Open)
    assert len(followed.labels(1)) == 4


def test_a_person_opens_the_next_iteration_and_what_is_in_validation_comes_late(followed: Followed) -> None:
    with pytest.raises(UsageError, match="The first iteration of followed is not ranked yet"):
        request_advance(followed.platform.database, followed.name)
    followed.rank(0, MATERIALS, flag=3)
    followed.insert(0, "p:A", **GOOD)
    validate(followed, 0)
    rest(followed)
    assert request_advance(followed.platform.database, followed.name) == 2
    assert isinstance(followed.advance().decision, Open)
    with pytest.raises(UsageError, match="followed__0001 of followed is not ranked yet"):
        request_advance(followed.platform.database, followed.name)
    followed.insert(0, "p:B", **GOOD)  # while the next one trains
    assert followed.advance().decision == run_of(followed, 0)
    validate(followed, 0)
    assert followed.statuses(0)["p:B"] == "validated"
    assert {material for material, _, _ in followed.labels(1)} == {"p:A"}
    with followed.platform.database.transaction(Role.OWNER) as connection:
        connection.execute(sa.text("UPDATE active_learning_runs SET status = 'closed'"))
    assert isinstance(followed.advance().decision, Open)
    assert {material for material, _, _ in followed.labels(2)} == {"p:A", "p:B"}


def test_a_clock_that_was_set_back_does_not_let_a_campaign_rest_for_years(followed: Followed) -> None:
    followed.rank(0, MATERIALS, flag=1)
    rest(followed)
    with followed.platform.database.transaction(Role.OWNER) as connection:
        moved = "UPDATE campaign_looks SET looked_at = looked_at + :by, look_at = look_at + :by"
        connection.execute(sa.text(moved), {"by": timedelta(days=900)})
    assert followed.is_due()
    rest(followed)
