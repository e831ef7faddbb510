"""The registry of known physics: what a campaign's ``derive`` may compute, from which properties, and by whose formula.

One entry a formula. How a campaign applies them is ``derived``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from catalyst_assets.campaigns.band_edges import conduction_band, valence_band

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

# ΔZPE − TΔS of *H against ½ H2 at 298 K, which varies little between metals.
HYDROGEN_CORRECTION_EV: Final = 0.24
# The same of *O and *OH against H2O and H2.
OXYGEN_CORRECTION_EV: Final = 0.04
HYDROXYL_CORRECTION_EV: Final = 0.35
# ΔG(*OOH) − ΔG(*OH), the same on metals and oxides to ±0.2 eV.
SCALING_EV: Final = 3.2
# Reversible potential of oxygen against hydrogen.
OXYGEN_POTENTIAL_V: Final = 1.23


@dataclass(frozen=True)
class Argument:
    """What a formula takes.

    Attributes
    ----------
    kind
        What it must be, in words.
    unit
        Its unit.
    properties
        Names of the properties that are of that kind.
    """

    kind: str
    unit: str
    properties: tuple[str, ...]


@dataclass(frozen=True)
class Formula:
    """One derivation.

    Attributes
    ----------
    compute
        ``(formulas, *arguments) -> values``: m reduced formulas, and an array of shape (m, ...) for each argument
        in its unit. NaN stays NaN.
    arguments
        What it takes, in this order.
    unit
        Unit of what comes out.
    gives
        What comes out, in words.
    equation, paper
        The formula, and where it stands.
    limits
        What it leaves out.
    """

    compute: Callable[..., NDArray[np.float64]]
    arguments: tuple[Argument, ...]
    unit: str
    gives: str
    equation: str
    paper: str
    limits: str


def _hydrogen_free_energy(
    _formulas: Sequence[str], adsorption_energy_ev: NDArray[np.float64]
) -> NDArray[np.float64]:
    return adsorption_energy_ev + HYDROGEN_CORRECTION_EV


def _oer_overpotential(
    _formulas: Sequence[str], energy_o_ev: NDArray[np.float64], energy_oh_ev: NDArray[np.float64]
) -> NDArray[np.float64]:
    import numpy as np

    step_ev = (energy_o_ev + OXYGEN_CORRECTION_EV) - (energy_oh_ev + HYDROXYL_CORRECTION_EV)
    return np.asarray(np.maximum(step_ev, SCALING_EV - step_ev) - OXYGEN_POTENTIAL_V, dtype=np.float64)


_GAP = Argument("band gap", "eV", ("band_gap", "band_gap_direct", "band_gap_indirect"))


def _edge(compute: Callable[..., Any], gives: str, sign: str) -> Formula:
    return Formula(
        compute=compute,
        arguments=(_GAP,),
        unit="eV",
        gives=gives,
        equation=f"(∏ χᵢ^nᵢ)^(1/Σnᵢ) {sign} E_gap / 2, χ the Mulliken electronegativity",
        paper="Butler & Ginley, J. Electrochem. Soc. 125, 228 (1978); Castelli et al., EES 5, 5814 (2012)",
        limits="a few tenths of an eV; neither surface nor pH; needs a gap that is not underestimated",
    )


DERIVATIONS: Final[dict[str, Formula]] = {
    "butler_ginley_vb": _edge(valence_band, "valence band edge below vacuum", "+"),
    "butler_ginley_cb": _edge(conduction_band, "conduction band edge below vacuum", "−"),
    "hydrogen_free_energy": Formula(
        compute=_hydrogen_free_energy,
        arguments=(Argument("adsorption energy of *H against ½ H2", "eV", ("adsorption_energy_H",)),),
        unit="eV",
        gives="free energy of adsorbed hydrogen ΔG_H",
        equation="ΔE_H + 0.24 eV",
        paper="Nørskov et al., J. Electrochem. Soc. 152, J23 (2005), doi:10.1149/1.1856988",
        limits="one correction for all surfaces and coverages; whether ΔG_H alone decides is disputed "
        "(Lindgren et al., arXiv:1903.09903)",
    ),
    "oer_overpotential": Formula(
        compute=_oer_overpotential,
        arguments=(
            Argument("adsorption energy of *O against H2O − H2", "eV", ("adsorption_energy_O",)),
            Argument("adsorption energy of *OH against H2O − ½ H2", "eV", ("adsorption_energy_OH",)),
        ),
        unit="V",
        gives="theoretical overpotential of oxygen evolution",
        equation="max(x, 3.2 − x) − 1.23 V, x = (ΔE_O + 0.04) − (ΔE_OH + 0.35) eV",
        paper="Man et al., ChemCatChem 3, 1159 (2011)",
        limits="the scaling holds to ±0.2 eV; the second or third step must be the limiting one; O and OH on one site",
    ),
}
