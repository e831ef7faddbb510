"""A crystal as plain arrays: what reading and checking millions of them needs of a structure, and no more.

Anything else is pymatgen's: a cell is made from its structures and kept in its JSON form.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pymatgen.core.structure import Structure


# A search for neighbours looks at every cell on the way to an atom.
_FAR = 10.0


@dataclass(frozen=True, eq=False)
class Cell:
    """Whole elements on the sites of a periodic cell.

    Attributes
    ----------
    matrix
        Lattice vectors as rows, in Å. Shape: (3, 3)
    symbols
        Chemical symbol of each site.
    positions
        Fractional coordinates. Shape: (n_sites, 3)
    """

    matrix: np.ndarray
    symbols: tuple[str, ...]
    positions: np.ndarray

    @classmethod
    def of(cls, structure: "Structure") -> "Cell":
        """Return the species and positions of an ordered structure, without its decorations."""
        symbols = tuple(site.specie.symbol for site in structure)
        return cls(structure.lattice.matrix, symbols, structure.frac_coords)

    @classmethod
    def from_parameters(
        cls, parameters: Sequence[float], symbols: Sequence[str], positions: Sequence[Sequence[float]]
    ) -> "Cell":
        """Build a cell from its lengths in Å and angles in °, oriented as pymatgen does."""
        a, b, c, alpha, beta, gamma = parameters
        if alpha == beta == gamma == 90:
            matrix = np.array([[a, 0, 0], [0, b, 0], [0, 0, c]], dtype=float)
        else:
            from pymatgen.core.lattice import Lattice

            matrix = Lattice.from_parameters(*parameters).matrix
        return cls(matrix, tuple(symbols), np.asarray(positions, dtype=float).reshape(-1, 3))

    def to_structure(self) -> "Structure":
        """Return the crystal as pymatgen's."""
        from pymatgen.core.lattice import Lattice
        from pymatgen.core.structure import Structure

        return Structure(Lattice(self.matrix), self.symbols, self.positions)

    def as_dict(self) -> dict[str, Any]:
        """Return what ``Structure.as_dict(verbosity=0)`` does, atoms that lie far outside moved into the cell."""
        positions = self.positions
        if np.abs(positions).max(initial=0.0) > _FAR:
            positions = positions % 1.0
        return {
            "@module": "pymatgen.core.structure",
            "@class": "Structure",
            "charge": 0.0,
            "lattice": {"matrix": self.matrix.tolist(), "pbc": (True, True, True)},
            "properties": {},
            "sites": [
                {"species": [{"element": symbol, "occu": 1}], "abc": position, "properties": {}}
                for symbol, position in zip(self.symbols, positions.tolist(), strict=True)
            ],
        }
