"""Runs whose process is gone are ended; those that live are left alone."""

import os
import socket
import subprocess
import sys
from datetime import timedelta

import dagster as dg
import psutil
import pytest
from dagster._core.remote_origin import InProcessCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

from catalyst_assets.errors import RunGivenUpError
from catalyst_assets.loop.advance import RequestedRun
from catalyst_assets.loop.runs import job_history, reap_dead_runs
from resources.postgres.database import Database, Role, copy_rows, execute, fetch_all
from resources.runs.process import HOST_TAG, PID_TAG, PROCESS_STARTED_TAG, process_tags


@dg.job
def iteration() -> None:
    """A job by the name the loop asks about."""


def started_run(instance: dg.DagsterInstance, tags: dict[str, str]) -> dg.DagsterRun:
    run = instance.create_run_for_job(iteration, status=dg.DagsterRunStatus.STARTED, tags=tags)
    instance.report_engine_event("started", run)
    return run


def status_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dg.DagsterRunStatus:
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found.status


@pytest.fixture
def dead_process() -> dict[str, str]:
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    started = psutil.Process(process.pid).create_time()
    process.wait()
    return {HOST_TAG: socket.gethostname(), PID_TAG: str(process.pid), PROCESS_STARTED_TAG: repr(started)}


def beat(database: Database, run: dg.DagsterRun, host: str, pid: int, started: float, age: timedelta) -> None:
    from datetime import UTC, datetime

    with database.transaction(Role.PIPELINE) as connection:
        copy_rows(
            connection,
            "run_heartbeats",
            ["run_id", "host", "pid", "process_started", "beat_at"],
            [(run.run_id, host, pid, started, (datetime.now(UTC) - age).isoformat())],
        )


def test_a_run_of_a_dead_process_is_failed_at_once(
    dagster_instance: dg.DagsterInstance, database: Database, dead_process: dict[str, str]
) -> None:
    run = started_run(dagster_instance, dead_process)
    assert reap_dead_runs(dagster_instance, database) == [run.run_id]
    assert status_of(dagster_instance, run) is dg.DagsterRunStatus.FAILURE
    assert reap_dead_runs(dagster_instance, database) == []


def test_a_reaped_run_gives_its_pool_slots_back(
    dagster_instance: dg.DagsterInstance, database: Database, dead_process: dict[str, str]
) -> None:
    storage = dagster_instance.event_log_storage
    storage.set_concurrency_slots("gpu", 1)
    run = started_run(dagster_instance, dead_process)
    storage.claim_concurrency_slot("gpu", run.run_id, "trained_model")
    assert storage.get_concurrency_info("gpu").active_slot_count == 1
    reap_dead_runs(dagster_instance, database)
    assert storage.get_concurrency_info("gpu").active_slot_count == 0


def test_a_run_of_this_living_process_is_left_alone(
    dagster_instance: dg.DagsterInstance, database: Database
) -> None:
    run = started_run(dagster_instance, process_tags())
    assert reap_dead_runs(dagster_instance, database) == []
    assert status_of(dagster_instance, run) is dg.DagsterRunStatus.STARTED


def test_another_process_under_the_same_number_does_not_keep_a_run_alive(
    dagster_instance: dg.DagsterInstance, database: Database
) -> None:
    tags = {HOST_TAG: socket.gethostname(), PID_TAG: str(os.getpid()), PROCESS_STARTED_TAG: "12.5"}
    run = started_run(dagster_instance, tags)
    assert reap_dead_runs(dagster_instance, database) == [run.run_id]


@pytest.mark.parametrize(("age", "dead"), [(timedelta(seconds=20), False), (timedelta(seconds=200), True)])
def test_a_run_elsewhere_is_given_up_when_its_heart_stops(
    dagster_instance: dg.DagsterInstance, database: Database, age: timedelta, dead: bool
) -> None:
    run = started_run(dagster_instance, {})
    beat(database, run, "another-host", 1, 0.0, age)
    assert reap_dead_runs(dagster_instance, database) == ([run.run_id] if dead else [])


