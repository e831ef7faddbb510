"""Reading Perov-5: relaxed cubic perovskites with their computed properties, and how they are split.

T. Xie et al., ICLR 2022 (arXiv:2110.06197); the calculations are those of I. E. Castelli et al., Energy Environ.
Sci. 5, 5814 and 9034 (2012). A folder holds ``*.csv`` or ``*.csv.gz`` with the columns ``cif`` and properties.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from catalyst_assets.errors import InvalidPoolError, UnreadableStructureError
from catalyst_assets.ingestion.reading.cif.reader import read_cif
from catalyst_assets.ingestion.reading.files import read_csv_parts
from catalyst_assets.vocabulary.words import unknown

if TYPE_CHECKING:
    from pymatgen.core.structure import Structure

_STRUCTURE: Final = "cif"


@dataclass(frozen=True)
class RelaxedCrystals:
    """Crystals with one number each.

    Attributes
    ----------
    structures
        The n crystals.
    values
        In the unit of the table, shape (n,).
    chemical_systems
        The n sets of elements.
    """

    structures: "tuple[Structure, ...]"
    values: NDArray[np.float64]
    chemical_systems: tuple[str, ...]


class Split(NamedTuple):
    """Rows to train on, to validate by and to test with."""

    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]


def read_table(folder: Path) -> pd.DataFrame:
    """Read every part of a folder.

    Raises
    ------
    InvalidPoolError
        There is none, one cannot be read, or it has no structures.
    """
    return read_csv_parts(folder, [_STRUCTURE])


def read_crystals(table: pd.DataFrame, properties: Sequence[str]) -> "list[RelaxedCrystals]":
    """Return the crystals with each of some properties, of a table that ``read_table`` gave.

    Raises
    ------
    InvalidPoolError
        A property is no column, or a row has no number or no structure.
    """
    columns = [str(column) for column in table.columns]
    for name in properties:
        if name not in columns:
            raise InvalidPoolError(
                f"The table has {unknown('column', name, columns)}.", "Name a column of it."
            )
    structures = _parse(table[_STRUCTURE])
    systems = tuple(structure.composition.chemical_system for structure in structures)
    crystals = []
    for name in properties:
        values = pd.to_numeric(table[name], errors="coerce").to_numpy(dtype=np.float64)
        bad = np.flatnonzero(~np.isfinite(values))
        if len(bad):
            raise InvalidPoolError(f"{name} of row {bad[0] + 1} is no number.", "Mend or remove the row.")
        crystals.append(RelaxedCrystals(tuple(structures), values, systems))
    return crystals


def split_at_random(n: int, seed: int) -> Split:
    """Deal n rows out at random: 80, 10 and 10 %."""
    rows = np.random.default_rng(seed).permutation(n).astype(np.int64)
    test, validation, train = map(np.sort, np.split(rows, [n // 10, 2 * (n // 10)]))
    return Split(train, validation, test)


def split_by_group(groups: Sequence[str], seed: int) -> Split:
    """Deal whole groups out at random, 80, 10 and 10 % of them."""
    names, of_row = np.unique(np.array(groups), return_inverse=True)
    return Split(*(np.flatnonzero(np.isin(of_row, part)) for part in split_at_random(len(names), seed)))


def _parse(texts: Iterable[object]) -> "list[Structure]":
    structures = []
    for row, text in enumerate(texts):
        try:
            structures.append(read_cif(str(text)).to_structure())
        except UnreadableStructureError as error:
            raise InvalidPoolError(
                f"Row {row + 1} has no structure: its CIF {error.message}.", error.remedy
            ) from None
    return structures
