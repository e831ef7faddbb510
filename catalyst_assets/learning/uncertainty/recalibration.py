"""Recalibration: a monotone map of a predictive distribution, fitted to where held-out observations fell in it.

One factor on the spread cannot set the middle and the tails right together when residuals have heavier tails
than a normal. Here the predicted quantiles are mapped (Kuleshov et al., ICML 2018, arXiv:1807.00263), by the
sinh-arcsinh family (Jones and Pewsey, Biometrika 96, 761 (2009)) instead of an isotonic regression: four
parameters, smooth, defined beyond the furthest observation, and with finite moments.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr, ndtri

if TYPE_CHECKING:
    from catalyst_assets.learning.uncertainty.marginals import Marginal

FEWEST_OBSERVATIONS: Final = 50
# So many observations does it take to move a parameter half of the way from the identity, about.
_STRENGTH: Final = 10.0
_BOUNDS: Final = ((-0.5, 0.5), (-1.0, 1.0), (-0.3, 0.3), (-0.5, 0.5))
_LEVELS: Final = (np.arange(40) + 0.5) / 40
_LOWEST, _HIGHEST, _BEYOND, _STEP = -9.0, 9.0, 4.0, 0.01


@dataclass(frozen=True)
class Recalibration:
    """The map ``h(z) = shift + scale * sinh((asinh(z) + skew) / tail)`` of standard normal scores.

    What was ``center + spread * z`` becomes ``center + spread * h(z)``; the default leaves it as it is.

    Attributes
    ----------
    shift, scale
        Location, and a positive width; both in units of the predicted spread.
    skew
        Above zero stretches the upper side.
    tail
        Positive; below 1 makes the tails heavier than a normal's.
    """

    shift: float = 0.0
    scale: float = 1.0
    skew: float = 0.0
    tail: float = 1.0

    @property
    def is_identity(self) -> bool:
        """Whether it changes nothing."""
        return self == Recalibration()

    def apply(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return ``h`` of standard normal scores, in units of the spread from the center."""
        return np.asarray(self.shift + self.scale * np.sinh((np.arcsinh(scores) + self.skew) / self.tail))

    def invert(self, residuals: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the standard normal scores of residuals in units of the spread; inverse of :meth:`apply`."""
        return np.asarray(np.sinh(self.tail * np.arcsinh((residuals - self.shift) / self.scale) - self.skew))

    def log_density(self, residuals: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the logarithm of the density of residuals in units of the spread."""
        standard = (residuals - self.shift) / self.scale
        angle = self.tail * np.arcsinh(standard) - self.skew
        slope = np.log(self.tail * np.cosh(angle) / self.scale) - 0.5 * np.log1p(standard**2)
        return np.asarray(slope - 0.5 * np.sinh(angle) ** 2 - 0.5 * np.log(2 * np.pi))

    def moments(
        self, cut: NDArray[np.float64] | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return mean and variance in units of the spread, above each cut if one is given.

        Parameters
        ----------
        cut
            Residuals, any shape, below which nothing is; without it the moments are of the whole.
        """
        scores, means, variances = _moment_table(self)
        if cut is None:
            return means[0], variances[0]
        at = np.clip(self.invert(cut), _LOWEST, _HIGHEST)
        excess, variance = np.interp(at, scores, means - self.apply(scores)), np.interp(at, scores, variances)
        return np.maximum(self.apply(at), cut) + excess, variance


def recalibrated(marginal: "Marginal", recalibration: Recalibration) -> "Marginal":
    """Return the marginal with its quantiles mapped; by the identity it stays as it is, to the last bit."""
    return replace(marginal, recalibration=None if recalibration.is_identity else recalibration)


def fit_recalibration(
    marginal: "Marginal", observed: NDArray[np.float64], folds: NDArray[np.int64]
) -> Recalibration:
    """Fit a recalibration to held-out predictions.

    Penalized maximum likelihood of the observations above the floor. One that does not raise the likelihood of
    folds left out of its fit, or worsens their quantile loss, is not trusted, and the identity is returned: far-off
    rows gain a heavy tail much likelihood, whatever it does to the middle.

    Parameters
    ----------
    marginal
        Held-out predictions of n rows; a recalibration it has already is set aside.
    observed
        Shape (n,), no NaN.
    folds
        Shape (n,): rows of one fold may share their errors.
    """
    residuals, cuts, kept = _residuals(marginal, observed)
    if len(residuals) < FEWEST_OBSERVATIONS:
        return Recalibration()
    names = np.unique(folds[kept])
    if len(names) > 1:
        gain = loss = 0.0
        for name in names:
            out = folds[kept] == name
            fitted = _fit(residuals[~out], cuts[~out])
            loss += _quantile_loss(fitted, residuals[out]) - _quantile_loss(Recalibration(), residuals[out])
            gain += float(_log_likelihood(fitted, residuals[out], cuts[out]).sum())
            gain -= float(_log_likelihood(Recalibration(), residuals[out], cuts[out]).sum())
        if gain <= 0 or loss > 0:
            return Recalibration()
    return _fit(residuals, cuts)


def cross_fit(
    marginal: "Marginal", observed: NDArray[np.float64], folds: NDArray[np.int64]
) -> dict[int, Recalibration]:
    """Fit for each fold the recalibration that the other folds give: by these its effect may be judged."""
    return {
        int(name): fit_recalibration(
            _take(marginal, folds != name), observed[folds != name], folds[folds != name]
        )
        for name in np.unique(folds)
    }


def _take(marginal: "Marginal", rows: NDArray[np.bool_]) -> "Marginal":
    return replace(
        marginal,
        floor_probability=marginal.floor_probability[rows],
        center=marginal.center[rows],
        spread=marginal.spread[rows],
    )


def _residuals(
    marginal: "Marginal", observed: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Return residuals and cuts in units of the spread, and the rows they are of: those above the floor."""
    kept = observed > marginal.floor
    center, spread = marginal.center[kept], marginal.spread[kept]
    return (observed[kept] - center) / spread, (marginal.floor - center) / spread, kept


def _quantile_loss(recalibration: Recalibration, residuals: NDArray[np.float64]) -> float:
    """Return the summed pinball loss, half of the continuous ranked probability score without a cut."""
    excess = residuals[:, None] - recalibration.apply(ndtri(_LEVELS))
    return float(np.maximum(_LEVELS * excess, (_LEVELS - 1) * excess).mean(axis=1).sum())


def _log_likelihood(
    recalibration: Recalibration, residuals: NDArray[np.float64], cuts: NDArray[np.float64]
) -> NDArray[np.float64]:
    above = np.zeros(len(cuts))
    cut = np.isfinite(cuts)
    above[cut] = log_ndtr(-recalibration.invert(cuts[cut]))
    return recalibration.log_density(residuals) - above


def _fit(residuals: NDArray[np.float64], cuts: NDArray[np.float64]) -> Recalibration:
    from scipy.optimize import minimize

    if not len(residuals):
        return Recalibration()

    def loss(parameters: NDArray[np.float64]) -> float:
        penalty = _STRENGTH * float(parameters @ parameters)
        return (penalty - float(_log_likelihood(_build(parameters), residuals, cuts).sum())) / len(residuals)

    return _build(minimize(loss, np.zeros(4), method="L-BFGS-B", bounds=_BOUNDS).x)


def _build(parameters: NDArray[np.float64]) -> Recalibration:
    shift, log_scale, skew, log_tail = (float(value) for value in parameters)
    return Recalibration(shift, float(np.exp(log_scale)), skew, float(np.exp(log_tail)))


@lru_cache(maxsize=64)
def _moment_table(
    recalibration: Recalibration,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return scores, and the mean and variance of ``h(z)`` for z above each of them, by the trapezoidal rule."""
    grid = np.arange(_LOWEST, _HIGHEST + _BEYOND + _STEP / 2, _STEP)
    values = recalibration.apply(grid)
    density = np.exp(-0.5 * grid**2) / np.sqrt(2 * np.pi)

    def above(integrand: NDArray[np.float64]) -> NDArray[np.float64]:
        pieces = (integrand[1:] + integrand[:-1]) * _STEP / 2
        return np.cumsum(pieces[::-1])[::-1]

    chance = above(density)
    means = above(density * values) / chance
    variances = above(density * values**2) / chance - means**2
    n = round((_HIGHEST - _LOWEST) / _STEP) + 1
    return grid[:n], means[:n], np.maximum(variances[:n], 1e-6)
