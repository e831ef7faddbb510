"""How likely evaluating a material gives an answer, learned from which ones did and which failed.

An unknown constraint in the sense of Gelbart et al., UAI 2014, by the plainest model that is never overconfident:
failures and answers near a material, weighted by a Gaussian of their distance, update a Beta prior at the campaign's
overall rate. Far from everything tried, the chance is that rate.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from catalyst_assets.acquisition.batches import squared_distances
from catalyst_assets.acquisition.cold_start import principal_components

# How many evaluations the prior is worth: one failure alone proves little.
_PRIOR_STRENGTH: Final = 2.0
_BANDWIDTH_SHARE: Final = 0.5
_CHUNK: Final = 1024


def chance_of_answer(
    features: NDArray[np.floating], failed: NDArray[np.int64], answered: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Estimate the chance of an answer for every member of a pool.

    Parameters
    ----------
    features
        Shape (m, f): of the pool, in an order that does not depend on how it was read.
    failed, answered
        Rows whose evaluation failed, and rows whose evaluation gave an answer.

    Returns
    -------
    Shape (m,), between 0 and 1; ones where nothing has failed yet.
    """
    if not len(failed):
        return np.ones(len(features))
    points = principal_components(features)
    tried = points[np.concatenate([failed, answered])]
    success = np.concatenate([np.zeros(len(failed)), np.ones(len(answered))])
    overall = (len(answered) + 1) / (len(tried) + 2)
    bandwidth = _BANDWIDTH_SHARE * _typical_distance(tried, points)
    chances = np.empty(len(points))
    for start in range(0, len(points), _CHUNK):
        part = points[start : start + _CHUNK]
        weights = np.exp(-squared_distances(part, tried) / (2 * bandwidth**2))
        chances[start : start + len(part)] = (_PRIOR_STRENGTH * overall + weights @ success) / (
            _PRIOR_STRENGTH + weights.sum(axis=1)
        )
    return chances


def _typical_distance(tried: NDArray[np.float64], points: NDArray[np.float64]) -> float:
    """Return the median distance of the tried from the middle of the pool, or the pool's own where that is none."""
    middle = points.mean(axis=0)
    for cloud in (tried, points):
        distance = float(np.median(np.sqrt(((cloud - middle) ** 2).sum(axis=1))))
        if distance > 1e-9:
            return distance
    return 1.0
