"""Reading the table of a benchmark: structures to choose from, and the answers that are kept from the model.

What a row is, its columns say: `_LAYOUTS`; the other columns are properties, each named after one or after one and its
unit. Bad rows and numbers are `tables`' business.
"""

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from catalyst_assets.bench.tables import read_numbers, refuse_rows
from catalyst_assets.campaigns.derived import fill_derived
from catalyst_assets.campaigns.evaluations import judge_hits
from catalyst_assets.campaigns.model import Campaign
from catalyst_assets.errors import CatalystError, InvalidCampaignError, InvalidPoolError
from catalyst_assets.ingestion.prototypes.formulas import build_from_formula
from catalyst_assets.ingestion.reading.cif.reader import read_cif
from catalyst_assets.ingestion.reading.compositions import read_composition
from catalyst_assets.ingestion.reading.files import read_table_bytes
from catalyst_assets.ingestion.reading.tables import Row, csv_columns, parse_text, read_rows
from catalyst_assets.ingestion.records import Problem, find_repeated, read_field
from catalyst_assets.vocabulary.known import known_properties
from catalyst_assets.vocabulary.words import unknown

if TYPE_CHECKING:
    from pymatgen.core.composition import Composition
    from pymatgen.core.structure import Structure


@dataclass(frozen=True)
class _Layout:
    """How a row becomes a candidate.

    Attributes
    ----------
    columns
        That make it.
    build
        Returns it from their texts.
    name
        Returns what it is called, the same for what is the same.
    is_long
        Whether cells may hold line breaks.
    """

    columns: tuple[str, ...]
    build: "Callable[..., Structure | Composition]"
    name: Callable[..., str] = lambda *texts: "-".join(texts)
    is_long: bool = False


def _cubic_perovskite(a_site: str, b_site: str, anions: str) -> "Structure":
    from catalyst_assets.ingestion.prototypes.perovskites import build_cubic_perovskite

    return build_cubic_perovskite(a_site, b_site, anions)


# Of several whose columns a table has, the first.
_LAYOUTS: Final = (
    _Layout(("A", "B", "anion"), _cubic_perovskite),
    _Layout(
        ("cif",),
        lambda cif: read_cif(cif).to_structure(),
        lambda cif: f"cif:{hashlib.sha256(cif.encode()).hexdigest()[:16]}",
        is_long=True,
    ),
    _Layout(
        ("formula", "prototype"),
        lambda formula, prototype: build_from_formula(formula, prototype).to_structure(),
    ),
    _Layout(
        ("composition",),
        lambda text: read_composition(text).to_pymatgen(),
        lambda text: read_composition(text).formula,
    ),
)


@dataclass(frozen=True)
class BenchmarkPool:
    """A pool with all its answers.

    Attributes
    ----------
    material_ids, formulas, chemical_systems
        One a row.
    structures
        What is known of each before anything is computed: a structure, or a composition alone.
    columns
        The columns that make a candidate of a row.
    rows
        What number each candidate's row has in the table.
    answers
        The table, and the columns of it that hold answers.
    values
        A column for each property that the campaign learns or judges by, derived where the table has none.
    is_hit
        Shape (n,): whether the values meet the campaign's criteria, and are among the best by its objective where
        the best are asked for.
    n_unanswered
        Rows that were left out, because a value that the campaign learns is blank.
    """

    material_ids: tuple[str, ...]
    formulas: tuple[str, ...]
    chemical_systems: tuple[str, ...]
    structures: "tuple[Structure | Composition, ...]"
    values: pd.DataFrame
    is_hit: np.ndarray
    columns: tuple[str, ...] = ()
    n_unanswered: int = 0
    rows: tuple[int, ...] = ()
    answers: tuple[Path | None, tuple[str, ...]] = (None, ())


