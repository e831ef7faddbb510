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
from catalyst_assets.loop.decide import ITERATION_JOB, Decision, Open, Run, Stop, decide
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

    @property
    def run_key(self) -> str:
        """Dagster launches each run key once."""
        return f"{self.partition_key}:{self.job}:{self.attempt}"

    @property
    def tags(self) -> dict[str, str]:
        """Tags of the run: its campaign limits concurrency."""
        return {CAMPAIGN_TAG: self.campaign, ATTEMPT_TAG: str(self.attempt)}


@dataclass(frozen=True)
class Turn:
    """What was decided for a campaign and which run that asks for."""

    campaign: str
    decision: Decision
    request: RequestedRun | None = None


def active_campaigns(database: Database) -> list[str]:
    """Return the names of the campaigns that are going on, oldest first."""
    with database.transaction(Role.PIPELINE) as connection:
        return [row["name"] for row in fetch_all(connection, "campaigns/active")]


def take_turn(
    database: Database, instance: "DagsterInstance", campaign_name: str, *, forgive_failures: bool = False
) -> Turn | None:
    """Decide what a campaign needs next and write it in one transaction; None when it is not active.

    Parameters
    ----------
    forgive_failures
        Request a job again even if it failed too often: a person asks.
    """
    with database.transaction(Role.PIPELINE) as connection:
        state = load_campaign_state(connection, campaign_name, lambda key: job_history(instance, key))
        if state is None:
            return None
        if forgive_failures:
            state = replace(
                state, jobs={k: replace(job, consecutive_failures=0) for k, job in state.jobs.items()}
            )
        decision = decide(state)
        wanted: Run | None = None
        if isinstance(decision, Stop):
            if decision.closes is not None:
                close_iteration(connection, decision.closes)
            finish_campaign(connection, campaign_name, decision.reason)
        elif isinstance(decision, Open):
            if decision.closes is not None:
                close_iteration(connection, decision.closes)
            open_iteration(connection, state.campaign, decision.key)
            wanted = Run(ITERATION_JOB, decision.key, attempt=1)
        elif isinstance(decision, Run):
            wanted = decision
        if wanted is None:
            return Turn(campaign_name, decision)
        row = fetch_one(connection, "loop/iteration", partition_key=str(wanted.key))
        request = RequestedRun(
            job=wanted.job,
            partition_key=str(wanted.key),
            campaign=campaign_name,
            attempt=wanted.attempt,
            label_sha256=row["label_sha256"] if row else "",
        )
        return Turn(campaign_name, decision, request)
