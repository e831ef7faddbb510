"""Scores against BoTorch and against arithmetic, and what the exploration weight means in each strategy."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from botorch.acquisition.logei import qLogExpectedImprovement, qLogProbabilityOfFeasibility
from botorch.models.ensemble import EnsembleModel
from botorch.sampling.index_sampler import IndexSampler
from hypothesis import given, settings
from hypothesis import strategies as st

from catalyst_assets.acquisition.problem import RankingProblem
from catalyst_assets.acquisition.strategies import score
from catalyst_assets.acquisition.utility import Utility, UtilityFunction, blur, fit_utility
from catalyst_assets.campaigns.library import parse_campaign
from catalyst_assets.campaigns.model import Campaign, Strategy
from catalyst_assets.learning.predictor import Prediction

GAP = {"property": "band_gap_direct", "min": 1.0, "max": 2.0}
ENERGY = {"property": "formation_energy_per_atom", "max": -2.0}
NAMES = ("band_gap_direct", "formation_energy_per_atom")


def campaign(strategy: str = "uncertainty", **changes: Any) -> Campaign:
    document = {
        "name": "test", "pool": {"source": "x"}, "criteria": [GAP, ENERGY], "method": "PBE",
        "validator": "laboratory", "acquisition": {"strategy": strategy},
    } | changes  # fmt: skip
    return parse_campaign(document, "test")


def objective(direction: str = "maximize", strategy: str = "uncertainty") -> Campaign:
    wanted = {"property": "band_gap_direct", "direction": direction}
    return campaign(strategy, criteria=[], objective=wanted)


def both(strategy: str = "constrained_expected_improvement") -> Campaign:
    wanted = {"property": "band_gap_direct", "direction": "maximize"}
    return campaign(strategy, criteria=[ENERGY], objective=wanted)


def predict(mean: Any, std: Any, n_draws: int = 64, seed: int = 0) -> Prediction:
    mean, std = np.asarray(mean, dtype=np.float64), np.asarray(std, dtype=np.float64)
    noise = np.random.default_rng(seed).standard_normal((n_draws, mean.shape[1]))
    draws = (mean[:, None] + std[:, None] * noise).astype(np.float32)
    return Prediction(NAMES, mean, std, draws)


def measure(goal: Campaign, prediction: Prediction, labels: Any = None) -> Utility:
    import pandas as pd

    known = None if labels is None else pd.DataFrame(labels, columns=list(NAMES))
    names = [f"m{row:06d}" for row in range(len(prediction.mean))]
    function = fit_utility(RankingProblem(goal, names, prediction, 0, labels=known))
    return Utility(function, prediction.mean, prediction.std, prediction.draws)


def random_prediction(seed: int, size: int = 40) -> Prediction:
    rng = np.random.default_rng(seed)
    mean = np.stack([rng.normal(1.5, 2, size), rng.normal(-2, 1, size)], axis=1)
    return predict(mean, rng.uniform(0.05, 1.5, (size, 2)), seed=seed)


class _Draws(EnsembleModel):
    """Draws of shape (m, k, p) as BoTorch's ensemble of k members; a candidate is its row number."""

    def __init__(self, draws: np.ndarray) -> None:
        super().__init__()
        self._draws = torch.from_numpy(np.ascontiguousarray(draws))
        self._num_outputs = draws.shape[2]

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        return self._draws[X[:, 0, 0].long()][:, :, None]


class _EachOnce(IndexSampler):
    def _construct_base_samples(self, posterior: Any) -> None:
        members = torch.arange(self.sample_shape[0])
        shape = (len(members), *(1 for _ in posterior.batch_shape))
        self.register_buffer("base_samples", members.view(shape).expand(-1, *posterior.batch_shape))


def by_botorch(draws: np.ndarray, build: Any) -> np.ndarray:
    sampler = _EachOnce(sample_shape=torch.Size([draws.shape[1]]))
    rows = torch.arange(len(draws), dtype=torch.float64)[:, None, None]
    result: np.ndarray = build(_Draws(draws), sampler)(rows).numpy()
    return result


