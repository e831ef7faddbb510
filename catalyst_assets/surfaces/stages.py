"""The three relaxations on the way to adsorption energies, each of all that there is in one call of a potential.

Whatever fails costs itself and says why; the others go on.
"""

import math
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from catalyst_assets.errors import CatalystError
from catalyst_assets.potentials.interface import Answer, Potential, Relaxation
from catalyst_assets.surfaces.adsorbates import Adsorbate, place
from catalyst_assets.surfaces.anomalies import find_anomaly
from catalyst_assets.surfaces.references import ReferenceSet, build_molecule
from catalyst_assets.surfaces.results import SAME_ENERGY, AdsorptionResult, Refusal
from catalyst_assets.surfaces.sites import Site, find_sites, nearest_site
from catalyst_assets.surfaces.slabs import GEOMETRY_ERRORS, Slab

if TYPE_CHECKING:
    from ase import Atoms
    from pymatgen.core.structure import Structure

_NO_ENERGY: Final = "There is no energy of it."
# By how much the free atoms of a slab are displaced, in Å: one that is cut as symmetric as the crystal may come to rest on
# a saddle, which an adsorbate would leave, and the way down would count as adsorption.
_RATTLE: Final = 0.1
_RATTLED: Final = " rattled"


@dataclass(frozen=True, eq=False)
class RelaxedBulk:
    """A crystal at its own lattice constants."""

    name: str
    structure: "Structure"
    energy_ev: float
    steps: int
    largest_force: float


@dataclass(frozen=True, eq=False)
class RelaxedSlab:
    """A clean slab at rest.

    Attributes
    ----------
    slab
        With its relaxed atoms.
    energy_ev
        Total.
    sites
        Of the relaxed surface.
    """

    slab: Slab
    energy_ev: float
    steps: int
    largest_force: float
    sites: tuple[Site, ...]


@dataclass(frozen=True, eq=False)
class AdsorbedState:
    """An adsorbate on a site, before it is relaxed."""

    slab: RelaxedSlab
    site: Site
    adsorbate: Adsorbate
    atoms: "Atoms"

    @property
    def name(self) -> str:
        """Of slab, adsorbate and site, such as ``Pt/1,1,1/0/H/fcc-Pt3``."""
        return f"{self.slab.slab.name}/{self.adsorbate.name}/{self.site.name}"


def relax_bulks(
    crystals: "Mapping[str, Structure]", potential: Potential, wanted: Relaxation
) -> Iterator[RelaxedBulk | Refusal]:
    """Yield crystals with their cells relaxed."""
    from ase import Atoms
    from pymatgen.core.structure import Structure

    sound = {}
    for name, crystal in crystals.items():
        if crystal.is_ordered:
            symbols = [site.specie.symbol for site in crystal]
            sound[name] = Atoms(symbols, positions=crystal.cart_coords, cell=crystal.lattice.matrix, pbc=True)
        else:
            yield Refusal(name, "bulk", name, "Elements share a site: there is no one crystal to relax.")
    for answer in potential.relax(sound, wanted):
        atoms = _at_rest(answer)
        if isinstance(atoms, str):
            yield Refusal(answer.name, "bulk", answer.name, atoms)
            continue
        structure = Structure(
            atoms.cell.array, atoms.get_chemical_symbols(), atoms.positions, coords_are_cartesian=True
        )
        yield RelaxedBulk(answer.name, structure, answer.energy, answer.steps, answer.largest_force)


def relax_slabs(
    slabs: Iterable[Slab], potential: Potential, wanted: Relaxation
) -> Iterator[RelaxedSlab | Refusal]:
    """Yield clean slabs at rest, with the sites of their surfaces.

    Each is relaxed as it is cut, and with its free atoms displaced; the second counts where it ends lower.
    """
    named = {slab.name: slab for slab in slabs}
    starts = {name: slab.atoms for name, slab in named.items()}
    starts |= {name + _RATTLED: _rattle(slab) for name, slab in named.items()}
    answers = {answer.name: answer for answer in potential.relax(starts, wanted)}
    for name, slab in named.items():
        answer, other = answers[name], answers[name + _RATTLED]
        atoms, others = _at_rest(answer), _at_rest(other)
        if not isinstance(others, str) and (
            isinstance(atoms, str) or other.energy < answer.energy - SAME_ENERGY
        ):
            atoms, answer = others, other
        if isinstance(atoms, str):
            yield Refusal(slab.bulk, "slab", slab.name, atoms)
            continue
        # An answer has the atoms where they came to rest; what else is known of them is the question's.
        relaxed = slab.atoms.copy()
        relaxed.positions = atoms.positions
        try:
            sites = tuple(find_sites(relaxed))
        except (TypeError, *GEOMETRY_ERRORS) as error:
            yield Refusal(slab.bulk, "slab", slab.name, f"Its surface has no sites: {error}.")
            continue
        yield RelaxedSlab(
            replace(slab, atoms=relaxed), answer.energy, answer.steps, answer.largest_force, sites
        )


