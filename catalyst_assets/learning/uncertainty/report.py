"""How good the predictions of a head are, judged on chemical systems it was not shown.

Calibration follows Kuleshov et al., ICML 2018 (arXiv:1807.00263): the share of observations below each
predicted quantile, against the quantile. All numbers come from held-out predictions. Uncertainty Toolbox
(Chung et al., arXiv:2109.10254) computes what is the same for every distribution; where predictions have a floor,
an observation's position in its distribution stands in for the normal's.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from catalyst_assets.learning.serialization import OPTIONAL
from catalyst_assets.learning.uncertainty.calibration import Calibration, cross_fit_quantiles
from catalyst_assets.learning.uncertainty.couplings import Coupling, put_together, spread_together
from catalyst_assets.learning.uncertainty.label_noise import noise_apart, take_noise
from catalyst_assets.learning.uncertainty.marginals import Marginal, joint_draws

if TYPE_CHECKING:
    from collections.abc import Sequence

_LEVELS = np.linspace(0, 1, 101)
_N_DRAWS: Final = 256
COVERAGES: Final = (0.5, 0.8, 0.95)


@dataclass(frozen=True)
class PropertyReport:
    """Held-out errors of one property, in its unit where they have one.

    Attributes
    ----------
    n
        Labels of this property.
    mae, rmse
        Error of the predicted mean.
    baseline_mae
        Error of predicting the mean of the other folds' labels.
    miscalibration_area
        Area between the calibration curve and the diagonal: 0 is perfect, 0.5 the worst.
    nll
        Mean negative log likelihood of a normal with the predicted mean and standard deviation.
    sharpness
        Root mean square of the predicted standard deviation.
    coverage
        Share of observations inside the central interval of 50, 80 and 95 %.
    observed, predicted, std
        Shape (n,) each, in the order of the labels that were given.
    calibration
        Shape (101,): share of observations at most each quantile 0, 0.01, ..., 1.
    z_mean_square
        Mean square of error over predicted standard deviation: above 1 the spreads are too small. Unlike the
        expected normalized calibration error it bears heavy tails (Pernot, arXiv:2402.10043).
    position
        Shape (n,): chance that was given to less than what was observed, randomized within a floor's.
    noise
        Shape (n,): standard deviation of each label, 0 where it is not known; None where none is. What compares errors
        with ``std``, which is the truth's, takes it into account: NLL, coverage, the calibration curve, ``z_mean_square``.
    """

    n: int
    mae: float
    rmse: float
    baseline_mae: float
    miscalibration_area: float
    nll: float
    sharpness: float
    coverage: dict[str, float]
    observed: NDArray[np.float64]
    predicted: NDArray[np.float64]
    std: NDArray[np.float64]
    calibration: NDArray[np.float64]
    z_mean_square: float
    position: NDArray[np.float64]
    noise: NDArray[np.float64] | None = field(default=None, metadata=OPTIONAL)

    @property
    def metrics(self) -> dict[str, float]:
        """The scalars by name, as a tracker wants them."""
        named = ("mae", "rmse", "baseline_mae", "miscalibration_area", "nll", "sharpness", "z_mean_square")
        scalars = {name: float(getattr(self, name)) for name in named}
        if self.noise is not None:
            # What is left of the error when the labels' own is taken away.
            square = float(np.mean(self.noise**2))
            scalars["label_noise"] = square**0.5
            scalars["rmse_without_label_noise"] = max(self.rmse**2 - square, 0.0) ** 0.5
        return scalars | {f"coverage_{level}": share for level, share in self.coverage.items()}

    def covered(self, level: float) -> NDArray[np.bool_]:
        """Tell which observations are inside the central interval of ``level``, shape (n,)."""
        return np.asarray(np.abs(self.position - 0.5) <= level / 2)


@dataclass(frozen=True)
class ValidationReport:
    """Held-out errors of a head: one report a property, and the curves of its fits."""

    properties: dict[str, PropertyReport]
    curves: dict[str, tuple[float, ...]] = field(default_factory=dict)

    @property
    def metrics(self) -> dict[str, float]:
        """Every scalar as ``property/metric``."""
        return {
            f"{name}/{metric}": value
            for name, report in self.properties.items()
            for metric, value in report.metrics.items()
        }

    @property
    def relative_mae(self) -> float:
        """Mean over the properties of the error as a share of the baseline's: below 1 is better than the mean."""
        return float(np.mean([r.mae / max(r.baseline_mae, 1e-12) for r in self.properties.values()]))

    @property
    def miscalibration_area(self) -> float:
        """Mean over the properties."""
        return float(np.mean([r.miscalibration_area for r in self.properties.values()]))


