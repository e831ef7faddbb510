"""What the Dagster instance knows about the runs of an iteration, and the end of runs whose process died.

The default run launcher has no health check: without a reaper a killed run stays STARTED and blocks
its campaign for ever.
"""

import contextlib
import logging
import socket
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import dagster as dg

from catalyst_assets.constants import PARTITION_TAG
from catalyst_assets.errors import DatabaseUnavailableError
from catalyst_assets.loop.state import JobHistory
from resources.postgres.database import Database, Role, Row, execute, fetch_all
from resources.runs.attempts import UNFINISHED
from resources.runs.process import PID_TAG, PROCESS_STARTED_TAG, is_alive, names_process_here

if TYPE_CHECKING:
    from dagster import DagsterInstance

_log = logging.getLogger(__name__)

SILENCE = timedelta(seconds=90)
_LOCAL_SILENCE = timedelta(seconds=30)


def job_history(instance: "DagsterInstance", partition_key: str) -> dict[tuple[str, str], JobHistory]:
    """Return the history of each job that has run for a partition; an ad-hoc materialization counts as active."""
    records = instance.get_run_records(dg.RunsFilter(tags={PARTITION_TAG: partition_key}))
    by_job: dict[str, list[dg.RunRecord]] = {}
    for record in records:
        by_job.setdefault(record.dagster_run.job_name, []).append(record)
    return {(partition_key, name): _history(newest_first) for name, newest_first in by_job.items()}


def _history(newest_first: Sequence[dg.RunRecord]) -> JobHistory:
    failures = 0
    for run in (record.dagster_run for record in newest_first):
        if run.status not in (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED):
            break
        # A run that lost its process says nothing about the work it was doing.
        failures += 0 if run.tags.get("catalyst/reaped") else 1
    return JobHistory(
        attempts=len(newest_first),
        consecutive_failures=failures,
        active=any(record.dagster_run.status in UNFINISHED for record in newest_first),
        failed_run=newest_first[0].dagster_run.run_id if failures else None,
        failed_at=end_of(newest_first[0]) if failures else None,
    )


def end_of(record: dg.RunRecord) -> datetime:
    """Return when a run ended, or was heard of last."""
    return datetime.fromtimestamp(record.end_time or record.update_timestamp.timestamp(), UTC)


def reap_dead_runs(
    instance: "DagsterInstance", database: Database, silence: timedelta = SILENCE
) -> list[str]:
    """Fail every unfinished run whose process is gone; return their run ids.

    A process of this host is looked up; one of another host, or one that is stopped, is given up after
    ``silence`` without a heartbeat. Runs that nobody has started yet are left to the daemon. A run loses its claim
    before it is failed, as does one that ended otherwise: should its process go on, it writes nothing.
    """
    _settle_claims(instance, database)
    runs = [record.dagster_run for record in instance.get_run_records(dg.RunsFilter(statuses=UNFINISHED))]
    if not runs:
        return []
    with database.transaction(Role.PIPELINE) as connection:
        beats = {
            row["run_id"]: row
            for row in fetch_all(connection, "loop/heartbeats", run_ids=[run.run_id for run in runs])
        }
    reaped = []
    for run in runs:
        reason = _death(run, beats.get(run.run_id), silence)
        if reason is not None and _take_claim(database, run.run_id, reason):
            instance.add_run_tags(run.run_id, {"catalyst/reaped": "true"})
            instance.report_run_failed(run, f"{reason}; the loop will request the work again.")
            # The daemon would free them in a while; `catalyst demo` has none.
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
            reaped.append(run.run_id)
    return reaped


def _settle_claims(instance: "DagsterInstance", database: Database) -> None:
    """Take their claims from runs that failed or were canceled; forget those of runs that ended well."""
    with database.transaction(Role.PIPELINE) as connection:
        held = {row["run_id"]: row["is_old"] for row in fetch_all(connection, "loop/held_claims")}
    if not held:
        return
    records = instance.get_run_records(dg.RunsFilter(run_ids=list(held)))
    status = {record.dagster_run.run_id: record.dagster_run.status for record in records}
    for run_id in held:
        if status.get(run_id) in (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED):
            _take_claim(database, run_id, f"its run ended as {status[run_id].value}")
    # A run that this Dagster does not know may be somebody's own, in a notebook.
    done = [
        run_id
        for run_id, is_old in held.items()
        if status.get(run_id) is dg.DagsterRunStatus.SUCCESS or (is_old and run_id not in status)
    ]
    with database.transaction(Role.PIPELINE) as connection:
        execute(connection, "loop/drop_claims", run_ids=done)


def _take_claim(database: Database, run_id: str, reason: str) -> bool:
    """Tell whether the run has no claim any more; the next look tries again."""
    try:
        with database.transaction(Role.PIPELINE) as connection:
            execute(connection, "loop/lose_claim", run_id=run_id, reason=reason)
    except DatabaseUnavailableError as error:
        _log.warning("Run %s cannot be given up yet: %s", run_id, error)
        return False
    return True


def _death(run: dg.DagsterRun, beat: Row | None, silence: timedelta) -> str | None:
    if run.status is dg.DagsterRunStatus.QUEUED:
        return None  # a retry bears the tags of the run before it, its process's too, until it is launched
    here = socket.gethostname()
    silent_for = None if beat is None else datetime.now(UTC) - beat["beat_at"]
    is_silent = silent_for is not None and silent_for > silence
    if names_process_here(run.tags):
        return _end_here(int(run.tags[PID_TAG]), float(run.tags[PROCESS_STARTED_TAG]), is_silent)
    if beat is None or silent_for is None:
        return None
    if beat["host"] == here:
        # Under the multiprocess executor the last beat may be of a step that has just ended.
        if silent_for < min(_LOCAL_SILENCE, silence):
            return None
        return _end_here(beat["pid"], beat["process_started"], is_silent)
    if is_silent:
        return f"No heartbeat from {beat['host']} for {int(silent_for.total_seconds())} s"
    return None


def _end_here(pid: int, started: float, is_silent: bool) -> str | None:
    """Return why nothing is to be expected of a process of this host; None if something is."""
    import psutil

    here = socket.gethostname()
    if not is_alive(pid, started):
        return f"Process {pid} on {here} ended before its run did"
    # One that is merely slow, or was asleep with the whole machine, is not in this state.
    with contextlib.suppress(psutil.NoSuchProcess):
        if is_silent and psutil.Process(pid).status() == psutil.STATUS_STOPPED:
            return f"Process {pid} on {here} is stopped"
    return None
