"""Recalibration moves quantiles to where observations fall, and nothing else."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import ndtri

from catalyst_assets.learning.uncertainty.calibration import Calibration, cross_fit_quantiles, fit_quantiles
from catalyst_assets.learning.uncertainty.marginals import Marginal, joint_draws
from catalyst_assets.learning.uncertainty.quantiles import QuantileMap
from catalyst_assets.learning.uncertainty.report import score_held_out


def recalibrated(marginal: Marginal, quantiles: QuantileMap) -> Marginal:
    return Calibration(quantiles=quantiles).apply(marginal)


HEAVY = QuantileMap(shift=-0.1, scale=0.7, skew=0.1, tail=0.75)


def flat(n: int, floor: float = -np.inf, floor_probability: float = 0.0) -> Marginal:
    return Marginal(floor, np.full(n, floor_probability), np.zeros(n), np.ones(n))


def folds_of(n: int) -> NDArray[np.int64]:
    return np.arange(n, dtype=np.int64) % 5


def test_the_map_and_its_inverse_undo_each_other() -> None:
    scores = np.linspace(-5, 5, 101)
    np.testing.assert_allclose(HEAVY.invert(HEAVY.apply(scores)), scores, atol=1e-9)
    assert (np.diff(HEAVY.apply(scores)) > 0).all()
    grid = np.linspace(-60, 60, 400_001)
    assert np.trapezoid(np.exp(HEAVY.log_density(grid)), grid) == pytest.approx(1, abs=1e-6)


def test_moments_are_those_of_the_draws_with_and_without_a_floor() -> None:
    levels = (np.arange(200_000) + 0.5) / 200_000
    for marginal in (
        Marginal(-np.inf, np.zeros(3), np.array([0.0, 1.0, -2.0]), np.array([1.0, 0.5, 2.0])),
        Marginal(0.0, np.array([0.0, 0.4, 0.9]), np.array([-1.0, 1.0, 3.0]), np.array([1.0, 0.5, 2.0])),
    ):
        mapped = recalibrated(marginal, HEAVY)
        samples = mapped.quantile(levels)
        mean, std = mapped.moments()
        np.testing.assert_allclose(mean, samples.mean(1), atol=2e-3)
        np.testing.assert_allclose(std, samples.std(1), rtol=5e-3)
        lower, upper = mapped.cdf(np.quantile(samples, 0.95, axis=1))
        np.testing.assert_allclose((lower + upper) / 2, 0.95, atol=1e-3)


def test_the_floor_keeps_its_chance_and_nothing_falls_below_it() -> None:
    marginal = recalibrated(Marginal(0.0, np.array([0.3]), np.array([0.2]), np.array([1.0])), HEAVY)
    samples = marginal.quantile((np.arange(10_000) + 0.5) / 10_000)
    assert (samples == 0.0).mean() == pytest.approx(0.3, abs=1e-3)
    assert samples.min() == 0.0
    assert marginal.cdf(np.array([0.0]))[1] == pytest.approx(0.3)


def test_a_nearly_flat_map_gives_the_closed_formula_of_a_truncated_normal() -> None:
    marginal = Marginal(0.0, np.full(4, 0.2), np.array([-3.0, -0.5, 0.5, 4.0]), np.ones(4))
    nearly = recalibrated(marginal, QuantileMap(tail=1 + 1e-9))
    for left, right in zip(nearly.moments(), marginal.moments(), strict=True):
        np.testing.assert_allclose(left, right, atol=1e-4)


def test_the_identity_leaves_a_marginal_as_it_is_to_the_last_bit() -> None:
    marginal = Marginal(0.0, np.array([0.1, 0.2]), np.array([1.0, 2.0]), np.array([0.5, 0.7]))
    same = recalibrated(marginal, QuantileMap())
    assert same.quantiles is None
    draws = [joint_draws([each], np.eye(1), 16, seed=1) for each in (marginal, same)]
    np.testing.assert_array_equal(*draws)


def test_heavy_tails_are_covered_at_50_and_95_per_cent_on_data_kept_apart() -> None:
    rng = np.random.default_rng(0)
    # Scaled as the head scales it: right in the mean, wrong in the middle and in the tails.
    seen, unseen = 0.75 * rng.standard_t(3, (2, 2000))
    marginal = flat(2000)
    recalibration = fit_quantiles(marginal, seen, folds_of(2000))
    assert recalibration.tail < 0.85
    before = score_held_out(marginal, unseen, folds_of(2000), 0)
    after = score_held_out(recalibrated(marginal, recalibration), unseen, folds_of(2000), 0)
    assert before.miscalibration_area > 0.02
    assert after.miscalibration_area < 0.012
    for level in ("50", "80", "95"):
        assert after.coverage[level] == pytest.approx(float(level) / 100, abs=0.025)


def test_above_a_floor_only_the_observations_there_decide() -> None:
    rng = np.random.default_rng(1)
    marginal = Marginal(0.0, np.full(1500, 0.5), np.full(1500, 3.0), np.ones(1500))
    above = np.abs(3.0 + 1.8 * rng.normal(size=1500))
    observed = np.where(rng.random(1500) < 0.5, 0.0, above)
    recalibration = fit_quantiles(marginal, observed, folds_of(1500))
    report = score_held_out(recalibrated(marginal, recalibration), observed, folds_of(1500), 0)
    assert score_held_out(marginal, observed, folds_of(1500), 0).miscalibration_area > 0.025
    assert report.miscalibration_area < 0.012


@pytest.mark.parametrize("n", [0, 4, 9])
def test_too_few_observations_change_nothing(n: int) -> None:
    observed = np.linspace(5, 9, n)
    assert fit_quantiles(flat(n), observed, folds_of(n)).is_identity


def test_what_does_not_help_folds_left_out_is_not_trusted() -> None:
    rng = np.random.default_rng(2)
    fitting = [fit_quantiles(flat(60), rng.normal(size=60), folds_of(60)).is_identity for _ in range(12)]
    assert sum(fitting) >= 9


def test_each_fold_is_judged_by_what_the_others_say() -> None:
    rng = np.random.default_rng(3)
    observed, folds = rng.normal(size=400), folds_of(400)
    observed[folds == 0] += 3.0
    recalibrations = cross_fit_quantiles(flat(400), observed, folds)
    assert set(recalibrations) == {0, 1, 2, 3, 4}
    # The four other folds are centred on zero and know nothing of the first one's offset.
    assert abs(recalibrations[0].quantiles.shift) < 0.2
    without = score_held_out(flat(400), observed, folds, 0)
    assert score_held_out(flat(400), observed, folds, 0, recalibrate=True).predicted[
        folds == 0
    ] == pytest.approx(recalibrations[0].apply(flat(80)).moments()[0])
    assert without.n == 400


def test_the_map_is_free_of_the_order_of_rows() -> None:
    rng = np.random.default_rng(4)
    scores = ndtri(rng.random(333))
    order = rng.permutation(333)
    np.testing.assert_array_equal(HEAVY.apply(scores)[order], HEAVY.apply(scores[order]))
