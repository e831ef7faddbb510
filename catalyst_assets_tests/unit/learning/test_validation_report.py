"""What a report says of held-out predictions, beside the numbers of uncertainty-toolbox."""

import numpy as np
import pytest
from scipy.special import ndtr
from uncertainty_toolbox.metrics_calibration import (
    get_proportion_in_interval,
    get_proportion_lists_vectorized,
    miscalibration_area_from_proportions,
)

from catalyst_assets.learning.serialization import dump, load
from catalyst_assets.learning.uncertainty.marginals import Marginal
from catalyst_assets.learning.uncertainty.report import (
    PropertyReport,
    ValidationReport,
    position_among_draws,
    score_held_out,
)


def gaussian(n: int, factor: float, seed: int = 0) -> tuple[Marginal, np.ndarray]:
    """Predictions whose true spread is ``factor`` times what they say."""
    rng = np.random.default_rng(seed)
    center, spread = rng.normal(size=n), rng.uniform(0.5, 2, size=n)
    observed = center + factor * spread * rng.normal(size=n)
    return Marginal(-np.inf, np.zeros(n), center, spread), observed


def test_on_normal_predictions_it_agrees_with_uncertainty_toolbox() -> None:
    marginal, observed = gaussian(2000, 1.5)
    report = score_held_out(marginal, observed, np.arange(2000) % 5, 0)
    expected, proportion = get_proportion_lists_vectorized(
        # Their residual is prediction less label: its quantiles run the other way.
        -marginal.center, marginal.spread, -observed, num_bins=101, prop_type="quantile",
    )  # fmt: skip
    np.testing.assert_allclose(report.calibration, proportion, atol=1e-12)
    area = miscalibration_area_from_proportions(expected, proportion)
    assert report.miscalibration_area == pytest.approx(area, abs=1e-12)
    for level, share in report.coverage.items():
        assert share == pytest.approx(
            get_proportion_in_interval(marginal.center, marginal.spread, observed, int(level) / 100)
        )
    z = (observed - marginal.center) / marginal.spread
    assert report.nll == pytest.approx(
        float((0.5 * z**2 + np.log(marginal.spread)).mean() + 0.918939), abs=1e-6
    )
    assert report.sharpness == pytest.approx(float(np.sqrt((marginal.spread**2).mean())))
    assert report.z_mean_square == pytest.approx(1.5**2, rel=0.08)


def test_at_a_floor_observations_are_spread_over_its_chance() -> None:
    n = 4000
    rng = np.random.default_rng(1)
    above = rng.random(n) > 0.6
    marginal = Marginal(0.0, np.full(n, 0.6), np.full(n, 3.0), np.full(n, 0.5))
    observed = np.where(above, 3.0 + 0.5 * rng.normal(size=n), 0.0)
    report = score_held_out(marginal, observed, np.arange(n) % 5, 0)
    assert report.miscalibration_area < 0.012
    assert report.coverage["50"] == pytest.approx(0.5, abs=0.03)
    assert report.covered(0.5).mean() == report.coverage["50"]


def test_places_among_draws_are_those_in_the_distribution() -> None:
    rng = np.random.default_rng(2)
    observed = rng.normal(size=500)
    draws = np.broadcast_to(np.sort(rng.normal(size=4000)), (500, 4000))
    np.testing.assert_allclose(position_among_draws(draws, observed, 0), ndtr(observed), atol=0.03)
    tied = position_among_draws(np.zeros((2000, 3)), np.zeros(2000), 0)
    assert (tied.min(), tied.mean(), tied.max()) == pytest.approx((0, 0.5, 1), abs=0.03)


def test_a_report_is_stored_and_read_with_every_number() -> None:
    marginal, observed = gaussian(50, 1.0)
    report = ValidationReport(
        {"band_gap": score_held_out(marginal, observed, np.arange(50) % 5, 0)}, {"a": (1.0, 0.5)}
    )
    again = load(dump(report, "report-1"), "report-1", (ValidationReport, PropertyReport))
    assert (again.metrics, again.curves) == (report.metrics, report.curves)
    assert "band_gap/z_mean_square" in again.metrics
    np.testing.assert_array_equal(
        again.properties["band_gap"].covered(0.8), report.properties["band_gap"].covered(0.8)
    )
