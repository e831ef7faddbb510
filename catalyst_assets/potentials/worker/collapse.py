"""When a structure is no crystal any more: the limits that every relaxation here has."""

from typing import Final

import numpy as np

NEAREST_ANGSTROM: Final = 0.5
COLLAPSED: Final = "the cell or the atoms collapsed while it was relaxed"
_MOST_STRAIN: Final = 3.0


def has_collapsed(largest_force: float, volume_ratio: float, nearest: float) -> bool:
    """Tell whether a structure has collapsed.

    Parameters
    ----------
    largest_force
        In eV/Å.
    volume_ratio
        Of its volume to that in the beginning; 1 where the cell is fixed.
    nearest
        Distance of the two nearest atoms in Å; infinite where none are near.
    """
    return bool(
        not np.isfinite(largest_force)
        or not 1 / _MOST_STRAIN < volume_ratio < _MOST_STRAIN
        or nearest < NEAREST_ANGSTROM
    )
