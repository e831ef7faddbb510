"""What happens next in a campaign: one pure function over its state, no database and no Dagster.

Each iteration is: open (freeze the labels), train and rank, validate, close. The function is asked again
and again and answers from the state alone, so a lost or doubled question does no harm.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from catalyst_assets.campaigns.model import Campaign
from catalyst_assets.partitions import IterationKey
from catalyst_assets.vocabulary.validators import VALIDATORS, Answers

ITERATION_JOB = "iteration"
VALIDATION_JOB = "validation"
FEATURES_JOB = "features"

# So many times in a row without asking why; then with pauses, each twice the one before.
MAX_ATTEMPTS = 3
FIRST_PAUSE = timedelta(minutes=10)
LONGEST_PAUSE = timedelta(hours=4)
# Automation looks every few seconds: what it has not begun by then, it does not make.
PATIENCE = timedelta(minutes=10)


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
    n_unexamined
        Results that nobody has looked at yet, whoever wrote them.
    """

    key: IterationKey
    status: str
    batch_size: int = 0
    n_candidates: int = 0
    n_pending: int = 0
    n_answered: int = 0
    n_declined: int = 0
    n_unexamined: int = 0


@dataclass(frozen=True)
class JobHistory:
    """The runs of one job for one iteration.

    Attributes
    ----------
    failed_run, failed_at
        The latest run, where it failed, and when it ended.
    """

    attempts: int = 0
    consecutive_failures: int = 0
    active: bool = False
    failed_run: str | None = None
    failed_at: datetime | None = None


@dataclass(frozen=True)
class FeatureState:
    """Whether an iteration has the features that it needs, and who makes those that lack.

    Attributes
    ----------
    has_backbone
        Whether there is a network that describes structures.
    can_rank
        Whether any material that may be suggested has features.
    n_lacking
        Materials of the pool, or with labels, that have neither features nor an entry in quarantine. Those that came
        after the waiting began are not among them: they belong to a later iteration.
    active_run
        A run that makes features, or loads what they are made of.
    failed_run, failed_at
        The latest run that was to make them, where it failed or was cancelled.
    refused_run
        The latest run that was to load what they are made of, where it failed.
    is_automated
        Whether automation that makes them is switched on.
    waiting_since
        Since when they are waited for.
    """

    has_backbone: bool = True
    can_rank: bool = True
    n_lacking: int = 0
    active_run: str | None = None
    failed_run: str | None = None
    failed_at: datetime | None = None
    refused_run: str | None = None
    is_automated: bool = True
    waiting_since: datetime | None = None


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
    features
        What is known of features; None where nobody looked: see ``needs_features``.
    now
        When the question is asked.
    has_changed
        Whether materials, features, labels, the code or its settings are others than when a run was requested last.
    retry_requested_at
        When a person asked to try again.
    """

    campaign: Campaign
    iterations: tuple[IterationState, ...]
    n_evaluated: int
    n_hits: int
    exhausted: bool
    jobs: Mapping[tuple[str, str], JobHistory] = field(default_factory=dict)
    features: FeatureState | None = None
    now: datetime | None = None
    has_changed: bool = False
    retry_requested_at: datetime | None = None


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
        What ends the waiting: a run that goes on, features that are being made, answers from outside, a reviewer who
        flags more, or that what keeps failing is mended or tried again.
    subject
        What of; while it and ``on`` stay, it is the same waiting, whatever the reason counts.
    remedy
        What a person can do; empty where nothing needs doing.
    failed_run, failed_at
        What was tried last and failed.
    next_try_at
        When it is tried again by itself.
    is_under_way
        Whether a run is on its way to what is waited for.
    """

    reason: str
    on: Literal["run", "features", "answers", "review", "repair"]
    subject: str = ""
    remedy: str = ""
    failed_run: str | None = None
    failed_at: datetime | None = None
    next_try_at: datetime | None = None
    is_under_way: bool = False


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
            return Wait(
                f"{job} of {key} is running", "run", f"{key} {job} {history.attempts}", is_under_way=True
            )
    budget = state.campaign.stop.max_evaluations
    spent = budget is not None and state.n_evaluated >= budget
    answers_at_once = VALIDATORS[state.campaign.validator].answers is Answers.AT_ONCE
    for iteration in state.iterations:
        asks = answers_at_once and iteration.n_pending and not spent and iteration.status != "abandoned"
        if asks or iteration.n_unexamined:
            return _request(state, VALIDATION_JOB, iteration.key)
    if not state.iterations:
        return _open_or_stop(state, IterationKey(state.campaign.name, 0), None)
    latest = state.iterations[-1]
    following = IterationKey(latest.key.campaign, latest.key.iteration + 1)
    if latest.status == "abandoned":
        return Wait(f"{latest.key} was abandoned", "repair", str(latest.key))
    if latest.status == "open":
        return _wait_for_features(state, latest.key, is_open=True) or _request(
            state, ITERATION_JOB, latest.key
        )
    if latest.status == "closed":
        return _open_or_stop(state, following, None)
    if spent:
        return _open_or_stop(state, following, latest.key)
    if latest.n_pending:
        return Wait(
            f"{latest.n_pending} candidates of {latest.key} await the {VALIDATORS[state.campaign.validator].label}",
            "answers",
            str(latest.key),
        )
    wanted = min(latest.batch_size, latest.n_candidates - latest.n_declined)
    if latest.n_answered < wanted:
        return Wait(
            f"{latest.key} has {latest.n_answered} of {wanted} candidates validated: flag more in the review app",
            "review",
            str(latest.key),
        )
    return _open_or_stop(state, following, latest.key)


