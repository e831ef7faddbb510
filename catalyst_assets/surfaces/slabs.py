"""Slabs cut from crystals: facet, termination, thickness, width and what is held; nothing is relaxed here.

Planes and terminations are pymatgen's (Tran et al., Scientific Data 3, 160080 (2016)).
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from catalyst_assets.errors import CatalystError

if TYPE_CHECKING:
    from ase import Atoms
    from pymatgen.core.structure import Structure
    from pymatgen.core.surface import Slab as PymatgenSlab

Facet = tuple[int, int, int]
# Atoms whose heights differ by less are one layer, in Å.
SAME_LAYER: Final = 0.3
# How far atoms may be from where symmetry wants them, in Å: relaxed positions are.
_SYMMETRY: Final = 0.05
# What pymatgen and scipy raise where a geometry is none that they can do something with.
GEOMETRY_ERRORS: Final = (ValueError, RuntimeError, IndexError)


@dataclass(frozen=True)
class SlabSettings:
    """What slabs are like.

    Attributes
    ----------
    layers
        Fewest layers of atoms; whole repeats of the crystal are kept, so there may be more.
    thickness
        Least distance from the lowest atom to the highest, in Å; for crystals whose layers lie close.
    free_depth
        Atoms deeper below the surface are held as they are in the crystal, in Å: 3.5 leaves two layers of a
        close-packed metal free. None for a slab that is free as a whole and whose two sides are alike; where
        that needs it, atoms are taken off its lower side, and it is no multiple of the crystal any more.
    vacuum
        From a slab up to the next, in Å.
    width
        Least distance of an adsorbate from its images, in Å.
    most_atoms
        A slab of more is refused.
    """

    layers: int = 4
    thickness: float = 6.0
    free_depth: float | None = 3.5
    vacuum: float = 15.0
    width: float = 5.0
    most_atoms: int = 200


@dataclass(frozen=True, eq=False)
class Slab:
    """One surface of a crystal.

    Attributes
    ----------
    bulk
        Name of the crystal that it was cut from.
    formula
        The crystal's, reduced.
    facet
        Miller index in the conventional standard cell.
    termination
        Which of the facet's, from 0.
    shift
        Where along the normal it was cut, as a fraction of the repeat.
    top
        Whether the surface is the upper side of that cut; the lower is a termination of its own where the two differ.
    atoms
        The surface is up, along z; held atoms in a `FixAtoms`; tags count layers down from the surface, which is 1.
    """

    bulk: str
    formula: str
    facet: Facet
    termination: int
    shift: float
    top: bool
    atoms: "Atoms"

    @property
    def name(self) -> str:
        """Of bulk, facet and termination, such as ``Pt/1,1,1/0``."""
        return f"{self.bulk}/{','.join(map(str, self.facet))}/{self.termination}"


def conventional(crystal: "Structure") -> "Structure":
    """Return the conventional standard cell of a crystal, to which Miller indices refer.

    Raises
    ------
    CatalystError
        No symmetry is found: atoms lie on each other.
    """
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

    try:
        standard: Structure = SpacegroupAnalyzer(crystal, _SYMMETRY).get_conventional_standard_structure()
    except (TypeError, *GEOMETRY_ERRORS) as error:
        raise CatalystError(
            f"The crystal has no conventional cell: {error}.", "Look at the structure."
        ) from None
    return standard


def cut_slabs(bulk: str, crystal: "Structure", facet: Facet, settings: SlabSettings) -> list[Slab]:
    """Return the slabs of a facet, one a termination.

    Parameters
    ----------
    bulk
        Name of the crystal.
    crystal
        Any cell of it; the Miller index is that of its conventional standard cell.

    Raises
    ------
    CatalystError
        The index is that of no plane, pymatgen finds no slab, or one has too many atoms.
    """
    if not any(facet):
        raise CatalystError(f"{facet} is no facet: not all of its indices can be 0.", "Name another.")
    formula = crystal.composition.reduced_formula
    try:
        cuts = _cut(conventional(crystal), facet, settings)
    except GEOMETRY_ERRORS as error:
        raise CatalystError(
            f"No slab of {facet} can be cut from {formula}: {error}.",
            "Look at the structure, or name another facet.",
        ) from None
    sides = []
    for cut in cuts:
        sides.append((cut.shift, True, _upright(cut, turned=False)))
        if settings.free_depth is not None and not cut.is_symmetric():
            sides.append((cut.shift, False, _upright(cut, turned=True)))
    slabs = []
    for termination, (shift, top, narrow) in enumerate(sides):
        atoms = _finish(_widen(narrow, settings), settings)
        slabs.append(Slab(bulk, formula, facet, termination, round(shift, 6), top, atoms))
    return slabs


def _cut(crystal: "Structure", facet: Facet, settings: SlabSettings) -> "list[PymatgenSlab]":
    """Return what pymatgen cuts, as thick as asked, each surface in its smallest cell."""
    from pymatgen.core.surface import SlabGenerator

    def generator(thickness: float) -> SlabGenerator:
        return SlabGenerator(
            crystal,
            facet,
            thickness,
            settings.vacuum,
            lll_reduce=True,
            primitive=True,
            allow_smaller_than_ouc=True,
        )

    repeat = generator(1.0).oriented_unit_cell
    a, b, _ = repeat.lattice.matrix
    normal = np.cross(a, b)
    height = repeat.lattice.volume / float(np.linalg.norm(normal))
    layers = count_layers(repeat.frac_coords[:, 2] % 1.0, height)
    # A slab of n repeats is thinner than those by the gap between two layers.
    repeats = math.ceil(max(settings.layers / layers, settings.thickness / height + 1 / layers) - 1e-6)
    symmetric = settings.free_depth is None
    # What makes the sides alike is taken off below.
    cut = generator((repeats + symmetric) * height - 1e-3).get_slabs(symmetrize=symmetric)
    return sorted(cut, key=lambda slab: float(slab.shift))


def count_layers(heights: np.ndarray, repeat: float) -> int:
    """Return how many layers of atoms there are in a repeat along a normal.

    Parameters
    ----------
    heights
        As fractions of the repeat, in [0, 1), shape ``(n,)``.
    repeat
        In Å.
    """
    ordered = np.sort(heights) * repeat
    gaps = np.diff(ordered, append=ordered[0] + repeat)
    return max(int((gaps > SAME_LAYER).sum()), 1)


def _upright(cut: "PymatgenSlab", *, turned: bool) -> "Atoms":
    """Return a cut as atoms above the xy plane, a along x; turned it stands on its upper side."""
    from ase import Atoms

    straight = cut.get_orthogonal_c_slab()
    cell, positions = straight.lattice.matrix.copy(), straight.cart_coords
    if turned:
        # Half a turn about a; the vectors in the plane change places, so that the cell stays right-handed.
        along = cell[0] / np.linalg.norm(cell[0])
        positions = 2 * np.outer(positions @ along, along) - positions
        cell[:2] = (2 * np.outer(cell[:2] @ along, along) - cell[:2])[::-1]
    atoms = Atoms([site.specie.symbol for site in straight], positions=positions, cell=cell, pbc=True)
    return _standing(atoms)


def _standing(atoms: "Atoms") -> "Atoms":
    standard, rotation = atoms.cell.standard_form()
    atoms.set_positions(atoms.positions @ rotation.T)
    atoms.set_cell(standard)
    return atoms


def _widen(atoms: "Atoms", settings: SlabSettings) -> "Atoms":
    """Return the smallest repetition in the plane whose lattice points are far enough from each other.

    All cells of each size are looked at, not only rectangles of the first: 2x2 of a hexagonal plane may be half as
    large as the rectangle that is as wide.
    """
    from ase.build import make_supercell
    from ase.geometry import minkowski_reduce

    for size in range(1, settings.most_atoms // len(atoms) + 1):
        shapes = []
        for rows in (divisor for divisor in range(1, size + 1) if size % divisor == 0):
            for skew in range(size // rows):
                multiples = np.array([[size // rows, 0, 0], [skew, rows, 0], [0, 0, 1]])
                reduced, change = minkowski_reduce(multiples @ atoms.cell.array, pbc=[True, True, False])
                short, long = sorted(np.linalg.norm(reduced[:2], axis=1).round(3).tolist())
                shapes.append((-short, long, (change @ multiples).tolist()))
        # Of cells that are as wide the one nearest to a square or a hexagon, which breaks no symmetry.
        best = min(shapes)
        if -best[0] >= settings.width:
            return _standing(make_supercell(atoms, best[2]))
    raise CatalystError(
        f"A slab of {len(atoms)} atoms would need more than {settings.most_atoms} to be {settings.width:g} Å wide.",
        "Allow more atoms, a narrower or a thinner slab, or choose another facet.",
    )


def _finish(atoms: "Atoms", settings: SlabSettings) -> "Atoms":
    """Return a slab with its vacuum, its layers told by tags and its lower atoms held."""
    from ase.constraints import FixAtoms

    # Cut off at the lower edge of the cell, atoms may have come in again above.
    heights = atoms.get_scaled_positions()[:, 2]
    ordered = np.sort(heights)
    gaps = np.diff(ordered, append=ordered[0] + 1)
    lowest = ordered[(int(gaps.argmax()) + 1) % len(ordered)]
    z = ((heights - lowest + 1e-6) % 1.0) * float(atoms.cell[2, 2])
    order = np.argsort(-z, kind="stable")
    atoms, z = atoms[order], z[order]
    atoms.positions[:, 2] = z
    atoms.center(vacuum=settings.vacuum / 2, axis=2)
    atoms.wrap(pbc=[True, True, False])
    atoms.set_tags(1 + np.cumsum(np.diff(-z, prepend=-z[0]) > SAME_LAYER))
    if settings.free_depth is not None:
        atoms.set_constraint(FixAtoms(mask=z < z.max() - settings.free_depth))
    return atoms
