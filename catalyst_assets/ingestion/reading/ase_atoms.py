"""What a row of an ASE database says of its atoms, and the crystal that it makes; how rows are read is `ase_rows`'."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from catalyst_assets.ingestion.reading.cells import Cell
from catalyst_assets.ingestion.reading.crystals import MOST_SITES


class AtomsError(Exception):
    """Atoms of a row that are no crystal, and why."""


@dataclass(frozen=True)
class Atoms:
    """What a row says of its atoms, as it says it: nothing is checked yet.

    Attributes
    ----------
    numbers, positions, cell
        Little-endian bytes of SQLite, nested lists of JSON.
    pbc
        Which directions are periodic: bits of SQLite, a list of JSON.
    """

    numbers: object
    positions: object
    cell: object
    pbc: object


def build_cell(atoms: object) -> Cell:
    """Return the crystal of a row.

    Raises
    ------
    AtomsError
        Its atoms are none; the message says what is wrong.
    """
    if not isinstance(atoms, Atoms):
        raise AtomsError("are missing")
    if atoms.pbc not in (7, [True, True, True]):
        raise AtomsError("are not periodic in all three directions")
    numbers = _array(atoms.numbers, "<i4", "numbers")
    if numbers.ndim != 1 or not 0 < len(numbers) <= MOST_SITES:
        raise AtomsError(f"are not 1 to {MOST_SITES} atoms")
    positions = _array(atoms.positions, "<f8", "positions")
    matrix = _array(atoms.cell, "<f8", "cell")
    if positions.size != 3 * len(numbers):
        raise AtomsError(f"have {len(numbers)} numbers, but {positions.size} coordinates")
    if matrix.size != 9:
        raise AtomsError("have no cell of three vectors")
    symbols = _symbols()
    unknown = sorted({int(number) for number in numbers} - symbols.keys())
    if unknown:
        raise AtomsError(f"have atomic numbers of no element: {unknown[:5]}")
    matrix, positions = matrix.reshape(3, 3), positions.reshape(-1, 3)
    with np.errstate(all="ignore"):
        volume = float(np.linalg.det(matrix))
        fractional = np.linalg.solve(matrix.T, positions.T).T if volume else positions * math.nan
    if not math.isfinite(volume) or not np.isfinite(fractional).all():
        raise AtomsError("have a cell without volume, or positions that are not finite")
    return Cell(matrix, tuple(symbols[int(number)] for number in numbers), fractional)


def formula_of(atoms: object) -> str | None:
    """Return a row's formula as ASE writes it; None where its atoms cannot be read."""
    from ase.symbols import Symbols

    try:
        numbers = _array(atoms.numbers, "<i4", "numbers") if isinstance(atoms, Atoms) else None
    except AtomsError:
        return None
    if numbers is None or len(numbers) > MOST_SITES or not all(number in _symbols() for number in numbers):
        return None
    return str(Symbols(numbers).formula.convert("metal"))


def _array(given: object, kind: str, what: str) -> np.ndarray:
    try:
        if isinstance(given, bytes):
            return np.frombuffer(given, kind).astype(float if kind == "<f8" else int)
        if isinstance(given, list):
            flat = [number for row in given for number in (row if isinstance(row, list) else [row])]
            allowed = int if kind == "<i4" else int | float
            if all(isinstance(number, allowed) and not isinstance(number, bool) for number in flat):
                return np.array(flat, dtype=float if kind == "<f8" else int)
    except (ValueError, OverflowError):
        pass
    raise AtomsError(f"have no {what} that can be read")


@cache
def _symbols() -> Mapping[int, str]:
    from pymatgen.core.periodic_table import Element

    return {element.Z: element.symbol for element in Element if element.symbol not in {"D", "T"}}
