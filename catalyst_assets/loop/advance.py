"""One question to the loop: read a campaign's state, decide, and write what the decision changes.

The sensor asks it in the daemon, `catalyst demo` asks it in its own process; both then request the
same run.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from catalyst_assets.constants import ATTEMPT_TAG, CAMPAIGN_TAG
from catalyst_assets.loop.campaigns import (
    close_iteration,
    finish_campaign,
    load_campaign_state,
    open_iteration,
)
from catalyst_assets.loop.decide import ITERATION_JOB, Decision, Open, Run, Stop, Wait, decide
from catalyst_assets.loop.runs import job_history
from resources.postgres.database import Database, Role, fetch_all, fetch_one

if TYPE_CHECKING:
    from dagster import DagsterInstance


@dataclass(frozen=True)
class RequestedRun:
    """A run that must exist for the loop to go on; the same request twice is the same run."""

    job: str
    partition_key: str
    campaign: str
    attempt: int
    label_sha256: str
    failures: int = 0

    @property
    def run_key(self) -> str:
        """Dagster launches each run key once."""
        return f"{self.partition_key}:{self.job}:{self.attempt}"

    @property
    def tags(self) -> dict[str, str]:
        """Tags of the run: its campaign limits concurrency; how often it is tried, if the last time failed."""
        tried_again = {ATTEMPT_TAG: str(self.failures + 1)} if self.failures else {}
        return {CAMPAIGN_TAG: self.campaign, **tried_again}


@dataclass(frozen=True)
class Advance:
    """What was decided for a campaign and which run that asks for."""

    campaign: str
    decision: Decision
    request: RequestedRun | None = None

    def __str__(self) -> str:
        match self.decision:
            case Open(key=key):
                return f"{self.campaign}: opened {key}"
            case Run(job=job, key=key, attempt=attempt):
                return f"{self.campaign}: {job} of {key}, attempt {attempt}"
            case Stop(reason=reason):
                return f"{self.campaign}: finished, {reason}"
            case Wait(reason=reason):
                return f"{self.campaign}: {reason}"


def active_campaigns(database: Database) -> list[str]:
    """Return the names of the campaigns that are going on, oldest first."""
    with database.transaction(Role.PIPELINE) as connection:
        return [row["name"] for row in fetch_all(connection, "campaigns/active")]


def advance_campaign(
    database: Database, instance: "DagsterInstance", name: str, *, forgive_failures: bool = False
) -> Advance | None:
    """Decide what a campaign needs next and write it in one transaction; None when it is not active.

    Parameters
    ----------
    forgive_failures
        Request a job again even if it failed too often: a person asks.
    """
    with database.transaction(Role.PIPELINE) as connection:
        state = load_campaign_state(connection, name, lambda key: job_history(instance, key))
        if state is None:
            return None
        failed = {key: job.consecutive_failures for key, job in state.jobs.items()}
        if forgive_failures:
            jobs = {key: replace(job, consecutive_failures=0) for key, job in state.jobs.items()}
            state = replace(state, jobs=jobs)
        decision = decide(state)
        if isinstance(decision, Wait):
            return Advance(name, decision)
        if isinstance(decision, Open | Stop) and decision.closes is not None:
            close_iteration(connection, decision.closes)
        if isinstance(decision, Stop):
            finish_campaign(connection, name, decision.reason)
            return Advance(name, decision)
        if isinstance(decision, Open):
            open_iteration(connection, state.campaign, decision.key)
        job, attempt = (decision.job, decision.attempt) if isinstance(decision, Run) else (ITERATION_JOB, 1)
        key = str(decision.key)
        row = fetch_one(connection, "loop/iteration", partition_key=key)
        label_sha256 = row["label_sha256"] if row else ""
        return Advance(
            name, decision, RequestedRun(job, key, name, attempt, label_sha256, failed.get((key, job), 0))
        )
