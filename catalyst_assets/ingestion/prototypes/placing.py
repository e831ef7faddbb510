"""Species put on the sites of a cell: what the crystals of every family of prototypes are made with."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from catalyst_assets.ingestion.reading.cells import Cell

# Species and charge on each site; of alloys the charges are 0.
Ions = Mapping[str, tuple[str, int]]
_DIGITS: Final = 12


def crystal(matrix: Any, symbols: Sequence[str], positions: Any) -> Cell:
    """Return a crystal, its atoms inside the cell.

    Parameters
    ----------
    matrix
        Lattice vectors as rows, in Å.
    positions
        In fractions of the cell.
    """
    # Rounded, so that no position lies a hair below the edge of the cell.
    inside = np.round(np.array(positions, dtype=float), _DIGITS) % 1.0
    return Cell(np.array(matrix, dtype=float), tuple(symbols), inside)


def face_centred(a: float, symbols: Sequence[str], cubic: Sequence[Sequence[float]]) -> Cell:
    """Return the primitive cell of a face-centred cube of edge a in Å, whose sites are in fractions of the cube."""
    half = [[0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]
    return crystal(a * np.array(half), symbols, np.array(cubic) @ np.linalg.inv(half))