def read_pool(
    path: Path, campaign: Campaign, *, plausible: bool = False, best: int | None = None
) -> BenchmarkPool:
    """Read a pool and judge it by a campaign.

    Parameters
    ----------
    plausible
        Numbers may look as if they were in another unit.
    best
        Hits are that many by the objective, of those that meet the criteria if there are any, and what equals the last.

    Raises
    ------
    InvalidPoolError
        The file is missing, no table, lacks a column, or has a bad row; the message names it.
    InvalidCampaignError
        The campaign has no criteria and the best are not asked for, or has no objective and they are.
    """
    _require_goal(campaign, best)
    data = read_table_bytes(path)
    present = csv_columns(data)
    layout = _choose_layout(path, present)
    needed = _needed(path, present, campaign)
    rows = list(
        read_rows(
            path.name,
            data,
            [*layout.columns, *needed.values()],
            layout.columns if layout.is_long else (),
        )
    )
    refuse_rows(path, [f"row {row.number} {row.problem}" for row in rows if row.problem])
    values = _read_values(path, rows, needed, plausible)
    answered = values[list(campaign.learned_properties)].notna().all(axis=1).to_numpy()
    n_unanswered = int((~answered).sum())
    rows = [row for row, known in zip(rows, answered, strict=True) if known]
    values = values[answered].reset_index(drop=True)
    cells = _read_cells(path, rows, layout.columns)
    structures = _read_structures(path, rows, cells, layout)
    names = _name_rows(path, rows, cells, layout)
    compositions = [getattr(structure, "composition", structure) for structure in structures]
    formulas = tuple(composition.reduced_formula for composition in compositions)
    filled = fill_derived(campaign, values, formulas)
    hits = _judge(campaign, filled, formulas, best)
    if not hits.any():
        raise InvalidPoolError(
            f"{path} holds no hit of campaign {campaign.name}: there is nothing to discover.",
            "Check the criteria, their units and the file.",
        )
    return BenchmarkPool(
        material_ids=names,
        formulas=formulas,
        chemical_systems=tuple(composition.chemical_system for composition in compositions),
        structures=structures,
        values=filled,
        is_hit=hits,
        columns=layout.columns,
        n_unanswered=n_unanswered,
        rows=tuple(row.number for row in rows),
        answers=(path, tuple(needed.values())),
    )


def read_prior(path: Path, column: str, pool: BenchmarkPool, *, of: str) -> NDArray[np.float64]:
    """Read what is known cheaply of a pool from a column of another table.

    Rows belong to candidates by the columns that make those, or by a column ``formula`` or ``reaction`` (the formula
    before the first underscore, as Catalysis-Hub writes a slab and its reaction). Of several rows of a candidate the
    lowest value counts, as of adsorption energies that of the most stable site; blank cells, other materials and names that
    are no formula are passed over.

    Parameters
    ----------
    of
        The property.

    Returns
    -------
    Shape (n,), NaN where the table says nothing.

    Raises
    ------
    InvalidPoolError
        The file is missing, no table, lacks a column, has a bad number, or knows no candidate; the column holds the
        pool's own answers, or is of several reactions.
    """
    table, answers = pool.answers
    if table is not None and path.resolve() == table.resolve() and column in answers:
        raise InvalidPoolError(
            f"{column} of {path} is what the campaign asks for, and no prior.",
            "Name a column of cheaper answers.",
        )
    data = read_table_bytes(path)
    present = csv_columns(data)
    if set(pool.columns) <= set(present):
        named, keys = pool.columns, pool.material_ids
    elif found := [name for name in ("formula", "reaction") if name in present]:
        named, keys = (found[0],), pool.formulas
    else:
        raise InvalidPoolError(
            f"{path} does not say which candidates its rows are of; it has {', '.join(present)}.",
            f"Give it the columns {', '.join(pool.columns)}, or one named formula.",
        )
    rows = list(read_rows(path.name, data, [*named, column]))
    refuse_rows(path, [f"row {row.number} {row.problem}" for row in rows if row.problem])
    numbers = read_numbers(
        path, column, [row.cells[column] for row in rows], [row.number for row in rows], of=of, blank=True
    )
    cells = _read_cells(path, rows, named)
    products = {texts[0].partition("->")[2].strip().partition("_")[0] for texts in cells}
    if named == ("reaction",) and len(products) > 1:
        raise InvalidPoolError(
            f"{path} holds several reactions, to {', '.join(sorted(products))}.", "Give it the rows of one."
        )
    lowest: dict[str, float] = {}
    for row, texts, number in zip(rows, cells, numbers, strict=True):
        name = _candidate_of(path, row, named, texts)
        if name is None:
            continue
        lowest[name] = (
            min(number, lowest.get(name, math.inf)) if math.isfinite(number) else lowest.get(name, math.nan)
        )
    values = np.array([lowest.get(key, math.nan) for key in keys])
    if not np.isfinite(values).any():
        raise InvalidPoolError(
            f"{path} says {column} of no candidate of the pool.", "Name its rows as the pool names its own."
        )
    return values


