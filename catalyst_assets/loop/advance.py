"""One question to the loop: read a campaign's state, decide, and write what the decision changes.

The sensor asks it in the daemon, `catalyst demo` asks it in its own process; both then request the
same run.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from catalyst_assets.campaigns.pool import load_pool, store_members
from catalyst_assets.constants import ATTEMPT_TAG, CAMPAIGN_TAG, FINE_TUNES_TAG, RETRIES_TAG
from catalyst_assets.loop.campaigns import (
    close_iteration,
    finish_campaign,
    load_campaign_state,
    open_iteration,
)
from catalyst_assets.loop.decide import MAX_ATTEMPTS, decide, needs_features
from catalyst_assets.loop.failures import explain_run
from catalyst_assets.loop.features import Opening, read_feature_state
from catalyst_assets.loop.looks import begin_look, end_look
from catalyst_assets.loop.notices.keeping import keep_notices, notices_of
from catalyst_assets.loop.runs import job_history
from catalyst_assets.loop.state import (
    FEATURES_JOB,
    ITERATION_JOB,
    CampaignState,
    Decision,
    Open,
    Run,
    Stop,
    Wait,
)
from catalyst_assets.loop.waits import (
    circumstances,
    forget_wait,
    note_request,
    read_request,
    read_wait,
    record_wait,
)
from catalyst_assets.representation.noted import current_features
from catalyst_assets.validation.results.examining import examine
from resources.postgres.database import Role, Row, fetch_all, fetch_one

if TYPE_CHECKING:
    import sqlalchemy as sa
    from dagster import DagsterInstance

    from resources.platform import Platform


@dataclass(frozen=True)
class RequestedRun:
    """A run that must exist for the loop to go on; the same request twice is the same run."""

    job: str
    partition_key: str | None
    campaign: str
    attempt: int
    label_sha256: str
    failures: int = 0
    fine_tunes: bool = False

    @property
    def run_key(self) -> str:
        """Dagster launches each run key once."""
        return f"{self.partition_key or self.campaign}:{self.job}:{self.attempt}"

    @property
    def tags(self) -> dict[str, str]:
        """Tags of the run: its campaign limits concurrency; how often it is tried, if the last time failed; what it trains."""
        tried_again = {ATTEMPT_TAG: str(self.failures + 1)} if self.failures else {}
        training = {FINE_TUNES_TAG: "true"} if self.fine_tunes else {}
        # The loop asks again for what failed: a retry of Dagster's would do it once more.
        return {CAMPAIGN_TAG: self.campaign, RETRIES_TAG: "0", **tried_again, **training}


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


def advance_campaign(
    platform: "Platform", instance: "DagsterInstance", name: str, *, forgive_failures: bool = False
) -> Advance | None:
    """Decide what a campaign needs next and write it in one transaction; None when there is no such campaign.

    Results that nobody's iteration asked for are examined first: they are labels of the iteration that opens.

    Parameters
    ----------
    forgive_failures
        Request a job again even if it failed too often: a person asks.
    """
    with platform.database.transaction(Role.VALIDATOR) as connection:
        examine(connection, None)
    with platform.database.transaction(Role.PIPELINE) as connection:
        begin_look(connection, name)
        state = load_campaign_state(connection, name, lambda key: job_history(instance, key))
        if state is None:
            return None
        failed = {key: job.consecutive_failures for key, job in state.jobs.items()}
        if forgive_failures:
            jobs = {key: replace(job, consecutive_failures=0) for key, job in state.jobs.items()}
            state = replace(state, jobs=jobs)
        waiting = read_wait(connection, name)
        decision, state = _decide(connection, platform, instance, state, waiting)
        end_look(connection, name, decision)
        if isinstance(decision, Wait):
            if state.is_active:
                record_wait(connection, name, decision, waiting, lambda run_id: explain_run(instance, run_id))
        else:
            forget_wait(connection, name, waiting)
        unfit = fetch_all(connection, "loop/notices/unfit", campaign=name)
        held = notices_of(
            decision, read_wait(connection, name), unfit, datetime.now(UTC), platform.settings.stalled_after
        )
        keep_notices(connection, name, held)
        if isinstance(decision, Wait):
            return Advance(name, decision)
        if isinstance(decision, Open | Stop) and decision.closes is not None:
            close_iteration(connection, decision.closes)
        if isinstance(decision, Stop):
            finish_campaign(connection, name, decision.reason)
            return Advance(name, decision)
        if isinstance(decision, Open):
            _open(connection, platform, state, decision)
        note_request(connection, name, circumstances(connection, platform, name))
        return Advance(name, decision, _request(connection, state, decision, failed))


def _decide(
    connection: "sa.Connection",
    platform: "Platform",
    instance: "DagsterInstance",
    state: CampaignState,
    waiting: Row | None,
) -> tuple[Decision, CampaignState]:
    """Decide, looking only at what the decision depends on."""
    if any(job.consecutive_failures >= MAX_ATTEMPTS for job in state.jobs.values()):
        tried_under = read_request(connection, state.campaign.name)
        now = circumstances(connection, platform, state.campaign.name)
        state = replace(state, has_changed=tried_under is not None and tried_under != now)
    decision = decide(state)
    if not needs_features(decision):
        return decision, state
    opening = Opening(len(state.iterations))
    if isinstance(decision, Run):
        row = fetch_one(connection, "loop/iteration", partition_key=str(decision.key)) or {}
        opening = Opening(
            decision.key.iteration, state.iterations[-1], row.get("opened_at"), row.get("pool_sha256")
        )
    features = read_feature_state(connection, platform, instance, state.campaign, opening, waiting)
    state = replace(state, features=features)
    return decide(state), state


def _open(connection: "sa.Connection", platform: "Platform", state: CampaignState, decision: Open) -> None:
    """Open an iteration over the members of the pool that have features now."""
    features = current_features(connection, platform.objects)
    members = load_pool(connection, state.campaign.pool, features=features, described=True)
    pool_sha256 = store_members(platform.objects, members)
    open_iteration(connection, state.campaign, decision.key, features=features, pool_sha256=pool_sha256)


def _request(
    connection: "sa.Connection",
    state: CampaignState,
    decision: Open | Run,
    failed: Mapping[tuple[str, str], int],
) -> RequestedRun:
    name, key = state.campaign.name, str(decision.key)
    if isinstance(decision, Run) and decision.job == FEATURES_JOB:
        asked = state.retry_requested_at
        return RequestedRun(FEATURES_JOB, None, name, int(asked.timestamp()) if asked else 1, "")
    job, attempt = (decision.job, decision.attempt) if isinstance(decision, Run) else (ITERATION_JOB, 1)
    row = fetch_one(connection, "loop/iteration", partition_key=key)
    label_sha256 = row["label_sha256"] if row else ""
    fine_tunes = state.campaign.learning.fine_tune is not None
    return RequestedRun(job, key, name, attempt, label_sha256, failed.get((key, job), 0), fine_tunes)
