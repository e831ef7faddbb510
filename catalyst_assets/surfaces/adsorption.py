"""Adsorption energies of many crystals, from the bulk: relaxed bulk, relaxed slabs, relaxed slabs with adsorbates."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from catalyst_assets.errors import CatalystError, UsageError
from catalyst_assets.potentials.interface import Potential, Relaxation
from catalyst_assets.surfaces.adsorbates import ADSORBATES, Adsorbate
from catalyst_assets.surfaces.facets import default_facets
from catalyst_assets.surfaces.hubbard import why_mixed
from catalyst_assets.surfaces.references import REFERENCE_SETS, ReferenceSet
from catalyst_assets.surfaces.results import AdsorptionResult, Refusal
from catalyst_assets.surfaces.settled import settle_slabs
from catalyst_assets.surfaces.slabs import Facet, Slab, SlabSettings, cut_slabs
from catalyst_assets.surfaces.stages import (
    RelaxedBulk,
    place_adsorbates,
    relax_adsorbed,
    relax_bulks,
    relax_molecules,
    relax_slabs,
)
from catalyst_assets.surfaces.terminations import keep_easiest

if TYPE_CHECKING:
    from pymatgen.core.structure import Structure


@dataclass(frozen=True)
class AdsorptionSettings:
    """How adsorption energies are computed.

    Attributes
    ----------
    slab
        What slabs are like.
    facets
        Which; none for those that :func:`facets.default_facets` gives, up to `most_facets`.
    bulk
        How crystals are relaxed first; None where they were by the same potential already.
    surface
        How slabs, with adsorbates and without, and molecules are.
    references
        Name of a set of gas references.
    with_u
        Metals that the potential learned with a Hubbard U beside oxygen: see `hubbard`.
    """

    slab: SlabSettings = field(default_factory=SlabSettings)
    facets: tuple[Facet, ...] = ()
    most_facets: int = 3
    bulk: Relaxation | None = field(default_factory=lambda: Relaxation(keep_symmetry=True))
    surface: Relaxation = field(
        default_factory=lambda: Relaxation(cell=False, largest_force=0.05, most_steps=300)
    )
    references: str = "OC20"
    with_u: tuple[str, ...] = ()


def compute_adsorption(
    crystals: "Mapping[str, Structure]",
    adsorbates: Sequence[str],
    potential: Potential,
    settings: AdsorptionSettings | None = None,
    gases: dict[str, float] | None = None,
) -> Iterator[AdsorptionResult | Refusal]:
    """Yield the adsorption energies of crystals, site by site, and what has none.

    All molecules are relaxed in one call of the potential, then all crystals, all slabs, all adsorbed states, and once
    more a slab of each kind as an adsorbate left it.

    Parameters
    ----------
    crystals
        By names that contain no slash.
    adsorbates
        Names in `adsorbates.ADSORBATES`.
    gases
        Energies of molecules by the same potential and settings, in eV; what is relaxed now is added.

    Raises
    ------
    UsageError
        An adsorbate or a set of references is not known.
    CatalystError
        The potential has no energy of a reference.
    """
    settings = settings or AdsorptionSettings()
    guests = known_adsorbates(adsorbates)
    references = known_references(settings.references)
    molecules = {} if gases is None else gases
    needed = {name for guest in guests for name in references.molecules(guest)}
    molecules.update(relax_molecules(sorted(needed - molecules.keys()), potential, settings.surface))
    allowed: dict[str, list[Adsorbate]] = {}
    for name, crystal in crystals.items():
        elements = crystal.composition.chemical_system_set
        for guest in guests:
            if reason := why_mixed(elements, guest, settings.with_u):
                yield Refusal(name, "adsorption", f"{name}/{guest.name}", reason, guest.name)
            else:
                allowed.setdefault(name, []).append(guest)
    relaxed = {name: crystals[name] for name in allowed}
    if settings.bulk is not None:
        bulks = list(relax_bulks(relaxed, potential, settings.bulk))
        yield from (each for each in bulks if isinstance(each, Refusal))
        relaxed = {each.name: each.structure for each in bulks if isinstance(each, RelaxedBulk)}
    slabs: list[Slab] = []
    for name, crystal in relaxed.items():
        cut = slabs_of(name, crystal, settings)
        slabs += [each for each in cut if isinstance(each, Slab)]
        yield from (each for each in cut if isinstance(each, Refusal))
    easiest = []
    for slab in keep_easiest(slabs, relaxed, potential):
        if isinstance(slab, Refusal):
            yield slab
        else:
            easiest.append(slab)
    states = []
    for clean in relax_slabs(easiest, potential, settings.surface):
        if isinstance(clean, Refusal):
            yield clean
        else:
            states += place_adsorbates(clean, allowed[clean.slab.bulk])
    results = []
    for state in relax_adsorbed(states, potential, settings.surface, references, molecules):
        if isinstance(state, Refusal):
            yield state
        else:
            results.append(state)
    yield from settle_slabs(results, potential, settings.surface)


def slabs_of(bulk: str, crystal: "Structure", settings: AdsorptionSettings) -> list[Slab | Refusal]:
    """Return the slabs of a crystal's facets, and which facets have none."""
    try:
        facets = settings.facets or default_facets(crystal, settings.most_facets)
    except CatalystError as error:
        return [Refusal(bulk, "slab", bulk, str(error))]
    slabs: list[Slab | Refusal] = []
    for facet in facets:
        try:
            slabs += cut_slabs(bulk, crystal, facet, settings.slab)
        except CatalystError as error:
            slabs.append(Refusal(bulk, "slab", f"{bulk}/{','.join(map(str, facet))}", str(error)))
    return slabs


def known_adsorbates(names: Sequence[str]) -> list[Adsorbate]:
    """Return adsorbates by their names.

    Raises
    ------
    UsageError
        One is not known.
    """
    for name in names:
        if name not in ADSORBATES:
            raise UsageError(
                f"{name!r} is no adsorbate that is known.", f"Known are {', '.join(ADSORBATES)}."
            )
    return [ADSORBATES[name] for name in names]


def known_references(name: str) -> ReferenceSet:
    """Return a set of gas references by its name.

    Raises
    ------
    UsageError
        It is not known.
    """
    if name not in REFERENCE_SETS:
        raise UsageError(
            f"{name!r} is no set of gas references that is known.", f"Known are {', '.join(REFERENCE_SETS)}."
        )
    return REFERENCE_SETS[name]
