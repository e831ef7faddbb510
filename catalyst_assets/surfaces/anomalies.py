"""What became of a relaxed adsorbed state so that its energy is none of adsorption: such rows are kept, and no labels.

Kinds and criteria are those of OC20 (Chanussot et al., ACS Catal. 11, 6059 (2021)) and AdsorbML (Lan et al., npj Comput.
Mater. 9, 172 (2023)): atoms are neighbours within the sum of their covalent radii and what ASE's `NeighborList` adds.
"""

from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from catalyst_assets.surfaces.adsorbates import touching_height
from catalyst_assets.surfaces.sites import with_images

if TYPE_CHECKING:
    from ase import Atoms

Anomaly = Literal["not_converged", "dissociated", "desorbed", "intercalated", "surface_changed"]
# In which they are counted and shown.
ANOMALIES: Final[tuple[Anomaly, ...]] = (
    "not_converged",
    "dissociated",
    "desorbed",
    "intercalated",
    "surface_changed",
)
# What is added to a radius, in Å, and by which radii are multiplied where neighbours are told generously.
_MARGIN: Final = 0.3
_GENEROUS: Final = 1.5
# An atom of the slab that lies farther from where it lay in the clean slab is at another place, in Å.
_HOP: Final = 1.0
# An atom is within the slab that lies so far below where it would touch it from above, in Å, and
_SUNK: Final = 0.5
# so far below the top layer around it, or below those of its atoms that it is bound to where it is bound to deeper ones.
_BELOW_TOP: Final = 0.5
_BELOW_NEIGHBOURS: Final = 0.2
# What is around it, in Å in the plane.
_AROUND: Final = 3.0

Pairs = set[tuple[int, ...]]


def find_anomaly(placed: "Atoms", ended: "Atoms", clean: "Atoms") -> Anomaly | None:
    """Return what became of an adsorbed state that should not, the first of these, or None.

    dissociated
        Neighbours within the adsorbate are others than those it was placed with.
    desorbed
        None of its atoms has a neighbour in the slab, in radii half as large again.
    intercalated
        One of its atoms lies where nothing gets that comes down from above, and deeper than the atoms of the top layer
        around it by more than half an Å; or it is bound to an atom of a deeper layer, and lies below those of the top
        layer that it is bound to.
    surface_changed
        Two of the slab's atoms are neighbours that in the clean, relaxed slab are none even in radii half as large
        again, or the other way round. Or one lies more than 1 Å from where it lies in that: layers can slide, and in a
        cell of few atoms, each next to the images of all others, an atom can take another place, and all keep their
        neighbours. Where no atom is held the slab may drift as a whole.

    Parameters
    ----------
    placed, ended
        Before and after relaxation; the adsorbate's atoms are those after the slab's, whose tags count layers down.
    clean
        The relaxed slab.
    """
    count = len(clean)
    if _neighbours(placed[count:]) != _neighbours(ended[count:]):
        return "dissociated"
    if not any(first >= count > second for first, second, *_ in _neighbours(ended, _GENEROUS)):
        return "desorbed"
    if _is_inside(ended, count):
        return "intercalated"
    return "surface_changed" if _has_changed(ended[:count], clean) else None


def _neighbours(atoms: "Atoms", factor: float = 1.0) -> Pairs:
    """Return which atoms are neighbours: first, second, and the image of the second."""
    from ase.data import covalent_radii
    from ase.neighborlist import neighbor_list

    first, second, image = neighbor_list("ijS", atoms, factor * covalent_radii[atoms.numbers] + _MARGIN)
    return {(int(i), int(j), *map(int, cell)) for i, j, cell in zip(first, second, image, strict=True)}


def _is_inside(ended: "Atoms", count: int) -> bool:
    slab = ended[:count]
    near = with_images(slab)
    top = near.positions[near.get_tags() == 1]
    heights, tags = ended.positions[:, 2], ended.get_tags()
    neighbours = _neighbours(ended)
    for atom in range(count, len(ended)):
        place, height = ended.positions[atom], float(heights[atom])
        if height > touching_height(ended.numbers[atom], place, near) - _SUNK:
            continue
        around = top[np.linalg.norm(top[:, :2] - place[:2], axis=1) < _AROUND, 2]
        if len(around) and around.mean() - height > _BELOW_TOP:
            return True
        bound = [second for first, second, *_ in neighbours if first == atom and second < count]
        upper = [heights[other] for other in bound if tags[other] == 1]
        is_deep = len(upper) < len(bound)
        if is_deep and (not upper or np.mean(upper) - height > _BELOW_NEIGHBOURS):
            return True
    return False


def _has_changed(slab: "Atoms", clean: "Atoms") -> bool:
    from ase.geometry import find_mic

    moves = find_mic(slab.positions - clean.positions, clean.cell, clean.pbc)[0]
    drift = 0.0 if clean.constraints else moves.mean(axis=0)
    if np.linalg.norm(moves - drift, axis=1).max() > _HOP:
        return True
    # Images are told apart only if no atom went to another cell.
    near = slab.copy()
    near.positions = clean.positions + moves
    made = _neighbours(near) - _neighbours(clean, _GENEROUS)
    broken = _neighbours(clean) - _neighbours(near, _GENEROUS)
    return bool(made or broken)
