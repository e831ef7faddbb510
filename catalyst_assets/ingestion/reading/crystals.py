"""What is measured of a crystal, and the hash that says two are the same.

Nothing is judged here: what passes is `records`' business.
"""

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from catalyst_assets.ingestion.reading.cells import Cell
from catalyst_assets.ingestion.reading.compositions import Stoichiometry

if TYPE_CHECKING:
    from pymatgen.core.structure import Structure

# The shortest bond there is, H2's, has 0.74 Å.
SHORTEST_DISTANCE_ANGSTROM = 0.5
# Diamond has 5.7 Å³ an atom, solid caesium 115; sheets in a box have more.
VOLUME_PER_ATOM_ANGSTROM3 = (2.0, 500.0)
MOST_SITES = 2000
# In a cell this thick, the nearest image along each axis is the only one within SHORTEST_DISTANCE_ANGSTROM.
_THICK_ANGSTROM = 2 * SHORTEST_DISTANCE_ANGSTROM
_MOST_PAIRED_SITES = 300
_MOST_PAIRS = 500_000


@dataclass(frozen=True)
class Crystal:
    """What the database and the checks want to know of a structure, or of a composition without one.

    Attributes
    ----------
    n_sites, structure_json
        None of a composition.
    thickness
        Smallest distance between opposite faces of the cell, in Å.
    volume_per_atom
        In Å³.
    shortest_distance
        Between two atoms, images included, in Å; infinite when none are closer than
        ``SHORTEST_DISTANCE_ANGSTROM``, NaN when an earlier check fails.
    structure_hash
        See :func:`hash_structure`; of a composition :attr:`Stoichiometry.hash`.
    """

    reduced_formula: str
    chemical_system: str
    elements: tuple[str, ...]
    n_sites: int | None
    ordered: bool
    known_species: bool
    thickness: float
    volume_per_atom: float
    shortest_distance: float
    structure_json: Mapping[str, Any] | None
    structure_hash: str


def describe(materials: "Sequence[Structure | Cell | Stoichiometry]") -> list[Crystal]:
    """Measure structures, without judging them.

    Oxidation states and site properties are dropped: a material is species on positions.
    """
    measured = iter(_measure([item for item in materials if not isinstance(item, Stoichiometry)]))
    return [
        _of_composition(item) if isinstance(item, Stoichiometry) else next(measured) for item in materials
    ]


def _of_composition(composition: Stoichiometry) -> Crystal:
    return Crystal(
        reduced_formula=composition.formula,
        chemical_system="-".join(composition.elements),
        elements=composition.elements,
        n_sites=None,
        ordered=True,
        known_species=_elements().issuperset(composition.elements),
        thickness=math.nan,
        volume_per_atom=math.nan,
        shortest_distance=math.nan,
        structure_json=None,
        structure_hash=composition.hash,
    )


def _measure(structures: "Sequence[Structure | Cell]") -> list[Crystal]:
    if not structures:
        return []
    cells = [item if isinstance(item, Cell) else _cell_of(item) for item in structures]
    sizes = _measure_cells(cells)
    # A search in a flat, crowded or empty cell would look at an unbounded number of images, or of places.
    low, high = VOLUME_PER_ATOM_ANGSTROM3
    searchable = [
        _elements().issuperset(cell.symbols)
        and thickness >= SHORTEST_DISTANCE_ANGSTROM
        and 0 < len(cell.symbols) <= MOST_SITES
        and low <= volume / len(cell.symbols) <= high
        for cell, (volume, thickness) in zip(cells, sizes, strict=True)
    ]
    sound = [cell for cell, is_sound in zip(cells, searchable, strict=True) if is_sound]
    thicknesses = [size[1] for size, is_sound in zip(sizes, searchable, strict=True) if is_sound]
    measured = iter(zip(_shortest_distances(sound, thicknesses), _hashes(sound), strict=True))
    crystals = []
    for item, cell, (volume, thickness), is_sound in zip(structures, cells, sizes, searchable, strict=True):
        species = sorted(set(cell.symbols))
        ordered = isinstance(item, Cell) or item.is_ordered
        distance, structure_hash = next(measured) if is_sound else (math.nan, "")
        crystals.append(
            Crystal(
                reduced_formula=reduced_formula(cell.symbols) if is_sound else "",
                chemical_system="-".join(species),
                elements=tuple(species),
                n_sites=len(cell.symbols),
                ordered=ordered,
                known_species=ordered and _elements().issuperset(species),
                thickness=thickness,
                volume_per_atom=volume / max(len(cell.symbols), 1),
                shortest_distance=distance,
                structure_json=cell.as_dict() if is_sound else {},
                structure_hash=structure_hash,
            )
        )
    return crystals


def hash_structure(structure: "Structure | Cell") -> str:
    """Return the sha256 of an ordered structure's canonical form.

    Lattice parameters in 10⁻⁴ Å and 10⁻³ °, and the sites by species and fractional coordinate in
    10⁻⁴, sorted: neither the order of sites nor the cell's orientation matters.
    """
    (found,) = _hashes([structure if isinstance(structure, Cell) else Cell.of(structure)])
    return found


