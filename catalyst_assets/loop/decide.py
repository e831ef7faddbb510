"""What happens next in a campaign: one pure function over its state, no database and no Dagster.

Each iteration is: open (freeze the labels), train and rank, validate, close. The function is asked again
and again and answers from the state alone, so a lost or doubled question does no harm.
"""

from datetime import datetime, timedelta
from typing import Final

from catalyst_assets.loop.awaited_features import wait_for_features
from catalyst_assets.loop.state import (
    ITERATION_JOB,
    VALIDATION_JOB,
    CampaignState,
    Decision,
    IterationState,
    JobHistory,
    Open,
    Run,
    Stop,
    Wait,
)
from catalyst_assets.partitions import IterationKey
from catalyst_assets.vocabulary.validators import VALIDATORS, Answers

# So many times in a row without asking why; then with pauses, each twice the one before.
MAX_ATTEMPTS: Final = 3
FIRST_PAUSE: Final = timedelta(minutes=10)
LONGEST_PAUSE: Final = timedelta(hours=4)


def decide(state: CampaignState) -> Decision:
    """Say what a campaign needs next."""
    for (key, job), history in state.jobs.items():
        if history.active:
            return Wait(
                f"{_work(job, IterationKey.parse(key))} is running",
                "run",
                f"{key} {job} {history.attempts}",
                is_under_way=True,
            )
    validation = _validate(state)
    if validation is not None:
        return validation
    if not state.is_active:
        return Wait("the campaign has ended", "answers")
    if not state.iterations:
        return _open_or_stop(state, IterationKey(state.campaign.name, 0), None)
    latest = state.iterations[-1]
    following = IterationKey(latest.key.campaign, latest.key.iteration + 1)
    if latest.status == "abandoned":
        return Wait(f"iteration {latest.key.iteration} was abandoned", "repair", str(latest.key))
    if latest.status == "open":
        return wait_for_features(state, latest.key, is_open=True) or _request(
            state, ITERATION_JOB, latest.key
        )
    if latest.status == "closed":
        return _open_or_stop(state, following, None)
    return _wait_for_batch(state, latest) or _open_or_stop(state, following, latest.key)


def needs_features(decision: Decision) -> bool:
    """Tell whether a decision that was made without a look at features has to be made again with one."""
    return isinstance(decision, Open) or (isinstance(decision, Run) and decision.job == ITERATION_JOB)


def stop_reason(state: CampaignState) -> str | None:
    """Say which stop rule holds, if any."""
    stop = state.campaign.stop
    if stop.target_hits is not None and state.n_hits >= stop.target_hits:
        return f"target of {stop.target_hits} hits reached"
    if _is_spent(state):
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


def _is_spent(state: CampaignState, under_way: int = 0) -> bool:
    most = state.campaign.stop.max_evaluations
    return most is not None and state.n_evaluated + under_way >= most


def _may_submit(state: CampaignState) -> bool:
    """Tell whether another candidate may be sent to a validator of ours: budget and concurrency have room."""
    answers = VALIDATORS[state.campaign.validator].answers
    if not state.is_active or answers is Answers.FROM_OUTSIDE or _is_spent(state, state.n_under_way):
        return False
    most = state.campaign.validation.concurrency
    if answers is Answers.AT_ONCE or most is None:
        return True
    return sum(one.n_working + one.n_to_collect for one in state.iterations) < most


def _validate(state: CampaignState) -> Decision | None:
    """Request the validation of the oldest iteration that needs one; those that keep failing hold up no other."""
    may_submit = _may_submit(state)
    wanted = [
        _request(state, VALIDATION_JOB, iteration.key)
        for iteration in state.iterations
        if _needs_validation(iteration, may_submit=may_submit)
    ]
    return next((one for one in wanted if isinstance(one, Run)), wanted[0] if wanted else None)


def _needs_validation(iteration: IterationState, *, may_submit: bool) -> bool:
    """Tell whether a run would find something to send, to collect, to examine or to settle."""
    submits = may_submit and iteration.n_flagged > 0 and iteration.status != "abandoned"
    return submits or iteration.has_results_to_follow


def _wait_for_batch(state: CampaignState, latest: IterationState) -> Wait | None:
    """Wait for the answers of a ranked iteration; None where the next one is due."""
    if _is_spent(state) or _is_next_wanted(state, latest):
        return None
    number = latest.key.iteration
    if latest.n_pending:
        who = VALIDATORS[state.campaign.validator].in_sentence
        return Wait(
            f"1 candidate of iteration {number} awaits {who}"
            if latest.n_pending == 1
            else f"{latest.n_pending} candidates of iteration {number} await {who}",
            "answers",
            str(latest.key),
            is_under_way=VALIDATORS[state.campaign.validator].answers is Answers.BY_JOBS
            and any(one.n_working for one in state.iterations),
        )
    wanted = min(latest.batch_size, latest.n_candidates - latest.n_declined)
    if latest.n_answered < wanted:
        return Wait(
            f"{latest.n_answered} of {wanted} candidates of iteration {number} are answered; "
            f"flag {wanted - latest.n_answered} more",
            "review",
            str(latest.key),
        )
    return None


def _is_next_wanted(state: CampaignState, latest: IterationState) -> bool:
    """Tell whether the next iteration opens before the batch is answered: by hand, by new labels, or by age."""
    asked, since, refresh = state.advance_requested_at, latest.ranked_at, state.campaign.refresh
    if asked is not None and since is not None and asked > since:
        return True
    if refresh.min_new_labels is not None and state.n_new_labels >= refresh.min_new_labels:
        return True
    is_old = (
        refresh.max_age is not None
        and since is not None
        and state.now is not None
        and state.now - since >= refresh.max_age
    )
    # Without anything new it would be the same model again.
    return is_old and state.n_new_labels > 0


def _open_or_stop(state: CampaignState, key: IterationKey, closes: IterationKey | None) -> Decision:
    reason = stop_reason(state)
    if reason:
        return Stop(reason, closes)
    return wait_for_features(state, key, is_open=False) or Open(key, closes)


def _request(state: CampaignState, job: str, key: IterationKey) -> Decision:
    history = state.jobs.get((str(key), job), JobHistory())
    run = Run(job, key, history.attempts + 1)
    failures = history.consecutive_failures
    if failures < MAX_ATTEMPTS or state.has_changed or state.asked_since(history.failed_at):
        return run
    next_try_at = None if history.failed_at is None else history.failed_at + pause_after(failures)
    if next_try_at is not None and _is_due(state.now, history.failed_at, next_try_at):
        return run
    return Wait(
        f"{_work(job, key)} failed {failures} times",
        "repair",
        f"{key} {job}",
        "Mend the cause: it is tried again once materials, features, settings or the code are others, after a pause, or "
        f"at once by `catalyst campaign retry {state.campaign.name}`.",
        history.failed_run,
        history.failed_at,
        next_try_at,
    )


def _work(job: str, key: IterationKey) -> str:
    """Say what a job does, as people read it who know the campaign and no partition keys."""
    done = {ITERATION_JOB: "training and ranking", VALIDATION_JOB: "validation"}
    return f"{done.get(job, job)} of iteration {key.iteration}"


def _is_due(now: datetime | None, since: datetime | None, at: datetime) -> bool:
    # A clock that was set back shows a time before the failure: waiting for it to catch up might take years.
    return now is not None and (now >= at or (since is not None and now < since))
