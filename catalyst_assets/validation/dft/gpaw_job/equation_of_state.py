"""The minimum of energy against lattice constant: which points are computed, and the curve through them.

Birch, Phys. Rev. 71, 809 (1947): a polynomial of third order in V^(-2/3).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# Points on each side of the lowest that the curve is laid through.
SIDE = 2
EV_PER_CUBIC_ANGSTROM_IN_GPA = 160.21766208


class NoMinimumError(ValueError):
    """The energies have no minimum within reach of the structure that was given."""


@dataclass(frozen=True)
class Minimum:
    """Bottom of the curve: length as a multiple of the given one, energy in eV, bulk modulus in GPa, misfit in eV."""

    scale: float
    energy: float
    bulk_modulus: float
    residual: float


def find_minimum(energy: Callable[[int], float], volume: float, step: float, reach: int) -> Minimum:
    """Compute energies at lengths (1 + step)^k, k whole, until two lie on each side of the lowest, and fit them.

    The lengths are the same whichever way the search goes, so that a search that begins again needs no new ones.

    Parameters
    ----------
    energy
        Energy in eV at the length (1 + step)^k times the given one.
    volume
        Of the given cell, in Å³.
    step
        Relative distance of two lengths.
    reach
        Largest ``|k|`` that is tried.

    Raises
    ------
    NoMinimumError
        The energy falls up to the last length within reach, or the curve has no minimum among its points.
    """
    known = {k: energy(k) for k in (0, -1, 1)}
    while True:
        lowest = min(known, key=lambda k: known[k])
        wanted = [k for k in range(lowest - SIDE, lowest + SIDE + 1) if k not in known]
        if not wanted:
            break
        # Downhill first: what is far from the minimum is not needed.
        nearest = min(wanted, key=lambda k: abs(k - lowest))
        if abs(nearest) > reach:
            raise NoMinimumError(
                f"The energy still falls at {(1 + step) ** lowest:.2f} times the given lattice constant."
            )
        known[nearest] = energy(nearest)
    curve = {k: known[k] for k in range(lowest - SIDE, lowest + SIDE + 1)}
    return fit({(1 + step) ** k: value for k, value in curve.items()}, volume)


def fit(energies: Mapping[float, float], volume: float) -> Minimum:
    """Return the minimum of the Birch-Murnaghan curve through energies in eV at multiples of a cell's length.

    Raises
    ------
    NoMinimumError
        The curve has no minimum among the points.
    """
    scales = np.array(sorted(energies))
    values = np.array([energies[scale] for scale in scales])
    # x = V^(-2/3) in units of the given cell's.
    x = scales**-2.0
    middle, width = x.mean(), np.ptp(x) / 2
    cubic = np.polynomial.Polynomial.fit(x, values, 3, domain=[middle - width, middle + width])
    slope, curvature = cubic.deriv(), cubic.deriv(2)
    bottoms = [
        float(root.real)
        for root in slope.roots()
        if abs(root.imag) < 1e-9 and x.min() <= root.real <= x.max() and curvature(root.real) > 0
    ]
    if len(bottoms) != 1:
        raise NoMinimumError("The energies against volume have no single minimum between the points.")
    at = bottoms[0]
    # d²E/dV² at the minimum, with dx/dV = -(2/3) x / V and V = volume · x^(-3/2).
    volume_at = volume * at**-1.5
    second = float(curvature(at)) * (2 / 3 * at / volume_at) ** 2
    return Minimum(
        scale=at**-0.5,
        energy=float(cubic(at)),
        bulk_modulus=volume_at * second * EV_PER_CUBIC_ANGSTROM_IN_GPA,
        residual=math.sqrt(float(np.mean((cubic(x) - values) ** 2))),
    )
