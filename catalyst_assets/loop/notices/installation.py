"""What concerns no campaign: jobs whose latest run failed (refreshing and loading sources, preparing features), unfit results that nobody asked for."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg

from catalyst_assets.ingestion.sources.jobs import INGESTION_JOBS
from catalyst_assets.loop.failures import explain_run
from catalyst_assets.loop.jobs import PREPARATION_JOB
from catalyst_assets.loop.notices.keeping import Notice, keep_notices, unfit_notice
from resources.postgres.database import Database, Role, fetch_all
from resources.runs.attempts import UNFINISHED

if TYPE_CHECKING:
    from dagster import DagsterInstance


def look_at_installation(instance: "DagsterInstance", database: Database) -> None:
    """Keep the notices of what no campaign waits for."""
    failed = list(_failed_jobs(instance))
    with database.transaction(Role.PIPELINE) as connection:
        unfit = [unfit_notice(row) for row in fetch_all(connection, "loop/notices/unfit", campaign=None)]
        keep_notices(connection, None, [*failed, *unfit])


def _failed_jobs(instance: "DagsterInstance") -> Iterator[Notice]:
    """Yield a notice for each job whose latest run failed and is not tried again."""
    for name in (PREPARATION_JOB, *(job.name for job in INGESTION_JOBS)):
        records = instance.get_run_records(dg.RunsFilter(job_name=name), limit=1)
        run = records[0].dagster_run if records else None
        if run is None or run.status is not dg.DagsterRunStatus.FAILURE:
            continue
        if run.tags.get("dagster/will_retry") != "true" and not instance.get_runs(
            dg.RunsFilter(job_name=name, statuses=UNFINISHED), limit=1
        ):
            said = f"The last run of {name}, {run.run_id[:8]}, failed: {explain_run(instance, run.run_id)}"
            yield Notice("failed", name, said, "Mend the cause, and run it again in Dagster.")
