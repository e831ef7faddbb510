"""Where the band edges of a solid lie, by its composition and gap alone.

Butler and Ginley, J. Electrochem. Soc. 125, 228 (1978), as Castelli et al., Energy Environ. Sci. 5, 5814 (2012)
apply them: the middle of the gap lies at the geometric mean of the atoms' Mulliken electronegativities below
vacuum, the edges half a gap away. A few tenths of an eV right; surface and pH do not enter.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from catalyst_assets.campaigns.formulas import parse_formula
from catalyst_assets.errors import CatalystError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

# Mulliken electronegativities in eV. Pearson, Inorg. Chem. 27, 734 (1988), with the revisions that Castelli's
# published band edges imply to two decimals; Tl carries the value of Te there, and so it does here.
MULLIKEN_EV: Final[dict[str, float]] = {
    "Ag": 4.44, "Al": 3.21, "As": 5.30, "Au": 5.77, "B": 4.29, "Ba": 2.68, "Be": 4.90, "Bi": 4.11,
    "Ca": 2.20, "Cd": 4.43, "Co": 4.30, "Cr": 3.72, "Cs": 2.19, "Cu": 4.48, "F": 10.41, "Fe": 4.06,
    "Ga": 3.20, "Ge": 4.60, "Hf": 3.41, "Hg": 5.22, "In": 3.10, "Ir": 5.34, "K": 2.42, "La": 3.02,
    "Li": 3.01, "Mg": 3.75, "Mn": 3.72, "Mo": 3.90, "N": 7.27, "Na": 2.85, "Nb": 4.00, "Ni": 4.40,
    "O": 7.53, "Os": 4.89, "Pb": 3.88, "Pd": 4.45, "Pt": 5.57, "Rb": 2.34, "Re": 4.01, "Rh": 4.30,
    "Ru": 4.50, "S": 6.22, "Sb": 4.85, "Sc": 3.34, "Si": 4.76, "Sn": 4.30, "Sr": 2.00, "Ta": 4.10,
    "Te": 5.49, "Ti": 3.45, "Tl": 5.49, "V": 3.60, "W": 4.40, "Y": 3.19, "Zn": 4.45, "Zr": 3.64,
}  # fmt: skip


def mulliken_electronegativity(element: str) -> float:
    """Return (ionization energy + electron affinity) / 2 of an atom in eV.

    Elements outside the published table are computed from pymatgen's atomic data.

    Raises
    ------
    CatalystError
        The data of the element are not known.
    """
    if element in MULLIKEN_EV:
        return MULLIKEN_EV[element]
    from pymatgen.core.periodic_table import Element

    try:
        atom = Element(element)
        energies = (atom.ionization_energies[0], atom.electron_affinity)
        if None in energies:
            raise ValueError(element)
        return float(sum(energies)) / 2
    except (ValueError, TypeError, IndexError, AttributeError):
        raise CatalystError(
            f"The Mulliken electronegativity of {element} is not known.",
            "Exclude the element from the pool, or learn the band edges instead of deriving them.",
        ) from None


@lru_cache(maxsize=100_000)
def midgap(formula: str) -> float:
    """Return the middle of the gap in eV below vacuum: (∏ χᵢ^nᵢ)^(1/Σnᵢ)."""
    amounts = parse_formula(formula)
    logs = sum(n * math.log(mulliken_electronegativity(element)) for element, n in sorted(amounts.items()))
    return math.exp(logs / sum(amounts.values()))


def valence_band(formulas: Sequence[str], gap_ev: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the upper edge of the valence band in eV below vacuum, for gaps of shape (m, ...)."""
    return _midgaps(formulas, gap_ev.ndim) + gap_ev.clip(min=0) / 2


def conduction_band(formulas: Sequence[str], gap_ev: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the lower edge of the conduction band in eV below vacuum, for gaps of shape (m, ...)."""
    return _midgaps(formulas, gap_ev.ndim) - gap_ev.clip(min=0) / 2


def _midgaps(formulas: Sequence[str], n_axes: int) -> NDArray[np.float64]:
    import numpy as np

    return np.array([midgap(formula) for formula in formulas]).reshape(-1, *[1] * (n_axes - 1))
