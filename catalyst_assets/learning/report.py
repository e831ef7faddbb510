"""How good the predictions of a head are, judged on chemical systems it was not shown.

Calibration follows Kuleshov et al., ICML 2018 (arXiv:1807.00263): the share of observations below each
predicted quantile, against the quantile. All numbers come from held-out predictions.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from catalyst_assets.learning.marginals import Marginal

if TYPE_CHECKING:
    from collections.abc import Mapping

_LEVELS = np.linspace(0, 1, 101)


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

    @property
    def metrics(self) -> dict[str, float]:
        """The scalars by name, as a tracker wants them."""
        named = ("mae", "rmse", "baseline_mae", "miscalibration_area", "nll", "sharpness")
        return {name: float(getattr(self, name)) for name in named} | {
            f"coverage_{level}": share for level, share in self.coverage.items()
        }


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


def judge(
    marginal: Marginal, observed: NDArray[np.float64], folds: NDArray[np.int64], seed: int
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
    """
    mean, std = marginal.moments()
    error = observed - mean
    baseline = np.array([observed[folds != fold].mean() if (folds != fold).any() else 0.0 for fold in folds])
    lower, upper = marginal.cdf(observed)
    position = lower + np.random.default_rng(seed).random(len(observed)) * (upper - lower)
    calibration = (position[:, None] <= _LEVELS).mean(0)
    std = np.maximum(std, 1e-9)
    return PropertyReport(
        n=len(observed),
        mae=float(np.abs(error).mean()),
        rmse=float(np.sqrt((error**2).mean())),
        baseline_mae=float(np.abs(observed - baseline).mean()),
        miscalibration_area=float(np.trapezoid(np.abs(calibration - _LEVELS), _LEVELS)),
        nll=float((0.5 * (error / std) ** 2 + np.log(std) + 0.5 * np.log(2 * np.pi)).mean()),
        sharpness=float(np.sqrt((std**2).mean())),
        coverage={
            f"{level:.0%}".rstrip("%"): float((np.abs(position - 0.5) <= level / 2).mean())
            for level in (0.5, 0.8, 0.95)
        },
        observed=observed,
        predicted=mean,
        std=std,
        calibration=calibration,
    )


def to_record(report: "ValidationReport | None") -> "dict[str, object] | None":
    """Return the report as a JSON object."""
    if report is None:
        return None
    arrays = ("observed", "predicted", "std", "calibration")
    return {
        "curves": {name: list(curve) for name, curve in report.curves.items()},
        "properties": {
            name: {key: value.tolist() if key in arrays else value for key, value in vars(part).items()}
            for name, part in report.properties.items()
        },
    }


def from_record(record: "Mapping[str, dict] | None") -> "ValidationReport | None":  # type: ignore[type-arg]
    """Rebuild what :func:`to_record` returned."""
    if record is None:
        return None
    arrays = ("observed", "predicted", "std", "calibration")
    parts: dict[str, dict[str, Any]] = {
        name: {k: np.array(v) if k in arrays else v for k, v in part.items()}
        for name, part in record["properties"].items()
    }
    return ValidationReport(
        {name: PropertyReport(**part) for name, part in parts.items()},
        {name: tuple(curve) for name, curve in record["curves"].items()},
    )
