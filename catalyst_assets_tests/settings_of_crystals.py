"""Known crystals in every setting of their space group, with the names and operators of that setting.

Atoms come from published structures in few words; spglib puts them into each setting, and its tables are the answers
that what the platform reads is compared with.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import gemmi
import numpy as np
import spglib
from pymatgen.core.lattice import Lattice
from pymatgen.core.structure import Structure

Position = tuple[float, float, float]

# Space group, edges and angles, species, positions.
KNOWN: Final[dict[str, tuple[str, Lattice, list[str], list[Position]]]] = {
    "rutile": ("P 42/m n m", Lattice.tetragonal(4.594, 2.959), ["Ti", "O"], [(0, 0, 0), (0.3053, 0.3053, 0)]),
    "rock salt": ("F m -3 m", Lattice.cubic(4.212), ["Mg", "O"], [(0, 0, 0), (0.5, 0.5, 0.5)]),
    "spinel": (
        "F d -3 m:2", Lattice.cubic(8.083), ["Mg", "Al", "O"], [(0.125,) * 3, (0.5,) * 3, (0.2624,) * 3],
    ),
    "silicon": ("F d -3 m:2", Lattice.cubic(5.431), ["Si"], [(0.125, 0.125, 0.125)]),
    "LiCoO2": ("R -3 m:H", Lattice.hexagonal(2.816, 14.05), ["Li", "Co", "O"], [(0, 0, 0.5), (0, 0, 0), (0, 0, 0.26)]),
    "perovskite": ("P m -3 m", Lattice.cubic(3.905), ["Sr", "Ti", "O"], [(0, 0, 0), (0.5,) * 3, (0.5, 0.5, 0)]),
    "quartz": (
        "P 32 2 1", Lattice.hexagonal(4.913, 5.405), ["Si", "O"], [(0.4697, 0, 2 / 3), (0.4135, 0.2669, 0.7858)],
    ),
    "corundum": ("R -3 c:H", Lattice.hexagonal(4.759, 12.991), ["Al", "O"], [(0, 0, 0.3522), (0.3063, 0, 0.25)]),
    "wurtzite": (
        "P 63 m c", Lattice.hexagonal(3.25, 5.207), ["Zn", "O"], [(1 / 3, 2 / 3, 0), (1 / 3, 2 / 3, 0.3821)],
    ),
    "baddeleyite": (
        "P 1 21/c 1", Lattice.monoclinic(5.150, 5.212, 5.317, 99.23), ["Zr", "O", "O"],
        [(0.2754, 0.0395, 0.2083), (0.0700, 0.3317, 0.3447), (0.4496, 0.7569, 0.4792)],
    ),
    "CaTiO3": (
        "P n m a", Lattice.orthorhombic(5.442, 7.640, 5.380), ["Ca", "Ti", "O", "O"],
        [(0.0358, 0.25, 0.9928), (0, 0, 0.5), (0.4838, 0.25, 0.0711), (0.2886, 0.0371, 0.7113)],
    ),
    "anatase": ("I 41/a m d:2", Lattice.tetragonal(3.785, 9.514), ["Ti", "O"], [(0, 0.75, 0.125), (0, 0.75, 0.3331)]),
    "zircon": (
        "I 41/a m d:2", Lattice.tetragonal(6.607, 5.982), ["Zr", "Si", "O"],
        [(0, 0.75, 0.125), (0, 0.25, 0.375), (0, 0.0661, 0.1953)],
    ),
    "brucite": (
        "P -3 m 1", Lattice.hexagonal(3.142, 4.766), ["Mg", "O", "H"],
        [(0, 0, 0), (1 / 3, 2 / 3, 0.2203), (1 / 3, 2 / 3, 0.4130)],
    ),
    "pyrite": ("P a -3", Lattice.cubic(5.418), ["Fe", "S"], [(0, 0, 0), (0.3848,) * 3]),
    "CrCl3": (
        "C 1 2/m 1", Lattice.monoclinic(5.959, 10.321, 6.114, 108.5), ["Cr", "Cl", "Cl"],
        [(0, 0.1662, 0), (0.2260, 0, 0.2189), (0.2486, 0.3211, 0.2253)],
    ),
    "PbFCl": (
        "P 4/n m m:2", Lattice.tetragonal(4.106, 7.23), ["Pb", "F", "Cl"],
        [(0.25, 0.25, 0.2058), (0.75, 0.25, 0), (0.25, 0.25, 0.6497)],
    ),
    "cristobalite": ("P 41 21 2", Lattice.tetragonal(4.971, 6.928), ["Si", "O"], [(0.3003, 0.3003, 0), (0.2392, 0.1044, 0.1787)]),
    "TlF": ("C m m a", Lattice.orthorhombic(5.494, 5.08, 5.8), ["Tl", "F"], [(0, 0.25, 0.22), (0, 0.25, 0.72)]),
    "turquoise-like": (
        "P -1", Lattice.from_parameters(5.1, 6.2, 7.3, 82.0, 97.5, 104.0), ["Cu", "F", "F", "Na"],
        [(0, 0, 0), (0.21, 0.13, 0.29), (0.62, 0.31, 0.17), (0.43, 0.71, 0.38)],
    ),
    "garnet": (
        "I a -3 d", Lattice.cubic(11.459), ["Mg", "Al", "Si", "O"],
        [(0.125, 0, 0.25), (0, 0, 0), (0.375, 0, 0.25), (0.0329, 0.0502, 0.6534)],
    ),
    "KNbO3": (
        "A m m 2", Lattice.orthorhombic(3.973, 5.695, 5.721), ["K", "Nb", "O", "O"],
        [(0, 0, 0), (0.5, 0, 0.495), (0, 0, 0.52), (0.5, 0.253, 0.276)],
    ),
}  # fmt: skip


@dataclass(frozen=True)
class InSetting:
    """A crystal in one setting.

    Attributes
    ----------
    parameters
        Lengths in Å, angles in °.
    matrix
        Lattice vectors as rows, in Å. Shape: (3, 3)
    symbols, positions
        Of all atoms in the cell. Shape: (n_sites, 3)
    orbits
        For each kind of site, the indices of its atoms.
    operators
        As triplets.
    choice
        ``1`` or ``2`` for the origin, ``H`` or ``R`` for the axes, else empty.
    short, full
        Hermann-Mauguin symbols of the setting.
    standard
        The group's own short symbol, whatever the setting.
    is_standard
        It is the setting that ``standard`` means, or one of them.
    is_certain
        The short symbol means this setting only.
    """

    parameters: tuple[float, ...]
    matrix: np.ndarray
    symbols: tuple[str, ...]
    positions: np.ndarray
    orbits: tuple[tuple[int, ...], ...]
    operators: tuple[str, ...]
    hall: str
    number: int
    choice: str
    short: str
    full: str
    standard: str
    is_standard: bool
    is_certain: bool

    def holds(self, symbols: Sequence[str], positions: np.ndarray, tolerance: float = 0.1) -> bool:
        """Return whether these are the atoms of this crystal, in whatever order; the tolerance is in Å."""
        if len(symbols) != len(self.symbols):
            return False
        apart = self.positions[:, None] - positions[None]
        apart -= np.rint(apart)
        near = np.linalg.norm(apart @ self.matrix, axis=2) < tolerance
        alike = np.array(self.symbols)[:, None] == np.array(symbols)[None]
        return bool(((near & alike).sum(axis=0) == 1).all() and ((near & alike).sum(axis=1) == 1).all())


@cache
def structure_of(name: str) -> Structure:
    """Return a known crystal."""
    group, lattice, species, positions = KNOWN[name]
    symbols, atoms = [], []
    for symbol, position in zip(species, positions, strict=True):
        images = [operator.apply_to_xyz(list(position)) for operator in _group(group).operations()]
        for image in images:
            apart = np.array([other - np.array(image) for other in atoms]).reshape(-1, 3)
            if not (np.abs(apart - np.rint(apart)).max(axis=1) < 1e-3).any():
                symbols.append(symbol)
                atoms.append(np.array(image))
    return Structure(lattice, symbols, atoms)


def _group(name: str) -> Any:
    return next(group for group in gemmi.spacegroup_table() if group.xhm() == name)


@cache
def settings_of(name: str) -> tuple[int, ...]:
    """Return spglib's numbers of the settings of a crystal's space group."""
    number = _dataset(name, 0).number
    return tuple(hall for hall in range(1, 531) if spglib.get_spacegroup_type(hall).number == number)


@cache
def in_setting(name: str, hall: int) -> InSetting:
    """Return a known crystal in one setting of its space group."""
    data = _dataset(name, hall)
    kind: Any = spglib.get_spacegroup_type(hall)
    operators = gemmi.symops_from_hall(kind.hall_symbol)
    group = gemmi.find_spacegroup_by_ops(operators)
    cell = Lattice(data.std_lattice)
    symbols = tuple(str(gemmi.Element(int(number)).name) for number in data.std_types)
    positions = np.array(data.std_positions)
    orbits: list[tuple[int, ...]] = []
    left = set(range(len(symbols)))
    while left:
        images = [operator.apply_to_xyz(positions[min(left)].tolist()) for operator in operators]
        apart = positions[:, None] - np.array(images)[None]
        apart -= np.rint(apart)
        members = tuple(np.flatnonzero((np.abs(apart).max(axis=2) < 1e-4).any(axis=1)).tolist())
        assert left.issuperset(members)
        orbits.append(members)
        left -= set(members)
    standard: Any = next(
        each for each in map(spglib.get_spacegroup_type, range(1, 531)) if each.number == kind.number
    )
    return InSetting(
        parameters=cell.parameters,
        matrix=cell.matrix,
        symbols=symbols,
        positions=positions,
        orbits=tuple(orbits),
        operators=tuple(operator.triplet() for operator in operators),
        hall=kind.hall_symbol,
        number=kind.number,
        choice=kind.choice if kind.choice in {"1", "2", "H", "R"} else "",
        short=group.hm,
        full=kind.international_full.replace("_", ""),
        standard=standard.international_short,
        is_standard=group.hm == gemmi.find_spacegroup_by_ops(gemmi.symops_from_hall(standard.hall_symbol)).hm,
        is_certain=kind.choice not in {"1", "2", "H", "R"},
    )


@cache
def _dataset(name: str, hall: int) -> Any:
    structure = structure_of(name)
    numbers = [site.specie.Z for site in structure]
    cell = (structure.lattice.matrix, structure.frac_coords, numbers)
    data = spglib.get_symmetry_dataset(cell, symprec=1e-3, hall_number=hall)
    assert data is not None
    return data
