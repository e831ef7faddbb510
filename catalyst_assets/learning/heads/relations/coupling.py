"""Which properties follow one another: what one leaves over of another is learned instead of the other itself.

Autoregressive cokriging (Kennedy and O'Hagan, Biometrika 87, 1 (2000)): where band edges move with the gap, the remainder
is smooth when the edges are not, and joint draws keep to the relation. Which property follows which is the maximum
spanning tree over the pairs (Chow and Liu, IEEE Trans. Inf. Theory 14, 462 (1968)), of the pairs that are related strongly
enough; from a property that can follow none it grows first. The arithmetic is in ``uncertainty.couplings``.
"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from catalyst_assets.learning.heads.kernel import matern, typical_length, typical_linear
from catalyst_assets.learning.heads.scaling import Scaling
from catalyst_assets.learning.uncertainty.couplings import Coupling
from catalyst_assets.representation.fitting.floors import find_floor

# A parent must explain so much of what the features do not.
_LEAST_EXPLAINED: Final = 0.5
_FEWEST: Final = 10
# So many labels does it take to believe half of what a parent explains.
_STRENGTH: Final = 10.0
# A relation between properties shows in a part of many rows.
_MOST_ROWS: Final = 1000
_NOISE: Final = 0.03


def find_couplings(
    features: NDArray[np.float32],
    labels: NDArray[np.float64],
    seed: int,
    declared: Sequence[bool | None] | None = None,
    noise: NDArray[np.float64] | None = None,
) -> tuple[Coupling, ...]:
    """Find which properties follow which.

    A property with a floor follows none: its remainder would have no floor. A parent is known wherever its child is,
    so that no label is lost.

    Parameters
    ----------
    features
        Shape (n, f).
    labels
        Shape (n, p), NaN where a property was not measured.
    seed
        Chooses among many rows.
    declared
        Of each property, whether zeros are a class of their own, where somebody said.
    noise
        Shape (n, p): standard deviations of the labels, 0 where not known; None where none is.

    Returns
    -------
    Parents before children: each property is at most once a child, and follows itself by no detour.
    """
    known = np.isfinite(labels)
    said = declared or [None] * labels.shape[1]
    free = [
        column
        for column in range(labels.shape[1])
        if _may_follow(labels[known[:, column], column], said[column])
    ]
    slopes: dict[tuple[int, int], float] = {}
    explained: dict[tuple[int, int], float] = {}
    for child in free:
        rows = np.flatnonzero(known[:, child])
        if len(rows) > _MOST_ROWS:
            rows = np.sort(np.random.default_rng(seed).permutation(rows)[:_MOST_ROWS])
        parents = [c for c in range(labels.shape[1]) if c != child and known[known[:, child], c].all()]
        varying = [parent for parent in parents if np.ptp(labels[rows, parent]) > 0]
        if varying and np.ptp(labels[rows, child]) > 0:
            blur = None if noise is None else noise[rows][:, [child, *varying]]
            found = _relate(features[rows], labels[rows, child], labels[rows][:, varying], blur)
            for parent, (slope, share) in zip(varying, found, strict=True):
                slopes[child, parent] = slope
                explained[child, parent] = share * len(rows) / (len(rows) + _STRENGTH)
    return _span(free, labels.shape[1], slopes, explained)


def _may_follow(target: NDArray[np.float64], zero_inflated: bool | None) -> bool:
    varies = len(target) >= _FEWEST and float(np.ptp(target)) > 0
    return varies and not math.isfinite(find_floor(target, zero_inflated))


def _relate(
    features: NDArray[np.float32],
    child: NDArray[np.float64],
    parents: NDArray[np.float64],
    noise: NDArray[np.float64] | None = None,
) -> list[tuple[float, float]]:
    """Return the slope of each parent by generalized least squares, and the share it explains of the child.

    A row of which a label is noisy, by ``noise`` of child and parents, of shape (n, 1 + parents), counts less.
    """
    white, spreads = whiten(features, np.column_stack([child, parents]), noise)
    products = white.T @ white
    return [
        (
            float(products[0, i] / products[i, i] * spreads[0] / spreads[i]),
            float(products[0, i] ** 2 / (products[0, 0] * products[i, i])),
        )
        for i in range(1, len(products))
    ]


def whiten(
    features: NDArray[np.float32], values: NDArray[np.float64], noise: NDArray[np.float64] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what is left of values when whatever is smooth in the features is taken out, and what it is in units of.

    Values are standardized and weighed by the inverse covariance of a Gaussian process with typical hyperparameters.

    Parameters
    ----------
    features
        Shape (n, f).
    values
        Shape (n, q), no NaN.
    noise
        Of the same shape: a row of which a value is noisy counts less; None where none is known.

    Returns
    -------
    white
        Shape (n, q).
    spreads
        Shape (q,): standard deviations of the values.
    """
    from scipy.linalg import cholesky, solve_triangular

    scaling = Scaling.of(features)
    rows = scaling.rows(features)
    squares = (rows**2).sum(1)
    distance = np.sqrt(np.maximum(squares[:, None] + squares - 2 * rows @ rows.T, 0.0))
    n_varying = max(int(scaling.varying.sum()), 1)
    scaled = distance * math.sqrt(3) / typical_length(n_varying)
    covariance = matern(1.0, [scaled]) + typical_linear(n_varying) * (rows @ rows.T)
    covariance[np.diag_indices(len(rows))] += _NOISE
    center, spreads = values.mean(0), values.std(0)
    if noise is not None:
        truths = Scaling.of(features, values, noise)
        center, spreads = truths.target_center, truths.target_scale
        covariance[np.diag_indices(len(rows))] += ((noise / spreads) ** 2).max(axis=1)
    lower = cholesky(covariance, lower=True)
    return np.asarray(solve_triangular(lower, (values - center) / spreads, lower=True)), spreads


def _followed(root: int, waiting: Sequence[int], explained: "dict[tuple[int, int], float]") -> float:
    """Return how much a property explains of those that wait for a parent, in all."""
    return sum(share for (child, parent), share in explained.items() if parent == root and child in waiting)


def _span(
    free: Sequence[int],
    n_properties: int,
    slopes: "dict[tuple[int, int], float]",
    explained: "dict[tuple[int, int], float]",
) -> tuple[Coupling, ...]:
    """Grow trees from the properties that follow none, then from those left over that explain the most."""
    rooted = [column for column in range(n_properties) if column not in free]
    waiting = list(free)
    couplings: list[Coupling] = []
    while waiting:
        # A root comes before a stronger parent: what follows it directly keeps to it most closely.
        pairs = [
            (parent not in free, share, -child, -parent)
            for (child, parent), share in explained.items()
            if child in waiting and parent in rooted and share >= _LEAST_EXPLAINED
        ]
        if pairs:
            _, _, child, parent = max(pairs)
            child, parent = -child, -parent
            couplings.append(Coupling(child, parent, slopes[child, parent]))
        else:
            child = max(waiting, key=lambda root: (_followed(root, waiting, explained), -root))
        waiting.remove(child)
        rooted.append(child)
    return tuple(couplings)