@pytest.mark.parametrize("seed", [0, 1])
def test_log_feasibility_is_botorchs(seed: int) -> None:
    prediction = random_prediction(seed)
    utility = measure(campaign(), prediction)
    spreads = np.array([utility.function.spreads[name] for name in NAMES])
    for place in range(40):
        width = 0.1 * prediction.std[place] + 1e-3 * spreads
        expected = by_botorch(
            prediction.draws[[place]].astype(np.float64) / width,
            lambda model, sampler, width=width: qLogProbabilityOfFeasibility(
                model,
                constraints=[
                    lambda samples: 1.0 / width[0] - samples[..., 0],
                    lambda samples: samples[..., 0] - 2.0 / width[0],
                    lambda samples: samples[..., 1] + 2.0 / width[1],
                ],
                sampler=sampler,
                eta=1.0,
                fat=False,
            ),
        )
        np.testing.assert_allclose(utility.log_feasibility[place], expected[0], rtol=1e-5, atol=1e-6)
    assert utility.log_feasibility.min() < -5


def test_of_alternatives_the_likelier_one_counts() -> None:
    low, high = ({"property": "band_gap_direct", "max": 1.0}, {"property": "band_gap_direct", "min": 3.0})
    prediction = predict([[0.0, -3.0], [4.0, -3.0], [2.0, -3.0]], [[0.3, 0.3]] * 3)
    alternatives = measure(campaign(criteria=[{"any_of": [[low], [high]]}, ENERGY]), prediction)
    first = measure(campaign(criteria=[low, ENERGY]), prediction).log_feasibility
    second = measure(campaign(criteria=[high, ENERGY]), prediction).log_feasibility
    np.testing.assert_allclose(alternatives.log_feasibility[:2], [first[0], second[1]], atol=1e-9)
    assert max(first[2], second[2]) <= alternatives.log_feasibility[2] < np.logaddexp(first[2], second[2])


def test_where_one_criterion_is_hopeless_the_others_still_decide() -> None:
    # Every draw of the first property misses, as for gaps when no semiconductor is known yet.
    draws = np.zeros((2, 64, 2), dtype=np.float32)
    draws[0, :, 1], draws[1, :, 1] = -2.5, 1.0
    prediction = Prediction(NAMES, draws.mean(axis=1).astype(np.float64), np.full((2, 2), 0.1), draws)
    stable, unstable = measure(campaign(), prediction).log_feasibility
    assert stable > unstable + 3


def test_of_two_hopeless_candidates_the_one_with_more_chance_comes_first() -> None:
    draws = np.zeros((2, 64, 2), dtype=np.float32)
    prediction = Prediction(
        NAMES, np.array([[0.02, -2.5], [0.01, -2.5]]), np.array([[0.2, 0.1], [0.1, 0.1]]), draws
    )
    likelier, other = measure(campaign(), prediction).log_feasibility
    assert likelier > other + 1


