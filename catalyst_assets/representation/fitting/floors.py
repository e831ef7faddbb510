"""Whether labels share a lowest value, as band gaps their zero.

The same labels have the same floor, whatever is fitted to them: a head on features or a network. What is declared of a
property (``zero_inflated``) comes before what its labels look like.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

_FEWEST: Final = 3
_SHARE: Final = 0.05


def find_floor(target: NDArray[np.float64], zero_inflated: bool | None = None) -> float:
    """Return the lowest value if enough labels share it, else minus infinity.

    Parameters
    ----------
    target
        Shape (n,), finite.
    zero_inflated
        Where it is declared: three zeros are enough, or no labels ever are.
    """
    if zero_inflated is False:
        return -np.inf
    lowest = float(target.min())
    shared = int((target == lowest).sum())
    enough = _FEWEST if zero_inflated and lowest == 0 else max(_FEWEST, _SHARE * len(target))
    return lowest if shared >= enough else -np.inf