def reduced_formula(symbols: tuple[str, ...]) -> str:
    """Return pymatgen's reduced formula of a cell's contents."""
    counts = Counter(symbols)
    return _reduced_formula(tuple(sorted(counts.items())))


@lru_cache(maxsize=100_000)
def _reduced_formula(counts: tuple[tuple[str, int], ...]) -> str:
    from pymatgen.core.composition import Composition, reduce_formula

    formula, _ = reduce_formula(dict(counts))
    return str(Composition.special_formulas.get(formula, formula))


@cache
def _elements() -> frozenset[str]:
    from pymatgen.core.periodic_table import Element

    return frozenset(element.symbol for element in Element)


def _cell_of(structure: "Structure") -> Cell:
    if structure.is_ordered:
        return Cell.of(structure)
    names = tuple(site.species_string for site in structure)
    return Cell(structure.lattice.matrix, names, structure.frac_coords)


def _measure_cells(cells: Sequence[Cell]) -> list[tuple[float, float]]:
    """Return each cell's volume in Å³ and smallest thickness in Å; zeros when it spans no volume."""
    matrices = np.array([cell.matrix for cell in cells], dtype=float)
    with np.errstate(all="ignore"):
        volumes = np.abs(np.linalg.det(matrices))
        finite = np.array([bool(np.isfinite(cell.positions).all()) for cell in cells])
        sound = np.isfinite(volumes) & (volumes > 0) & finite
        inverses = np.linalg.inv(np.where(sound[:, None, None], matrices, np.eye(3)))
        thicknesses = 1.0 / np.sqrt((inverses**2).sum(axis=1).max(axis=1))
    thicknesses = np.where(sound & np.isfinite(thicknesses), thicknesses, 0.0)
    return list(zip(np.where(sound, volumes, 0.0).tolist(), thicknesses.tolist(), strict=True))


def _hashes(cells: Sequence[Cell]) -> list[str]:
    if not cells:
        return []
    matrices = np.array([cell.matrix for cell in cells], dtype=float)
    lengths = np.sqrt((matrices**2).sum(axis=2))
    unit = matrices / lengths[:, :, None]
    cosines = np.einsum("nij,nij->ni", unit[:, [1, 0, 0]], unit[:, [2, 2, 1]])
    angles = np.degrees(np.arccos(np.clip(cosines, -1.0, 1.0)))
    rounded = zip(_whole(lengths * 10_000), _whole(angles * 1_000), strict=True)
    positions = iter(_whole(np.concatenate([cell.positions for cell in cells]) % 1.0 * 10_000))
    hashes = []
    for cell, (edges, corners) in zip(cells, rounded, strict=True):
        sites = sorted([symbol, *(x % 10_000 for x in next(positions))] for symbol in cell.symbols)
        hashes.append(hashlib.sha256(orjson.dumps([edges, corners, sites])).hexdigest())
    return hashes


def _whole(numbers: np.ndarray) -> list[list[int]]:
    return np.rint(numbers).astype(int).tolist()  # type: ignore[no-any-return]


def _compact(cell: Cell) -> Cell:
    """Return the same crystal, its atoms within a cell that is as little oblique as can be, longest edge along x.

    pymatgen's search looks at every image on the way to an atom far outside, and divides the box around the cell
    into cubes: there would be any number of them for a long edge along a diagonal.
    """
    from pymatgen.core.lattice import Lattice

    reduced = Lattice(cell.matrix).get_lll_reduced_lattice().matrix
    edges = reduced[np.argsort(-np.linalg.norm(reduced, axis=1))]
    positions = np.linalg.solve(edges.T, (cell.positions % 1.0 @ cell.matrix).T).T
    return Cell(np.linalg.qr(edges.T).R.T, cell.symbols, positions % 1.0)


def _shortest_distances(cells: Sequence[Cell], thicknesses: Sequence[float]) -> list[float]:
    """Return the shortest distance in each cell, in Å; infinite beyond ``SHORTEST_DISTANCE_ANGSTROM``."""
    shortest = [math.inf] * len(cells)
    paired: dict[int, list[int]] = defaultdict(list)
    for index, (cell, thickness) in enumerate(zip(cells, thicknesses, strict=True)):
        if thickness < _THICK_ANGSTROM or len(cell.symbols) > _MOST_PAIRED_SITES:
            compact = _compact(cell).to_structure()
            distances = compact.get_neighbor_list(SHORTEST_DISTANCE_ANGSTROM)[3]
            shortest[index] = float(distances.min()) if len(distances) else math.inf
        elif len(cell.symbols) > 1:
            paired[len(cell.symbols)].append(index)
    for n_sites, indices in paired.items():
        first, second = np.triu_indices(n_sites, k=1)
        step = max(1, _MOST_PAIRS // len(first))
        for start in range(0, len(indices), step):
            chosen = indices[start : start + step]
            positions = np.array([cells[index].positions for index in chosen])
            apart = positions[:, first] - positions[:, second]
            vectors = (apart - np.rint(apart)) @ np.array([cells[index].matrix for index in chosen])
            for index, distance in zip(chosen, np.sqrt((vectors**2).sum(axis=2)).min(axis=1), strict=True):
                if distance <= SHORTEST_DISTANCE_ANGSTROM:
                    shortest[index] = float(distance)
    return shortest
