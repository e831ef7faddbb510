"""Sites and operators into all atoms of the cell, special positions in few digits included."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from catalyst_assets.errors import UnreadableStructureError
from catalyst_assets.ingestion.reading.cif.sites import Sites
from catalyst_assets.ingestion.reading.cif.symmetry import Symmetry
from catalyst_assets.ingestion.reading.crystals import MOST_SITES

# An image this close to its atom is the atom itself, on a special position given in few digits: no two atoms are.
_SAME_ANGSTROM: Final = 0.25


def expand(sites: Sites, symmetry: Symmetry, matrix: np.ndarray) -> tuple[list[int], np.ndarray, bool]:
    """Return the site and fractional position of every atom, and whether a row gave atoms of an earlier one again.

    Parameters
    ----------
    matrix
        Lattice vectors as rows, in Å. Shape: (3, 3)

    Raises
    ------
    UnreadableStructureError
        A site is near a special position in a way that leaves the number of its atoms open, that number is not what
        the file says, or there are too many.
    """
    count = len(symmetry.rotations)
    if count == 1:
        _compare(sites, [1] * len(sites.symbols), 1)
        return list(range(len(sites.symbols))), sites.positions, False
    owners: list[int] = []
    positions: list[np.ndarray] = []
    sizes = []
    again = False
    for index, (label, position) in enumerate(zip(sites.labels, sites.positions, strict=True)):
        orbit = _orbit(position, symmetry, matrix)
        if orbit is None:
            raise UnreadableStructureError(
                f"site {label} is so near a special position that the number of its atoms is open",
                "Give its coordinates in more digits.",
            )
        sizes.append(len(orbit))
        if positions and _is_held(orbit[0], index, sites, owners, positions, matrix):
            again = True
            continue
        if len(positions) + len(orbit) > MOST_SITES:
            raise UnreadableStructureError(
                f"has more than {MOST_SITES} atoms in its cell", "Use a smaller cell."
            )
        owners.extend([index] * len(orbit))
        positions.extend(orbit)
    _compare(sites, sizes, count)
    return owners, np.array(positions), again


def _orbit(position: np.ndarray, symmetry: Symmetry, matrix: np.ndarray) -> np.ndarray | None:
    """Return the images of a position moved onto its special position; None when it is not clear which that is."""
    images = symmetry.rotations @ position + symmetry.translations
    away = images - position
    away -= np.rint(away)
    fixed = np.linalg.norm(away @ matrix, axis=1) < _SAME_ANGSTROM
    images = symmetry.rotations @ (position + away[fixed].mean(axis=0)) + symmetry.translations
    apart = images[:, None] - images[None]
    apart -= np.rint(apart)
    same = np.linalg.norm(apart @ matrix, axis=2) < 1e-3 * _SAME_ANGSTROM
    distinct = np.unique(same.argmax(axis=1))
    if len(distinct) * int(fixed.sum()) != len(images):
        return None
    orbit: np.ndarray = images[distinct] % 1.0
    return orbit


def _is_held(
    position: np.ndarray,
    index: int,
    sites: Sites,
    owners: Sequence[int],
    positions: Sequence[np.ndarray],
    matrix: np.ndarray,
) -> bool:
    apart = np.array(positions) - position
    apart -= np.rint(apart)
    near = np.linalg.norm(apart @ matrix, axis=1) < _SAME_ANGSTROM
    return any(
        sites.symbols[owners[other]] == sites.symbols[index] for other in np.flatnonzero(near).tolist()
    )


def _compare(sites: Sites, sizes: list[int], n_operators: int) -> None:
    """Compare the atoms of each site with the file's multiplicities; SHELXL-97 wrote the site's symmetry there."""
    if sites.multiplicities is None or sites.multiplicities == sizes:
        return
    given = [
        (label, size, claimed)
        for label, size, claimed in zip(sites.labels, sizes, sites.multiplicities, strict=True)
        if claimed is not None
    ]
    wrong = [(label, size, claimed) for label, size, claimed in given if claimed != size]
    if wrong and any(claimed * size != n_operators for _, size, claimed in given):
        label, size, claimed = wrong[0]
        raise UnreadableStructureError(
            f"site {label} has multiplicity {claimed:g}, but its operators give {size} atoms",
            "Correct the symmetry or the position.",
        )
