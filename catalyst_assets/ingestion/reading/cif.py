"""CIF text into crystals: what programs write by gemmi, a hundred times faster than by pymatgen, the rest by pymatgen.

Only files that list every atom of the cell are read by gemmi: how atoms on special positions are recognised, given
few digits, differs between the two.
"""

import math
import warnings
from typing import TYPE_CHECKING, Final

from catalyst_assets.ingestion.reading.cells import Cell

if TYPE_CHECKING:
    from pymatgen.core.structure import Structure

_IDENTITY: Final = frozenset({"x,y,z"})
# What gemmi calls an unknown element, and heavy hydrogen.
_LEFT_TO_PYMATGEN: Final = frozenset({"X", "D"})
# gemmi takes a coordinate that is not there for zero.
_COORDINATES: Final = ("_atom_site_fract_x", "_atom_site_fract_y", "_atom_site_fract_z")


def read_cif(text: str) -> "Structure | Cell":
    """Return the only crystal of a CIF.

    Raises
    ------
    Exception
        Whatever pymatgen's parser stumbles upon: the text is no crystal.
    """
    return _read_listed(text) or parse_cif(text)


def parse_cif(text: str) -> "Structure":
    """Return the only crystal of a CIF as pymatgen reads it, without its warnings of rounded coordinates.

    Raises
    ------
    Exception
        Whatever pymatgen's parser stumbles upon: the text is no crystal.
    """
    from pymatgen.core.structure import Structure

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Structure.from_str(text, fmt="cif")


def _read_listed(text: str) -> Cell | None:
    """Return the crystal of a file without symmetry, each site of it one whole element; otherwise None."""
    import gemmi

    try:
        document = gemmi.cif.read_string(text)
        if len(document) != 1 or not all(map(document[0].find_values, _COORDINATES)):
            return None
        small = gemmi.make_small_structure_from_block(document[0])
    except (RuntimeError, ValueError, IndexError):
        return None
    operations = {operation.replace(" ", "").lower() for operation in small.symops}
    if operations != _IDENTITY or not small.cell.is_crystal():
        return None
    symbols, positions = [], []
    for site in small.sites:
        symbol = site.element.name
        if site.occ != 1 or symbol in _LEFT_TO_PYMATGEN:
            return None
        symbols.append(symbol)
        positions.append(site.fract.tolist())
    if not symbols or not math.isfinite(sum(map(sum, positions))):
        return None
    return Cell.from_parameters(small.cell.parameters, symbols, positions)
