"""What happens next in a campaign: one pure function over its state, no database and no Dagster.

Each turn is: open (freeze the labels), train and rank, validate, close. The function is asked again
and again and answers from the state alone, so a lost or doubled question does no harm.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from catalyst_assets.campaigns.model import Campaign
from catalyst_assets.partitions import IterationKey

ITERATION_JOB = "iteration"
VALIDATION_JOB = "validation"

MAX_ATTEMPTS = 3
AUTOMATIC_VALIDATORS = frozenset({"reference_table"})


@dataclass(frozen=True)
class IterationState:
    """One turn as the database knows it.

    Attributes
    ----------
    status
        open, ranked, closed or abandoned.
    batch_size
        How many candidates the turn wants validated; 0 before it is ranked.
    n_pending
        Candidates flagged or in validation.
    n_answered
        Candidates that validation has spoken about, failures included.
    n_declined
        Candidates a reviewer rejected unvalidated.
    """

    key: IterationKey
    status: str
    batch_size: int = 0
    n_candidates: int = 0
    n_pending: int = 0
    n_answered: int = 0
    n_declined: int = 0


@dataclass(frozen=True)
class JobHistory:
    """The runs of one job for one turn."""

    attempts: int = 0
    consecutive_failures: int = 0
    active: bool = False


@dataclass(frozen=True)
class CampaignState:
    """All that the decision needs to know.

    Attributes
    ----------
    iterations
        Oldest first.
    n_evaluated, n_hits
        Distinct materials that validation answered for, and how many of them meet the criteria.
    n_available
        Members of the pool that the next turn may propose.
    jobs
        History by (partition key, job name); absent means never requested.
    """

    campaign: Campaign
    iterations: tuple[IterationState, ...]
    n_evaluated: int
    n_hits: int
    n_available: int
    jobs: Mapping[tuple[str, str], JobHistory] = field(default_factory=dict)


@dataclass(frozen=True)
class Open:
    """Close ``closes`` if any, freeze the labels of ``key`` and start its training."""

    key: IterationKey
    closes: IterationKey | None


@dataclass(frozen=True)
class Run:
    """Request ``job`` for ``key``; ``attempt`` makes the request unique."""

    job: str
    key: IterationKey
    attempt: int


@dataclass(frozen=True)
class Wait:
    """Nothing to do now. ``stuck`` tells that only a person can change that."""

    reason: str
    stuck: bool = False


@dataclass(frozen=True)
class Stop:
    """End the campaign, closing ``closes`` if any."""

    reason: str
    closes: IterationKey | None


Decision = Open | Run | Wait | Stop


def decide(state: CampaignState) -> Decision:
    """Say what a campaign needs next."""
    for (key, job), history in state.jobs.items():
        if history.active:
            return Wait(f"{job} of {key} is running")
    answerable = state.campaign.validator in AUTOMATIC_VALIDATORS
    for iteration in state.iterations:
        if answerable and iteration.n_pending and iteration.status != "abandoned":
            return _request(state, VALIDATION_JOB, iteration.key)
    if not state.iterations:
        return _open_or_stop(state, IterationKey(state.campaign.name, 0), None)
    latest = state.iterations[-1]
    following = IterationKey(latest.key.campaign, latest.key.iteration + 1)
    if latest.status == "abandoned":
        return Wait(f"{latest.key} was abandoned", stuck=True)
    if latest.status == "open":
        return _request(state, ITERATION_JOB, latest.key)
    if latest.status == "closed":
        return _open_or_stop(state, following, None)
    if latest.n_pending:
        return Wait(f"{latest.n_pending} candidates of {latest.key} await the {state.campaign.validator}")
    wanted = min(latest.batch_size, latest.n_candidates - latest.n_declined)
    if latest.n_answered < wanted:
        return Wait(
            f"{latest.key} has {latest.n_answered} of {wanted} candidates validated: flag more in the review app"
        )
    return _open_or_stop(state, following, latest.key)


def stop_reason(state: CampaignState) -> str | None:
    """Say which stop rule holds, if any."""
    stop = state.campaign.stop
    if stop.target_hits is not None and state.n_hits >= stop.target_hits:
        return f"target of {stop.target_hits} hits reached"
    if stop.max_evaluations is not None and state.n_evaluated >= stop.max_evaluations:
        return f"budget of {stop.max_evaluations} evaluations spent"
    if stop.max_iterations is not None and len(state.iterations) >= stop.max_iterations:
        return f"all {stop.max_iterations} iterations done"
    if state.n_available == 0:
        return "pool exhausted"
    return None


def _open_or_stop(state: CampaignState, key: IterationKey, closes: IterationKey | None) -> Decision:
    reason = stop_reason(state)
    return Stop(reason, closes) if reason else Open(key, closes)


def _request(state: CampaignState, job: str, key: IterationKey) -> Decision:
    history = state.jobs.get((str(key), job), JobHistory())
    if history.consecutive_failures >= MAX_ATTEMPTS:
        return Wait(
            f"{job} of {key} failed {history.consecutive_failures} times: see its runs, then re-execute one",
            stuck=True,
        )
    return Run(job, key, history.attempts + 1)
