"""Spreads that are corrected by what held-out labels left: how much, and what stays."""

import numpy as np
import pytest

from catalyst_assets.learning.uncertainty.calibration import (
    Calibration,
    cross_fit_spread,
    fit_quantiles,
    fit_spread,
)
from catalyst_assets.learning.uncertainty.marginals import Marginal
from catalyst_assets.learning.uncertainty.quantiles import QuantileMap


def predicted(n: int, spread: float | np.ndarray, seed: int = 0) -> Marginal:
    center = np.random.default_rng(seed).normal(0, 2, n)
    return Marginal(-np.inf, np.zeros(n), center, np.broadcast_to(spread, n).astype(float).copy())


def observed_with(marginal: Marginal, error: float | np.ndarray, seed: int = 1) -> np.ndarray:
    return marginal.center + np.random.default_rng(seed).normal(0, 1, len(marginal.center)) * error


def test_spreads_that_collapsed_become_as_wide_as_the_errors():
    marginal = predicted(17, 1e-4)
    observed = observed_with(marginal, 0.3)
    corrected = fit_spread(marginal, observed, 2.0).apply(marginal)

    assert 0.15 < corrected.spread.mean() < 0.45
    np.testing.assert_array_equal(corrected.moments()[0], marginal.center)
    unseen = observed_with(marginal, 0.3, seed=2)
    lower, _ = corrected.cdf(unseen)
    assert (np.abs(lower - 0.5) < 0.45).mean() > 0.6


def test_spreads_that_are_right_stay_about_as_they_are():
    rng = np.random.default_rng(3)
    spreads = rng.uniform(0.1, 1.0, 400)
    marginal = predicted(400, spreads)
    corrected = fit_spread(marginal, observed_with(marginal, spreads), 2.0).apply(marginal)

    assert np.median(np.abs(corrected.spread / spreads - 1)) < 0.15


def test_with_hardly_any_label_left_out_the_spread_is_that_of_the_labels():
    marginal = predicted(4, 0.5)

    assert fit_spread(marginal, marginal.center, 1.2) == Calibration(1.0, 1.2)
    assert Calibration(1.0, 1.2).apply(marginal).spread[0] == pytest.approx(1.3)


def test_only_rows_above_the_floor_decide():
    marginal = Marginal(0.0, np.full(60, 0.5), np.full(60, 1.0), np.full(60, 0.01))
    observed = np.where(np.arange(60) % 2, 0.0, 1.0 + np.random.default_rng(0).normal(0, 0.2, 60))

    assert 0.1 < fit_spread(marginal, observed, 1.0).apply(marginal).spread[0] < 0.3


def test_a_fold_is_corrected_by_the_others_alone():
    marginal = predicted(40, 1e-3)
    folds = np.arange(40) % 2
    observed = observed_with(marginal, np.where(folds == 0, 0.1, 1.0))
    judged = cross_fit_spread(marginal, observed, folds, 2.0)

    assert judged.spread[folds == 0].mean() > 4 * judged.spread[folds == 1].mean()


@pytest.mark.parametrize("n", [17, 200])
def test_recalibrating_collapsed_spreads_does_not_move_the_mean_far(n: int):
    marginal = predicted(n, 0.02)
    observed = observed_with(marginal, 0.3)
    quantiles = fit_quantiles(marginal, observed, np.arange(n) % 5)
    moved = np.abs(quantiles.moments()[0]) * 0.02

    assert moved < 0.05
    if n < 50:
        assert quantiles == QuantileMap()