def score_held_out(
    marginal: Marginal,
    observed: NDArray[np.float64],
    folds: NDArray[np.int64],
    seed: int,
    recalibrate: bool = False,
    noise: NDArray[np.float64] | None = None,
    offset: NDArray[np.float64] | None = None,
) -> PropertyReport:
    """Compare held-out predictions with what was observed.

    Parameters
    ----------
    marginal
        Predictions of the n rows.
    observed
        Shape (n,), no NaN.
    folds
        Shape (n,): the baseline of a fold is the mean of the others.
    seed
        Places observations at the floor uniformly within its chance (a randomized quantile).
    recalibrate
        Judge the predictions with quantiles mapped: those of each fold as the other folds say.
    noise
        Shape (n,): standard deviation of each observation, 0 where it is not known; None where none is.
    offset
        Shape (n,): what is known without learning, and added to predictions and observations alike.
    """
    mean, std, lower, upper = _predict_fold_by_fold(marginal, observed, folds, recalibrate, noise)
    position = lower + np.random.default_rng(seed).random(len(observed)) * (upper - lower)
    if offset is not None:
        mean, observed = mean + offset, observed + offset
    return compare(observed, mean, std, position, _means_of_other_folds(observed, folds), noise)


def _means_of_other_folds(observed: NDArray[np.float64], folds: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.array([observed[folds != fold].mean() if (folds != fold).any() else 0.0 for fold in folds])


def score_coupled(
    marginals: "Sequence[Marginal]",
    observed: NDArray[np.float64],
    slopes: "Sequence[float]",
    correlation: NDArray[np.float64],
    folds: NDArray[np.int64],
    seed: int,
    recalibrate: bool = False,
    noise: NDArray[np.float64] | None = None,
    offset: NDArray[np.float64] | None = None,
) -> PropertyReport:
    """Compare held-out predictions of a property that follows others with what was observed.

    Parameters
    ----------
    marginals
        Predictions of the n rows: the property's remainder, that of its parent, and so on up to the root.
    observed
        Shape (n, q): of the same.
    slopes
        The q - 1 slopes, each on the next.
    correlation
        Shape (q, q): of the normal scores.
    folds, seed, recalibrate
        As in :func:`score_held_out`.
    noise
        Shape (n, q): standard deviations of the q labels themselves, not of remainders; None where none is known.
    offset
        As in :func:`score_held_out`, of the property itself.
    """
    line = range(len(marginals))
    couplings = [Coupling(child, child + 1, slopes[child]) for child in reversed(line[:-1])]
    apart = noise_apart(noise, couplings)
    own = take_noise(noise, np.s_[:, 0])
    maps = [
        cross_fit_quantiles(marginal, observed[:, member], folds, take_noise(apart, np.s_[:, member]))
        if recalibrate
        else {}
        for member, marginal in enumerate(marginals)
    ]
    mean, std, position = np.empty(len(observed)), np.empty(len(observed)), np.empty(len(observed))
    values = put_together(observed, couplings)[:, 0]
    for fold in np.unique(folds):
        rows = np.flatnonzero(folds == fold)
        parts = [
            by_fold.get(fold, Calibration()).apply(marginal.take(rows))
            for marginal, by_fold in zip(marginals, maps, strict=True)
        ]
        means, stds = (
            np.stack(part, axis=-1) for part in zip(*[part.moments() for part in parts], strict=True)
        )
        mean[rows] = put_together(means, couplings)[:, 0]
        std[rows] = spread_together(stds, correlation, couplings)[:, 0]
        draws = put_together(joint_draws(parts, correlation, _N_DRAWS, seed), couplings)
        shown: NDArray[np.floating] = draws[:, :, 0]
        if own is not None:
            shown = shown + own[rows, None] * np.random.default_rng(seed).standard_normal(shown.shape)
        position[rows] = position_among_draws(shown, values[rows], seed)
    if offset is not None:
        mean, values = mean + offset, values + offset
    return compare(values, mean, std, position, _means_of_other_folds(values, folds), own)


def compare(
    observed: NDArray[np.float64],
    mean: NDArray[np.float64],
    std: NDArray[np.float64],
    position: NDArray[np.float64],
    baseline: NDArray[np.float64],
    noise: NDArray[np.float64] | None = None,
) -> PropertyReport:
    """Compare observations with predictions that are known by their numbers alone.

    Parameters
    ----------
    observed, mean, std
        Shape (n,) each.
    position
        Shape (n,): chance that was given to less than what was observed.
    baseline
        Shape (n,): what someone who knows no features would predict.
    noise
        Shape (n,): standard deviation of each observation, 0 where it is not known; None where none is.
    """
    from uncertainty_toolbox.metrics_calibration import miscalibration_area_from_proportions, sharpness
    from uncertainty_toolbox.metrics_scoring_rule import nll_gaussian

    error = observed - mean
    calibration = (position[:, None] <= _LEVELS).mean(0)
    std = np.maximum(std, 1e-9)
    expected = std if noise is None else np.hypot(std, noise)
    return PropertyReport(
        n=len(observed),
        mae=float(np.abs(error).mean()),
        rmse=float(np.sqrt((error**2).mean())),
        baseline_mae=float(np.abs(observed - baseline).mean()),
        miscalibration_area=float(miscalibration_area_from_proportions(_LEVELS, calibration)),
        nll=float(nll_gaussian(mean, expected, observed)),
        sharpness=float(sharpness(std)),
        coverage={
            level_name(level): float((np.abs(position - 0.5) <= level / 2).mean()) for level in COVERAGES
        },
        observed=observed,
        predicted=mean,
        std=std,
        calibration=calibration,
        z_mean_square=float(np.mean((error / expected) ** 2)),
        position=position,
        noise=noise,
    )


def position_among_draws(
    draws: NDArray[np.floating], observed: NDArray[np.float64], seed: int
) -> NDArray[np.float64]:
    """Return where observations fall among draws, ties broken at random.

    Parameters
    ----------
    draws
        Shape (n, k): samples of each row's distribution.
    observed
        Shape (n,).
    """
    below = (draws < observed[:, None]).sum(1)
    equal = (draws == observed[:, None]).sum(1)
    chance = np.random.default_rng(seed).random(len(observed))
    return np.asarray((below + chance * (equal + 1)) / (draws.shape[1] + 1))


def level_name(level: float) -> str:
    """Write the level of an interval in per cent: 0.8 is "80"."""
    return f"{level:.0%}".rstrip("%")


def _predict_fold_by_fold(
    marginal: Marginal,
    observed: NDArray[np.float64],
    folds: NDArray[np.int64],
    recalibrate: bool,
    noise: NDArray[np.float64] | None,
) -> tuple[NDArray[np.float64], ...]:
    """Return mean, standard deviation, and the chances of less than and of at most the observations."""
    numbers = (*marginal.moments(), *marginal.blurred(noise).cdf(observed))
    if not recalibrate:
        return numbers
    for fold, calibration in cross_fit_quantiles(marginal, observed, folds, noise).items():
        rows = folds == fold
        mapped = calibration.apply(marginal)
        chances = mapped.blurred(noise).cdf(observed)
        for known, part in zip(numbers, (*mapped.moments(), *chances), strict=True):
            known[rows] = part[rows]
    return numbers
