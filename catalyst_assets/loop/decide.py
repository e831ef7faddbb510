"""What happens next in a campaign: one pure function over its state, no database and no Dagster.

Each iteration is: open (freeze the labels), train and rank, validate, close. The function is asked again
and again and answers from the state alone, so a lost or doubled question does no harm.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from catalyst_assets.campaigns.model import Campaign
from catalyst_assets.partitions import IterationKey
from catalyst_assets.validation.registry import IMPLEMENTATIONS

ITERATION_JOB = "iteration"
VALIDATION_JOB = "validation"

MAX_ATTEMPTS = 3


@dataclass(frozen=True)
class IterationState:
    """One iteration as the database knows it.

    Attributes
    ----------
    status
        open, ranked, closed or abandoned.
    batch_size
        How many candidates the iteration wants validated; 0 before it is ranked.
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
    """The runs of one job for one iteration."""

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
    exhausted
        Whether no member of the pool is left that the next iteration may propose.
    jobs
        History by (partition key, job name); absent means never requested.
    """

    campaign: Campaign
    iterations: tuple[IterationState, ...]
    n_evaluated: int
    n_hits: int
    exhausted: bool
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
    """Nothing to do now.

    Attributes
    ----------
    on
        What ends the waiting: a run that goes on, answers from outside, a reviewer who flags more, or somebody who
        mends what keeps failing.
    """

    reason: str
    on: Literal["run", "answers", "review", "repair"]


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
            return Wait(f"{job} of {key} is running", "run")
    answers_itself = state.campaign.validator in IMPLEMENTATIONS
    for iteration in state.iterations:
        if answers_itself and iteration.n_pending and iteration.status != "abandoned":
            return _request(state, VALIDATION_JOB, iteration.key)
    if not state.iterations:
        return _open_or_stop(state, IterationKey(state.campaign.name, 0), None)
    latest = state.iterations[-1]
    following = IterationKey(latest.key.campaign, latest.key.iteration + 1)
    if latest.status == "abandoned":
        return Wait(f"{latest.key} was abandoned", "repair")
    if latest.status == "open":
        return _request(state, ITERATION_JOB, latest.key)
    if latest.status == "closed":
        return _open_or_stop(state, following, None)
    if latest.n_pending:
        return Wait(
            f"{latest.n_pending} candidates of {latest.key} await the {state.campaign.validator}", "answers"
        )
    wanted = min(latest.batch_size, latest.n_candidates - latest.n_declined)
    if latest.n_answered < wanted:
        return Wait(
            f"{latest.key} has {latest.n_answered} of {wanted} candidates validated: flag more in the review app",
            "review",
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
    if state.exhausted:
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
            "repair",
        )
    return Run(job, key, history.attempts + 1)