@pytest.mark.parametrize("goal", [campaign(), objective(), objective("minimize")])
def test_log_expected_improvement_is_botorchs(goal: Campaign) -> None:
    labels = [[1.4, -2.1], [3.0, -1.0]]
    utility = measure(goal, random_prediction(2), labels)
    width = blur(utility.worth)
    scaled = (utility.worth - utility.incumbent) / width[:, None]
    expected = by_botorch(
        scaled[:, :, None],
        lambda model, sampler: qLogExpectedImprovement(
            model, best_f=0.0, sampler=sampler, tau_relu=1.0, fat=False
        ),
    )
    found = score(Strategy.EXPECTED_IMPROVEMENT, utility, ["m"] * 40, 0.0, 0)
    np.testing.assert_allclose(found, np.log(width) + expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(
        found, score(Strategy.LOG_EXPECTED_IMPROVEMENT, utility, ["m"] * 40, 0.0, 0)
    )


def test_feasibility_is_joint_over_the_properties() -> None:
    # Each bound holds in half of the draws: in the same half of the first candidate, in none together of the second.
    half = np.repeat([0.0, 1.0], 32)
    draws = np.empty((2, 64, 2), dtype=np.float32)
    draws[:, :, 0] = 1.5 + 10 * half
    draws[0, :, 1] = -2.5 + 10 * half
    draws[1, :, 1] = -2.5 + 10 * half[::-1]
    prediction = Prediction(NAMES, draws.mean(axis=1).astype(np.float64), draws.std(axis=1), draws)
    chance = np.exp(measure(campaign(), prediction).log_feasibility)
    assert 0.15 < chance[0] < 0.5
    assert chance[1] < 0.01


def test_far_candidates_still_differ_and_are_finite() -> None:
    prediction = predict([[1.5, 50.0], [1.5, 500.0], [1.5, 5000.0]], [[0.1, 0.1]] * 3)
    for strategy in ("probability_of_feasibility", "expected_improvement", "probability_of_improvement"):
        found = score(Strategy(strategy), measure(campaign(), prediction), list("abc"), 0.0, 0)
        assert np.isfinite(found).all()
        assert found[0] > found[1] > found[2]


def test_probability_of_improvement_counts_the_draws_above_the_best_label() -> None:
    goal = objective()
    function = UtilityFunction(goal, NAMES, dict.fromkeys(NAMES, 1.0), incumbent=2.0, floor=0.0)
    draws = np.full((2, 64, 2), -1000.0)
    draws[0, :16, 0] = draws[1, :48, 0] = 1000.0
    utility = Utility(function, draws.mean(axis=1), draws.std(axis=1), draws)
    chance = np.exp(score(Strategy.PROBABILITY_OF_IMPROVEMENT, utility, list("ab"), 0.0, 0))
    assert chance == pytest.approx([0.25, 0.75], abs=0.01)


def test_improving_on_a_hit_is_meeting_the_criteria() -> None:
    utility = measure(campaign(), random_prediction(3), labels=[[1.5, -3.0]])
    assert utility.incumbent == 0.0
    np.testing.assert_allclose(
        score(Strategy.PROBABILITY_OF_IMPROVEMENT, utility, ["m"] * 40, 0.0, 0), utility.log_feasibility
    )


def test_constrained_improvement_gains_only_where_the_criteria_hold() -> None:
    mean = [
        [3.0, -4.0],
        [6.0, 2.0],
        [1.0, -4.0],
    ]  # feasible gain, infeasible larger gain, feasible without gain
    utility = measure(both(), predict(mean, [[0.3, 0.3]] * 3), labels=[[2.0, -3.0], [9.0, 0.0]])
    assert utility.incumbent == pytest.approx(2.0 / _gap_spread(mean))
    found = score(Strategy.CONSTRAINED_EXPECTED_IMPROVEMENT, utility, list("abc"), 0.0, 0)
    assert np.argsort(-found)[0] == 0
    gain = math.exp(found[0]) * _gap_spread(mean)
    assert gain == pytest.approx(1.0, abs=0.1)
    assert math.exp(found[1]) < 0.01 * math.exp(found[0])


def test_until_a_label_meets_the_criteria_only_they_count() -> None:
    utility = measure(both(), predict([[3.0, -4.0], [9.0, 2.0]], [[0.3, 0.3]] * 2), labels=[[9.0, 0.0]])
    assert utility.incumbent == -np.inf
    for strategy in (Strategy.CONSTRAINED_EXPECTED_IMPROVEMENT, Strategy.PROBABILITY_OF_IMPROVEMENT):
        np.testing.assert_array_equal(score(strategy, utility, list("ab"), 0.0, 0), utility.log_feasibility)


def test_whatever_meets_the_criteria_is_worth_more_than_what_does_not() -> None:
    utility = measure(both("greedy"), predict([[0.1, -4.0], [99.0, -1.9], [99.0, 2.0]], [[0.3, 0.3]] * 3))
    found = score(Strategy.GREEDY, utility, list("abc"), 0.0, 0)
    assert found[0] > found[1] > found[2]


def _gap_spread(mean: list[list[float]]) -> float:
    return float(np.sqrt(np.var(np.array(mean)[:, 0]) + 0.3**2))


def test_upper_bound_is_the_mean_and_weight_adds_deviation() -> None:
    prediction = predict([[2.0, 0.0], [1.0, 0.0]], [[0.1, 0.1], [3.0, 0.1]], n_draws=512)
    utility = measure(objective(), prediction)
    trusting = score(Strategy.UPPER_CONFIDENCE_BOUND, utility, list("ab"), 0.0, 0)
    seeking = score(Strategy.UPPER_CONFIDENCE_BOUND, utility, list("ab"), 0.7, 0)
    assert trusting[0] > trusting[1]
    assert seeking[1] > seeking[0]
    np.testing.assert_allclose(seeking, 0.3 * trusting + 0.7 * utility.uncertainty)


def test_thompson_takes_one_draw_of_each_by_name_and_seed() -> None:
    utility = measure(objective(), random_prediction(4))
    ids = [f"m{i}" for i in range(40)]
    first, again = (score(Strategy.THOMPSON, utility, ids, 0.0, 5) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, score(Strategy.THOMPSON, utility, ids, 0.0, 6))
    assert (utility.worth == first[:, None]).any(axis=1).all()


def test_random_knows_the_name_and_the_seed_alone() -> None:
    one, other = measure(campaign(), random_prediction(0)), measure(objective(), random_prediction(1))
    ids = [f"m{i}" for i in range(40)]
    np.testing.assert_array_equal(
        score(Strategy.RANDOM, one, ids, 0.2, 7), score(Strategy.RANDOM, other, ids, 0.9, 7)
    )


GOALS = {strategy: [campaign(), objective(), both()] for strategy in Strategy}
GOALS[Strategy.PROBABILITY_OF_FEASIBILITY] = [campaign()]
GOALS[Strategy.CONSTRAINED_EXPECTED_IMPROVEMENT] = [both()]


@pytest.mark.parametrize("strategy", list(Strategy))
@settings(max_examples=25)
@given(
    mean=st.tuples(st.floats(-3, 5), st.floats(-5, 3)),
    wide=st.floats(0.05, 3),
    share=st.floats(0.01, 0.95),
    weights=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    seed=st.integers(0, 5),
)
def test_a_larger_weight_never_worsens_the_more_uncertain_of_two_else_equal(
    strategy: Strategy, mean: Any, wide: float, share: float, weights: Any, seed: int
) -> None:
    prediction = predict([mean, mean, (1.0, -1.0)], [[wide] * 2, [wide * share] * 2, [1.0] * 2], seed=seed)
    less, more = sorted(weights)
    for goal in GOALS[strategy]:
        utility = measure(goal, prediction, labels=[[1.2, -2.5], [0.0, 0.0]])
        before = score(strategy, utility, list("aab"), less, seed)
        after = score(strategy, utility, list("aab"), more, seed)
        if before[0] > before[1] + 1e-9:
            assert after[0] >= after[1]


@pytest.mark.parametrize("strategy", [s for s in Strategy if s.explores or s is Strategy.UNCERTAINTY])
def test_weight_one_ranks_by_uncertainty_alone(strategy: Strategy) -> None:
    for goal in GOALS[strategy]:
        utility = measure(goal, random_prediction(6))
        found = score(strategy, utility, [f"m{i}" for i in range(40)], 1.0, 0)
        np.testing.assert_array_equal(np.argsort(found), np.argsort(utility.uncertainty))
