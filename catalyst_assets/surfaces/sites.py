"""Sites of a surface where something can adsorb: pymatgen's, named, one of those that symmetry makes the same.

Ontop, bridge and hollow from the Delaunay triangulation of the surface's atoms: Montoya and Persson, npj Comput. Mater.
3, 14 (2017).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from catalyst_assets.surfaces.slabs import SAME_LAYER

if TYPE_CHECKING:
    from ase import Atoms
    from pymatgen.core.structure import Structure

# Atoms of the surface are those at most so far below the highest, in Å; relaxed alloys are rumpled.
_RUMPLING: Final = 0.9
# Sites nearer to each other in the plane are one, in Å; symmetry is looked for as closely.
_SAME_SITE: Final = 0.15
# Distances in the plane that differ by less than this share are the same.
_EQUAL: Final = 0.1
# An atom of the next layer so near to a hollow in the plane is below it, in shares of the hollow's radius.
_BELOW: Final = 0.4
_CORNERS: Final = {"ontop": 1, "bridge": 2, "hollow": 3}


@dataclass(frozen=True, eq=False)
class Site:
    """Where something can adsorb.

    Attributes
    ----------
    name
        Kind and the surface's atoms, such as ``fcc-CuPt2``; a number follows where two of a surface share it.
    positions
        This site and all that symmetry makes the same, at the height of their atoms, in Å, shape ``(n, 3)``.
    """

    name: str
    positions: np.ndarray

    @property
    def position(self) -> np.ndarray:
        """The first of them, shape ``(3,)``."""
        first: np.ndarray = self.positions[0]
        return first


def find_sites(atoms: "Atoms") -> list[Site]:
    """Return the sites of a slab whose surface is up: ontop, bridge, then hollow.

    A threefold hollow of a close-packed plane is ``hcp`` above an atom of the next layer and ``fcc`` elsewhere, a
    fourfold one is ``hollow4``, any other ``hollow``.

    Parameters
    ----------
    atoms
        With layers counted down from the surface by tags.
    """
    from pymatgen.core.adsorption import AdsorbateSiteFinder
    from pymatgen.core.structure import Structure

    structure = Structure(
        atoms.cell.array, atoms.get_chemical_symbols(), atoms.positions, coords_are_cartesian=True
    )
    finder = AdsorbateSiteFinder(structure, height=_RUMPLING)
    found = finder.find_adsorption_sites(distance=0.0, symm_reduce=0.0, near_reduce=1e-3)
    heights = atoms.positions[:, 2]
    # With images, so that an atom of a narrow cell is counted as often as it is a corner.
    surface = with_images(atoms[heights > heights.max() - _RUMPLING])
    kinds: list[str] = []
    points: list[np.ndarray] = []
    for kind in _CORNERS:
        for point in found[kind]:
            if not points or in_plane(point, np.array(points), atoms.cell.array).min() > _SAME_SITE:
                kinds.append(kind)
                points.append(np.asarray(point, dtype=float))
    sites: list[Site] = []
    taken: Counter[str] = Counter()
    for orbit in _orbits(np.array(points), structure):
        name = _name(kinds[orbit[0]], points[orbit[0]], surface, atoms)
        taken[name] += 1
        numbered = name if taken[name] == 1 else f"{name}-{taken[name]}"
        sites.append(Site(numbered, np.array([points[index] for index in orbit])))
    return sites


def nearest_site(sites: Sequence[Site], position: np.ndarray, cell: np.ndarray) -> Site:
    """Return the site above which a position is, or comes nearest to being.

    Parameters
    ----------
    position
        Cartesian, in Å, shape ``(3,)``.
    cell
        Of the slab, rows are lattice vectors, shape ``(3, 3)``.
    """
    return min(sites, key=lambda site: float(in_plane(position, site.positions, cell).min()))


def in_plane(point: np.ndarray, others: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """Return distances of points from another in the plane of a slab, nearest images, in Å, shape ``(n,)``."""
    from ase.geometry import find_mic

    apart = others - point
    apart[:, 2] = 0.0
    lengths: np.ndarray = find_mic(apart, cell, pbc=[True, True, False])[1]
    return lengths


def _orbits(points: np.ndarray, structure: "Structure") -> list[list[int]]:
    """Return indices of points that the slab's symmetry makes the same, in the order of the first of each."""
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

    operations = SpacegroupAnalyzer(structure, _SAME_SITE).get_symmetry_operations()
    fractions = structure.lattice.get_fractional_coords(points)
    orbits: list[list[int]] = []
    free = set(range(len(points)))
    for index in range(len(points)):
        if index not in free:
            continue
        images = np.array([operation.operate(fractions[index]) for operation in operations])
        # What turns the slab over leads to the other side.
        images = images[np.abs(images[:, 2] - fractions[index, 2]) * structure.lattice.c < _RUMPLING]
        placed = structure.lattice.get_cartesian_coords(images)
        orbit = [
            other
            for other in sorted(free)
            if other == index
            or in_plane(points[other], placed, structure.lattice.matrix).min() < 2 * _SAME_SITE
        ]
        free -= set(orbit)
        orbits.append(orbit)
    return orbits


def with_images(surface: "Atoms") -> "Atoms":
    """Return atoms of a slab with their images in the plane, two cells far."""
    spread: Atoms = surface.repeat((5, 5, 1))
    spread.translate(-2 * (surface.cell[0] + surface.cell[1]))
    return spread


def _name(kind: str, point: np.ndarray, surface: "Atoms", atoms: "Atoms") -> str:
    distances = np.linalg.norm(surface.positions[:, :2] - point[:2], axis=1)
    nearest = np.argsort(distances, kind="stable")
    corners = _CORNERS[kind]
    radius = distances[nearest[corners - 1]]
    # The middle of a square is a bridge over its diagonal to the triangulation.
    if kind == "bridge" and distances[nearest[3]] < radius * (1 + _EQUAL):
        kind, corners = "hollow4", 4
    elif kind == "hollow" and radius < distances[nearest[0]] * (1 + _EQUAL):
        below = atoms[atoms.get_tags() == _next_layer(surface, atoms)]
        over = len(below) and in_plane(point, below.positions, atoms.cell.array).min() < _BELOW * radius
        kind = "hcp" if over else "fcc"
    symbols = Counter(surface.get_chemical_symbols()[index] for index in nearest[:corners])
    formula = "".join(f"{symbol}{count if count > 1 else ''}" for symbol, count in sorted(symbols.items()))
    return f"{kind}-{formula}"


def _next_layer(surface: "Atoms", atoms: "Atoms") -> int:
    lower = atoms.get_tags()[atoms.positions[:, 2] < surface.positions[:, 2].min() - SAME_LAYER]
    return int(lower.min()) if len(lower) else 0