def test_a_reaped_run_blocks_nothing_and_counts_as_no_failure(
    dagster_instance: dg.DagsterInstance, database: Database, dead_process: dict[str, str]
) -> None:
    started_run(dagster_instance, dead_process | {"dagster/partition": "a__0000"})
    before = job_history(dagster_instance, "a__0000")["a__0000", "iteration"]
    reap_dead_runs(dagster_instance, database)
    after = job_history(dagster_instance, "a__0000")["a__0000", "iteration"]
    assert (before.active, before.attempts) == (True, 1)
    assert (after.active, after.attempts, after.consecutive_failures) == (False, 1, 0)


REQUESTED = RequestedRun("iteration", "a__0000", "a", 1, "")


@pytest.mark.parametrize(("tags", "will_retry"), [({}, "true"), (REQUESTED.tags, "false")])
def test_dagster_tries_no_run_again_that_the_loop_asks_for_anew(
    dagster_instance: dg.DagsterInstance,
    database: Database,
    dead_process: dict[str, str],
    tags: dict[str, str],
    will_retry: str,
) -> None:
    run = started_run(dagster_instance, dead_process | tags)
    reap_dead_runs(dagster_instance, database)
    found = dagster_instance.get_run_by_id(run.run_id)
    assert found is not None
    assert found.tags["dagster/will_retry"] == will_retry


def test_a_retry_in_the_queue_is_not_taken_for_the_dead_run_whose_tags_it_bears(
    dagster_instance: dg.DagsterInstance, database: Database, dead_process: dict[str, str]
) -> None:
    location = InProcessCodeLocationOrigin(LoadableTargetOrigin(module_name=__name__), location_name="here")
    queued = dagster_instance.create_run_for_job(
        iteration,
        tags=dead_process,
        status=dg.DagsterRunStatus.QUEUED,
        remote_job_origin=RemoteJobOrigin(RemoteRepositoryOrigin(location, "jobs"), iteration.name),
        job_code_origin=dg.reconstructable(iteration).get_python_origin(),
    )
    assert reap_dead_runs(dagster_instance, database) == []
    assert status_of(dagster_instance, queued) is dg.DagsterRunStatus.QUEUED


def test_a_run_that_failed_or_was_canceled_loses_its_claim_and_one_that_ended_well_needs_none(
    dagster_instance: dg.DagsterInstance, database: Database
) -> None:
    runs = [started_run(dagster_instance, process_tags()) for _ in range(4)]
    with database.transaction() as connection:
        for run in runs:
            execute(connection, "loop/make_claim", run_id=run.run_id)
    failed, canceled, succeeded, living = runs
    dagster_instance.report_run_failed(failed, "by hand")
    dagster_instance.report_run_canceled(canceled, "by hand")
    finish(dagster_instance, succeeded)
    assert reap_dead_runs(dagster_instance, database) == []
    for run in (failed, canceled):
        with (
            pytest.raises(RunGivenUpError, match="its run ended as"),
            database.carrying(run.run_id),
            database.transaction(),
        ):
            pytest.fail("it may still write")
    with database.transaction() as connection:
        held = [row["run_id"] for row in fetch_all(connection, "loop/held_claims")]
    assert held == [living.run_id]


def test_a_run_that_has_ended_stays_as_it_ended(
    dagster_instance: dg.DagsterInstance, database: Database, dead_process: dict[str, str]
) -> None:
    run = started_run(dagster_instance, dead_process)
    reap_dead_runs(dagster_instance, database)
    with pytest.raises(Exception, match="has ended as FAILURE, so it does nothing more"):
        finish(dagster_instance, run)
    dagster_instance.report_run_canceled(run, "too late")
    assert status_of(dagster_instance, run) is dg.DagsterRunStatus.FAILURE
    dagster_instance.add_run_tags(run.run_id, {"note": "tags may still be added"})
    found = dagster_instance.get_run_by_id(run.run_id)
    assert found is not None
    assert (found.tags["note"], found.status) == ("tags may still be added", dg.DagsterRunStatus.FAILURE)


def finish(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    event = dg.DagsterEvent(
        event_type_value=dg.DagsterEventType.RUN_SUCCESS.value, job_name=run.job_name, message="done"
    )
    instance.report_dagster_event(event, run_id=run.run_id)
