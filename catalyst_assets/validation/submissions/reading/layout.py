"""How a sheet is laid out beyond its header: a row of units below it, the sign before decimals."""

from collections.abc import Sequence
from dataclasses import replace

from catalyst_assets.validation.submissions.reading.columns import Column
from catalyst_assets.validation.submissions.reading.quantities import DecimalSign, find_decimal_sign
from catalyst_assets.validation.submissions.reading.sheets import Sheet
from catalyst_assets.vocabulary.units import find_unit_problem

_NAMES_MATERIAL = frozenset({"candidate", "material_id", "formula", "structure"})
_NUMBERS = frozenset({"value", "standard_deviation", "variance"})


def find_decimal(sheet: Sheet, rows: Sequence[tuple[int, Sequence[object]]]) -> DecimalSign:
    """Tell from the first rows of a sheet which sign stands before decimals."""
    indices = [column.index for column in sheet.columns if _holds_numbers(column)]
    texts = (row[i] for _, row in rows for i in indices if i < len(row))
    return find_decimal_sign((text for text in texts if isinstance(text, str)), sheet.delimiter)


def is_row_of_units(columns: Sequence[Column], row: Sequence[object]) -> bool:
    """Tell whether the row below a header holds units, as programs for plotting write them."""
    if any(_cell(c, row) for c in columns if c.kind == "field" and c.name in _NAMES_MATERIAL):
        return False
    said = [text for c in columns if _holds_numbers(c) and (text := _cell(c, row))]
    return bool(said) and not any(text[0].isdigit() or find_unit_problem(text) for text in said)


def with_units(columns: Sequence[Column], row: Sequence[object]) -> list[Column]:
    """Return columns with the units that a row below the header gives them."""
    return [
        replace(column, unit=column.unit or _cell(column, row)) if _holds_numbers(column) else column
        for column in columns
    ]


def _holds_numbers(column: Column) -> bool:
    return column.kind in ("property", "deviation") or (column.kind == "field" and column.name in _NUMBERS)


def _cell(column: Column, row: Sequence[object]) -> str:
    cell = row[column.index] if column.index < len(row) else None
    return "" if cell is None else str(cell).strip("[]() ")
