"""Rows of a table into records, by what its mapping says of the columns.

A bad row is a rejection that names every bad field. Plain functions, also for tables outside the platform.
"""

import sys
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from catalyst_assets.errors import CatalystError, InvalidPoolError, UnreadableStructureError
from catalyst_assets.ingestion.prototypes.formulas import build_from_formula
from catalyst_assets.ingestion.prototypes.perovskites import build_cubic_perovskite
from catalyst_assets.ingestion.reading.cells import Cell
from catalyst_assets.ingestion.reading.cif.reader import read_cif
from catalyst_assets.ingestion.reading.compositions import Stoichiometry, read_composition
from catalyst_assets.ingestion.reading.tables import ASE_SUFFIXES, ATOMS, Row, parse_text, read_rows, shown
from catalyst_assets.ingestion.records import (
    Contents,
    Problem,
    Record,
    Rejection,
    Value,
    find_repeated,
    read_field,
)
from catalyst_assets.ingestion.reference_tables.mapping import (
    CifColumn,
    CompositionColumn,
    DatabaseAtoms,
    FormulaColumns,
    TableMapping,
)
from catalyst_assets.ingestion.reference_tables.resuming import resumed_rows
from catalyst_assets.ingestion.unit_doubts import find_unit_doubt
from catalyst_assets.vocabulary.known import known_properties

if TYPE_CHECKING:
    from pymatgen.core.structure import Structure

_LONGEST_RECORD = 128


def survey_table(mapping: TableMapping, data: bytes) -> Contents:
    """Count a table's rows and find duplicates, without building structures.

    Raises
    ------
    InvalidPoolError
        The bytes are no table, hold no rows, or lack a column of the mapping; or the numbers of a column look as if
        they were in another unit, and the mapping does not say that they are plausible.
    """
    records: list[str] = []
    numbers: dict[str, array[float]] = defaultdict(lambda: array("d"))
    for row in _rows(mapping, data):
        fields = _read_fields(mapping, row)
        records.append("" if fields.problems else fields.record)
        for value in fields.values:
            numbers[value.field].append(value.value)
    _require_units(mapping, numbers)
    return Contents(len(records), find_repeated(enumerate(records)))


def parse_table(
    mapping: TableMapping,
    data: bytes,
    start: int = 0,
    stop: int = sys.maxsize,
    duplicates: Mapping[int, int] | None = None,
) -> Iterator[Record | Rejection]:
    """Turn the rows of a table into records.

    Parameters
    ----------
    start, stop
        Half-open range of rows, counted from 0 without the header.
    duplicates
        Rows to refuse because an earlier one gave the same record: see :class:`Contents`.

    Raises
    ------
    InvalidPoolError
        The bytes are no table, hold no rows, or lack a column of the mapping.
    """
    rows = islice(_rows(mapping, data), start, stop)
    yield from _parse_rows(mapping, enumerate(rows, start), duplicates or {})


def parse_part(
    mapping: TableMapping,
    key: str,
    data: Callable[[], bytes],
    start: int,
    stop: int,
    duplicates: Mapping[int, int],
) -> Iterator[Record | Rejection]:
    """Do what :func:`parse_table` does for one part of a table after another, without reading the rows before it again.

    Parameters
    ----------
    key
        Names the table's bytes and its mapping.
    data
        Returns the bytes.
    """
    if mapping.table_name.endswith(ASE_SUFFIXES):
        # The process that reads them is not kept waiting.
        yield from parse_table(mapping, data(), start, stop, duplicates)
        return
    rows = resumed_rows(key, lambda: _rows(mapping, data()), start, stop)
    yield from _parse_rows(mapping, enumerate(rows, start), duplicates)


def _parse_rows(
    mapping: TableMapping, rows: Iterable[tuple[int, Row]], again: Mapping[int, int]
) -> Iterator[Record | Rejection]:
    """Turn numbered rows of a table into records; refuse those that are in ``again``."""
    table_name = mapping.table_name
    for index, row in rows:
        fields = _read_fields(mapping, row)
        problems = list(fields.problems)
        structure = None
        if index in again:
            problems.append(
                Problem(
                    ", ".join(mapping.record_columns), f"{fields.record} was already given by an earlier row"
                )
            )
        if not problems:
            structure = _build_structure(mapping, row, fields.texts, problems)
        place = f"{table_name} row {row.number}"
        if structure is None:
            yield Rejection(place, tuple(problems), _payload(mapping, row, fields, problems))
        else:
            yield Record(mapping.source, fields.record, place, structure, fields.values)


