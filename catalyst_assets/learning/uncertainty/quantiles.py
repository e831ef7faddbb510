"""A monotone map of the quantiles of a predictive distribution; what it is fitted to lies in ``calibration``.

One factor on the spread cannot set the middle and the tails right together when residuals have heavier tails
than a normal. Here the predicted quantiles are mapped (Kuleshov et al., ICML 2018, arXiv:1807.00263), by the
sinh-arcsinh family (Jones and Pewsey, Biometrika 96, 761 (2009)) instead of an isotonic regression: four
parameters, smooth, defined beyond the furthest observation, and with finite moments.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_LOWEST, _HIGHEST, _BEYOND, _STEP = -9.0, 9.0, 4.0, 0.01


@dataclass(frozen=True)
class QuantileMap:
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
        return self == QuantileMap()

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


@lru_cache(maxsize=64)
def _moment_table(
    quantiles: QuantileMap,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return scores, and the mean and variance of ``h(z)`` for z above each of them, by the trapezoidal rule."""
    grid = np.arange(_LOWEST, _HIGHEST + _BEYOND + _STEP / 2, _STEP)
    values = quantiles.apply(grid)
    density = np.exp(-0.5 * grid**2) / np.sqrt(2 * np.pi)

    def above(integrand: NDArray[np.float64]) -> NDArray[np.float64]:
        pieces = (integrand[1:] + integrand[:-1]) * _STEP / 2
        return np.cumsum(pieces[::-1])[::-1]

    chance = above(density)
    means = above(density * values) / chance
    variances = above(density * values**2) / chance - means**2
    n = round((_HIGHEST - _LOWEST) / _STEP) + 1
    return grid[:n], means[:n], np.maximum(variances[:n], 1e-6)
