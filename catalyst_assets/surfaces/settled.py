"""The energies of clean slabs, told anew by what adsorbed on them: an adsorbate may lead a surface to a lower state.

What the surface gains by that is none of adsorption. So one bare slab is relaxed from where an adsorbate left it.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

from catalyst_assets.potentials.interface import Potential, Relaxation
from catalyst_assets.surfaces.results import SAME_ENERGY, AdsorptionResult


def settle_slabs(
    results: Sequence[AdsorptionResult], potential: Potential, wanted: Relaxation
) -> list[AdsorptionResult]:
    """Return results with energies against the lowest state of their clean slabs that is known.

    Each slab is relaxed once more, from its lowest sound state without the adsorbate; where that ends lower than the clean
    slab, its energy is the clean slab's for all adsorbed states.
    """
    lowest: dict[str, AdsorptionResult] = {}
    for each in results:
        known = lowest.get(each.slab_name)
        if each.anomaly is None and (known is None or each.energy_ev < known.energy_ev):
            lowest[each.slab_name] = each
    # Atoms of an adsorbate have the tag 0.
    bare = {name: each.atoms[each.atoms.get_tags() > 0] for name, each in lowest.items()}
    lower: dict[str, float] = {}
    for answer in potential.relax(bare, wanted):
        if answer.status == "converged" and math.isfinite(answer.energy):
            gained = lowest[answer.name].slab_energy_ev - answer.energy
            if gained > SAME_ENERGY:
                lower[answer.name] = gained
    return [_against(each, lower.get(each.slab_name, 0.0)) for each in results]


def _against(result: AdsorptionResult, gained: float) -> AdsorptionResult:
    return replace(result, energy_ev=result.energy_ev + gained, slab_energy_ev=result.slab_energy_ev - gained)
