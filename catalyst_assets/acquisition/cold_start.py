"""The first batch, before anything is known: materials that cover the pool.

Each next one is drawn with probability proportional to its squared distance from those chosen before, the
seeding of k-means++ (Arthur and Vassilvitskii, SODA 2007): spread out like a greedy design, but drawn where the
pool is, not at its outliers only.
"""

import numpy as np
from numpy.typing import NDArray

_COMPONENTS = 12


def choose_cover(
    features: NDArray[np.floating], size: int, seed: int, worth: NDArray[np.float64] | None = None
) -> NDArray[np.int64]:
    """Choose rows that cover the features.

    Parameters
    ----------
    features
        Shape (m, f), in an order that does not depend on how the pool was read.
    size
        How many.
    seed
        Another seed gives another cover.
    worth
        Shape (m,), positive: by how much more a row is drawn; None draws all alike.

    Returns
    -------
    Distinct row numbers in the order they were chosen, as many as asked for or all.
    """
    points = principal_components(features)
    rng = np.random.default_rng(seed)
    if worth is None:
        worth = np.ones(len(points))
        chosen = [int(rng.integers(len(points)))]
    else:
        chosen = [int(rng.choice(len(points), p=worth / worth.sum()))]
    distance = ((points - points[chosen[0]]) ** 2).sum(axis=1)
    while len(chosen) < min(size, len(points)):
        distance[chosen] = 0.0
        wanted = worth * distance
        total = wanted.sum()
        weights = wanted / total if total > 0 else _uniform_except(chosen, len(points))
        candidates = rng.choice(len(points), size=4, p=weights)
        gains = [worth @ np.minimum(distance, ((points - points[c]) ** 2).sum(axis=1)) for c in candidates]
        best = int(candidates[int(np.argmin(gains))])
        chosen.append(best)
        distance = np.minimum(distance, ((points - points[best]) ** 2).sum(axis=1))
    return np.array(chosen, dtype=np.int64)


def principal_components(features: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return at most a dozen components of the standardised features; features of shape (m, f)."""
    values = features.astype(np.float64)
    spread = values.std(axis=0)
    values = (values - values.mean(axis=0)) / np.where(spread > 1e-9, spread, np.inf)
    covariance = values.T @ values / len(values)
    _, vectors = np.linalg.eigh(covariance)
    # Rounded, so that the last bits of a sum cannot choose another material.
    return np.asarray(np.round(values @ vectors[:, ::-1][:, :_COMPONENTS], 6), dtype=np.float64)


def _uniform_except(chosen: list[int], size: int) -> NDArray[np.float64]:
    weights = np.ones(size)
    weights[chosen] = 0.0
    return np.asarray(weights / weights.sum(), dtype=np.float64)
