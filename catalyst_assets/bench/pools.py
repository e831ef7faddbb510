"""Reading the table of a benchmark: structures to choose from, and the answers that are kept from the model.

A row is either ``A, B, anion`` (an ideal cubic perovskite) or ``cif``; the other columns are properties. A row
that cannot be read is refused, because a benchmark without its hits measures something else.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from catalyst_assets.campaigns.derived import fill_derived
from catalyst_assets.campaigns.evaluations import judge_hits
from catalyst_assets.campaigns.fields import unknown
from catalyst_assets.campaigns.model import Campaign
from catalyst_assets.errors import CatalystError, InvalidCampaignError, InvalidPoolError
from catalyst_assets.ingestion.reading.cif.reader import read_cif
from catalyst_assets.ingestion.reading.files import read_csv

if TYPE_CHECKING:
    from pymatgen.core.structure import Structure

_PROTOTYPE: Final = ("A", "B", "anion")
_MOST_NAMED: Final = 5


@dataclass(frozen=True)
class BenchmarkPool:
    """A pool with all its answers.

    Attributes
    ----------
    material_ids, formulas, chemical_systems
        One a row.
    structures
        What is known of each before anything is computed.
    values
        A column for each property that the campaign learns or judges by, derived where the table has none.
    is_hit
        Shape (n,): whether the values meet the campaign's criteria.
    """

    material_ids: tuple[str, ...]
    formulas: tuple[str, ...]
    chemical_systems: tuple[str, ...]
    structures: "tuple[Structure, ...]"
    values: pd.DataFrame
    is_hit: np.ndarray


def read_pool(path: Path, campaign: Campaign) -> BenchmarkPool:
    """Read a pool and judge it by a campaign.

    Raises
    ------
    InvalidPoolError
        The file is missing, no table, lacks a column, or has a bad row; the message names it.
    InvalidCampaignError
        The campaign has an objective instead of criteria.
    """
    if not campaign.criteria:
        raise InvalidCampaignError(
            f"Campaign {campaign.name} has an objective, and a benchmark of discovery counts hits.",
            "Give criteria.",
        )
    table = read_csv(path, dtype=str, keep_default_na=False, skip_blank_lines=True)
    if table.empty:
        raise InvalidPoolError(
            f"The pool {path} is empty.", "Give one row a material below the column names."
        )
    columns = list(_PROTOTYPE) if set(_PROTOTYPE) <= set(table) else ["cif"]
    if not set(columns) <= set(table):
        raise InvalidPoolError(
            f"{path} has neither the columns A, B, anion nor cif; it has {', '.join(map(str, table.columns))}.",
            "Name the columns in the first line.",
        )
    values = _read_values(path, table, campaign)
    structures = _read_rows(path, table[columns])
    names = _name_rows(path, table[columns])
    formulas = tuple(structure.composition.reduced_formula for structure in structures)
    filled = fill_derived(campaign, values, formulas)
    hits = np.array(judge_hits(campaign, filled, formulas))
    if not hits.any():
        raise InvalidPoolError(
            f"{path} holds no hit of campaign {campaign.name}: there is nothing to discover.",
            "Check the criteria, their units and the file.",
        )
    return BenchmarkPool(
        material_ids=names,
        formulas=formulas,
        chemical_systems=tuple(structure.composition.chemical_system for structure in structures),
        structures=structures,
        values=filled,
        is_hit=hits,
    )


def _read_values(path: Path, table: pd.DataFrame, campaign: Campaign) -> pd.DataFrame:
    """Return the numbers of every property needed; a derived one may be absent."""
    present = [str(column) for column in table.columns]
    absent = [name for name in campaign.learned_properties if name not in present]
    if absent:
        problems = "; ".join(unknown("column", name, present) for name in absent)
        raise InvalidPoolError(
            f"{path} lacks what campaign {campaign.name} needs: {problems}.",
            "Add the column, or name another property in the campaign.",
        )
    needed = [name for name in campaign.predicted_properties if name in present]
    values: pd.DataFrame = table[needed].apply(pd.to_numeric, errors="coerce").astype(np.float64)
    bad = np.argwhere(~np.isfinite(values.to_numpy()))
    if len(bad):
        named = [
            f"{_row(row)}, {needed[column]}: {table[needed[column]].iloc[row]!r} is not a number"
            for row, column in bad[:_MOST_NAMED]
        ]
        raise _bad_rows(path, named, len(bad))
    return values


def _read_rows(path: Path, table: pd.DataFrame) -> "tuple[Structure, ...]":
    from catalyst_assets.ingestion.prototypes.perovskites import build_cubic_perovskite

    is_cif = list(table.columns) == ["cif"]
    structures, problems = [], []
    for row, cells in enumerate(table.itertuples(index=False)):
        try:
            structures.append(read_cif(*cells).to_structure() if is_cif else build_cubic_perovskite(*cells))
        except CatalystError as error:
            problems.append(f"{_row(row)}, {'/'.join(table.columns)}: {error.message}")
        except (ValueError, KeyError, IndexError, AssertionError, TypeError) as error:
            problems.append(f"{_row(row)}, {'/'.join(table.columns)}: {' '.join(str(error).split())[:200]}")
    if problems:
        raise _bad_rows(path, problems[:_MOST_NAMED], len(problems))
    return tuple(structures)


def _name_rows(path: Path, table: pd.DataFrame) -> tuple[str, ...]:
    if list(table.columns) == ["cif"]:
        names = ["cif:" + hashlib.sha256(text.encode()).hexdigest()[:16] for text in table["cif"]]
    else:
        names = ["-".join(cells) for cells in table.itertuples(index=False)]
    first: dict[str, int] = {}
    for row, name in enumerate(names):
        if name in first:
            raise _bad_rows(path, [f"{_row(row)} is the same material as {_row(first[name])}"], 1)
        first[name] = row
    return tuple(names)


def _row(index: int) -> str:
    return f"row {index + 2}"


def _bad_rows(path: Path, named: list[str], count: int) -> InvalidPoolError:
    more = f"; and {count - len(named)} more" if count > len(named) else ""
    return InvalidPoolError(
        f"{path}: {'; '.join(named)}{more}.", "Correct or remove these rows (the first line is row 1)."
    )
