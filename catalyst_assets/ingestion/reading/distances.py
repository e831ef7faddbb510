"""How near atoms come to each other, by the size of their elements."""

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from catalyst_assets.ingestion.reading.cells import Cell

_LARGEST: Final = 2.0


def relative_distance(cell: "Cell") -> float:
    """Return the shortest distance over the sum of the covalent radii of its two atoms, at most 2.

    The radii are those of Cordero et al., Dalton Trans. 2832 (2008), as gemmi holds them.
    """
    import gemmi

    if not np.isfinite(cell.positions).all():
        return 0.0
    of_element = {symbol: gemmi.Element(symbol).covalent_r for symbol in set(cell.symbols)}
    radii = np.array([of_element[symbol] for symbol in cell.symbols])
    structure = type(cell)(cell.matrix, cell.symbols, cell.positions % 1.0).to_structure()
    first, second, _, distances = structure.get_neighbor_list(2 * float(radii.max()))
    ratios = distances / (radii[first] + radii[second])
    return float(ratios.min(initial=_LARGEST))