def _require_units(mapping: TableMapping, numbers: Mapping[str, Sequence[float]]) -> None:
    known = known_properties()
    doubts = {
        column: find_unit_doubt(numbers.get(column, ()), known[content.property])
        for column, content in mapping.properties.items()
        if not content.plausible
    }
    asked = [
        f"{column} does not look like {mapping.properties[column].property} in {mapping.properties[column].unit}: "
        f"{doubt}?"
        for column, doubt in doubts.items()
        if doubt
    ]
    if asked:
        raise InvalidPoolError(
            f"{mapping.table_name}: {' '.join(asked)}",
            "Correct the unit in the mapping file or convert the column; if the numbers are right, say "
            "`plausible: true` for it.",
        )


def _rows(mapping: TableMapping, data: bytes) -> Iterator[Row]:
    return read_rows(
        mapping.table_name, data, mapping.columns, mapping.long_columns, delimiter=mapping.delimiter
    )


@dataclass(frozen=True)
class _Fields:
    """The cells of a row, read; ``record`` is empty when it cannot be told."""

    record: str
    texts: Mapping[str, str]
    values: tuple[Value, ...]
    problems: tuple[Problem, ...]


def _read_fields(mapping: TableMapping, row: Row) -> _Fields:
    if row.problem:
        return _Fields("", {}, (), (Problem("row", row.problem),))
    problems: list[Problem] = []
    texts: dict[str, str] = {}
    for column in dict.fromkeys((*mapping.record_columns, *mapping.structure.columns)):
        text = read_field(parse_text, row.cells[column], column, problems, required=True)
        if text is not None:
            texts[column] = text
    values: list[Value] = []
    read_number = mapping.spelling.read_number
    for column, content in mapping.properties.items():
        number = read_field(read_number, row.cells[column], column, problems, required=content.required)
        if number is not None:
            unit, converted = content.stored
            values.append(Value(content.property, converted(number), unit, content.method, column))
    if mapping.answers and not values and not problems:
        problems.append(Problem(", ".join(mapping.properties), "are all missing: the row answers nothing"))
    record = ""
    if all(column in texts for column in mapping.record_columns):
        try:
            record = mapping.name_record([texts[column] for column in mapping.record_columns])
        except UnreadableStructureError as error:
            problems.append(Problem(", ".join(mapping.record_columns), str(error).rstrip(".")))
            return _Fields("", texts, tuple(values), tuple(problems))
        if len(record) > _LONGEST_RECORD or not record.isprintable() or any(map(str.isspace, record)):
            reason = f"{shown(record)} cannot name a record: at most {_LONGEST_RECORD} characters, no blanks"
            problems.append(Problem(", ".join(mapping.record_columns), reason))
            record = ""
    return _Fields(record, texts, tuple(values), tuple(problems))


def _build_structure(
    mapping: TableMapping, row: Row, texts: Mapping[str, str], problems: list[Problem]
) -> "Structure | Cell | Stoichiometry | None":
    columns = mapping.structure.columns
    try:
        if isinstance(mapping.structure, DatabaseAtoms):
            atoms = row.cells[ATOMS]
            if isinstance(atoms, Cell):
                return atoms
            problems.append(Problem("atoms", str(atoms)))
            return None
        if isinstance(mapping.structure, CifColumn):
            return read_cif(texts[mapping.structure.cif])
        if isinstance(mapping.structure, CompositionColumn):
            return read_composition(texts[mapping.structure.composition])
        if isinstance(mapping.structure, FormulaColumns):
            return build_from_formula(*(texts[column] for column in columns))
        return build_cubic_perovskite(*(texts[column] for column in columns))
    except UnreadableStructureError as error:
        problems.append(Problem(", ".join(columns), str(error).rstrip(".")))
    except CatalystError as error:
        problems.append(Problem(", ".join(columns), error.message))
    except Exception as error:
        # pymatgen raises whatever its parser stumbles upon; the row is bad, not the batch.
        reason = " ".join(str(error).split())
        problems.append(
            Problem(", ".join(columns), f"is no crystal ({type(error).__name__}: {shown(reason)})")
        )
    return None


def _payload(mapping: TableMapping, row: Row, fields: _Fields, problems: Sequence[Problem]) -> dict[str, Any]:
    # Good cells of value columns stay out: quarantine is read by those who may not see answers.
    named = {*mapping.record_columns, *mapping.structure.columns, *(problem.field for problem in problems)}
    return {
        "file": mapping.table_name,
        "row": row.number,
        "fields": [problem.field for problem in problems],
        "record": fields.record,
        "cells": {
            column: shown(row.cells[column]) for column in mapping.columns if column in named & set(row.cells)
        },
    }
