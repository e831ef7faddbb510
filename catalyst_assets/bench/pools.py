"""Reading the table of a benchmark: structures to choose from, and the answers that are kept from the model.

A row is either ``A, B, anion`` (an ideal cubic perovskite) or ``cif``; the other columns are properties. Bad rows
and numbers are `tables`' business.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from catalyst_assets.bench.tables import read_numbers, refuse_rows
from catalyst_assets.campaigns.derived import fill_derived
from catalyst_assets.campaigns.evaluations import judge_hits
from catalyst_assets.campaigns.model import Campaign
from catalyst_assets.errors import CatalystError, InvalidCampaignError, InvalidPoolError
from catalyst_assets.ingestion.reading.cif.reader import read_cif
from catalyst_assets.ingestion.reading.files import read_table_bytes
from catalyst_assets.ingestion.reading.tables import Row, csv_columns, parse_text, read_rows
from catalyst_assets.ingestion.records import Problem, find_repeated, read_field
from catalyst_assets.vocabulary.words import unknown

if TYPE_CHECKING:
    from pymatgen.core.structure import Structure

_PROTOTYPE: Final = ("A", "B", "anion")


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


def read_pool(path: Path, campaign: Campaign, *, plausible: bool = False) -> BenchmarkPool:
    """Read a pool and judge it by a campaign; ``plausible`` numbers may look as if they were in another unit.

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
    data = read_table_bytes(path)
    present = csv_columns(data)
    columns = list(_PROTOTYPE) if set(_PROTOTYPE) <= set(present) else ["cif"]
    if not set(columns) <= set(present):
        raise InvalidPoolError(
            f"{path} has neither the columns A, B, anion nor cif; it has {', '.join(present)}.",
            "Name the columns in the first line.",
        )
    needed = _needed(path, present, campaign)
    rows = list(read_rows(path.name, data, [*columns, *needed], columns if columns == ["cif"] else ()))
    refuse_rows(path, [f"row {row.number} {row.problem}" for row in rows if row.problem])
    values = _read_values(path, rows, needed, plausible)
    cells = _read_cells(path, rows, columns)
    structures = _read_structures(path, rows, cells, columns)
    names = _name_rows(path, rows, cells)
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


def _needed(path: Path, present: list[str], campaign: Campaign) -> list[str]:
    """Return the properties to read; a derived one may be absent."""
    absent = [name for name in campaign.learned_properties if name not in present]
    if absent:
        problems = "; ".join(unknown("column", name, present) for name in absent)
        raise InvalidPoolError(
            f"{path} lacks what campaign {campaign.name} needs: {problems}.",
            "Add the column, or name another property in the campaign.",
        )
    return [name for name in campaign.predicted_properties if name in present]


def _read_values(path: Path, rows: list[Row], needed: list[str], plausible: bool) -> pd.DataFrame:
    numbers = [row.number for row in rows]
    return pd.DataFrame(
        {
            name: read_numbers(path, name, [row.cells[name] for row in rows], numbers, plausible=plausible)
            for name in needed
        },
        dtype=np.float64,
    )


def _read_cells(path: Path, rows: list[Row], columns: list[str]) -> list[tuple[str, ...]]:
    """Return what makes each structure, without surrounding blanks."""
    cells, problems = [], list[Problem]()
    for row in rows:
        texts = [
            read_field(parse_text, row.cells[column], f"row {row.number}, {column}", problems, required=True)
            for column in columns
        ]
        cells.append(tuple(text or "" for text in texts))
    refuse_rows(path, [f"{problem.field}: {problem.reason}" for problem in problems])
    return cells


def _read_structures(
    path: Path, rows: list[Row], cells: list[tuple[str, ...]], columns: list[str]
) -> "tuple[Structure, ...]":
    from catalyst_assets.ingestion.prototypes.perovskites import build_cubic_perovskite

    is_cif = columns == ["cif"]
    structures, problems = [], []
    for row, texts in zip(rows, cells, strict=True):
        place = f"row {row.number}, {'/'.join(columns)}"
        try:
            structures.append(read_cif(*texts).to_structure() if is_cif else build_cubic_perovskite(*texts))
        except CatalystError as error:
            problems.append(f"{place}: {error.message.rstrip('.')}")
        except (ValueError, KeyError, IndexError, AssertionError, TypeError) as error:
            problems.append(f"{place}: {' '.join(str(error).split())[:200]}")
    refuse_rows(path, problems)
    return tuple(structures)


def _name_rows(path: Path, rows: list[Row], cells: list[tuple[str, ...]]) -> tuple[str, ...]:
    names = [
        "-".join(texts) if len(texts) > 1 else f"cif:{hashlib.sha256(texts[0].encode()).hexdigest()[:16]}"
        for texts in cells
    ]
    again = find_repeated(enumerate(names))
    refuse_rows(
        path,
        [
            f"row {rows[index].number} is the same material as row {rows[first].number}"
            for index, first in again.items()
        ],
    )
    return tuple(names)
