"""Whether labels share a lowest value, as band gaps their zero.

The same labels have the same floor, whatever is fitted to them: a head on features or a network.
"""

import numpy as np
from numpy.typing import NDArray


def find_floor(target: NDArray[np.float64]) -> float:
    """Return the lowest value if enough labels share it, else minus infinity."""
    lowest = float(target.min())
    shared = int((target == lowest).sum())
    return lowest if shared >= max(3, 0.05 * len(target)) else -np.inf
