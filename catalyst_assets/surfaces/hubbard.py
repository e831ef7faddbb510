"""What potentials cannot be asked that learned PBE and PBE+U together, as the Materials Project mixes them.

There U is added to eight metals in whatever holds oxygen or fluorine, and to nothing else (Jain et al., Phys. Rev. B 84,
045115 (2011)). A clean surface of such a metal is PBE's and the same with oxygen on it PBE+U's: their difference holds
the shift between the two, 4.7 eV on molybdenum, and is no adsorption energy. An oxide has U on both sides.
"""

from collections.abc import Collection
from typing import Final

from catalyst_assets.surfaces.adsorbates import Adsorbate

_METALS: Final = ("Co", "Cr", "Fe", "Mn", "Mo", "Ni", "V", "W")
_ANIONS: Final = frozenset({"O", "F"})


def metals_with_u(functional: str) -> tuple[str, ...]:
    """Return the metals that have U beside oxygen in what a potential learned, by its functional's name."""
    return _METALS if "+U" in functional else ()


def why_mixed(elements: Collection[str], adsorbate: Adsorbate, with_u: Collection[str]) -> str:
    """Say why a crystal's adsorption energy would mix two functionals; nothing where it would not.

    Parameters
    ----------
    elements
        Of the crystal.
    with_u
        What `metals_with_u` gives.
    """
    metals = sorted(set(elements) & set(with_u))
    if not metals or _ANIONS & set(elements) or not _ANIONS & set(adsorbate.symbols):
        return ""
    return (
        f"The potential learned {', '.join(metals)} by PBE and, beside oxygen or fluorine, by PBE+U: "
        f"the energy of {adsorbate.name} would hold the shift between the two."
    )
