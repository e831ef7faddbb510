"""How a relaxation steps downhill: L-BFGS without a line search, the longest move bounded.

The recursion and the scale of its first curvature are those of Liu and Nocedal, Mathematical Programming 45, 503
(1989); the bound is that of ASE's `LBFGS`.
"""

from collections import deque
from typing import Final

import numpy as np

_MEMORY: Final = 60
# In eV/Å², before anything is known.
_FIRST_CURVATURE: Final = 70.0
# A pair that curves less, in eV/Å², says nothing of where the minimum is.
_LEAST_CURVATURE: Final = 1e-3


class Lbfgs:
    """The steps of one structure."""

    def __init__(self, bounds: np.ndarray) -> None:
        """Take how far each row of the coordinates may move in a step, in Å."""
        self._bounds = bounds
        self._pairs: deque[tuple[np.ndarray, np.ndarray]] = deque(maxlen=_MEMORY)
        self._last: tuple[np.ndarray, np.ndarray] | None = None

    def shift(self, forces: np.ndarray) -> np.ndarray:
        """Return by how much the coordinates move, of the shape of the forces on them."""
        if self._last is not None:
            moved, before = self._last
            changed = before - forces
            if _dot(moved, changed) > _LEAST_CURVATURE * _dot(moved, moved):
                self._pairs.append((moved, changed))
        shift = self._downhill(forces)
        shift = shift / max(1.0, float((np.linalg.norm(shift, axis=1) / self._bounds).max()))
        self._last = shift, forces
        return shift

    def _downhill(self, forces: np.ndarray) -> np.ndarray:
        """Return where the minimum is, as far as the pairs tell; the inverse Hessian that they make is positive."""
        if not self._pairs:
            return forces / _FIRST_CURVATURE
        shift, weights = forces.copy(), []
        for moved, changed in reversed(self._pairs):
            weights.append(_dot(moved, shift) / _dot(moved, changed))
            shift -= weights[-1] * changed
        moved, changed = self._pairs[-1]
        shift *= _dot(moved, changed) / _dot(changed, changed)
        for (moved, changed), weight in zip(self._pairs, reversed(weights), strict=True):
            shift += moved * (weight - _dot(changed, shift) / _dot(moved, changed))
        return shift


def _dot(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.vdot(one, other))