def _candidate_of(path: Path, row: Row, named: tuple[str, ...], cells: tuple[str, ...]) -> str | None:
    """Return the name, or the reduced formula, of the candidate that a row is of; None where that is no formula."""
    if named in {("formula",), ("reaction",)}:
        try:
            return read_composition(cells[0].partition("_")[0]).formula
        except CatalystError:
            return None
    try:
        (layout,) = (layout for layout in _LAYOUTS if layout.columns == named)
        return layout.name(*cells)
    except CatalystError as error:
        problem = f"row {row.number}, {'/'.join(named)}: {error.message.rstrip('.')}"
        refuse_rows(path, [problem])
        raise


def _require_goal(campaign: Campaign, best: int | None) -> None:
    if best is None and not campaign.criteria:
        raise InvalidCampaignError(
            f"Campaign {campaign.name} has an objective, and a benchmark of discovery counts hits.",
            "Give criteria, or say with --best how many of the pool count as hits.",
        )
    if best is not None and campaign.objective is None:
        raise InvalidCampaignError(
            f"Campaign {campaign.name} has no objective by which some are the best.",
            "Give an objective, or leave out --best.",
        )


def _choose_layout(path: Path, present: list[str]) -> _Layout:
    for layout in _LAYOUTS:
        if set(layout.columns) <= set(present):
            return layout
    known = "; ".join(", ".join(layout.columns) for layout in _LAYOUTS)
    raise InvalidPoolError(
        f"{path} has none of these columns: {known}. It has {', '.join(present)}.",
        "Name the columns in the first line.",
    )


def _judge(
    campaign: Campaign, values: pd.DataFrame, formulas: tuple[str, ...], best: int | None
) -> np.ndarray:
    """Return which rows are hits, shape (n,)."""
    suits = (
        np.array(judge_hits(campaign, values, formulas))
        if campaign.criteria
        else np.ones(len(values), dtype=bool)
    )
    if best is None or campaign.objective is None or not suits.any():
        return suits
    wanted = values[campaign.objective.property].to_numpy(np.float64)
    if campaign.objective.direction == "maximize":
        wanted = -wanted
    last = np.sort(wanted[suits])[:best][-1]
    found: np.ndarray = suits & (wanted <= last)
    return found


def _needed(path: Path, present: list[str], campaign: Campaign) -> dict[str, str]:
    """Return the columns to read by property; a derived one may be absent."""
    known = known_properties()
    columns: dict[str, str] = {}
    for name in campaign.predicted_properties:
        with_unit = f"{name}_{known[name].unit}" if name in known else name
        found = [column for column in (name, with_unit) if column in present]
        if found:
            columns[name] = found[0]
    absent = [name for name in campaign.learned_properties if name not in columns]
    if absent:
        problems = "; ".join(unknown("column", name, present) for name in absent)
        raise InvalidPoolError(
            f"{path} lacks what campaign {campaign.name} needs: {problems}.",
            "Add the column, or name another property in the campaign.",
        )
    return columns


def _read_values(path: Path, rows: list[Row], needed: dict[str, str], plausible: bool) -> pd.DataFrame:
    numbers = [row.number for row in rows]
    return pd.DataFrame(
        {
            name: read_numbers(
                path,
                column,
                [row.cells[column] for row in rows],
                numbers,
                of=name,
                plausible=plausible,
                blank=True,
            )
            for name, column in needed.items()
        },
        dtype=np.float64,
    )


def _read_cells(path: Path, rows: list[Row], columns: tuple[str, ...]) -> list[tuple[str, ...]]:
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
    path: Path, rows: list[Row], cells: list[tuple[str, ...]], layout: _Layout
) -> "tuple[Structure | Composition, ...]":
    structures, problems = [], []
    for row, texts in zip(rows, cells, strict=True):
        place = f"row {row.number}, {'/'.join(layout.columns)}"
        try:
            structures.append(layout.build(*texts))
        except CatalystError as error:
            problems.append(f"{place}: {error.message.rstrip('.')}")
        except (ValueError, KeyError, IndexError, AssertionError, TypeError) as error:
            problems.append(f"{place}: {' '.join(str(error).split())[:200]}")
    refuse_rows(path, problems)
    return tuple(structures)


def _name_rows(path: Path, rows: list[Row], cells: list[tuple[str, ...]], layout: _Layout) -> tuple[str, ...]:
    names = [layout.name(*texts) for texts in cells]
    again = find_repeated(enumerate(names))
    refuse_rows(
        path,
        [
            f"row {rows[index].number} is the same material as row {rows[first].number}"
            for index, first in again.items()
        ],
    )
    return tuple(names)
