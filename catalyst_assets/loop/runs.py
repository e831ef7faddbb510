"""What the Dagster instance knows about the runs of an iteration, and the end of runs whose process died.

The default run launcher has no health check: without a reaper a killed run stays STARTED and blocks
its campaign for ever.
"""

import socket
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import dagster as dg

from catalyst_assets.loop.decide import JobHistory
from resources.postgres.database import Database, Role, Row, fetch_all
from resources.runs.process import PID_TAG, PROCESS_STARTED_TAG, is_alive, names_process_here

if TYPE_CHECKING:
    from dagster import DagsterInstance

PARTITION_TAG = "dagster/partition"

SILENCE = timedelta(seconds=90)
_LOCAL_SILENCE = timedelta(seconds=30)
_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.MANAGED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def job_history(instance: "DagsterInstance", partition_key: str) -> dict[tuple[str, str], JobHistory]:
    """Return the history of each job that has run for a partition; an ad-hoc materialization counts as active."""
    records = instance.get_run_records(dg.RunsFilter(tags={PARTITION_TAG: partition_key}))
    runs = [record.dagster_run for record in records]
    names = {run.job_name for run in runs}
    return {(partition_key, name): _history([run for run in runs if run.job_name == name]) for name in names}


def _history(newest_first: Sequence[dg.DagsterRun]) -> JobHistory:
    failures = 0
    for run in newest_first:
        if run.status not in (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED):
            break
        # A run that lost its process says nothing about the work it was doing.
        failures += 0 if run.tags.get("catalyst/reaped") else 1
    return JobHistory(
        attempts=len(newest_first),
        consecutive_failures=failures,
        active=any(run.status in _UNFINISHED for run in newest_first),
    )


def reap_dead_runs(instance: "DagsterInstance", database: Database) -> list[str]:
    """Fail every unfinished run whose process is gone; return their run ids.

    A process of this host is looked up; one of another host is given up after ``SILENCE`` without a
    heartbeat. Runs that nobody has started yet are left to the daemon.
    """
    runs = [record.dagster_run for record in instance.get_run_records(dg.RunsFilter(statuses=_UNFINISHED))]
    if not runs:
        return []
    with database.transaction(Role.PIPELINE) as connection:
        beats = {
            row["run_id"]: row
            for row in fetch_all(connection, "loop/heartbeats", run_ids=[run.run_id for run in runs])
        }
    reaped = []
    for run in runs:
        reason = _death(run, beats.get(run.run_id))
        if reason is not None:
            instance.add_run_tags(run.run_id, {"catalyst/reaped": "true"})
            instance.report_run_failed(run, f"{reason}; the loop will request the work again.")
            # The daemon would free them in a while; `catalyst demo` has none.
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
            reaped.append(run.run_id)
    return reaped


def _death(run: dg.DagsterRun, beat: Row | None) -> str | None:
    here = socket.gethostname()
    if names_process_here(run.tags):
        if is_alive(int(run.tags[PID_TAG]), float(run.tags[PROCESS_STARTED_TAG])):
            return None
        return f"Process {run.tags[PID_TAG]} on {here} ended before its run did"
    if beat is None:
        return None
    silent_for = datetime.now(UTC) - beat["beat_at"]
    if beat["host"] == here:
        # Under the multiprocess executor the last beat may be of a step that has just ended.
        if silent_for < _LOCAL_SILENCE or is_alive(beat["pid"], beat["process_started"]):
            return None
        return f"Process {beat['pid']} on {here} ended before its run did"
    if silent_for > SILENCE:
        return f"No heartbeat from {beat['host']} for {int(silent_for.total_seconds())} s"
    return None
