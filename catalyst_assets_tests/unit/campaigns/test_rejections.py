"""Rules of rejections, the learned chance of an answer, explanations, and where two lists differ."""

import numpy as np
import pytest

from catalyst_assets.acquisition.explanation import explain
from catalyst_assets.acquisition.failures import chance_of_answer
from catalyst_assets.acquisition.replay import Difference, find_difference
from catalyst_assets.campaigns.criteria import bound_chances, chance_of
from catalyst_assets.campaigns.history import History, judge_history
from catalyst_assets.campaigns.library import load_campaign
from catalyst_assets.campaigns.model import Campaign
from catalyst_assets.campaigns.rejections import RULES, RejectionKind

NONE = np.empty(0, dtype=np.int64)


def row(material: str, iteration: int, status: str, kind: str | None = None) -> dict[str, object]:
    return {"material_id": material, "iteration": iteration, "status": status, "rejection_kind": kind}


@pytest.mark.parametrize("kind", RejectionKind)
def test_every_kind_has_a_rule(kind: RejectionKind) -> None:
    assert RULES[kind].meaning
    withheld = judge_history([row("a", 0, "rejected", kind)], iteration=9, suggest_again_after=3).withheld
    assert (withheld == {"a"}) == (RULES[kind].again == "never")


def test_a_failure_comes_again_after_the_turns_in_between_and_its_last_outcome_counts() -> None:
    rows = [row("a", 1, "rejected", "failed"), row("b", 1, "rejected", "failed"), row("b", 4, "validated")]
    assert judge_history(rows[:1], 2, suggest_again_after=0).withheld == frozenset()
    assert judge_history(rows[:1], 4, suggest_again_after=3).withheld == {"a"}
    later = judge_history(rows, 5, suggest_again_after=3)
    assert later == History(frozenset("b"), frozenset(), frozenset("a"), frozenset("b"))
    assert History.from_json(later.to_json()) == later
    twice = [row("c", 1, "rejected", "failed"), row("c", 5, "rejected", "failed")]
    assert judge_history(twice, 99, suggest_again_after=0).withheld == {"c"}


def test_without_another_candidate_what_failed_waits_no_longer() -> None:
    rows = [row("a", 1, "rejected", "failed"), row("b", 1, "validated"), row("c", 1, "rejected", "failed")]
    rows += [row("c", 2, "rejected", "failed")]
    history = judge_history(rows, 3, suggest_again_after=9)
    assert (history.withheld, history.waiting) == ({"a", "b", "c"}, {"a"})
    assert history.for_pool({"a", "b", "c", "d"}) == history
    alone = history.for_pool({"a", "b", "c"})
    assert (alone.withheld, alone.failed) == ({"b", "c"}, {"a", "c"})
    assert alone.for_pool({"b", "c"}) == alone
    recorded = alone.to_json()
    del recorded["waiting"]  # rankings from before it was kept
    assert History.from_json(recorded).for_pool({"b", "c"}).withheld == alone.withheld
    assert judge_history(rows[1:], 3, suggest_again_after=9).for_pool({"b", "c"}).withheld == {"b", "c"}


def test_what_fails_together_is_avoided_together() -> None:
    rng = np.random.default_rng(0)
    centres = np.repeat([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]], 20, axis=0)
    features = centres + rng.normal(size=(60, 2))
    failed, answered = np.arange(8), np.arange(20, 28)
    chance = chance_of_answer(features, failed, answered)
    overall = (8 + 1) / (16 + 2)
    assert chance[8:20].max() < 0.4 < 0.6 < chance[28:40].min()
    assert chance[40:] == pytest.approx(overall, abs=0.05)  # nothing was tried near them
    backwards = chance_of_answer(features[::-1], 59 - failed, 59 - answered)[::-1]
    assert backwards == pytest.approx(chance)
    assert (chance_of_answer(features, NONE, answered) == 1).all()
    assert chance_of_answer(np.ones((4, 2)), np.array([0]), NONE) == pytest.approx(0.222, abs=1e-3)


def test_alternatives_are_explained_by_their_likeliest_branch() -> None:
    campaign = load_campaign("solar-water-splitting")
    names = campaign.predicted_properties
    sure = {
        "heat_of_formation": 0.0,
        "band_gap_indirect": 9.0,
        "band_gap_direct": 2.0,
        "valence_band_direct": 6.0,
    }
    draws = np.array([[sure.get(name, 0.0) for name in names]] * 10)
    draws[:, names.index("conduction_band_direct")] = np.where(np.arange(10) < 7, 4.0, 5.0)
    found = explain(campaign, draws, np.zeros(len(names)), names)
    stability, bands = found.criteria
    assert (stability.chance, bands.chance) == pytest.approx((1.0, 0.7))
    assert bands.branch_chances == pytest.approx((0.7, 0.0))
    assert [bound.chance for bound in bands.branches[0]] == pytest.approx([1.0, 1.0, 0.7])
    assert found.decisive == "conduction_band_direct"


def test_a_property_alone_is_never_less_likely_than_all_together() -> None:
    campaign = load_campaign("oxide-perovskites-demo")
    names = ("band_gap_direct", "formation_energy_per_atom")
    draws = np.random.default_rng(0).normal([1.9, -2.0], [0.8, 0.3], size=(200, 64, 2))
    std = np.broadcast_to([0.8, 0.3], (200, 2))

    together = chance_of(campaign, draws, std, names)
    alone = bound_chances(campaign, draws, std, names)

    assert set(alone) == set(names)
    assert all((chances >= together - 1e-6).all() for chances in alone.values())
    share = ((draws[..., 0] >= 1.0) & (draws[..., 0] <= 2.3)).mean(axis=1)
    assert np.abs(alone["band_gap_direct"] - share).max() < 0.06


def test_an_objective_decides_once_its_criteria_are_likely() -> None:
    document = load_campaign("oxide-perovskites-demo").document
    document["objective"] = {"property": "band_gap_direct", "direction": "maximize"}
    document["criteria"] = [{"property": "formation_energy_per_atom", "max": -2.0}]
    document["acquisition"]["strategy"] = "constrained_expected_improvement"
    campaign = Campaign.model_validate(document)
    names = ("band_gap_direct", "formation_energy_per_atom")
    stable = np.array([[1.0, -2.5]] * 4)
    assert explain(campaign, stable, np.zeros(2), names).decisive == "band_gap_direct"
    assert (
        explain(campaign, stable + np.array([0, 1]), np.zeros(2), names).decisive
        == "formation_energy_per_atom"
    )


def test_the_first_difference_is_found_and_nothing_beyond_the_candidates_counts() -> None:
    assert find_difference(["a", "b", "c"], ["a", "b", "d"], 2) is None
    assert find_difference(["a", "b", "c"], ["a", "b", "d"], 3) == Difference(3, "c", "d")
    shorter = find_difference(["a"], ["a", "b"], 2)
    assert str(shorter) == "At rank 2 nothing is recorded, now it is b."
