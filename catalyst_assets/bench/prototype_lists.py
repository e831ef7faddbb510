"""An enumeration of at least so many candidates, for measuring how they stream into the database."""

from pathlib import Path
from typing import Final

import yaml

from catalyst_assets.errors import UsageError

# Of some ions no radius is tabulated for the charge that is nearest to neutrality.
_MARGIN: Final = 1.1
_ANIONS: Final = ("F", "O", "Cl", "N", "Br", "I", "S", "Se")
# Less electronegative than all of these, and with a Shannon radius.
_CATIONS: Final = (
    "Li", "Be", "Na", "Mg", "Al", "K", "Ca", "Sc", "Ti", "V", "Cr", "Mn", "Fe", "Co",
    "Ni", "Cu", "Zn", "Ga", "Rb", "Sr", "Y", "Zr", "Nb", "Tc", "Ru", "Rh", "Pd", "Ag",
    "Cd", "In", "Sn", "Sb", "Cs", "Ba", "La", "Ce", "Pr", "Nd", "Pm", "Sm", "Eu", "Gd",
    "Tb", "Dy", "Ho", "Er", "Tm", "Yb", "Lu", "Hf", "Ta", "Re", "Os", "Ir", "B", "Si",
    "P", "Ge", "As", "Mo", "Te", "W", "Au", "Pt", "Hg", "Tl", "Pb", "Bi", "Th", "Pa",
    "U", "Np", "Pu",
)  # fmt: skip


def write_enumerations(folder: Path, prototypes: int) -> list[Path]:
    """Describe double perovskites A2BB'X6 of which at least so many are left by the filters.

    Raises
    ------
    UsageError
        There are not so many.
    """
    cations, wanted = len(_CATIONS), int(prototypes * _MARGIN)
    # The three cations differ, and exchanging two of them makes no other crystal.
    everything = cations * (cations - 1) * (cations - 2) // 2 * len(_ANIONS)
    if wanted > everything:
        raise UsageError(
            f"The benchmark enumerates {int(everything / _MARGIN)} candidates at most.", "Ask for fewer."
        )
    anions = next(n for n in range(1, len(_ANIONS) + 1) if everything // len(_ANIONS) * n >= wanted)
    chosen = next(n for n in range(3, cations + 1) if n * (n - 1) * (n - 2) // 2 * anions >= wanted)
    described = {
        "name": "bench",
        "prototype": "double_perovskite",
        "sites": {
            "A": list(_CATIONS[:chosen]),
            "B": list(_CATIONS[:chosen]),
            "C": list(_CATIONS[:chosen]),
            "X": list(_ANIONS[:anions]),
        },
        "neutral": False,
    }
    path = folder / "bench.yaml"
    path.write_text(yaml.safe_dump(described), encoding="utf-8")
    return [path]
