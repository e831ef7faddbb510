"""Tables that benchmarks read: where the published ones lie, and their numbers by the rules of ingestion.

Published tables lie in a checkout of the project, not in its wheel. A row that cannot be read is refused, because a
benchmark without its hits measures something else.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from catalyst_assets.errors import InvalidPoolError, UsageError
from catalyst_assets.ingestion.reading.spelling import Spelling
from catalyst_assets.ingestion.unit_doubts import ask_unit, find_unit_doubt
from catalyst_assets.vocabulary.known import known_properties
from resources.paths import project_file

_MOST_NAMED: Final = 5
PEROVSKITES: Final = "castelli/perovskites.csv"
PEROV5: Final = "perov5"


def published_table(given: Path | None, name: str, option: str) -> Path:
    """Return the table that was named, or the checkout's own.

    Parameters
    ----------
    given
        What the user named; None if nothing.
    name
        The table below ``catalyst_assets_tests/data``.
    option
        By which it is named.

    Raises
    ------
    UsageError
        Nothing was named, and this is no checkout.
    """
    if given is not None:
        return given
    try:
        return project_file("catalyst_assets_tests") / "data" / name
    except FileNotFoundError:
        raise UsageError(
            f"This installation carries no table {name}; a checkout of the project does.",
            f"Name a table of your own with {option}.",
        ) from None


def read_numbers(
    path: Path,
    column: str,
    cells: Sequence[object],
    rows: Sequence[int],
    *,
    of: str = "",
    plausible: bool = False,
    blank: bool = False,
) -> list[float]:
    """Read the numbers of a column, judged by what is known of its property, if anything is.

    Parameters
    ----------
    rows
        What number each cell's row has in the file.
    of
        The property; that of the column's name if empty.
    plausible
        The numbers are right although they look as if they were in another unit.
    blank
        A cell may be blank, and is NaN then.

    Raises
    ------
    InvalidPoolError
        A cell is no number or unphysical, or the column looks as if it were in another unit.
    """
    numbers: list[float] = []
    problems: list[str] = []
    known = known_properties().get(of or column)
    for row, cell in zip(rows, cells, strict=True):
        try:
            number = Spelling().read_number(cell)
        except ValueError as error:
            problems.append(f"row {row}, {column}: {error}")
            continue
        if number is None:
            numbers.append(math.nan)
            if not blank:
                problems.append(f"row {row}, {column}: is missing")
            continue
        numbers.append(known.without_rounding(number) if known else number)
        if known and not known.admits(number):
            problems.append(
                f"row {row}, {column}: {number:g} {known.unit} is outside {known.range_text}{ask_unit(number, known)}"
            )
    written = [number for number in numbers if not math.isnan(number)]
    doubt = find_unit_doubt(written, known) if known and not plausible else ""
    if known and doubt:
        raise InvalidPoolError(
            f"{path}: {column} does not look like {known.unit}: {doubt}?",
            "Convert the column; if the numbers are right, say --plausible.",
        )
    refuse_rows(path, problems)
    return numbers


def refuse_rows(path: Path, problems: Sequence[str]) -> None:
    """Refuse a table with bad rows; nothing without any.

    Raises
    ------
    InvalidPoolError
        Names the first of them, and how many there are.
    """
    if problems:
        left = len(problems) - _MOST_NAMED
        more = f"; and {left} more" if left > 0 else ""
        named = f"{'; '.join(problems[:_MOST_NAMED]).rstrip('.')}{more}"
        raise InvalidPoolError(
            f"{path}: {named}{'' if named.endswith('?') else '.'}",
            "Correct or remove these rows (the first line is row 1).",
        )
