"""What is measured of a crystal, and the hash that says two are the same.

Nothing is judged here: what passes is `records`' business.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pymatgen.core.structure import Structure

# The shortest bond there is, H2's, has 0.74 Å.
SHORTEST_DISTANCE_ANGSTROM = 0.5
# Diamond has 5.7 Å³ an atom, solid caesium 115; sheets in a box have more.
VOLUME_PER_ATOM_ANGSTROM3 = (2.0, 500.0)
MOST_SITES = 2000


@dataclass(frozen=True)
class Crystal:
    """What the database and the checks want to know of a structure.

    Attributes
    ----------
    thickness
        Smallest distance between opposite faces of the cell, in Å.
    volume_per_atom
        In Å³.
    shortest_distance
        Between two atoms, images included, in Å; infinite when none are closer than
        ``SHORTEST_DISTANCE_ANGSTROM``, NaN when an earlier check fails.
    structure_hash
        See :func:`hash_structure`.
    """

    reduced_formula: str
    chemical_system: str
    elements: tuple[str, ...]
    n_sites: int
    ordered: bool
    known_species: bool
    thickness: float
    volume_per_atom: float
    shortest_distance: float
    structure_json: Mapping[str, Any]
    structure_hash: str


def describe(structure: "Structure") -> Crystal:
    """Measure a structure, without judging it.

    Oxidation states and site properties are dropped: a material is species on positions.
    """
    ordered = structure.is_ordered
    symbols = [site.specie.symbol if ordered else site.species_string for site in structure]
    species = sorted(set(symbols))
    known = ordered and _elements().issuperset(species)
    volume, thickness = _cell_size(structure)
    # A search in a flat or crowded cell would look at an unbounded number of images.
    searchable = known and thickness >= SHORTEST_DISTANCE_ANGSTROM and 0 < len(symbols) <= MOST_SITES
    plain = _undecorated(structure, symbols) if searchable else None
    return Crystal(
        reduced_formula=plain.composition.reduced_formula if plain else "",
        chemical_system="-".join(species),
        elements=tuple(species),
        n_sites=len(symbols),
        ordered=ordered,
        known_species=known,
        thickness=thickness,
        volume_per_atom=volume / max(len(symbols), 1),
        shortest_distance=_shortest_distance(plain) if plain else math.nan,
        structure_json=plain.as_dict(verbosity=0) if plain else {},
        structure_hash=hash_structure(plain) if plain else "",
    )


def hash_structure(structure: "Structure") -> str:
    """Return the sha256 of an ordered structure's canonical form.

    Lattice parameters in 10⁻⁴ Å and 10⁻³ °, and the sites by species and fractional coordinate in
    10⁻⁴, sorted: neither the order of sites nor the cell's orientation matters.
    """
    lengths, angles = structure.lattice.abc, structure.lattice.angles
    sites = sorted(
        [site.specie.symbol, *(round(float(x) % 1.0 * 10_000) % 10_000 for x in site.frac_coords)]
        for site in structure
    )
    canonical = [[round(x * 10_000) for x in lengths], [round(x * 1_000) for x in angles], sites]
    return hashlib.sha256(json.dumps(canonical, separators=(",", ":")).encode()).hexdigest()


@cache
def _elements() -> frozenset[str]:
    from pymatgen.core.periodic_table import Element

    return frozenset(element.symbol for element in Element)


def _undecorated(structure: "Structure", symbols: list[str]) -> "Structure":
    from pymatgen.core.structure import Structure

    names = [site.species_string for site in structure]
    if names == symbols == structure.labels and not structure.properties and not structure.site_properties:
        return structure
    return Structure(structure.lattice, symbols, structure.frac_coords)


def _cell_size(structure: "Structure") -> tuple[float, float]:
    """Return the cell's volume in Å³ and its smallest thickness in Å; zeros when it spans no volume."""
    import numpy as np

    matrix = structure.lattice.matrix
    with np.errstate(all="ignore"):
        volume = abs(float(np.linalg.det(matrix)))
    if not math.isfinite(volume) or volume == 0 or not np.isfinite(structure.frac_coords).all():
        return 0.0, 0.0
    steepest = float(np.sqrt((np.linalg.inv(matrix) ** 2).sum(axis=0).max()))
    return volume, 1.0 / steepest if math.isfinite(steepest) else 0.0


def _shortest_distance(structure: "Structure") -> float:
    distances = structure.get_neighbor_list(SHORTEST_DISTANCE_ANGSTROM)[3]
    return float(distances.min()) if len(distances) else math.inf