def _rattle(slab: Slab) -> "Atoms":
    """Return a slab with its free atoms displaced, always in the same way."""
    atoms: Atoms = slab.atoms.copy()
    about = f"{atoms.get_chemical_formula()} {slab.facet} {slab.termination}"
    atoms.rattle(_RATTLE, seed=zlib.crc32(about.encode()))
    return atoms


def relax_molecules(names: Iterable[str], potential: Potential, wanted: Relaxation) -> dict[str, float]:
    """Return energies in eV of molecules by their formulas.

    Raises
    ------
    CatalystError
        The potential has no energy of one of them: without it there is no adsorption energy at all.
    """
    energies = {}
    for answer in potential.relax({name: build_molecule(name) for name in names}, wanted):
        atoms = _at_rest(answer)
        if isinstance(atoms, str):
            raise CatalystError(
                f"{potential.method} has no energy of the gas reference {answer.name}: {atoms}",
                "Choose another potential, or references without it.",
            )
        energies[answer.name] = answer.energy
    return energies


def place_adsorbates(slab: RelaxedSlab, adsorbates: Sequence[Adsorbate]) -> list[AdsorbedState]:
    """Return each adsorbate on each site of a slab."""
    return [
        AdsorbedState(slab, site, adsorbate, place(slab.slab.atoms, site, adsorbate))
        for adsorbate in adsorbates
        for site in slab.sites
    ]


def relax_adsorbed(
    states: Iterable[AdsorbedState],
    potential: Potential,
    wanted: Relaxation,
    references: ReferenceSet,
    molecules: Mapping[str, float],
) -> Iterator[AdsorptionResult | Refusal]:
    """Yield adsorption energies.

    Parameters
    ----------
    molecules
        Energies of the references' molecules by the same potential, in eV.
    """
    named = {state.name: state for state in states}
    for answer in potential.relax({name: state.atoms for name, state in named.items()}, wanted):
        state = named[answer.name]
        if answer.relaxed is None or not math.isfinite(answer.energy):
            reason = answer.error or _NO_ENERGY
            yield Refusal(state.slab.slab.bulk, "adsorption", state.name, reason, state.adsorbate.name)
            continue
        ended = state.atoms.copy()
        ended.positions = answer.relaxed.positions
        yield _result(state, ended, answer, references, molecules, potential.method)


def _result(
    state: AdsorbedState,
    ended: "Atoms",
    answer: Answer,
    references: ReferenceSet,
    molecules: Mapping[str, float],
    method: str,
) -> AdsorptionResult:
    slab, clean = state.slab.slab, state.slab.slab.atoms
    reference = references.energy(state.adsorbate, molecules)
    binding = ended.positions[len(clean)]
    converged = answer.status == "converged"
    return AdsorptionResult(
        bulk=slab.bulk,
        formula=slab.formula,
        facet=slab.facet,
        termination=slab.termination,
        shift=slab.shift,
        top=slab.top,
        adsorbate=state.adsorbate.name,
        site=state.site.name,
        ended_at=nearest_site(state.slab.sites, binding, clean.cell.array).name,
        energy_ev=answer.energy - state.slab.energy_ev - reference,
        slab_energy_ev=state.slab.energy_ev,
        reference_energy_ev=reference,
        references=f"{references.name}: {references.equation(state.adsorbate)}",
        anomaly=find_anomaly(state.atoms, ended, clean) if converged else "not_converged",
        steps=answer.steps,
        largest_force=answer.largest_force,
        method=method,
        atoms=ended,
    )


def _at_rest(answer: Answer) -> "Atoms | str":
    """Return how a structure came to rest, or why it did not."""
    if answer.relaxed is None or not math.isfinite(answer.energy):
        return answer.error or _NO_ENERGY
    if answer.status != "converged":
        return f"It is not at rest after {answer.steps} steps: {answer.largest_force:.2f} eV/Å are left."
    return answer.relaxed
