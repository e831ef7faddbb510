"""Which terminations of a facet are worth their states: those of the planes along which the crystal is cut most easily.

The lowest site of a surface that no crystal shows is no answer: bare molybdenum of MoS2 binds anything. What a cut costs is
told by the potential itself, of the slabs as they are cut.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from catalyst_assets.potentials.interface import Potential
from catalyst_assets.surfaces.results import Refusal
from catalyst_assets.surfaces.slabs import Facet, Slab

if TYPE_CHECKING:
    from ase import Atoms
    from pymatgen.core.structure import Structure

# Cuts that cost more than the cheapest by less than this share of it, or less than this in eV/Å², are as good.
_SHARE: Final = 0.1
_COST: Final = 0.01

_Cut = tuple[str, Facet, float]


def keep_easiest(
    slabs: Sequence[Slab], crystals: "Mapping[str, Structure]", potential: Potential
) -> Iterator[Slab | Refusal]:
    """Yield the slabs of each facet whose cut costs least, of both sides of that cut, and what has no energy.

    A cut costs E(slab) − n E(crystal) an area. Elements and most ordered alloys can be cut in one way only, and nothing
    is computed. A slab that is no multiple of the crystal has no such energy, and stays.

    Parameters
    ----------
    crystals
        By the names that slabs have as their `bulk`.
    """
    cuts: dict[_Cut, list[Slab]] = {}
    for slab in slabs:
        cuts.setdefault((slab.bulk, slab.facet, slab.shift), []).append(slab)
    facets: dict[tuple[str, Facet], list[_Cut]] = {}
    for cut in cuts:
        facets.setdefault(cut[:2], []).append(cut)
    compared = {
        cuts[cut][0].name: cut
        for several in facets.values()
        if len(several) > 1
        for cut in several
        if _is_whole(cuts[cut][0], crystals[cut[0]])
    }
    asked: dict[str, Atoms] = {name: cuts[cut][0].atoms for name, cut in compared.items()}
    asked |= {bulk: _atoms(crystals[bulk]) for bulk in {cut[0] for cut in compared.values()}}
    said = {answer.name: answer for answer in potential.evaluate(asked)} if asked else {}
    costs: dict[_Cut, float] = {}
    for name, cut in compared.items():
        surface, whole = said[name], said[cut[0]]
        share = len(asked[name]) / len(asked[cut[0]])
        costs[cut] = (surface.energy - share * whole.energy) / _area(asked[name])
        if not math.isfinite(costs[cut]):
            reason = surface.error or whole.error or "There is no energy of it."
            yield from (Refusal(each.bulk, "slab", each.name, reason) for each in cuts.pop(cut))
    for several in facets.values():
        known = [costs[cut] for cut in several if cut in costs and cut in cuts]
        limit = min(known, default=math.inf)
        limit += max(_SHARE * abs(limit), _COST)
        for cut in several:
            if cut in cuts and costs.get(cut, -math.inf) <= limit:
                yield from cuts[cut]


def _is_whole(slab: Slab, crystal: "Structure") -> bool:
    """Tell whether a slab is a multiple of its crystal."""
    from pymatgen.core.composition import Composition

    return bool(
        Composition(slab.atoms.get_chemical_formula()).reduced_composition.almost_equals(
            crystal.composition.reduced_composition
        )
    )


def _atoms(crystal: "Structure") -> "Atoms":
    from ase import Atoms

    symbols = [site.specie.symbol for site in crystal]
    return Atoms(symbols, positions=crystal.cart_coords, cell=crystal.lattice.matrix, pbc=True)


def _area(atoms: "Atoms") -> float:
    return float(np.linalg.norm(np.cross(atoms.cell[0], atoms.cell[1])))
