"""Which facets of a crystal are worth a slab: the densest planes first."""

from itertools import product
from typing import TYPE_CHECKING, Final

import numpy as np

from catalyst_assets.surfaces.slabs import Facet, conventional, count_layers

if TYPE_CHECKING:
    from pymatgen.core.structure import Structure

# How far atoms may be from the sites of a close-packed parent, in Å.
_ALIKE: Final = 0.1
_HCP: Final = 194
# Spacings that differ by less are the same.
_SAME: Final = 1e-3


def default_facets(crystal: "Structure", most: int = 3) -> list[Facet]:
    """Return the facets of a crystal that are computed when nobody names any.

    What is fcc, bcc or hcp when all its atoms are taken as alike (L1_2, L1_0, B2, D0_3, Heusler, …) has one: that
    parent's densest plane, whose surface energy is lowest as a rule. Anything else has up to `most` of the planes with
    indices up to 1, the densest first. How dense layers are is told by how far they are apart on average.

    Returns
    -------
    list of Facet
        Miller indices in the conventional standard cell.

    Raises
    ------
    CatalystError
        The crystal has no conventional cell.
    """
    from pymatgen.core.surface import get_symmetrically_distinct_miller_indices

    standard = conventional(crystal)
    parent = _parent(standard)
    if parent is not None:
        return [_densest(*parent, standard)]
    matrix, positions = standard.lattice.matrix, standard.frac_coords
    planes = get_symmetrically_distinct_miller_indices(standard, 1)
    return sorted(planes, key=lambda plane: -_spacing(matrix, positions, np.array(plane)))[:most]


def _parent(standard: "Structure") -> tuple[np.ndarray, np.ndarray] | None:
    """Return cell and positions of the close-packed crystal of atoms all alike, or None where it is none.

    One atom in the primitive cell: fcc, bcc, and what is stretched between them (Bain); two: hcp.
    """
    import spglib

    alike = (standard.lattice.matrix.tolist(), standard.frac_coords.tolist(), [1] * len(standard))
    primitive = spglib.standardize_cell(alike, to_primitive=True, no_idealize=True, symprec=_ALIKE)
    if primitive is None or len(primitive[2]) > 2:
        return None
    if len(primitive[2]) == 2:
        symmetry = spglib.get_symmetry_dataset(primitive, symprec=_ALIKE)
        if symmetry is None or symmetry.number != _HCP:
            return None
    return np.array(primitive[0]), np.array(primitive[1])


def _spacing(matrix: np.ndarray, positions: np.ndarray, plane: np.ndarray) -> float:
    """Return how far layers parallel to a plane are from each other on average, in Å."""
    repeat = 1 / float(np.linalg.norm(np.linalg.inv(matrix) @ plane))
    return repeat / count_layers((positions @ plane) % 1.0, repeat)


def _densest(matrix: np.ndarray, positions: np.ndarray, standard: "Structure") -> Facet:
    """Return the densest plane of a parent, in indices of the crystal's conventional cell."""
    planes = [np.array(plane) for plane in product((-1, 0, 1), repeat=3) if any(plane)]
    spacings = [_spacing(matrix, positions, plane) for plane in planes]
    densest = [
        _whole(standard.lattice.matrix @ np.linalg.inv(matrix) @ plane)
        for plane, spacing in zip(planes, spacings, strict=True)
        if spacing > max(spacings) - _SAME
    ]
    return min(
        densest, key=lambda plane: (max(map(abs, plane)), sum(map(abs, plane)), [-index for index in plane])
    )


def _whole(direction: np.ndarray) -> Facet:
    """Return a direction as smallest whole numbers."""
    from math import gcd

    whole = np.rint(direction).astype(int).tolist()
    divisor = gcd(*whole)
    h, k, l = (index // divisor for index in whole)  # noqa: E741
    return h, k, l
