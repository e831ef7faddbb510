"""What is added to a potential's energies so that those of different compounds can be compared.

The Materials Project computes oxides and fluorides of some metals with Hubbard's U and everything else without; a
potential that learned these energies as they came mixes two functionals in a formation energy. MP2020 is the scheme by
which they are brought together (Wang et al., Sci. Rep. 11, 15496 (2021)); numbers and rules are pymatgen's.
"""

import warnings
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from pymatgen.core.structure import Structure


def correction_ev(structure: "Structure", scheme: Literal["mp2020"] | None) -> float:
    """Return what is added to the total energy of a structure, in eV.

    Parameters
    ----------
    structure
        Relaxed: its distances tell an oxide from a peroxide or superoxide.
    scheme
        Of the potential's table; none adds nothing.

    Raises
    ------
    CompatibilityError
        The scheme has no answer for it.
    """
    from pymatgen.entries.computed_entries import ComputedStructureEntry

    if scheme is None:
        return 0.0
    compatibility, hubbards = _mp2020()
    with warnings.catch_warnings():
        # It warns of formulas whose oxidation states it cannot guess and of elements without electronegativity.
        warnings.simplefilter("ignore")
        elements = sorted(structure.composition.elements, key=lambda element: element.X)
        of_anion = hubbards.get(elements[-1].symbol, {})
        with_u = {each.symbol: float(of_anion[each.symbol]) for each in elements if each.symbol in of_anion}
        run = {"run_type": "GGA+U" if with_u else "GGA", "hubbards": with_u}
        entry = ComputedStructureEntry(structure, 0.0, parameters=run)
        return float(sum(each.value for each in compatibility.get_adjustments(entry)))


@cache
def _mp2020() -> tuple[Any, dict[str, dict[str, float]]]:
    from pymatgen.entries.compatibility import MaterialsProject2020Compatibility

    compatibility = MaterialsProject2020Compatibility(check_potcar=False)
    return compatibility, compatibility.u_settings
