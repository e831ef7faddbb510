"""Which calculations need a run of Dagster that follows them: those that wait, and those whose run died.

As many at once as the installation has room for; the same look twice requests nothing twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import dagster as dg

from catalyst_assets.constants import CALCULATION_TAG
from catalyst_assets.loop.runs import end_of
from catalyst_assets.validation.jobs.dagster_job import CALCULATION_JOB
from resources.postgres.database import Role, fetch_all
from resources.runs.attempts import UNFINISHED

if TYPE_CHECKING:
    from dagster import DagsterInstance

    from resources.platform import Platform

# A run that fails without a word of the calculation's own, such as for a full disk, is not repeated at once.
_FIRST_PAUSE: Final = timedelta(seconds=10)
_LONGEST_PAUSE: Final = timedelta(hours=1)


@dataclass(frozen=True)
class CalculationRequest:
    """A run that must follow a calculation; the same request twice is the same run."""

    job_id: str
    attempt: int
    n_runs: int
    formula: str

    job: str = CALCULATION_JOB

    @property
    def run_key(self) -> str:
        """Dagster launches each run key once."""
        return f"{CALCULATION_JOB}:{self.job_id}:{self.attempt}:{self.n_runs}"

    @property
    def ops(self) -> dict[str, Any]:
        """Configuration of the run: what stands under ``ops``."""
        return {"calculate": {"config": {"job_id": self.job_id}}}

    @property
    def tags(self) -> Mapping[str, str]:
        """Tags of the run."""
        return {CALCULATION_TAG: self.job_id}


def calculations_to_follow(platform: "Platform", instance: "DagsterInstance") -> list[CalculationRequest]:
    """Return the runs that are needed now, for the oldest calculations first.

    One query of the database where nothing waits.
    """
    with platform.database.transaction(Role.PIPELINE) as connection:
        unfinished = fetch_all(connection, "validation/jobs/unfinished")
    if not unfinished:
        return []
    going_on = instance.get_runs(dg.RunsFilter(job_name=CALCULATION_JOB, statuses=UNFINISHED))
    followed = {run.tags.get(CALCULATION_TAG) for run in going_on}
    room = platform.settings.dft_jobs - len(going_on)
    requests: list[CalculationRequest] = []
    for row in unfinished:
        if len(requests) >= room:
            break
        if row["job_id"] in followed:
            continue
        runs = instance.get_run_records(
            dg.RunsFilter(job_name=CALCULATION_JOB, tags={CALCULATION_TAG: row["job_id"]})
        )
        if not _must_pause(runs):
            requests.append(CalculationRequest(row["job_id"], row["attempt"], len(runs), row["formula"]))
    return requests


def _must_pause(newest_first: Sequence[dg.RunRecord]) -> bool:
    failures = 0
    for record in newest_first:
        run = record.dagster_run
        if run.status is not dg.DagsterRunStatus.FAILURE or "catalyst/reaped" in run.tags:
            break
        failures += 1
    if not failures:
        return False
    pause: timedelta = min(_FIRST_PAUSE * 2 ** min(failures - 1, 20), _LONGEST_PAUSE)
    return bool(datetime.now(UTC) < end_of(newest_first[0]) + pause)
