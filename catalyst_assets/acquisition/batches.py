"""Batches that do not repeat themselves: each choice weighs against candidates that it would tell about.

Sequential and greedy. A Gaussian process over the features, conditioned on what was chosen before and on what is
being evaluated, says how much of a candidate's uncertainty is left; the logarithm of that is added to its score.
This is the hallucinated variance of GP-BUCB (Desautels et al., JMLR 15, 4053 (2014)), and for scores that are
logarithms also the greedy maximum a posteriori of a determinantal point process (Chen et al., NeurIPS 2018).
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from catalyst_assets.acquisition.cold_start import principal_components
from catalyst_assets.acquisition.pool_scores import round_digits

# Only the best are worth choosing among, and some thousands of materials say what is known around them.
_CONSIDERED_PER_CHOICE: Final = 20
_MOST_CONSIDERED: Final = 5000
_MOST_PENDING: Final = 2000
_MOST_COMPARED: Final = 1000
_LEAST_LEFT: Final = 1e-6
_TINY: Final = 1e-12


def choose_batch(
    scores: NDArray[np.float64],
    features: NDArray[np.floating],
    size: int,
    diversity: float,
    pending_features: NDArray[np.floating] | None = None,
    *,
    unit: float = 1.0,
) -> NDArray[np.int64]:
    """Choose a batch.

    Parameters
    ----------
    scores
        Shape (n,), best first.
    features
        Shape (n, f): of the same candidates.
    size
        How many.
    diversity
        0 takes the best scores; at 1 a candidate counts by its score plus the logarithm of the share of its
        standard deviation that is left, so a probability is multiplied by that share.
    pending_features
        Shape (q, f): of materials that are being evaluated; they count as chosen before.
    unit
        What counts as one of the score's logarithm: 1 where scores are logarithms.

    Returns
    -------
    Distinct positions in the order of choice. The first are the same whatever the size.
    """
    size = min(size, len(scores))
    if diversity == 0 or size < 1:
        return np.arange(size, dtype=np.int64)
    pending = features[:0] if pending_features is None else pending_features[:_MOST_PENDING]
    points = principal_components(np.concatenate([features, pending]))
    candidates, evaluating = points[: len(features)], points[len(features) :]
    scale = _typical_square(candidates)
    factors = np.zeros((len(evaluating) + size, len(candidates)))
    factors[: len(evaluating)] = _condition(evaluating, candidates, scale)
    left = 1.0 - (factors**2).sum(axis=0)
    worth = (scores - scores[0]) / max(unit, _TINY)  # a common part must not cost the digits that decide
    chosen: list[int] = []
    while len(chosen) < size:
        gain = round_digits(worth + 0.5 * diversity * np.log(np.maximum(left, _LEAST_LEFT)))
        gain[chosen] = -np.inf
        best = int(np.argmax(gain))
        known = len(evaluating) + len(chosen)
        row = _similarity(candidates[[best]], candidates, scale)[0]
        factors[known] = row - factors[:known, best] @ factors[:known]
        factors[known] /= np.sqrt(max(left[best], _LEAST_LEFT))
        left = left - factors[known] ** 2
        chosen.append(best)
    return np.array(chosen, dtype=np.int64)


def n_considered(size: int) -> int:
    """Return how many of the best candidates a batch of ``size`` is chosen among."""
    return min(_CONSIDERED_PER_CHOICE * size, max(_MOST_CONSIDERED, 2 * size))


def _condition(
    evaluating: NDArray[np.float64], candidates: NDArray[np.float64], scale: float
) -> NDArray[np.float64]:
    """Return the Cholesky factors that observing the first leaves of the others, shape (q, n)."""
    if not len(evaluating):
        return np.empty((0, len(candidates)))
    from scipy.linalg import cholesky, solve_triangular

    own = _similarity(evaluating, evaluating, scale) + _LEAST_LEFT * np.eye(len(evaluating))
    lower = cholesky(own, lower=True)
    crossed = _similarity(evaluating, candidates, scale)
    return np.asarray(solve_triangular(lower, crossed, lower=True))


def _similarity(left: NDArray[np.float64], right: NDArray[np.float64], scale: float) -> NDArray[np.float64]:
    return np.asarray(np.exp(-squared_distances(left, right) / (2 * scale)))


def _typical_square(points: NDArray[np.float64]) -> float:
    """Return the squared length of the kernel: half the median distance between candidates."""
    some = points[:_MOST_COMPARED]
    apart = squared_distances(some, some)[np.triu_indices(len(some), 1)]
    return max(float(np.median(apart)) / 4 if len(apart) else 0.0, _TINY)


def squared_distances(left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return squared distances between points of shape (a, d) and (b, d), shape (a, b)."""
    across = (left**2).sum(axis=1)[:, None] + (right**2).sum(axis=1) - 2 * left @ right.T
    return np.asarray(np.maximum(across, 0.0))
