"""Rules that make numbers out of settings: k-points of a cell, and which solids are computed with spin."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# Elements whose d or f shell carries a moment in many of their compounds, and the moment in µB that the search begins
# with: high spin of a common ion, parallel. Early transition metals (Sc, Ti, Y, Zr, Nb, Hf, Ta, W, La) and those with a
# closed d shell are left out: their compounds have d⁰, d¹⁰ or wide bands.
INITIAL_MOMENTS = {
    "V": 2.0, "Cr": 4.0, "Mn": 5.0, "Fe": 4.0, "Co": 3.0, "Ni": 2.0, "Cu": 1.0,
    "Mo": 2.0, "Tc": 3.0, "Ru": 2.0, "Rh": 1.0, "Re": 2.0, "Os": 2.0, "Ir": 1.0,
    "Ce": 1.0, "Pr": 2.0, "Nd": 3.0, "Pm": 4.0, "Sm": 5.0, "Eu": 7.0, "Gd": 7.0,
    "Tb": 6.0, "Dy": 5.0, "Ho": 4.0, "Er": 3.0, "Tm": 2.0, "Yb": 1.0,
}  # fmt: skip


def kpoint_size(lattice: NDArray[np.float64], density: float) -> tuple[int, int, int]:
    """Return an even number of k-points along each reciprocal vector, ``density`` or more to each Å⁻¹.

    Even, and with Γ among them, so that band edges at the corners and faces of the zone are met exactly.
    """
    reciprocal = 2 * math.pi * np.linalg.norm(np.linalg.inv(lattice).T, axis=1)
    first, second, third = (2 * max(1, math.ceil(density * length / 2 - 1e-3)) for length in reciprocal)
    return first, second, third


def initial_moments(species: Sequence[str], spin: str) -> list[float] | None:
    """Return the moments of the atoms in µB from which a spin-polarised calculation starts; None for one without spin.

    Parameters
    ----------
    species
        Elements of the atoms.
    spin
        `auto`: with spin if an element has an open d or f shell (`INITIAL_MOMENTS`); `on`, `off`: as said.
    """
    moments = [INITIAL_MOMENTS.get(element, 0.0) for element in species]
    if spin == "off" or (spin == "auto" and not any(moments)):
        return None
    return moments if any(moments) else [1.0] * len(species)
