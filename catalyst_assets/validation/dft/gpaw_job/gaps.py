"""Band gaps from the Kohn-Sham energies of a calculation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Gaps:
    """Smallest direct gap, smallest gap of all, and the edges in eV; a metal has no gap, and no edges."""

    direct: float
    indirect: float
    valence: float | None = None
    conduction: float | None = None


def find_gaps(energies: NDArray[np.float64], fermi_level: float) -> Gaps:
    """Return the gaps of energies of shape (n_spins, n_kpoints, n_bands) in eV, sorted within each k-point.

    A solid whose number of bands below the Fermi level differs between k-points is a metal.

    Raises
    ------
    ValueError
        No band lies above the Fermi level.
    """
    n_occupied = (energies < fermi_level).sum(axis=2)  # (n_spins, n_kpoints)
    if (n_occupied != n_occupied[:, :1]).any():
        return Gaps(0.0, 0.0)
    counts = n_occupied[:, 0]
    if (counts >= energies.shape[2]).any():
        raise ValueError("Too few bands: none lies above the Fermi level.")
    highest = np.array(
        [
            band[:, n - 1] if n else np.full(len(band), -np.inf)
            for band, n in zip(energies, counts, strict=True)
        ]
    ).max(axis=0)
    lowest = np.array([band[:, n] for band, n in zip(energies, counts, strict=True)]).min(axis=0)
    indirect = float(lowest.min() - highest.max())
    if indirect <= 0:
        return Gaps(0.0, 0.0)
    return Gaps(float((lowest - highest).min()), indirect, float(highest.max()), float(lowest.min()))
