"""The predictive distribution of one property, and how several are drawn from together.

A marginal is a normal distribution, or, for a property that sits on a floor (the gap of a metal), the chance of
the floor beside a normal truncated above it: a hurdle model (Cragg, Econometrica 39, 829 (1971)). Joint draws
couple the marginals by a Gaussian copula on shared quasi-random numbers, so that two candidates differ by what
is predicted of them and not by luck.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr, ndtr, ndtri

from catalyst_assets.learning.uncertainty.quantiles import QuantileMap

# Mean and variance.
Moments = tuple[NDArray[np.float64], NDArray[np.float64]]
_TINY = 1e-12


@dataclass(frozen=True)
class Marginal:
    """What is predicted of one property of m materials.

    Attributes
    ----------
    floor
        The value that materials share, or minus infinity where there is none.
    floor_probability
        Shape (m,): chance of exactly ``floor``.
    center, spread
        Shape (m,): mean and standard deviation of the normal before it is cut at ``floor``.
    quantiles
        Maps the normal's quantiles, before the cut; None leaves them.
    """

    floor: float
    floor_probability: NDArray[np.float64]
    center: NDArray[np.float64]
    spread: NDArray[np.float64]
    quantiles: QuantileMap | None = None

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> "Marginal":
        """Return what is predicted of some of the materials."""
        parts = self.floor_probability, self.center, self.spread
        chance, center, spread = (part[rows] for part in parts)
        return Marginal(self.floor, chance, center, spread, self.quantiles)

    def blurred(self, noise: NDArray[np.float64] | None) -> "Marginal":
        """Return what is to be expected of labels with noise of shape (m,): of the same form, with a wider spread.

        Where there is a floor the noise is taken to be of what is above it: a label at the floor is there exactly.
        """
        return self if noise is None else replace(self, spread=np.hypot(self.spread, noise))

    def moments(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return mean and standard deviation, each of shape (m,)."""
        if not np.isfinite(self.floor):
            if self.quantiles is None:
                return self.center.copy(), self.spread.copy()
            shift, square = self.quantiles.moments()
            return self.center + self.spread * shift, self.spread * np.sqrt(square)
        cut = (self.floor - self.center) / self.spread
        if self.quantiles is None:
            hazard = np.exp(-0.5 * cut**2 - 0.5 * np.log(2 * np.pi) - log_ndtr(-cut))
            shift, square = hazard, np.clip(1 + cut * hazard - hazard**2, 1e-6, 1)
        else:
            shift, square = self.quantiles.moments(cut)
        mean = self.center + self.spread * shift
        variance = self.spread**2 * square
        above = 1 - self.floor_probability
        total = above * mean + self.floor_probability * self.floor
        second = above * (variance + (mean - total) ** 2) + self.floor_probability * (self.floor - total) ** 2
        return total, np.sqrt(second)

    def cdf(self, values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the chance of less than, and of at most, each value; the two differ at the floor."""
        z = self._scores(values)
        if not np.isfinite(self.floor):
            return ndtr(z), ndtr(z)
        below = ndtr(self._scores(self.floor))
        inside = np.clip((ndtr(z) - below) / np.maximum(1 - below, _TINY), 0, 1)
        upper = np.where(
            values < self.floor, 0.0, self.floor_probability + (1 - self.floor_probability) * inside
        )
        return np.where(values <= self.floor, 0.0, upper), upper

    def quantile(self, levels: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the values at ``levels`` of shape (k,), as an array of shape (m, k)."""
        center, spread = self.center[:, None], self.spread[:, None]
        if not np.isfinite(self.floor):
            return np.asarray(center + spread * self._residuals(ndtri(levels))[None, :])
        chance = self.floor_probability[:, None]
        inside = np.clip((levels - chance) / np.maximum(1 - chance, _TINY), 0, 1)
        below = ndtr(self._scores(self.floor))[:, None]
        level = np.clip(below + (1 - below) * inside, _TINY, 1 - _TINY)
        values = center + spread * self._residuals(ndtri(level))
        return np.where(levels <= chance, self.floor, np.maximum(values, self.floor))

    def _scores(self, values: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """Return the standard normal scores of values, before the cut."""
        residuals = (values - self.center) / self.spread
        return residuals if self.quantiles is None else self.quantiles.invert(residuals)

    def _residuals(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what standard normal scores are in units of the spread from the center."""
        return scores if self.quantiles is None else self.quantiles.apply(scores)


def normal_scores(marginal: Marginal, observed: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return where observations fall in their distributions, as standard normal scores; NaN stays NaN."""
    lower, upper = marginal.cdf(observed)
    return np.asarray(ndtri(np.clip((lower + upper) / 2, 1e-4, 1 - 1e-4)))


def score_correlation(
    scores: NDArray[np.float64], strength: float = 10.0, shares: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Estimate the correlation between properties from their normal scores.

    Parameters
    ----------
    scores
        Shape (n, p), NaN where a property was not measured.
    strength
        How many pairs it takes to be believed half: few pairs are shrunk towards independence.
    shares
        Shape (n, p): how much of each score tells of the truth; pairs weigh by both. All alike where it is None.

    Returns
    -------
    Shape (p, p), positive definite.
    """
    p = scores.shape[1]
    correlation = np.eye(p)
    for i in range(p):
        for j in range(i):
            both = np.isfinite(scores[:, i]) & np.isfinite(scores[:, j])
            left, right, count = scores[both, i], scores[both, j], float(both.sum())
            if shares is not None:
                weights = shares[both, i] * shares[both, j]
                left, right, count = left * np.sqrt(weights), right * np.sqrt(weights), float(weights.sum())
            norm = float(np.sqrt((left**2).sum() * (right**2).sum()))
            if norm > 0:
                shrink = count / (count + strength)
                correlation[i, j] = correlation[j, i] = shrink * float((left * right).sum()) / norm
    values, vectors = np.linalg.eigh(correlation)
    positive = (vectors * np.maximum(values, 1e-3)) @ vectors.T
    scale = np.sqrt(np.diag(positive))
    return np.asarray(positive / np.outer(scale, scale))


@lru_cache(maxsize=8)
def normal_points(n_draws: int, n_properties: int, seed: int) -> NDArray[np.float64]:
    """Return scrambled Sobol points as standard normals, shape (k, p)."""
    import torch
    from botorch.sampling.qmc import NormalQMCEngine

    engine = NormalQMCEngine(n_properties, seed=seed, inv_transform=True)
    points: torch.Tensor = torch.empty(n_draws, n_properties, dtype=torch.float64)
    engine.draw(n_draws, out=points)
    return np.asarray(points.numpy())


def joint_draws(
    marginals: list[Marginal], correlation: NDArray[np.float64], n_draws: int, seed: int
) -> NDArray[np.float32]:
    """Draw all properties together.

    Returns
    -------
    Shape (m, k, p). All materials see the same k points of the copula.
    """
    points = normal_points(n_draws, len(marginals), seed) @ np.linalg.cholesky(correlation).T
    levels = np.clip(ndtr(points), _TINY, 1 - _TINY)
    return np.stack(
        [marginal.quantile(levels[:, i]).astype(np.float32) for i, marginal in enumerate(marginals)], axis=-1
    )
