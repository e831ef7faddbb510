"""Measurements that lie far from their replicates: flagged for people, never dropped.

Modified z-scores of Iglewicz and Hoaglin, How to Detect and Handle Outliers (ASQC, 1993).
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

# Theirs; 0.6745 is the third quartile of the normal distribution, so that 1 is one standard deviation.
LIMIT: Final = 3.5
_QUARTILE: Final = 0.6745
# Of a normal distribution, the standard deviation over the mean absolute deviation.
_MEAN_FACTOR: Final = 1.253314
# Of three, two that agree would make any third one an outlier.
FEWEST: Final = 4


def modified_z_scores(values: Sequence[float]) -> np.ndarray:
    """Return how far each value lies from the median of all; zeros where there are too few to tell.

    Returns
    -------
    numpy.ndarray
        Shape: (n_values,)
    """
    numbers = np.asarray(values, dtype=np.float64)
    if len(numbers) < FEWEST:
        return np.zeros(len(numbers))
    away = numbers - np.median(numbers)
    spread = float(np.median(np.abs(away)))
    if spread > 0:
        return _QUARTILE * away / spread
    mean_spread = float(np.mean(np.abs(away)))
    return away / (_MEAN_FACTOR * mean_spread) if mean_spread > 0 else np.zeros(len(numbers))