def needs_features(decision: Decision) -> bool:
    """Tell whether a decision that was made without a look at features has to be made again with one."""
    return isinstance(decision, Open) or (isinstance(decision, Run) and decision.job == ITERATION_JOB)


def stop_reason(state: CampaignState) -> str | None:
    """Say which stop rule holds, if any."""
    stop = state.campaign.stop
    if stop.target_hits is not None and state.n_hits >= stop.target_hits:
        return f"target of {stop.target_hits} hits reached"
    if stop.max_evaluations is not None and state.n_evaluated >= stop.max_evaluations:
        return f"budget of {stop.max_evaluations} evaluations spent"
    if stop.max_iterations is not None and len(state.iterations) >= stop.max_iterations:
        return f"all {stop.max_iterations} iterations done"
    features = state.features
    none_left = features is not None and not features.can_rank and not features.n_lacking
    # Members that the network cannot describe are in quarantine: nothing can be suggested of them.
    if state.exhausted or (none_left and state.iterations):
        return "pool exhausted"
    return None


def pause_after(failures: int) -> timedelta:
    """Return how long to wait before a job that failed so often in a row is tried again."""
    doubled: int = 2 ** min(failures - MAX_ATTEMPTS, 10)
    return min(FIRST_PAUSE * doubled, LONGEST_PAUSE)


def _open_or_stop(state: CampaignState, key: IterationKey, closes: IterationKey | None) -> Decision:
    reason = stop_reason(state)
    if reason:
        return Stop(reason, closes)
    return _wait_for_features(state, key, is_open=False) or Open(key, closes)


def _wait_for_features(state: CampaignState, key: IterationKey, *, is_open: bool) -> Wait | Run | None:
    """Wait for features that are on their way, and for those without which there is nothing to rank."""
    known = state.features
    if known is None or (known.has_backbone and known.can_rank and not known.n_lacking):
        return None
    if known.has_backbone and not known.n_lacking:
        # Of an iteration that is open already its own run says what is wrong.
        return None if is_open else _nothing_describable(state, key)
    what = f"{known.n_lacking} material{'s have' if known.n_lacking != 1 else ' has'} no features yet"
    if not known.has_backbone:
        what = (
            f"There is no network to describe structures with: {what}"
            if known.n_lacking
            else ("There is no network to describe structures with")
        )
    subject = f"features {key}"
    if known.active_run:
        return Wait(
            f"{what}: run {known.active_run[:8]} is on its way to them",
            "features",
            subject,
            is_under_way=True,
        )
    if known.failed_run and _asked_since(state, known.failed_at):
        return Run(FEATURES_JOB, key, 1)
    # What an open iteration counts on is frozen; the next one can do without what nobody makes.
    can_do_without = known.has_backbone and known.can_rank and not is_open and key.iteration > 0
    if known.failed_run:
        return (
            None
            if can_do_without
            else Wait(
                f"{what}: run {known.failed_run[:8]}, which was to compute them, failed",
                "features",
                subject,
                f"Mend what it says; it is tried again within a quarter of an hour, or at once by "
                f"`catalyst campaign retry {state.campaign.name}`.",
                known.failed_run,
                known.failed_at,
            )
        )
    if known.is_automated and not _is_overdue(state):
        return Wait(f"{what}: automation is about to have them computed", "features", subject)
    if can_do_without:
        return None
    if known.is_automated:
        remedy = "Materialize `structure_embeddings`; its Automation tab in Dagster says what keeps it."
    else:
        remedy = "Switch the sensor `features_follow_materials` on in Dagster, or materialize `structure_embeddings`."
    return Wait(
        f"{what}, and nothing is under way to compute them",
        "features",
        subject,
        remedy,
        known.refused_run,
    )


def _nothing_describable(state: CampaignState, key: IterationKey) -> Wait:
    return Wait(
        "No material of the pool can be described: the network refused every structure",
        "features",
        f"features {key}",
        "The table `quarantine` says why; widen the pool, or choose another backbone.",
    )


def _is_overdue(state: CampaignState) -> bool:
    since = state.features.waiting_since if state.features else None
    return since is not None and state.now is not None and state.now - since > PATIENCE


def _asked_since(state: CampaignState, failed_at: datetime | None) -> bool:
    asked = state.retry_requested_at
    return asked is not None and (failed_at is None or asked > failed_at)


def _request(state: CampaignState, job: str, key: IterationKey) -> Decision:
    history = state.jobs.get((str(key), job), JobHistory())
    run = Run(job, key, history.attempts + 1)
    failures = history.consecutive_failures
    if failures < MAX_ATTEMPTS or state.has_changed or _asked_since(state, history.failed_at):
        return run
    next_try_at = None if history.failed_at is None else history.failed_at + pause_after(failures)
    if next_try_at is not None and state.now is not None and state.now >= next_try_at:
        return run
    return Wait(
        f"{job} of {key} failed {failures} times",
        "repair",
        f"{key} {job}",
        "Mend the cause: it is tried again once materials, features, settings or the code are others, after a pause, or "
        f"at once by `catalyst campaign retry {state.campaign.name}`.",
        history.failed_run,
        history.failed_at,
        next_try_at,
    )
