"""Reading Perov-5: relaxed cubic perovskites with their computed properties, and how they are split.

T. Xie et al., ICLR 2022 (arXiv:2110.06197); the calculations are those of I. E. Castelli et al., Energy Environ.
Sci. 5, 5814 and 9034 (2012). A folder holds ``*.csv`` or ``*.csv.gz`` with the columns ``cif`` and properties.
"""

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from catalyst_assets.campaigns.fields import unknown
from catalyst_assets.errors import InvalidPoolError

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


@dataclass(frozen=True)
class Split:
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
    parts = sorted(folder.glob("*.csv")) + sorted(folder.glob("*.csv.gz"))
    if not parts:
        raise InvalidPoolError(
            f"{folder} holds no table.", "Name the folder of Perov-5, with *.csv or *.csv.gz."
        )
    frames = []
    for part in parts:
        try:
            frames.append(pd.read_csv(part))
        except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
            raise InvalidPoolError(
                f"{part} cannot be read as CSV: {' '.join(str(error).split())}.",
                "Give a comma-separated table.",
            ) from None
        if _STRUCTURE not in frames[-1]:
            raise InvalidPoolError(
                f"{part} has no column {_STRUCTURE}.", "Give a CIF in each row, in a column cif."
            )
    return pd.concat(frames, ignore_index=True)


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
    with warnings.catch_warnings():
        # Coordinates are rounded to the fraction that is meant: nothing a reader could do.
        warnings.filterwarnings(
            "ignore", message="Issues encountered while parsing CIF", category=UserWarning
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
    tenth = n // 10
    return Split(np.sort(rows[2 * tenth :]), np.sort(rows[tenth : 2 * tenth]), np.sort(rows[:tenth]))


def split_by_group(groups: Sequence[str], seed: int) -> Split:
    """Deal whole groups out at random, 80, 10 and 10 % of them."""
    names, of_row = np.unique(np.array(groups), return_inverse=True)
    parts = split_at_random(len(names), seed)
    train, validation, test = (
        np.flatnonzero(np.isin(of_row, part)) for part in (parts.train, parts.validation, parts.test)
    )
    return Split(train, validation, test)


def _parse(texts: Iterable[object]) -> "list[Structure]":
    from pymatgen.core.structure import Structure

    structures = []
    for row, text in enumerate(texts):
        try:
            structures.append(Structure.from_str(str(text), fmt="cif"))
        except (ValueError, KeyError, IndexError, AssertionError) as error:
            raise InvalidPoolError(
                f"Row {row + 1} has no structure: {' '.join(str(error).split())[:200].rstrip('.!')}.",
                "Mend its CIF.",
            ) from None
    return structures
