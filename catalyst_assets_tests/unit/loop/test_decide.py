"""The loop's decision: one state, one next step."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalyst_assets.campaigns.library import load_campaign
from catalyst_assets.campaigns.model import Campaign
from catalyst_assets.campaigns.model import Stop as StopRules
from catalyst_assets.loop.awaited_features import PATIENCE
from catalyst_assets.loop.decide import MAX_ATTEMPTS, decide, needs_features, pause_after
from catalyst_assets.loop.state import (
    FEATURES_JOB,
    ITERATION_JOB,
    VALIDATION_JOB,
    CampaignState,
    Decision,
    FeatureState,
    IterationState,
    JobHistory,
    Open,
    Run,
    Stop,
    Wait,
)
from catalyst_assets.partitions import IterationKey

CAMPAIGN = load_campaign("oxide-perovskites-demo")
FIRST = IterationKey(CAMPAIGN.name, 0)
SECOND = IterationKey(CAMPAIGN.name, 1)


def state(*iterations: IterationState, campaign: Campaign = CAMPAIGN, **other: object) -> CampaignState:
    values: dict[str, object] = {"n_evaluated": 0, "n_hits": 0, "exhausted": False} | other
    return CampaignState(campaign=campaign, iterations=iterations, **values)  # type: ignore[arg-type]


def by_laboratory() -> Campaign:
    return CAMPAIGN.model_copy(update={"validator": "laboratory", "review": "manual"})


def complete(key: IterationKey = FIRST) -> IterationState:
    return IterationState(key, "ranked", batch_size=10, n_candidates=10, n_answered=10)


def test_a_new_campaign_opens_its_first_iteration() -> None:
    assert decide(state()) == Open(FIRST, closes=None)


def test_an_opened_iteration_is_trained() -> None:
    assert decide(state(IterationState(FIRST, "open"))) == Run(ITERATION_JOB, FIRST, attempt=1)


def test_a_failed_run_is_requested_again_as_the_next_attempt() -> None:
    jobs = {(str(FIRST), ITERATION_JOB): JobHistory(attempts=1, consecutive_failures=1)}
    assert decide(state(IterationState(FIRST, "open"), jobs=jobs)) == Run(ITERATION_JOB, FIRST, attempt=2)


def test_work_that_keeps_failing_waits_for_a_person() -> None:
    jobs = {(str(FIRST), ITERATION_JOB): JobHistory(MAX_ATTEMPTS, consecutive_failures=MAX_ATTEMPTS)}
    decision = decide(state(IterationState(FIRST, "open"), jobs=jobs))
    assert isinstance(decision, Wait)
    assert decision.on == "repair"


@pytest.mark.parametrize("job", [ITERATION_JOB, VALIDATION_JOB])
def test_nothing_is_requested_while_a_run_is_active(job: str) -> None:
    jobs = {(str(FIRST), job): JobHistory(attempts=1, active=True)}
    decision = decide(state(IterationState(FIRST, "open"), jobs=jobs))
    assert isinstance(decision, Wait)
    assert decision.on == "run"
    work = {ITERATION_JOB: "training and ranking", VALIDATION_JOB: "validation"}[job]
    assert decision.reason == f"{work} of iteration 0 is running"


def test_pending_candidates_go_to_a_validator_that_answers_by_itself() -> None:
    pending = IterationState(FIRST, "ranked", batch_size=10, n_candidates=10, n_flagged=3, n_answered=7)
    assert decide(state(pending)) == Run(VALIDATION_JOB, FIRST, attempt=1)


def test_candidates_flagged_late_are_validated_in_their_own_iteration() -> None:
    late = IterationState(FIRST, "closed", batch_size=10, n_candidates=40, n_flagged=1, n_answered=10)
    assert decide(state(late, IterationState(SECOND, "open"))) == Run(VALIDATION_JOB, FIRST, attempt=1)


def test_a_laboratory_is_waited_for() -> None:
    pending = IterationState(FIRST, "ranked", batch_size=10, n_candidates=40, n_flagged=3, n_answered=7)
    decision = decide(state(pending, campaign=by_laboratory()))
    assert decision == Wait("3 candidates of iteration 0 await the laboratory", "answers", str(FIRST))


def test_a_manual_iteration_waits_until_its_batch_was_validated() -> None:
    some = IterationState(FIRST, "ranked", batch_size=10, n_candidates=40, n_answered=4)
    reason = "4 of 10 candidates of iteration 0 are answered; flag 6 more"
    assert decide(state(some, campaign=by_laboratory())) == Wait(reason, "review", str(FIRST))


def test_rejecting_all_that_is_left_completes_an_iteration() -> None:
    rest = IterationState(FIRST, "ranked", batch_size=10, n_candidates=40, n_answered=4, n_declined=36)
    assert decide(state(rest, campaign=by_laboratory())) == Open(SECOND, closes=FIRST)


def test_a_complete_iteration_opens_the_next() -> None:
    assert decide(state(complete(), n_evaluated=20)) == Open(SECOND, closes=FIRST)


@pytest.mark.parametrize(
    ("rules", "counts", "reason"),
    [
        (StopRules(target_hits=3), {"n_hits": 3}, "target of 3 hits reached"),
        (StopRules(max_evaluations=20), {"n_evaluated": 20}, "budget of 20 evaluations spent"),
        (StopRules(max_iterations=1), {}, "all 1 iterations done"),
        (StopRules(), {"exhausted": True}, "pool exhausted"),
    ],
)
def test_each_stop_rule_ends_the_campaign(rules: StopRules, counts: dict[str, object], reason: str) -> None:
    campaign = CAMPAIGN.model_copy(update={"stop": rules})
    assert decide(state(complete(), campaign=campaign, **counts)) == Stop(reason, closes=FIRST)


@pytest.mark.parametrize(
    ("rules", "counts"),
    [
        (StopRules(target_hits=3), {"n_hits": 2}),
        (StopRules(max_evaluations=20), {"n_evaluated": 19}),
        (StopRules(max_iterations=2), {}),
    ],
)
def test_no_stop_rule_ends_the_campaign_early(rules: StopRules, counts: dict[str, int]) -> None:
    campaign = CAMPAIGN.model_copy(update={"stop": rules})
    assert decide(state(complete(), campaign=campaign, **counts)) == Open(SECOND, closes=FIRST)


def test_a_finished_campaign_whose_budget_was_raised_goes_on() -> None:
    assert decide(state(replace(complete(), status="closed"))) == Open(SECOND, closes=None)


def test_an_abandoned_iteration_holds_its_campaign() -> None:
    decision = decide(state(IterationState(FIRST, "abandoned")))
    assert isinstance(decision, Wait)
    assert decision.on == "repair"


@given(answers=st.lists(st.integers(1, 10), min_size=1, max_size=8))
def test_a_campaign_that_is_always_answered_spends_its_budget_and_stops(answers: list[int]) -> None:
    campaign = CAMPAIGN.model_copy(update={"stop": StopRules(max_evaluations=30)})
    iterations: list[IterationState] = []
    evaluated = 0
    for _ in range(100):
        decision = decide(state(*iterations, campaign=campaign, n_evaluated=evaluated))
        match decision:
            case Open(key=key, closes=closes):
                assert key.iteration == len(iterations)
                assert (closes is None) == (not iterations)
                if closes is not None:
                    iterations[-1] = replace(iterations[-1], status="closed")
                iterations.append(IterationState(key, "open"))
            case Run(job=job) if job == ITERATION_JOB:
                n = answers[len(iterations) % len(answers)]
                iterations[-1] = replace(
                    iterations[-1], status="ranked", batch_size=n, n_candidates=n, n_flagged=n
                )
            case Run():
                last = iterations[-1]
                iterations[-1] = replace(last, n_flagged=0, n_answered=last.n_candidates)
                evaluated += last.n_candidates
            case Stop(reason=reason):
                assert reason == "budget of 30 evaluations spent"
                assert 30 <= evaluated < 40
                return
            case Wait():
                pytest.fail("nothing to wait for")
    pytest.fail("the campaign never stopped")


NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


def failed(times: int, at: datetime = NOON) -> dict[tuple[str, str], JobHistory]:
    return {(str(FIRST), ITERATION_JOB): JobHistory(times, times, failed_run="run", failed_at=at)}


def after(minutes: float, **other: object) -> Decision:
    jobs = failed(MAX_ATTEMPTS)
    return decide(
        state(IterationState(FIRST, "open"), jobs=jobs, now=NOON + timedelta(minutes=minutes), **other)
    )


def test_what_failed_too_often_is_tried_again_after_a_pause_that_grows() -> None:
    waiting = after(9)
    assert isinstance(waiting, Wait)
    assert waiting.failed_run == "run"
    assert waiting.next_try_at == NOON + timedelta(minutes=10)
    assert "catalyst campaign retry" in waiting.remedy
    assert after(10) == Run(ITERATION_JOB, FIRST, MAX_ATTEMPTS + 1)
    assert [pause_after(n).total_seconds() / 60 for n in (3, 4, 5, 8, 200)] == [10, 20, 40, 240, 240]


def test_what_failed_is_tried_again_at_once_when_something_changed_or_a_person_asks() -> None:
    again = Run(ITERATION_JOB, FIRST, MAX_ATTEMPTS + 1)
    assert after(1, has_changed=True) == again
    assert after(1, retry_requested_at=NOON + timedelta(seconds=1)) == again
    assert isinstance(after(1, retry_requested_at=NOON - timedelta(seconds=1)), Wait)


def opening(number: int, **features: object) -> Decision:
    iterations = [complete()] if number else []
    return decide(state(*iterations, features=FeatureState(**features), now=NOON))  # type: ignore[arg-type]


@pytest.mark.parametrize("number", [0, 1])
def test_an_iteration_waits_for_features_that_are_on_their_way(number: int) -> None:
    decision = opening(number, n_lacking=12, active_run="0123456789")
    assert isinstance(decision, Wait)
    assert (decision.on, decision.is_under_way) == ("features", True)
    assert decision.reason == "12 materials have no features yet: run 01234567 is on its way to them"
    soon = opening(number, n_lacking=1, waiting_since=NOON - PATIENCE)
    assert isinstance(soon, Wait)
    assert soon.reason == "1 material has no features yet: automation is about to have them computed"


@pytest.mark.parametrize(
    "nobody",
    [
        {"failed_run": "0123456789", "failed_at": NOON},
        {"is_automated": False},
        {"waiting_since": NOON - PATIENCE - timedelta(seconds=1)},
    ],
)
def test_features_that_nobody_makes_hold_up_the_first_iteration_and_say_so(nobody: dict[str, object]) -> None:
    first = opening(0, n_lacking=12, **nobody)
    assert isinstance(first, Wait)
    assert (first.on, first.is_under_way) == ("features", False)
    assert first.remedy
    # later ones have enough to choose from, and take the others when they can
    assert opening(1, n_lacking=12, **nobody) == Open(SECOND, closes=FIRST)
    assert isinstance(opening(1, n_lacking=12, can_rank=False, **nobody), Wait)


def test_a_person_has_failed_features_computed_again() -> None:
    known = FeatureState(n_lacking=2, failed_run="run", failed_at=NOON)
    asked = state(features=known, retry_requested_at=NOON + timedelta(seconds=1))
    assert decide(asked) == Run(FEATURES_JOB, FIRST, 1)


def test_what_comes_while_an_iteration_is_open_does_not_hold_it_up() -> None:
    ready = state(IterationState(FIRST, "open"), features=FeatureState(n_lacking=0), now=NOON)
    assert decide(ready) == Run(ITERATION_JOB, FIRST, 1)
    assert needs_features(decide(ready))


def test_a_pool_whose_rest_cannot_be_described_is_exhausted() -> None:
    assert opening(1, can_rank=False) == Stop("pool exhausted", closes=FIRST)
    assert isinstance(opening(0, can_rank=False), Wait)


def test_without_a_network_an_iteration_waits() -> None:
    decision = opening(1, has_backbone=False, can_rank=False, n_lacking=3, active_run="0123456789")
    assert isinstance(decision, Wait)
    assert decision.reason.startswith("There is no network to describe structures with: 3 materials")


@pytest.mark.parametrize(
    ("refresh", "n_new", "opens"),
    [
        ({}, 9, False),
        ({"min_new_labels": 4}, 3, False),
        ({"min_new_labels": 4}, 4, True),
        ({"max_age": "2h"}, 1, True),
        ({"max_age": "2h"}, 0, False),
        ({"max_age": "3h"}, 1, False),
    ],
)
def test_the_next_iteration_opens_before_the_batch_is_answered(
    refresh: dict[str, object], n_new: int, opens: bool
) -> None:
    goal = Campaign.model_validate(by_laboratory().document | {"refresh": refresh})
    ranked = IterationState(
        FIRST, "ranked", 10, 10, n_flagged=3, n_answered=7, ranked_at=NOON - timedelta(hours=2)
    )
    decision = decide(state(ranked, campaign=goal, n_new_labels=n_new, now=NOON))
    assert isinstance(decision, Open) is opens


def test_a_person_opens_the_next_iteration_once() -> None:
    ranked = IterationState(FIRST, "ranked", 10, 10, n_flagged=3, ranked_at=NOON)
    asked = {"campaign": by_laboratory(), "advance_requested_at": NOON + timedelta(seconds=1)}
    assert decide(state(ranked, **asked)) == Open(SECOND, closes=FIRST)
    after = IterationState(SECOND, "ranked", 10, 10, n_flagged=3, ranked_at=NOON + timedelta(hours=1))
    assert isinstance(decide(state(replace(ranked, status="closed"), after, **asked)), Wait)


def by_jobs(**validation: int) -> Campaign:
    changed = {"validator": "command", "validation": validation, "stop": {"max_evaluations": 20}}
    return Campaign.model_validate(CAMPAIGN.document | changed)


@pytest.mark.parametrize(
    ("busy", "counts", "asks"),
    [
        ({"n_working": 1}, {}, True),
        ({"n_working": 2}, {}, False),
        ({"n_working": 1}, {"n_evaluated": 18, "n_under_way": 2}, False),
        ({"n_working": 2, "n_to_collect": 1}, {}, True),
        ({"n_working": 2, "n_unexamined": 1}, {"n_evaluated": 20}, True),
        ({"n_working": 2, "is_unsettled": True}, {}, True),
    ],
)
def test_calculations_are_asked_for_as_far_as_concurrency_and_budget_reach(
    busy: dict[str, int], counts: dict[str, int], asks: bool
) -> None:
    ranked = IterationState(FIRST, "ranked", 10, 10, n_flagged=3, n_in_validation=3, **busy)
    decision = decide(state(ranked, campaign=by_jobs(concurrency=2), **counts))
    assert isinstance(decision, Run) is asks
    if isinstance(decision, Wait):
        assert (decision.on, decision.is_under_way) == ("answers", True)


def test_a_validation_that_keeps_failing_holds_up_no_other() -> None:
    jobs = {(str(FIRST), VALIDATION_JOB): JobHistory(MAX_ATTEMPTS, consecutive_failures=MAX_ATTEMPTS)}
    broken = IterationState(FIRST, "closed", 10, 10, n_unexamined=1)
    sound = IterationState(SECOND, "ranked", 10, 10, n_flagged=1, n_unexamined=1)
    assert decide(state(broken, sound, campaign=by_laboratory(), jobs=jobs)) == Run(VALIDATION_JOB, SECOND, 1)
    waiting = decide(state(broken, replace(sound, n_unexamined=0), campaign=by_laboratory(), jobs=jobs))
    assert isinstance(waiting, Wait)
    assert waiting.on == "repair"


def test_of_a_campaign_that_has_ended_results_come_in_and_nothing_else() -> None:
    ranked = IterationState(FIRST, "ranked", 10, 10, n_flagged=3)
    assert isinstance(decide(state(ranked, is_active=False)), Wait)
    late = decide(state(replace(ranked, n_unexamined=1), is_active=False))
    assert late == Run(VALIDATION_JOB, FIRST, attempt=1)


def test_a_pause_ends_although_the_clock_was_set_back() -> None:
    failed = JobHistory(MAX_ATTEMPTS, consecutive_failures=MAX_ATTEMPTS, failed_at=NOON + timedelta(days=900))
    jobs = {(str(FIRST), ITERATION_JOB): failed}
    assert isinstance(decide(state(IterationState(FIRST, "open"), jobs=jobs, now=NOON)), Run)
